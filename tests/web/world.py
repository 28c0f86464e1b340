"""A believable Friday morning for the console's tests: two brands, fourteen returns, a few of them in trouble.

Rows are written straight into the tables; states are real `ReturnCase` values. People and shops are invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.closing.desk import ProofDesk
from counterfoil.core.case import Acceptance, Reception, Refund, ReturnCase, Step, StepState, Unit
from counterfoil.core.causes import cause_of, is_shared
from counterfoil.core.commands import CaseRef, PostCreditNote
from counterfoil.core.consent import Wanted
from counterfoil.core.documents import CreditCharge, CreditLine, CreditNote, DocumentRef, ErpOrder
from counterfoil.core.events import Fact, LabelMoved, RefundMoved, RefundState, ReturnAuthorised, WarehouseReported
from counterfoil.core.inner_events import StepDone, StepRefused, StepRequested
from counterfoil.core.mapping import Mapping
from counterfoil.core.policy import PRESETS, Agreement
from counterfoil.core.problems import Owner, Problem, ProblemKind
from counterfoil.core.receipts import FoundUnits, Inspection, Receipt, ReceiptKind, ReceiptLine
from counterfoil.core.returns import Disposition, LabelStatus, PortalReturn, ReturnLine, Stage
from counterfoil.flow.desk import Desk
from counterfoil.flow.world import Setup, World
from counterfoil.ports.actions import ActionError
from counterfoil.store import log
from counterfoil.store.database import SqliteDatabase, Transaction, now_ms, open_database
from counterfoil.store.migrate import migrate
from counterfoil.store.vault import Vault

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

KINDS = {
    "sku_not_found": ProblemKind(
        kind="sku_not_found",
        owner=Owner.OPS,
        title="Item not found on the sales order",
        runbook=(
            "Open the sales order in the ERP and look for the item under another number.",
            "If it is the same item, add the SKU to the mapping of this connection.",
            "Try again: every return with this SKU goes on.",
        ),
    ),
    "period_closed": ProblemKind(
        kind="period_closed",
        owner=Owner.FINANCE,
        title="The accounting period is closed",
        runbook=("Ask for the period to be opened, or agree on a later credit date.", "Then try again."),
    ),
    "refund_value_differs": ProblemKind(
        kind="refund_value_differs",
        owner=Owner.FINANCE,
        title="The refund differs from the value of the goods",
        runbook=("Open the return and compare the lines.", "Accept the difference, or correct the portal's refund."),
    ),
    "received_not_inspected": ProblemKind(
        kind="received_not_inspected",
        owner=Owner.OPS,
        title="Received but not inspected",
        runbook=("Ask the warehouse to finish the inspection of this parcel.",),
        target_hours=48,
    ),
}


@dataclass(frozen=True, slots=True)
class Configured:
    """A connection as the configuration names it."""

    name: str
    vendor: str
    family: str
    brand: str

    def link(self, kind: str, ref: str) -> str | None:
        """Only the shop has pages here."""
        return (
            f"https://shop.example.test/admin/{kind}s/{ref}" if self.family == "gateway" and kind == "order" else None
        )


@dataclass(slots=True)
class RecordingActions:
    """Remembers what was asked; refuses when told to."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    refuse: str = ""

    def _note(self, *call: Any) -> None:
        if self.refuse:
            raise ActionError(self.refuse)
        self.calls.append(call)

    def retry(self, case_id: str, step: str, by: str, reason: str) -> None:
        self._note("retry", case_id, step, by, reason)

    def settle(self, case_id: str, step: str, by: str, reason: str, number: str) -> None:
        self._note("settle", case_id, step, by, reason, number)

    def accept(self, case_id: str, kind: str, by: str, reason: str) -> None:
        self._note("accept", case_id, kind, by, reason)

    def wanted(self, case_id: str) -> tuple[Wanted, ...]:
        return ()

    def answer(
        self, case_id: str, rule: str, amount: int, by: str, roles: Sequence[str], reason: str, *, agreed: bool
    ) -> None:
        self._note("answer", case_id, rule, amount, by, tuple(roles), reason, agreed)

    def adopt_refund(self, case_id: str, ref: str, by: str, reason: str) -> None:
        self._note("adopt_refund", case_id, ref, by, reason)

    def resolve_problem(self, problem_id: int, by: str, reason: str) -> None:
        self._note("resolve_problem", problem_id, by, reason)

    def pause(self, connection: str, by: str, reason: str) -> None:
        self._note("pause", connection, by, reason)

    def resume(self, connection: str, by: str) -> None:
        self._note("resume", connection, by)

    def requeue_delivery(self, delivery_id: int, by: str) -> None:
        self._note("requeue_delivery", delivery_id, by)


