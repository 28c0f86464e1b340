"""What a Prima connection needs to be told (Prima sheet §5 and §7). Filled from a TOML table."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from counterfoil.ports.capabilities import Cap


class PrimaCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What this account's gateway is known to do, in the words of sheet §7. What is false is parked, never tried."""

    read_order: Annotated[bool, Meta(title="Read orders", description="Sales orders can be looked up.")] = True
    create_return: Annotated[bool, Meta(title="Open returns", description="Sales returns can be made.")] = True
    cancel_return: Annotated[bool, Meta(title="Cancel returns", description="Open returns can be cancelled.")] = True
    receive_return: Annotated[bool, Meta(title="Receive", description="Stock receipts can be booked.")] = True
    create_credit: Annotated[bool, Meta(title="Draft credits", description="Credit notes can be drafted.")] = True
    post_credit: Annotated[bool, Meta(title="Post credits", description="Drafts can be posted.")] = True
    read_back: Annotated[bool, Meta(title="Read back", description="Posted documents can be listed by date.")] = True
    store_tracking: Annotated[
        bool,
        Meta(
            title="Change tracking later",
            description="The gateway offers POST /sales-returns/{no}/tracking. Without it the tracking reference is "
            "only sent when the return is opened.",
        ),
    ] = False
    reverse_receipt: Annotated[
        bool,
        Meta(
            title="Reverse receipts",
            description="The gateway offers POST /stock-receipts/{no}/reverse. Without it a person reverses in Prima.",
        ),
    ] = False


_CAPS = {
    "read_order": Cap.READ_ORDER,
    "create_return": Cap.CREATE_RETURN,
    "cancel_return": Cap.CANCEL_RETURN,
    "receive_return": Cap.RECEIVE,
    "create_credit": Cap.DRAFT_CREDIT,
    "post_credit": Cap.POST_CREDIT,
    "read_back": Cap.READ_BACK,
    "store_tracking": Cap.STORE_TRACKING,
    "reverse_receipt": Cap.REVERSE_RECEIPT,
}


class PrimaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One Prima account. `price_basis` has no default on purpose: guessing it would misprice every credit."""

    base_url: Annotated[
        str, Meta(title="Gateway address", description="Without /v1, for example https://prima.example.com/api")
    ]
    price_basis: Annotated[
        Literal["unit", "line"],
        Meta(title="Price basis", description="Whether unit_price of an order line is for one unit or the whole line."),
    ]
    transport: Annotated[
        Literal["rest"], Meta(title="Transport", description="How Prima is reached: the REST gateway.")
    ] = "rest"
    api_key: Annotated[str, Meta(title="API key", description="Sent as X-Api-Key.")] = ""
    token_url: Annotated[
        str, Meta(title="Token address", description="For OAuth2 client credentials instead of an API key.")
    ] = ""
    client_id: Annotated[str, Meta(title="Client id", description="For OAuth2.")] = ""
    client_secret: Annotated[str, Meta(title="Client secret", description="For OAuth2.")] = ""
    vat_inclusive: Annotated[
        bool,
        Meta(
            title="Prices include VAT",
            description="Used for orders that do not say themselves whether their prices include VAT.",
        ),
    ] = True
    brand_in_reference: Annotated[
        bool,
        Meta(title="Brand in references", description="For several brands in one Prima company: keeps them apart."),
    ] = False
    write_off_depot: Annotated[
        str,
        Meta(
            title="Write-off depot",
            description="Depot for units that are written off. Empty: they are booked with a disposition and no depot.",
        ),
    ] = ""
    disposition_codes: Annotated[
        dict[str, str],
        Meta(
            title="Disposition codes",
            description="Prima's code for each disposition (sellable, quarantine, damaged, …). A disposition that is "
            "not listed is sent as our own word.",
        ),
    ] = {}
    charge_codes: Annotated[
        dict[str, str],
        Meta(
            title="Charge codes",
            description="Prima's code for each credited charge (shipping, return_fee, rounding, goodwill). A charge "
            "that is not listed is sent as our own word.",
        ),
    ] = {}
    console_url: Annotated[
        str,
        Meta(title="Link to documents", description="Address of a document for people, with {kind} and {number}."),
    ] = ""
    timeout_s: Annotated[float, Meta(title="Patience", description="Seconds to wait for an answer.", gt=0)] = 30.0
    capabilities: Annotated[
        PrimaCapabilities, Meta(title="Capabilities", description="What this account's gateway is known to do.")
    ] = PrimaCapabilities()


def capabilities(config: PrimaConfig) -> frozenset[Cap]:
    """The abilities this account declares."""
    return frozenset(cap for name, cap in _CAPS.items() if getattr(config.capabilities, name))


def contradictions(config: PrimaConfig) -> list[str]:
    """What in the configuration cannot be meant, one sentence each."""
    can = config.capabilities
    found = []
    if can.receive_return and not can.create_return:
        found.append("Receiving is on, but opening returns is off: a receipt needs its return's number.")
    if can.post_credit and not can.create_credit:
        found.append("Posting credits is on, but drafting them is off: Prima posts drafts.")
    if not config.api_key and not config.token_url:
        found.append("Neither an API key nor a token address is given.")
    if config.token_url and not (config.client_id and config.client_secret):
        found.append("A token address is given without client id and secret.")
    return found


def document_url(config: PrimaConfig, kind: str, ref: str) -> str | None:
    """A link to a document for people, where the account has one."""
    return config.console_url.replace("{kind}", kind).replace("{number}", ref) if config.console_url else None
