"""What an RMA's money comes to: the worth of its units, the fees, the bonus, what was paid (ReturnGO sheet §4, §6).

ReturnGO names no total, no bonus and no refund sum. Its balance is paid + bonus − fees; everything here follows from
that and from the transactions, of which only those that succeeded moved anything (T8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from counterfoil.core.returns import Tenders
from counterfoil.portals.returngo.config import FeeReading, ReturnGOMapping
from counterfoil.portals.returngo.wire import Rma, Transaction, UnitRow, Wanted
from counterfoil.portals.returngo.words import fitting

REFUND, STORE_CREDIT, COLLECTED, IGNORED = "refund", "store_credit", "collected", "ignored"
_PAYS_OUT = (REFUND, STORE_CREDIT)


class Payouts(msgspec.Struct, frozen=True, kw_only=True):
    """An RMA's money, in minor units of its currency.

    `fee` counts a fee of the whole return once, unless only the other reading explains what was paid (T6). `gap` is
    what was withheld beyond that, None when nothing can be compared; `bonuses` is by transaction id.
    """

    fee: int = 0
    gap: int | None = None
    bonuses: Mapping[str, int] = {}


def line_value(unit: UnitRow, mapping: ReturnGOMapping) -> int | None:
    """What one unit is worth: paid, and its tax where the price does not contain it. None when that is not known."""
    if unit.paid is None:
        return None
    tax = unit.tax.minor if unit.tax is not None else None
    if unit.tax_included is True or tax == 0 or not mapping.tax_on_top:
        return unit.paid.minor
    if unit.tax_included is None or tax is None:
        return None
    return unit.paid.minor + tax


def kind_of(transaction: Transaction, mapping: ReturnGOMapping) -> str | None:
    """refund, store_credit, collected or ignored; None for a type nobody told us about."""
    return fitting(mapping.transactions, transaction.type)


def of_kind(rma: Rma, mapping: ReturnGOMapping, kind: str, *, succeeded: bool) -> tuple[Transaction, ...]:
    """The transactions of one kind in the return's currency: those that succeeded, or all that did not fail (T8)."""
    return tuple(
        one
        for one in rma.transactions
        if kind_of(one, mapping) == kind
        and one.amount.currency == rma.currency
        and (one.status == "success" if succeeded else one.status in ("success", "requested"))
    )


def failed(rma: Rma, mapping: ReturnGOMapping) -> tuple[Transaction, ...]:
    """Payouts that failed and that no later row of the same kind for the same units makes good (T8)."""
    rows = [(one, kind_of(one, mapping)) for one in rma.transactions]
    good = {(kind, frozenset(one.unit_ids)) for one, kind in rows if one.status in ("success", "requested")}
    return tuple(
        one
        for one, kind in rows
        if one.status == "failed" and kind != IGNORED and (kind, frozenset(one.unit_ids)) not in good
    )


def payouts(rma: Rma, mapping: ReturnGOMapping) -> Payouts:
    """Fees, bonus and what remains unexplained."""
    once, summed = _fees(rma, mapping)
    paid = [one for kind in _PAYS_OUT for one in of_kind(rma, mapping, kind, succeeded=False)]
    expected = _worth(rma, mapping, {unit_id for one in paid for unit_id in one.unit_ids})
    if not paid or expected is None or any(not one.unit_ids for one in paid):
        return Payouts(fee=once)
    withheld = expected - sum(one.amount.minor for one in paid)
    fee = summed if mapping.fee_reading is FeeReading.EXPLAIN and withheld == summed else once
    # A fee may be taken from units that are not paid out yet: until they are, its absence is no riddle and no bonus.
    due = fee if withheld == fee or not _unpaid(rma, mapping, paid) else 0
    bonuses = _bonuses(rma, mapping, paid, due) if withheld < due else {}
    return Payouts(fee=fee, gap=withheld - due + sum(bonuses.values()), bonuses=bonuses)


def _fees(rma: Rma, mapping: ReturnGOMapping) -> tuple[int, int]:
    """A fee of the whole return in both readings: once, and summed over its items (T6)."""
    columns = ([unit.return_fee for unit in rma.units], [unit.label_fee for unit in rma.units])
    once, summed = sum(max(fees, default=0) for fees in columns), sum(sum(fees) for fees in columns)
    return (summed, summed) if mapping.fee_reading is FeeReading.SUM else (once, summed)


