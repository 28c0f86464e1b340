"""The shop's orders as each ERP holds them, and the settings that connect us to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from counterfoil.core.money import to_text
from counterfoil.demo.goods import CURRENCY, PRODUCTS, VAT_PERCENT, line_money

Json = dict[str, Any]

PLAYED_ERPS = ("prima", "prima-soap", "prima-file", "netsuite")

REASON_CODES = {
    "Too small": "SIZE-SMALL",
    "Too large": "SIZE-LARGE",
    "Changed my mind": "CHANGE",
    "Not as described": "DESCRIPTION",
    "Arrived damaged": "DAMAGED",
    "Wrong item sent": "WRONG-ITEM",
}
DEPOTS = {
    "LEEDS/sellable": "MAIN",
    "LEEDS/refurbish": "RETQ",
    "LEEDS/quarantine": "RETQ",
    "LEEDS/damaged": "DMG",
    "LEEDS/dispose": "",
}
PRIMA_KEY = "prima-example-key"
NETSUITE_ACCOUNT = "1234567_SB1"


def mapping() -> Json:
    """The words agreed between portal, warehouse and ERP. “Smells of smoke” is left out on purpose."""
    return {"version": "1", "reasons": REASON_CODES, "depots": DEPOTS, "quarantine_depot": "RETQ"}


def order_number(order: Json) -> str:
    """The ERP's own number of an order."""
    return f"SO{order['order_number']}"


# --- Prima ----------------------------------------------------------------------------------------------------------


def prima_world(orders: list[Json]) -> Json:
    """A Prima company that imported every order of the shop."""
    return {
        "api_key": PRIMA_KEY,
        "company": "1",
        "products": [{"sku": sku, "product": sku, "description": title} for sku, title, _ in PRODUCTS],
        "depots": [
            {"code": "MAIN", "name": "Main store", "kind": "sellable"},
            {"code": "RETQ", "name": "Returns hold", "kind": "quarantine"},
            {"code": "DMG", "name": "Damaged", "kind": "damaged"},
            {"code": "WOFF", "name": "Written off", "kind": "damaged"},
        ],
        "depot_stock": [{"sku": sku, "depot": "MAIN", "on_hand": "40", "allocated": "0"} for sku, _, _ in PRODUCTS],
        "reason_codes": [{"code": code, "description": word} for word, code in REASON_CODES.items()],
        "order_types": [{"code": "WEB", "description": "Web order"}, {"code": "EXCH", "description": "Exchange"}],
        "tax_codes": [{"code": "S20", "description": "Standard rate", "rate": str(VAT_PERCENT)}],
        "customers": [{"code": "WEB001", "description": "Web customers"}],
        "sales_orders": [_prima_order(order) for order in orders],
    }


def _prima_order(order: Json) -> Json:
    return {
        "order_number": order_number(order),
        "external_order_ref": str(order["id"]),
        "customer_code": "WEB001",
        "order_type": "WEB",
        "order_date": order["created_at"][:10],
        "currency": CURRENCY,
        "vat_inclusive": order["taxes_included"],
        "status": "Despatched",
        "lines": [_prima_line(order, place, line) for place, line in enumerate(order["line_items"], start=1)],
    }


def _prima_line(order: Json, place: int, line: Json) -> Json:
    _, tax, gross = line_money(line, order["taxes_included"])
    discount = sum(_minor(part["amount"]) for part in line["discount_allocations"])
    return {
        "line_no": place,
        "sku": line["sku"],
        "quantity": str(line["quantity"]),
        "despatched_quantity": str(line["quantity"]),
        "unit_price": line["price"],
        "line_discount": to_text(discount, CURRENCY),
        "tax_code": "S20",
        "tax_amount": to_text(tax, CURRENCY),
        "line_total": to_text(gross, CURRENCY),
        "depot": "MAIN",
    }


def _minor(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part or 0)


