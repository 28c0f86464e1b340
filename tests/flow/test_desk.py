"""Work on one exception: once, by one person at a time, with its history and its place in the totals."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.flow.desk import Desk
from counterfoil.ports.actions import ActionError
from counterfoil.ports.outcomes import Refused
from counterfoil.store import problems
from counterfoil.store.database import now_ms
from counterfoil.store.log import verify
from counterfoil.testing.builders import parcel, portal_return, sold_order
from counterfoil.testing.road import Road

DAY = 86_400_000
OPEN = "OpenReturnAuthorisation"


@pytest.fixture
def desk(road: Road) -> Desk:
    """A return whose RMA the ERP refused, and a desk."""
    road.outside.plan[OPEN] = [Refused(kind="period_closed", message="October is closed.")]
    road.outside.show(portal_return())
    road.settle()
    return Desk(road.world)


def row(road: Road) -> dict[str, Any]:
    (found,) = road.rows("select * from problems")
    return found


def told(road: Road) -> list[tuple[str, str]]:
    return [(r["by_whom"], r["what"]) for r in road.rows("select by_whom, what from problem_history order by id")]


def totals(road: Road) -> list[tuple[str, int, int]]:
    """(cause, resting, problems) of what is open, as the totals say; folded and unfolded must agree."""

    def read() -> list[tuple[str, int, int]]:
        with road.world.database.read() as tx:
            return sorted((r["cause"], r["snoozed"], r["problems"]) for r in problems.open_by_cause(tx))

    before = read()
    problems.fold(road.world.database)
    assert read() == before
    return before


def test_an_exception_is_due_by_the_target_of_its_kind(road: Road, desk: Desk) -> None:
    found = row(road)
    assert found["due_ms"] - found["opened_ms"] == 24 * 3_600_000


def test_of_two_people_who_take_it_the_second_is_told_and_changes_nothing(road: Road, desk: Desk) -> None:
    version = row(road)["version"]
    desk.assign(row(road)["id"], version, "robin", "robin")
    with pytest.raises(ActionError, match="Nothing was done: robin assigned it meanwhile"):
        desk.assign(row(road)["id"], version, "alex", "alex")
    with pytest.raises(ActionError, match="Nothing was done"):
        desk.close(row(road)["id"], version, "alex", "mine")
    assert row(road)["assignee"] == "robin" and row(road)["state"] == "open"
    assert told(road) == [("counterfoil", "opened"), ("robin", "assigned")]
    assert verify(road.world.database).faults == ()


def test_what_was_closed_meanwhile_names_who_closed_it(road: Road, desk: Desk) -> None:
    version = row(road)["version"]
    desk.close(row(road)["id"], version, "robin", "posted in November")
    for act in (
        lambda: desk.assign(row(road)["id"], version, "alex", "alex"),
        lambda: desk.snooze(row(road)["id"], version, now_ms() + DAY, None, "alex"),
        lambda: desk.close(row(road)["id"], version, "alex", "mine"),
    ):
        with pytest.raises(ActionError, match="robin closed this exception meanwhile \\(posted in November\\)"):
            act()
    assert totals(road) == []


def test_a_closed_exception_is_opened_again_and_marked(road: Road, desk: Desk) -> None:
    desk.close(row(road)["id"], row(road)["version"], "robin", "done")
    desk.reopen(row(road)["id"], row(road)["version"], "alex", "the customer called")
    assert (row(road)["state"], row(road)["came_back"]) == ("open", 1)
    assert [what for _, what in told(road)] == ["opened", "closed", "reopened"]
    assert [number for _, _, number in totals(road)] == [1]


def test_the_same_trouble_is_never_open_twice(road: Road, desk: Desk) -> None:
    desk.close(row(road)["id"], row(road)["version"], "robin", "done")
    first = row(road)
    road.tell("portal")  # nothing new; then the same return is looked at again
    from counterfoil.flow.look_again import look_at

    look_at(road.world, "north/acme-portal/R1")
    assert len(road.rows("select id from problems")) == 2
    with pytest.raises(ActionError, match="open already as a newer exception"):
        desk.reopen(first["id"], first["version"], "alex", "again")


def test_a_resting_exception_comes_back_at_its_time(road: Road, desk: Desk) -> None:
    desk.snooze(row(road)["id"], row(road)["version"], now_ms() + DAY, None, "robin")
    assert [(resting, number) for _, resting, number in totals(road)] == [(1, 1)]
    assert problems.wake_rested(road.world.database) == 0
    with road.world.database.write() as tx:
        tx.query("update problems set snoozed_until_ms = 1", {})
    assert problems.wake_rested(road.world.database) == 1
    assert [(resting, number) for _, resting, number in totals(road)] == [(0, 1)]
    assert told(road)[-1] == ("counterfoil", "woke")


def test_it_comes_back_when_there_is_news_of_the_return(road: Road, desk: Desk) -> None:
    desk.snooze(row(road)["id"], row(road)["version"], now_ms() + DAY, problems.NEWS, "robin")
    from counterfoil.flow.look_again import look_at

    look_at(road.world, "north/acme-portal/R1")
    assert row(road)["snoozed"] == 1  # only looked at: nothing happened
    road.tell("wms", parcel("P1", (("SHIRT-M", 1),), order_number="#1001"))
    assert row(road)["snoozed"] == 0


def test_it_comes_back_when_goods_come_and_not_before(road: Road, desk: Desk) -> None:
    from counterfoil.core.returns import LabelStatus
    from counterfoil.testing.builders import label

    desk.snooze(row(road)["id"], row(road)["version"], now_ms() + DAY, problems.GOODS, "robin")
    road.tell("portal", label("R1", LabelStatus.IN_TRANSIT, "JD1"))
    assert row(road)["snoozed"] == 1
    road.tell("wms", parcel("P1", (("SHIRT-M", 1),), order_number="#1001"))
    assert row(road)["snoozed"] == 0


def test_it_comes_back_when_the_connection_works_again(road: Road, desk: Desk) -> None:
    with road.world.database.write() as tx:
        tx.run("connection_trouble", name="erp", now=now_ms() + 5, message="away")
    desk.snooze(row(road)["id"], row(road)["version"], now_ms() + DAY, "connection:erp", "robin")
    assert problems.wake_rested(road.world.database) == 0
    with road.world.database.write() as tx:
        tx.run("connection_ok", name="erp", now=now_ms() + 10)
    assert problems.wake_rested(road.world.database) == 1


def test_rest_does_not_outlive_the_cause(road: Road, desk: Desk) -> None:
    desk.snooze(row(road)["id"], row(road)["version"], now_ms() + DAY, None, "robin")
    desk.replay("north", row(road)["cause"], "robin", "the period is open again")
    road.settle()
    assert row(road)["state"] == "ended"
    assert totals(road) == []


def test_people_named_in_a_comment_are_told_once_and_others_are_not(road: Road, desk: Desk) -> None:
    people = frozenset({"alex", "kim.o", "robin"})
    desk.comment(
        row(road)["id"], "@alex please look, @nobody too; write to a@alex.example @robin @alex", "robin", people
    )
    with road.world.database.read() as tx:
        found = tx.rows("mentions_new", who="alex", rows=9)
        assert [(r["by_whom"], r["problem_id"]) for r in found] == [("robin", row(road)["id"])]
        assert tx.rows("mentions_new", who="robin", rows=9) == tx.rows("mentions_new", who="nobody", rows=9) == []
    desk.seen(row(road)["id"], "alex")
    with road.world.database.read() as tx:
        assert tx.rows("mentions_new", who="alex", rows=9) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "empty"), ("x" * 1_000_000, "1,000,000 characters; 4,000 fit"), ("a\0b", "cannot be stored")],
)
def test_a_comment_that_does_not_fit_is_refused_with_a_sentence(
    road: Road, desk: Desk, text: str, sentence: str
) -> None:
    with pytest.raises(ActionError, match=sentence):
        desk.comment(row(road)["id"], text, "robin", frozenset())
    assert told(road) == [("counterfoil", "opened")]


def test_totals_equal_what_a_count_would_say(road: Road, desk: Desk) -> None:
    for number in range(2, 6):
        order = road.outside.sell(sold_order(f"90{number}", f"#20{number}"))
        road.outside.show(portal_return(f"R{number}", order, reason="Unheard of", refund=1000 * number))
    road.settle()
    desk.snooze(row_of(road, "R3")["id"], row_of(road, "R3")["version"], now_ms() + DAY, None, "robin")
    desk.close(row_of(road, "R4")["id"], row_of(road, "R4")["version"], "robin", "done")
    problems.fold(road.world.database, batch=3)
    counted = road.rows(
        "select brand, cause, kind, owner, coalesce(currency, '') as currency, snoozed, count(*) as problems, "
        "count(amount_minor) as priced, coalesce(sum(amount_minor), 0) as held_minor, sum(units) as units "
        "from problems where state = 'open' group by brand, cause, kind, owner, coalesce(currency, ''), snoozed"
    )
    with road.world.database.read() as tx:
        open_now = problems.open_by_cause(tx)
    key = lambda r: (r["cause"], r["snoozed"])
    assert sorted(
        ({k: int(v) if isinstance(v, (int,)) else v for k, v in r.items()} for r in open_now), key=key
    ) == sorted(({k: (v if isinstance(v, str) else int(v)) for k, v in r.items()} for r in counted), key=key)


def row_of(road: Road, return_id: str) -> dict[str, Any]:
    (found,) = road.rows("select * from problems where case_id = :id", id=f"north/acme-portal/{return_id}")
    return found