@dataclass(slots=True)
class FakeSystem:
    """What the console is given instead of the wired system."""

    database: SqliteDatabase
    actions: RecordingActions = field(default_factory=RecordingActions)
    problem_kinds: dict[str, ProblemKind] = field(default_factory=lambda: dict(KINDS))
    connections: tuple[Configured, ...] = (
        Configured("north-loop", "loop", "portal", "north"),
        Configured("north-netsuite", "netsuite", "erp", "north"),
        Configured("north-shop", "shopify", "gateway", "north"),
        Configured("harbour-loop", "loop", "portal", "harbour"),
        Configured("harbour-prima", "prima", "erp", "harbour"),
        Configured("harbour-warehouse", "warehouse", "warehouse", "harbour"),
    )
    closing: Any = None

    @property
    def proof_desk(self) -> ProofDesk:
        """Decisions about the proof, over the same database."""
        return ProofDesk(self.database)

    @property
    def setups(self) -> dict[tuple[str, str], Setup]:
        """Two brands on one portal."""
        mapping = Mapping(reasons={"too_small": "FIT", "changed_mind": "MIND"}, depots={"LEEDS/sellable": "MAIN"})
        agreement = Agreement(policy=PRESETS["controlled"])
        return {
            (brand, "loop"): Setup(brand=brand, portal="loop", agreement=agreement, mapping=mapping, connections={})
            for brand in ("harbour", "north")
        }

    @property
    def desk(self) -> Desk:
        """The real desk over the fake's tables."""
        return Desk(World(database=self.database, vault=Vault(bytes(32)), connections={}, setups=self.setups))


def system(folder: Path, *, empty: bool = False) -> FakeSystem:
    """A fake system over a new database in `folder`; `empty` leaves its tables without rows."""
    database = open_database(f"sqlite:///{folder / 'counterfoil.sqlite3'}")
    assert isinstance(database, SqliteDatabase)
    migrate(database)
    if not empty:
        with database.write() as tx:
            _seed(tx, now_ms())
    return FakeSystem(database)


def insert(tx: Transaction, table: str, **values: Any) -> int:
    """One row; the id SQLite gave it."""
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    tx.query(f"insert into {table} ({names}) values ({marks})", values)
    return int(tx.query("select last_insert_rowid() as id", {})[0]["id"])


def add_case(tx: Transaction, case: ReturnCase, *, at: int, opened: int, **columns: Any) -> None:
    """A row in `cases` for this state; `columns` are what lists show."""
    ref = case.case
    values = {
        "progress": "open",
        "units_returned": len(case.units),
        "units_received": sum(unit.reception is Reception.RECEIVED for unit in case.units),
        "refunded_minor": case.money_out,
        **columns,
    }
    insert(
        tx,
        "cases",
        case_id=case.case_id,
        brand=ref.brand,
        portal=ref.portal,
        return_id=ref.return_id,
        order_ref=ref.order_ref,
        order_name=ref.order_name,
        currency=case.currency,
        stage=case.stage.value,
        state=msgspec.json.encode(case).decode(),
        seq=0,
        chain="",
        opened_ms=opened,
        updated_ms=at,
        **values,
    )
    for kind, value in (("name", ref.order_name), ("order", ref.order_ref), ("tracking", case.tracking)):
        if value:
            insert(tx, "case_keys", brand=ref.brand, kind=kind, value=value, case_id=case.case_id)