# What this account's vendor told us of its order manager; nothing of the kind is public (Prima sheet §2.2).
PRIMA_REQUEST_TYPES = {
    "OrderEnquiry": "order.read",
    "ReleaseOrder": "order.release",
    "CancelOrder": "order.cancel",
    "NewReturn": "return.make",
    "ReturnStatus": "return.read",
    "CancelReturn": "return.cancel",
    "NewReceipt": "receipt.make",
    "ReceiptStatus": "receipt.read",
    "NewCredit": "credit.make",
    "CreditStatus": "credit.read",
    "PostCredit": "credit.post",
}
_PRIMA_DOCUMENTS = {
    "sales_order": {"read": "OrderEnquiry"},
    "sales_return": {
        "request_type": "NewReturn",
        "read": "ReturnStatus",
        "actions": {"cancel": "CancelReturn"},
    },
    "stock_receipt": {"request_type": "NewReceipt", "read": "ReceiptStatus"},
    "sales_credit_note": {"request_type": "NewCredit", "read": "CreditStatus", "actions": {"post": "PostCredit"}},
    "exchange_order": {"actions": {"release": "ReleaseOrder", "cancel": "CancelOrder"}},
}
# What its codes mean, as the vendor's list would say it.
_PRIMA_ERRORS = {
    f"E:{900 + place}": code
    for place, code in enumerate(
        (
            "UNKNOWN_ORDER",
            "UNKNOWN_CUSTOMER",
            "UNKNOWN_SKU",
            "UNKNOWN_DEPOT",
            "UNKNOWN_REASON",
            "UNKNOWN_TAX_CODE",
            "UNKNOWN_ORDER_TYPE",
            "QTY_EXCEEDS_DESPATCHED",
            "QTY_EXCEEDS_AUTHORISED",
            "RETURN_NOT_FOUND",
            "RETURN_CLOSED",
            "RETURN_NOT_RECEIVED",
            "ALREADY_CREDITED",
            "CREDIT_EXCEEDS_LINE_VALUE",
            "TOTALS_MISMATCH",
            "PERIOD_CLOSED",
            "STOCK_UNAVAILABLE",
            "ORDER_ON_HOLD",
        )
    )
}


def prima_transport_world(world: Json, erp: str, folder: Path) -> Json:
    """The same company as it is reached by `prima`, `prima-soap` or `prima-file`."""
    if erp == "prima-soap":
        return {**world, "request_types": PRIMA_REQUEST_TYPES}
    if erp == "prima-file":
        return {**world, "file_drop": {"folder": str(folder / "drop"), "poll_s": 0.02}}
    return world


def prima_config(url: str, erp: str, folder: Path) -> Json:
    """Our settings for it, by transport. Files are written to the drop and read over the gateway."""
    capabilities = {"release_exchange": True, "cancel_exchange": True}
    common: Json = {
        "price_basis": "unit",
        "write_off_depot": "WOFF",
        "exchange_order_type": "EXCH",
        "company": "1",
        "capabilities": capabilities,
    }
    if erp == "prima-soap":
        words = {"documents": _PRIMA_DOCUMENTS, "errors": _PRIMA_ERRORS, "sku_rule": "whole"}
        return {**common, "transport": "soap", "base_url": f"{url}/wsa", **words}
    gateway = {"base_url": url, "api_key": PRIMA_KEY}
    if erp == "prima-file":
        drop = {"drop": str(folder / "drop"), "drop_poll_s": 0.1, "read_channel": "rest"}
        return {**common, "transport": "file_drop", **gateway, **drop}
    return {**common, **gateway}


# --- NetSuite -------------------------------------------------------------------------------------------------------


