"""The words on screen: a plain sentence for every fact, request, state and rule. People never see class names.

"Return" and "exception" are the screen's words for what the code calls a case and a problem (style guide §4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from counterfoil.catalog import VENDORS

PROGRESS = {"open": "in progress", "waiting": "waiting", "finished": "finished", "cancelled": "cancelled"}

STAGE = {
    "requested": "requested",
    "authorised": "authorised",
    "processed": "processed",
    "cancelled": "cancelled",
    "expired": "expired",
}

RECEPTION = {"expected": "expected", "in_transit": "on its way", "received": "received", "lost": "lost"}

ACCEPTANCE = {"undecided": "not decided", "accepted": "accepted", "rejected": "refused", "review": "a person must look"}

DISPOSITION = {
    "sellable": "sellable",
    "quarantine": "quarantine",
    "refurbish": "to refurbish",
    "damaged": "damaged",
    "dispose": "to dispose of",
    "donate": "to donate",
    "return_to_vendor": "back to the supplier",
    "missing": "missing",
    "return_to_customer": "back to the customer",
}

OWNER = {"ops": "Operations", "finance": "Finance", "cx": "Customer experience", "integration": "Integration"}

SEVERITY = {"blocks": "stops the return", "watch": "to watch"}

PROBLEM_STATE = {"open": "open", "resolved": "closed by a person", "ended": "ended by itself"}

PROBLEM_TOLD = {
    "opened": "Opened",
    "changed": "Now says",
    "assigned": "Given",
    "commented": "Commented",
    "snoozed": "Put to rest",
    "woke": "Back in the inbox",
    "closed": "Closed by a person",
    "ended": "Ended by itself",
    "reopened": "Opened again",
}
"""What happened to an exception."""

FAMILY = {"portal": "portal", "erp": "ERP", "gateway": "shop or payments", "warehouse": "warehouse"}

DELIVERY = {"new": "to be read", "read": "read", "ignored": "nothing for us", "quarantined": "set aside"}
"""What became of a delivery."""

REFUND_STATE = {
    "confirmed": "confirmed",
    "provisional": "provisional",
    "pending": "pending",
    "failed": "failed",
    "reversed": "reversed",
}

CHARGE = {
    "shipping": "Shipping refunded",
    "return_fee": "Return fee withheld",
    "rounding": "Rounding difference",
    "goodwill": "Goodwill",
}

DOCUMENT = {
    "rma": "Return authorisation",
    "receipt": "Receipt",
    "credit_draft": "Draft credit note",
    "credit_note": "Credit note",
    "refund_record": "Refund record",
    "exchange_order": "Exchange order",
}

COMMAND: Mapping[str, tuple[str, str]] = {
    "FetchOrder": ("Read the order from the shop", "The order was read from the shop"),
    "FindSalesOrder": ("Find the sales order in the ERP", "The sales order was found in the ERP"),
    "OpenReturnAuthorisation": ("Open the return authorisation", "The return authorisation is open"),
    "StoreTracking": ("Note the tracking number on the authorisation", "The tracking number is on the authorisation"),
    "CancelReturnAuthorisation": ("Withdraw the return authorisation", "The return authorisation was withdrawn"),
    "ReceiveStock": ("Book the goods into stock", "The goods are booked into stock"),
    "ReverseReceipt": ("Undo the stock booking", "The stock booking was undone"),
    "DraftCreditNote": ("Prepare the credit note", "The credit note is prepared, not yet posted"),
    "PostCreditNote": ("Post the credit note", "The credit note is posted"),
    "RecordRefund": ("Record the refund in the ERP", "The refund is recorded in the ERP"),
    "CheckStock": ("Ask the ERP for stock of the new goods", "The ERP told its stock of the new goods"),
    "CreateExchangeOrder": ("Make the exchange order in the ERP", "The exchange order is made"),
    "ReleaseExchangeOrder": ("Let the exchange order ship", "The exchange order may ship"),
    "CancelExchangeOrder": ("Withdraw the exchange order", "The exchange order was withdrawn"),
    "ReleaseRefund": ("Release the refund at the portal", "The refund was released at the portal"),
    "ReadReturn": ("Read the return from the portal again", "The return was read from the portal again"),
    "SendNote": ("Write a note on the return at the portal", "The note is on the return at the portal"),
    "FlagReturn": ("Ask the portal to hold the return for review", "The portal holds the return for review"),
    "CancelReturn": ("Cancel the return at the portal", "The return was cancelled at the portal"),
    "CloseReturn": ("Close the return at the portal", "The return was closed at the portal"),
    "ReportInspection": ("Tell the portal what the inspection found", "The portal knows what the inspection found"),
}
"""What we ask of other systems: as a request, and once it is done."""

FACT: Mapping[str, str] = {
    "ReturnRequested": "The customer asked for a return",
    "ReturnAuthorised": "The portal authorised the return",
    "ReturnProcessed": "The portal processed the return",
    "ReturnCancelled": "The portal cancelled the return",
    "ReturnExpired": "The label expired unused",
    "ProcessingFailed": "The portal could not process the return",
    "LabelMoved": "The carrier reported on the parcel",
    "RestockSignalled": "The portal asked for a restock",
    "RefundReported": "The portal reported a refund",
    "StoreCreditIssued": "Store credit was issued",
    "PortalInspected": "The portal noted an inspection",
    "OrderSeen": "The original order was read",
    "RefundMoved": "Money moved back to the customer",
    "WarehouseReported": "The warehouse reported",
    "StepRequested": "Something was asked of another system",
    "StepDone": "Another system confirmed",
    "StepRefused": "Another system refused",
    "UnitsClaimed": "Units of the order were set aside for this return",
    "RetryAsked": "A person asked to try again",
    "StepSettled": "A person did it by hand",
    "DifferenceAccepted": "A person accepted a difference",
    "RefundAdopted": "A person assigned a refund to this return",
    "RiskSeen": "The customer's history was looked up",
    "ApprovalGiven": "A person agreed to the refund",
    "ApprovalRefused": "A person refused the refund",
    "ChargebackMoved": "The customer's bank spoke about the payment",
    "FactRefused": "A system stated what another one owns; it was refused",
    "ProblemResolved": "A person closed an exception",
    "ProofDecided": "A person decided about open records",
    "ProofDecisionMoved": "A decision about open records moved on",
    "ProofCommented": "A person commented on an open record",
    "ConnectionPaused": "A connection was paused",
    "ConnectionResumed": "A connection was resumed",
    "DeliveryRequeued": "A set-aside delivery was sent round again",
    "DeliverySeen": "A person looked at a delivery",
    "ProblemAssigned": "An exception was given to somebody",
    "ProblemCommented": "A person commented on an exception",
    "ProblemSnoozed": "An exception was put to rest",
    "ProblemWoken": "A resting exception was taken up",
    "ProblemReopened": "A person opened an exception again",
    "CauseReplayed": "Returns of one cause were tried again",
    "MappingChanged": "A word of the mapping was changed",
    "MappingProposed": "A word of the mapping was proposed",
    "MappingConfirmed": "A proposed word was confirmed",
    "MappingRefused": "A proposed word was refused",
}
"""Facts, in the past tense."""

WAREHOUSE = {
    "return.received": "The warehouse counted the parcel",
    "return.inspected": "The warehouse inspected the goods",
    "return.receipt_reversed": "The warehouse took a count back",
    "return.closed": "The warehouse closed the return",
}

LABEL = {
    "pending": "The label is made, the parcel not yet handed over",
    "in_transit": "The parcel is on its way",
    "delivered": "The parcel was delivered to the warehouse",
    "expired": "The label expired",
    "error": "The carrier reported a fault with the label",
}

_CODE = re.compile(r"\s*\((?:R|D|ATTR-)\d+[^)]*\)")


def spoken(text: str) -> str:
    """A sentence without the requirement numbers it cites: they are for us, "(R45)" tells a clerk nothing."""
    return _CODE.sub("", text)


def plain(word: str) -> str:
    """A stored word as people would write it."""
    return word.replace("_", " ")


def base_name(name: str) -> str:
    """A stored fact's or command's name without its version: "StepDone.v1" is "StepDone"."""
    return name.split(".", 1)[0]


def fact(name: str) -> str:
    """A fact's sentence; an unknown one is spelt out from its name."""
    base = base_name(name)
    return FACT.get(base) or spelt_out(base)


