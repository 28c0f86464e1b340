"""Reading back what NetSuite holds, for reconciliation (NetSuite sheet §12; R142)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.money import MoneyError, to_minor
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.auth import StoppedError
from counterfoil.erps.netsuite.config import NetSuiteConfig
from counterfoil.erps.netsuite.orders import COLUMN, currency_code, item_skus
from counterfoil.erps.netsuite.post import Desk
from counterfoil.erps.netsuite.session import PAGE_ROWS_MAX
from counterfoil.ports.outcomes import Done, Refused
from counterfoil.ports.vendors import ErpDocument, ErpDocumentLine

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
PAGE_ROWS = 500
LEVELS_MAX = 4  # refund, credit memo, RMA, order
STATUS_TABLES = {
    "RtnAuth": wire.RMA_STATUSES,
    "CustCred": wire.CREDIT_STATUSES,
    "SalesOrd": wire.ORDER_STATUSES,
    "CustRfnd": {"V": "Voided"},  # the name of R is not documented
}
OUT_OF_DEPOSIT = (
    "EXISTS (SELECT 1 FROM transactionline l JOIN transaction d ON d.id = l.createdfrom "
    "WHERE l.transaction = t.id AND d.type = 'CustDep')"
)
# Purchase receipts are item receipts too: only those born from a return are ours to look at.
FROM_RETURNS = (
    "AND EXISTS (SELECT 1 FROM transactionline l JOIN transaction ra ON ra.id = l.createdfrom "
    "WHERE l.transaction = t.id AND ra.type = 'RtnAuth') "
)


def documents(desk: Desk, kind: str, since: str, until: str) -> Iterator[ErpDocument]:
    """Documents of one kind dated in [since, until], oldest id first. Raises StoppedError when they cannot be read.

    Credit notes are all credit memos and cash refunds, also those made by hand: they are what a proof must see.
    """
    types = [wire.SUITEQL_TYPES[record_type] for record_type in wire.KIND_RECORDS[kind]]
    if kind == "credit_note" and desk.config.deposit_document == "customer_refund":
        types.append("CustRfnd")  # a refund out of a deposit is the credit of an order that is not billed yet
    for date in (since, until):
        if not DATE.fullmatch(date):
            raise ValueError(f"{date!r} is not a date like 2026-11-20")
    sql = (
        "SELECT t.id, t.type, t.tranid, t.externalid, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate, "
        "ABS(t.foreigntotal) AS total, t.currency AS currency_id, BUILTIN.DF(t.currency) AS currency_name, t.status "
        f"FROM transaction t WHERE t.type IN ({wire.quoted(types)}) "
        f"AND t.trandate BETWEEN TO_DATE('{since}', 'YYYY-MM-DD') AND TO_DATE('{until}', 'YYYY-MM-DD') "
        f"{_only(desk, kind)}AND t.id > {{last}} ORDER BY t.id"
    )
    for page in desk.session.every_row(sql, PAGE_ROWS):
        yield from _described(desk, kind, page)


def _only(desk: Desk, kind: str) -> str:
    """What narrows a kind down: receipts of returns, orders of ours, and refunds that are credits or are not."""
    match kind:
        case "receipt":
            return FROM_RETURNS
        case "exchange_order":
            return "AND t.externalid LIKE 'cf-%' "
        case "refund":
            return f"AND NOT {OUT_OF_DEPOSIT} "
        case "credit_note" if desk.config.deposit_document == "customer_refund":
            return f"AND (t.type <> 'CustRfnd' OR {OUT_OF_DEPOSIT}) "
    return ""


def _described(desk: Desk, kind: str, page: list[Fields]) -> Iterator[ErpDocument]:
    """A page of documents with their units and where they come from, each asked once for the whole page."""
    ids = [row.need("id") for row in page]
    units = _units(desk, ids)
    lines = lines_of(desk, ids) if kind == "receipt" else {}
    sources = origins(desk, ids) if kind != "exchange_order" else _links_of_exchanges(desk, ids)
    orders = _numbers(desk, (order for _, order in sources.values() if order is not None))
    for row in page:
        rma_ref, order = sources.get(row.need("id"), (None, None))
        if kind == "rma":
            rma_ref = row.need("id")
        document = _document(desk, kind, row, units.get(row.need("id")), rma_ref, orders.get(order or ""))
        yield msgspec.structs.replace(document, lines=lines.get(row.need("id"), ()))


def lines_of(desk: Desk, ids: list[str]) -> dict[str, tuple[ErpDocumentLine, ...]]:
    """What each receipt holds, by SKU and depot. A query that reaches the limit is asked again in halves."""
    rows = desk.session.rows(
        "SELECT transaction, item, location, SUM(ABS(quantity)) AS units FROM transactionline "
        f"WHERE transaction IN ({wire.whole_ids(ids)}) AND mainline = 'F' AND taxline = 'F' AND kitmemberof IS NULL "
        "GROUP BY transaction, item, location ORDER BY transaction, item, location"
    )
    if len(rows) >= PAGE_ROWS_MAX and len(ids) > 1:
        half = len(ids) // 2
        return {**lines_of(desk, ids[:half]), **lines_of(desk, ids[half:])}
    skus = item_skus(desk, [row.text("item") for row in rows])
    found: dict[str, list[ErpDocumentLine]] = {}
    for row in rows:
        line = ErpDocumentLine(
            sku=skus.get(row.text("item") or "", ""),
            quantity=row.whole("units") or 0,
            depot=_depot(desk.config, row.text("location")),
        )
        found.setdefault(row.need("transaction"), []).append(line)
    return {ref: tuple(lines) for ref, lines in found.items()}


def _depot(config: NetSuiteConfig, location: str | None) -> str | None:
    """The depot a location stands for in any subsidiary, the write-off location as itself."""
    tables = (config.locations, *config.subsidiary_locations.values())
    known = (depot for table in tables for depot, place in table.items() if place == location and "/" not in depot)
    return next(known, location)


def origins(desk: Desk, ids: Iterable[str]) -> dict[str, tuple[str | None, str | None]]:
    """For each document the RMA and the sales order it goes back to, where it does.

    Sources are followed level by level for the whole page: refund, credit memo, RMA, order. A refund that was posted
    by itself has no source of its own and is followed by what it is applied to.
    """
    found: dict[str, tuple[str | None, str | None]] = dict.fromkeys(ids, (None, None))
    at = {each: each for each in found}
    for _ in range(LEVELS_MAX):
        sources = _sources(desk, at.values())
        at = {each: sources[now][0] for each, now in at.items() if now in sources}
        kinds = dict(sources.values())
        for each, now in at.items():
            rma, order = found[each]
            found[each] = (
                rma or (now if kinds[now] == "RtnAuth" else None),
                now if kinds[now] == "SalesOrd" else order,
            )
        at = {each: now for each, now in at.items() if kinds[now] != "SalesOrd"}
        if not at:
            break
    return found


def _sources(desk: Desk, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The document each was made from or settles, with its type."""
    wanted = sorted(set(ids), key=int)
    if not wanted:
        return {}
    listed = wire.whole_ids(wanted)
    made = desk.session.rows(
        "SELECT DISTINCT l.transaction, l.createdfrom AS source, s.type FROM transactionline l "
        f"JOIN transaction s ON s.id = l.createdfrom WHERE l.transaction IN ({listed}) ORDER BY l.transaction"
    )
    found = {row.need("transaction"): (row.need("source"), row.need("type")) for row in made}
    rest = [each for each in wanted if each not in found]
    if rest:
        applied = desk.session.rows(
            "SELECT DISTINCT k.nextdoc AS transaction, k.previousdoc AS source, s.type "
            "FROM previoustransactionlinelink k JOIN transaction s ON s.id = k.previousdoc "
            f"WHERE k.nextdoc IN ({wire.whole_ids(rest)}) AND s.type IN ('CustCred', 'CustDep') ORDER BY k.nextdoc"
        )
        found |= {row.need("transaction"): (row.need("source"), row.need("type")) for row in applied}
    return found


