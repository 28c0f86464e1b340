"""The Reveni adapter against the simulated Reveni over loopback: both written from the sheet, neither from the other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from counterfoil.core.commands import (
    AnyCommand,
    CancelReturn,
    CaseRef,
    GradedUnit,
    ReadReturn,
    ReleaseRefund,
    ReportInspection,
)
from counterfoil.core.events import (
    LabelMoved,
    OutsideFact,
    PortalInspected,
    RefundMoved,
    RefundReported,
    RefundState,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnProcessed,
    StoreCreditIssued,
)
from counterfoil.core.returns import Disposition, PortalReturn, Stage
from counterfoil.portals.reveni import SPEC
from counterfoil.portals.reveni.client import ReveniClient
from counterfoil.portals.reveni.config import Acceptance, ReveniConfig
from counterfoil.portals.reveni.sim import ReveniSimulator
from counterfoil.portals.reveni.webhooks import HOOK
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, LockedOut, Outcome, Refused, Unknown
from counterfoil.ports.translation import Kind, Signature, Translation
from counterfoil.ports.vendors import Delivery
from counterfoil.simkit.server import Running

SECRET = "a-secret-word-in-the-address"
KEY, STORE = "reveni-example-key", "9f0c1d5b7a2e4c6688aa001122334455"
SANDBOX_KEY, SANDBOX_STORE = "reveni-example-sandbox-key", "5a5a0c1d5b7a2e4c6688aa0011223344"
ORDER: dict[str, Any] = {
    "id": 4500000001,
    "name": "#EX1001",
    "currency": "GBP",
    "taxes_included": False,
    "email": "robin@example.com",
    "line_items": [
        {
            "id": 5500001,
            "sku": "TEE-BLK-M",
            "title": "Example tee",
            "quantity": 3,
            "price": "25.00",
            "tax_lines": [{"price": "15.00"}],
            "discount_allocations": [],
        },
        {
            "id": 5500002,
            "sku": "CAP-RED",
            "title": "Example cap",
            "quantity": 1,
            "price": "10.00",
            "tax_lines": [{"price": "2.00"}],
            "discount_allocations": [],
        },
    ],
}
SWAP = {"sku": "TEE-BLK-L", "price": "40.00"}


class Inbox:
    """Receives webhooks and answers 200; what follows the connection's name in the path is the secret."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                """Stay silent."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                names = {name.lower(): value for name, value in self.headers.items()}
                tail = self.path.removeprefix("/webhooks/reveni/uk/")
                outer.deliveries.append(Delivery(body=body, headers=names, path_tail=tail))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/reveni/uk/{SECRET}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def read(self) -> list[Translation]:
        return [SPEC.translate(delivery) for delivery in self.deliveries]


class Portal:
    """A running simulator in a thread of its own, with its control path."""

    def __init__(self, world: dict[str, Any]) -> None:
        self.events = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.events.run_forever, daemon=True)
        self.thread.start()
        self.running = Running(ReveniSimulator(world))
        self._await(self.running.start())
        self.url = self.running.base_url
        self.http = httpx2.Client(base_url=self.url, trust_env=False)

    def _await(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.events).result(10)

    def control(self, path: str, **given: Any) -> Any:
        answer = self.http.post(f"/__sim/{path}", json=given)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.http.get("/__sim/state").json()

    def fault(self, match: str, kind: str, times: int = 1) -> None:
        self.control("faults", match=match, kind=kind, times=times)

    def shopper_returns(self, quantity: int = 1, line: int = 5500001, **given: Any) -> str:
        lines = [{"line_item_id": line, "quantity": quantity, "reason": "Too small"}]
        return str(self.control("returns", order=ORDER, lines=lines, **given)["id"])

    def received(self, **given: Any) -> str:
        number = self.shopper_returns(**given)
        self.control(f"returns/{number}/receive")
        return number

    def items(self, number: str) -> list[str]:
        return next(one["items"] for one in self.state()["returns"] if one["id"] == number)

    def verdicts(self) -> list[Any]:
        return [told["items"] for told in self.state()["verdicts"]]

    def stop(self) -> None:
        self.http.close()
        self._await(self.running.stop())
        self.events.call_soon_threadsafe(self.events.stop)
        self.thread.join(10)
        self.events.close()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def running() -> Iterator[Portal]:
    made = Portal({"clock": "2026-11-02T09:00:00Z"})
    yield made
    made.stop()


@pytest.fixture
def portal(running: Portal) -> Portal:
    running.control("reset")
    return running


