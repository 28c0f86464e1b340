"""Amounts, tax and totals of a priced document, exact to the currency's digits (NetSuite sheet §11)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from counterfoil.erps.netsuite.sim.account import Account
from counterfoil.erps.netsuite.sim.book import Line, Record
from counterfoil.erps.netsuite.sim.quantities import units
from counterfoil.erps.netsuite.sim.values import ZERO, as_decimal, rounded, unit_rate

PRICED = frozenset({"salesOrder", "returnAuthorization", "creditMemo", "cashRefund", "cashSale", "invoice"})
_PERCENT = Decimal(100)


def price(account: Account, record: Record) -> None:
    """Fill in what NetSuite computes on save: line amounts, line taxes and the totals of the document."""
    digits = account.digits(record)
    for line in record.lines:
        _price_line(line, digits)
    subtotal = sum((line.get("amount", ZERO) for line in record.lines), ZERO)
    discount = _discount(record, subtotal, digits)
    tax = _taxes(account, record, subtotal, digits)
    fields = record.fields
    charges = sum((fields.get(name) or ZERO for name in ("shippingCost", "handlingCost")), ZERO)
    fields.update(
        subtotal=rounded(subtotal, digits),
        discountTotal=discount,
        taxTotal=tax,
        total=rounded(subtotal + discount + tax + charges, digits),
    )


def _price_line(line: Line, digits: int) -> None:
    """`amount` is quantity times rate unless it was sent; a missing rate follows from the amount (sheet §11)."""
    quantity, rate, amount = units(line), line.get("rate"), line.get("amount")
    if amount is None:
        line["amount"] = rounded((rate or ZERO) * quantity, digits)
    elif rate is None:
        line["rate"] = unit_rate(amount, quantity)
    line["amount"] = rounded(line["amount"], digits)


def scaled(line: Line, quantity: Decimal, digits: int) -> dict[str, Any]:
    """What a transform copies of a line's price for another quantity.

    The whole line keeps its amount to the cent; a part is priced by the rate, and without a rate by proportion.
    """
    whole, amount, rate = units(line), line.get("amount", ZERO), line.get("rate")
    if quantity == whole:
        return {"rate": rate, "amount": amount}
    if rate is not None:
        return {"rate": rate, "amount": rounded(rate * quantity, digits)}
    return {"amount": rounded(amount * quantity / whole, digits)}


def _discount(record: Record, subtotal: Decimal, digits: int) -> Decimal:
    """The header discount as a negative figure: a percentage of the subtotal or a flat amount."""
    rate = record.fields.get("discountRate")
    if rate is None:
        return rounded(-abs(record.fields.get("_discount", ZERO)), digits)
    text = str(rate).strip()
    number = abs(as_decimal(text.rstrip("%")) or ZERO)
    return rounded(-(subtotal * number / _PERCENT if text.endswith("%") else number), digits)


def _taxes(account: Account, record: Record, subtotal: Decimal, digits: int) -> Decimal:
    override = record.fields.get("taxDetailsOverride") and account.preferences.suitetax
    if override:
        details = record.lists.get("taxDetails", [])
        return rounded(sum((d.get("taxAmount") or ZERO for d in details), ZERO), digits)
    by_line = sum((_line_tax(line, digits) for line in record.lines), ZERO)
    shipping = record.fields.get("shippingCost") or ZERO
    by_line += rounded(shipping * (record.fields.get("_shippingTaxRate") or ZERO) / _PERCENT, digits)
    taxed_by_line = any(line.get("taxRate1") is not None or "_taxBasis" in line for line in record.lines)
    return by_line if taxed_by_line else by_line + _header_tax(record, subtotal, digits)


def _line_tax(line: Line, digits: int) -> Decimal:
    """Legacy tax: by the line's rate, or in proportion to a tax the world gave that no rate explains."""
    amount = line["amount"]
    if "_taxBasis" in line:
        tax, base = line["_taxBasis"]
        line["tax1Amt"] = rounded(tax * amount / base, digits) if base else ZERO
    elif line.get("_taxSent"):
        line["tax1Amt"] = rounded(line.get("tax1Amt") or ZERO, digits)
    elif line.get("taxRate1") is not None:
        line["tax1Amt"] = rounded(amount * line["taxRate1"] / _PERCENT, digits)
    else:
        return ZERO
    line["grossAmt"] = amount + line["tax1Amt"]
    tax_amount = line["tax1Amt"]
    assert isinstance(tax_amount, Decimal)
    return tax_amount


def _header_tax(record: Record, subtotal: Decimal, digits: int) -> Decimal:
    """A tax kept on the document as a whole (US sales tax): in proportion to the source, or by its rate."""
    if "_taxBasis" in record.fields:
        tax, base = record.fields["_taxBasis"]
        return rounded(tax * subtotal / base, digits) if base else ZERO
    rate = record.fields.get("taxRate")
    return rounded(subtotal * rate / _PERCENT, digits) if isinstance(rate, Decimal) else ZERO