def add_problem(tx: Transaction, case: ReturnCase | None, kind: str, message: str, **columns: Any) -> int:
    """A row in `problems`."""
    known = KINDS[kind]
    values = {
        "brand": case.case.brand if case else "north",
        "case_id": case.case_id if case else None,
        "subject": "",
        "owner": known.owner.value,
        "severity": known.severity.value,
        "state": "open",
        "updated_ms": columns["opened_ms"],
        "due_ms": columns["opened_ms"] + known.target_hours * HOUR,
        **columns,
    }
    subject = str(values["subject"])
    values["cause"] = cause_of(Problem(kind=kind, message=message, subject=subject), case)
    values["shared"] = int(is_shared(values["cause"]))
    if values["state"] == "open":
        priced = values.get("amount_minor")
        insert(
            tx,
            "problem_moves",
            brand=values["brand"],
            cause=values["cause"],
            kind=kind,
            owner=values["owner"],
            currency=values.get("currency") or "",
            snoozed=0,
            problems=1,
            priced=int(priced is not None),
            held_minor=priced or 0,
            units=values.get("units", 0),
        )
    return insert(tx, "problems", kind=kind, message=message, **values)


def add_log(tx: Transaction, stream: str, entries: list[tuple[int, str, Fact]]) -> None:
    """A chained log for a stream: (moment, actor, fact)."""
    chain = ""
    for seq, (at_ms, actor, fact) in enumerate(entries, start=1):
        chain = log.append(
            tx,
            stream=stream,
            seq=seq,
            previous=chain,
            key=fact.key,
            name=str(type(fact).__struct_config__.tag),
            actor=actor,
            payload=msgspec.json.encode(fact).decode(),
            at_ms=at_ms,
        )


def plain_case(
    brand: str, portal: str, return_id: str, order: str, currency: str, stage: Stage, units: int
) -> ReturnCase:
    """A return with nothing but units that are expected."""
    ref = CaseRef(brand=brand, portal=portal, return_id=return_id, order_ref=f"9{return_id}", order_name=order)
    parts = tuple(
        Unit(unit_id=f"u{n}", line_id=f"l{n}", order_line_ref=f"o{n}", sku=f"SHIRT-{'SML'[n % 3]}")
        for n in range(units)
    )
    return ReturnCase(case=ref, currency=currency, stage=stage, units=parts)


def credit() -> CreditNote:
    """60.00 of goods, 4.95 shipping, 2.50 fee withheld: 62.45 in all."""
    lines = (
        CreditLine(
            line_no=1,
            erp_line="1",
            rma_line_no=1,
            rma_erp_line="1",
            order_line_ref="o0",
            sku="SHIRT-S",
            quantity=2,
            net=3333,
            tax=667,
            gross=4000,
            tax_code="VAT20",
        ),
        CreditLine(
            line_no=2,
            erp_line="2",
            rma_line_no=2,
            rma_erp_line="2",
            order_line_ref="o1",
            sku="SCARF-GREY",
            quantity=1,
            net=1667,
            tax=333,
            gross=2000,
            tax_code="VAT20",
        ),
    )
    charges = (
        CreditCharge(code="shipping", net=413, tax=82, gross=495),
        CreditCharge(code="return_fee", net=-208, tax=-42, gross=-250),
    )
    return CreditNote(
        currency="GBP",
        lines=lines,
        charges=charges,
        refund_refs=("R-5001",),
        explanation=(
            "SHIRT-S: 2 of 2 units at 20.00, discount none, tax 20 % included: 40.00.",
            "SCARF-GREY: 1 of 1 unit at 25.00 less its share 5.00 of the order discount: 20.00.",
            "Shipping 4.95 was refunded by the portal and is credited.",
            "The return fee of 2.50 is withheld.",
        ),
    )


