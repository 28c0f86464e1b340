"""What people do is carried out once, refused with a sentence when it does not fit, and written into the log."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from counterfoil.core.case import StepState
from counterfoil.flow.resolve import People
from counterfoil.ports.actions import ActionError
from counterfoil.ports.outcomes import Refused
from counterfoil.store.log import verify
from counterfoil.testing.builders import parcel, portal_return
from counterfoil.testing.outside import Webhook
from counterfoil.testing.road import Road

CASE = "north/acme-portal/R1"
OPEN = "OpenReturnAuthorisation"


@pytest.fixture
def people(road: Road) -> People:
    return People(road.world)


@pytest.fixture
def refused(road: Road) -> Road:
    """A return whose RMA the ERP refused."""
    road.outside.plan[OPEN] = [Refused(kind="period_closed", message="October is closed.")]
    road.outside.show(portal_return())
    road.settle()
    assert road.problems() == ["period_closed"]
    return road


def entries(road: Road, name: str) -> list[dict[str, object]]:
    """Log entries of this kind: stream, actor and what they say."""
    rows = road.rows("select stream, actor, payload from log where name = :name order by id", name=name)
    return [{"stream": r["stream"], "actor": r["actor"], **msgspec.json.decode(r["payload"])} for r in rows]


def test_a_refused_step_is_tried_again(refused: Road, people: People) -> None:
    people.retry(CASE, "rma-1", "robin", "the period is open again")
    refused.settle()
    assert refused.problems() == []
    step = refused.case().done("rma-1")
    assert step is not None
    assert step.edition == 2
    (entry,) = entries(refused, "RetryAsked.v1")
    assert (entry["stream"], entry["actor"], entry["reason"]) == (CASE, "person:robin", "the period is open again")
    assert verify(refused.world.database).faults == ()


def test_it_can_be_tried_again_as_often_as_it_is_refused(refused: Road, people: People) -> None:
    refused.outside.plan[OPEN] = [Refused(kind="period_closed", message="Still closed.")] * 2
    for _ in range(3):
        people.retry(CASE, "rma-1", "robin", "")
        refused.settle()
    assert len(entries(refused, "RetryAsked.v1")) == 3
    assert refused.outside.keys(OPEN) == [f"{CASE}/rma-1"]


def test_retry_without_a_step_only_looks_again(refused: Road, people: People) -> None:
    people.retry(CASE, "", "robin", "")
    assert refused.problems() == ["period_closed"]
    assert entries(refused, "RetryAsked.v1") == []


def test_a_step_done_by_hand_is_settled_with_its_document(refused: Road, people: People) -> None:
    people.settle(CASE, "rma-1", "alex", "made it in the ERP", "RMA99")
    refused.settle()
    step = refused.case().rma
    assert step is not None
    assert (step.number, step.message) == ("RMA99", "done by hand by alex: made it in the ERP")
    assert refused.problems() == []
    assert refused.outside.keys(OPEN) == []
    (entry,) = entries(refused, "StepSettled.v1")
    assert (entry["actor"], entry["number"]) == ("person:alex", "RMA99")
    assert refused.rows("select kind, number from documents") == [{"kind": "rma", "number": "RMA99"}]


def test_an_accepted_difference_lets_the_return_go_on(road: Road, people: People) -> None:
    road.outside.show(portal_return(refund=3000))
    road.outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], order_number="#1001"))
    road.settle()
    assert road.problems() == ["refund_value_differs"]
    people.accept(CASE, "refund_value_differs", "frankie", "agreed with the customer")
    road.settle()
    assert road.problems() == []
    assert road.row()["progress"] == "finished"
    assert road.row()["credited_minor"] == road.row()["refunded_minor"] == 3000
    (entry,) = entries(road, "DifferenceAccepted.v1")
    assert (entry["actor"], entry["reason"]) == ("person:frankie", "agreed with the customer")


def test_a_problem_closed_by_hand_comes_back_when_its_cause_is_still_there(refused: Road, people: People) -> None:
    (row,) = refused.rows("select id from problems where state = 'open'")
    people.resolve_problem(row["id"], "robin", "looked at it")
    assert refused.problems() == []
    (closed,) = refused.rows("select state, closed_by, closed_because from problems")
    assert list(closed.values()) == ["resolved", "robin", "looked at it"]
    (entry,) = entries(refused, "ProblemResolved.v1")
    assert (entry["stream"], entry["actor"], entry["problem"]) == ("system/problems", "person:robin", row["id"])
    people.retry(CASE, "", "robin", "")
    assert refused.problems() == ["period_closed"]
    assert refused.rows("select came_back from problems where state = 'open'") == [{"came_back": 1}]


def test_a_paused_connection_sends_nothing_but_keeps_what_arrives(road: Road, people: People) -> None:
    people.pause("erp", "robin", "stocktaking")
    road.outside.show(portal_return())
    road.settle()
    assert [call for call in road.outside.calls if call.connection == "erp"] == []
    assert road.row()["progress"] == "open"
    (row,) = road.rows("select paused_because from connections where name = 'erp'")
    assert row["paused_because"] == "paused by robin: stocktaking"
    people.resume("erp", "alex")
    road.settle()
    assert road.outside.keys(OPEN) == [f"{CASE}/rma-1"]
    (paused,) = entries(road, "ConnectionPaused.v1")
    (resumed,) = entries(road, "ConnectionResumed.v1")
    assert (paused["actor"], paused["reason"], resumed["actor"]) == ("person:robin", "stocktaking", "person:alex")
    assert verify(road.world.database).faults == ()


def test_a_delivery_is_read_again_and_that_is_written_down(road: Road, people: People) -> None:
    road.keep(Webhook(connection="portal", body=b"{broken", headers={}))
    road.read()
    (row,) = road.rows("select id from deliveries")
    people.requeue_delivery(row["id"], "robin")
    assert road.problems() == []
    (entry,) = entries(road, "DeliveryRequeued.v1")
    assert (entry["stream"], entry["delivery"], entry["actor"]) == ("system/deliveries", row["id"], "person:robin")
    road.read()
    assert road.problems() == ["unreadable_delivery"]


REFUSALS: dict[str, tuple[Callable[[People], None], str]] = {
    "retry of a return that is not there": (lambda p: p.retry("north/x/9", "rma-1", "robin", ""), "There is no return"),
    "retry of a step that is not there": (lambda p: p.retry(CASE, "rma-7", "robin", ""), "has no step rma-7"),
    "retry of a step that is done": (lambda p: p.retry(CASE, "order-1", "robin", ""), "only a refused step"),
    "settling without a reason": (lambda p: p.settle(CASE, "rma-1", "robin", " ", "1"), "Say in a few words"),
    "settling a step that is done": (lambda p: p.settle(CASE, "order-1", "robin", "x", "1"), "only a refused step"),
    "accepting without a reason": (lambda p: p.accept(CASE, "period_closed", "robin", ""), "needs a reason"),
    "accepting what is not open": (lambda p: p.accept(CASE, "short_receipt", "robin", "x"), "is not open any more"),
    "accepting on no return": (lambda p: p.accept("north/x/9", "short_receipt", "robin", "x"), "There is no return"),
    "resolving nothing": (lambda p: p.resolve_problem(999, "robin", "x"), "no such exception"),
    "resolving without a reason": (lambda p: p.resolve_problem(1, "robin", ""), "needs a reason"),
    "pausing nothing": (lambda p: p.pause("nobody", "robin", ""), "no connection 'nobody'"),
    "resuming nothing": (lambda p: p.resume("nobody", "robin"), "no connection 'nobody'"),
    "requeueing nothing": (lambda p: p.requeue_delivery(999, "robin"), "no such delivery"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_does_not_fit_is_refused_with_a_sentence_and_changes_nothing(
    refused: Road, people: People, what: str
) -> None:
    act, sentence = REFUSALS[what]
    tables = ("log", "problems", "commands", "cases", "connections", "deliveries")
    before = {table: refused.rows(f"select * from {table}") for table in tables}
    with pytest.raises(ActionError, match=sentence) as told:
        act(people)
    assert str(told.value).endswith(".")
    assert {table: refused.rows(f"select * from {table}") for table in tables} == before


def test_the_second_of_two_people_hears_that_somebody_was_quicker(refused: Road, people: People) -> None:
    (row,) = refused.rows("select id from problems where state = 'open'")
    people.resolve_problem(row["id"], "robin", "done")
    with pytest.raises(ActionError, match="already closed"):
        people.resolve_problem(row["id"], "alex", "done")
    people.settle(CASE, "rma-1", "robin", "by hand", "RMA99")
    with pytest.raises(ActionError, match="is done; only a refused step"):
        people.settle(CASE, "rma-1", "alex", "by hand", "RMA98")
    step = refused.case().rma
    assert step is not None
    assert (step.state, step.number) == (StepState.DONE, "RMA99")


def test_a_delivery_that_waits_to_be_read_cannot_be_requeued(road: Road, people: People) -> None:
    road.keep(Webhook(connection="portal", body=b"[]", headers={}))
    (row,) = road.rows("select id from deliveries")
    with pytest.raises(ActionError, match="being read already"):
        people.requeue_delivery(row["id"], "robin")
