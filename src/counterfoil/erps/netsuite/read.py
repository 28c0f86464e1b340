"""Reading back what NetSuite holds, for reconciliation and for the health card (NetSuite sheet §12; R142)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.money import MoneyError, to_minor
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.auth import StoppedError
from counterfoil.erps.netsuite.errors import Meaning, classify
from counterfoil.erps.netsuite.orders import currency_code
from counterfoil.erps.netsuite.post import Desk
from counterfoil.ports.outcomes import Done, LockedOut, Refused
from counterfoil.ports.vendors import ErpDocument, Probe

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
PAGE_ROWS = 500
STATUS_TABLES = {"RtnAuth": wire.RMA_STATUSES, "CustCred": wire.CREDIT_STATUSES}
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
    for date in (since, until):
        if not DATE.fullmatch(date):
            raise ValueError(f"{date!r} is not a date like 2026-11-20")
    sql = (
        "SELECT t.id, t.type, t.tranid, t.externalid, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate, "
        "ABS(t.foreigntotal) AS total, t.currency AS currency_id, BUILTIN.DF(t.currency) AS currency_name, t.status "
        f"FROM transaction t WHERE t.type IN ({wire.quoted(types)}) "
        f"AND t.trandate BETWEEN TO_DATE('{since}', 'YYYY-MM-DD') AND TO_DATE('{until}', 'YYYY-MM-DD') "
        f"{FROM_RETURNS if kind == 'receipt' else ''}AND t.id > {{last}} ORDER BY t.id"
    )
    for page in desk.session.every_row(sql, PAGE_ROWS):
        yield from _described(desk, kind, page)


def _described(desk: Desk, kind: str, page: list[Fields]) -> Iterator[ErpDocument]:
    """A page of documents with their units and where they come from, each asked once for the whole page."""
    ids = [row.need("id") for row in page]
    units = _units(desk, ids)
    source = _created_from(desk, ids)
    rma_order = _created_from(desk, source.values()) if kind != "rma" else source
    orders = _numbers(desk, rma_order.values())
    for row in page:
        rma_ref = row.need("id") if kind == "rma" else source.get(row.need("id"))
        yield _document(
            desk, kind, row, units.get(row.need("id")), rma_ref, orders.get(_order(kind, row, rma_order, rma_ref))
        )


def _order(kind: str, row: Fields, rma_order: dict[str, str], rma_ref: str | None) -> str:
    return rma_order.get(row.need("id") if kind == "rma" else rma_ref or "", "")


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
        units=None if kind == "refund" else units,
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


def _created_from(desk: Desk, ids: Iterable[str]) -> dict[str, str]:
    wanted = sorted(set(ids), key=int)
    if not wanted:
        return {}
    rows = desk.session.rows(
        "SELECT DISTINCT transaction, createdfrom FROM transactionline "
        f"WHERE transaction IN ({wire.whole_ids(wanted)}) AND createdfrom IS NOT NULL ORDER BY transaction"
    )
    return {row.need("transaction"): row.need("createdfrom") for row in rows}


def _numbers(desk: Desk, ids: Iterable[str]) -> dict[str, str]:
    wanted = sorted(set(ids), key=int)
    if not wanted:
        return {}
    rows = desk.session.rows(f"SELECT id, tranid FROM transaction WHERE id IN ({wire.whole_ids(wanted)}) ORDER BY id")
    return {row.need("id"): row.text("tranid") or row.need("id") for row in rows}


def find_by_ref(desk: Desk, kind: str, external_ref: str) -> Done | None:
    """One document by our external reference. Raises StoppedError when absence cannot be told from blindness."""
    for record_type in wire.KIND_RECORDS[kind]:
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


# --- the health card --------------------------------------------------------------------------------------------------


def probe(desk: Desk) -> Probe:
    """Look at login, rights and the facts we rely on, without writing; each look is one sentence."""
    checks: list[tuple[bool, str]] = []
    try:
        checks.append(_login(desk))
        if checks[0][0]:
            checks += [_visible(desk, record_type) for record_type in wire.SUITEQL_TYPES]
            checks += _ids_known(desk)
            checks.append(_restock(desk))
    except StoppedError as error:
        checks.append((False, error.outcome.message or "NetSuite could not be asked."))
    return Probe(ok=all(fine for fine, _ in checks), checks=tuple(checks))


def _login(desk: Desk) -> tuple[bool, str]:
    answer = desk.session.call("OPTIONS", "/services/rest/*", writes=False)
    verdict = classify(answer.status, answer.headers, answer.body)
    if verdict.meaning is Meaning.LOCKED_OUT:
        raise StoppedError(LockedOut(message=verdict.message, detail=verdict.detail, code=verdict.code))
    fine = verdict.meaning in (Meaning.OK, Meaning.CREATED)
    return (fine, "NetSuite accepts our login." if fine else verdict.message)


def _visible(desk: Desk, record_type: str) -> tuple[bool, str]:
    """The positive control of one record type: a document that can be read both ways (§2.4)."""
    if record_type == "customerRefund" and not (desk.config.refund_account or desk.config.refund_accounts):
        return (True, "Customer refunds are not in use.")
    control = desk.control(record_type)
    if control is not None:
        return (True, f"Records of type {record_type} are visible to us (for example {control}).")
    if record_type in ("cashRefund", "customerRefund"):
        return (True, f"No {record_type} is visible; absence of one will not be believed until one is.")
    if desk.config.new_account and record_type != "salesOrder":
        return (True, f"No {record_type} exists yet, as the configuration says.")
    return (False, f"No {record_type} is visible: a permission is missing, or none exists yet (new_account).")


def _ids_known(desk: Desk) -> list[tuple[bool, str]]:
    """The ids of the configuration, looked up."""
    config = desk.config
    locations = {*config.locations.values(), *([config.write_off_location] if config.write_off_location else [])}
    return [
        _all_known(desk, "location", locations, "locations"),
        _all_known(desk, "item", set(config.charge_items.values()), "items for charges"),
    ]


def _all_known(desk: Desk, table: str, ids: set[str], what: str) -> tuple[bool, str]:
    if not ids:
        return (True, f"No {what} are configured.")
    odd = sorted(each for each in ids if not each.isdigit())
    if odd:
        return (False, f"These {what} are not internal ids: {', '.join(odd)}.")
    rows = desk.session.rows(f"SELECT id FROM {table} WHERE id IN ({wire.whole_ids(sorted(ids, key=int))}) ORDER BY id")
    unknown = sorted(ids - {row.need("id") for row in rows})
    if unknown:
        return (False, f"NetSuite does not show these {what}: {', '.join(unknown)}.")
    return (True, f"All {len(ids)} {what} are known to NetSuite.")


def _restock(desk: Desk) -> tuple[bool, str]:
    """Whether this account's item receipt has `restock` (§4.2): a fact for people, not a fault."""
    answer = desk.session.call(
        "GET",
        f"{wire.RECORDS}/metadata-catalog/itemReceipt",
        writes=False,
        headers={"accept": "application/schema+json"},
    )
    if answer.status == 404:
        return (False, "NetSuite offers no item receipts here: is Advanced Receiving switched off?")
    if answer.status != 200:
        return (True, "NetSuite's description of item receipts could not be read.")
    there = b'"restock"' in answer.body
    return (True, f"Item receipts {'have' if there else 'have no'} restock field; places decide what becomes stock.")
