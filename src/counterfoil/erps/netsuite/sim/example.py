"""The account a simulator starts with when no world is given: one shop, two depots, two orders, open books.

The credentials are those of `tba.EXAMPLE`, so that any OAuth 1 client can be tried without a file.
"""

from __future__ import annotations

from typing import Any

EXAMPLE_WORLD: dict[str, Any] = {
    "account": "1234567_SB1",
    "subsidiary": [{"id": "1", "name": "Example Trading Ltd", "currency": "1"}],
    "currency": [{"id": "1", "name": "GBP", "symbol": "GBP"}, {"id": "2", "name": "EUR", "symbol": "EUR"}],
    "location": [{"id": "6", "name": "Returns depot"}, {"id": "7", "name": "Quarantine"}],
    "inventoryStatus": [
        {"id": "1", "name": "Good", "inventoryAvailable": True},
        {"id": "2", "name": "Inspect", "inventoryAvailable": False},
    ],
    "accounts": [
        {"id": "120", "acctNumber": "1000", "acctName": "Bank", "acctType": "Bank"},
        {"id": "121", "acctNumber": "5100", "acctName": "Stock adjustments", "acctType": "Expense"},
    ],
    "paymentMethod": [
        {"id": "9", "name": "Refunded by the shop", "creditCard": False},
        {"id": "10", "name": "Card", "creditCard": True},
    ],
    "customer": [
        {"id": "501", "externalId": "shop-501", "entityId": "C501", "companyName": "Robin Example",
         "email": "robin@example.com", "subsidiary": "1", "currency": "1"},
    ],
    "inventoryItem": [
        {"id": "301", "itemId": "SHIRT-M", "displayName": "Shirt, medium", "basePrice": "40.00",
         "locations": {"items": [{"location": "6", "quantityOnHand": 10}]}},
        {"id": "302", "itemId": "BELT", "displayName": "Belt", "basePrice": "19.99"},
        {"id": "303", "itemId": "MUG", "displayName": "Mug", "basePrice": "8.00"},
        {"id": "304", "itemId": "TEA", "displayName": "Tea", "basePrice": "6.00"},
    ],
    "otherChargeSaleItem": [{"id": "390", "itemId": "RETURN-FEE", "displayName": "Return fee"}],
    "nonInventorySaleItem": [{"id": "391", "itemId": "GOODWILL", "displayName": "Goodwill"}],
    "kitItem": [
        {"id": "350", "itemId": "TEA-SET", "displayName": "Tea set", "basePrice": "20.00",
         "member": {"items": [{"item": "303", "quantity": 2}, {"item": "304", "quantity": 1}]}},
    ],
    "salesOrder": [
        {"id": "3001", "tranId": "SO1001", "externalId": "shop-1001", "otherRefNum": "#1001", "entity": "501",
         "currency": "1", "location": "6", "billing": "cashSale",
         "lines": [{"item": "301", "quantity": 2, "rate": "40.00", "taxRate": 20},
                   {"item": "302", "quantity": 1, "rate": "19.99", "taxRate": 20},
                   {"item": "350", "quantity": 1, "rate": "20.00", "taxRate": 20}]},
        {"id": "3002", "tranId": "SO1002", "externalId": "shop-1002", "otherRefNum": "#1002", "entity": "501",
         "currency": "1", "location": "6", "billing": "invoice", "shippingCost": "4.95",
         "lines": [{"item": "301", "quantity": 1, "rate": "49.90"}]},
    ],
}  # fmt: skip
