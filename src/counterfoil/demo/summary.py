"""What everybody ends with (outputs §4).

Documents and money are counted in the outside systems, not in our own books: a successful sync is not proof (R142).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.core.case import Acceptance, Reception, ReturnCase
from counterfoil.core.exchange import given_back, standing
from counterfoil.core.money import to_minor, to_text
from counterfoil.core.returns import Disposition
from counterfoil.core.returns import Stage as PortalStage
from counterfoil.core.units import bookable, booked
from counterfoil.demo.goods import CURRENCY
from counterfoil.demo.stage import Stage
from counterfoil.flow.invariants import check
from counterfoil.flow.world import World
from counterfoil.store.cases import all_cases

Json = dict[str, Any]

_HELD = (Disposition.QUARANTINE, Disposition.REFURBISH, Disposition.DAMAGED, Disposition.RETURN_TO_VENDOR)
_WRITTEN_OFF = (Disposition.DISPOSE, Disposition.DONATE)


class Totals(msgspec.Struct, kw_only=True):
    """Money and documents of one ERP, in minor units."""

    rma: int
    receipt: int
    credit_note: int
    exchange_order: int
    exchanged: int
    credited: int
    units_received: int


def summarise(world: World, stage: Stage, *, portal: str, seconds: float) -> Json:
    """The object of outputs §4."""
    with world.database.read() as tx:
        known = list(all_cases(tx))
        kinds = {row["kind"]: row["n"] for row in tx.rows("problems_count")}
    finished = sum(progress == "finished" for _, progress in known)
    ended = sum(progress == "cancelled" for _, progress in known)
    totals = _netsuite(stage) if stage.erp == "netsuite" else _prima(stage)
    exchanged = totals.exchanged - _collected([case for case, _ in known])
    refunded = _refunded(stage) + exchanged  # given back: money, store credit, and value that went into new goods
    return {
        "portal": portal,
        "erp": stage.erp,
        "returns": len(known),
        "finished": finished,
        "cancelled": ended,
        "open": len(known) - finished - ended,
        "documents": {
            "rma": totals.rma,
            "receipt": totals.receipt,
            "credit_note": totals.credit_note,
            "exchange_order": totals.exchange_order,
        },
        "money": {
            CURRENCY: {
                "refunded": to_text(refunded, CURRENCY),
                "exchanged": to_text(exchanged, CURRENCY),
                "credited": to_text(totals.credited, CURRENCY),
                "difference": to_text(refunded - totals.credited, CURRENCY),
                "paid_on_open_returns": to_text(
                    _paid_on_open([c for c, progress in known if progress == "open"]), CURRENCY
                ),
            }
        },
        "units": {**_units([case for case, _ in known]), "received_in_erp": totals.units_received},
        "problems": kinds,
        "violations": [
            {"invariant": broken.invariant, "where": broken.where, "sentence": broken.sentence}
            for broken in check(world, read_back=True)
        ],
        "seconds": round(seconds, 1),
        "database": world.database.address,
    }


def _paid_on_open(cases: list[ReturnCase]) -> int:
    """What was given back on returns that are still open and not credited: each of them stands in the exceptions."""
    return sum(given_back(case) for case in cases if case.done("credit-1") is None)


def _units(known: list[ReturnCase]) -> dict[str, int]:
    """Units: returned = received + open; received = sellable + held + written off + refused or awaiting inspection."""
    live = [case for case in known if case.stage is not PortalStage.CANCELLED]
    waiting = sum(bookable(unit) and not booked(case, unit) for case in live for unit in case.units)
    units = [unit for case in live for unit in case.units]
    here = [unit for unit in units if unit.reception is Reception.RECEIVED]
    return {
        "returned": len(units),
        "received": len(here),
        "open": len(units) - len(here),
        "sellable": sum(u.disposition is Disposition.SELLABLE for u in here),
        "held": sum(u.disposition in _HELD for u in here),
        "written_off": sum(u.disposition in _WRITTEN_OFF for u in here),
        "refused": sum(u.acceptance is Acceptance.REJECTED for u in here),
        "awaiting_booking": waiting,
        "awaiting_inspection": sum(u.acceptance is Acceptance.UNDECIDED for u in here),
    }


def _refunded(stage: Stage) -> int:
    """Money out by the shop's own transactions, and store credit by the portal's own gift cards."""
    shop = stage.sims["shopify"].state()
    money = sum(
        to_minor(str(row["amount"]), CURRENCY)
        for row in shop["transactions"]
        if row["kind"] == "refund" and row["status"] == "success"
    )
    return money + _store_credit(stage)


def _store_credit(stage: Stage) -> int:
    """Gift cards the portal issued itself."""
    if not stage.portal.extras:
        return 0
    returns = stage.sims[stage.portal.name].state()["returns"]
    return sum(to_minor(str(row["gift_card"] or "0"), CURRENCY) for row in returns if row["state"] == "closed")


def _collected(known: list[ReturnCase]) -> int:
    """What customers paid on top for the new goods that are ordered, as their portals said."""
    return sum(case.exchange.collected for case in known if case.exchange is not None and standing(case) is not None)


def _prima(stage: Stage) -> Totals:
    made = stage.sims["prima"].state()["documents"]
    posted = [row for row in made["sales_credit_notes"] if row["status"] == "posted"]
    received = [line for row in made["stock_receipts"] for line in row["lines"]]
    return Totals(
        rma=len(made["sales_returns"]),
        receipt=len(made["stock_receipts"]),
        credit_note=len(posted),
        exchange_order=len(made["sales_orders"]),
        exchanged=sum(
            _line_total(line)
            for row in made["sales_orders"]
            if row["status"].lower() != "cancelled"
            for line in row["lines"]
        ),
        credited=sum(to_minor(str(row["total_gross"]), CURRENCY) for row in posted),
        units_received=int(sum(Decimal(str(line["quantity"])) for line in received)),
    )


def _line_total(line: Json) -> int:
    """What a line of an exchange order is sold for; the order manager's documents name only a price for one unit."""
    if line.get("line_total") is not None:
        return to_minor(str(line["line_total"]), CURRENCY)
    return int(Decimal(str(line["quantity"])) * to_minor(str(line["price"]), CURRENCY))


def _netsuite(stage: Stage) -> Totals:
    made = stage.sims["netsuite"].state()["documents"]
    memos = [*made.get("creditMemo", []), *made.get("cashRefund", [])]
    received = [line for row in made.get("itemReceipt", []) for line in _lines(row)]
    return Totals(
        rma=len(made.get("returnAuthorization", [])),
        receipt=len(made.get("itemReceipt", [])),
        credit_note=len(memos),
        exchange_order=len(made.get("salesOrder", [])),
        exchanged=sum(to_minor(str(row["total"]), CURRENCY) for row in made.get("salesOrder", [])),
        credited=sum(to_minor(str(row["total"]), CURRENCY) for row in memos),
        units_received=int(
            sum(Decimal(str(line.get("quantity", 0))) for line in received if line.get("itemReceive", True))
        ),
    )


def _lines(record: Json) -> list[Json]:
    items = record.get("item") or {}
    found: list[Json] = items.get("items", []) if isinstance(items, dict) else items
    return found
