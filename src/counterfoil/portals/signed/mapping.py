"""The mapping file: where each thing stands in the portal's payload, and what its words mean. Data, no code.

A path is names joined by dots, from the body for the return itself and from the row for lines and refunds; an empty
path says that the portal does not tell. The defaults are the format we propose to portals that have none of their own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from counterfoil.core.returns import Disposition, LabelStatus, Stage

Path_ = Annotated[str, Meta(pattern=r"^([A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+)*)?$", max_length=200)]


class MappingError(ValueError):
    """A mapping file that cannot be used; the message says which file, where, and what is due there."""


class Signing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How deliveries are signed: the Standard Webhooks scheme, or one HMAC over `text`.

    `text` may hold `{id}`, `{timestamp}` and `{body}`. Without a timestamp in it nothing tells an old delivery from a
    new one, and `tolerance_s` does not apply. `prefix` stands before the signature in its header (`sha256=`).
    """

    scheme: Literal["standard_webhooks", "hmac"] = "standard_webhooks"
    header: str = "webhook-signature"
    id_header: str = "webhook-id"
    timestamp_header: str = "webhook-timestamp"
    algorithm: Literal["sha256", "sha512"] = "sha256"
    encoding: Literal["base64", "hex"] = "base64"
    secret: Literal["text", "base64", "hex"] = "text"  # noqa: S105 - how a secret is written
    prefix: str = ""
    text: str = "{body}"
    tolerance_s: Annotated[int, Meta(gt=0, le=86_400)] = 300


class LinePaths(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Within one row of the lines. `worth` is what the goods of the line were worth, tax included."""

    id: Path_ = "id"
    order_line: Path_ = "order_line_id"
    sku: Path_ = "sku"
    quantity: Path_ = "quantity"
    worth: Path_ = "value"
    reason: Path_ = "reason"
    disposition: Path_ = ""


class RefundPaths(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Within one row of the money the portal says it paid. `ref` is the shop's number of the refund."""

    ref: Path_ = "shop_refund_id"
    gateway: Path_ = "gateway"
    amount: Path_ = "amount"


class Paths(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the body."""

    event_id: Path_ = "event_id"
    topic: Path_ = "type"
    return_id: Path_ = "return.id"
    state: Path_ = "return.state"
    created_at: Path_ = "return.created_at"
    edited_at: Path_ = "return.updated_at"
    order_ref: Path_ = "return.order_id"
    order_name: Path_ = "return.order_name"
    currency: Path_ = "return.currency"
    country: Path_ = ""
    refund: Path_ = "return.totals.refund"
    store_credit: Path_ = "return.totals.store_credit"
    fee: Path_ = "return.totals.fee"
    shipping: Path_ = "return.totals.shipping"
    tracking: Path_ = "return.parcel.tracking_number"
    carrier: Path_ = "return.parcel.carrier"
    label_state: Path_ = "return.parcel.state"
    lines: Path_ = "return.lines"
    refunds: Path_ = "return.refunds"


STATES = {
    "requested": Stage.REQUESTED,
    "approved": Stage.AUTHORISED,
    "completed": Stage.PROCESSED,
    "cancelled": Stage.CANCELLED,
    "expired": Stage.EXPIRED,
}
PARCEL_STATES = {
    "created": LabelStatus.PENDING,
    "in_transit": LabelStatus.IN_TRANSIT,
    "delivered": LabelStatus.DELIVERED,
    "expired": LabelStatus.EXPIRED,
    "error": LabelStatus.ERROR,
}


class SignedMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file.

    `states` and `parcel_states` give our word for each of the portal's; one that is missing keeps the delivery for a
    person. `reasons`, where given, translates codes into words; a code that is missing is told and passed on.
    `topics` are the topics to be read; empty: all. `money`: `major` is 12.50, `comma` is "1.234,50", `minor` is 1250.
    """

    signing: Signing = Signing()
    paths: Paths = Paths()
    line: LinePaths = LinePaths()
    refund_row: RefundPaths = RefundPaths()
    topics: tuple[str, ...] = ()
    states: Mapping[str, Stage] = msgspec.field(default_factory=lambda: dict(STATES))
    parcel_states: Mapping[str, LabelStatus] = msgspec.field(default_factory=lambda: dict(PARCEL_STATES))
    reasons: Mapping[str, str] = {}
    dispositions: Mapping[str, Disposition] = {}
    money: Literal["major", "minor", "comma"] = "major"
    currency: Annotated[str, Meta(pattern=r"^([A-Z]{3})?$")] = ""  # for portals that never say it


def read_mapping(path: Path) -> SignedMapping:
    """A mapping file (TOML). MappingError with one sentence when it cannot be used."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), SignedMapping)
    except OSError as error:
        raise MappingError(f"the mapping file {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MappingError(f"the mapping file {path} cannot be used: {error}") from None
