"""What each outcome leads to: done once, tried again, looked up, paused, or shown to a person. Never a second document."""

from __future__ import annotations

import pytest

from counterfoil.core.case import StepState
from counterfoil.core.problems import Owner
from counterfoil.flow.deliver import LEASE_MS, UNKNOWN_ATTEMPTS_MAX, deliver_one
from counterfoil.flow.look_again import release_leases
from counterfoil.flow.resolve import People
from counterfoil.ports.outcomes import AlreadyDone, Busy, LockedOut, NotYet, Refused, Unknown, Unsupported
from counterfoil.store import commands
from counterfoil.store.database import now_ms
from counterfoil.testing.builders import parcel, portal_return
from counterfoil.testing.outside import AnswerLostError, Planned
from counterfoil.testing.road import Road, make_world

RMA = "north/acme-portal/R1/rma-1"
OPEN = "OpenReturnAuthorisation"


def planned(road: Road, *outcomes: Planned, kind: str = OPEN) -> None:
    road.outside.plan[kind] = list(outcomes)
    road.outside.show(portal_return())


def command(road: Road, key: str = RMA) -> dict[str, object]:
    (row,) = road.rows("select * from commands where command_key = :key order by edition desc limit 1", key=key)
    return row


def until_tried(road: Road, key: str = RMA) -> dict[str, object]:
    """Walk until the command was tried once; waiting times are kept."""
    for _ in range(50):
        if road.fetch() + road.read() + road.deliver() == 0:
            break
    return command(road, key)


def verbs(road: Road, kind: str = OPEN) -> list[str]:
    return [call.verb for call in road.outside.calls if call.kind == kind]


def test_done_keeps_the_document_and_goes_on(road: Road) -> None:
    planned(road)
    road.settle()
    step = road.case().rma
    assert step is not None
    assert (step.state, step.ref, step.number) == (StepState.DONE, f"id:{RMA}", f"no:{RMA}")
    (linked,) = road.rows("select kind, number, connection from documents")
    assert (linked["kind"], linked["number"], linked["connection"]) == ("rma", f"no:{RMA}", "erp")
    assert command(road)["state"] == "done"
    assert verbs(road) == ["perform"], "a first attempt needs no look-up"


def test_already_done_is_success_and_says_how_it_was_found(road: Road) -> None:
    planned(road, AlreadyDone(ref="77", number="RMA77"))
    road.settle()
    step = road.case().rma
    assert step is not None
    assert (step.number, step.message) == ("RMA77", "found again by its reference")
    assert road.outside.keys(OPEN) == []


def test_not_yet_waits_as_long_as_the_system_says_and_alarms_nobody(road: Road) -> None:
    planned(road, NotYet(after_s=3600, message="the order is not despatched"))
    row = until_tried(road)
    assert (row["state"], row["outcome"], row["maybe_sent"]) == ("ready", "NotYet", 0)
    assert 3_500_000 < int(str(row["due_ms"])) - now_ms() <= 3_600_000
    assert road.problems() == []
    (erp,) = road.rows("select busy_until_ms, last_trouble from connections where name = 'erp'")
    assert (erp["busy_until_ms"], erp["last_trouble"]) == (0, None)
    road.settle()
    assert road.outside.keys(OPEN) == [RMA]


def test_busy_holds_the_whole_connection_for_a_moment_and_is_no_alarm(road: Road) -> None:
    planned(road, Busy(after_s=2, message="slow down"))
    row = until_tried(road)
    assert (row["state"], row["outcome"], row["maybe_sent"]) == ("ready", "Busy", 0)
    (erp,) = road.rows("select busy_until_ms from connections where name = 'erp'")
    assert erp["busy_until_ms"] > now_ms()
    assert road.problems() == []
    road.settle()
    assert verbs(road) == ["perform", "perform"], "nothing was written, so nothing is looked up"
    assert road.outside.keys(OPEN) == [RMA]


def test_an_answer_that_is_lost_is_looked_up_and_never_sent_again(road: Road) -> None:
    planned(road, AnswerLostError())
    row = until_tried(road)
    assert (row["outcome"], row["maybe_sent"]) == ("Unknown", 1)
    road.settle()
    assert verbs(road) == ["perform", "find"]
    assert road.outside.keys(OPEN) == [RMA]
    assert road.case().done("rma-1") is not None


def test_unknown_without_effect_is_looked_up_and_then_sent_again(road: Road) -> None:
    planned(road, Unknown(message="timed out"), Unknown(message="timed out"))
    road.settle()
    assert verbs(road) == ["perform", "find", "perform", "find", "perform"]
    assert road.outside.keys(OPEN) == [RMA]


