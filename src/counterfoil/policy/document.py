"""A policy as people write it: one TOML document for a brand, its portal and its ERP. Amounts carry their currency."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from counterfoil.core.policy import FlowPolicy

Text = Annotated[str, Meta(min_length=1)]
Amount = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)? [A-Z]{3}$", examples=["250.00 GBP"])]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
Words = tuple[Text, ...]
Presets = Literal["controlled", "credit-first", "portal-led", "restock-mirror", "instant-funded"]

ELSEWHERE = (
    *("name", "version", "rule", "cover", "legal", "approvals"),
    *("approval_threshold", "tolerance", "high_value_above"),
)
"""Fields of the policy that the document writes in another place, because they are amounts or tables."""

Axes: Any = msgspec.defstruct(
    "Axes",
    [
        (field.name, field.type | msgspec.UnsetType, msgspec.UNSET)
        for field in msgspec.structs.fields(FlowPolicy)
        if field.name not in ELSEWHERE
    ],
    module=__name__,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    namespace={"__doc__": "The axes D1 to D13 that differ from the preset; hours are wall-clock hours."},
)


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the document; a word nobody knows is refused."""


class Thresholds(Table, frozen=True, kw_only=True):
    """Amounts of the whole policy, in its currency."""

    approval_above: Amount | None = None  # D4, with approval = "above_threshold"
    tolerance: Amount | None = None  # D5, with amount_authority = "portal_within_tolerance"
    high_value_above: Amount | None = None  # R86


class CoverText(Table, frozen=True, kw_only=True):
    """What covers money that leaves before the goods are inspected (D3). Every condition named must hold."""

    value_max: Amount | None = None
    categories: Words = ()
    tiers: Words = ()
    counterparty: Text | None = None


class ApprovalText(Table, frozen=True, kw_only=True):
    """People who must agree before money of this kind leaves (D4, R75 to R77). Every condition named must hold."""

    approvers: Words
    people: Annotated[int, Meta(ge=1, le=9)] = 1
    value_above: Amount | None = None
    categories: Words = ()
    tiers: Words = ()
    countries: tuple[Country, ...] = ()
    risk: Words = ()
    method: Literal["original", "store_credit"] | None = None
    waives_gate: Text | None = None


class OverrideText(Table, frozen=True, kw_only=True):
    """Other axes for some returns. Conditions are joined by and; the values of a list by or."""

    name: Text
    axes: Axes = Axes()
    countries: tuple[Country, ...] = ()
    categories: Words = ()
    tiers: Words = ()
    value_from: Amount | None = None
    value_below: Amount | None = None
    cover: CoverText | None = None


class LegalText(Table, frozen=True, kw_only=True):
    """Countries whose withdrawal deadline runs beside the gate. Off unless chosen; have the values checked."""

    countries: tuple[Country, ...]
    warn_business_days: Annotated[int, Meta(ge=0, le=10)] = 3
    opens_gate: bool = False


class PortalAttested(Table, frozen=True, kw_only=True):
    """What a person states about the portal's own settings, where no API shows them."""

    automatic_processing: Literal["on", "off", "unknown"] = "unknown"


class ErpAttested(Table, frozen=True, kw_only=True):
    """What a person states about the ERP's own preferences."""

    refund_in_advance: bool | None = None
    holding_depot: bool | None = None
    pays_refunds: bool | None = None


class Attested(Table, frozen=True, kw_only=True):
    """Facts about the systems, with who stated them and when."""

    by: str = ""
    on: date | None = None
    portal: PortalAttested = PortalAttested()
    erp: ErpAttested = ErpAttested()


class PolicyDocument(Table, frozen=True, kw_only=True, rename={"starts_on": "from"}):
    """One version of a policy. `from` is the first day on which returns are authorised under it."""

    name: Text
    version: Text
    starts_on: date
    brand: Text
    portal: Text
    erp: Text
    currency: Currency
    preset: Presets = "controlled"
    axes: Axes = Axes()
    thresholds: Thresholds = Thresholds()
    cover: CoverText | None = None
    approval: tuple[ApprovalText, ...] = ()
    override: tuple[OverrideText, ...] = ()
    categories: dict[str, Words] = {}
    tiers: dict[str, Words] = {}
    legal: LegalText | None = None
    attested: Attested = Attested()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the document, for editors and for `counterfoil policy schema`."""
    schema = msgspec.json.schema(PolicyDocument)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Counterfoil policy", **schema}


def chosen(axes: Any) -> dict[str, Any]:
    """The axes a table names, by name."""
    values = {name: getattr(axes, name) for name in axes.__struct_fields__}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}