def asked(command: str) -> str:
    """A request's sentence."""
    base = base_name(command)
    return COMMAND[base][0] if base in COMMAND else spelt_out(base)


def done(command: str) -> str:
    """The sentence for a request once it is done."""
    base = base_name(command)
    return COMMAND[base][1] if base in COMMAND else f"{spelt_out(base)}: done"


def spelt_out(name: str) -> str:
    """A name in words: "PeriodWasClosed" as "Period was closed"."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return plain(spaced)[:1].upper() + plain(spaced)[1:]


def problem_told(what: str) -> str:
    """A line of an exception's history."""
    return PROBLEM_TOLD.get(what, spelt_out(what))


def rests_for(condition: str) -> str:
    """What an exception rests for, after “or”."""
    if condition.startswith("connection:"):
        return f"when {condition.removeprefix('connection:')} works again"
    return {"goods": "when goods come", "news": "when there is news"}.get(condition, plain(condition))


def vendor(name: str) -> str:
    """A vendor's name as it writes itself."""
    return VENDORS[name].title if name in VENDORS else name.capitalize()


def actor(name: str) -> str:
    """Who did it: ourselves, a system, or a person by user name."""
    if name in ("", "system", "counterfoil", "worker"):
        return "Counterfoil"
    return name.removeprefix("user:").removeprefix("person:")
