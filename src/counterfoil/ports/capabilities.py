"""What a vendor, as configured, can do. Declared by adapters, read by the policy compiler and by `decide`."""

from __future__ import annotations

from enum import StrEnum


class Cap(StrEnum):
    """One ability. What is not declared is parked with a plain sentence, never tried."""

    WEBHOOKS = "webhooks"
    POLL = "poll"
    # portals
    RELEASE = "release"  # we can make the portal carry out the outcome
    NOTES = "notes"
    FLAG = "flag"
    CANCEL = "cancel"
    GRADING = "grading"
    EXCHANGES = "exchanges"
    # ERPs
    READ_ORDER = "read_order"
    CREATE_RETURN = "create_return"
    CANCEL_RETURN = "cancel_return"
    STORE_TRACKING = "store_tracking"
    RECEIVE = "receive"
    REVERSE_RECEIPT = "reverse_receipt"
    DRAFT_CREDIT = "draft_credit"
    POST_CREDIT = "post_credit"
    RECORD_REFUND = "record_refund"
    CHECK_STOCK = "check_stock"
    CREATE_EXCHANGE = "create_exchange"
    RELEASE_EXCHANGE = "release_exchange"
    CANCEL_EXCHANGE = "cancel_exchange"
    READ_BACK = "read_back"
