"""Verdicts of the refund gate are kept as they change, and can be worked out again from the log."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from counterfoil.core.judgement import Record
from counterfoil.core.policy import PRESETS, ApprovalRule, FlowPolicy
from counterfoil.flow.resolve import People
from counterfoil.ports.actions import ActionError
from counterfoil.store import decisions
from counterfoil.store.decisions import Kept
from counterfoil.testing.builders import parcel, portal_return
from counterfoil.testing.road import Road

CASE = "north/acme-portal/R1"
TWO_AGREE = replace(
    PRESETS["controlled"], version="7", approvals=(ApprovalRule(value_above=3000, currency="GBP", people=2),)
)


def under(road: Road, policy: FlowPolicy) -> People:
    """The same road under another policy."""
    (key,) = road.world.setups
    setup = road.world.setups[key]
    road.world.setups = {key: replace(setup, agreement=replace(setup.agreement, policy=policy))}
    return People(road.world)


def comes_back(road: Road) -> None:
    road.outside.show(portal_return("R1"))
    road.settle()
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], rma_number="R1"))
    road.settle()


def kept(road: Road) -> list[Kept]:
    with road.world.database.read() as tx:
        return decisions.of_case(tx, CASE)


def asked(road: Road) -> list[tuple[str, int, int, int]]:
    rows = road.rows("select rule, amount_minor, people, given from approvals_asked order by rule")
    return [(row["rule"], row["amount_minor"], row["people"], row["given"]) for row in rows]


def test_each_change_of_verdict_is_kept_once_and_worked_out_again(road: Road) -> None:
    comes_back(road)
    made = kept(road)
    assert [(k.record.judgement.verdict, k.record.judgement.rule) for k in made][-1] == ("allow", "")
    assert len({k.record.judgement.signature for k in made}) == len(made) >= 3
    with road.world.database.read() as tx:
        for one in made:
            assert decisions.again(tx, one.record) == one.record.judgement
    again = road.rows("select count(*) as n from agreed")
    assert again[0]["n"] == 2  # one agreement, one mapping, however many verdicts


def test_a_log_that_was_changed_does_not_give_the_same_verdict(road: Road) -> None:
    comes_back(road)
    last = kept(road)[-1].record
    with road.world.database.write() as tx:
        tx.query("delete from log where name = 'WarehouseReported.v1'", {})
    with road.world.database.read() as tx:
        assert decisions.again(tx, last) != last.judgement
        assert decisions.again(tx, replace(last, agreement="gone")) is None
        assert decisions.newest(tx, "nobody") is None
    assert isinstance(last, Record)


def test_people_are_asked_until_enough_of_them_agreed(road: Road) -> None:
    people = under(road, TWO_AGREE)
    comes_back(road)
    rule = "value above 3000 GBP"
    assert asked(road) == [(rule, 4000, 2, 0)]
    assert kept(road)[-1].record.judgement.policy_version == "7"
    for _ in range(2):
        people.answer(CASE, rule, 4000, "sam", ("finance",), "seen", agreed=True)
    assert asked(road) == [(rule, 4000, 2, 1)]
    (wish,) = people.wanted(CASE)
    assert (wish.missing, [voice.by for voice in wish.given]) == (1, ["sam"])
    people.answer(CASE, rule, 4000, "kim", ("finance", "ops"), "seen", agreed=True)
    assert asked(road) == []
    road.settle()
    assert road.case().money_out == 4000
    given = road.rows("select actor from log where name = 'ApprovalGiven.v1' order by id")
    assert [row["actor"] for row in given] == ["person:sam", "person:kim"]
    with road.world.database.read() as tx:
        for one in kept(road):
            assert decisions.again(tx, one.record) == one.record.judgement


@pytest.mark.parametrize(
    ("rule", "amount", "by", "roles", "reason", "said"),
    [
        ("value above 3000 GBP", 4000, "kim", ("ops", "cx"), "ok", "kim may not approve this: it takes finance"),
        ("value above 3000 GBP", 4000, "", ("finance",), "ok", "needs a name"),
        ("value above 3000 GBP", 4000, "sam", ("finance",), " ", "needs a reason"),
        ("value above 3000 GBP", 3999, "sam", ("finance",), "ok", "The amount is 40.00 GBP by now, not 39.99"),
        ("another rule", 4000, "sam", ("finance",), "ok", "Nobody is asked to approve this any more"),
    ],
)
def test_an_answer_that_may_not_count_is_refused_with_a_sentence_at_the_one_door(
    road: Road, rule: str, amount: int, by: str, roles: tuple[str, ...], reason: str, said: str
) -> None:
    people = under(road, TWO_AGREE)
    comes_back(road)
    with pytest.raises(ActionError, match=said):
        people.answer(CASE, rule, amount, by, roles, reason, agreed=True)
    assert road.rows("select id from log where name like 'Approval%'") == []


def test_who_shaped_the_return_is_refused_at_the_door_and_a_cancelled_return_asks_nobody(road: Road) -> None:
    people = under(road, TWO_AGREE)
    road.outside.show(portal_return("R1", refund=4100))
    road.settle()
    road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], rma_number="R1"))
    road.settle()
    people.accept(CASE, "refund_value_differs", "sam", "goodwill")
    assert [row[1] for row in asked(road)] == [4100]
    with pytest.raises(ActionError, match="shaped this return"):
        people.answer(CASE, "value above 3000 GBP", 4100, " SAM", ("finance", "admin"), "ok", agreed=True)
    with pytest.raises(ActionError, match="no return"):
        people.wanted("north/acme-portal/R9")
    people.answer(CASE, "value above 3000 GBP", 4100, "kim", ("finance",), "no", agreed=False)
    assert asked(road) == [] and road.problems() == ["refund_refused"]
