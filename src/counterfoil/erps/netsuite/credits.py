"""Credit memos and cash refunds: one document per credit note, its total equal to the cent (sheet §4.3, §4.5, §11).

An order billed by a cash sale is credited by a cash refund, which is the refund as well; everything else by a credit
memo. Both are made from the return authorisation. We send each line's net amount and never its tax: on legacy-tax
accounts NetSuite computes tax on saving, and setting it by REST is not supported. Where the tax rate of a line is
known, the net is chosen so that NetSuite's own rounding arrives at our gross.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.commands import PostCreditNote
from counterfoil.core.documents import CreditCharge, CreditLine, CreditNote, DocumentLine
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import deposits, periods, wire
from counterfoil.erps.netsuite.authorisations import closed_or_waiting, read_authorisation
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.orders import currency_of
from counterfoil.erps.netsuite.post import Desk, Plan, already, differs
from counterfoil.ports.outcomes import Done, Outcome, Refused

NUDGE_MAX = 2  # minor units the net of a line may move to meet its gross
ROUNDING = "rounding"
SHIPPING = "shipping"
KEPT_GOODS = "kept_goods"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What is credited against one RMA line: all our lines of it taken together."""

    rma_line: str
    line_nos: tuple[int, ...]
    sku: str
    quantity: int
    net: int
    tax: int
    gross: int
    tax_code: str | None = None


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """The net to send for a part, and how far its gross will be off (None: the tax rate is not known)."""

    net: int
    off: int | None


def post_credit(desk: Desk, command: PostCreditNote) -> Outcome:
    """Post the credit. The RMA is read first, for its state, its tax rates and its discounts."""
    if deposits.pays(desk.config, command.order):
        return deposits.refund_deposit(desk, command)
    refused = unpostable(desk.config, command)
    if refused is not None:
        return refused
    rma = read_authorisation(desk, command.rma)
    plan = plan_credit(desk, command, rma)
    obstacle = trouble(rma, parts_of(command.credit)) or (plan if isinstance(plan, Refused) else None)
    if obstacle is not None:
        found = peek_credit(desk, command)
        return already(found) if found is not None else obstacle
    assert isinstance(plan, Plan), "a refused plan is an obstacle"
    outcome = diagnosed(desk.deliver(plan), rma, command)
    return periods.explained(desk, outcome, plan.record_type, command.credit_date)


def diagnosed(outcome: Outcome, rma: Fields, command: PostCreditNote) -> Outcome:
    """A refusal whose text tells little, explained by what was not received yet (§6: credit follows receipt)."""
    vague = ("unmapped_erp_error", "quantity_exceeds_authorised", "configuration_rejected")
    if not isinstance(outcome, Refused) or outcome.ref is not None or outcome.kind not in vague:
        return outcome
    rows = {row.need("line"): row for row in wire.item_lines(rma)}
    early = [
        part.sku
        for part in parts_of(command.credit)
        if part.quantity > wire.quantity(rows[part.rma_line], "quantityReceived")
    ]
    if not early:
        return outcome
    told = f"NetSuite has not received {', '.join(early)} on {command.rma.number}, so it cannot be credited yet."
    return Refused(
        message=told, detail=outcome.detail, code=outcome.code, kind="return_not_received_in_erp", owner=Owner.OPS
    )


def find_credit(desk: Desk, command: PostCreditNote) -> Outcome | None:
    """What an earlier attempt posted."""
    if deposits.pays(desk.config, command.order):
        return deposits.find_refund(desk, command)
    return desk.lookup(bare_plan(desk, command))


def peek_credit(desk: Desk, command: PostCreditNote) -> Outcome | None:
    """Our own credit, when that is what stands in the way."""
    return desk.peek(bare_plan(desk, command))


def record_type(command: PostCreditNote) -> str:
    """Which document credits an order billed this way (§4.5; R91)."""
    return "cashRefund" if command.order.billing == "cash_sale" else "creditMemo"


