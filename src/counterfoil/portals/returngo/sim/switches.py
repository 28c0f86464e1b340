"""What a test can set in this ReturnGO, in the world or over `POST /__sim/settings`.

Everything the sheet marks inferred or unknown has a switch here, with the reading we think likeliest as its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from counterfoil.simkit.outbox import MISHAPS

Json = dict[str, Any]

DEFAULTS: Json = {
    # -- the account
    "shop_domain": "example.myshopify.com",
    "portals": [],  # names that may follow the shop domain, `shop@Portal` (§1)
    "currency": "GBP",
    "shop": None,  # {url, access_token} of the simulated shop
    "shop_restock": "no_restock",  # restock type of the refunds it makes in the shop
    "shop_location_id": None,
    "clock": None,
    # -- policy of the merchant
    "auto_approve": False,
    "item_validation": False,  # a plan add-on, off by default (§4)
    "auto_done": True,  # done once the exchange is released or the balance refunded, never for mixed (§4)
    "pay_on": "never",  # or received, validated: refunds and releases by itself
    "refunds_by": "returngo",  # or elsewhere: transactions stay Requested until PUT /transaction (§2)
    "fee_placement": "repeated",  # each item shows the RMA's whole fee; or split: each shows its share (T6)
    "transactions_per": "item",  # or rma (T9)
    "return_method": "Ship with any carrier",
    "return_address": {
        "name": "Returns desk",
        "street1": "2 Example Street",
        "street2": "",
        "city": "Leeds",
        "state": "",
        "zip": "LS1 1AB",
        "country": "GB",
        "phone": "",
        "email": "returns@example.com",
    },
    "store_location_id": "online",
    # -- limits (§1)
    "daily_quota": 2000,
    "per_second": 100,
    "retry_after_s": None,  # never documented: no Retry-After unless set
    # -- inferred: how the API says things
    "bad_key_status": 401,  # or 403 {"message":"Forbidden"}, as the gateway may
    "comment_key": "htmlText",  # or text, comment
    "comment_status": 201,  # 200 counts as well
    "last_page": "null",  # or missing, empty: how the end of a list looks (§2)
    "status_moves": "flow",  # or any: which moves PUT status allows (§8)
    "shipment_moves_rma": True,  # a shipment Received or Validated takes its RMA along
    "delivery_receives": True,  # the carrier's delivery marks the shipment Received
    "last_updated": "decisions",  # or always: receipts and credits touch it too (T4)
    "updated_filter": "last_updated",  # or touched: rma_updated_at sees receipts (T4)
    "drift": True,  # booleans as 0/1, missing keys (T10)
    "unknown_keys": True,  # extra keys the sheet does not know (T10)
    "webhook_shape": "flat",  # or rma, rmaSummary, data, bare: where ids stand in an event (§5)
    "first_rma": 1_000_001,
    "resolution_words": {
        "refund": "RefundToPaymentMethod",
        "store_credit": "RefundToStoreCredit",
        "exchange": "InstantVariantExchange",
        "gift_card": "RefundToGiftCard",
        "bank_transfer": "RefundToBankAccount",
        "product_exchange": "ProductExchange",
        "keep": "KeepItem",
    },
    "transaction_words": {
        "refund": "RefundToPaymentMethod",
        "store_credit": "RefundToStoreCredit",
        "gift_card": "RefundToGiftCard",
        "bank_transfer": "RefundToBankAccount",
        "invoice": "InvoicePayment",
    },
    **MISHAPS,
}

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "pay_on": ("never", "received", "validated"),
    "refunds_by": ("returngo", "elsewhere"),
    "fee_placement": ("repeated", "split"),
    "transactions_per": ("item", "rma"),
    "bad_key_status": (401, 403),
    "comment_key": ("htmlText", "text", "comment"),
    "comment_status": (200, 201),
    "last_page": ("null", "missing", "empty"),
    "status_moves": ("flow", "any"),
    "last_updated": ("decisions", "always"),
    "updated_filter": ("last_updated", "touched"),
    "webhook_shape": ("flat", "rma", "rmaSummary", "data", "bare"),
}


def settings_of(world: Mapping[str, Any]) -> Json:
    """The defaults under what a world says. Raises ValueError for a choice there is not."""
    settings = deepcopy(DEFAULTS)
    change(settings, world)
    return settings


def change(settings: Json, given: Mapping[str, Any]) -> None:
    """Set what is named; other keys are left alone, word lists are added to. Raises ValueError, changes nothing then."""
    for name, allowed in CHOICES.items():
        if name in given and given[name] not in allowed:
            raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}, not {given[name]!r}")
    for name in DEFAULTS:
        if name in given:
            words = name.endswith("_words")
            settings[name] = {**settings[name], **given[name]} if words else deepcopy(given[name])
