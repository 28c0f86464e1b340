"""Finding the original sales order, its lines and how it was billed (NetSuite sheet §4.6, §12; R37, R91, R92)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.commands import CaseRef, FindSalesOrder
from counterfoil.core.documents import ErpComponent, ErpOrder, ErpOrderLine
from counterfoil.core.money import MoneyError, exponent
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.auth import StoppedError
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.post import Desk
from counterfoil.ports.outcomes import Done, Outcome, Refused

COLUMN = re.compile(r"[a-z][a-z0-9_]*")
# Lines that are not goods: they price, describe or bracket the lines around them (§10, §11).
NOT_GOODS = frozenset({"Discount", "Subtotal", "Description", "Group", "EndGroup", "Markup", "TaxItem", "TaxGroup"})
BILLINGS = (("CashSale", "cash_sale"), ("CustInvc", "invoice"), ("CustDep", "deposit"))


def find_order(desk: Desk, command: FindSalesOrder) -> Outcome:
    """The one sales order the shop's order became, with everything later steps need."""
    found = _seek(desk, command.case)
    if not isinstance(found, str):
        return found
    record = desk.session.record("salesOrder", found, missing="order_not_found")
    desk.saw("salesOrder")
    order = read_order(desk, record)
    return Done(ref=order.ref, number=order.number, order=order, url=desk.url(order.ref))


def candidates(config: NetSuiteConfig, case: CaseRef) -> tuple[str, ...]:
    """How the shop's order may be written in NetSuite, in the configured order, without repeats."""
    name = case.order_name or ""
    known = {"order_ref": case.order_ref or "", "order_name": name, "order_number": name.lstrip("#")}
    written = (_fill(pattern, known) for pattern in config.order_patterns)
    return tuple(dict.fromkeys(text for text in written if text))


def _fill(pattern: str, known: Mapping[str, str]) -> str:
    """A pattern filled in; empty when something it needs is not known."""
    for name, value in known.items():
        if f"{{{name}}}" in pattern and not value:
            return ""
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern


def _seek(desk: Desk, case: CaseRef) -> str | Outcome:
    values = candidates(desk.config, case)
    named = case.order_name or case.order_ref or "without a name"
    if not values:
        return Refused(message="The return names no order of the shop.", kind="order_not_found", owner=Owner.OPS)
    for column in desk.config.order_fields:
        if not COLUMN.fullmatch(column):
            return Refused(
                message=f"{column!r} is not a SuiteQL column.", kind="configuration_rejected", owner=Owner.INTEGRATION
            )
        rows = desk.session.rows(
            f"SELECT t.id, t.tranid FROM transaction t WHERE t.type = 'SalesOrd' "
            f"AND t.{column} IN ({wire.quoted(values)}) ORDER BY t.id"
        )
        if len(rows) == 1:
            return rows[0].need("id")
        if rows:
            numbers = ", ".join(str(row.text("tranid")) for row in rows)
            return Refused(
                message=f"Several sales orders in NetSuite fit the shop's order {named}: {numbers}.",
                detail=f"{column} in {values}",
                kind="order_ambiguous",
                owner=Owner.OPS,
            )
    if not desk.sees("salesOrder"):
        return desk.blind("salesOrder")
    looked = f"searched {', '.join(desk.config.order_fields)} for {', '.join(values)}"
    return Refused(
        message=f"NetSuite has no sales order for the shop's order {named}.",
        detail=looked,
        kind="order_not_found",
        owner=Owner.OPS,
    )


def read_order(desk: Desk, record: Fields) -> ErpOrder:
    """The order in our words. Raises StoppedError when its currency has no name we know."""
    order_id = record.need("id")
    currency = currency_of(desk.config, record)
    rows = [row for row in wire.item_lines(record) if _line_type(row) not in NOT_GOODS]
    skus = item_skus(desk, [wire.reference(row, "item") for row in rows])
    parts = kit_parts(desk, order_id, rows)
    discounted = len(rows) != len(wire.item_lines(record)) or bool(wire.total_of(record, currency, "discountTotal"))
    billing, billing_ref = _billing(desk, order_id)
    if billing in (None, "deposit") and any(wire.quantity(row, "quantityBilled") for row in rows):
        raise StoppedError(_unseen_bill(record))
    company = wire.reference(record, "subsidiary")
    config = desk.config.serving(company)
    status = wire.letter(record, "status", wire.ORDER_STATUSES)
    return ErpOrder(
        ref=order_id,
        number=record.text("tranId") or order_id,
        currency=currency,
        customer=wire.reference(record, "entity"),
        lines=tuple(
            _line(config, row, currency, skus, parts.get(row.need("line"), ()), discounted=discounted) for row in rows
        ),
        status=wire.ORDER_STATUSES[status] if status else None,
        billing=billing,
        billing_ref=billing_ref,
        company=company,
    )


def _unseen_bill(record: Fields) -> Refused:
    """A billed order whose bill we are not shown: the credit would take the wrong form (§2.4, §4.5)."""
    return Refused(
        message=f"Order {record.text('tranId')} is billed, but NetSuite shows us neither an invoice nor a cash sale of "
        f"it: the role lacks “{wire.PERMISSIONS['invoice']}” or “{wire.PERMISSIONS['cashSale']}”.",
        kind="permission_missing",
        owner=Owner.INTEGRATION,
    )


