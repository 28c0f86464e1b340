"""The rows of a return: units of one SKU, what was decided about them, and what the shopper wants instead (sheet §6)."""

from __future__ import annotations

import msgspec

from counterfoil.adapterkit.parse import UnreadableError
from counterfoil.core.returns import Disposition
from counterfoil.portals.reveni.mapping import Verdict
from counterfoil.portals.reveni.paths import Mapped

UNITS_MAX = 10_000  # of one row: more is a typing error, and each unit becomes a record


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """The new item of an exchange; `price` is for one unit."""

    sku: str | None
    quantity: int
    price: int | None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One row. Amounts are for one unit, in minor units of the return's currency.

    `accepted`, `rejected` and `review` are units, the rest is pending; `parts` says where units go that are not.
    """

    item_id: str
    sku: str | None
    quantity: int
    reason: str | None
    price: int | None
    discount: int | None
    tax: int | None
    status: str
    known: bool  # whether the status is a word of ours
    accepted: int
    rejected: int
    review: int
    parts: tuple[tuple[Disposition, int], ...]
    swap: Swap | None

    @property
    def value(self) -> int | None:
        """What the row is worth: price paid, for all units."""
        return None if self.price is None else self.price * self.quantity

    @property
    def undecided(self) -> int:
        """Units nobody has accepted or rejected."""
        return self.quantity - self.accepted - self.rejected


def read_items(row: Mapped, currency: str | None) -> tuple[Item, ...]:
    """Every row. Raises UnreadableError for a row without an id or a usable quantity, or an id that comes twice."""
    items = tuple(_item(part, currency) for part in row.each("items"))
    ids = [item.item_id for item in items]
    twice = next((item_id for item_id in ids if ids.count(item_id) > 1), None)
    if twice is not None:
        raise UnreadableError(f"the item {twice} is listed twice")
    return items


def _item(part: Mapped, currency: str | None) -> Item:
    quantity = _units(part, "item_quantity")
    status = part.word("item_status")
    verdict = part.mapping.item(status)
    accepted, rejected, review = _verdict(part, verdict, quantity)
    return Item(
        item_id=part.need("item_id"),
        sku=part.text("item_sku"),
        quantity=quantity,
        reason=part.text("item_reason"),
        price=part.amount("item_price", currency),
        discount=part.amount("item_discount", currency),
        tax=part.amount("item_tax", currency),
        status=status,
        known=verdict is not None,
        accepted=accepted,
        rejected=rejected,
        review=review,
        parts=_parts(part, accepted, review, _refused(part, verdict, rejected)),
        swap=_swap(part, currency),
    )


def _units(part: Mapped, name: str) -> int:
    """A quantity from 1; here it is the real one (sheet §6)."""
    units = part.whole(name)
    if units is None:
        raise UnreadableError(f"{part.where(name)} is missing")
    if not 1 <= units <= UNITS_MAX:
        raise UnreadableError(f"{part.where(name)} is {units} where a number of units is due")
    return units


def _verdict(part: Mapped, verdict: Verdict | None, quantity: int) -> tuple[int, int, int]:
    """Units accepted, rejected and in review.

    `accepted_quantity` counts accepted units whatever the row's status says; the others follow the status, and
    without it all units do.
    """
    accepted = part.whole("item_accepted_quantity")
    if accepted is None:
        accepted = quantity if verdict is Verdict.ACCEPTED else 0
    if not 0 <= accepted <= quantity:
        raise UnreadableError(f"{part.where('item_accepted_quantity')} is {accepted} of {quantity} units")
    rest = quantity - accepted
    if verdict is Verdict.REVIEW:
        return accepted, 0, rest
    return accepted, rest if verdict in (Verdict.ACCEPTED, Verdict.REJECTED) else 0, 0


def _parts(
    part: Mapped, accepted: int, review: int, refused: tuple[Disposition, int]
) -> tuple[tuple[Disposition, int], ...]:
    """Where the decided units go (sheet §6, disposition)."""
    kept = Disposition.QUARANTINE if part.flag("item_restock") is False else Disposition.SELLABLE
    found = [(kept, accepted), refused, (Disposition.QUARANTINE, review)]
    return tuple((disposition, units) for disposition, units in found if units)


def _refused(part: Mapped, verdict: Verdict | None, units: int) -> tuple[Disposition, int]:
    """The refused units. What an accepted row lacks never came, unless a reject reason says otherwise."""
    words = " ".join(filter(None, (part.text("item_reject_reason"), part.text("item_reject_text"))))
    if verdict is Verdict.ACCEPTED and not words:
        return Disposition.MISSING, units
    return part.mapping.rejected(words) or part.mapping.rejected_otherwise, units


def _swap(part: Mapped, currency: str | None) -> Swap | None:
    """The exchange of a row, decided per row and never by the return's type (sheet §4)."""
    new = part.child("item_exchange")
    if new is None:
        return None
    sku = new.text("exchange_sku")
    quantity = 1 if new.whole("exchange_quantity") is None else _units(new, "exchange_quantity")
    return Swap(sku=sku, quantity=quantity, price=new.amount("exchange_price", currency))