def test_a_look_up_that_fails_sends_nothing(road: Road) -> None:
    planned(road, AnswerLostError())
    road.outside.looks = [Busy(message="slow down"), Unknown(message="timed out"), NotYet(after_s=1)]
    road.settle()
    assert verbs(road) == ["perform", "find", "find", "find", "find"]
    assert road.outside.keys(OPEN) == [RMA]


def test_an_adapter_that_raises_is_treated_as_not_knowing(road: Road) -> None:
    planned(road, ZeroDivisionError("a mistake of ours"))
    row = until_tried(road)
    assert (row["outcome"], row["maybe_sent"]) == ("Unknown", 1)
    road.settle()
    assert verbs(road) == ["perform", "find", "perform"]
    assert road.outside.keys(OPEN) == [RMA]


def test_a_read_whose_answer_is_lost_is_read_again_without_a_look_up(road: Road) -> None:
    planned(road, Unknown(message="timed out"), kind="FindSalesOrder")
    road.settle()
    assert verbs(road, "FindSalesOrder") == ["perform", "perform"]
    assert road.outside.keys(OPEN) == [RMA]


def test_refused_opens_a_problem_for_its_owner_and_stops_this_return_only(road: Road) -> None:
    planned(road, Refused(kind="period_closed", message="October is closed.", owner=Owner.FINANCE, code="X1"))
    road.settle()
    assert command(road)["state"] == "dead"
    (problem,) = road.rows("select kind, owner, subject, message from problems where state = 'open'")
    assert list(problem.values()) == ["period_closed", "finance", "rma-1", "October is closed."]
    assert road.case().steps["rma-1"].state is StepState.REFUSED
    road.outside.show(portal_return("R2", units=(("L2", 1),)))
    road.settle()
    assert road.outside.keys(OPEN) == ["north/acme-portal/R2/rma-1"]


def test_refused_without_a_reason_still_says_a_sentence(road: Road) -> None:
    planned(road, Refused(kind="erp_refused"))
    road.settle()
    assert road.rows("select message from problems") == [{"message": "The system refused without a reason."}]


def test_unsupported_is_parked_with_a_plain_sentence(road: Road) -> None:
    planned(road, Unsupported(message="This account keeps no RMAs."))
    road.settle()
    assert road.problems() == ["not_supported_by_system"]
    assert road.row()["progress"] == "open"


def test_locked_out_pauses_the_connection_says_so_once_and_resumes_without_loss(road: Road) -> None:
    planned(road, LockedOut(message="The key was revoked."))
    road.outside.show(portal_return("R2", units=(("L2", 1),)))
    road.settle()
    assert road.problems() == ["connection_locked_out"]
    (erp,) = road.rows("select state, paused_because from connections where name = 'erp'")
    assert erp == {"state": "paused", "paused_because": "erp: The key was revoked."}
    assert verbs(road) == ["perform"], "nobody knocks again"
    assert road.outside.keys(OPEN) == []
    People(road.world).resume("erp", "robin")
    assert road.problems() == []
    road.settle()
    assert sorted(road.outside.keys(OPEN)) == [RMA, "north/acme-portal/R2/rma-1"]


def test_locked_out_keeps_what_was_known_about_an_earlier_attempt(road: Road) -> None:
    planned(road, AnswerLostError())
    road.outside.looks = [LockedOut(message="The key was revoked.")]
    road.settle()
    People(road.world).resume("erp", "robin")
    road.settle()
    assert verbs(road) == ["perform", "find", "find"]
    assert road.outside.keys(OPEN) == [RMA]


def test_unknown_to_the_last_attempt_is_a_persons_to_look_at(road: Road) -> None:
    planned(road, *[Unknown(message="timed out")] * UNKNOWN_ATTEMPTS_MAX)
    road.settle()
    assert road.problems() == ["outcome_unknown"]
    assert verbs(road).count("perform") == UNKNOWN_ATTEMPTS_MAX
    assert command(road)["state"] == "dead"


def test_what_a_person_asks_for_again_is_looked_up_first(road: Road) -> None:
    """The last of the attempts may have arrived after all; trying again must find it."""
    planned(road, *[Unknown(message="timed out")] * (UNKNOWN_ATTEMPTS_MAX - 1), AnswerLostError())
    road.settle()
    assert road.problems() == ["outcome_unknown"]
    People(road.world).retry("north/acme-portal/R1", "rma-1", "robin", "the system answers again")
    road.settle()
    assert road.outside.keys(OPEN) == [RMA]
    assert road.problems() == []
    assert command(road)["edition"] == 2


