"""Stories through the core alone: facts go through `evolve`, decisions through `decide`, commands to obedient systems.

Nothing is stored and nothing is called, so a story takes milliseconds. The order of things is the shell's: facts are
applied once, claims and requests become facts, outcomes come back as facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from counterfoil.core.bundles import opened
from counterfoil.core.case import ReturnCase
from counterfoil.core.commands import AnyCommand, FetchOrder, ReleaseRefund, ReportInspection, Role, SendNote
from counterfoil.core.consent import wanted
from counterfoil.core.decide import decide
from counterfoil.core.events import (
    ChargebackMoved,
    LabelMoved,
    OrderSeen,
    OutsideFact,
    PortalFact,
    ProcessingFailed,
    RefundMoved,
    RefundState,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnExpired,
    ReturnProcessed,
    ReturnRequested,
    WarehouseReported,
)
from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.inner_events import (
    AnyFact,
    ApprovalGiven,
    ApprovalRefused,
    DifferenceAccepted,
    RetryAsked,
    StepRequested,
    StepSettled,
    UnitsClaimed,
)
from counterfoil.core.invariants import Books, Sent, Violation, violations
from counterfoil.core.judgement import Record
from counterfoil.core.look import Decision, Look, Request
from counterfoil.core.mapping import Mapping
from counterfoil.core.owners import ROLE_FAMILY
from counterfoil.core.returns import LabelStatus, PortalReturn, Stage
from counterfoil.flow.belongs import belongs, best, keys_of
from counterfoil.ports.outcomes import Done, Outcome
from counterfoil.store.cases import references
from counterfoil.testing.story_agreed import agreement_of
from counterfoil.testing.story_books import books_of, keep_judgement, ledger_of
from counterfoil.testing.story_facts import (
    dispute_fact,
    money_fact,
    outcome_fact,
    portal_words,
    provider_pays,
    receipt_of,
    reported_fact,
    store_credit_fact,
)
from counterfoil.testing.story_obedient import KINDS, ObedientErp
from counterfoil.testing.story_portal import PORTAL, Desk
from counterfoil.testing.story_sales import Kits
from counterfoil.testing.story_seen import SeenStage
from counterfoil.testing.story_stage import Parcel
from counterfoil.testing.story_world import QUARANTINE, WAREHOUSE, Ask, Given, Item, Swap, sold_order, worth

BRAND = "north"
START = datetime.fromisoformat("2026-11-09T08:00:00+00:00")
STEPS = {
    "RMA": "rma-1",
    "receipt": "receipt-1",
    "credit note": "credit-1",
    "credit draft": "credit-draft-1",
    "exchange order": "exchange-1",
}
ROUNDS_MAX = 20
_PORTAL_FACTS: dict[Stage, type[PortalFact]] = {
    Stage.REQUESTED: ReturnRequested,
    Stage.AUTHORISED: ReturnAuthorised,
    Stage.PROCESSED: ReturnProcessed,
    Stage.CANCELLED: ReturnCancelled,
    Stage.EXPIRED: ReturnExpired,
}


class CoreStage(SeenStage):
    """A stage without an outside world.

    `twice`: every fact moves the case twice over and every command is carried out twice, which must change nothing.
    """

    def __init__(self, given: Given, *, drafts: bool = True, twice: bool = False) -> None:
        self.order = sold_order(given, "7001")
        kits = Kits({line.sku: line.parts for line in given.lines if line.parts}, given.erp_kits)
        stock = {item.sku: item.quantity for item in given.in_stock}
        self.erp = ObedientErp(self.order, given.not_in_erp, stock, kits)
        self.desk = Desk(self.order, opened(self.order, self.erp.sales_order()))
        self._agreement = agreement_of(
            given, drafts=drafts if given.without_drafts is None else not given.without_drafts
        )
        self._mapping = Mapping(
            reasons=given.reasons(),
            depots=given.depots(),
            quarantine_depot=QUARANTINE if given.quarantine else None,
            expected=given.agreeing(),
        )
        self._now = START
        self._twice = twice
        self._cases: dict[str, ReturnCase] = {}
        self._decisions: dict[str, Decision] = {}
        self._known: dict[str, set[str]] = {}
        self._log: dict[str, list[AnyFact]] = {}
        self._sent: dict[tuple[str, int], Sent] = {}
        self._loose: list[OutsideFact] = []
        self._last = "R1"
        self._held: list[RefundMoved] = []
        self._holding = False
        self._covered_days = given.covered_days
        self._paid: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._repeat: set[str] = set()
        self.judged: list[tuple[Record, Look]] = []  # every change of verdict, with what it leaned on
        self._count = 0
        self._disputed = 0

    # --- what happens

    def ask(self, who: str, ask: Ask) -> None:
        """A customer asks."""
        name = self._name(who or f"R{1 + len(self._cases)}")
        shown = self.desk.take(name, ask, self._moment())
        if not self._covered_days:
            self._portal_tells(name, shown)
            return
        until = (self._now + timedelta(days=self._covered_days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.desk.papers[name].shown = replace(shown, instant=True, decide_by=until)
        self._portal_tells(name, self.desk.papers[name].shown)
        paid = provider_pays(self.order, name, self.desk.papers[name].payments, self._moment())
        self._paid |= {fact.ref: fact.amount for fact in paid}
        self._apply(name, paid)

    def portal(self, who: str, verb: str) -> None:
        """The portal moves."""
        name = self._name(who)
        match verb:
            case "approve":
                self._portal_tells(name, self.desk.move(name, Stage.AUTHORISED))
            case "cancel":
                self._portal_tells(name, self.desk.move(name, Stage.CANCELLED))
            case "expire":
                self._portal_tells(name, self.desk.move(name, Stage.EXPIRED))
            case "process":
                self._process(name)
            case "swap" | "native":
                self._portal_tells(name, self.desk.swap(name, *self._new_order(name, verb)))
            case "fail":
                shown = self.desk.papers[name].shown
                failed = ProcessingFailed(
                    key=self._key("failed"), portal=PORTAL, return_id=shown.return_id, reason="the card is closed"
                )
                self._apply(name, [failed])

    def edit(self, who: str, items: tuple[Item, ...]) -> None:
        """The portal's staff changes what comes back."""
        name = self._name(who)
        self._portal_tells(name, self.desk.edit(name, items, self._moment()))

    def edit_exchange(self, who: str, swaps: tuple[Swap, ...]) -> None:
        """The customer chooses other new goods."""
        name = self._name(who)
        paper = self.desk.papers.pop(name)
        shown = self.desk.take(name, replace(paper.ask, swaps=swaps), self._moment())
        self._portal_tells(name, shown)

    def erp_stocks(self, items: tuple[Item, ...]) -> None:
        """New goods come in."""
        self.erp.sales.come_in(items)

    def label(self, who: str, status: str) -> None:
        """The carrier scans the parcel."""
        name = self._name(who)
        moved = LabelMoved(
            key=f"label/{name}/{status}",
            occurred_at=self._moment(),
            portal=PORTAL,
            return_id=self.desk.papers[name].shown.return_id,
            label_status=LabelStatus(status),
            tracking=f"TRK-{name}",
            carrier="Royal Example",
        )
        self._apply(name, [moved])

    def portal_says(self, who: str, what: str, items: tuple[Item, ...]) -> None:
        """The portal's own inspection, or its wish to restock; never the warehouse's word."""
        name = self._name(who)
        for fact in portal_words(self.desk.papers[name].shown, what, items):
            self._apply(name, [fact])

    def warehouse(self, who: str, parcel: Parcel) -> None:
        """A parcel finds its return as the shell finds it, or waits."""
        name = who or (self._last if self._last in self._cases else "")
        rma = self._cases[name].case.return_id if name else None
        fact = WarehouseReported(
            key=f"wms/{parcel.receipt}/{parcel.kind}/{parcel.revision}/{parcel.items}",
            occurred_at=self._moment(),
            receipt=receipt_of(parcel, rma, self.order.name, self._moment()),
        )
        found = self._find(fact)
        if found is None:
            self._loose.append(fact)
        else:
            self._apply(found, [fact])

    def money(self, verb: str, amount: int = 0) -> None:
        """The shop's side of refunds."""
        match verb:
            case "hold":
                self._holding = True
            case "confirm" | "fail":
                self._holding = False
                state = RefundState.CONFIRMED if verb == "confirm" else RefundState.FAILED
                held, self._held = self._held, []
                for moved in held:
                    self._move_money(moved, state)
            case "reverse":
                case = self._cases[self._last]
                back = case.confirmed[0]
                moved = RefundMoved(
                    key=self._key("reversed"),
                    source="shop",
                    ref=back.ref,
                    order_ref=self.order.order_ref,
                    amount=back.amount,
                    currency=back.currency,
                    status=RefundState.REVERSED,
                    gateway=back.gateway,
                )
                self._paid[back.ref] = 0
                self._apply(self._last, [moved])
            case "another":
                self._pay(self._last, "card", amount, self._key("re"))
            case "disputed" | "won" | "lost":
                self._dispute(verb, amount)
            case "outside":
                ref = self._key("re")
                self._paid[ref] = amount
                self._loose.append(self._moved(ref, ref, "card", amount, RefundState.CONFIRMED))
                self._look_everywhere()

    def _dispute(self, verb: str, amount: int) -> None:
        """The customer's bank speaks; there is one dispute in a story."""
        self._disputed = amount or self._disputed
        fact = dispute_fact(verb, self._disputed, self.order, self._moment())
        self._loose.append(fact)
        self._look_everywhere()

    def erp_refuses(self, document: str, kind: str) -> None:
        """The next document of a kind is refused."""
        self.erp.refuse(document, kind)

    def erp_loses_answer(self, document: str) -> None:
        """Without a network no answer is lost; the command is given twice, as after a lost one."""
        self._repeat.add(document)

    def accept(self, who: str, kind: str, by: str, reason: str) -> None:
        """A person accepts an exception."""
        self.tell(self._name(who), DifferenceAccepted(key=self._key("accepted"), kind=kind, by=by, reason=reason))

    def approve(self, who: str, by: str, role: str, reason: str, *, agreed: bool) -> None:
        """A person answers every approval that is wanted now."""
        name = self._name(who)
        answer = ApprovalGiven if agreed else ApprovalRefused
        facts = [
            answer(key=self._key("voice"), rule=wish.rule, terms=wish.terms, by=by, roles=(role,), reason=reason)
            for wish in wanted(self.look(name))
        ]
        self._apply(name, facts)

    def retry(self, who: str, document: str) -> None:
        """A refused step is put back."""
        self._apply(self._name(who), [RetryAsked(key=self._key("retry"), step=STEPS[document], by="robin")])

    def settle(self, who: str, document: str, number: str) -> None:
        """A person did a refused step by hand."""
        fact = StepSettled(
            key=self._key("settled"), step=STEPS[document], by="robin", reason="by hand", ref=number, number=number
        )
        self._apply(self._name(who), [fact])

    def map_word(self, what: str, word: str, target: str) -> None:
        """The mapping is completed; troubled returns are looked at again."""
        if what == "reason":
            self._mapping = replace(self._mapping, reasons={**self._mapping.reasons, word: target})
        else:
            depots = {**self._mapping.depots, f"{WAREHOUSE}/{word}": target}
            self._mapping = replace(self._mapping, depots=depots)
        self._look_everywhere()

    def wait(self, hours: int) -> None:
        """Time passes, and every return is looked at again."""
        self._now += timedelta(hours=hours)
        self._look_everywhere()

    # --- what can be seen

    def books(self) -> Books:
        """Everything the invariants look at."""
        policy = self._agreement.policy
        books = books_of(self._cases, self._decisions, self._log, tuple(self._sent.values()), policy, self._moment())
        return replace(books, outside=tuple(fact for fact in self._loose if isinstance(fact, RefundMoved)))

    def violations(self) -> tuple[Violation, ...]:
        """What is broken and nobody was told of."""
        return violations(self.books())

    # --- the portal and the shop

    def _portal_tells(self, name: str, shown: PortalReturn) -> None:
        if name not in self._cases:
            self._cases[name] = new_case(BRAND, shown)
            self._known[name] = set()
            self._log[name] = []
        fact: PortalFact = _PORTAL_FACTS[shown.stage](
            key=f"{name}/{shown.stage}/{hash((shown.lines, shown.exchange_lines))}",
            occurred_at=self._moment(),
            portal_return=shown,
        )
        self._apply(name, [fact])

    def _process(self, name: str) -> None:
        """The portal carries the outcome out: it shows the return closed, and the shop tells of the money."""
        paper = self.desk.papers[name]
        if paper.shown.exchange_lines:
            self.desk.swap(name, *self._new_order(name, "swap"))
        self._portal_tells(name, self.desk.move(name, Stage.PROCESSED))
        if paper.shown.tenders.store_credit:
            self._issue_credit(name, paper.shown.tenders.store_credit)
        for payment in () if self._covered_days else paper.payments:
            self._pay(name, payment.gateway, payment.amount, self._key("re"))

    def _new_order(self, name: str, how: str) -> tuple[str, str]:
        """Reference and name of the order the shop sends the new goods on."""
        own = (f"EX-{name}", f"EXC{self.order.name.lstrip('#')}")
        return (self.order.order_ref, self.order.name) if how == "native" else own

    def _issue_credit(self, name: str, amount: int) -> None:
        card = self._key("gc")
        self._paid[card] = amount
        shown = self.desk.papers[name].shown
        issued = store_credit_fact(card, shown.return_id, amount, self.order.currency, self._moment())
        self._apply(name, [issued])

    def _pay(self, name: str, gateway: str, amount: int, ref: str) -> None:
        shown = self.desk.papers[name].shown
        reported = reported_fact(shown.return_id, ref, gateway, amount, self.order.currency)
        self._apply(name, [reported])
        state = RefundState.PENDING if self._holding else RefundState.CONFIRMED
        moved = self._moved(ref, ref, gateway, amount, state)
        if self._holding:
            self._held.append(moved)
        self._move_money(moved, state)

    def _moved(self, ref: str, refund_ref: str, gateway: str, amount: int, state: RefundState) -> RefundMoved:
        return money_fact(ref, refund_ref, gateway, amount, state, self.order, self._moment())

    def _move_money(self, moved: RefundMoved, state: RefundState) -> None:
        told = self._moved(moved.refund_ref or "", moved.refund_ref or "", moved.gateway or "", moved.amount, state)
        if state is RefundState.CONFIRMED:
            self._paid[told.ref] = told.amount
        for name, case in self._cases.items():
            if belongs(case, told):
                self._apply(name, [told])
                return

    # --- the shell in small

    def tell(self, name: str, fact: AnyFact) -> None:
        """A fact reaches a return, and everything that follows happens."""
        self._apply(name, [fact])

    def log(self, name: str) -> tuple[AnyFact, ...]:
        """Every fact a return took in."""
        return tuple(self._log[name])

    def _find(self, fact: WarehouseReported) -> str | None:
        """The return a parcel belongs to; the first reference that leads anywhere decides."""
        for key in keys_of(fact):
            chosen = best([case for case in self._cases.values() if key in references(case)], fact)
            if chosen is not None:
                return next(name for name, case in self._cases.items() if case.case_id == chosen.case_id)
        return None

    def _name(self, who: str) -> str:
        self._last = who or self._last
        return self._last

    def _moment(self) -> str:
        return self._now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _key(self, word: str) -> str:
        self._count += 1
        return f"{word}-{self._count}"

    def _look_everywhere(self) -> None:
        for name in tuple(self._cases):
            self._apply(name, [])

    def _apply(self, name: str, facts: Sequence[AnyFact]) -> None:
        """Facts, then everything that follows from them."""
        for fact in facts:
            self._evolve(name, fact)
        for loose in tuple(self._loose):
            if belongs(self._cases[name], loose):
                if not isinstance(loose, ChargebackMoved):
                    self._loose.remove(loose)
                self._evolve(name, loose)
        for _ in range(ROUNDS_MAX):
            decision = self._decisions[name] = decide(self.look(name))
            if not decision.requests:
                break
            for request in decision.requests:
                self._request(name, request, decision.policy)
            for request in decision.requests:
                self._carry_out(name, request.command)
        else:
            raise AssertionError(f"{name}: the decision never comes to rest")
        self._check()
        keep_judgement(self.judged, self.look(name), len(self._log[name]))

    def _evolve(self, name: str, fact: AnyFact) -> None:
        """Once for each key, as the log does."""
        if fact.key in self._known[name]:
            return
        self._known[name].add(fact.key)
        self._log[name].append(fact)
        for _ in range(1 + self._twice):
            self._cases[name] = evolve(self._cases[name], fact)

    def look(self, name: str) -> Look:
        """Everything the next decision about a return leans on."""
        return Look(
            case=self._cases[name],
            agreement=self._agreement,
            mapping=self._mapping,
            ledger=ledger_of(name, self._cases, self._decisions, self._loose),
            now=self._moment(),
        )

    def _request(self, name: str, request: Request, policy: str) -> None:
        command = request.command
        edition = self._cases[name].editions.get(command.step, 0) + 1
        if request.claims:
            claimed = UnitsClaimed(key=f"claim:{command.step}:{edition}", step=command.step, claims=request.claims)
            self._evolve(name, claimed)
        fact = StepRequested(
            key=f"step:{command.step}:{edition}",
            occurred_at=self._moment(),
            step=command.step,
            name=type(command).__name__,
            edition=edition,
            rule=request.rule,
            because=request.because,
            amount=request.amount,
            units=request.units,
            rma_lines=request.rma_lines,
            credit=request.credit,
            policy=policy,
            batch=getattr(command, "batch", None),
            pays_from=request.pays_from,
            exchange=request.exchange,
            attested=request.attested,
        )
        self._evolve(name, fact)

    def _carry_out(self, name: str, command: AnyCommand) -> None:
        step = self._cases[name].steps[command.step]
        if command.role is Role.ERP:
            outcome = self.erp.perform(command)
            kind = KINDS.get(type(command), ("", ""))[0]
            if self._twice or kind in self._repeat:
                self._repeat.discard(kind)
                outcome = self.erp.perform(command) if isinstance(outcome, Done) else outcome
        else:
            outcome = self._told_portal(name, command)
        family = ROLE_FAMILY[command.role]
        done = isinstance(outcome, Done)
        sent = Sent(command=command, edition=step.edition, done=done, family=family)
        self._sent[command.key, step.edition] = sent
        self._evolve(name, outcome_fact(step, outcome, self._moment()))
        if isinstance(command, ReleaseRefund):
            self._process(name)

    def _told_portal(self, name: str, command: AnyCommand) -> Outcome:
        match command:
            case FetchOrder():
                self._evolve(name, OrderSeen(key=f"order/{self.order.order_ref}", order=self.order))
            case ReleaseRefund():
                self._tick("release")
            case SendNote():
                self._tick("note")
            case ReportInspection():
                self._tick("inspection")
        return Done()

    def _tick(self, what: str) -> None:
        self._told[what] = self._told.get(what, 0) + 1

    def _check(self) -> None:
        """What may never happen, whatever the story: crediting more than the order, or making a document twice."""
        credited = sum(document.gross or 0 for document in self.erp.standing("credit note"))
        assert credited <= max(worth(self.order), self.refunded()), f"{credited} credited on {worth(self.order)}"
        booked = sum(self.erp.stock().values())
        assert booked <= sum(len(case.units) for case in self._cases.values()), "more units booked than came"