def opened(portal: Portal, **changes: Any) -> ReveniClient:
    usual = {"api_key": KEY, "store_id": STORE, "base_url": portal.url, "timeout_s": 2, "calls_per_second": 1000.0}
    return ReveniClient(ReveniConfig(**{**usual, **changes}), sleep=lambda _: None)


@pytest.fixture
def client(portal: Portal) -> Iterator[ReveniClient]:
    made = opened(portal)
    yield made
    made.close()


def case(number: str) -> CaseRef:
    return CaseRef(brand="acme", portal="reveni", return_id=number)


def facts(client: ReveniClient, number: str) -> tuple[OutsideFact, ...]:
    found = client.perform(ReadReturn(case=case(number), step="read"))
    assert isinstance(found, Done), found
    return found.facts


def said(client: ReveniClient, number: str) -> dict[str, str]:
    """What a person is told about a return, by kind."""
    found = client.perform(ReadReturn(case=case(number), step="read"))
    assert isinstance(found, Done), found
    return {one.kind: one.message for one in found.findings}


def shown(client: ReveniClient, number: str) -> PortalReturn:
    return next(fact.portal_return for fact in facts(client, number) if hasattr(fact, "portal_return"))


def inspection(number: str, *units: tuple[str, Disposition]) -> ReportInspection:
    found = tuple(GradedUnit(line_id=line, condition="good", disposition=disposition) for line, disposition in units)
    return ReportInspection(case=case(number), step="inspection-1", units=found)


def release(number: str) -> ReleaseRefund:
    return ReleaseRefund(case=case(number), step="release-1")


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end, "waited five seconds in vain"
        time.sleep(0.01)


def carried_out(client: ReveniClient, command: AnyCommand) -> Outcome:
    """As the worker does it: look the command up after every try that left a doubt, before the next."""
    outcome = client.perform(command)
    for _ in range(3):
        if not isinstance(outcome, Busy | Unknown):
            return outcome
        found = client.find(command)
        outcome = found if found is not None else client.perform(command)
    return outcome


# --- webhooks -------------------------------------------------------------------------------------------------------


def test_a_webhook_leads_to_the_return_and_says_nothing_itself(
    portal: Portal, client: ReveniClient, inbox: Inbox
) -> None:
    assert isinstance(client.ensure_webhooks(inbox.url), Done)
    assert client.ensure_webhooks(inbox.url).message == "Every webhook was already there."
    number = portal.shopper_returns()
    eventually(lambda: len(inbox.deliveries) == 1)
    (delivery,), (found,) = inbox.deliveries, inbox.read()
    assert HOOK.verify(delivery, (SECRET,)) is Signature.NOT_SIGNED
    assert (found.topic, found.events, found.reread) == ("return.created", (), (number,))
    assert isinstance(facts(client, number)[0], ReturnAuthorised)


def test_events_that_come_twice_late_or_in_disorder_lead_to_the_same_facts(
    portal: Portal, client: ReveniClient, inbox: Inbox
) -> None:
    client.ensure_webhooks(inbox.url)
    portal.control("webhooks/hold")
    number = portal.received()
    portal.control("webhooks/release", order="reversed")
    portal.control("emit", id=number, variant="duplicate")
    eventually(lambda: len(inbox.deliveries) == 3)
    told = [{fact.key for fact in facts(client, found.reread[0])} for found in inbox.read()]
    assert told[0] == told[1] == told[2]
    assert len({HOOK.delivery_key(delivery) for delivery in inbox.deliveries}) == 2


@pytest.mark.parametrize(
    ("variant", "kind", "problems"),
    [
        ("empty", Kind.UNREADABLE, ["unreadable_delivery"]),
        ("truncated", Kind.UNREADABLE, ["unreadable_delivery"]),
        ("unknown_event", Kind.OTHER, ["unknown_topic"]),
        ("extra_keys", Kind.OTHER, []),
        ("signed", Kind.OTHER, ["portal_signs_webhooks"]),
    ],
)
def test_a_spoiled_event_is_told_and_never_a_fact(
    portal: Portal, inbox: Inbox, variant: str, kind: Kind, problems: list[str]
) -> None:
    number = portal.shopper_returns()
    portal.control("emit", id=number, variant=variant, url=inbox.url)
    eventually(lambda: len(inbox.deliveries) == 1)
    (found,) = inbox.read()
    assert (found.kind, [one.kind for one in found.problems], found.events) == (kind, problems, ())


