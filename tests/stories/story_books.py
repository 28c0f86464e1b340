"""What the simulated ERPs hold for one order: documents and stock, read from their own books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from story_worlds import SKUS

from counterfoil.core.money import to_minor
from counterfoil.testing.story_stage import Document

Json = dict[str, Any]

# Where each document is made, as paths of POST requests.
PATHS = {
    "prima": {
        "RMA": "^/v1/sales-returns$",
        "receipt": "^/v1/stock-receipts$",
        "credit note": "^/v1/sales-credit-notes$",
    },
    "netsuite": {
        "RMA": "!transform/returnAuthorization",
        "receipt": "!transform/itemReceipt",
        "credit note": "!transform/creditMemo",
    },
}
# What the simulated Prima calls the making of each document, by transport; where it can lose an answer once.
_TARGETS = {
    "prima": {kind: path.strip("^$") for kind, path in PATHS["prima"].items()},
    "prima-soap": {"RMA": "sales-returns", "receipt": "stock-receipts", "credit note": "sales-credit-notes"},
    "prima-file": {"RMA": "SRET", "receipt": "GRN", "credit note": "SCRN"},
}
LOSING = ("prima-soap", "prima-file")
_HURRY = {"drop_poll_s": 0.01, "ack_timeout_s": 10.0, "resp_timeout_s": 1.5}


def target(erp: str, document: str) -> str:
    """How a scheduled mishap names the making of a document."""
    return f"{'FILE' if erp == 'prima-file' else 'POST'} {_TARGETS[erp][document]}"


def hurry(raw: Json) -> None:
    """Answer files are awaited for seconds, not for hours."""
    for connection in raw["connection"]:
        if connection["config"].get("transport") == "file_drop":
            connection["config"].update(_HURRY)


_PRIMA = {"RMA": "sales_returns", "receipt": "stock_receipts", "credit note": "sales_credit_notes"}
_NETSUITE = {
    "RMA": "returnAuthorization",
    "receipt": "itemReceipt",
    "credit note": "creditMemo",
    "refund record": "customerRefund",
}
_LOCATIONS = {"1": "MAIN", "2": "RETQ", "3": "DMG", "4": ""}
_WRITE_OFF = "WOFF"


def documents(erp: str, state: Json, order: str, kind: str, currency: str) -> tuple[Document, ...]:
    """Documents of a kind that stand for an order."""
    if kind == "exchange order":
        return _prima_exchanges(state, order) if erp != "netsuite" else _netsuite_exchanges(state, order)
    if erp != "netsuite":
        found = _prima(state, order, kind)
        return tuple(
            Document(kind=kind, gross=_minor(row, "total_gross", currency), tax=_minor(row, "total_tax", currency))
            for row in found
        )
    return tuple(
        Document(kind=kind, gross=_minor(row, "total", currency), tax=_minor(row, "taxTotal", currency))
        for row in _netsuite(state, order, kind)
    )


def _prima_exchanges(state: Json, order: str) -> tuple[Document, ...]:
    """Exchange orders that stand, and whether they are held."""
    mine = [row for row in state["documents"]["sales_orders"] if row.get("original_order_number") == order]
    states = [row["status"].lower() for row in mine]
    return tuple(Document(kind="exchange order", held="hold" in state) for state in states if state != "cancelled")


def _netsuite_exchanges(state: Json, order: str) -> tuple[Document, ...]:
    """The same; their memo names the original order, and a held one waits for approval."""
    mine = [row for row in state["documents"].get("salesOrder", []) if f"for order {order}" in row.get("memo", "")]
    states = [str((row.get("status") or {}).get("refName", "")).lower() for row in mine]
    standing = [state for state in states if state not in ("closed", "cancelled")]
    return tuple(Document(kind="exchange order", held="pending approval" in state) for state in standing)


def _minor(row: Json, name: str, currency: str) -> int | None:
    return to_minor(str(row[name]), currency) if row.get(name) is not None else None


def _prima(state: Json, order: str, kind: str) -> list[Json]:
    made = state["documents"]
    returns = {row["return_number"] for row in made["sales_returns"] if row["order_number"] == order}
    match kind:
        case "RMA":
            mine = [row for row in made["sales_returns"] if row["order_number"] == order]
            return [row for row in mine if row["status"] != "cancelled"]
        case "receipt":
            return [row for row in made["stock_receipts"] if row["return_number"] in returns]
        case "credit note":
            mine = [row for row in made["sales_credit_notes"] if row["order_number"] == order]
            return [row for row in mine if row["status"] == "posted"]
    return []


def _netsuite(state: Json, order: str, kind: str) -> list[Json]:
    made = state["documents"]
    returns = [row for row in made.get("returnAuthorization", []) if _from(row, order)]
    if kind == "RMA":
        return [row for row in returns if not _cancelled(row)]
    if kind == "credit note":
        return _netsuite_credits(made, returns, order)
    found = _made_from(made.get(_NETSUITE["credit note" if kind == "refund record" else kind], []), returns)
    return _made_from(made.get(_NETSUITE[kind], []), found) if kind == "refund record" else found


def _netsuite_credits(made: Json, returns: list[Json], order: str) -> list[Json]:
    """Credit memos and cash refunds of the returns; and what was paid out of the order's deposit (R91)."""
    found = [row for name in ("creditMemo", "cashRefund") for row in _made_from(made.get(name, []), returns)]
    deposits = [row for row in made.get("customerRefund", []) if "Deposit" in _origin(row)]
    return found + [row for row in deposits if f"{order}," in row.get("memo", "")]


def _origin(row: Json) -> str:
    return str((row.get("createdFrom") or {}).get("refName", ""))


def _made_from(rows: list[Json], parents: list[Json]) -> list[Json]:
    ids = {row["id"] for row in parents}
    return [row for row in rows if str((row.get("createdFrom") or {}).get("id")) in ids]


def _from(row: Json, order: str) -> bool:
    return order in str((row.get("createdFrom") or {}).get("refName", ""))


def _cancelled(row: Json) -> bool:
    return str(row["status"].get("refName", "")).lower() in ("cancelled", "closed")


def stock(erp: str, state: Json, order: str) -> dict[tuple[str, str], int]:
    """Units booked for an order, by depot and SKU."""
    total: dict[tuple[str, str], int] = {}
    rows = _prima_lines(state, order) if erp != "netsuite" else _netsuite_lines(state, order)
    for depot, sku, units in rows:
        total[depot, sku] = total.get((depot, sku), 0) + units
    return total


def _prima_lines(state: Json, order: str) -> list[tuple[str, str, int]]:
    lines = [line for row in _prima(state, order, "receipt") for line in row["lines"]]
    return [
        ("" if line["depot"] == _WRITE_OFF else line["depot"], line["sku"], int(Decimal(line["quantity"])))
        for line in lines
    ]


def _netsuite_lines(state: Json, order: str) -> list[tuple[str, str, int]]:
    found = []
    for row in _netsuite(state, order, "receipt"):
        for line in row["item"]["items"]:
            if line.get("itemReceive", True):
                sku = SKUS[int(line["item"]["id"]) - 1001]
                found.append((_LOCATIONS[line["location"]["id"]], sku, int(Decimal(str(line["quantity"])))))
    return found
