"""The items of one Adyen notification, and the text each of them signs (payments sheet §10). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object

_ITEM = "NotificationRequestItem"

REFUND_CODES = (
    "REFUND",
    "REFUND_FAILED",
    "REFUNDED_REVERSED",
    "CANCEL_OR_REFUND",
    "REFUND_WITH_DATA",
    "POSTPONED_REFUND",
    "VOID_PENDING_REFUND",
)


class Item(msgspec.Struct, frozen=True):
    """One item: its fields, and how it names itself."""

    fields: Fields

    @property
    def code(self) -> str:
        """Its event code. Raises UnreadableError without one."""
        return self.fields.need("eventCode")

    @property
    def success(self) -> bool:
        """Whether what it tells succeeded: a string on the wire. Raises UnreadableError for anything else."""
        flag = self.fields.flag("success")
        if flag is None:
            raise UnreadableError(f"{self.fields.where('success')} is missing")
        return flag

    @property
    def about_refund(self) -> bool:
        """Whether it tells of money going back."""
        return self.fields.data.get("eventCode") in REFUND_CODES

    @property
    def identity(self) -> tuple[str, str, str]:
        """What Adyen's own advice tells repeats by (§10): reference, event code, success."""
        data = self.fields.data
        return _plain(data.get("pspReference")), _plain(data.get("eventCode")), _plain(data.get("success"))

    @property
    def signature(self) -> str:
        """The signature it carries, blank when there is none."""
        extra = self.fields.data.get("additionalData")
        given = extra.get("hmacSignature") if isinstance(extra, Mapping) else None
        return given.strip() if isinstance(given, str) else ""

    @property
    def signed_text(self) -> str:
        """The eight signed fields as they stand, joined by colons without any escaping; what is missing is empty."""
        data = self.fields.data
        money = data.get("amount")
        money = money if isinstance(money, Mapping) else {}
        names = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
        parts = [data.get(name) for name in names]
        parts += [money.get("value"), money.get("currency"), data.get("eventCode"), data.get("success")]
        return ":".join(_plain(part) for part in parts)


def items(body: bytes) -> list[Item]:
    """The items of a notification, in its order. Raises UnreadableError when it is none."""
    notification = read_object(body)
    if "notificationItems" not in notification:
        raise UnreadableError("notificationItems is missing")
    found = []
    for wrapped in notification.each("notificationItems"):
        item = wrapped.child(_ITEM)
        if item is None:
            raise UnreadableError(f"{wrapped.where(_ITEM)} is missing")
        found.append(Item(item))
    return found


def _plain(value: Any) -> str:
    """A field as the signed text has it: a boolean in lower case, nothing for null."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
