"""Posting by cycle (D9): documents wait for the end of their cycle and carry the batch it makes one line of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from counterfoil.core.case import ReturnCase, StepState
from counterfoil.core.commands import PostCreditNote
from counterfoil.core.look import Finding, Look, Request, Wait
from counterfoil.core.policy import Posting

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def money_batch(look: Look) -> tuple[str | None, str | None]:
    """(batch, wait until) of a credit note that could be posted now; both None when money is posted in real time.

    A credit that was ready before the end of a cycle belongs to that cycle, whenever it is looked at.
    """
    if look.policy.money_posting is Posting.REAL_TIME:
        return None, None
    ends = _cycle_end(_ready_since(look.case) or look.now, look.policy.money_cycle_hours)
    return (f"batch-{ends}", None) if look.now >= ends else (None, ends)


def posted(look: Look, request: Request) -> Iterator[Finding]:
    """The credit note's request now, or a wait for the end of its cycle (D9)."""
    batch, until = money_batch(look)
    if until is not None:
        yield Wait(rule="posted_by_cycle", reason="the cycle of credit notes ends", until=until)
        return
    assert isinstance(request.command, PostCreditNote), "only credit notes are posted by cycle here"
    yield replace(request, command=replace(request.command, batch=batch))


def _ready_since(case: ReturnCase) -> str | None:
    """The newest of the facts a credit rests on."""
    done = [step.at for step in case.steps.values() if step.state is StepState.DONE and step.name == "ReceiveStock"]
    known = [case.first_refund_at, case.processed_at, case.first_receipt_at, *done]
    return max((moment for moment in known if moment is not None), default=None)


def _cycle_end(moment: str, hours: int) -> str:
    """The first end of a cycle after a moment; cycles are counted from midnight UTC."""
    length = timedelta(hours=hours)
    passed = (datetime.fromisoformat(moment) - _EPOCH) // length
    return (_EPOCH + (passed + 1) * length).strftime("%Y-%m-%dT%H:%M:%SZ")