def _links_of_exchanges(desk: Desk, ids: Iterable[str]) -> dict[str, tuple[str | None, str | None]]:
    """The RMA and the original order of exchange orders, from the fields that are configured for them."""
    rma, origin = desk.config.exchange_rma_field, desk.config.exchange_origin_field
    known = [name for name in (rma, origin) if name]
    wanted = sorted(set(ids), key=int)
    if not known or not wanted or not all(COLUMN.fullmatch(name) for name in known):
        return {}
    rows = desk.session.rows(
        f"SELECT id, {', '.join(known)} FROM transaction WHERE id IN ({wire.whole_ids(wanted)}) ORDER BY id"
    )
    return {row.need("id"): (row.text(rma) if rma else None, row.text(origin) if origin else None) for row in rows}


def _document(
    desk: Desk, kind: str, row: Fields, units: int | None, rma_ref: str | None, order_number: str | None
) -> ErpDocument:
    currency = amount = None
    if kind != "receipt":
        currency = currency_code(desk.config, row.text("currency_id"), row.text("currency_name"))
        amount = _amount(row, currency)
    table = STATUS_TABLES.get(row.text("type") or "", {})
    letter = wire.letter(row, "status", table)
    return ErpDocument(
        kind=kind,
        ref=row.need("id"),
        number=row.text("tranid") or row.need("id"),
        external_ref=row.text("externalid"),
        currency=currency,
        amount=amount,
        units=None if kind == "refund" or row.text("type") == "CustRfnd" else units,
        dated=row.text("trandate"),
        status=table[letter] if letter else row.text("status"),
        order_number=order_number,
        rma_ref=rma_ref,
    )


