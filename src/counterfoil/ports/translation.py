"""What translating one delivery or one API answer gives: canonical values, or the reason there are none.

The command `counterfoil translate` prints it as the published contract (outputs §1) lays down.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from counterfoil.core.events import OutsideFact, RefundMoved
from counterfoil.core.orders import SoldOrder
from counterfoil.core.problems import Owner
from counterfoil.core.receipts import Receipt
from counterfoil.core.returns import PortalReturn


class Signature(StrEnum):
    """What checking a delivery's signature found."""

    VALID = "valid"
    INVALID = "invalid"
    ABSENT = "absent"
    NOT_SIGNED = "not_signed_by_vendor"


class Kind(StrEnum):
    """What a payload turned out to be."""

    RETURN = "return"
    LIST_PAGE = "list_page"
    LABEL = "label"
    GIFT_CARD = "gift_card"
    RESTOCK = "restock"
    REFUND = "refund"
    RECEIPT = "receipt"
    ORDER = "order"
    ANSWER = "answer"
    OTHER = "other"
    UNREADABLE = "unreadable"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person must look at, found while reading."""

    kind: str
    owner: Owner
    message: str
    subject: str = ""
    by_return: bool = False  # the return tells it itself when it is due: shown to readers, and no exception is opened


class GiftCard(msgspec.Struct, frozen=True, kw_only=True):
    """A gift card as the portal announces it; amounts in minor units."""

    gift_card_id: str | None
    issued: int
    subtotal: int | None
    tax: int | None
    bonus: int | None
    currency: str
    return_id: str | None


class DocumentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One document's part in an answer that covers several."""

    ref: str | None
    result: str
    erp_number: str | None = None
    primary_code: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an API answer means for us (outputs §1 lists the words of `result` and `then`)."""

    result: str
    retryable: bool
    message: str
    after_s: float | None = None
    owner: Owner | None = None
    primary_code: str | None = None
    erp_number: str | None = None
    per_document: tuple[DocumentAnswer, ...] = ()
    then: str | None = None


class RefundNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as a gateway or the shop announces it; `signature` is set where each item is signed by itself."""

    moved: RefundMoved
    signature: Signature | None = None


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one payload says. `events` are what the rest of the system acts on."""

    vendor: str
    kind: Kind
    signature: Signature = Signature.NOT_SIGNED
    topic: str | None = None
    trigger: str | None = None
    portal_return: PortalReturn | None = None
    returns: tuple[PortalReturn, ...] = ()
    events: tuple[OutsideFact, ...] = ()
    problems: tuple[Finding, ...] = ()
    reread: tuple[str, ...] = ()  # returns to be read by API, because this payload is only believed for its ids
    ignored_because: str | None = None
    gift_card: GiftCard | None = None
    refunds: tuple[RefundNotice, ...] = ()
    receipt: Receipt | None = None
    order: SoldOrder | None = None
    answer: Answer | None = None
