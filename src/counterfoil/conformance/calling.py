"""Suites that call: a vendor's client against its own simulator, with lost answers, throttling and money read back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

from counterfoil.conformance.evidence import Evidence
from counterfoil.conformance.stage import Stage, on_stage, rehearsal_of
from counterfoil.conformance.verdict import Verdict, failed, judged, not_applicable
from counterfoil.core.commands import AnyCommand
from counterfoil.ports.outcomes import Busy, Done, NotYet, Outcome, Unknown
from counterfoil.ports.rehearsal import Rehearsal
from counterfoil.ports.vendors import ErpClient, VendorSpec

LOST, THROTTLING = "lost acknowledgement", "throttling"
TRIES = 40
PAUSE_S = 0.05
_MAY_HAVE_HAPPENED = ("timeout_after_commit", "500_after_commit", "wrong_body")
_CURE_STAGE = (
    "Write a simulator from the vendor's documentation, name it in SPEC.sim, and a module `rehearsal` beside it with a "
    "REHEARSAL (ports/rehearsal.py says what belongs in it)."
)


def lost_acknowledgement(evidence: Evidence) -> Verdict:
    """A write whose answer was lost is found by its key, and exists once however often it is sent."""
    ready = _ready(LOST, evidence.spec)
    if isinstance(ready, Verdict):
        return ready
    if ready.write is None or ready.made is None:
        return not_applicable(LOST, "its client only reads; a lost answer is asked for again")
    wrongs: list[str] = []
    with on_stage(evidence.spec, ready) as stage:
        for kind in (*_MAY_HAVE_HAPPENED, "timeout_before"):
            stage.control.post("reset", {})
            wrongs += _lose(stage, ready.write, ready.made, kind)
    return judged(
        LOST,
        wrongs,
        f"one effect under {len(_MAY_HAVE_HAPPENED) + 1} faults, looked up before it is repeated",
        "A write that may have arrived ends as Unknown; `find` looks it up by a reference computed from the command's "
        "key, and gives Done, or None when it is surely absent.",
    )


def _lose(
    stage: Stage,
    write: Callable[..., AnyCommand],
    made: Callable[..., int],
    kind: str,
) -> list[str]:
    command = write(stage.client, stage.control)
    before = made(stage.control.state(), command)
    stage.control.post("faults", {"match": stage.rehearsal.request, "kind": kind, "times": 1})
    first = stage.client.perform(command)
    if not isinstance(first, Unknown | Done):
        return [f"{kind}: the write ends as {_told(first)}, not as Unknown"]
    settled = _settled(stage, command, first)
    if not isinstance(settled, Done):
        return [f"{kind}: the write never settles, last {_told(settled)}"]
    if stage.client.find(command) is None:  # as the worker does before any repeat
        stage.client.perform(command)
    held = _counted(lambda: made(stage.control.state(), command))
    struck = stage.control.state().get("faults_struck", {}).get(kind, 0)
    wrongs = [] if struck else [f"{kind}: the fault struck no request; `request` names another than the write's"]
    if before != 0 or held != 1:
        wrongs.append(f"{kind}: the vendor holds {held} of it (before: {before}), not one")
    return wrongs


def _settled(stage: Stage, command: AnyCommand, outcome: Outcome | None) -> Outcome | None:
    """As the worker does it: after a try that may have happened, look it up before trying again."""
    for _ in range(TRIES):
        if isinstance(outcome, Done):
            return outcome
        found = stage.client.find(command)
        outcome = found if found is not None else stage.client.perform(command)
        if isinstance(outcome, Busy | NotYet):
            time.sleep(PAUSE_S)
    return outcome


def _counted(count: Callable[[], int]) -> int:
    """Some vendors do the work a moment after they answer."""
    for _ in range(TRIES):
        found = count()
        if found:
            time.sleep(PAUSE_S)  # long enough for a second one to appear
            return count()
        time.sleep(PAUSE_S)
    return 0


def throttling(evidence: Evidence) -> Verdict:
    """A call refused for its rate ends as Busy, writes nothing, and goes through later."""
    ready = _ready(THROTTLING, evidence.spec)
    if isinstance(ready, Verdict):
        return ready
    attempt = ready.write or ready.read
    if attempt is None:
        return failed(THROTTLING, "the rehearsal names neither a write nor a read", _CURE_STAGE)
    wrongs: list[str] = []
    with on_stage(evidence.spec, ready) as stage:
        for times in (1, 30):
            stage.control.post("reset", {})
            wrongs += _throttle(stage, attempt, times)
    return judged(
        THROTTLING,
        wrongs,
        "refused for its rate once and thirty times, then through",
        "Map the vendor's throttling to Busy with its waiting time; never to Refused, and never to Unknown: nothing "
        "was written.",
    )


def _throttle(stage: Stage, attempt: Callable[..., AnyCommand], times: int) -> list[str]:
    command = attempt(stage.client, stage.control)
    stage.control.post("faults", {"match": stage.rehearsal.request, "kind": "429", "times": times})
    first = stage.client.perform(command)
    struck = stage.control.state().get("faults_struck", {}).get("429", 0)
    if not struck:
        return ["the throttling struck no request; `request` names another than the command's"]
    if times > 1 and not isinstance(first, Busy):
        return [f"a call that was throttled {struck} times ends as {_told(first)}, not as Busy"]
    if not isinstance(first, Busy | Done):
        return [f"a throttled call ends as {_told(first)}"]
    held = stage.rehearsal.made(stage.control.state(), command) if stage.rehearsal.made and times > 1 else 0
    if held:
        return [f"a throttled write was made all the same ({held})"]
    later: Outcome = first
    for _ in range(TRIES):
        if isinstance(later, Done):
            return []
        later = stage.client.perform(command)
    return [f"after the throttling it still ends as {_told(later)}"]


def credit_wrongs(suite: str, evidence: Evidence) -> Verdict:
    """An ERP's credit note is read back with the amount it was posted with, by its reference and in the list."""
    ready = _ready(suite, evidence.spec)
    if isinstance(ready, Verdict):
        return ready
    if ready.credit is None:
        return failed(suite, "the rehearsal posts no credit note", _CURE_STAGE)
    with on_stage(evidence.spec, ready) as stage:
        client = cast("ErpClient", stage.client)
        command = ready.credit(client, stage.control)
        posted = client.perform(command)
        wrongs = _read_back(client, command.credit.total_gross, posted, command.credit_date)
    return judged(
        suite,
        wrongs,
        "a credit note read back with the amount it was posted with",
        "Read the document after posting and give its own total; `documents` and `find_by_ref` must show it.",
    )


