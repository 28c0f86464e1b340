"""What a connection to one ReturnGO shop needs to be told, and everything about it that is inferred.

The public reference is thin: bodies of events and of most writes, several enum words and parts of the money arithmetic
are our proposal (ReturnGO sheet §8). All of that lives in `ReturnGOMapping`, so that a real account changes data.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

from counterfoil.core.returns import Disposition

LIVE_BASE_URL = "https://api.returngo.ai"

Words = Mapping[str, str]
Template = Mapping[str, str | bool]


# §4: what the enum words contain, where only some of them are known.
_RESOLUTIONS: Words = {
    "StoreCredit": "store_credit",
    "GiftCard": "gift_card",
    "Bank": "bank_transfer",
    "PaymentMethod": "refund",
    "Exchange": "exchange",
}
_TRANSACTIONS: Words = {
    "StoreCredit": "store_credit",
    "GiftCard": "store_credit",
    "Bank": "refund",
    "PaymentMethod": "refund",
    "InvoicePayment": "collected",
    "Authori": "ignored",
    "Capture": "ignored",
}
_CONDITIONS: Mapping[str, Disposition] = {
    "wrong item": Disposition.QUARANTINE,
    "incomplete": Disposition.QUARANTINE,
    "worn": Disposition.QUARANTINE,
    "used": Disposition.QUARANTINE,
    "washed": Disposition.QUARANTINE,
    "damaged": Disposition.DAMAGED,
    "defective": Disposition.DAMAGED,
    "faulty": Disposition.DAMAGED,
    "broken": Disposition.DAMAGED,
    "stained": Disposition.DAMAGED,
    "torn": Disposition.DAMAGED,
}


class Book(StrEnum):
    """Which half of ReturnGO's money object is read (sheet §3): what the shopper paid in, or the store's currency."""

    PAYMENT = "payment"
    SHOP = "shop"


class FeeReading(StrEnum):
    """How a fee of the whole return, repeated on its items, is counted (sheet §6, T6)."""

    EXPLAIN = "explain"  # the reading that explains what was paid out; once as long as nothing was
    ONCE = "once"
    SUM = "sum"


class ReturnGOMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What we inferred about ReturnGO, as data. Each field names the section of the ReturnGO sheet it stands for."""

    return_id_paths: Annotated[
        tuple[str, ...],
        msgspec.Meta(title="Return id in events", description="Where an event may name its return, in order (§5)."),
    ] = ("rmaId", "rma.rmaId", "rmaSummary.rmaId", "data.rmaId")
    book: Annotated[
        Book,
        msgspec.Meta(title="Currency", description="payment: what the shopper paid in; shop: the store's (§3)."),
    ] = Book.PAYMENT
    resolutions: Annotated[
        Words,
        msgspec.Meta(title="Resolutions", description="Part of a resolutionType to our outcome; first fit wins (§4)."),
    ] = msgspec.field(default_factory=lambda: dict(_RESOLUTIONS))
    transactions: Annotated[
        Words,
        msgspec.Meta(
            title="Transactions",
            description="Part of a transaction type to refund, store_credit, collected or ignored; first fit wins (§4).",
        ),
    ] = msgspec.field(default_factory=lambda: dict(_TRANSACTIONS))
    conditions: Annotated[
        Mapping[str, Disposition],
        msgspec.Meta(
            title="Conditions",
            description="Words in the inspector's free text to a disposition; first fit wins (§4). Case is ignored.",
        ),
    ] = msgspec.field(default_factory=lambda: dict(_CONDITIONS))
    other_condition: Annotated[
        Disposition | None,
        msgspec.Meta(
            title="Any other condition",
            description="What becomes of a unit that cannot be restocked for a reason not in the table; it is reported.",
        ),
    ] = Disposition.DAMAGED
    tax_on_top: Annotated[
        bool,
        msgspec.Meta(title="Tax on top", description="Whether paidTax is added when taxIncluded is false (§3)."),
    ] = True
    fee_reading: Annotated[
        FeeReading,
        msgspec.Meta(title="Fees of the return", description="explain, once or sum (§6, T6)."),
    ] = FeeReading.EXPLAIN
    reason_with_detail: Annotated[
        bool,
        msgspec.Meta(title="Detailed reasons", description="Whether extendedReason is appended to the reason."),
    ] = False
    platforms: Annotated[
        tuple[str, ...],
        msgspec.Meta(title="Platforms", description="Processors that are a shop platform and name no gateway (§3)."),
    ] = ("Shopify",)
    received_comment: Annotated[
        str,
        msgspec.Meta(title="Arrival comment", description="The timeline comment that dates an arrival (§6, T3)."),
    ] = "Shipment RECEIVED"
    status_body: Annotated[
        Template,
        msgspec.Meta(title="Body of a status change", description="{status} stands for the word (§2)."),
    ] = msgspec.field(default_factory=lambda: {"status": "{status}"})
    comment_body: Annotated[
        Template,
        msgspec.Meta(title="Body of a comment", description="{html} and {text} stand for the note (§2)."),
    ] = msgspec.field(default_factory=lambda: {"htmlText": "{html}"})
    webhook_body: Annotated[
        Template,
        msgspec.Meta(title="Body of a registration", description="{url} and {event} stand for its parts (§5)."),
    ] = msgspec.field(default_factory=lambda: {"url": "{url}", "eventName": "{event}"})
    cancel_status: Annotated[
        str,
        msgspec.Meta(title="Word for cancelling", description="Empty: this account cannot cancel by API."),
    ] = "Canceled"
    close_status: Annotated[
        str,
        msgspec.Meta(title="Word for closing", description="Empty: this account cannot close by API."),
    ] = "Done"


class ReturnGOConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One ReturnGO shop: filled from a TOML table, shown as a form."""

    api_key: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            title="API key",
            description="From the ReturnGO dashboard, Settings, Integrations, API. One key serves all stores of an owner.",
        ),
    ]
    shop_name: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            title="Shop",
            description="The shop's domain; with several portals in one shop, domain@PortalName.",
        ),
    ]
    webhook_secrets: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=16)], ...],
        msgspec.Meta(
            title="Secret webhook paths",
            description="ReturnGO signs nothing: the last part of the webhook's address is the secret, 16 characters "
            "or more. During a change give both, old and new.",
        ),
    ] = ()
    base_url: Annotated[
        str,
        msgspec.Meta(
            title="API address",
            description="Leave as it is for ReturnGO itself; a simulator or a proxy has its own address.",
        ),
    ] = LIVE_BASE_URL
    calls_per_day: Annotated[
        int,
        msgspec.Meta(ge=10, title="Calls a day", description="ReturnGO allows 2000 a day unless it agreed to more."),
    ] = 2000
    reserve_for_writes: Annotated[
        int,
        msgspec.Meta(ge=0, title="Kept for writes", description="Calls of the day that no reading may use up."),
    ] = 200
    reserve_for_reads: Annotated[
        int,
        msgspec.Meta(ge=0, title="Kept for events", description="Calls of the day, above those, that no poll may use."),
    ] = 600
    open_sweep_s: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            title="Sweep of open returns",
            description="Seconds between two looks at the status of every open return and at new transactions.",
        ),
    ] = 1800
    open_reread_s: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            title="Reading open returns again",
            description="Seconds after which an open return is read whole though its status did not move.",
        ),
    ] = 12 * 3600
    details_per_poll: Annotated[
        int,
        msgspec.Meta(ge=1, title="Returns read in one poll", description="More wait for the next poll."),
    ] = 200
    timeout_s: Annotated[
        float, msgspec.Meta(gt=0, le=300, title="Time limit", description="Seconds to wait for one answer.")
    ] = 30.0
    mapping: Annotated[
        ReturnGOMapping,
        msgspec.Meta(title="Mapping", description="What the public reference leaves open; change it for your account."),
    ] = ReturnGOMapping()