def netsuite_world(orders: list[Json], key_folder: Path) -> Json:
    """A NetSuite account that imported and billed every order; makes the certificate we sign in with."""
    key = ec.generate_private_key(ec.SECP256R1())
    key_folder.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (key_folder / "netsuite.pem").write_bytes(private)
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    return {
        "account": NETSUITE_ACCOUNT,
        "preferences": {"suitetax": True, "concurrency_limit": 5},
        "oauth2": {"clients": [{"client_id": "demo-client", "certificate_id": "demo-cert", "public_key": public}]},
        "subsidiary": [{"id": "1", "name": "Example Fashion Ltd"}],
        "currency": [{"id": "1", "name": CURRENCY, "symbol": CURRENCY}],
        "location": [
            {"id": "1", "name": "MAIN"},
            {"id": "2", "name": "RETQ"},
            {"id": "3", "name": "DMG"},
            {"id": "4", "name": "WOFF"},
        ],
        "customer": [{"id": "501", "entityId": "WEB001", "companyName": "Web customers"}],
        "accounts": [{"id": "120", "acctName": "Refund clearing"}],
        "paymentMethod": [{"id": "9", "name": "Paid outside"}],
        "inventoryItem": [
            {
                "id": str(1001 + place),
                "itemId": sku,
                "displayName": title,
                "taxRate": VAT_PERCENT,
                "locations": {"items": [{"location": "1", "quantityOnHand": 40}]},
            }
            for place, (sku, title, _) in enumerate(PRODUCTS)
        ],
        "otherChargeSaleItem": [
            {"id": "901", "itemId": "RETURN-FEE"},
            {"id": "902", "itemId": "ROUNDING"},
            {"id": "903", "itemId": "GOODWILL"},
            {"id": "904", "itemId": "SHIPPING-BACK"},
        ],
        "salesOrder": [_netsuite_order(place, order) for place, order in enumerate(orders)],
    }


def _netsuite_order(place: int, order: Json) -> Json:
    return {
        "id": str(3001 + place),
        "externalId": str(order["id"]),
        "tranId": order_number(order),
        "otherRefNum": order["name"],
        "entity": {"id": "501"},
        "subsidiary": {"id": "1"},
        "currency": {"id": "1"},
        "location": {"id": "1"},
        "tranDate": order["created_at"][:10],
        "billing": "invoice",
        "shippingCost": _netsuite_shipping(order),
        "lines": [_netsuite_line(number, order, line) for number, line in enumerate(order["line_items"])],
    }


def _netsuite_shipping(order: Json) -> str:
    net = sum(line_money({**line, "quantity": 1}, order["taxes_included"])[0] for line in order["shipping_lines"])
    return to_text(net, CURRENCY)


def _netsuite_line(number: int, order: Json, line: Json) -> Json:
    """NetSuite numbers lines 1, 4, 7… and holds amounts without tax."""
    net, tax, _ = line_money(line, order["taxes_included"])
    sku = next(place for place, product in enumerate(PRODUCTS) if product[0] == line["sku"])
    return {
        "line": 1 + 3 * number,
        "item": {"id": str(1001 + sku)},
        "quantity": line["quantity"],
        "amount": to_text(net, CURRENCY),
        "taxRate1": VAT_PERCENT,
        "tax1Amt": to_text(tax, CURRENCY),
        "location": {"id": "1"},
    }


def netsuite_config(url: str, key_folder: Path) -> Json:
    """Our settings for it. SuiteTax with our tax sent as an override, so that credits agree to the cent."""
    return {
        "account": NETSUITE_ACCOUNT,
        "base_url": url,
        "client_id": "demo-client",
        "certificate_id": "demo-cert",
        "private_key": str(key_folder / "netsuite.pem"),
        "algorithm": "ES256",
        "new_account": True,
        "locations": {"MAIN": "1", "RETQ": "2", "DMG": "3"},
        "write_off_location": "4",
        "tax_mode": "suitetax",
        "tax_override": True,
        "charge_items": {"return_fee": "901", "rounding": "902", "goodwill": "903", "shipping": "904"},
        "refund_account": "120",
        "payment_option": "9",
    }
