"""Asynchronous writes, for accounts that are told to use them: queue, poll the job, survive a restart (sheet §1, §7).

Nothing is remembered here. The idempotency key is computed from the external id, so a worker that starts anew and
sends again is told the first job's address and goes on waiting for it. When such an old job had been refused, and a
person mended the cause since, the write is queued anew under a key computed from the refused job as well.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from counterfoil.adapterkit.http import Answered
from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object
from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.errors import Meaning, Verdict, classify, record_id
from counterfoil.erps.netsuite.session import Session

JOBS = "/services/rest/async/v1/job"
POLL_PAUSE_S = 0.5
KEYS_MAX = 20  # refused jobs of one document we walk past
DONE = (Meaning.CREATED, Meaning.OK, Meaning.DUPLICATE)


def idempotency_key(token: str) -> str:
    """The UUID of a write (§1), the same for the same external id."""
    return str(uuid5(NAMESPACE_URL, f"counterfoil:{token}"))


def send(session: Session, path: str, body: Any, params: Mapping[str, str], external_id: str, wait_s: float) -> Verdict:
    """Queue a new document and say what became of it; ACCEPTED while the job is still running."""
    token = external_id
    verdict = Verdict(meaning=Meaning.UNCLEAR, message="NetSuite refused every job of this document.")
    for _ in range(KEYS_MAX):
        headers = {
            **wire.WRITE_HEADERS,
            "prefer": "respond-async",
            "X-NetSuite-Idempotency-Key": idempotency_key(token),
        }
        answer = session.call("POST", path, writes=True, params=params, body=body, headers=headers)
        verdict = classify(answer.status, answer.headers, answer.body)
        again = verdict.code == "IDEMPOTENCY_ERROR"
        job = record_id(answer.headers.get("location", ""))
        if (verdict.meaning is not Meaning.ACCEPTED and not again) or job is None:
            return verdict
        verdict = follow(session, job, wait_s)
        if verdict.meaning is Meaning.ACCEPTED or verdict.meaning in DONE or not again:
            return verdict
        token = f"{external_id}#{job}"
    return verdict


def follow(session: Session, job: str, wait_s: float) -> Verdict:
    """What a job came to; ACCEPTED when it is still running after `wait_s` seconds."""
    until = time.monotonic() + wait_s
    while True:
        state = _read(session, f"{JOBS}/{job}")
        if isinstance(state, Verdict):
            return state
        if state.flag("completed"):
            return _result(session, job)
        if time.monotonic() >= until:
            return Verdict(
                meaning=Meaning.ACCEPTED, message=f"NetSuite has queued it as job {job} and is not done yet."
            )
        time.sleep(POLL_PAUSE_S)


def _result(session: Session, job: str) -> Verdict:
    """The answer of a finished job, as if the call had been synchronous (the last path is inferred, §1)."""
    tasks = _read(session, f"{JOBS}/{job}/task")
    if isinstance(tasks, Verdict):
        return tasks
    task = next((row.text("id") for row in tasks.each("items")), None)
    if task is None:
        return _lost(job, "it names no task")
    answer = session.call("GET", f"{JOBS}/{job}/task/{task}/result", writes=False)
    return classify(answer.status, answer.headers, answer.body)


def _read(session: Session, path: str) -> Fields | Verdict:
    """A page of the job service, or a verdict that leaves open whether anything was written."""
    answer: Answered = session.call("GET", path, writes=False)
    job = path.removeprefix(f"{JOBS}/").split("/", 1)[0]
    if answer.status != 200:
        return _lost(job, f"status {answer.status}")
    try:
        return read_object(answer.body)
    except UnreadableError as error:
        return _lost(job, str(error))


def _lost(job: str, why: str) -> Verdict:
    return Verdict(meaning=Meaning.BROKEN, message=f"NetSuite's job {job} cannot be read.", detail=why)