def _rich_case(now: int) -> ReturnCase:
    """Order #1042: received, inspected, refunded; its credit note is refused because the period is closed."""
    ref = CaseRef(brand="north", portal="loop", return_id="88031", order_ref="5510042", order_name="#1042")
    skus = ("SHIRT-S", "SHIRT-S", "SCARF-GREY")
    units = tuple(
        Unit(
            unit_id=f"u{n}",
            line_id=f"l{n}",
            order_line_ref=f"o{n}",
            sku=sku,
            reason="too_small" if n < 2 else "changed_mind",
            reception=Reception.RECEIVED,
            acceptance=Acceptance.ACCEPTED,
            disposition=Disposition.SELLABLE if n < 2 else Disposition.REFURBISH,
            warehouse="LEEDS",
            location="A-12",
            posted_by="receipt-1",
        )
        for n, sku in enumerate(skus)
    )
    steps = {
        "order-1": Step(step="order-1", name="FindSalesOrder", state=StepState.DONE, ref="77", number="SO-20417"),
        "rma-1": Step(step="rma-1", name="OpenReturnAuthorisation", state=StepState.DONE, ref="812", number="RMA-3307"),
        "receipt-1": Step(step="receipt-1", name="ReceiveStock", state=StepState.DONE, ref="901", number="IR-4411"),
        "credit-1": Step(
            step="credit-1",
            name="PostCreditNote",
            state=StepState.REFUSED,
            problem="period_closed",
            message="October is closed for credit memos.",
        ),
    }
    shown = PortalReturn(
        portal="loop",
        return_id="88031",
        state="open",
        stage=Stage.PROCESSED,
        order_ref="5510042",
        order_name="#1042",
        currency="GBP",
        lines=(
            ReturnLine(line_id="l0", sku="SHIRT-S", qty=2, gross=4000, discount=0, tax=667, line_value=4000),
            ReturnLine(line_id="l2", sku="SCARF-GREY", qty=1, gross=2500, discount=500, tax=333, line_value=2000),
        ),
    )
    refund = Refund(
        ref="pi_77",
        refund_ref="R-5001",
        amount=6245,
        currency="GBP",
        status=RefundState.CONFIRMED,
        source="shopify",
        gateway="card",
    )
    return ReturnCase(
        case=ref,
        currency="GBP",
        stage=Stage.PROCESSED,
        portal_return=shown,
        units=units,
        steps=steps,
        refunds=(refund,),
        tracking="JD0002417719",
        carrier="Northpost",
        label_status=LabelStatus.DELIVERED,
    )


def _seed_rich(tx: Transaction, now: int) -> None:
    case = _rich_case(now)
    assert case.portal_return is not None
    add_case(
        tx,
        case,
        at=now - 38 * MINUTE,
        opened=now - 6 * DAY,
        problems_open=1,
        value_minor=6000,
        credited_minor=0,
        rma_number="RMA-3307",
    )
    add_problem(
        tx,
        case,
        "period_closed",
        "NetSuite will not post the credit note: October is closed for credit memos.",
        opened_ms=now - 26 * HOUR,
        amount_minor=6245,
        currency="GBP",
        connection="north-netsuite",
        subject="credit-1",
    )
    add_problem(
        tx,
        case,
        "sku_not_found",
        "The sales order SO-20417 has no line for SCARF-GREY.",
        opened_ms=now - 5 * DAY,
        state="resolved",
        closed_ms=now - 4 * DAY,
        closed_by="robin",
        closed_because="The item was renumbered; the mapping has it now.",
    )
    for step, kind, ref, number, total, at in (
        ("rma-1", "rma", "812", "RMA-3307", None, 5 * DAY),
        ("receipt-1", "receipt", "901", "IR-4411", None, 30 * HOUR),
    ):
        insert(
            tx,
            "documents",
            case_id=case.case_id,
            step=step,
            kind=kind,
            connection="north-netsuite",
            ref=ref,
            number=number,
            total_minor=total,
            currency="GBP",
            url=f"https://erp.example.com/{kind}/{ref}",
            at_ms=now - at,
        )
    command = PostCreditNote(
        case=case.case,
        step="credit-1",
        rma=DocumentRef(ref="812", number="RMA-3307"),
        order=ErpOrder(ref="77", number="SO-20417", currency="GBP"),
        credit=credit(),
        credit_date="2026-10-31",
    )
    insert(
        tx,
        "commands",
        command_key=command.key,
        edition=1,
        case_id=case.case_id,
        connection="north-netsuite",
        name="PostCreditNote",
        body=msgspec.json.encode(command).decode(),
        state="dead",
        due_ms=now,
        created_ms=now - 27 * HOUR,
    )
    add_log(tx, case.case_id, _story(case, now))


