"""Commands as the canonical records of Prima sheet §4, the same for every transport. Pure.

Amounts and quantities are decimals in text with the currency's own digits; line numbers are numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from counterfoil.core.commands import (
    Command,
    DraftCreditNote,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
)
from counterfoil.core.documents import CreditNote, ErpOrder, StockLine
from counterfoil.core.money import to_text
from counterfoil.core.problems import Owner
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.refs import external_ref
from counterfoil.ports.outcomes import Refused

Record = dict[str, Any]


class Document(StrEnum):
    """The documents we make, by their path of the REST profile (§5)."""

    RETURN = "sales-returns"
    RECEIPT = "stock-receipts"
    CREDIT = "sales-credit-notes"
    ORDER = "sales-orders"  # read, and made for exchanges

    @property
    def type(self) -> str:
        """The type in references and file names (§6.1)."""
        return _TYPES[self]

    @property
    def number_field(self) -> str:
        """The field that holds the ERP's own number."""
        return _NUMBER_FIELDS[self]


_TYPES = {Document.RETURN: "SRET", Document.RECEIPT: "GRN", Document.CREDIT: "SCRN", Document.ORDER: "SORD"}
_NUMBER_FIELDS = {
    Document.RETURN: "return_number",
    Document.RECEIPT: "receipt_number",
    Document.CREDIT: "credit_number",
    Document.ORDER: "order_number",
}


class CannotSay(Exception):
    """A command that cannot be put into Prima's words as this account is set up; `refused` says why and to whom."""

    def __init__(self, kind: str, message: str, owner: Owner | None = None) -> None:
        super().__init__(message)
        self.refused = Refused(kind=kind, owner=owner, message=message)


def reference(document: Document, command: Command, config: PrimaConfig) -> str:
    """Our reference of the document a command makes."""
    return external_ref(document.type, command.case, command.step, with_brand=config.brand_in_reference)


def sales_return(command: OpenReturnAuthorisation, config: PrimaConfig) -> Record:
    """The RMA: units of order lines on their way back, each with its reason and the depot that expects it."""
    return _without_none(
        {
            "external_ref": reference(Document.RETURN, command, config),
            "portal_ref": command.case.return_id,
            "order_number": command.order.number,
            "customer_code": command.order.customer,
            "authorised_at": command.authorised_at,
            "tracking_number": command.tracking,
            "lines": [
                _without_none(
                    {
                        "line_no": line.line_no,
                        "order_line_no": _line_number(line.erp_line),
                        "sku": line.sku,
                        "quantity": str(line.quantity),
                        "reason_code": line.reason_code,
                        "expected_depot": line.expected_depot,
                    }
                )
                for line in command.lines
            ],
        }
    )


def stock_receipt(command: ReceiveStock, config: PrimaConfig) -> Record:
    """The goods receipt: every unit to the depot its disposition decided. Raises CannotSay for one without."""
    return {
        "external_ref": reference(Document.RECEIPT, command, config),
        "return_number": command.rma.number,
        "received_at": command.received_at,
        "warehouse_ref": command.warehouse_ref,
        "lines": [_receipt_line(line, config) for line in command.lines],
    }


def _receipt_line(line: StockLine, config: PrimaConfig) -> Record:
    record = _without_none(
        {
            "line_no": line.line_no,
            "return_line_no": _line_number(line.rma_erp_line),
            "sku": line.sku,
            "quantity": str(line.quantity),
            "location": line.location,
            "disposition_code": config.disposition_codes.get(line.disposition.value, line.disposition.value),
            "lot": line.lot,
        }
    )
    if line.serials:
        record["serials"] = list(line.serials)
    return {**record, "depot": line.depot if line.depot is not None else _write_off(line, config)}


def _write_off(line: StockLine, config: PrimaConfig) -> str:
    """Where written-off units go: every line of a receipt names a depot (§4), and none is guessed (§7)."""
    if not config.write_off_depot:
        message = f"{line.sku} was written off, and the connection names no depot for write-offs (write_off_depot)."
        raise CannotSay("depot_not_mapped", message)
    return config.write_off_depot


def sales_credit_note(command: DraftCreditNote | PostCreditNote, config: PrimaConfig) -> Record:
    """The credit note against the original order, in the order's currency."""
    credit = command.credit
    return {
        "external_ref": reference(Document.CREDIT, command, config),
        "order_number": command.order.number,
        "return_number": command.rma.number,
        "credit_date": command.credit_date[:10],
        "currency": credit.currency,
        "lines": _credit_lines(credit, command.order),
        "charges": [
            {"code": config.charge_codes.get(charge.code, charge.code), **_amounts(charge, credit.currency)}
            for charge in credit.charges
        ],
        "total_net": to_text(credit.total_net, credit.currency),
        "total_tax": to_text(credit.total_tax, credit.currency),
        "total_gross": to_text(credit.total_gross, credit.currency),
        "refund_refs": list(credit.refund_refs),
    }


def _credit_lines(credit: CreditNote, order: ErpOrder) -> list[Record]:
    tax_codes = {line.erp_line: line.tax_code for line in order.lines}
    return [
        _without_none(
            {
                "line_no": line.line_no,
                "order_line_no": _line_number(line.erp_line),
                "sku": line.sku,
                "quantity": str(line.quantity),
                "tax_code": line.tax_code or tax_codes.get(line.erp_line),
                **_amounts(line, credit.currency),
            }
        )
        for line in credit.lines
    ]


def _amounts(part: Any, currency: str) -> Record:
    return {name: to_text(getattr(part, name), currency) for name in ("net", "tax", "gross")}


def _line_number(erp_line: str) -> int | str:
    """Prima numbers its lines; what is not a number is sent back as it came."""
    return int(erp_line) if erp_line.isascii() and erp_line.isdecimal() else erp_line


def _without_none(record: Mapping[str, Any]) -> Record:
    return {name: value for name, value in record.items() if value is not None}
