"""What a real account may change about Reveni without changing code: where fields stand, and what words mean.

Reveni publishes no reference. Only a few names were seen; the rest is the proposal of the Reveni sheet §6. So every
field has a list of places to look for it, and every word of theirs stands in a table with ours beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec

from counterfoil.core.returns import Disposition, LabelStatus


class Move(StrEnum):
    """What a status of Reveni's means for us (sheet §6, canonical mapping)."""

    AUTHORISED = "authorised"  # it runs; nobody has decided yet
    PROCESSED = "processed"  # accepted, in whole or in part
    REJECTED = "rejected"  # the merchant refused the goods; nothing is credited
    CANCELLED = "cancelled"
    PERSON = "person"  # what it means is not published: it moves nothing and somebody must look


class Verdict(StrEnum):
    """What was decided about one row of a return (sheet §4, item states)."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REVIEW = "for_review"


class PaidBy(StrEnum):
    """Out of whose pocket, and on which road, a refund reaches the shopper (sheet §5)."""

    PROVIDER = "provider"  # Reveni's own bank transfer: booked against Reveni's clearing account
    STORE_CREDIT = "store_credit"  # a liability of the shop, with no bank line
    SHOP = "shop"  # the shop's own payment provider, which confirms it by itself


class RefundStep(StrEnum):
    """How far a refund has come (sheet §6)."""

    PENDING = "pending"
    ISSUED = "issued"
    FAILED = "failed"


# Where each field stands. Paths are tried in order, from the return, or from the item, exchange or refund they name.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "uuid"),
    "status": ("status",),
    "type": ("type", "transaction_type"),
    "instant": ("instant",),
    "mode": ("mode",),
    "created_at": ("created_at", "created"),
    "updated_at": ("updated_at", "updated"),
    "order_ref": ("order.external_id",),
    "order_name": ("order.number", "order.name", "order_number"),
    "currency": ("order.currency", "currency", "summary.currency"),
    "tracking": ("delivery.tracking_number",),
    "carrier": ("delivery.carrier",),
    "delivery_status": ("delivery.status",),
    "items": ("return_items",),
    "refunds": ("refunds",),
    "exchange_order_ref": ("exchange_order.external_id",),
    "exchange_order_name": ("exchange_order.number",),
    "exchange_order_total": ("exchange_order.total",),
    "exchange_order_currency": ("exchange_order.currency",),
    "summary_products": ("summary.products",),
    "summary_new_products": ("summary.new_products",),
    "summary_fees": ("summary.fees",),
    "summary_bonuses": ("summary.bonuses",),
    "summary_shipping": ("summary.shipping",),
    "summary_total": ("summary.total",),
    "summary_currency": ("summary.currency",),
    "item_id": ("id", "item_id"),
    "item_sku": ("sku",),
    "item_quantity": ("quantity",),
    "item_reason": ("return_reason",),
    "item_price": ("price",),
    "item_discount": ("discount_amount",),
    "item_tax": ("tax_amount",),
    "item_status": ("status",),
    "item_accepted_quantity": ("accepted_quantity",),
    "item_reject_reason": ("reject_reason",),
    "item_reject_text": ("reject_reason_text",),
    "item_restock": ("restock",),
    "item_exchange": ("exchange",),
    "exchange_sku": ("sku",),
    "exchange_quantity": ("quantity",),
    "exchange_price": ("price",),
    "refund_id": ("id",),
    "refund_amount": ("amount",),
    "refund_currency": ("currency",),
    "refund_method": ("method",),
    "refund_status": ("status",),
    "refund_created_at": ("created_at", "created"),
    "refund_external_id": ("external_id",),
}

# Sheet §4 and §6. EXPIRED moves nothing: unattended instant returns are said to become accepted, so this is not that.
STATUSES: Mapping[str, Move] = {
    "in_progress": Move.AUTHORISED,
    "pending": Move.AUTHORISED,
    "shipped": Move.AUTHORISED,
    "received": Move.AUTHORISED,
    "for_review": Move.AUTHORISED,
    "on_hold": Move.AUTHORISED,
    "accepted": Move.PROCESSED,
    "partly_accepted": Move.PROCESSED,
    "partially_accepted": Move.PROCESSED,
    "completed": Move.PROCESSED,
    "rejected": Move.REJECTED,
    "cancelled": Move.CANCELLED,
    "canceled": Move.CANCELLED,
    "expired": Move.PERSON,
}

# What a status tells about the parcel. The decided ones tell nothing: goods that never came can be accepted, too.
PARCELS: Mapping[str, LabelStatus] = {
    "shipped": LabelStatus.IN_TRANSIT,
    "received": LabelStatus.DELIVERED,
    "for_review": LabelStatus.DELIVERED,
    "on_hold": LabelStatus.DELIVERED,
}

DELIVERY_STATUSES: Mapping[str, LabelStatus] = {
    "created": LabelStatus.PENDING,
    "pending": LabelStatus.PENDING,
    "shipped": LabelStatus.IN_TRANSIT,
    "in_transit": LabelStatus.IN_TRANSIT,
    "delivered": LabelStatus.DELIVERED,
    "received": LabelStatus.DELIVERED,
    "expired": LabelStatus.EXPIRED,
    "error": LabelStatus.ERROR,
    "failed": LabelStatus.ERROR,
}

ITEM_STATUSES: Mapping[str, Verdict] = {
    "pending": Verdict.PENDING,
    "pending_validation": Verdict.PENDING,
    "accepted": Verdict.ACCEPTED,
    "rejected": Verdict.REJECTED,
    "for_review": Verdict.REVIEW,
}

REFUND_METHODS: Mapping[str, PaidBy] = {
    "bank_transfer": PaidBy.PROVIDER,
    "store_credit": PaidBy.STORE_CREDIT,
    "original_payment_method": PaidBy.SHOP,
}

REFUND_STATUSES: Mapping[str, RefundStep] = {
    "pending": RefundStep.PENDING,
    "issued": RefundStep.ISSUED,
    "failed": RefundStep.FAILED,
}

# Words within a reject reason, the first that fits (sheet §6, disposition).
REJECT_WORDS: Mapping[str, Disposition] = {
    "missing": Disposition.MISSING,
    "not received": Disposition.MISSING,
    "notreceived": Disposition.MISSING,
    "defect": Disposition.DAMAGED,
    "damag": Disposition.DAMAGED,
    "worn": Disposition.DAMAGED,
    "stain": Disposition.DAMAGED,
}

# What the inspector found, as a verdict for Reveni. It must say what the credit note will say: our side credits every
# unit it keeps, so only what never came and what goes back to the shopper is refused.
VERDICTS: Mapping[Disposition, Verdict] = {
    Disposition.SELLABLE: Verdict.ACCEPTED,
    Disposition.QUARANTINE: Verdict.ACCEPTED,
    Disposition.REFURBISH: Verdict.ACCEPTED,
    Disposition.DAMAGED: Verdict.ACCEPTED,
    Disposition.DISPOSE: Verdict.ACCEPTED,
    Disposition.DONATE: Verdict.ACCEPTED,
    Disposition.RETURN_TO_VENDOR: Verdict.ACCEPTED,
    Disposition.MISSING: Verdict.REJECTED,
    Disposition.RETURN_TO_CUSTOMER: Verdict.REJECTED,
}

# `defect` is the only reject reason anybody has seen (sheet §2); `missing` is the help centre's word.
REJECT_REASONS: Mapping[Disposition, str] = {Disposition.MISSING: "missing"}
REJECT_REASON_OTHERWISE = "defect"

T = TypeVar("T")


class ReveniMapping(msgspec.Struct, frozen=True, kw_only=True):
    """Changes to the tables above for one account. What is named here replaces that one entry; the rest stays."""

    fields: Annotated[
        dict[str, tuple[str, ...]],
        msgspec.Meta(
            title="Fields", description="Where a field stands: paths with dots, the first that is there wins."
        ),
    ] = {}
    statuses: Annotated[
        dict[str, Move], msgspec.Meta(title="Statuses", description="What a return's status means.")
    ] = {}
    parcels: Annotated[
        dict[str, LabelStatus],
        msgspec.Meta(title="Parcel by status", description="What a return's status tells about its parcel."),
    ] = {}
    delivery_statuses: Annotated[
        dict[str, LabelStatus], msgspec.Meta(title="Delivery statuses", description="What a parcel's own status means.")
    ] = {}
    item_statuses: Annotated[
        dict[str, Verdict], msgspec.Meta(title="Item statuses", description="What a row's status means.")
    ] = {}
    refund_methods: Annotated[
        dict[str, PaidBy],
        msgspec.Meta(title="Refund methods", description="Who pays: provider (Reveni), shop, or store_credit."),
    ] = {}
    refund_statuses: Annotated[
        dict[str, RefundStep], msgspec.Meta(title="Refund statuses", description="How far a refund has come.")
    ] = {}
    reject_words: Annotated[
        dict[str, Disposition],
        msgspec.Meta(
            title="Reject reasons read", description="Words in a reject reason and the disposition they mean."
        ),
    ] = {}
    rejected_otherwise: Annotated[
        Disposition,
        msgspec.Meta(title="Other rejected units", description="Disposition of units rejected for any other reason."),
    ] = Disposition.QUARANTINE
    verdicts: Annotated[
        dict[Disposition, Verdict],
        msgspec.Meta(title="Verdicts sent", description="What each disposition is told to Reveni as."),
    ] = {}
    reject_reasons: Annotated[
        dict[Disposition, str],
        msgspec.Meta(title="Reject reasons sent", description="Reveni's reject reason for a disposition."),
    ] = {}
    verdict_words: Annotated[
        dict[Verdict, str],
        msgspec.Meta(title="Verdict words sent", description="Reveni's own word for accepted, rejected, for_review."),
    ] = {}
    decide_within_days: Annotated[
        int,
        msgspec.Meta(ge=1, title="Days to decide", description="Days to accept or reject an instant return."),
    ] = 30
    clearing: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            title="Clearing account",
            description="The tender under which refunds paid by Reveni itself are booked; map it to a ledger account.",
        ),
    ] = "reveni_clearing"

    def __post_init__(self) -> None:
        """Refuse a field nobody reads: it would be a typing mistake that changes nothing."""
        unknown = sorted(set(self.fields) - set(FIELDS))
        if unknown:
            raise ValueError(f"fields: {', '.join(unknown)} is no field we read; known are {', '.join(sorted(FIELDS))}")
        empty = sorted(name for name, paths in self.fields.items() if not all(paths))
        if empty:
            raise ValueError(f"fields: {', '.join(empty)} has an empty path")

    def paths(self, name: str) -> tuple[str, ...]:
        """Where to look for a field, best place first."""
        return self.fields.get(name) or FIELDS[name]

    def status(self, word: str) -> Move | None:
        """What a return's status means; None for a word nobody told us about."""
        return find_word(self.statuses, STATUSES, word)

    def parcel(self, word: str) -> LabelStatus | None:
        """What a return's status tells about its parcel."""
        return find_word(self.parcels, PARCELS, word)

    def delivery(self, word: str) -> LabelStatus | None:
        """What a parcel's own status means."""
        return find_word(self.delivery_statuses, DELIVERY_STATUSES, word)

    def item(self, word: str) -> Verdict | None:
        """What a row's status means."""
        return find_word(self.item_statuses, ITEM_STATUSES, word)

    def method(self, word: str) -> PaidBy | None:
        """Who pays a refund made by this method."""
        return find_word(self.refund_methods, REFUND_METHODS, word)

    def refund(self, word: str) -> RefundStep | None:
        """How far a refund has come."""
        return find_word(self.refund_statuses, REFUND_STATUSES, word)

    def rejected(self, reason: str) -> Disposition | None:
        """The disposition a reject reason names, None when no word of ours is in it."""
        text = _spaced(reason)
        for words in (self.reject_words, REJECT_WORDS):
            found = next((to for word, to in words.items() if _spaced(word) in text), None)
            if found is not None:
                return found
        return None

    def verdict(self, disposition: Disposition) -> Verdict:
        """What a disposition is told to Reveni as."""
        return self.verdicts.get(disposition) or VERDICTS[disposition]

    def reject_reason(self, disposition: Disposition) -> str:
        """Reveni's reject reason for a disposition."""
        return self.reject_reasons.get(disposition) or REJECT_REASONS.get(disposition, REJECT_REASON_OTHERWISE)

    def verdict_word(self, verdict: Verdict) -> str:
        """Reveni's own word for a verdict."""
        return self.verdict_words.get(verdict, verdict.value)


def find_word(own: Mapping[str, T], usual: Mapping[str, T], word: str) -> T | None:
    """What a word of Reveni's means: by the account's own table, else by ours; case and separators do not matter."""
    wanted = normal(word)
    found = next((to for known, to in own.items() if normal(known) == wanted), None)
    return found if found is not None else usual.get(wanted)


def normal(word: str) -> str:
    """A word of Reveni's in one spelling: lower case, blanks and hyphens as underscores (sheet §4)."""
    return "_".join(word.replace("-", " ").replace("_", " ").lower().split())


def _spaced(text: str) -> str:
    return normal(text).replace("_", " ")


USUAL = ReveniMapping()