def _story(case: ReturnCase, now: int) -> list[tuple[int, str, Fact]]:
    shown = case.portal_return
    assert shown is not None

    def asked(step: str, name: str, rule: str, because: str) -> StepRequested:
        return StepRequested(key=f"ask/{step}", step=step, name=name, edition=1, rule=rule, because=because)

    receipt = Receipt(
        event_id="e1",
        event_type=ReceiptKind.INSPECTED,
        occurred_at="2026-11-19T09:10:00Z",
        source="warehouse",
        warehouse_code="LEEDS",
        receipt_id="GRN-771",
        lines=(
            ReceiptLine(
                line_id="1",
                received_quantity=3,
                inspection_status=Inspection.PASSED,
                dispositions=(
                    FoundUnits(quantity=2, condition="as_new", disposition=Disposition.SELLABLE),
                    FoundUnits(quantity=1, condition="used", disposition=Disposition.REFURBISH),
                ),
            ),
        ),
    )
    refund = RefundMoved(
        key="refund/1",
        source="shopify",
        ref="pi_77",
        order_ref="5510042",
        amount=6245,
        currency="GBP",
        status=RefundState.CONFIRMED,
        refund_ref="R-5001",
        gateway="card",
    )
    carried = "the warehouse inspected 3 units and every one is accepted; the refund equals their value"
    return [
        (now - 6 * DAY, "north-loop", ReturnAuthorised(key="auth", portal_return=shown)),
        (
            now - 6 * DAY + MINUTE,
            "counterfoil",
            asked("order-1", "FindSalesOrder", "original_order", "every document must carry the original sales order"),
        ),
        (
            now - 6 * DAY + 2 * MINUTE,
            "north-netsuite",
            StepDone(key="done/order-1", step="order-1", edition=1, number="SO-20417", ref="77"),
        ),
        (
            now - 5 * DAY,
            "counterfoil",
            asked(
                "rma-1",
                "OpenReturnAuthorisation",
                "rma_on_authorised",
                "the portal authorised the return; the warehouse should expect 3 units",
            ),
        ),
        (
            now - 5 * DAY + MINUTE,
            "north-netsuite",
            StepDone(
                key="done/rma-1",
                step="rma-1",
                edition=1,
                ref="812",
                number="RMA-3307",
                url="https://erp.example.com/rma/812",
            ),
        ),
        (
            now - 3 * DAY,
            "north-loop",
            LabelMoved(
                key="label/1",
                portal="loop",
                return_id="88031",
                label_status=LabelStatus.IN_TRANSIT,
                tracking="JD0002417719",
                carrier="Northpost",
            ),
        ),
        (now - 31 * HOUR, "warehouse", WarehouseReported(key="wms/1", receipt=receipt)),
        (
            now - 30 * HOUR - MINUTE,
            "counterfoil",
            asked(
                "receipt-1", "ReceiveStock", "stock_on_inspection", "LEEDS inspected 3 units; stock follows inspection"
            ),
        ),
        (
            now - 30 * HOUR,
            "north-netsuite",
            StepDone(
                key="done/receipt-1",
                step="receipt-1",
                edition=1,
                ref="901",
                number="IR-4411",
                url="https://erp.example.com/receipt/901",
            ),
        ),
        (now - 28 * HOUR, "north-shop", refund),
        (now - 27 * HOUR, "counterfoil", asked("credit-1", "PostCreditNote", "refund_equals_value", carried)),
        (
            now - 26 * HOUR,
            "north-netsuite",
            StepRefused(
                key="refused/credit-1",
                step="credit-1",
                edition=1,
                kind="period_closed",
                message="October is closed for credit memos.",
            ),
        ),
    ]


_OTHERS = (
    # order, brand, currency, stage, progress, waits, units, received, value, refunded, credited, age in hours
    (
        "#1043",
        "north",
        "GBP",
        Stage.AUTHORISED,
        "waiting",
        "the parcel has not been handed over yet",
        1,
        0,
        2900,
        0,
        0,
        3,
    ),
    ("#1039", "north", "GBP", Stage.PROCESSED, "finished", "", 2, 2, 8400, 8400, 8400, 5),
    ("#1038", "north", "GBP", Stage.PROCESSED, "finished", "", 1, 1, 3450, 3450, 3450, 7),
    ("#1036", "north", "GBP", Stage.AUTHORISED, "open", "", 3, 0, 11750, 0, 0, 9),
    (
        "#1031",
        "north",
        "GBP",
        Stage.AUTHORISED,
        "waiting",
        "the warehouse has not inspected the parcel yet",
        2,
        2,
        5200,
        0,
        0,
        51,
    ),
    ("#1027", "north", "GBP", Stage.CANCELLED, "cancelled", "", 1, 0, 1900, 0, 0, 70),
    ("#1019", "north", "GBP", Stage.AUTHORISED, "waiting", "the parcel is on its way", 1, 0, 7600, 0, 0, 110),
    ("H-2207", "harbour", "EUR", Stage.PROCESSED, "finished", "", 1, 1, 12900, 12900, 12900, 2),
    ("H-2205", "harbour", "EUR", Stage.PROCESSED, "open", "", 2, 2, 23800, 23800, 23750, 6),
    (
        "H-2201",
        "harbour",
        "EUR",
        Stage.REQUESTED,
        "waiting",
        "a person at the portal still has to look",
        1,
        0,
        None,
        0,
        0,
        12,
    ),
    ("H-2198", "harbour", "EUR", Stage.AUTHORISED, "waiting", "the parcel is on its way", 4, 0, 31900, 0, 0, 98),
    ("H-2190", "harbour", "JPY", Stage.AUTHORISED, "open", "", 1, 0, 14800, 0, 0, 150),
)


