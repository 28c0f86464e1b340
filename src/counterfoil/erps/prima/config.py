"""What a Prima connection needs to be told (Prima sheet §5 to §7). Filled from a TOML table."""

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
    check_stock: Annotated[bool, Meta(title="Check stock", description="Available stock can be asked for.")] = True
    create_exchange: Annotated[
        bool, Meta(title="Exchange orders", description="Sales orders for exchanges can be made.")
    ] = True
    release_exchange: Annotated[
        bool,
        Meta(
            title="Release exchange orders",
            description="A held order can be released (REST: POST /sales-orders/{no}/release). Without it no exchange "
            "order is made on hold.",
        ),
    ] = False
    cancel_exchange: Annotated[
        bool,
        Meta(
            title="Cancel exchange orders",
            description="An order that has not shipped can be cancelled (REST: POST /sales-orders/{no}/cancel).",
        ),
    ] = False


class SoapDocument(msgspec.Struct, frozen=True, kw_only=True):
    """How the order manager is spoken to about one kind of document (sheet §7 `documents`).

    No RequestType for returns, receipts and credits is public, so what the vendor tells is written here; what is left
    empty is not tried.
    """

    request_type: Annotated[
        str, Meta(title="RequestType that makes it", description="Empty: this account cannot make it over SOAP.")
    ] = ""
    read: Annotated[
        str, Meta(title="RequestType that reads it", description="By our reference or by Prima's number.")
    ] = ""
    actions: Annotated[
        dict[str, str],
        Meta(
            title="RequestTypes of actions",
            description="For example post = …, cancel = …, tracking = …, reverse = …, release = ….",
        ),
    ] = {}
    fields: Annotated[
        dict[str, str],
        Meta(
            title="Attribute names",
            description="Prima's attribute for each of our fields; a field that is not listed is written in capitals "
            "(order_number as OrderNumber).",
        ),
    ] = {}


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
    "check_stock": Cap.CHECK_STOCK,
    "create_exchange": Cap.CREATE_EXCHANGE,
    "release_exchange": Cap.RELEASE_EXCHANGE,
    "cancel_exchange": Cap.CANCEL_EXCHANGE,
}
# What only reading can do, and what a file can ask for at all (sheet §6.1: SRET, GRN, SCRN, SORD).
_READS = frozenset({Cap.READ_ORDER, Cap.READ_BACK, Cap.CHECK_STOCK})
_FILES = frozenset({Cap.CREATE_RETURN, Cap.RECEIVE, Cap.POST_CREDIT, Cap.CREATE_EXCHANGE})


class PrimaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One Prima account. `price_basis` has no default on purpose: guessing it would misprice every credit."""

    price_basis: Annotated[
        Literal["unit", "line"],
        Meta(title="Price basis", description="Whether unit_price of an order line is for one unit or the whole line."),
    ]
    transport: Annotated[
        Literal["rest", "soap", "file_drop"],
        Meta(
            title="Transport",
            description="How Prima is reached: a REST gateway, the SOAP order manager, or files in a folder.",
        ),
    ] = "rest"
    base_url: Annotated[
        str,
        Meta(
            title="Address",
            description="REST: without /v1, for example https://prima.example.com/api. SOAP: the instance's address.",
        ),
    ] = ""
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
    company: Annotated[str, Meta(title="Company", description="Prima's company id. SOAP and files.")] = ""
    documents: Annotated[
        dict[str, SoapDocument],
        Meta(
            title="SOAP documents",
            description="By document: sales_order, sales_return, stock_receipt, sales_credit_note, exchange_order.",
        ),
    ] = {}
    errors: Annotated[
        dict[str, str],
        Meta(title="SOAP errors", description="Meaning of further codes, for example E:77 = UNKNOWN_SKU."),
    ] = {}
    soap_parameters: Annotated[
        tuple[str, str],
        Meta(title="SOAP parameters", description="Names of the document's and of the company's parameter."),
    ] = ("xmlIn", "companyId")
    absent_phrases: Annotated[
        tuple[str, ...],
        Meta(
            title="Words for “not there”",
            description="A read over SOAP that fails with one of these phrases found nothing; any other is repeated.",
        ),
    ] = ("No Sales Order Header with", "does not exist", "not found")
    sku_rule: Annotated[
        Literal["table", "split", "whole"],
        Meta(
            title="SKU rule",
            description="How a SKU outside of the table becomes product and matrix codes over SOAP: not at all, split "
            "at the separator, or the whole SKU is the product.",
        ),
    ] = "table"
    sku_separator: Annotated[str, Meta(title="SKU separator", description="For the rule split.")] = "-"
    sku_table: Annotated[
        dict[str, tuple[str, ...]],
        Meta(title="SKU table", description="SKU = [product, up to four matrix codes]. Looked at before the rule."),
    ] = {}
    drop: Annotated[
        str,
        Meta(
            title="Folder of the file drop",
            description="A directory, or sftp://user@host:22/path (needs the extra `sftp`).",
        ),
    ] = ""
    drop_password: Annotated[str, Meta(title="SFTP password", description="Leave empty for a key.")] = ""
    drop_key: Annotated[str, Meta(title="SFTP key file", description="A private key in OpenSSH form.")] = ""
    drop_known_hosts: Annotated[
        str,
        Meta(title="SFTP known hosts", description="Lines of a known_hosts file. Without them nothing is sent."),
    ] = ""
    interface: Annotated[
        str,
        Meta(title="Interface", description="Our name in file names; its numbers rise by one.", pattern="^[A-Z0-9]+$"),
    ] = "CFOIL"
    first_seq: Annotated[
        int, Meta(title="First file number", description="The next number Prima expects of this interface.", ge=1)
    ] = 1
    file_format: Annotated[Literal["csv", "xml"], Meta(title="File form", description="CSV or XML (sheet §6.2).")] = (
        "csv"
    )
    file_encoding: Annotated[
        Literal["utf-8", "windows-1252"], Meta(title="Encoding of CSV files", description="As agreed with Prima.")
    ] = "utf-8"
    ack_timeout_s: Annotated[
        float, Meta(title="Patience for acknowledgements", description="Seconds until a person is told.", gt=0)
    ] = 1800.0
    resp_timeout_s: Annotated[
        float, Meta(title="Patience for responses", description="Seconds until a person is told.", gt=0)
    ] = 14_400.0
    drop_poll_s: Annotated[
        float, Meta(title="Look again after", description="Seconds between two looks for an answer file.", gt=0)
    ] = 30.0
    read_channel: Annotated[
        Literal["none", "rest"],
        Meta(
            title="Read channel",
            description="Beside files: where orders, stock and documents can be read. REST uses address and key.",
        ),
    ] = "none"
    credit_raised_by_prima: Annotated[
        bool,
        Meta(
            title="Prima raises the credit",
            description="Finishing a return makes the credit note by itself. Then it is found and verified, not posted.",
        ),
    ] = False
    credit_wait_days: Annotated[
        int, Meta(title="Days to wait for Prima's credit", description="After these, finance is told.", ge=0)
    ] = 2
    exchange_order_type: Annotated[
        str,
        Meta(title="Order type of exchanges", description="Where the policy names none. Empty: exchanges are parked."),
    ] = ""
    exchange_pay_method: Annotated[
        str, Meta(title="Pay method of exchanges", description="PayMethod for the carried-over value over SOAP.")
    ] = "EXCHANGE"
    capabilities: Annotated[
        PrimaCapabilities, Meta(title="Capabilities", description="What this account's gateway is known to do.")
    ] = PrimaCapabilities()


def capabilities(config: PrimaConfig) -> frozenset[Cap]:
    """The abilities this account declares: what the settings allow and the transport has words for."""
    allowed = {cap for name, cap in _CAPS.items() if getattr(config.capabilities, name)}
    if config.credit_raised_by_prima:
        allowed.discard(Cap.DRAFT_CREDIT)
        return frozenset(allowed & (_offered(config) | {Cap.POST_CREDIT}))
    return frozenset(allowed & _offered(config))


def _offered(config: PrimaConfig) -> frozenset[Cap]:
    """What the transport can be asked for at all."""
    if config.transport == "soap":
        return _offered_by_soap(config)
    if config.transport == "file_drop":
        return _FILES | _READS if config.read_channel == "rest" else _FILES
    return frozenset(Cap)


def _offered_by_soap(config: PrimaConfig) -> frozenset[Cap]:
    """The two things that are public (sheet §2.2), and what has a confirmed RequestType (§7)."""
    found = {Cap.CHECK_STOCK, Cap.CREATE_EXCHANGE}
    order, credit = soap_document(config, "sales_order"), soap_document(config, "sales_credit_note")
    rma, receipt = soap_document(config, "sales_return"), soap_document(config, "stock_receipt")
    exchange = soap_document(config, "exchange_order")
    declared = {
        Cap.READ_ORDER: order.read,
        Cap.CREATE_RETURN: rma.request_type,
        Cap.CANCEL_RETURN: rma.actions.get("cancel"),
        Cap.STORE_TRACKING: rma.actions.get("tracking"),
        Cap.RECEIVE: receipt.request_type,
        Cap.REVERSE_RECEIPT: receipt.actions.get("reverse"),
        Cap.DRAFT_CREDIT: credit.request_type and credit.actions.get("post"),
        Cap.POST_CREDIT: credit.request_type,
        Cap.RELEASE_EXCHANGE: exchange.actions.get("release"),
        Cap.CANCEL_EXCHANGE: exchange.actions.get("cancel"),
    }
    return frozenset(found | {cap for cap, known in declared.items() if known})


def soap_document(config: PrimaConfig, name: str) -> SoapDocument:
    """What is known of a document's RequestTypes; nothing, where the settings do not say."""
    return config.documents.get(name, SoapDocument())