def kit_parts(desk: Desk, order_id: str, rows: Iterable[Fields]) -> dict[str, tuple[ErpComponent, ...]]:
    """The members of each kit line as the order saved them; the record service does not show them, SuiteQL does (§10).

    A kit whose units do not come out even is left without members: a part of it cannot be told then.
    """
    kits = {row.need("line"): wire.quantity(row, "quantity") for row in rows if _line_type(row) in (None, "Kit")}
    if not kits:
        return {}
    found = desk.session.rows(
        "SELECT id, item, ABS(quantity) AS units, kitmemberof FROM transactionline "
        f"WHERE transaction = {wire.whole_ids([order_id])} AND kitmemberof IS NOT NULL AND mainline = 'F' ORDER BY id"
    )
    skus = item_skus(desk, [row.text("item") for row in found])
    parts: dict[str, list[ErpComponent]] = {}
    for row in found:
        kit, units = row.need("kitmemberof"), row.whole("units") or 0
        each, rest = divmod(units, kits.get(kit) or 1)
        if kit not in kits or rest or not each:
            kits.pop(kit, None)
            continue
        part = ErpComponent(
            sku=skus.get(row.need("item"), ""), quantity=each, item_ref=row.need("item"), erp_line=row.need("id")
        )
        parts.setdefault(kit, []).append(part)
    return {kit: tuple(members) for kit, members in parts.items() if kit in kits}


def currency_of(config: NetSuiteConfig, record: Fields) -> str:
    """The ISO code of a record's currency: by the configured ids, else by its name where that is the code."""
    currency_id = wire.reference(record, "currency")
    return currency_code(config, currency_id, wire.reference_name(record, "currency"))


def currency_code(config: NetSuiteConfig, currency_id: str | None, name: str | None) -> str:
    """The ISO code for a currency id or name. Raises StoppedError when neither says it."""
    code = next((iso for iso, known in config.currencies.items() if known == currency_id), name or currency_id or "")
    try:
        exponent(code)
    except MoneyError:
        raise StoppedError(
            Refused(
                message=f"The NetSuite currency {name or currency_id!r} is not mapped to an ISO code.",
                kind="currency_not_mapped",
                owner=Owner.INTEGRATION,
            )
        ) from None
    return code


def item_skus(desk: Desk, item_ids: Iterable[str | None]) -> dict[str, str]:
    """SKU by item id, from the configured item field. Sub-items show only their own part of the name."""
    wanted = sorted({item for item in item_ids if item and item.isdigit()}, key=int)
    if not wanted:
        return {}
    column = desk.config.sku_field
    if not COLUMN.fullmatch(column):
        told = f"{column!r} is not a SuiteQL column."
        raise StoppedError(Refused(message=told, kind="configuration_rejected", owner=Owner.INTEGRATION))
    chosen = "id, itemid" if column == "itemid" else f"id, itemid, {column}"
    rows = desk.session.rows(f"SELECT {chosen} FROM item WHERE id IN ({wire.whole_ids(wanted)}) ORDER BY id")
    return {row.need("id"): _own_name(row.text(column) or "") for row in rows}


def _own_name(item_name: str) -> str:
    return item_name.rpartition(" : ")[2]


def _line(
    config: NetSuiteConfig,
    row: Fields,
    currency: str,
    skus: Mapping[str, str],
    parts: tuple[ErpComponent, ...],
    *,
    discounted: bool,
) -> ErpOrderLine:
    item = wire.reference(row, "item")
    return ErpOrderLine(
        erp_line=row.need("line"),
        sku=skus.get(item or "") or _own_name(wire.reference_name(row, "item") or ""),
        quantity=wire.quantity(row, "quantity"),
        despatched=row.whole("quantityFulfilled"),
        value=None if discounted else line_value(row, currency),
        tax_code=wire.reference(row, "taxCode"),
        item_ref=item,
        depot=_depot(config, wire.reference(row, "location")),
        shop_line_ref=row.text(config.shop_line_field) if config.shop_line_field else None,
        components=parts,
    )


def line_value(row: Fields, currency: str) -> int | None:
    """What the line came to with tax, in minor units; None where NetSuite does not show its tax (§11).

    Order-wide and line discounts are lines of their own in NetSuite, so callers leave the value out where there
    are any.
    """
    gross = wire.total_of(row, currency, "grossAmt")
    if gross is not None:
        return gross
    net, tax = (wire.total_of(row, currency, "amount"), wire.total_of(row, currency, "tax1Amt"))
    return net + tax if net is not None and tax is not None else None


def _line_type(row: Fields) -> str | None:
    return wire.reference(row, "itemType")


def _depot(config: NetSuiteConfig, location: str | None) -> str | None:
    return next(
        (depot for depot, known in config.locations.items() if known == location and "/" not in depot), location
    )


def _billing(desk: Desk, order_id: str) -> tuple[str | None, str | None]:
    """How the order was billed. A cash sale beats an invoice beats a deposit; the oldest of its kind is named."""
    rows = desk.session.rows(
        f"SELECT DISTINCT t.id, t.type FROM transaction t JOIN transactionline l ON l.transaction = t.id "
        f"WHERE l.createdfrom = {wire.whole_ids([order_id])} "
        f"AND t.type IN ({wire.quoted(name for name, _ in BILLINGS)}) ORDER BY t.id"
    )
    for suiteql_type, billing in BILLINGS:
        found = next((row.need("id") for row in rows if row.text("type") == suiteql_type), None)
        if found is not None:
            return billing, found
    return None, None