def unpostable(config: NetSuiteConfig, command: PostCreditNote) -> Refused | None:
    """Why a credit cannot be written down at all."""
    credit = command.credit
    if credit.currency != command.order.currency:
        told = f"The credit is in {credit.currency}, the order {command.order.number} in {command.order.currency}."
        return Refused(message=told, kind="credit_currency_differs", owner=Owner.FINANCE)
    if any(line.rma_erp_line is None for line in credit.lines) and KEPT_GOODS not in config.charge_items:
        told = "A credited line is not on the return authorisation, and no item for kept goods is configured."
        return Refused(message=told, kind="line_not_on_return", owner=Owner.FINANCE)
    missing = [c.code for c in credit.charges if c.code != SHIPPING and c.code not in config.charge_items]
    if missing:
        told = f"No NetSuite item is configured for {', '.join(missing)}."
        return Refused(message=told, kind="charge_not_mapped", owner=Owner.INTEGRATION)
    return None


def parts_of(credit: CreditNote) -> list[Part]:
    """Credit lines by RMA line: NetSuite takes each of its lines once."""
    grouped: dict[str, list[CreditLine]] = {}
    for line in credit.lines:
        if line.rma_erp_line is not None:
            grouped.setdefault(line.rma_erp_line, []).append(line)
    return [
        Part(
            rma_line=rma_line,
            line_nos=tuple(line.line_no for line in lines),
            sku=lines[0].sku,
            quantity=sum(line.quantity for line in lines),
            net=sum(line.net for line in lines),
            tax=sum(line.tax for line in lines),
            gross=sum(line.gross for line in lines),
            tax_code=lines[0].tax_code,
        )
        for rma_line, lines in grouped.items()
    ]


def trouble(rma: Fields, parts: list[Part]) -> Outcome | None:
    """Why the RMA cannot be credited so, if so; read from its state, since refusal texts are not documented (§5)."""
    blocked = closed_or_waiting(rma)
    if blocked is not None:
        return blocked
    number, ref = rma.text("tranId") or rma.text("id"), rma.text("id")
    rows = {row.need("line"): row for row in wire.item_lines(rma)}
    if wire.letter(rma, "status", wire.RMA_STATUSES) == "G":
        told = f"Return authorisation {number} is already credited in full."
        return Refused(message=told, kind="already_credited", owner=Owner.FINANCE, ref=ref)
    for part in parts:
        row = rows.get(part.rma_line)
        if row is None:
            told = f"Line {part.rma_line} of {number} is gone in NetSuite."
            return Refused(message=told, kind="return_closed_in_erp", owner=Owner.OPS, ref=ref)
        left = wire.quantity(row, "quantity") - wire.quantity(row, "quantityBilled")
        if part.quantity > left:
            told = f"{part.quantity} of {part.sku} are to be credited, but only {left} are left on {number}."
            return Refused(message=told, kind="already_credited", owner=Owner.FINANCE, ref=ref)
    return None


# --- writing ----------------------------------------------------------------------------------------------------------


def bare_plan(desk: Desk, command: PostCreditNote) -> Plan:
    """How the credit is recognised, without what would be sent."""
    kind = record_type(command)
    return Plan(
        record_type=kind,
        external_id=wire.external_id_of(command),
        path=f"{wire.RECORDS}/returnAuthorization/{command.rma.ref}/!transform/{kind}",
        params=wire.REPLACE_LINES,
        body={},
        created_from=command.rma.ref,
        check=lambda record: check_credit(desk, command, record),
    )


def plan_credit(desk: Desk, command: PostCreditNote, rma: Fields) -> Plan | Refused:
    """The transform of the RMA; Refused when NetSuite's rounding would miss the total and no item can take it up."""
    config, credit = desk.config, command.credit
    rows = {row.need("line"): row for row in wire.item_lines(rma)}
    parts = parts_of(credit)
    fits = {part.rma_line: fit(part, _rate(config, rows.get(part.rma_line))) for part in parts}
    untaxed = next((part for part in parts if abs(fits[part.rma_line].off or 0) > NUDGE_MAX), None)
    if untaxed is not None:
        told = f"NetSuite's tax on {untaxed.sku} is far from ours; look at the tax set-up of the item."
        return Refused(message=told, kind="totals_mismatch", owner=Owner.FINANCE)
    off = sum(each.off or 0 for each in fits.values())
    if off and ROUNDING not in config.charge_items:
        told = (
            f"NetSuite's tax would make the credit {to_text(abs(off), credit.currency)} {credit.currency} "
            f"too {'low' if off > 0 else 'high'}, and no item for rounding is configured."
        )
        return Refused(message=told, kind="totals_mismatch", owner=Owner.FINANCE)
    items = [_line(config, part, fits[part.rma_line].net, credit.currency) for part in parts]
    items += [_kept(config, line, credit.currency) for line in credit.lines if line.rma_erp_line is None]
    items += _charges(config, credit, off)
    body = {**_head(desk, command, rma), "item": {"items": items}, **_tax_override(config, parts, credit)}
    return replace(bare_plan(desk, command), body=body)


