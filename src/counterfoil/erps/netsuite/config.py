"""What a NetSuite connection needs to be told, with the help text of the form."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class NetSuiteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One NetSuite account as one brand uses it. Ids are NetSuite's internal ids, always written as text."""

    account: Annotated[
        str, Meta(title="Account id", description="As NetSuite writes it, for example 1234567 or 1234567_SB1.")
    ]
    base_url: Annotated[
        str,
        Meta(title="Base address", description="Leave empty for the account's own host; set it to use a simulator."),
    ] = ""
    audience: Annotated[
        str,
        Meta(
            title="Token audience",
            description="The token address named inside the signed request. Leave empty for the account's real one; "
            "it stays the real one even when the base address points elsewhere.",
        ),
    ] = ""
    app_url: Annotated[
        str, Meta(title="Address of the user interface", description="For links; empty for the account's own host.")
    ] = ""
    timeout_s: Annotated[
        int, Meta(title="Patience in seconds", description="How long one call may take before it counts as lost.")
    ] = 60

    auth: Annotated[
        str, Meta(title="Login", description="oauth2 (certificate) or tba (tokens; none can be made from 2027.1 on).")
    ] = "oauth2"
    client_id: Annotated[str, Meta(title="Client id", description="Consumer key of the integration record.")] = ""
    certificate_id: Annotated[
        str,
        Meta(
            title="Certificate id",
            description="Shown by the OAuth 2.0 client credentials mapping. A sandbox refresh wipes the mapping.",
        ),
    ] = ""
    private_key: Annotated[
        str, Meta(title="Private key", description="PEM text or the path of a PEM file: RSA 3072 or 4096 bit, or EC.")
    ] = ""
    algorithm: Annotated[
        str, Meta(title="Signing algorithm", description="PS256 for RSA keys, ES256 for EC P-256 keys. Never RS256.")
    ] = "PS256"
    consumer_key: Annotated[str, Meta(title="TBA consumer key", description="Only for the tba login.")] = ""
    consumer_secret: Annotated[str, Meta(title="TBA consumer secret", description="Only for the tba login.")] = ""
    token_id: Annotated[str, Meta(title="TBA token id", description="Only for the tba login.")] = ""
    token_secret: Annotated[str, Meta(title="TBA token secret", description="Only for the tba login.")] = ""

    new_account: Annotated[
        bool,
        Meta(
            title="No returns exist yet",
            description="Say yes while the account holds no return documents at all. Otherwise an account that shows "
            "none is taken for a role that may not see them, and nothing is sent twice.",
        ),
    ] = False

    order_fields: Annotated[
        tuple[str, ...],
        Meta(
            title="Where sales orders keep the shop's order",
            description="SuiteQL columns of the transaction, tried in this order; add custbody_ fields here.",
        ),
    ] = ("externalid", "otherrefnum")
    order_patterns: Annotated[
        tuple[str, ...],
        Meta(
            title="How the shop's order is written there",
            description="{order_ref} is the shop's id, {order_name} the printed name, {order_number} that without #.",
        ),
    ] = ("{order_ref}", "{order_name}", "{order_number}")
    shop_line_field: Annotated[
        str, Meta(title="Order line field with the shop's line id", description="A custcol_ field; empty if none.")
    ] = ""
    sku_field: Annotated[
        str, Meta(title="Which item field is the SKU", description="SuiteQL column: itemid, externalid or upccode.")
    ] = "itemid"
    currencies: Annotated[
        dict[str, str],
        Meta(
            title="Currencies", description="ISO code to NetSuite currency id. Not needed where the name is the code."
        ),
    ] = {}

    reason_field: Annotated[
        str, Meta(title="Line field for the reason", description="A custcol_ field; empty keeps reasons out.")
    ] = ""
    reasons: Annotated[
        dict[str, str], Meta(title="Reasons", description="Reason code to list value id. Empty sends the code as text.")
    ] = {}
    tracking_field: Annotated[
        str, Meta(title="Field for the tracking number", description="A custbody_ field; empty adds it to the memo.")
    ] = ""

    locations: Annotated[
        dict[str, str],
        Meta(
            title="Locations",
            description="Depot to location id. A key such as MAIN/quarantine is for one disposition at that depot.",
        ),
    ] = {}
    subsidiary_locations: Annotated[
        dict[str, dict[str, str]],
        Meta(
            title="Locations by subsidiary",
            description="Subsidiary id to its own depot-to-location table, which wins over the one above for orders "
            "of that subsidiary. The depot write_off names its write-off location.",
        ),
    ] = {}
    write_off_location: Annotated[
        str,
        Meta(title="Write-off location", description="Where units go that never become stock; not available to sell."),
    ] = ""
    inventory_statuses: Annotated[
        dict[str, str],
        Meta(title="Inventory statuses", description="Disposition to status id, where Inventory Status is in use."),
    ] = {}
    bins: Annotated[
        dict[str, str],
        Meta(
            title="Bins",
            description="The warehouse's location code to bin id, where locations use bins. Other codes send none.",
        ),
    ] = {}
    send_lots: Annotated[
        bool, Meta(title="Send lots and serials", description="Only where the returned items are numbered.")
    ] = False
    receipt_line_key: Annotated[
        str, Meta(title="Key of receipt lines", description="orderLine, or line if the account wants that.")
    ] = "orderLine"
    allow_receipt_deletion: Annotated[
        bool, Meta(title="May delete item receipts", description="Needed to reverse a receipt; the role must allow it.")
    ] = False
    deletion_reason: Annotated[
        str, Meta(title="Deletion reason", description="Id, where the account asks for a reason to delete.")
    ] = ""

    closed_period_date: Annotated[
        str,
        Meta(
            title="Date in a later period",
            description="Once a person agreed to post into the next open period: keep leaves the day it happened on "
            "the document, first_day dates it on the first day of that period.",
        ),
    ] = "keep"
    async_writes: Annotated[
        bool,
        Meta(
            title="Queue writes",
            description="Let NetSuite queue new documents and ask for the result. Off unless an account needs it.",
        ),
    ] = False
    async_wait_s: Annotated[
        int,
        Meta(title="Wait for a queued write", description="Seconds one attempt waits for the job before a later look."),
    ] = 10

    tax_mode: Annotated[
        str,
        Meta(
            title="Tax",
            description="legacy: NetSuite computes tax itself and we compare. suitetax: the same, or see below.",
        ),
    ] = "legacy"
    tax_override: Annotated[
        bool, Meta(title="Our tax wins", description="SuiteTax only: send the tax of each line as an override.")
    ] = False
    tax_type: Annotated[str, Meta(title="Tax type id", description="SuiteTax override only.")] = ""
    nexus: Annotated[str, Meta(title="Nexus id", description="SuiteTax override only; empty keeps NetSuite's.")] = ""
    custom_price_level: Annotated[
        str, Meta(title="Custom price level", description="Sent with every amount of ours; empty sends none.")
    ] = "-1"
    charge_items: Annotated[
        dict[str, str],
        Meta(
            title="Items for charges",
            description="return_fee, rounding and goodwill (and kept_goods, shipping) to an other-charge item's id each.",
        ),
    ] = {}

    deposit_document: Annotated[
        str,
        Meta(
            title="Credit of an unbilled order paid by deposit",
            description="customer_refund pays out of the deposit; credit_memo credits the return and refunds that.",
        ),
    ] = "customer_refund"

    exchange_form: Annotated[
        str, Meta(title="Form of exchange orders", description="Custom form id; empty for the account's usual form.")
    ] = ""
    order_type_field: Annotated[
        str, Meta(title="Field for the order type", description="A custbody_ field; empty writes it into the memo.")
    ] = ""
    order_types: Annotated[
        dict[str, str],
        Meta(title="Order types", description="Order type code to list value id. Empty sends the code as text."),
    ] = {}
    exchange_rma_field: Annotated[
        str, Meta(title="Field for the return", description="A custbody_ field of exchange orders that names the RMA.")
    ] = ""
    exchange_origin_field: Annotated[
        str,
        Meta(title="Field for the original order", description="A custbody_ field of exchange orders that names it."),
    ] = ""
    exchange_copies: Annotated[
        tuple[str, ...],
        Meta(
            title="Fields copied to exchange orders",
            description="Body fields of the original sales order. Add custbody_ fields; leave out what must not follow.",
        ),
    ] = (
        *("entity", "subsidiary", "currency", "location", "department", "class", "salesRep", "shipMethod", "email"),
        *("shipAddressList", "billAddressList", "shippingAddress", "billingAddress", "isTaxable", "taxItem", "terms"),
    )
    exchange_credit_item: Annotated[
        str,
        Meta(
            title="Item for the returned value",
            description="Item id of a line that takes the returned value off an exchange order; empty leaves the "
            "order at its full price, to be settled with the credit of the return.",
        ),
    ] = ""

    refund_account: Annotated[
        str, Meta(title="Refund account", description="Bank or clearing account id that refunds are booked to.")
    ] = ""
    refund_accounts: Annotated[
        dict[str, str], Meta(title="Refund account by tender", description="Tender to account id, where they differ.")
    ] = {}
    payment_option: Annotated[
        str, Meta(title="Payment option", description="Id of a payment option that never triggers a payment.")
    ] = ""
    payment_options: Annotated[
        dict[str, str], Meta(title="Payment option by tender", description="Tender to option id, where they differ.")
    ] = {}

    def serving(self, company: str | None) -> NetSuiteConfig:
        """This configuration with the locations of one subsidiary."""
        own = self.subsidiary_locations.get(company or "")
        if not own:
            return self
        write_off = own.get("write_off", self.write_off_location)
        return msgspec.structs.replace(self, locations={**self.locations, **own}, write_off_location=write_off)

    @property
    def host(self) -> str:
        """The account as it appears in host names (NetSuite sheet §1)."""
        return self.account.lower().replace("_", "-")

    @property
    def api_url(self) -> str:
        """Where traffic goes, without a trailing slash."""
        return self.base_url.rstrip("/") or f"https://{self.host}.suitetalk.api.netsuite.com"

    @property
    def token_audience(self) -> str:
        """The `aud` of the signed token request: the real token address unless told otherwise (sheet §2.1)."""
        return self.audience or f"https://{self.host}.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"

    def link(self, record_id: str) -> str:
        """The address of a transaction in NetSuite's own pages (inferred: it redirects to the right form)."""
        app = self.app_url.rstrip("/") or f"https://{self.host}.app.netsuite.com"
        return f"{app}/app/accounting/transactions/transaction.nl?id={record_id}"