def _amount(row: Fields, currency: str) -> int | None:
    total = row.text("total")
    if total is None:
        return None
    try:
        return abs(to_minor(total, currency))  # the sign in SuiteQL is not settled (§12)
    except MoneyError as error:
        told = f"NetSuite's total of {row.text('tranid')} cannot be read: {error}."
        raise StoppedError(Refused(message=told, kind="document_differs", owner=Owner.FINANCE)) from None


def _units(desk: Desk, ids: list[str]) -> dict[str, int]:
    rows = desk.session.rows(
        "SELECT transaction, SUM(ABS(quantity)) AS units FROM transactionline "
        f"WHERE transaction IN ({wire.whole_ids(ids)}) AND mainline = 'F' AND taxline = 'F' AND kitmemberof IS NULL "
        "GROUP BY transaction ORDER BY transaction"
    )
    return {row.need("transaction"): row.whole("units") or 0 for row in rows}


def _numbers(desk: Desk, ids: Iterable[str]) -> dict[str, str]:
    wanted = sorted(set(ids), key=int)
    if not wanted:
        return {}
    rows = desk.session.rows(f"SELECT id, tranid FROM transaction WHERE id IN ({wire.whole_ids(wanted)}) ORDER BY id")
    return {row.need("id"): row.text("tranid") or row.need("id") for row in rows}


def find_by_ref(desk: Desk, kind: str, external_ref: str) -> Done | None:
    """One document by our external reference. Raises StoppedError when absence cannot be told from blindness."""
    refunds = desk.config.deposit_document == "customer_refund" and bool(desk.config.refund_account)
    also = ("customerRefund",) if kind == "credit_note" and refunds else ()
    for record_type in (*wire.KIND_RECORDS[kind], *also):
        found = desk.find(record_type, external_ref)
        if isinstance(found, Refused) and found.kind == "document_differs":
            continue  # the reference is on a document of another type, perhaps the next one we try
        if found is None:
            continue
        if not isinstance(found, Fields):
            raise StoppedError(found)
        record_id = found.need("id")
        total = None
        if kind != "receipt":
            currency = currency_code(
                desk.config, wire.reference(found, "currency"), wire.reference_name(found, "currency")
            )
            total = wire.total_of(found, currency, "total")
        return Done(ref=record_id, number=found.text("tranId") or record_id, total=total, url=desk.url(record_id))
    return None
