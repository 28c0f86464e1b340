"""The outside world in memory: a portal, a shop, an ERP and a warehouse that remember everything they were asked.

They are naive on purpose: asked twice, they make two documents, so a test sees every call that should not have
happened. Documents are named after the command's key, so two runs can be compared. Webhooks wait in `waiting` until
the road fetches them, and stay there until they are acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec

from counterfoil.adapterkit.signing import digest, hmac_base64, signed_with_any
from counterfoil.core.commands import (
    AnyCommand,
    DraftCreditNote,
    FetchOrder,
    FindSalesOrder,
    OpenReturnAuthorisation,
    PostCreditNote,
    ReadReturn,
    ReceiveStock,
    RecordRefund,
    ReleaseRefund,
)
from counterfoil.core.documents import DocumentLine
from counterfoil.core.events import OutsideFact
from counterfoil.core.orders import SoldOrder
from counterfoil.core.problems import Owner
from counterfoil.core.returns import PortalReturn, Stage
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.outcomes import AlreadyDone, Done, Outcome, Refused, Unknown
from counterfoil.ports.translation import Finding, Kind, Signature, Translation
from counterfoil.ports.vendors import (
    Client,
    Delivery,
    ErpDocument,
    ErpDocumentLine,
    Family,
    Hook,
    Probe,
    Reply,
    VendorSpec,
)
from counterfoil.testing.builders import erp_order, order_seen, refund_moved, refund_reported, shown

SIGNATURE_HEADER = "x-acme-signature"
SECRET = "an invented secret"  # noqa: S105 - signs nothing but tests


class AnswerLostError(RuntimeError):
    """Planned: the system does what it is asked, and the answer never arrives."""


Planned = Outcome | Exception
"""An outcome given instead of doing anything; an exception raised; `AnswerLostError` is raised after doing it."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A document or effect in an outside system."""

    connection: str
    kind: str  # the command's type
    key: str  # the reference it was made under
    command: AnyCommand


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call one of the systems got."""

    connection: str
    verb: str  # "perform" or "find"
    kind: str
    key: str


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery a sender repeats until it is acknowledged."""

    connection: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Outside:
    """All systems together. `plan["PostCreditNote"]` is what happens to the next calls of that type, in order."""

    made: list[Made] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    waiting: list[Webhook] = field(default_factory=list)
    orders: dict[str, SoldOrder] = field(default_factory=dict)
    returns: dict[str, PortalReturn] = field(default_factory=dict)
    plan: dict[str, list[Planned]] = field(default_factory=dict)
    looks: list[Outcome] = field(default_factory=list)  # what the next look-ups say instead of looking

    def sell(self, order: SoldOrder) -> SoldOrder:
        """The shop sells an order; the ERP gets it too."""
        self.orders[order.order_ref] = order
        return order

    def show(self, seen: PortalReturn, stage: Stage | None = None) -> None:
        """The portal shows a return, and announces it."""
        self.returns[seen.return_id] = seen
        self.announce("portal", shown(seen, stage))

    def announce(self, connection: str, *facts: OutsideFact) -> None:
        """Send a signed webhook with these facts."""
        self.waiting.append(webhook(connection, facts))

    def documents(self, *kinds: str) -> list[Made]:
        """What was made, of these command types, or everything."""
        return [made for made in self.made if not kinds or made.kind in kinds]

    def keys(self, *kinds: str) -> list[str]:
        """References of what was made, in order; one that appears twice is a document made twice."""
        return [made.key for made in self.documents(*kinds)]

    def client(self, connection: str) -> Client:
        """A client of one of the systems."""
        return cast("Client", FakeClient(self, connection))


def webhook(connection: str, facts: Sequence[OutsideFact], secret: str = SECRET) -> Webhook:
    """A signed delivery of facts."""
    body = msgspec.json.encode(list(facts))
    signature = hmac_base64(secret.encode(), body).decode()
    return Webhook(connection=connection, body=body, headers={SIGNATURE_HEADER: signature})


class FakeClient:
    """One system's client. It never fails by itself; what goes wrong is planned."""

    def __init__(self, outside: Outside, connection: str) -> None:
        self._outside = outside
        self._connection = connection

    def perform(self, command: AnyCommand) -> Outcome:
        """Do as asked, unless something else is planned."""
        self._note("perform", command)
        planned = self._outside.plan.get(type(command).__name__)
        happens = planned.pop(0) if planned else None
        if isinstance(happens, AnswerLostError):
            self._do(command)
            return Unknown(message="The connection broke before the answer came.")
        if isinstance(happens, Exception):
            raise happens
        return self._do(command) if happens is None else happens

    def find(self, command: AnyCommand) -> Outcome | None:
        """Look the effect up by its reference."""
        self._note("find", command)
        if self._outside.looks:
            return self._outside.looks.pop(0)
        if any(made.key == command.key for made in self._outside.made):
            return _answer(command, AlreadyDone)
        return None

    def documents(self, kind: str, since: str, until: str) -> Iterator[ErpDocument]:
        """What the ERP holds of a kind: the newest of each key, as it was asked for."""
        for made in self._outside.made:
            if made.connection == self._connection and _READ_BACK.get(made.kind) == kind:
                yield _held(kind, made)

    def probe(self) -> Probe:
        """All is well."""
        return Probe(ok=True, checks=((True, "a system in memory"),))

    def close(self) -> None:
        """Nothing to release."""

    def _note(self, verb: str, command: AnyCommand) -> None:
        call = Call(connection=self._connection, verb=verb, kind=type(command).__name__, key=command.key)
        self._outside.calls.append(call)

    def _do(self, command: AnyCommand) -> Outcome:
        match command:
            case FetchOrder():
                order = self._outside.orders.get(command.case.order_ref or "")
                missing = Refused(kind="order_not_found", message="The shop knows no such order.")
                return missing if order is None else Done(facts=(order_seen(order),))
            case FindSalesOrder():
                order = self._outside.orders.get(command.case.order_ref or "")
                if order is None:
                    return Refused(kind="order_not_found", message="The ERP knows no such order.")
                held = erp_order(order)
                return Done(ref=held.ref, number=held.number, order=held)
            case ReadReturn():
                return Done(facts=(shown(self._outside.returns[command.case.return_id]),))
        made = Made(connection=self._connection, kind=type(command).__name__, key=command.key, command=command)
        self._outside.made.append(made)
        if isinstance(command, ReleaseRefund):
            self._pay(command)
        return _answer(command, Done)

    def _pay(self, command: ReleaseRefund) -> None:
        """The portal pays: the shop tells of the money, the portal names it and shows the return as processed."""
        seen = self._outside.returns[command.case.return_id]
        amount = seen.tenders.refund or 0
        number = sum(made.kind == "ReleaseRefund" and made.key == command.key for made in self._outside.made)
        ref = f"{seen.return_id}-pay{number}"
        self._outside.announce("shop", refund_moved(ref, amount, seen.order_ref or ""))
        self._outside.announce("portal", refund_reported(seen.return_id, ref, amount))
        self._outside.announce("portal", shown(seen, Stage.PROCESSED))


