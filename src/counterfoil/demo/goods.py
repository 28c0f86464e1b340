"""A small fashion shop: its products and the orders its customers placed, in the shop's own form (shop sheet §3)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from counterfoil.core.money import allocate, to_text

Json = dict[str, Any]

CURRENCY = "GBP"
VAT_PERCENT = 20
FIRST_ORDER_ID, FIRST_LINE_ID = 5_610_000_000_001, 13_810_000_000_001
FIRST_NUMBER = 1001

Product = tuple[str, str, int]

PRODUCTS: tuple[Product, ...] = (
    ("TEE-BLK-M", "Organic tee, black, M", 2200),
    ("TEE-WHT-S", "Organic tee, white, S", 2200),
    ("TEE-STR-L", "Striped tee, L", 2650),
    ("SHIRT-OXF-M", "Oxford shirt, M", 4995),
    ("SHIRT-LIN-L", "Linen shirt, L", 5999),
    ("JEAN-SLM-32", "Slim jeans, 32", 6850),
    ("JEAN-STR-30", "Straight jeans, 30", 6499),
    ("CHINO-NVY-34", "Chinos, navy, 34", 5475),
    ("DRESS-MIDI-12", "Midi dress, 12", 8999),
    ("DRESS-WRAP-10", "Wrap dress, 10", 7933),
    ("SKIRT-PLT-8", "Pleated skirt, 8", 4567),
    ("KNIT-MER-M", "Merino jumper, M", 7450),
    ("KNIT-CSH-S", "Cashmere cardigan, S", 14900),
    ("COAT-WOOL-14", "Wool coat, 14", 18900),
    ("JKT-DNM-M", "Denim jacket, M", 8325),
    ("JKT-RAIN-L", "Rain jacket, L", 11250),
    ("SHOE-LOAF-42", "Loafers, 42", 9500),
    ("SHOE-TRN-40", "Trainers, 40", 8999),
    ("BOOT-CHL-39", "Chelsea boots, 39", 13500),
    ("BELT-TAN-M", "Leather belt, tan", 2999),
    ("SCARF-CHK", "Checked scarf", 3333),
    ("HAT-BEAN-GRY", "Beanie, grey", 1899),
    ("SOCK-3PK", "Socks, three pairs", 1267),
    ("BAG-TOTE", "Canvas tote", 2450),
)


def orders(count: int, seed: int, end: datetime) -> list[Json]:
    """`count` orders placed in the fortnight before the week that ends at `end`; the same for the same seed."""
    rng = random.Random(f"orders-{seed}")
    return [_order(rng, number, end) for number in range(count)]


def _order(rng: random.Random, number: int, end: datetime) -> Json:
    included = rng.random() < 0.7
    placed = end - timedelta(days=rng.randint(8, 21), seconds=rng.randint(0, 86_000))
    products = rng.sample(PRODUCTS, rng.choices((1, 2, 3, 4), (45, 32, 15, 8))[0])
    basket = [(product, rng.choices((1, 2, 3), (78, 17, 5))[0]) for product in products]
    gross = [price * quantity for (_, _, price), quantity in basket]
    discount, code = _discount(rng, sum(gross))
    shares = allocate(discount, gross)
    order: Json = {
        "id": FIRST_ORDER_ID + number,
        "order_number": FIRST_NUMBER + number,
        "name": f"#{FIRST_NUMBER + number}",
        "currency": CURRENCY,
        "presentment_currency": CURRENCY,
        "taxes_included": included,
        "created_at": placed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "financial_status": "paid",
        "fulfillment_status": "fulfilled",
        "discount_applications": [code] if code else [],
        "line_items": [
            _line(number, place, product, quantity, shares[place], included)
            for place, (product, quantity) in enumerate(basket)
        ],
        "shipping_lines": [_shipping(included)] if rng.random() < 0.55 else [],
    }
    order["payments"] = _payments(rng, order)
    return order


def _discount(rng: random.Random, gross: int) -> tuple[int, Json | None]:
    """An order-wide discount code for four orders in ten; the shop allocates it to the lines."""
    if rng.random() >= 0.4:
        return 0, None
    code: Json = {"type": "discount_code", "code": "AUTUMN", "allocation_method": "across", "target_type": "line_item"}
    if rng.random() < 0.6:
        percent = rng.choice((10, 15, 20))
        return gross * percent // 100, {**code, "value": f"{percent}.0", "value_type": "percentage"}
    amount = rng.choice((500, 750, 1000))
    return amount, {**code, "value": to_text(amount, CURRENCY), "value_type": "fixed_amount"}


def _bag(minor: int) -> Json:
    money = {"amount": to_text(minor, CURRENCY), "currency_code": CURRENCY}
    return {"shop_money": money, "presentment_money": money}


def vat(value: int, included: bool) -> int:
    """VAT on a value, rounded half up: inside it where prices include tax, on top where they do not."""
    parts = 100 + VAT_PERCENT if included else 100
    return (2 * value * VAT_PERCENT + parts) // (2 * parts)


def _tax_lines(value: int, included: bool) -> list[Json]:
    tax = vat(value, included)
    return [{"title": "VAT", "rate": VAT_PERCENT / 100, "price": to_text(tax, CURRENCY), "price_set": _bag(tax)}]


def _line(number: int, place: int, product: Product, quantity: int, discount: int, included: bool) -> Json:
    sku, title, price = product
    index = PRODUCTS.index(product)
    allocations = [
        {"amount": to_text(discount, CURRENCY), "amount_set": _bag(discount), "discount_application_index": 0}
    ]
    return {
        "id": FIRST_LINE_ID + number * 10 + place,
        "sku": sku,
        "title": title,
        "product_id": 8_110_000_000_001 + index,
        "variant_id": 44_110_000_000_001 + index,
        "quantity": quantity,
        "price": to_text(price, CURRENCY),
        "price_set": _bag(price),
        "discount_allocations": allocations if discount else [],
        "tax_lines": _tax_lines(price * quantity - discount, included),
    }


def _shipping(included: bool) -> Json:
    price = 495
    return {
        "code": "STANDARD",
        "title": "Standard delivery",
        "price": to_text(price, CURRENCY),
        "price_set": _bag(price),
        "discount_allocations": [],
        "tax_lines": _tax_lines(price, included),
    }


def line_money(line: Json, included: bool) -> tuple[int, int, int]:
    """(net after discount excluding tax, tax, gross) of a whole order line, in minor units."""
    price = _minor(line["price"]) * line["quantity"]
    net = price - sum(_minor(part["amount"]) for part in line["discount_allocations"])
    tax = sum(_minor(part["price"]) for part in line["tax_lines"])
    return (net - tax, tax, net) if included else (net, tax, net + tax)


def order_total(order: Json) -> int:
    """What the customer paid, shipping included."""
    lines = order["line_items"] + [{**line, "quantity": 1} for line in order["shipping_lines"]]
    return sum(line_money(line, order["taxes_included"])[2] for line in lines)


def _minor(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part or 0)


def _payments(rng: random.Random, order: Json) -> list[Json]:
    """Nine in ten pay with one card; the others put a gift card towards it."""
    total = order_total(order)
    if rng.random() < 0.9 or total < 4000:
        return [{"gateway": "shopify_payments", "amount": to_text(total, CURRENCY)}]
    card = rng.randrange(1000, total // 2)
    return [
        {"gateway": "gift_card", "amount": to_text(card, CURRENCY)},
        {"gateway": "shopify_payments", "amount": to_text(total - card, CURRENCY)},
    ]