def contradictions(config: PrimaConfig) -> list[str]:
    """What in the configuration cannot be meant, one sentence each."""
    can = capabilities(config)
    found = []
    if Cap.RECEIVE in can and Cap.CREATE_RETURN not in can:
        found.append("Receiving is on, but opening returns is off: a receipt needs its return's number.")
    if config.transport == "rest" and config.capabilities.post_credit and not config.capabilities.create_credit:
        found.append("Posting credits is on, but drafting them is off: Prima posts drafts.")
    found += {"rest": _at_rest, "soap": _at_soap, "file_drop": _at_drop}[config.transport](config)
    return found


def _at_rest(config: PrimaConfig) -> list[str]:
    found = []
    if not config.base_url:
        found.append("The gateway's address is not given.")
    if not config.api_key and not config.token_url:
        found.append("Neither an API key nor a token address is given.")
    if config.token_url and not (config.client_id and config.client_secret):
        found.append("A token address is given without client id and secret.")
    return found


def _at_soap(config: PrimaConfig) -> list[str]:
    """A document described without its RequestType is a start-up error (sheet §7)."""
    found = [] if config.base_url else ["The address of the order manager is not given."]
    for name, document in config.documents.items():
        if name not in _SOAP_DOCUMENTS:
            found.append(f"The document {name!r} is not one of {', '.join(_SOAP_DOCUMENTS)}.")
            continue
        described = document.fields or document.actions
        if described and not (document.request_type or document.read) and name != "exchange_order":
            found.append(f"The document {name} is described, but has no confirmed RequestType.")
    return found


def _at_drop(config: PrimaConfig) -> list[str]:
    found = [] if config.drop else ["The folder of the file drop is not given."]
    if config.drop.startswith("sftp://") and not config.drop_known_hosts:
        found.append("The SFTP server's host key is not given, so it could be anybody; nothing is sent.")
    if config.read_channel == "rest":
        found += _at_rest(config)
    if config.credit_raised_by_prima and config.read_channel == "none":
        found.append("Prima raises the credits, but there is no read channel to find them in.")
    return found


_SOAP_DOCUMENTS = ("sales_order", "sales_return", "stock_receipt", "sales_credit_note", "exchange_order")


def document_url(config: PrimaConfig, kind: str, ref: str) -> str | None:
    """A link to a document for people, where the account has one."""
    return config.console_url.replace("{kind}", kind).replace("{number}", ref) if config.console_url else None
