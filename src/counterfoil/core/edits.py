"""What a person may change in a refused command before it is tried again, and the command with the change made.

Words, dates and places, never an amount, a quantity or an item: those follow from the decision, and money has its own
road. An edit names what stood there before; when the new decision no longer says that, the edit is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import structs

from counterfoil.core.commands import (
    AnyCommand,
    DraftCreditNote,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
    RecordRefund,
)

LENGTH_MAX = 200


class EditError(ValueError):
    """The change cannot be made; the message is for the person who asked."""


class StepEdit(msgspec.Struct, frozen=True, kw_only=True):
    """One changed place of a command: `path` such as "credit.lines.0.tax_code"."""

    path: str
    before: str | None
    after: str | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place that may be changed, what it is called, and what stands there."""

    path: str
    label: str
    value: str | None
    is_date: bool = False


_CREDIT = (("credit_date", "Credit date"), ("credit.lines.*.tax_code", "Tax code"))
_PLACES: dict[type, tuple[tuple[str, str], ...]] = {
    OpenReturnAuthorisation: (
        ("memo", "Memo"),
        ("lines.*.reason_code", "Reason code"),
        ("lines.*.expected_depot", "Expected depot"),
    ),
    ReceiveStock: (("lines.*.depot", "Depot"), ("lines.*.location", "Location"), ("lines.*.lot", "Lot")),
    DraftCreditNote: _CREDIT,
    PostCreditNote: _CREDIT,
    RecordRefund: (("paid_on", "Paid on"),),
}
_DATES = frozenset({"credit_date", "paid_on"})


def places(command: AnyCommand) -> tuple[Place, ...]:
    """Every place of this command a person may change."""
    found: list[Place] = []
    for pattern, label in _PLACES.get(type(command), ()):
        for path, name in _expanded(command, pattern, label):
            value = _at(command, path.split(".")) or None
            found.append(Place(path=path, label=name, value=value, is_date=path in _DATES))
    return tuple(found)


def edits_of(command: AnyCommand, wanted: dict[str, str]) -> tuple[StepEdit, ...]:
    """The edits that make a command say what is wanted, by path. Raises EditError."""
    found = []
    for place in places(command):
        after = wanted.get(place.path, place.value or "").strip() or None
        if after == (place.value or None):
            continue
        if place.is_date:
            _date(place, after)
        if after is not None and (len(after) > LENGTH_MAX or not after.isprintable()):
            raise EditError(f"{place.label}: at most {LENGTH_MAX} signs on one line.")
        found.append(StepEdit(path=place.path, before=place.value, after=after))
    return tuple(found)


def edited(command: AnyCommand, edits: Sequence[StepEdit]) -> AnyCommand:
    """The command with the edits made whose place still says what it said."""
    known = {place.path: place.value for place in places(command)}
    for edit in edits:
        if edit.path in known and known[edit.path] == edit.before:
            changed: AnyCommand = _with(command, edit.path.split("."), edit.after)
            command = changed
    return command


def _date(place: Place, after: str | None) -> None:
    try:
        date.fromisoformat(after or "")
    except ValueError:
        raise EditError(f"{place.label}: write a date such as 2026-11-30.") from None


def _expanded(command: Any, pattern: str, label: str) -> list[tuple[str, str]]:
    """Concrete paths of a pattern with one `*`, each labelled with its line's item."""
    head, star, tail = pattern.partition(".*.")
    if not star:
        return [(pattern, label)]
    lines = _at(command, head.split("."))
    return [(f"{head}.{place}.{tail}", f"{label} of {line.sku}") for place, line in enumerate(lines)]


def _at(value: Any, path: list[str]) -> Any:
    for part in path:
        value = value[int(part)] if isinstance(value, tuple) else getattr(value, part)
    return value


def _with(value: Any, path: list[str], new: str | None) -> Any:
    if not path:
        return new
    first, *rest = path
    if isinstance(value, tuple):
        place = int(first)
        return (*value[:place], _with(value[place], rest, new), *value[place + 1 :])
    part = getattr(value, first)
    if first == "memo":  # a text that may be empty and is never missing
        return structs.replace(value, memo=new or "")
    return structs.replace(value, **{first: _with(part, rest, new)})
