"""One step of a return: facts in, then state, commands, problems and log entries saved together, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.core.case import ReturnCase, StepState, receipt_key
from counterfoil.core.commands import DraftCreditNote, OpenReturnAuthorisation, PostCreditNote, Role
from counterfoil.core.consent import wanted
from counterfoil.core.decide import decide
from counterfoil.core.documents import DocumentRef
from counterfoil.core.edits import edited
from counterfoil.core.events import ChargebackMoved, RefundMoved, WarehouseReported
from counterfoil.core.evolve import evolve
from counterfoil.core.inner_events import AnyFact, StepRequested, UnitsClaimed
from counterfoil.core.judgement import Verdict, judge
from counterfoil.core.look import Decision, Ledger, Look, Request
from counterfoil.core.problems import Owner
from counterfoil.flow.belongs import belongs
from counterfoil.flow.risk import risk_seen
from counterfoil.flow.vocabulary import setup_in_force
from counterfoil.flow.world import Setup, World
from counterfoil.store import cases, commands, decisions, mappings, problems
from counterfoil.store.cases import Entry, Loose, Stored
from counterfoil.store.database import Transaction

ROUNDS_MAX = 20  # a decision that asks for more after so many rounds is a mistake of ours
US = "counterfoil"

_DOCUMENT_KINDS = {
    "OpenReturnAuthorisation": "rma",
    "ReceiveStock": "receipt",
    "DraftCreditNote": "credit_draft",
    "PostCreditNote": "credit_note",
    "RecordRefund": "refund_record",
    "CreateExchangeOrder": "exchange_order",
}


def advance(world: World, tx: Transaction, case_id: str, facts: Sequence[AnyFact], actor: str = US) -> Decision:
    """Apply facts the return does not know yet and everything that follows from them, in the caller's transaction.

    The caller holds the lock of the return's order (`cases.lock_order`) where the order is known.
    """
    stored = cases.load(tx, case_id)
    assert stored is not None, f"{case_id} does not exist"
    return _advance(world, tx, stored, facts, actor)


def open_return(world: World, tx: Transaction, case: ReturnCase, facts: Sequence[AnyFact], actor: str) -> Decision:
    """The same for a return that may be new."""
    return _advance(world, tx, cases.create(tx, case), facts, actor)


def _advance(world: World, tx: Transaction, stored: Stored, facts: Sequence[AnyFact], actor: str) -> Decision:
    setup = setup_in_force(world, tx, stored.case.case.brand, stored.case.case.portal)
    run = _Run(world, tx, setup, stored)
    for fact in facts:
        run.apply(fact, actor)
    run.adopt()
    decision = run.settle()
    cases.save(tx, stored, run.case, run.entries, decision)
    problems.sync(tx, run.case, decision.problems, _owners(run.case), news=bool(run.entries))
    _judged(tx, run.look(), stored.seq + len(run.entries))
    _documents(tx, setup, run.case, stored.case)
    mappings.note_sightings(tx, stored.case, run.case)
    if run.named_refund:
        _look_beside(world, tx, run.case)
    return decision


class _Run:
    """One advance under way: the case as it moves, and the entries its log will get."""

    def __init__(self, world: World, tx: Transaction, setup: Setup, stored: Stored) -> None:
        self.world = world
        self.tx = tx
        self.setup = setup
        self.stored = stored
        self.case = stored.case
        self.entries: list[Entry] = []
        self._keys: set[str] = set()
        self._ledger: Ledger | None = None
        self.named_refund = False  # a refund nobody had named turned out to be this return's

    def apply(self, fact: AnyFact, actor: str) -> None:
        """Move the case by one fact, unless it knows it."""
        if fact.key in self._keys or cases.knows(self.tx, self.case.case_id, fact.key):
            return
        self._keys.add(fact.key)
        self.case = evolve(self.case, fact)
        self.entries.append(Entry(fact=fact, actor=actor))

    def adopt(self) -> None:
        """Take up the order and the waiting facts that turn out to be this return's."""
        ref = self.case.case
        if self.case.order is None and ref.order_ref is not None:
            seen = cases.get_order(self.tx, ref.brand, ref.order_ref)
            if seen is not None:
                self.apply(seen, "shop")
        risk = risk_seen(self.tx, self.case, self.stored.opened_ms, self.world.now())
        if risk is not None:
            self.apply(risk, US)
        taken = True
        while taken:  # what was taken up may name more: a label its tracking number, a report its refund
            taken = bool([loose for loose in cases.loose_for(self.tx, self.case) if self._take_up(loose)])

    def _take_up(self, loose: Loose) -> bool:
        """Whether the waiting fact is this return's; then it is applied."""
        if not belongs(self.case, loose.fact):
            return False
        if isinstance(loose.fact, ChargebackMoved):  # it waits on: every return of the order takes it up for itself
            before = len(self.entries)
            self.apply(loose.fact, "waiting facts")
            return len(self.entries) > before
        self.apply(loose.fact, "waiting facts")
        self.named_refund = self.named_refund or isinstance(loose.fact, RefundMoved)
        cases.adopt(self.tx, loose.id, self.case.case_id)
        _end_blind(self.tx, self.case.case.brand, loose.fact)
        return True

    def settle(self) -> Decision:
        """Decide and carry the decision out until nothing more is asked for."""
        for _ in range(ROUNDS_MAX):
            decision = decide(self.look())
            if not decision.requests:
                return decision
            for request in decision.requests:
                self._request(request, decision.policy)
        raise AssertionError(f"{self.case.case_id}: the decision never comes to rest")

    def look(self) -> Look:
        """Everything a decision about the return leans on now."""
        if self._ledger is None:
            self._ledger = cases.ledger(self.tx, self.case)
        return _look(self.world, self.setup, self.case, self._ledger)

    def _request(self, request: Request, policy: str) -> None:
        """Log the request and queue its command; claims are taken in the same transaction."""
        command = edited(request.command, self.case.step_edits.get(request.command.step, ()))
        edition = self.case.editions.get(command.step, 0) + 1
        if request.claims:
            key = f"claim:{command.step}:{edition}"
            fresh = [c for c in request.claims if self._unclaimed(c.unit_id)]
            cases.claim(self.tx, self.case, command.step, fresh)
            self.apply(UnitsClaimed(key=key, step=command.step, claims=request.claims), US)
        fact = StepRequested(
            key=f"step:{command.step}:{edition}",
            occurred_at=self.world.now(),
            step=command.step,
            name=type(command).__name__,
            edition=edition,
            rule=request.rule,
            because=request.because,
            amount=request.amount,
            units=request.units,
            rma_lines=command.lines if isinstance(command, OpenReturnAuthorisation) else request.rma_lines,
            credit=command.credit if isinstance(command, DraftCreditNote | PostCreditNote) else request.credit,
            policy=policy,
            batch=getattr(command, "batch", None),
            pays_from=request.pays_from,
            exchange=request.exchange,
            attested=request.attested,
        )
        self.apply(fact, US)
        commands.put(self.tx, command, edition, self.setup.connections[command.role])

    def _unclaimed(self, unit_id: str) -> bool:
        return all(unit.unit_id != unit_id or unit.order_unit is None for unit in self.case.units)