def test_an_event_about_a_return_nobody_has_ends_at_the_api(portal: Portal, client: ReveniClient, inbox: Inbox) -> None:
    portal.control("emit", id=portal.shopper_returns(), variant="foreign_id", url=inbox.url)
    eventually(lambda: len(inbox.deliveries) == 1)
    (number,) = inbox.read()[0].reread
    found = client.perform(ReadReturn(case=case(number), step="read"))
    assert isinstance(found, Refused) and found.kind == "return_not_found_in_portal"


def test_a_signature_under_our_secret_is_valid_once_reveni_signs(portal: Portal, inbox: Inbox) -> None:
    portal.control("settings", signature_secret="a-shared-secret")
    portal.control("emit", id=portal.shopper_returns(), url=inbox.url)
    eventually(lambda: len(inbox.deliveries) == 1)
    assert HOOK.verify(inbox.deliveries[0], ("a-shared-secret",)) is Signature.VALID


# --- one return in every spelling -----------------------------------------------------------------------------------

SPELLINGS: list[dict[str, Any]] = [
    {"naming": "other"},
    {"money_as": "text"},
    {"times_as": "unix"},
    {"api_case": "lower"},
    {"pending_word": "pending_validation"},
    {"unknown_keys": False},
    {"naming": "other", "money_as": "text", "times_as": "unix", "api_case": "lower"},
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_changes_what_a_return_says(portal: Portal, client: ReveniClient, spelling: dict[str, Any]) -> None:
    number = portal.shopper_returns(2, instant=True, outcome="bank_transfer", fees="1.50")
    usual = facts(client, number)
    portal.control("settings", **spelling)
    assert [fact.key for fact in facts(client, number)] == [fact.key for fact in usual]
    assert (
        shown(client, number).tenders == next(f.portal_return for f in usual if isinstance(f, ReturnAuthorised)).tenders
    )


def test_units_that_were_not_paid_the_same_are_rows_of_their_own(portal: Portal, client: ReveniClient) -> None:
    line = {**ORDER["line_items"][0], "discount_allocations": [{"amount": "0.05"}], "tax_lines": [{"price": "14.99"}]}
    lines = [{"line_item_id": 5500001, "quantity": 3, "reason": "Too small"}]
    made = portal.control("returns", order={**ORDER, "line_items": [line]}, lines=lines)
    assert said(client, made["id"]) == {}  # Reveni's figures add up
    assert sum(line.qty for line in shown(client, made["id"]).lines) == 3


# --- not instant: inspection, release, refund -----------------------------------------------------------------------


def test_goods_are_inspected_released_and_paid_in_this_order(portal: Portal, client: ReveniClient) -> None:
    number = portal.received(quantity=2)
    (item,) = portal.items(number)
    assert isinstance(client.perform(inspection(number, (item, Disposition.SELLABLE))), Done)
    assert (portal.verdicts(), portal.state()["refunds"]) == ([], [])
    assert isinstance(client.perform(release(number)), Done)
    assert portal.verdicts() == [[{"item_id": item, "quantity": 2, "status": "accepted"}]]
    told = facts(client, number)
    (reported,) = [fact for fact in told if isinstance(fact, RefundReported)]
    assert (reported.amount, reported.gateway) == (6000, None)
    assert [fact for fact in told if isinstance(fact, ReturnProcessed)]
    assert not [fact for fact in told if isinstance(fact, RefundMoved)]
    assert isinstance(client.perform(release(number)), AlreadyDone)


def test_a_policy_under_which_reveni_pays_tells_acceptance_at_once(portal: Portal) -> None:
    client = opened(portal, acceptance=Acceptance.ON_INSPECTION)
    number = portal.received()
    (item,) = portal.items(number)
    assert isinstance(client.perform(inspection(number, (item, Disposition.SELLABLE))), Done)
    assert [fact.amount for fact in facts(client, number) if isinstance(fact, RefundReported)] == [3000]
    assert isinstance(client.perform(inspection(number, (item, Disposition.SELLABLE))), AlreadyDone)
    client.close()


def test_a_row_found_short_is_accepted_in_part_and_paid_in_part(portal: Portal, client: ReveniClient) -> None:
    number = portal.received(quantity=3)
    (item,) = portal.items(number)
    found = client.perform(
        inspection(number, (item, Disposition.SELLABLE), (item, Disposition.SELLABLE), (item, Disposition.MISSING))
    )
    assert isinstance(found, Done)
    told = facts(client, number)
    assert [fact.disposition for fact in told if isinstance(fact, PortalInspected)] == ["sellable", "missing"]
    assert [fact.amount for fact in told if isinstance(fact, RefundReported)] == [6000]
    assert shown(client, number).state == "partly_accepted"


@pytest.mark.parametrize("word", ["PARTLY_ACCEPTED", "PARTIALLY_ACCEPTED", "ACCEPTED"])
def test_a_mixed_verdict_is_read_whatever_reveni_calls_it(portal: Portal, client: ReveniClient, word: str) -> None:
    portal.control("settings", partly_word=word)
    lines = [
        {"line_item_id": 5500001, "quantity": 1, "reason": "x"},
        {"line_item_id": 5500002, "quantity": 1, "reason": "y"},
    ]
    number = portal.control("returns", order=ORDER, lines=lines)["id"]
    tee, cap = portal.items(number)
    client.perform(inspection(number, (tee, Disposition.SELLABLE), (cap, Disposition.MISSING)))
    assert portal.verdicts()[0][0]["item_id"] == cap
    assert isinstance(client.perform(release(number)), Done)
    found = shown(client, number)
    assert (found.stage, [line.disposition for line in found.lines]) == (
        Stage.PROCESSED,
        [Disposition.SELLABLE, Disposition.MISSING],
    )
    assert found.tenders.refund == 3000


def test_a_return_refused_whole_is_closed_without_credit(portal: Portal, client: ReveniClient) -> None:
    number = portal.received()
    (item,) = portal.items(number)
    client.perform(inspection(number, (item, Disposition.MISSING)))
    told = facts(client, number)
    assert [fact for fact in told if isinstance(fact, ReturnCancelled)]
    assert not [fact for fact in told if isinstance(fact, RefundReported)]
    assert isinstance(client.perform(release(number)), Refused)


@pytest.mark.parametrize("refusal", [409, 422])
def test_a_verdict_after_a_person_decided_otherwise_goes_to_finance(
    portal: Portal, client: ReveniClient, refusal: int
) -> None:
    portal.control("settings", verdict_refusal=refusal)
    number = portal.received()
    (item,) = portal.items(number)
    portal.control(f"returns/{number}/validate")
    found = client.perform(inspection(number, (item, Disposition.MISSING)))
    assert isinstance(found, Refused) and found.kind == "verdict_differs_in_portal"
    assert portal.verdicts() == []


def test_goods_not_for_stock_are_in_quarantine(portal: Portal, client: ReveniClient) -> None:
    number = portal.received()
    portal.control(f"returns/{number}/validate", items=[{"restock": False}])
    assert shown(client, number).lines[0].disposition is Disposition.QUARANTINE


def test_a_withheld_refund_cannot_be_released_and_is_told_when_issued_by_hand(
    portal: Portal, client: ReveniClient
) -> None:
    number = portal.received(withhold=True)
    assert isinstance(client.perform(release(number)), Done)
    found = client.perform(release(number))
    assert isinstance(found, Refused) and found.kind == "refund_withheld_in_portal"
    portal.control(f"returns/{number}/issue", amount="25.00")
    portal.control(f"returns/{number}/adjust", amount="2.50")
    told = [fact.amount for fact in facts(client, number) if isinstance(fact, RefundReported)]
    assert (told, shown(client, number).tenders.refund) == ([2500, 250], 2750)


def test_store_credit_is_a_liability_with_its_bonus(portal: Portal, client: ReveniClient) -> None:
    number = portal.received(outcome="store_credit", bonus="3.00")
    client.perform(release(number))
    (credit,) = [fact for fact in facts(client, number) if isinstance(fact, StoreCreditIssued)]
    assert (credit.issued, credit.bonus, credit.currency) == (3300, 300, "GBP")


def test_a_return_somebody_put_into_review_is_not_released(portal: Portal, client: ReveniClient) -> None:
    number = portal.received()
    portal.control(f"returns/{number}/flag")
    found = client.perform(release(number))
    assert isinstance(found, Refused) and found.kind == "return_flagged_in_portal"
    assert portal.verdicts() == []


# --- instant --------------------------------------------------------------------------------------------------------


def test_an_instant_refund_is_reveni_s_money_from_the_first_moment(portal: Portal, client: ReveniClient) -> None:
    number = portal.shopper_returns(instant=True, outcome="bank_transfer", created_at="2026-11-02T09:00:00Z")
    (moved,) = [fact for fact in facts(client, number) if isinstance(fact, RefundMoved)]
    assert (moved.gateway, moved.amount, moved.status) == ("reveni_clearing", 3000, RefundState.CONFIRMED)
    assert portal.state()["refunds"][0]["paid_by"] == "reveni"
    due = said(client, number)["decision_due_in_portal"]
    assert "2026-12-02T09:00:00Z" in due and "30.00 GBP is at stake" in due


def test_an_instant_return_nobody_decides_is_accepted_when_the_days_are_over(
    portal: Portal, client: ReveniClient
) -> None:
    number = portal.shopper_returns(instant=True, outcome="bank_transfer")
    before = {fact.key for fact in facts(client, number) if isinstance(fact, RefundMoved)}
    portal.control("clock", now="2026-12-02T08:59:00Z")
    assert shown(client, number).stage is Stage.AUTHORISED
    portal.control("clock", now="2026-12-02T09:01:00Z")
    assert shown(client, number).stage is Stage.PROCESSED
    assert {fact.key for fact in facts(client, number) if isinstance(fact, RefundMoved)} == before
    (item,) = portal.items(number)
    late = client.perform(inspection(number, (item, Disposition.MISSING)))
    assert isinstance(late, Refused) and late.kind == "verdict_differs_in_portal"


def test_an_instant_return_that_is_refused_leaves_the_money_with_reveni(portal: Portal, client: ReveniClient) -> None:
    number = portal.received(instant=True, outcome="bank_transfer")
    (item,) = portal.items(number)
    assert isinstance(client.perform(inspection(number, (item, Disposition.MISSING))), Done)
    assert said(client, number)["refund_borne_by_provider"].startswith("30.00 GBP of return")
    assert [fact.status for fact in facts(client, number) if isinstance(fact, RefundMoved)] == [RefundState.CONFIRMED]


def test_an_instant_return_needs_no_release(portal: Portal, client: ReveniClient) -> None:
    number = portal.received(instant=True)
    assert isinstance(client.perform(release(number)), AlreadyDone)
    assert portal.verdicts() == []


# --- exchanges ------------------------------------------------------------------------------------------------------


def test_a_dearer_exchange_names_the_surcharge_the_new_order_took(portal: Portal, client: ReveniClient) -> None:
    number = portal.shopper_returns(instant=True, outcome="exchange", exchange=SWAP)
    found = shown(client, number)
    assert (found.tenders.upsell_collected, found.tenders.exchange_used, found.tenders.refund) == (1000, 3000, 0)
    (line,) = found.exchange_lines
    assert (line.sku, line.total, line.order_name) == ("TEE-BLK-L", 4000, "#EX1")
    assert "30.00 GBP is at stake" in said(client, number)["decision_due_in_portal"]


@pytest.mark.parametrize(("price", "refund", "used"), [("30.00", 0, 3000), ("20.00", 1000, 2000)])
def test_an_even_or_cheaper_exchange_adds_up(
    portal: Portal, client: ReveniClient, price: str, refund: int, used: int
) -> None:
    number = portal.received(outcome="exchange", exchange={**SWAP, "price": price})
    client.perform(release(number))
    found = shown(client, number)
    assert (found.tenders.refund, found.tenders.exchange_used, found.tenders.upsell_collected) == (refund, used, 0)
    assert said(client, number) == {}


def test_every_row_decides_for_itself_whether_it_is_an_exchange(portal: Portal, client: ReveniClient) -> None:
    lines = [
        {"line_item_id": 5500001, "quantity": 1, "reason": "x", "exchange": {**SWAP, "price": "30.00"}},
        {"line_item_id": 5500002, "quantity": 1, "reason": "y"},
    ]
    number = portal.control("returns", order=ORDER, lines=lines, instant=True)["id"]
    found = shown(client, number)
    assert [line.line_outcome for line in found.lines] == ["exchange", "refund"]
    assert (found.tenders.refund, len(found.exchange_lines)) == (1200, 1)


# --- parcels and ends -----------------------------------------------------------------------------------------------


def test_a_parcel_is_followed_to_the_warehouse(portal: Portal, client: ReveniClient) -> None:
    number = portal.shopper_returns()
    portal.control(f"returns/{number}/label", status="in_transit", tracking_number="EP1", carrier="Example Post")
    portal.control(f"returns/{number}/label", status="delivered")
    (label,) = [fact for fact in facts(client, number) if isinstance(fact, LabelMoved)]
    assert (label.label_status, label.tracking, label.carrier) == ("delivered", "EP1", "Example Post")


def test_a_return_the_shopper_called_off_is_cancelled(portal: Portal, client: ReveniClient) -> None:
    number = portal.shopper_returns()
    portal.control(f"returns/{number}/cancel")
    assert [fact for fact in facts(client, number) if isinstance(fact, ReturnCancelled)]
    assert isinstance(client.find(CancelReturn(case=case(number), step="cancel-1")), Done)


@pytest.mark.parametrize(
    ("status", "moved"), [("PENDING", True), ("ON_HOLD", True), ("COMPLETED", True), ("EXPIRED", False)]
)
def test_every_status_that_only_has_a_name_is_read(
    portal: Portal, client: ReveniClient, status: str, moved: bool
) -> None:
    number = portal.shopper_returns()
    portal.control(f"returns/{number}/status", status=status)
    staged = [fact for fact in facts(client, number) if hasattr(fact, "portal_return")]
    assert bool(staged) is moved


# --- faults ---------------------------------------------------------------------------------------------------------


def test_a_verdict_whose_answer_was_lost_is_found_and_never_told_twice(portal: Portal, client: ReveniClient) -> None:
    number = portal.received()
    client_short = opened(portal, timeout_s=0.5)
    portal.fault("partial_validate", "timeout_after_commit")
    assert isinstance(client_short.perform(release(number)), Unknown)
    assert isinstance(client_short.find(release(number)), Done)
    assert len(portal.verdicts()) == 1
    client_short.close()


@pytest.mark.parametrize("kind", ["429", "503", "wrong_body"])
@pytest.mark.parametrize("where", ["partial_validate", "/returns/"])
def test_one_fault_never_pays_twice_and_never_forgets(
    portal: Portal, client: ReveniClient, kind: str, where: str
) -> None:
    number = portal.received()
    portal.fault(where, kind)
    assert isinstance(carried_out(client, release(number)), Done)
    assert len(portal.verdicts()) == 1
    assert len(portal.state()["refunds"]) == 1


def test_the_pace_of_the_store_is_kept_by_waiting(portal: Portal, client: ReveniClient) -> None:
    number = portal.shopper_returns()
    portal.control("settings", per_second=1)
    outcomes = [client.perform(ReadReturn(case=case(number), step="read")) for _ in range(2)]
    assert [type(outcome) for outcome in outcomes] == [Done, Busy]
    assert isinstance(outcomes[1], Busy) and outcomes[1].after_s == 1.0


# --- stores and polling ---------------------------------------------------------------------------------------------


def test_a_key_sees_its_own_store_only(portal: Portal) -> None:
    for changes, ok in (
        ({}, True),
        ({"api_key": "wrong"}, False),
        ({"store_id": "0" * 32}, False),
        ({"api_key": SANDBOX_KEY, "store_id": SANDBOX_STORE, "base_url": f"{portal.url}/sandbox"}, True),
        ({"api_key": KEY, "store_id": STORE, "base_url": f"{portal.url}/sandbox"}, False),
    ):
        client = opened(portal, **changes)
        assert client.probe().ok is ok, changes
        if not ok:
            assert isinstance(client.perform(release("1" * 32)), LockedOut)
        client.close()


def test_a_poll_tells_the_same_facts_as_reading_after_a_webhook(portal: Portal, client: ReveniClient) -> None:
    numbers = {portal.received(line=5500001), portal.shopper_returns(line=5500002, instant=True)}
    portal.control("clock", now="2026-11-02T10:00:00Z")
    polled = list(client.changes("2026-11-02T08:00:00Z", "2026-11-02T10:00:00Z"))
    assert {one.portal_return.return_id for one in polled if one.portal_return} == numbers
    for one in polled:
        assert one.portal_return is not None
        assert one.events == facts(client, one.portal_return.return_id)


def test_a_poll_follows_every_page(portal: Portal, client: ReveniClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterfoil.portals.reveni.polling.PAGE_SIZE", 2)
    numbers = {portal.shopper_returns(line=5500001) for _ in range(3)} | {portal.shopper_returns(line=5500002)}
    polled = list(client.changes("2026-11-02T08:00:00Z", "2026-11-02T10:00:00Z"))
    assert {one.portal_return.return_id for one in polled if one.portal_return} == numbers


def test_a_poll_after_the_change_finds_nothing(portal: Portal, client: ReveniClient) -> None:
    portal.shopper_returns()
    assert list(client.changes("2026-11-02T12:00:00Z", "2026-11-02T14:00:00Z")) == []