def _read_back(client: ErpClient, asked: int, posted: Outcome, credited_on: str) -> list[str]:
    if not isinstance(posted, Done):
        return [f"posting ends as {_told(posted)}"]
    wrongs = [] if posted.total == asked else [f"{asked} was asked for, {posted.total} is read back"]
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    listed = list(client.documents("credit_note", min(credited_on, today), max(credited_on, today)))
    mine = [one for one in listed if one.number == posted.number or one.ref == posted.ref]
    if len(mine) != 1:
        return [*wrongs, f"the list of credit notes shows it {len(mine)} times"]
    if mine[0].amount != asked:
        wrongs.append(f"the list shows {mine[0].amount} where {asked} was posted")
    if mine[0].external_ref is None or client.find_by_ref("credit_note", mine[0].external_ref) is None:
        wrongs.append("it is not found by our reference")
    return wrongs


def _ready(suite: str, spec: VendorSpec) -> Rehearsal | Verdict:
    if spec.build is None:
        return not_applicable(suite, f"{spec.title} only sends; there is nothing to call")
    if not spec.sim:
        return not_applicable(suite, f"{spec.title} names no simulator")
    found = rehearsal_of(spec)
    return found or failed(suite, "it has a client and a simulator, but no rehearsal", _CURE_STAGE)


def _told(outcome: object) -> str:
    said = getattr(outcome, "message", "")
    return f"{type(outcome).__name__}{f' ({said})' if said else ''}"