def test_a_worker_that_dies_before_the_call_costs_nothing_but_time(road: Road) -> None:
    planned(road)
    for _ in range(20):
        road.fetch()
        road.read()
        row = road.rows("select * from commands where command_key = :key", key=RMA)
        if row and row[0]["state"] == "ready":
            break
        road.deliver()
    with road.world.database.write() as tx:
        assert commands.claim(tx, "erp", "dead worker", -1_000) is not None
    assert release_leases(road.world) == 1
    road.settle()
    assert verbs(road) == ["find", "perform"]
    assert road.outside.keys(OPEN) == [RMA]


def test_a_worker_thought_dead_that_comes_back_changes_nothing(road: Road) -> None:
    """Its lease ran out while it was calling; another worker found the document and went on."""
    planned(road)
    second = Road(make_world(road.world.database, road.outside, worker="worker-2"), road.outside)
    erp = road.world.connections["erp"]
    slow = erp.client

    class Slow:
        find = slow.find

        def perform(self, asked):  # type: ignore[no-untyped-def]
            answer = slow.perform(asked)
            if type(asked).__name__ == OPEN:
                second.expire_leases()
                with second.world.database.write() as tx:
                    tx.query("update commands set due_ms = 0 where state = 'ready'", {})
                deliver_one(second.world, second.world.connections["erp"])
            return answer

    erp._client = Slow()  # type: ignore[assignment]
    road.settle()
    assert road.outside.keys(OPEN) == [RMA]
    assert road.case().done("rma-1") is not None
    names = [row["name"] for row in road.rows("select name from log where fact_key = 'done:rma-1:1'")]
    assert names == ["StepDone.v1"]


def test_what_cannot_be_recorded_is_looked_up_later_and_not_sent_again(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(road)
    from counterfoil.flow import deliver as module

    real, broken = module._record, [3]

    def shaky(world, tx, connection, claimed, outcome):  # type: ignore[no-untyped-def]
        if claimed.command.key == RMA and broken[0]:
            broken[0] -= 1
            raise ConnectionError("the database went away")
        real(world, tx, connection, claimed, outcome)

    monkeypatch.setattr(module, "_record", shaky)
    road.settle()
    assert broken == [0]
    assert verbs(road) == ["perform", "find"]
    assert road.outside.keys(OPEN) == [RMA]


def test_an_answer_that_can_never_be_recorded_is_shown_until_it_can(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(road)
    from counterfoil.flow import deliver as module

    real, broken = module._record, [3 * 5]

    def shaky(world, tx, connection, claimed, outcome):  # type: ignore[no-untyped-def]
        if claimed.command.key == RMA and broken[0]:
            broken[0] -= 1
            raise ZeroDivisionError("a mistake of ours")
        real(world, tx, connection, claimed, outcome)

    monkeypatch.setattr(module, "_record", shaky)
    road.settle()
    said = "select message, owner, state, closed_because from problems where kind = 'outcome_not_recorded'"
    (problem,) = road.rows(said)
    assert problem["message"].startswith("rma-1 of north/acme-portal/R1 was answered, but the answer cannot be kept")
    assert (problem["owner"], problem["state"]) == ("integration", "ended")
    assert problem["closed_because"] == "the outcome could be recorded"
    assert road.outside.keys(OPEN) == [RMA]


def test_waiting_for_a_busy_system_is_not_counted_as_not_knowing(road: Road) -> None:
    planned(road, *[NotYet(after_s=0)] * (UNKNOWN_ATTEMPTS_MAX + 3), Unknown(message="timed out"))
    road.settle()
    assert road.problems() == []
    assert road.outside.keys(OPEN) == [RMA]


def test_commands_of_one_return_are_carried_out_one_after_the_other(road: Road) -> None:
    road.outside.show(portal_return(tracking="TRK1"))
    road.outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    road.settle()
    rows = road.rows("select id, finished_ms, name from commands order by id")
    finished = [row["finished_ms"] for row in rows]
    assert finished == sorted(finished)
    assert len(rows) == 11


def test_nothing_due_is_no_work(road: Road) -> None:
    assert deliver_one(road.world, road.world.connections["erp"]) is False


def test_a_lease_outlasts_the_slowest_client() -> None:
    assert LEASE_MS >= 120_000
