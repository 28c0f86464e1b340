"""ReturnGO's words and ours: statuses, shipments, resolutions, conditions (ReturnGO sheet §4, §7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import TypeVar

from counterfoil.core.returns import Disposition, LabelStatus, Stage

PORTAL = "returngo"

# §4, §7. `Received` and `Validated` are authorised returns whose goods have come.
STAGES: Mapping[str, Stage] = {
    "pending": Stage.REQUESTED,
    "approved": Stage.AUTHORISED,
    "received": Stage.AUTHORISED,
    "validated": Stage.AUTHORISED,
    "done": Stage.PROCESSED,
    "rejected": Stage.CANCELLED,
    "canceled": Stage.CANCELLED,
    "cancelled": Stage.CANCELLED,
}
ARRIVED = frozenset({"received", "validated"})

# §4. A cancelled shipment says nothing about where the parcel is.
LABEL_STATUSES: Mapping[str, LabelStatus] = {
    "pending": LabelStatus.PENDING,
    "labelcreated": LabelStatus.PENDING,
    "shipped": LabelStatus.IN_TRANSIT,
    "received": LabelStatus.DELIVERED,
    "validated": LabelStatus.DELIVERED,
}
LABEL_CANCELLED = "canceled"

EVENTS = (
    "RMA_CREATED",
    "RMA_STATUS_UPDATED",
    "SHIPMENT_CREATED",
    "SHIPMENT_STATUS_UPDATED",
    "SHIPMENT_TRACKER_STATUS_UPDATED",
    "TRANSACTION_CREATED",
    "REFUND_CREATED",
)

T = TypeVar("T")

_TAG = re.compile(r"<[^<>]*>")


def fitting(table: Mapping[str, T], word: str | None) -> T | None:
    """The first entry whose key is a part of the word, case ignored; None when nothing fits (§4: never guess)."""
    given = (word or "").casefold()
    return next((value for part, value in table.items() if given and part.casefold() in given), None)


def condition(table: Mapping[str, Disposition], text: str | None) -> Disposition | None:
    """The disposition of the first table word that stands, as a whole word, in the inspector's free text."""
    given = " ".join((text or "").casefold().split())
    for word, found in table.items():
        wanted = " ".join(word.casefold().split())
        if wanted and re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", given):
            return found
    return None


def plain(markup: str) -> str:
    """A timeline comment without its tags, on one line (§6: compare comments with tags stripped)."""
    return " ".join(unescape(_TAG.sub(" ", markup)).split())