def _answer(command: AnyCommand, kind: type[Done]) -> Done:
    """References made from the key, lines numbered as ours, totals as asked."""
    lines: tuple[DocumentLine, ...] = ()
    total: int | None = None
    match command:
        case OpenReturnAuthorisation():
            lines = tuple(DocumentLine(line_no=line.line_no, erp_line=f"e{line.line_no}") for line in command.lines)
        case DraftCreditNote() | PostCreditNote():
            total = command.credit.total_gross
        case RecordRefund():
            total = command.amount
    return kind(ref=f"id:{command.key}", number=f"no:{command.key}", total=total, lines=lines)


_READ_BACK = {"PostCreditNote": "credit_note", "ReceiveStock": "receipt"}


def _held(kind: str, made: Made) -> ErpDocument:
    """A document as it is read back."""
    found = ErpDocument(
        kind=kind, ref=f"id:{made.key}", number=f"no:{made.key}", external_ref=made.key, dated="2026-11-02"
    )
    match made.command:
        case PostCreditNote(credit=credit):
            return msgspec.structs.replace(found, currency=credit.currency, amount=credit.total_gross)
        case ReceiveStock(lines=lines):
            rows = tuple(ErpDocumentLine(sku=line.sku, quantity=line.quantity) for line in lines)
            return msgspec.structs.replace(found, units=sum(line.quantity for line in lines), lines=rows)
    return found


# --- specs ----------------------------------------------------------------------------------------------------------


class FakeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a fake system can do, and the world it lives in."""

    can: frozenset[Cap] = frozenset()
    outside: Outside | None = None
    connection: str = ""


def verify(delivery: Delivery, secrets: Sequence[str]) -> Signature:
    """HMAC-SHA256 over the raw bytes."""
    given = delivery.headers.get(SIGNATURE_HEADER, "")
    if not given:
        return Signature.ABSENT
    return Signature.VALID if signed_with_any(given, secrets, delivery.body) else Signature.INVALID


def translate(delivery: Delivery) -> Translation:
    """A JSON list of facts; anything else is unreadable."""
    try:
        facts = msgspec.json.decode(delivery.body, type=list[OutsideFact])
    except msgspec.DecodeError as error:
        finding = Finding(kind="unreadable_delivery", owner=Owner.INTEGRATION, message=f"not a list of facts: {error}")
        return Translation(vendor="acme", kind=Kind.UNREADABLE, problems=(finding,))
    return Translation(vendor="acme", kind=Kind.OTHER, events=tuple(facts))


def _keep(delivery: Delivery, signature: Signature) -> Reply | None:
    return None


def refuse_forged(delivery: Delivery, signature: Signature) -> Reply | None:
    """401 unless the signature fits: for senders that come again after a refusal."""
    return None if signature is Signature.VALID else Reply(status=401, body=b"{}")


KEEPS = Hook(
    verify=verify,
    delivery_key=lambda delivery: digest(delivery.body),
    refuse=_keep,
    accepted=lambda delivery: Reply(status=200, body=b'{"kept":"new"}'),
    duplicate=lambda delivery: Reply(status=200, body=b'{"kept":"known"}'),
    limit_bytes=256 * 1024,
)
"""A hook that keeps everything, as Loop's does (Loop sheet §1.2)."""


def _build(config: FakeConfig) -> Client:
    assert config.outside is not None, "a fake system lives in an Outside"
    return config.outside.client(config.connection)


def spec(name: str, family: Family, hook: Hook | None = KEEPS) -> VendorSpec:
    """A vendor of this family."""
    calls = family is not Family.WAREHOUSE
    return VendorSpec(
        name=name,
        title=name.replace("-", " ").title(),
        family=family,
        config=FakeConfig,
        translate=translate,
        capabilities=lambda config: config.can,
        build=_build if calls else None,
        hook=hook,
    )


ERP_CAN = frozenset(
    {Cap.READ_ORDER, Cap.CREATE_RETURN, Cap.CANCEL_RETURN, Cap.RECEIVE, Cap.REVERSE_RECEIPT, Cap.DRAFT_CREDIT}
    | {Cap.POST_CREDIT, Cap.RECORD_REFUND, Cap.STORE_TRACKING, Cap.READ_BACK}
)
PORTAL_CAN = frozenset({Cap.WEBHOOKS, Cap.RELEASE, Cap.NOTES, Cap.GRADING, Cap.CANCEL})
