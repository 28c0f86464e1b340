"""The ERP's side of a return, in our words: the order it holds and the documents we ask it to make.

Amounts are integers of minor units of the document's currency.
"""

from __future__ import annotations

import msgspec

from counterfoil.core.returns import Disposition


class DocumentRef(msgspec.Struct, frozen=True, kw_only=True):
    """A document in the ERP: `ref` is the id its API wants, `number` what people call it."""

    ref: str
    number: str


class DocumentLine(msgspec.Struct, frozen=True, kw_only=True):
    """Which line of an ERP document stands for our line `line_no`."""

    line_no: int
    erp_line: str


class ErpComponent(msgspec.Struct, frozen=True, kw_only=True):
    """One member of a kit as it was sold: `quantity` units in each kit. `erp_line` where the ERP has a line for it."""

    sku: str
    quantity: int
    item_ref: str | None = None
    erp_line: str | None = None


class ErpOrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the original order as the ERP holds it. `value` includes tax; None where the ERP does not say.

    `components` are the members of a kit as the order saved them; empty for anything that is no kit.
    """

    erp_line: str
    sku: str
    quantity: int
    despatched: int | None = None
    value: int | None = None
    tax_code: str | None = None
    item_ref: str | None = None
    depot: str | None = None
    shop_line_ref: str | None = None
    components: tuple[ErpComponent, ...] = ()


class ErpOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The original sales order in the ERP (R92). `billing` decides the form of the credit (R91, D11)."""

    ref: str
    number: str
    currency: str
    customer: str | None = None
    lines: tuple[ErpOrderLine, ...] = ()
    status: str | None = None
    billing: str | None = None  # "invoice", "cash_sale", "deposit", or None where the ERP has no such notion
    billing_ref: str | None = None
    company: str | None = None  # the legal entity that sold it, as the ERP names it; None where it has only one


class RmaLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a return authorisation: units of one order line sent back for one reason."""

    line_no: int
    erp_line: str
    sku: str
    quantity: int
    reason_code: str | None
    expected_depot: str | None = None
    order_line_ref: str | None = None
    unit_ids: tuple[str, ...] = ()


class StockLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units received against one RMA line, going to one depot. `depot` None: written off, never stock."""

    line_no: int
    rma_line_no: int
    rma_erp_line: str
    sku: str
    quantity: int
    depot: str | None
    disposition: Disposition
    location: str | None = None
    lot: str | None = None
    serials: tuple[str, ...] = ()


class ExchangeItem(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an exchange order. `gross` is what the line is sold for, tax included, in minor units."""

    line_no: int
    sku: str
    quantity: int
    gross: int
    item_ref: str | None = None
    depot: str | None = None


class ExchangeTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange order is asked for with: the new goods and how they are paid, in minor units.

    The goods' gross is `carried_over` (returned value) plus `collected` (paid by the customer on top). `allowance` is
    what the merchant gave on the goods' own price, already taken off their gross. `held` says whether the order was
    made so that it must not ship yet.
    """

    items: tuple[ExchangeItem, ...]
    carried_over: int
    collected: int = 0
    allowance: int = 0
    held: bool = True

    @property
    def gross(self) -> int:
        """What the new goods are sold for."""
        return sum(item.gross for item in self.items)


class StockLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What the ERP can promise of one SKU at one depot, in units. `depot` None: over all depots."""

    sku: str
    available: int
    depot: str | None = None


class CreditLine(msgspec.Struct, frozen=True, kw_only=True):
    """Credited units of one order line: gross = net + tax, always."""

    line_no: int
    erp_line: str
    rma_line_no: int | None
    rma_erp_line: str | None
    order_line_ref: str
    sku: str
    quantity: int
    net: int
    tax: int
    gross: int
    tax_code: str | None = None


class CreditCharge(msgspec.Struct, frozen=True, kw_only=True):
    """What is credited besides goods: refunded shipping, a fee withheld (negative), a rounding difference."""

    code: str  # "shipping", "return_fee", "rounding", "goodwill"
    net: int
    tax: int
    gross: int


class CreditNote(msgspec.Struct, frozen=True, kw_only=True):
    """The credit for one return, to the last minor unit, with how it came about."""

    currency: str
    lines: tuple[CreditLine, ...]
    charges: tuple[CreditCharge, ...] = ()
    refund_refs: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()

    @property
    def total_gross(self) -> int:
        """What the customer gets back in all."""
        return sum(line.gross for line in self.lines) + sum(charge.gross for charge in self.charges)

    @property
    def total_tax(self) -> int:
        """Tax within the gross."""
        return sum(line.tax for line in self.lines) + sum(charge.tax for charge in self.charges)

    @property
    def total_net(self) -> int:
        """Gross less tax."""
        return self.total_gross - self.total_tax