def _judged(tx: Transaction, look: Look, seq: int) -> None:
    """Keep the refund gate's verdict when it changed, and ask the people it waits for."""
    judgement = judge(look)
    changed = decisions.put(tx, look, seq, judgement)
    waived = {rule.waives_gate for rule in look.policy.approvals}
    asking = judgement.verdict is Verdict.HOLD and judgement.rule in {"refund_needs_approval", *waived}
    if changed or asking:
        decisions.ask(tx, look, [wish for wish in wanted(look) if not wish.met] if asking else [])


def _look_beside(world: World, tx: Transaction, case: ReturnCase) -> None:
    """A refund found its return: those of the order that it had left too little for are decided again."""
    ref = case.case
    for case_id in cases.by_key(tx, ref.brand, ("order", ref.order_ref or "")):
        held = {row["kind"] for row in tx.rows("problems_of_case", case_id=case_id)}
        if case_id != case.case_id and "refund_exceeds_order" in held:
            advance(world, tx, case_id, [])


def _end_blind(tx: Transaction, brand: str, fact: AnyFact) -> None:
    if isinstance(fact, WarehouseReported):
        subject = receipt_key(fact.receipt.source, fact.receipt.receipt_id)
        problems.end_loose(tx, brand, "blind_receipt", subject, "its return is known now")
    if isinstance(fact, RefundMoved):
        problems.end_loose(tx, brand, "refund_outside_portal", fact.key, "its return is known now")


def _owners(case: ReturnCase) -> dict[str, Owner]:
    """Owners an adapter named for its own refusals."""
    return {
        step.step: step.owner
        for step in case.steps.values()
        if step.state is StepState.REFUSED and step.owner is not None
    }


def _documents(tx: Transaction, setup: Setup, case: ReturnCase, before: ReturnCase) -> None:
    """Remember new documents for lists and links."""
    for step in case.steps.values():
        document: DocumentRef | None = step.document
        kind = _DOCUMENT_KINDS.get(step.name)
        if kind is None or document is None or before.done(step.step) is not None:
            continue
        total = step.total if step.total is not None else step.amount
        values = {
            "case_id": case.case_id,
            "step": step.step,
            "kind": kind,
            "connection": setup.connections[Role.ERP],
            "ref": document.ref,
            "number": document.number,
            "total_minor": total,
            "currency": case.currency if total is not None else None,
            "url": step.url,
        }
        commands.put_document(tx, values)


def look_of(world: World, tx: Transaction, case: ReturnCase) -> Look:
    """Everything a decision about this return would lean on now."""
    setup = setup_in_force(world, tx, case.case.brand, case.case.portal)
    return _look(world, setup, case, cases.ledger(tx, case))


def _look(world: World, setup: Setup, case: ReturnCase, ledger: Ledger) -> Look:
    return Look(case=case, agreement=setup.agreement, mapping=setup.mapping, ledger=ledger, now=world.now())


def lock_for(tx: Transaction, brand: str, order_ref: str | None) -> None:
    """Take the order's lock before its returns', always in this sequence."""
    if order_ref is not None:
        cases.lock_order(tx, brand, order_ref)


def order_of(tx: Transaction, case_id: str) -> str | None:
    """The order a return belongs to, read without locking it."""
    row = tx.one("case_get", case_id=case_id)
    return row["order_ref"] if row is not None else None
