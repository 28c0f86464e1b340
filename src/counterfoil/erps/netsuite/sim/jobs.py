"""Asynchronous requests: a job that is done at once or after some polls, and the idempotency key (NetSuite sheet §1, §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.errors import Detail, Refusal, not_found
from counterfoil.simkit.http import Request, Response, json_response

_ROOT = "/services/rest/async/v1/job"


@dataclass(slots=True)
class Job:
    """One queued request: its work until that is done, then its answer."""

    id: str
    work: Callable[[], Response]
    polls_left: int
    answer: Response | None = None

    def asked(self) -> Response | None:
        """The answer, once the job has been asked for often enough to be done."""
        if self.answer is None and self.polls_left <= 0:
            try:
                self.answer = self.work()
            except Refusal as refused:
                self.answer = refused.response()
        self.polls_left -= 1
        return self.answer


class Jobs:
    """The async service of the account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._jobs: dict[str, Job] = {}
        self._by_key: dict[str, str] = {}

    def submit(self, request: Request, root: str, work: Callable[[], Response]) -> Response:
        """Queue the work and answer 202 with the job's address. A repeated idempotency key is a conflict (sheet §7)."""
        key = request.headers.get("x-netsuite-idempotency-key")
        if key is not None and key in self._by_key:
            text = "A request with the same idempotency key is already submitted."
            where = {"location": f"{root}{_ROOT}/{self._by_key[key]}"}
            raise Refusal(400, (Detail(text, "IDEMPOTENCY_ERROR"),), title="Conflict", headers=where)
        job_id = str(len(self._jobs) + 1)
        if key is not None:
            self._by_key[key] = job_id
        job = Job(job_id, work, self._account.preferences.job_polls)
        self._jobs[job_id] = job
        if job.polls_left <= 0:
            job.asked()
        return Response(202, b"", {"preference-applied": "respond-async", "location": f"{root}{_ROOT}/{job_id}"})

    def read(self, path: list[str], root: str) -> Response:
        """Answer `job/{id}`, `/task`, `/task/{id}` and `/task/{id}/result`."""
        job = self._jobs.get(path[0]) if path else None
        if job is None:
            raise not_found()
        base, answer = f"{root}{_ROOT}/{job.id}", job.asked() if len(path) == 1 else job.answer
        match path[1:]:
            case []:
                return json_response({**_state(job), "task": {"links": _links(f"{base}/task")}, "links": _links(base)})
            case ["task"]:
                items = [{"links": _links(f"{base}/task/1"), "id": "1"}]
                return json_response({"links": _links(f"{base}/task"), "count": 1, "hasMore": False, "items": items})
            case ["task", "1"]:
                return json_response({**_state(job), "result": {"links": _links(f"{base}/task/1/result")}})
            case ["task", "1", "result"] if answer is not None:
                return answer
        raise not_found()


def _state(job: Job) -> dict[str, Any]:
    if job.answer is None:
        return {"id": job.id, "completed": False, "progress": "processing"}
    return {"id": job.id, "completed": True, "progress": "succeeded" if job.answer.status < 400 else "failed"}


def _links(href: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": href}]
