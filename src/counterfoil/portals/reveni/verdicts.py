"""Telling Reveni what the warehouse found: a verdict for units of each row (Reveni sheet §2, `partial_validate`).

A command names either a row once, meaning all its units, or each of its units. Half a row cannot be told: what is left
unsaid Reveni accepts by itself when the days are over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from counterfoil.core.commands import GradedUnit
from counterfoil.core.problems import Owner
from counterfoil.portals.reveni.items import Item
from counterfoil.portals.reveni.mapping import ReveniMapping, Verdict
from counterfoil.portals.reveni.snapshot import Seen
from counterfoil.ports.outcomes import Refused

_TEXT_MAX = 255
_WRONG_ITEM = ("wrong_item", "incorrect_item")


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of a row with one verdict; reasons for what is not accepted."""

    units: int
    verdict: Verdict
    reason: str = ""
    text: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be told about one row."""

    item: Item
    shares: tuple[Share, ...]

    def units(self, verdict: Verdict) -> int:
        """Units with this verdict."""
        return sum(share.units for share in self.shares if share.verdict is verdict)

    @property
    def accepted_whole(self) -> bool:
        """Whether nothing but acceptance is to be told."""
        return self.units(Verdict.ACCEPTED) == self.item.quantity

    @property
    def shown(self) -> bool:
        """Whether Reveni shows exactly this."""
        item = self.item
        told = (self.units(Verdict.ACCEPTED), self.units(Verdict.REJECTED), self.units(Verdict.REVIEW))
        return told == (item.accepted, item.rejected, item.review)

    @property
    def contradicted(self) -> bool:
        """Whether Reveni has decided units otherwise: a verdict is final there."""
        told, item = ((self.units(Verdict.ACCEPTED), self.units(Verdict.REJECTED)), self.item)
        return told[0] < item.accepted or told[1] < item.rejected

    @property
    def unsaid(self) -> Told:
        """The same without the units Reveni shows already."""
        known = {Verdict.ACCEPTED: self.item.accepted, Verdict.REJECTED: self.item.rejected}
        shares = []
        for share in self.shares:
            said = min(share.units, known.get(share.verdict, 0))
            known[share.verdict] = known.get(share.verdict, 0) - said
            if share.units > said:
                shares.append(msgspec.structs.replace(share, units=share.units - said))
        return msgspec.structs.replace(self, shares=tuple(shares))


def wanted(units: Sequence[GradedUnit], seen: Seen, mapping: ReveniMapping) -> tuple[Told, ...] | Refused:
    """The verdict of every row the command names, or why it cannot be told."""
    rows = {item.item_id: item for item in seen.items}
    by_row: dict[str, list[GradedUnit]] = {}
    for unit in units:
        by_row.setdefault(unit.line_id, []).append(unit)
    for item_id, found in by_row.items():
        if item_id not in rows:
            message = f"Reveni's return {seen.return_id} has no item {item_id}."
            return Refused(kind="line_not_on_return", owner=Owner.OPS, message=message)
        if len(found) not in (1, rows[item_id].quantity):
            message = f"Item {item_id} has {rows[item_id].quantity} units; the inspection names {len(found)} of them."
            return Refused(kind="inspection_incomplete", owner=Owner.OPS, message=message)
    return tuple(_told(rows[item_id], found, mapping) for item_id, found in by_row.items())


def _told(item: Item, units: Sequence[GradedUnit], mapping: ReveniMapping) -> Told:
    """Units alike are told together; a row named once is meant as a whole."""
    each = item.quantity if len(units) == 1 else 1
    counted: dict[tuple[Verdict, str], tuple[int, str]] = {}
    for unit in units:
        verdict = _verdict(unit, mapping)
        key = (verdict, mapping.reject_reason(unit.disposition) if verdict is Verdict.REJECTED else "")
        before, text = counted.get(key, (0, ""))
        counted[key] = (before + each, text or _text(unit))
    shares = tuple(
        Share(units=n, verdict=verdict, reason=reason, text="" if verdict is Verdict.ACCEPTED else text)
        for (verdict, reason), (n, text) in counted.items()
    )
    return Told(item=item, shares=shares)


def _verdict(unit: GradedUnit, mapping: ReveniMapping) -> Verdict:
    """Another item than the one sold is refused, whatever state it is in; our own credit leaves it out, too."""
    if unit.condition.strip().lower() in _WRONG_ITEM:
        return Verdict.REJECTED
    return mapping.verdict(unit.disposition)


def _text(unit: GradedUnit) -> str:
    return (unit.note or unit.condition).strip()[:_TEXT_MAX]


def acceptance(seen: Seen) -> tuple[Told, ...]:
    """Acceptance of every unit nobody has decided about."""
    return tuple(
        Told(item=item, shares=(Share(units=item.undecided, verdict=Verdict.ACCEPTED),))
        for item in seen.items
        if item.undecided
    )


def body(told: Iterable[Told], mapping: ReveniMapping) -> dict[str, Any]:
    """The request, a part for each share."""
    return {"items": [_part(one.item, share, mapping) for one in told for share in one.shares]}


def _part(item: Item, share: Share, mapping: ReveniMapping) -> dict[str, Any]:
    part: dict[str, Any] = {
        "item_id": item.item_id,
        "quantity": share.units,
        "status": mapping.verdict_word(share.verdict),
    }
    if share.verdict is Verdict.REJECTED:
        part["reject_reason"] = share.reason
    if share.text:
        part["reject_reason_text"] = share.text
    return part
