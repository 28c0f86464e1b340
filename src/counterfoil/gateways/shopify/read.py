"""Files of shop bodies, for `counterfoil price`: one order, and refunds or later transactions of it (outputs §2)."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_json
from counterfoil.core.credit.pricing import Books, RefundRecord
from counterfoil.gateways.shopify.books import Currencies
from counterfoil.gateways.shopify.orders import read_order
from counterfoil.gateways.shopify.refunds import payment_record, read_refund, read_transaction, record_of
from counterfoil.gateways.shopify.shapes import Shape, bodies, shape


def read_order_file(body: bytes) -> tuple[Books, list[RefundRecord]]:
    """The order in both books, and the refunds its body already lists. Raises UnreadableError."""
    found = [item for item in bodies(read_json(body)) if shape(item) is Shape.ORDER]
    if len(found) != 1:
        raise UnreadableError("this is not the body of one order")
    books = read_order(found[0])
    return books, [_record(refund, books) for refund in found[0].each("refunds")]


def read_refund_file(body: bytes, books: Books) -> list[RefundRecord]:
    """The refunds, or the refund transactions, of one file. Transactions that pay nothing back are left out."""
    found: Sequence[Fields] = bodies(read_json(body))
    records = []
    for item in found:
        _same_order(item, books)
        match shape(item):
            case Shape.REFUND:
                records.append(_record(item, books))
            case Shape.TRANSACTION:
                if (item.text("kind") or "").lower() == "refund":
                    records.append(payment_record(read_transaction(item, _currencies(books)), books))
            case _:
                raise UnreadableError("this is neither a refund nor an order transaction")
    return records


def _same_order(item: Fields, books: Books) -> None:
    """Refunds of another order are refused before their amounts are read in this order's currencies."""
    other = item.text("order_id")
    if other not in (None, books.shop.order_ref):
        raise UnreadableError(f"{item.text('id')} belongs to order {other}, not to {books.shop.order_ref}")


def _record(refund: Fields, books: Books) -> RefundRecord:
    return record_of(read_refund(refund, _currencies(books)), books)


def _currencies(books: Books) -> Currencies:
    return Currencies(books.shop.currency, books.presentment.currency)
