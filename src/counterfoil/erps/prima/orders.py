"""Prima's sales order read into ours (Prima sheet §4, SalesOrder). Pure."""

from __future__ import annotations

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.documents import ErpOrder, ErpOrderLine
from counterfoil.core.money import MoneyError, exponent
from counterfoil.erps.prima.config import PrimaConfig


def erp_order(record: Fields, config: PrimaConfig) -> ErpOrder:
    """The order with its lines. Raises UnreadableError rather than guess a quantity, an amount or a currency."""
    currency = record.need("currency")
    try:
        exponent(currency)
    except MoneyError as error:
        raise UnreadableError(f"currency: {error}") from None
    inclusive = record.flag("vat_inclusive")
    number = record.need("order_number")
    return ErpOrder(
        ref=number,
        number=number,
        currency=currency,
        customer=record.text("customer_code"),
        status=record.text("status"),
        lines=tuple(
            _line(line, currency, config, inclusive=config.vat_inclusive if inclusive is None else inclusive)
            for line in record.each("lines")
        ),
    )


def _line(line: Fields, currency: str, config: PrimaConfig, *, inclusive: bool) -> ErpOrderLine:
    quantity = line.whole("quantity")
    if quantity is None:
        raise UnreadableError(f"{line.where('quantity')} is missing")
    return ErpOrderLine(
        erp_line=line.need("line_no"),
        sku=line.need("sku"),
        quantity=quantity,
        despatched=line.whole("despatched_quantity"),
        value=_value(line, quantity, currency, config, inclusive=inclusive),
        tax_code=line.text("tax_code"),
        depot=line.text("depot"),
    )


def _value(line: Fields, quantity: int, currency: str, config: PrimaConfig, *, inclusive: bool) -> int | None:
    """What the line was worth with tax: its total, else price less discount by the configured basis (§2.3)."""
    tax = line.amount("tax_amount", currency)
    total = line.amount("line_total", currency)
    if total is None:
        price = line.amount("unit_price", currency)
        if price is None:
            return None
        gross = price * quantity if config.price_basis == "unit" else price
        total = gross - (line.amount("line_discount", currency) or 0)
    if inclusive:
        return total
    return None if tax is None else total + tax
