"""The document `counterfoil price` prints (outputs §2), from a finished calculation. Amounts become decimal text."""

from __future__ import annotations

from typing import Any

from counterfoil.core.credit.attribution import UnitsValue
from counterfoil.core.credit.pricing import Pair, PricedLine, PricedOrder, PricedRefund
from counterfoil.core.money import to_text, unit_share
from counterfoil.core.orders import SoldLine, SoldOrder

Document = dict[str, Any]


def statement(priced: PricedOrder) -> Document:
    """The whole document, ready to be encoded."""
    shop, presentment = priced.books.shop, priced.books.presentment
    return {
        "order_id": shop.order_ref,
        "order_name": shop.name,
        "taxes_included": shop.taxes_included,
        "books": {"shop": shop.currency, "presentment": presentment.currency},
        "lines": {
            "shop": [_sold_line(shop, line) for line in shop.lines],
            "presentment": [_sold_line(presentment, line) for line in presentment.lines],
        },
        "refunds": [_refund(priced, refund) for refund in priced.refunds],
        "explanation": list(priced.explanation),
    }


def _sold_line(order: SoldOrder, line: SoldLine) -> Document:
    def text(amount: int) -> str:
        return to_text(amount, order.currency)

    return {
        "line_item_id": line.line_ref,
        "sku": line.sku,
        "quantity": line.quantity,
        "gross": text(line.gross),
        "discount": text(line.discount),
        "net": text(line.net),
        "tax_lines": [text(tax) for tax in line.taxes],
        "line_value": text(order.line_value(line)),
        "units": [
            {
                "unit": unit,
                "net": text(unit_share(line.net, line.quantity, unit)),
                "tax_lines": [text(unit_share(tax, line.quantity, unit)) for tax in line.taxes],
            }
            for unit in range(1, line.quantity + 1)
        ],
    }


def _refund(priced: PricedOrder, refund: PricedRefund) -> Document:
    shop, currency = priced.books.shop.currency, priced.books.presentment.currency

    def text(amount: int) -> str:
        return to_text(amount, currency)

    def both(amounts: Pair) -> Document:
        return {"shop": to_text(amounts.shop, shop), "presentment": text(amounts.presentment)}

    return {
        "refund_id": refund.record.ref,
        "created_at": refund.record.created_at,
        "lines": {
            "shop": [_refunded_line(line, line.shop, shop) for line in refund.lines],
            "presentment": [_refunded_line(line, line.presentment, currency) for line in refund.lines],
        },
        "shipping": _shipping(refund, shop, currency),
        "duties": text(refund.duties.presentment),
        "attributable_total": both(refund.attributable),
        "money_success": text(refund.money),
        "by_gateway": {gateway: text(amount) for gateway, amount in refund.by_gateway.items()},
        "running": {
            "attributable": text(refund.running_attributable),
            "money": text(refund.running_money),
            "difference": text(refund.running_difference),
            "tolerance_minor_units": refund.tolerated,
        },
        "shop_figures_balance": refund.record.balances,
        "outcome": str(refund.outcome),
    }


def _shipping(refund: PricedRefund, shop: str, currency: str) -> Document | None:
    if refund.shipping is None:
        return None
    gross, tax = refund.shipping, refund.shipping_tax
    return {
        "shop": {"gross": to_text(gross.shop, shop), "tax": to_text(tax.shop, shop)},
        "presentment": {"gross": to_text(gross.presentment, currency), "tax": to_text(tax.presentment, currency)},
    }


def _refunded_line(line: PricedLine, value: UnitsValue, currency: str) -> Document:
    """One refunded line; `quantity` counts the units attributed, `quantity_refunded` what the refund says."""
    return {
        "line_item_id": line.line_ref,
        "sku": line.sku,
        "quantity": line.quantity,
        "quantity_refunded": line.asked,
        "units": [line.first, line.last] if line.quantity else None,
        "gross": to_text(value.gross, currency),
        "tax": to_text(value.tax, currency),
        "tax_lines": [to_text(tax, currency) for tax in value.taxes],
        "net_ex_tax": to_text(value.net_ex_tax, currency),
    }