def _seed(tx: Transaction, now: int) -> None:
    _seed_rich(tx, now)
    for number, (order, brand, currency, stage, progress, waits, units, got, value, back, noted, hours) in enumerate(
        _OTHERS
    ):
        case = plain_case(brand, "loop", str(88000 + number), order, currency, stage, units)
        add_case(
            tx,
            case,
            at=now - hours * HOUR,
            opened=now - (hours + 70) * HOUR,
            progress=progress,
            waits_for=waits,
            units_received=got,
            value_minor=value,
            refunded_minor=back,
            credited_minor=noted,
            rma_number=f"RMA-33{number:02}" if stage is not Stage.REQUESTED else None,
            credit_number=f"CM-90{number:02}" if noted else None,
        )
        _trouble(tx, case, order, now)
    _seed_connections(tx, now)


def _trouble(tx: Transaction, case: ReturnCase, order: str, now: int) -> None:
    stories: dict[str, tuple[str, str, int, int | None]] = {
        "#1031": ("received_not_inspected", "LEEDS counted 2 units 51 hours ago and has not inspected them.", 51, 5200),
        "#1036": ("sku_not_found", "The sales order SO-20399 has no line for BELT-TAN.", 9, 11750),
        "H-2190": ("sku_not_found", "The sales order 440127 has no line for MUG-BLUE.", 150, 14800),
        "H-2205": ("refund_value_differs", "The portal refunded 238.00 EUR; the goods were worth 237.50 EUR.", 6, 50),
    }
    if order in stories:
        kind, message, hours, amount = stories[order]
        add_problem(
            tx,
            case,
            kind,
            message,
            opened_ms=now - hours * HOUR,
            amount_minor=amount,
            currency=case.currency,
            came_back=int(order == "H-2190"),
            subject=message.rsplit(" ", 1)[-1].rstrip(".") if kind == "sku_not_found" else "",
        )
        tx.query("update cases set problems_open = 1 where case_id = :case_id", {"case_id": case.case_id})


def _seed_connections(tx: Transaction, now: int) -> None:
    for name, brand, vendor, family, heard, trouble in (
        ("north-loop", "north", "loop", "portal", 4 * MINUTE, None),
        ("north-netsuite", "north", "netsuite", "erp", 9 * MINUTE, None),
        ("north-shop", "north", "shopify", "gateway", 2 * MINUTE, None),
        ("harbour-loop", "harbour", "loop", "portal", 12 * MINUTE, None),
        (
            "harbour-prima",
            "harbour",
            "prima",
            "erp",
            3 * HOUR,
            "The order manager does not answer (timed out three times).",
        ),
    ):
        insert(
            tx,
            "connections",
            name=name,
            brand=brand,
            vendor=vendor,
            family=family,
            last_delivery_ms=now - heard if family != "erp" else None,
            last_success_ms=now - heard,
            last_trouble_ms=now - 20 * MINUTE if trouble else None,
            last_trouble=trouble,
        )
    for number in range(3):
        insert(
            tx,
            "deliveries",
            connection="harbour-loop",
            delivery_key=f"d{number}",
            arrived_ms=now - (number + 1) * HOUR,
            signature="valid",
            headers="{}",
            body=b"{}",
            body_key=b"k",
            size_bytes=2140 + number,
            state="quarantined" if number < 2 else "new",
            topic="return.updated",
            note="“line_items.0.price” is not an amount: twelve",
        )
    insert(tx, "workers", worker="w1", started_ms=now - DAY, beat_ms=now - 4_000)
