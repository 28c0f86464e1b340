"""Asynchronous requests: a job that is done at once, and the idempotency key (NetSuite sheet §1, §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from counterfoil.erps.netsuite.sim.errors import Detail, Refusal, not_found
from counterfoil.simkit.http import Request, Response, json_response

_ROOT = "/services/rest/async/v1/job"


@dataclass(frozen=True, slots=True)
class Job:
    """One queued request and its answer."""

    id: str
    answer: Response


class Jobs:
    """The async service of the account."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._by_key: dict[str, str] = {}

    def submit(self, request: Request, root: str, work: Callable[[], Response]) -> Response:
        """Do the work and answer 202 with the job's address. A repeated idempotency key is a conflict (sheet §7)."""
        key = request.headers.get("x-netsuite-idempotency-key")
        if key is not None and key in self._by_key:
            text = "A request with the same idempotency key is already submitted."
            where = {"location": f"{root}{_ROOT}/{self._by_key[key]}"}
            raise Refusal(400, (Detail(text, "IDEMPOTENCY_ERROR"),), title="Conflict", headers=where)
        job_id = str(len(self._jobs) + 1)
        if key is not None:
            self._by_key[key] = job_id
        try:
            answer = work()
        except Refusal as refused:
            answer = refused.response()
        self._jobs[job_id] = Job(job_id, answer)
        return Response(202, b"", {"preference-applied": "respond-async", "location": f"{root}{_ROOT}/{job_id}"})

    def read(self, path: list[str], root: str) -> Response:
        """Answer `job/{id}`, `/task`, `/task/{id}` and `/task/{id}/result`."""
        job = self._jobs.get(path[0]) if path else None
        if job is None:
            raise not_found()
        base = f"{root}{_ROOT}/{job.id}"
        match path[1:]:
            case []:
                return json_response({**_state(job), "task": {"links": _links(f"{base}/task")}, "links": _links(base)})
            case ["task"]:
                items = [{"links": _links(f"{base}/task/1"), "id": "1"}]
                return json_response({"links": _links(f"{base}/task"), "count": 1, "hasMore": False, "items": items})
            case ["task", "1"]:
                return json_response({**_state(job), "result": {"links": _links(f"{base}/task/1/result")}})
            case ["task", "1", "result"]:
                return job.answer
        raise not_found()


def _state(job: Job) -> dict[str, Any]:
    progress = "succeeded" if job.answer.status < 400 else "failed"
    return {"id": job.id, "completed": True, "progress": progress}


def _links(href: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": href}]
