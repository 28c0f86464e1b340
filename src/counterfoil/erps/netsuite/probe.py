"""The health card of a connection: login, rights, ids and the facts we rely on, looked at without writing (§2.4).

A missing permission looks like an empty result, so each record type and each list the flow needs is read once as a
positive control; what cannot be seen is named by the permission it takes.
"""

from __future__ import annotations

from counterfoil.erps.netsuite import wire
from counterfoil.erps.netsuite.auth import StoppedError
from counterfoil.erps.netsuite.errors import Meaning, classify
from counterfoil.erps.netsuite.post import Desk
from counterfoil.ports.outcomes import Busy, LockedOut, Refused
from counterfoil.ports.vendors import Probe

BILLS = {"invoice": "CustInvc", "cashSale": "CashSale", "customerDeposit": "CustDep"}
LISTS = ("item", "customer", "location", "currency", "accountingperiod")  # SuiteQL tables of §12


def probe(desk: Desk) -> Probe:
    """Look at login, rights and the facts we rely on, without writing; each look is one sentence."""
    checks: list[tuple[bool, str]] = []
    try:
        checks.append(_login(desk))
        if checks[0][0]:
            checks += [_visible(desk, record_type) for record_type in wire.SUITEQL_TYPES]
            checks += _bills(desk)
            checks += [_listed(desk, table) for table in LISTS]
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
    permission = wire.PERMISSIONS[record_type]
    try:
        control = desk.control(record_type)
    except StoppedError as error:
        if isinstance(error.outcome, LockedOut | Busy):
            raise
        return (False, f"Records of type {record_type} cannot be asked for: the role lacks “{permission}”.")
    if control is not None:
        return (True, f"Records of type {record_type} are visible to us (for example {control}).")
    if record_type in ("cashRefund", "customerRefund"):
        return (True, f"No {record_type} is visible; absence of one will not be believed until one is.")
    if desk.config.new_account and record_type != "salesOrder":
        return (True, f"No {record_type} exists yet, as the configuration says.")
    told = f"No {record_type} is visible: the role lacks “{permission}”, or none exists yet (then set new_account)."
    return (False, told)


def _bills(desk: Desk) -> list[tuple[bool, str]]:
    """Whether bills can be seen: without them a credit would take the wrong form (§4.5)."""
    seen = {name for name, suiteql_type in BILLS.items() if _any_of(desk, suiteql_type)}
    notes = [
        (True, f"No {name} is visible; if this account has any, the role lacks “{wire.PERMISSIONS[name]}”.")
        for name in BILLS
        if name not in seen
    ]
    if not seen & {"invoice", "cashSale"}:
        lacking = f"“{wire.PERMISSIONS['invoice']}” or “{wire.PERMISSIONS['cashSale']}”"
        told = f"Neither an invoice nor a cash sale is visible: the role lacks {lacking}, or nothing was billed yet."
        return [*notes, (desk.config.new_account, told)]
    return [*notes, (True, f"Bills are visible: {', '.join(sorted(seen))}.")]


def _any_of(desk: Desk, suiteql_type: str) -> bool:
    return bool(desk.session.rows(f"SELECT id FROM transaction WHERE type = '{suiteql_type}' ORDER BY id", limit=1))


def _listed(desk: Desk, table: str) -> tuple[bool, str]:
    """The positive control of one list: every account has at least one row of each."""
    permission = wire.PERMISSIONS[table]
    try:
        rows = desk.session.rows(f"SELECT id FROM {table} ORDER BY id", limit=1)
    except StoppedError as error:
        if not isinstance(error.outcome, Refused):
            raise
        rows = []
    if rows:
        return (True, f"The list {table} can be read.")
    return (False, f"Nothing of the list {table} is visible: the role lacks “{permission}”.")


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
