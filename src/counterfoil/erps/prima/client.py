"""Carries commands to Prima, whatever the transport: one attempt each, and a look-up by our reference.

Every document carries a reference made from its return and step (refs), so that an attempt whose answer was lost is
found again, and one that is repeated does nothing twice (Prima sheet §5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.commands import (
    AnyCommand,
    CancelExchangeOrder,
    CancelReturnAuthorisation,
    CheckStock,
    Command,
    CreateExchangeOrder,
    DraftCreditNote,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReceiveStock,
    ReleaseExchangeOrder,
    ReverseReceipt,
    StoreTracking,
)
from counterfoil.core.problems import Owner
from counterfoil.erps.prima.compare import line_numbers
from counterfoil.erps.prima.config import PrimaConfig, capabilities, contradictions, document_url
from counterfoil.erps.prima.exchanges import exchange_order
from counterfoil.erps.prima.held import (
    cancelled,
    contradiction,
    draft_gone,
    erp_document,
    reads_as,
    released,
    several,
    shown,
    status_of,
    total_of,
    unreadable,
    vanished,
)
from counterfoil.erps.prima.orders import erp_order
from counterfoil.erps.prima.raised import raised_credit
from counterfoil.erps.prima.records import (
    CannotSay,
    Document,
    Record,
    sales_credit_note,
    sales_return,
    stock_receipt,
)
from counterfoil.erps.prima.refs import external_ref
from counterfoil.erps.prima.transports import Exists, Failure, ReadFailedError, Stored, Transport
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.outcomes import (
    AlreadyDone,
    Busy,
    Done,
    LockedOut,
    NotYet,
    Outcome,
    Refused,
    Unknown,
    Unsupported,
)
from counterfoil.ports.vendors import ErpDocument, Probe

_FAILURES = (NotYet, Busy, Unknown, Refused, LockedOut, Unsupported)
_Making = OpenReturnAuthorisation | ReceiveStock | DraftCreditNote | CreateExchangeOrder

# What each command needs the account to be able to do.
_NEEDS: Mapping[type[Command], Cap] = {
    FindSalesOrder: Cap.READ_ORDER,
    OpenReturnAuthorisation: Cap.CREATE_RETURN,
    StoreTracking: Cap.STORE_TRACKING,
    CancelReturnAuthorisation: Cap.CANCEL_RETURN,
    ReceiveStock: Cap.RECEIVE,
    ReverseReceipt: Cap.REVERSE_RECEIPT,
    DraftCreditNote: Cap.DRAFT_CREDIT,
    PostCreditNote: Cap.POST_CREDIT,
    CheckStock: Cap.CHECK_STOCK,
    CreateExchangeOrder: Cap.CREATE_EXCHANGE,
    ReleaseExchangeOrder: Cap.RELEASE_EXCHANGE,
    CancelExchangeOrder: Cap.CANCEL_EXCHANGE,
}

_MEANS = {
    "rest": "its gateway is not known to offer it",
    "soap": "the order manager has no confirmed RequestType for it",
    "file_drop": "there is no file for it, or no read channel",
}
_KINDS = {"rma": Document.RETURN, "receipt": Document.RECEIPT, "credit_note": Document.CREDIT}


class PrimaClient:
    """One Prima account. Calls block; one client serves several threads."""

    def __init__(self, config: PrimaConfig, transport: Transport) -> None:
        self._config = config
        self._transport = transport
        self._caps = capabilities(config)

    def perform(self, command: AnyCommand) -> Outcome:
        """Try once. Commands this account has no endpoint for are declined with a sentence."""
        declined = self._declined(command)
        if declined is not None:
            return declined
        try:
            return self._perform(command)
        except CannotSay as parked:
            return parked.refused

    def _perform(self, command: AnyCommand) -> Outcome:
        match command:
            case FindSalesOrder():
                return self._order(command)
            case CheckStock():
                return self._stock(command)
            case OpenReturnAuthorisation() | ReceiveStock() | DraftCreditNote() | CreateExchangeOrder():
                made = self._document_of(command)
                return self._create(*made) if isinstance(made, tuple) else made
            case PostCreditNote():
                return self._post(command)
            case ReleaseExchangeOrder():
                return self._act(command, Document.ORDER, command.exchange.number, "release", {})
            case CancelExchangeOrder():
                return self._act(command, Document.ORDER, command.exchange.number, "cancel", {"reason": command.reason})
            case CancelReturnAuthorisation():
                return self._act(command, Document.RETURN, command.rma.number, "cancel", {"reason": command.reason})
            case StoreTracking():
                tracking = {"tracking_number": command.tracking, "carrier": command.carrier}
                return self._act(command, Document.RETURN, command.rma.number, "tracking", tracking)
            case ReverseReceipt():
                return self._act(
                    command, Document.RECEIPT, command.receipt.number, "reverse", {"reason": command.reason}
                )
        raise AssertionError(f"{type(command).__name__} was neither declined nor carried out")

    def find(self, command: AnyCommand) -> Outcome | None:
        """Look for the effect of an earlier attempt; None when it is surely absent. Writes nothing."""
        declined = self._declined(command)
        if declined is not None:
            return declined
        try:
            return self._find(command)
        except CannotSay as parked:
            return parked.refused

    def _find(self, command: AnyCommand) -> Outcome | None:
        match command:
            case FindSalesOrder():
                return self._order(command)
            case CheckStock():
                return self._stock(command)
            case OpenReturnAuthorisation() | ReceiveStock() | DraftCreditNote() | CreateExchangeOrder():
                made = self._document_of(command)
                return self._found(*made) if isinstance(made, tuple) else made
            case PostCreditNote():
                return self._found_posted(command)
            case ReleaseExchangeOrder():
                return self._found_state(Document.ORDER, command.exchange.number, released)
            case CancelExchangeOrder():
                return self._found_state(Document.ORDER, command.exchange.number, reads_as("status", "cancelled"))
            case CancelReturnAuthorisation():
                return self._found_state(Document.RETURN, command.rma.number, reads_as("status", "cancelled"))
            case StoreTracking():
                return self._found_state(
                    Document.RETURN, command.rma.number, reads_as("tracking_number", command.tracking.lower())
                )
            case ReverseReceipt():
                return self._found_state(Document.RECEIPT, command.receipt.number, reads_as("status", "reversed"))
        raise AssertionError(f"{type(command).__name__} was neither declined nor looked up")

    def _declined(self, command: AnyCommand) -> Unsupported | None:
        need = _NEEDS.get(type(command))
        if need is None:
            name = type(command).__name__
            return Unsupported(message=f"Prima has no way to carry out {name}; it is left to a person.", code=name)
        if need not in self._caps:
            means = _MEANS[self._config.transport]
            what = need.value.replace("_", " ")
            message = f"This Prima connection is not set up for {what}: {means}; a person does it in Prima."
            return Unsupported(message=message)
        if isinstance(command, CreateExchangeOrder) and command.held and Cap.RELEASE_EXCHANGE not in self._caps:
            message = "This Prima connection cannot release a held order, so no exchange order is made on hold."
            return Unsupported(message=message)
        return None

    # --- orders -----------------------------------------------------------------------------------------------------

    def _order(self, command: FindSalesOrder) -> Outcome:
        """By the shop's order id, then by the name printed for the customer, with and without its `#`."""
        case = command.case
        name = case.order_name or ""
        for asked in dict.fromkeys(ref for ref in (case.order_ref, name, name.removeprefix("#")) if ref):
            rows = self._transport.orders(asked)
            if not isinstance(rows, list):
                return rows
            rows = [row for row in rows if str(row.data.get("external_order_ref", asked)) == asked]
            if len(rows) > 1:
                return Refused(kind="several_orders_found", owner=Owner.OPS, message=several(asked, rows))
            if rows:
                return self._order_outcome(rows[0])
        message = f"Prima holds no sales order for {case.order_name or case.order_ref or 'a return without an order'}."
        return Refused(kind="order_not_found", owner=Owner.OPS, message=message)

    def _order_outcome(self, row: Fields) -> Outcome:
        try:
            order = erp_order(row, self._config)
        except UnreadableError as trouble:
            return unreadable(trouble, shown(row, "order_number"))
        return Done(ref=order.ref, number=order.number, order=order, message=f"Sales order {order.number} found.")

    # --- documents --------------------------------------------------------------------------------------------------

    def _document_of(self, command: _Making) -> tuple[Document, Record] | Outcome:
        match command:
            case OpenReturnAuthorisation():
                return Document.RETURN, sales_return(command, self._config)
            case ReceiveStock():
                return Document.RECEIPT, stock_receipt(command, self._config)
            case CreateExchangeOrder():
                return self._exchange_order(command)
        return Document.CREDIT, sales_credit_note(command, self._config)

    def _exchange_order(self, command: CreateExchangeOrder) -> tuple[Document, Record] | Outcome:
        """Customer and delivery are read from the original order and its customer at the moment of writing (R103)."""
        original = self._transport.by_number(Document.ORDER, command.order.number)
        if isinstance(original, _FAILURES):
            return original
        code = shown(original, "customer_code") if original is not None else command.order.customer or ""
        customer = self._transport.customer(code) if code else None
        if isinstance(customer, _FAILURES):
            return customer
        return Document.ORDER, exchange_order(command, self._config, original, customer)

    def _stock(self, command: CheckStock) -> Outcome:
        """What Prima can promise of each SKU, per depot where the transport knows depots (R109, R114)."""
        levels = self._transport.stock(command.skus)
        if isinstance(levels, _FAILURES):
            return levels
        return Done(stock=levels, message=f"Prima answered for {len(command.skus)} items.")

    def _create(self, document: Document, record: Record) -> Outcome:
        sent = self._transport.create(document, record)
        match sent:
            case Stored():
                return self._accepted(document, record, sent)
            case Exists():
                found = self._found(document, record)
                return found if found is not None else vanished(sent, str(record["external_ref"]))
        return sent

    def _found(self, document: Document, record: Record) -> Outcome | None:
        held = self._transport.made(document, record)
        if isinstance(held, Stored):
            return self._accepted(document, record, msgspec.structs.replace(held, replayed=True))
        return self._agreed(document, record, held, already=True) if isinstance(held, Fields) else held

    def _accepted(self, document: Document, record: Record, stored: Stored) -> Outcome:
        outcome = self._agreed(document, record, stored.record, already=stored.replayed)
        if stored.findings and isinstance(outcome, Done):
            return msgspec.structs.replace(outcome, findings=stored.findings)
        return outcome

    def _agreed(self, document: Document, sent: Record, stored: Fields, *, already: bool) -> Outcome:
        """Done when Prima holds what we asked for; a different total is finance's, any other difference is parked."""
        try:
            number = stored.need(document.number_field)
            total = total_of(sent, stored) if document is Document.CREDIT else None
        except UnreadableError as trouble:
            return unreadable(trouble, shown(stored, document.number_field))
        withdrawn = already and status_of(stored) == "cancelled"
        refused = cancelled(document, number) if withdrawn else contradiction(number, sent, stored)
        if refused is not None:
            return refused
        kind = AlreadyDone if already else Done
        return kind(
            ref=number,
            number=number,
            total=total,
            lines=line_numbers(sent, stored.data),
            url=document_url(self._config, document.value, number),
            message=f"Prima holds {number}.",
        )

    # --- the credit note --------------------------------------------------------------------------------------------

    def _credit_held(self, command: PostCreditNote, record: Record) -> Fields | Failure | None:
        if command.draft is not None:
            return self._transport.by_number(Document.CREDIT, command.draft.number)
        return self._transport.by_ref(Document.CREDIT, str(record["external_ref"]))

    def _post(self, command: PostCreditNote) -> Outcome:
        """Make the note if it is not there, then post it; wherever an earlier attempt stopped, this goes on."""
        if self._config.credit_raised_by_prima:
            return raised_credit(command, self._transport.credits_of(command.rma.number), self._config)
        record = sales_credit_note(command, self._config)
        if not self._transport.drafts:
            return self._create(Document.CREDIT, record)
        held = self._credit_held(command, record)
        if isinstance(held, _FAILURES):
            return held
        if held is None:
            if command.draft is not None:
                return draft_gone(command.draft.number)
            made = self._create(Document.CREDIT, record)
            return self._post_draft(record, made.number, command) if isinstance(made, Done) and made.number else made
        ended = self._ended(record, held)
        return ended if ended is not None else self._post_draft(record, held.need("credit_number"), command)

    def _ended(self, record: Record, held: Fields) -> Outcome | None:
        """The outcome when the held note cannot or need not be posted; None when it is a draft that agrees."""
        agreed = self._agreed(Document.CREDIT, record, held, already=True)
        return None if isinstance(agreed, Done) and status_of(held) != "posted" else agreed

    def _post_draft(self, record: Record, number: str, command: PostCreditNote) -> Outcome:
        body = {"refund_refs": list(command.credit.refund_refs)} if command.credit.refund_refs else {}
        posted = self._transport.act(Document.CREDIT, number, "post", body, f"{record['external_ref']}-POST")
        if posted is None:
            return draft_gone(number)
        if isinstance(posted, Refused):  # refused perhaps because it was posted before
            found = self._found_posted(command)
            return found if isinstance(found, Done) else posted
        if not isinstance(posted, Stored):
            return posted
        if status_of(posted.record) != "posted":
            return Unknown(message=f"Prima took the posting of {number} but does not show it as posted.")
        return self._agreed(Document.CREDIT, record, posted.record, already=False)

    def _found_posted(self, command: PostCreditNote) -> Outcome | None:
        """The posted note; None when there is only a draft or nothing, because then the posting is still to do."""
        if self._config.credit_raised_by_prima:
            return raised_credit(command, self._transport.credits_of(command.rma.number), self._config)
        record = sales_credit_note(command, self._config)
        if not self._transport.drafts:
            return self._found(Document.CREDIT, record)
        held = self._credit_held(command, record)
        return self._ended(record, held) if isinstance(held, Fields) else held

    # --- doing something to a document ------------------------------------------------------------------------------

    def _act(
        self, command: AnyCommand, document: Document, number: str, action: str, body: Mapping[str, Any]
    ) -> Outcome:
        key = external_ref(action.upper(), command.case, command.step, with_brand=self._config.brand_in_reference)
        done = self._transport.act(document, number, action, {k: v for k, v in body.items() if v is not None}, key)
        if done is None:
            message = f"Prima does not know {number}."
            return Refused(kind="return_not_found_in_erp", owner=Owner.OPS, message=message)
        if isinstance(done, Stored):
            return Done(ref=number, number=number, message=f"{number}: {action} done.")
        if isinstance(done, Refused):  # refused perhaps because it was done before
            found = self.find(command)
            return found if isinstance(found, Done) else done
        return done

    def _found_state(self, document: Document, number: str, reached: Callable[[Fields], bool]) -> Outcome | None:
        held = self._transport.by_number(document, number)
        if not isinstance(held, Fields):
            return held
        return AlreadyDone(ref=number, number=number, message=f"{number} shows it.") if reached(held) else None

    # --- reading back and checking ----------------------------------------------------------------------------------

    def documents(self, kind: str, since: str, until: str) -> Iterator[ErpDocument]:
        """Documents of one kind dated in [since, until]. Raises ReadFailedError for a list that breaks off."""
        document = _KINDS.get(kind)
        if document is None or Cap.READ_BACK not in self._caps:
            return
        for row in self._transport.listed(document, since, until):
            try:
                yield erp_document(kind, document, row)
            except UnreadableError as trouble:
                raise ReadFailedError(unreadable(trouble, shown(row, document.number_field))) from trouble

    def find_by_ref(self, kind: str, external_ref: str) -> Done | None:
        """One document by our reference. Raises ReadFailedError when Prima cannot be asked."""
        document = _KINDS.get(kind)
        if document is None:
            return None
        held = self._transport.by_ref(document, external_ref)
        if held is None:
            return None
        if not isinstance(held, Fields):
            raise ReadFailedError(held)
        try:
            told = erp_document(kind, document, held)
        except UnreadableError as trouble:
            raise ReadFailedError(unreadable(trouble, shown(held, document.number_field))) from trouble
        return Done(ref=told.ref, number=told.number, total=told.amount, message=f"Prima holds {told.number}.")

    def probe(self) -> Probe:
        """Whether the code tables can be read, and whether the configuration fits them. Writes nothing."""
        checks = [(False, sentence) for sentence in contradictions(self._config)]
        for table, title in (("depots", "depots"), ("reason-codes", "reason codes"), ("tax-codes", "tax codes")):
            codes = self._transport.codes(table)
            if isinstance(codes, Unsupported):
                checks.append((True, f"The {title} are not checked: {codes.message}"))
                continue
            if not isinstance(codes, list):
                checks.append((False, f"The {title} cannot be read: {codes.message}"))
                continue
            checks.append((bool(codes), f"Prima lists {len(codes)} {title}."))
            if table == "depots" and self._config.write_off_depot:
                known = self._config.write_off_depot in codes
                checks.append((known, f"The write-off depot is {'' if known else 'not '}among the depots."))
        return Probe(ok=all(good for good, _ in checks), checks=tuple(checks))

    def close(self) -> None:
        """Release the connections."""
        self._transport.close()