def fit(part: Part, tax_rate: Decimal | None) -> Fitted:
    """The net nearest to ours whose gross, with tax rounded half up by NetSuite, is exactly the part's gross.

    Some gross amounts cannot be reached at some rates (0.03 at 20 %): then `off` says what is missing.
    """
    if tax_rate is None:
        return Fitted(net=part.net, off=None)
    for nudge in sorted(range(-NUDGE_MAX, NUDGE_MAX + 1), key=abs):
        net = part.net + nudge
        if net + tax_on(net, tax_rate) == part.gross:
            return Fitted(net=net, off=0)
    return Fitted(net=part.net, off=part.gross - part.net - tax_on(part.net, tax_rate))


def tax_on(net: int, tax_rate: Decimal) -> int:
    """Tax in minor units at a percentage, rounded half up to the minor unit as NetSuite does per line (inferred)."""
    return int((net * tax_rate / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _rate(config: NetSuiteConfig, row: Fields | None) -> Decimal | None:
    if row is None or config.tax_override:
        return None
    found = wire.rate(row)
    added = row.text("orderLine") is None  # a part of a kit: no line of the order gave it a tax
    return Decimal(0) if found is None and added else found


def _head(desk: Desk, command: PostCreditNote, rma: Fields) -> dict[str, Any]:
    case, credit = command.case, command.credit
    paid = f", refund {', '.join(credit.refund_refs)}" if credit.refund_refs else ""
    memo = f"Order {command.order.number}, return {case.return_id}{paid}"  # R92
    kind, later = record_type(command), command.post_in_open_period
    head: dict[str, Any] = {
        "externalId": wire.external_id_of(command),
        **periods.dated(desk, kind, command.credit_date, memo, later=later),
    }
    if record_type(command) == "creditMemo":
        head["autoApply"] = False  # an applied credit has nothing left to refund (§4.3)
    shipping = sum(charge.net for charge in credit.charges if charge.code == SHIPPING)
    if shipping and SHIPPING not in desk.config.charge_items:
        head["shippingCost"] = wire.amount(shipping, credit.currency)
    if wire.rate(rma, "discountTotal"):
        head["discountRate"] = 0  # our amounts are net of discounts already (that a transform obeys is inferred)
    return head


def _line(config: NetSuiteConfig, part: Part, net: int, currency: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "orderLine": wire.line_key(part.rma_line),
        "quantity": part.quantity,
        **_price(config, part.quantity, net, currency),
    }
    if config.tax_override:
        row["taxDetailsReference"] = f"L{part.rma_line}"
    return row


def _price(config: NetSuiteConfig, quantity: int, net: int, currency: str) -> dict[str, Any]:
    """The amount, with the rate where it comes out even, at a price level that leaves both alone."""
    amount = wire.amount(net, currency)
    price: dict[str, Any] = {"amount": amount}
    if net % quantity == 0:
        price["rate"] = wire.amount(net // quantity, currency)
    if config.custom_price_level:
        price["price"] = wire.ref(config.custom_price_level)
    return price


def _kept(config: NetSuiteConfig, line: CreditLine, currency: str) -> dict[str, Any]:
    """Goods credited but not sent back: an other-charge line, since the item itself would raise stock."""
    return _charge_row(config, KEPT_GOODS, line.net, currency, f"{line.quantity} x {line.sku}")


def _charges(config: NetSuiteConfig, credit: CreditNote, off: int) -> list[dict[str, Any]]:
    """Fees, goodwill and rounding as lines of their own; what NetSuite's tax leaves over joins the rounding."""
    charges = as_lines(config, credit)
    if off:
        charges.append(CreditCharge(code=ROUNDING, net=off, tax=0, gross=off))
    rows = [(each, _charge_row(config, each.code, each.net, credit.currency, each.code)) for each in charges]
    if config.tax_override:
        return [{**row, "taxDetailsReference": f"C{each.code}"} for each, row in rows]
    return [row for _, row in rows]


def as_lines(config: NetSuiteConfig, credit: CreditNote) -> list[CreditCharge]:
    """Charges that become lines of the document.

    Shipping does where it has an item of its own: only a line can carry our tax to the cent; otherwise it is the
    document's `shippingCost`, taxed by NetSuite.
    """
    taken = [charge for charge in credit.charges if charge.code != SHIPPING or SHIPPING in config.charge_items]
    return [charge for charge in taken if charge.net]


def _charge_row(config: NetSuiteConfig, code: str, net: int, currency: str, text: str) -> dict[str, Any]:
    return {
        "item": wire.ref(config.charge_items[code]),
        "quantity": 1,
        "description": text.replace("_", " "),
        **_price(config, 1, net, currency),
    }


def _tax_override(config: NetSuiteConfig, parts: list[Part], credit: CreditNote) -> dict[str, Any]:
    """SuiteTax: our tax line by line (§11; the fields inside `taxDetails` are inferred)."""
    if config.tax_mode != "suitetax" or not config.tax_override:
        return {}
    currency = credit.currency
    details: list[dict[str, Any]] = [
        {
            "taxDetailsReference": f"C{charge.code}",
            "taxBasis": wire.amount(charge.net, currency),
            "taxAmount": wire.amount(charge.tax, currency),
        }
        for charge in as_lines(config, credit)
    ]
    for part in parts:
        detail: dict[str, Any] = {
            "taxDetailsReference": f"L{part.rma_line}",
            "taxBasis": wire.amount(part.net, currency),
            "taxAmount": wire.amount(part.tax, currency),
        }
        if part.tax_code:
            detail["taxCode"] = wire.ref(part.tax_code)
        if config.tax_type:
            detail["taxType"] = wire.ref(config.tax_type)
        details.append(detail)
    override: dict[str, Any] = {"taxDetailsOverride": True, "taxDetails": {"items": details}}
    if config.nexus:
        override |= {"taxRegOverride": True, "nexus": wire.ref(config.nexus)}
    return override


# --- reading back -----------------------------------------------------------------------------------------------------


def check_credit(desk: Desk, command: PostCreditNote, record: Fields) -> Outcome:
    """Whether a document credits exactly this: of this RMA, these units, this total in this currency."""
    credit = command.credit
    if wire.reference(record, "createdFrom") != command.rma.ref:
        return differs(record, f"it does not belong to {command.rma.number}")
    currency = currency_of(desk.config, record)
    if currency != credit.currency:
        return differs(record, f"it is in {currency} instead of {credit.currency}")
    wanted = {part.rma_line: part for part in parts_of(credit)}
    rows = {row.need("orderLine"): row for row in wire.item_lines(record) if row.text("orderLine")}
    if {line: wire.quantity(row, "quantity") for line, row in rows.items()} != _quantities(wanted):
        return differs(record, "its lines or quantities are not those of the credit")
    total = wire.total_of(record, currency, "total")
    if total != credit.total_gross:
        shown = "no total" if total is None else f"a total of {to_text(total, currency)}"
        asked = to_text(credit.total_gross, currency)
        return differs(record, f"it shows {shown} instead of {asked} {currency}", kind="totals_mismatch")
    record_id = record.need("id")
    return Done(
        ref=record_id,
        number=record.text("tranId") or record_id,
        total=total,
        url=desk.url(record_id),
        lines=tuple(
            DocumentLine(line_no=line_no, erp_line=rows[part.rma_line].need("line"))
            for part in wanted.values()
            for line_no in part.line_nos
        ),
    )


def _quantities(parts: Mapping[str, Part]) -> dict[str, int]:
    return {line: part.quantity for line, part in parts.items()}
