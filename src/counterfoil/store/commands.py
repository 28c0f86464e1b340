"""Command rows: what has to be done in which system, in which order, how often it was tried.

Only the head command of a return is `ready`; the next is promoted when it is through, in the same transaction. A
claimed row carries a lease and is fenced by its attempt number, so a worker that was declared dead cannot end it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from counterfoil.core.commands import AnyCommand
from counterfoil.store.database import Transaction, now_ms

UNKNOWN = "Unknown"  # the outcome that is counted: the other side may or may not have done it
READ_STEP = "read-"  # steps that only read a return again; they belong to a delivery, not to a decision

_command = msgspec.json.Decoder(AnyCommand)


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A command a worker holds."""

    id: int
    edition: int
    case_id: str
    connection: str
    attempts: int
    maybe_sent: bool
    created_ms: int
    unknowns: int = 0  # earlier attempts that ended without anybody knowing
    outcome: str | None = None  # how the attempt before this one ended
    command: AnyCommand


def put(tx: Transaction, command: AnyCommand, edition: int, connection: str) -> None:
    """Queue a command behind those of its return that are not through.

    A later edition is looked up before it is sent: an earlier one may have arrived without anybody knowing.
    """
    waiting = tx.one("command_head", case_id=command.case.case_id) is not None
    tx.run(
        "command_put",
        command_key=command.key,
        edition=edition,
        case_id=command.case.case_id,
        connection=connection,
        name=type(command).__name__,
        body=msgspec.json.encode(command).decode(),
        state="waiting" if waiting else "ready",
        maybe_sent=int(edition > 1),
        now=now_ms(),
    )


def claim(tx: Transaction, connection: str, worker: str, lease_ms: int) -> Claimed | None:
    """Take the first due command of a connection, or None."""
    now = now_ms()
    row = tx.one("command_claim", connection=connection, worker=worker, now=now, lease_until=now + lease_ms)
    if row is None:
        return None
    return Claimed(
        id=row["id"],
        edition=row["edition"],
        case_id=row["case_id"],
        connection=row["connection"],
        attempts=row["attempts"],
        maybe_sent=row["maybe_sent"] > 1,  # claiming marks it, in case this worker dies; more means marked before
        created_ms=row["created_ms"],
        unknowns=row["unknowns"],
        outcome=row["outcome"],
        command=_command.decode(row["body"]),
    )


def end(tx: Transaction, claimed: Claimed, state: str, outcome: str, message: str) -> bool:
    """Done, or dead until a person acts; promotes the return's next command. False when the lease was lost."""
    ended = tx.run(
        "command_end",
        id=claimed.id,
        attempts=claimed.attempts,
        state=state,
        outcome=outcome,
        message=message,
        now=now_ms(),
    )
    if ended == 1:
        tx.run("command_promote", case_id=claimed.case_id, now=now_ms())
    return ended == 1


def again(tx: Transaction, claimed: Claimed, *, after_ms: int, outcome: str, message: str, maybe_sent: bool) -> bool:
    """Try again later. False when the lease was lost."""
    touched = tx.run(
        "command_again",
        id=claimed.id,
        attempts=claimed.attempts,
        due_ms=now_ms() + after_ms,
        outcome=outcome,
        message=message,
        maybe_sent=int(maybe_sent),
        unknown=int(outcome == UNKNOWN),
    )
    return touched == 1


def put_document(tx: Transaction, values: dict[str, Any]) -> None:
    """Remember a document in another system for lists and links."""
    tx.run("document_put", **values, now=now_ms())
    for ref in str(values["ref"]).split(","):
        place = {name: values[name] for name in ("connection", "case_id", "step")}
        tx.run("document_part_put", ref=ref, **place)
