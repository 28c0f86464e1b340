"""What an RMA owes, in both books: balance = paid + bonus - fees; an exchange only its difference (ReturnGO sheet §4)."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.portals.returngo.sim.intake import exchanging
from counterfoil.portals.returngo.sim.records import REFUNDS, Rma, Unit, Wanted
from counterfoil.simkit.amounts import divide
from counterfoil.simkit.purchases import BOOKS, Books, in_both


@dataclass(slots=True)
class Back:
    """What goes back for one unit. `bonus` and `shipping` are inside the amounts: no field of the API shows them."""

    unit: Unit
    amounts: Books
    shipping: int = 0


@dataclass(slots=True)
class Balance:
    """Who owes what: pieces that go back to the shopper, and what the shopper has to pay for the new goods."""

    back: list[Back]
    invoice: Books
    fee_invoice: Books  # fees that no refund could cover

    def total(self, book: str = "presentment") -> int:
        """What goes back in all."""
        return sum(piece.amounts[book] for piece in self.back)


def effective_price(unit: Unit | None, wanted: Wanted, book: str) -> int:
    """The new item's own price; with `PaidPrice` what was paid for the returned one, so that the swap is even."""
    if wanted.method == "PaidPrice" and unit is not None:
        return unit.value(book)
    return wanted.price[book]


def balance(made: Rma) -> Balance:
    """Work it out for the whole RMA, paid parts included."""
    back = [Back(unit, _value(unit)) for unit in made.units if unit.outcome in REFUNDS]
    difference, leftovers = _differences(made)
    invoice = {book: max(difference[book], 0) for book in BOOKS}
    back += leftovers
    fee_invoice = _charge_fees(made, back)
    if back:
        extra = in_both(made.order, made.bonus + made.shipping_refund)
        back[0].shipping = made.shipping_refund
        for book in BOOKS:
            back[0].amounts[book] += extra[book]
    return Balance([piece for piece in back if piece.amounts["presentment"] > 0], invoice, fee_invoice)


def _value(unit: Unit) -> Books:
    return {book: unit.value(book) for book in BOOKS}


def _differences(made: Rma) -> tuple[Books, list[Back]]:
    """What the new goods cost beyond the returned ones, and what they leave over per unit."""
    invoice = dict.fromkeys(BOOKS, 0)
    leftovers: list[Back] = []
    for unit in exchanging(made):
        if unit.wanted is None:
            continue
        more = {book: effective_price(unit, unit.wanted, book) - unit.value(book) for book in BOOKS}
        _add(made, unit, more, unit.wanted, invoice, leftovers)
    for_all = [unit for unit in exchanging(made) if unit.wanted is None]
    if made.wanted and for_all:
        more = {
            book: sum(item.price[book] * item.quantity for item in made.wanted)
            - sum(unit.value(book) for unit in for_all)
            for book in BOOKS
        }
        _add(made, for_all[0], more, made.wanted[0], invoice, leftovers)
    return invoice, leftovers


def _add(made: Rma, unit: Unit, more: Books, wanted: Wanted, invoice: Books, leftovers: list[Back]) -> None:
    """Note one difference; within the free range nothing is charged or refunded (§4)."""
    low, high = wanted.free_range
    if low <= more["presentment"] <= high:
        return
    if more["presentment"] > 0:
        for book in BOOKS:
            invoice[book] += more[book]
    else:
        leftovers.append(Back(unit, {book: max(-more[book], 0) for book in BOOKS}))


def _charge_fees(made: Rma, back: list[Back]) -> Books:
    """Take the fees off what goes back, in proportion; answers what was not covered."""
    fees = in_both(made.order, made.fees)
    left = dict.fromkeys(BOOKS, 0)
    for book in BOOKS:
        values = [piece.amounts[book] for piece in back]
        kept = min(fees[book], sum(values))
        left[book] = fees[book] - kept
        if kept:
            for piece, share in zip(back, divide(kept, values), strict=True):
                piece.amounts[book] -= share
    return left
