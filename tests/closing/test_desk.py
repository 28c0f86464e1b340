"""Decisions about open records: kept, applied by the next runs, reopened when a record changes, and never by one alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from counterfoil.closing.desk import ProofDesk
from counterfoil.closing.nightly import run
from counterfoil.core.proof_rules import ProofRules
from counterfoil.ports.actions import ActionError
from counterfoil.store import log, workbench
from counterfoil.store.database import now_ms
from counterfoil.testing.outside import Made
from counterfoil.testing.road import Road

CREDIT = "refund_credit_note"
LEFT = "acme-portal:R1"


@pytest.fixture
def desk(road: Road) -> ProofDesk:
    road.world.now = lambda: "2026-11-09T03:00:00Z"
    return ProofDesk(road.world.database, ProofRules(write_off_max={"GBP": "3.00"}))


def items(road: Road) -> dict[str, str]:
    """Open records and their classes."""
    rows = road.rows("select left_id, right_id, class from proof_items where class <> 'timing'")
    return {row["left_id"] or row["right_id"]: row["class"] for row in rows}


def figures(road: Road, leg: str = CREDIT) -> dict[str, int]:
    """The newest run's lines of a leg, in minor units."""
    sql = "select line, minor from proof_figures where leg = :leg and run_id = (select max(id) from proof_runs)"
    return {row["line"]: row["minor"] for row in road.rows(sql, leg=leg)}


def note(road: Road) -> Made:
    (made,) = [made for made in road.outside.made if made.kind == "PostCreditNote"]
    return made


def with_gross(made: Made, less: int, **changes: Any) -> Made:
    """The same credit note by another amount."""
    credit = made.command.credit  # type: ignore[union-attr]
    first, *others = credit.lines
    lines = (msgspec.structs.replace(first, gross=first.gross - less), *others)
    command = msgspec.structs.replace(made.command, credit=msgspec.structs.replace(credit, lines=lines))
    return msgspec.structs.replace(made, command=command, **changes)


def differ(road: Road, less: int) -> None:
    """The ERP's credit note is smaller than the refund."""
    made = note(road)
    road.outside.made[road.outside.made.index(made)] = with_gross(made, less)


def test_a_difference_is_written_off_by_two_people_and_shows_as_adjusted_once(road: Road, desk: ProofDesk) -> None:
    differ(road, 250)
    assert run(road.world).balanced
    assert items(road) == {LEFT: "variance"}
    number = desk.write_off(CREDIT, LEFT, "", "Rounding differences", "robin", "the till rounds down")
    run(road.world)
    assert items(road) == {LEFT: "variance"}, "asked for is not approved"
    with pytest.raises(ActionError, match="a second person must"):
        desk.approve(number, "Robin")
    desk.approve(number, "sam")
    proven = run(road.world)
    assert proven.balanced and items(road) == {}
    got = figures(road)
    assert (got["opening"], got["adjusted"], got.get("matched", 0), got.get("closing", 0)) == (250, 250, 0, 0)
    run(road.world)
    assert "adjusted" not in figures(road) and items(road) == {}
    assert road.problems() == []


def test_a_decision_is_reopened_when_its_record_changes_and_says_so(road: Road, desk: ProofDesk) -> None:
    differ(road, 250)
    run(road.world)
    number = desk.write_off(CREDIT, LEFT, "", "Rounding differences", "robin", "the till rounds down")
    desk.approve(number, "sam")
    run(road.world)
    differ(road, 100)
    run(road.world)
    (item,) = road.rows("select difference_minor from proof_items")
    assert item["difference_minor"] == -350
    (row,) = road.rows("select state, ended_because from proof_decisions")
    assert row["state"] == "reopened" and "it was 37.50 GBP and is 36.50 GBP" in row["ended_because"]
    assert figures(road)["new"] == 350


def test_what_is_over_the_tolerance_or_still_in_time_is_not_written_off(road: Road, desk: ProofDesk) -> None:
    differ(road, 301)
    run(road.world)
    with pytest.raises(ActionError, match=r"3\.01 GBP is more than the 3\.00 GBP that may be written off"):
        desk.write_off(CREDIT, LEFT, "", "Rounding differences", "robin", "why not")
    with pytest.raises(ActionError, match="Choose one of the accounts"):
        desk.write_off(CREDIT, LEFT, "", "Petty cash", "robin", "why not")
    with pytest.raises(ActionError, match="Say why"):
        desk.write_off(CREDIT, LEFT, "", "Rounding differences", "robin", " ")


def test_nothing_of_a_period_signed_by_both_can_be_changed(road: Road, desk: ProofDesk) -> None:
    differ(road, 250)
    run(road.world)
    number = desk.write_off(CREDIT, LEFT, "", "Rounding differences", "robin", "the till rounds down")
    (record,) = road.rows("select day from proof_records where record_id = :id", id=LEFT)
    with road.world.database.write() as tx:
        for role, who in (("preparer", "robin"), ("reviewer", "sam")):
            values = {"period": record["day"][:7], "role": role, "who": who, "at_ms": now_ms()}
            tx.query(
                "insert into period_signoffs (period, role, signed_by, at_ms, figures_hash, last_entry) values "
                f"('{values['period']}', '{role}', '{who}', {values['at_ms']}, '', 0)",
                {},
            )
    with pytest.raises(ActionError, match="signed and locked"):
        desk.approve(number, "sam")


def test_every_decision_is_in_the_log_with_who_and_why(road: Road, desk: ProofDesk) -> None:
    differ(road, 250)
    run(road.world)
    number = desk.write_off(CREDIT, LEFT, "", "Rounding differences", "robin", "the till rounds down")
    desk.comment(CREDIT, LEFT, "", "ada", "the shop says the same")
    desk.refuse(number, "sam", "ask the ERP first")
    entries = road.rows("select name, actor, payload from log where stream = 'system/proof' order by seq")
    assert [(row["name"], row["actor"]) for row in entries] == [
        ("ProofDecided.v1", "person:robin"),
        ("ProofCommented.v1", "person:ada"),
        ("ProofDecisionMoved.v1", "person:sam"),
    ]
    assert "the till rounds down" in entries[0]["payload"] and "ask the ERP first" in entries[2]["payload"]
    assert log.verify(road.world.database).faults == ()
    with road.world.database.read() as tx:
        words = [row["words"] for row in tx.rows("proof_notes_of", file="portal_refunds", record_id=LEFT)]
        assert words == ["the till rounds down", "the shop says the same", "ask the ERP first"]
        assert workbench.item_of(tx, CREDIT, LEFT, "")["decision_id"] is None  # type: ignore[index]