def _worth(rma: Rma, mapping: ReturnGOMapping, unit_ids: set[str]) -> int | None:
    """What these units are worth less their own restocking fees; None when a unit is strange to us or has no value."""
    units = {unit.unit_id: unit for unit in rma.units}
    total = 0
    for unit_id in unit_ids:
        value = line_value(units[unit_id], mapping) if unit_id in units else None
        if value is None:
            return None
        total += value - units[unit_id].restocking
    return total


def _bonuses(rma: Rma, mapping: ReturnGOMapping, paid: list[Transaction], fee: int) -> dict[str, int]:
    """What each store credit exceeds its units by (§4): the merchant's own cost. The fee is borne by one payout."""
    excess = {one.id: one.amount.minor - (_worth(rma, mapping, set(one.unit_ids)) or 0) for one in paid}
    bearer = next((one.id for one in paid if fee and excess[one.id] == -fee), paid[0].id)
    excess[bearer] += fee
    credited = {one.id for one in paid if kind_of(one, mapping) == STORE_CREDIT}
    return {one_id: more for one_id, more in excess.items() if one_id in credited and more > 0}


def _unpaid(rma: Rma, mapping: ReturnGOMapping, paid: list[Transaction]) -> bool:
    """Whether a unit whose value is to be paid out has no payout yet."""
    done = {unit_id for one in paid for unit_id in one.unit_ids}
    to_pay = {
        unit.unit_id for unit in rma.units if fitting(mapping.resolutions, unit.resolution) not in (None, "exchange")
    }
    return not to_pay <= done


def tenders(rma: Rma, mapping: ReturnGOMapping, money: Payouts) -> Tenders:
    """How the value is paid out, from the transactions that did not fail. A bonus is no part of the value returned."""
    if not rma.currency:
        return Tenders()
    refunds = of_kind(rma, mapping, REFUND, succeeded=False)
    credited = of_kind(rma, mapping, STORE_CREDIT, succeeded=False)
    bills = of_kind(rma, mapping, COLLECTED, succeeded=False)
    fees = money.fee + sum(unit.restocking for unit in rma.units)
    return Tenders(
        refund=_sum(refunds),
        store_credit=_sum(credited, less=money.bonuses),
        exchange_used=_exchange_used(rma, bills),
        upsell_collected=sum(one.amount.minor for one in bills if one.status == "success") if bills else None,
        upsell_due=sum(one.amount.minor for one in bills if one.status != "success") if bills else None,
        fee_withheld=fees if rma.fees_given else None,
    )


def _sum(rows: Iterable[Transaction], less: Mapping[str, int] | None = None) -> int | None:
    parts = [one.amount.minor - (less or {}).get(one.id, 0) for one in rows]
    return sum(parts) if parts else None


def _exchange_used(rma: Rma, bills: tuple[Transaction, ...]) -> int | None:
    """The new items at their full price, less what the customer owes on top: the credit their order needs (§4)."""
    totals = [wanted_total(wanted) for wanted in wanted_items(rma)]
    if not totals or any(total is None or total < 0 for total in totals):
        return None  # a price below nothing is no price
    return max(0, sum(total or 0 for total in totals) - sum(one.amount.minor for one in bills))


def wanted_items(rma: Rma) -> tuple[Wanted, ...]:
    """Every new item: of the units, and of the RMA as a whole for any-to-any exchanges (§3)."""
    return (*(wanted for unit in rma.units for wanted in unit.wanted), *rma.wanted)


def wanted_total(wanted: Wanted) -> int | None:
    """The full price of a new item times its quantity."""
    return None if wanted.price is None else wanted.price.minor * wanted.quantity


def cash_share(rma: Rma, mapping: ReturnGOMapping, unit_id: str) -> int | None:
    """What was refunded for exactly this unit; None when the transactions do not tell units apart (T9)."""
    own = [one for one in of_kind(rma, mapping, REFUND, succeeded=True) if one.unit_ids == (unit_id,)]
    return sum(one.amount.minor for one in own) if own else None
