"""The original sale: what was sold, at what price, with which discount and tax.

Amounts are integers of minor units of `currency`. A sale in two currencies (shop and presentment) is two
`SoldOrder` values, one per book, that share their references; they are never converted into each other.
"""

from __future__ import annotations

import msgspec


class SoldComponent(msgspec.Struct, frozen=True, kw_only=True):
    """What one bundle held when it was sold: `quantity` units of a SKU; `price` one unit's list price, where known."""

    sku: str
    quantity: int
    price: int | None = None


class PartOf(msgspec.Struct, frozen=True, kw_only=True):
    """The bundle a line was taken out of: its own line and SKU, and how many units of this part each bundle held."""

    line_ref: str
    sku: str | None
    quantity: int


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """One order line, for its whole ordered quantity.

    `gross` is unit price × quantity before any discount, `discount` everything taken off this line (its share of
    an order-wide discount included), `taxes` each tax line as given. `components` is a bundle's recipe as sold;
    `part_of` names the bundle on lines that were made by taking one apart.
    """

    line_ref: str
    sku: str | None
    quantity: int
    gross: int
    discount: int = 0
    taxes: tuple[int, ...] = ()
    title: str = ""
    gift_card: bool = False
    components: tuple[SoldComponent, ...] = ()
    part_of: PartOf | None = None

    @property
    def net(self) -> int:
        """Gross less discount (ATTR-1 rule 2); contains the tax when the order's prices do."""
        return self.gross - self.discount


class SoldShipping(msgspec.Struct, frozen=True, kw_only=True):
    """One shipping charge after its own discounts."""

    ref: str
    price: int
    discount: int = 0
    tax: int = 0


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """Money taken for the order by one gateway."""

    gateway: str
    amount: int


class SoldOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order as sold, in one book."""

    order_ref: str
    name: str
    currency: str
    taxes_included: bool
    lines: tuple[SoldLine, ...]
    shipping: tuple[SoldShipping, ...] = ()
    payments: tuple[Payment, ...] = ()
    placed_at: str | None = None
    country: str | None = None
    customer: str | None = None  # a pseudonym: the same for each order of one customer, and nothing else
    address_mismatch: bool | None = None  # billing and delivery address differ; None where a view shows neither
    customer_tags: tuple[str, ...] = ()  # the shop's words for the customer, such as "vip"

    def line(self, line_ref: str) -> SoldLine | None:
        """The line with this reference, or None."""
        return next((line for line in self.lines if line.line_ref == line_ref), None)

    def line_value(self, line: SoldLine) -> int:
        """What a line was worth to the customer (ATTR-1 rule 2): net, plus tax where prices exclude it."""
        return line.net if self.taxes_included else line.net + sum(line.taxes)
