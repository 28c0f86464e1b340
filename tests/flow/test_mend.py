"""One fix, all it holds: foreseen without writing, carried out once for each return, confirmed by a second person."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from counterfoil.core.mapping import MapKind
from counterfoil.core.returns import Disposition
from counterfoil.flow import mend
from counterfoil.flow.desk import Desk
from counterfoil.flow.mend import carry_on, carry_on_all
from counterfoil.flow.vocabulary import seed_mappings
from counterfoil.ports.actions import ActionError
from counterfoil.ports.desk import Fix
from counterfoil.ports.outcomes import Refused
from counterfoil.store import mappings, problems
from counterfoil.store.mappings import Scope
from counterfoil.testing.builders import PORTAL, parcel, portal_return, sold_order
from counterfoil.testing.road import BRAND, Road

CAUSE = "reason_not_mapped:Smells of smoke"
SMOKE = Fix(brand=BRAND, portal=PORTAL, kind=MapKind.REASON, word="Smells of smoke", meaning="ODOUR")
SCOPE = Scope(BRAND, PORTAL)


def stuck(road: Road, count: int) -> None:
    """So many returns of two shirts each, for a reason the mapping lacks."""
    for number in range(count):
        order = road.outside.sell(sold_order(f"9{number:03}", f"#1{number:03}"))
        road.outside.show(portal_return(f"R{number}", order, reason="Smells of smoke"))
    road.settle()


@pytest.fixture
def desk(road: Road) -> Desk:
    seed_mappings(road.world)
    return Desk(road.world)


def open_now(road: Road) -> dict[str, tuple[int, int, int]]:
    """Cause to (problems, money, units), as the totals say."""
    with road.world.database.read() as tx:
        rows = problems.open_by_cause(tx)
    return {row["cause"]: (row["problems"], row["held_minor"], row["units"]) for row in rows}


def test_returns_held_by_one_missing_word_are_one_cause_with_its_price(road: Road, desk: Desk) -> None:
    stuck(road, 3)
    assert open_now(road) == {CAUSE: (3, 3 * 4000, 6)}


def test_a_fix_is_foreseen_for_each_return_and_nothing_is_written(road: Road, desk: Desk) -> None:
    stuck(road, 2)
    before = road.rows("select count(*) as n from log")
    seen = desk.foresee(BRAND, CAUSE, SMOKE, 100)
    assert [(one.name, one.freed, one.asks, one.remains) for one in seen] == [
        ("#1000", True, ("OpenReturnAuthorisation",), ()),
        ("#1001", True, ("OpenReturnAuthorisation",), ()),
    ]
    assert road.rows("select count(*) as n from log") == before
    assert [one.freed for one in desk.foresee(BRAND, CAUSE, replace(SMOKE, word="Another word"), 100)] == [False, False]


def test_one_word_frees_a_hundred_returns_and_says_so_row_by_row(sqlite_databases: Any) -> None:
    from counterfoil.testing.outside import Outside
    from counterfoil.testing.road import make_world

    outside = Outside()
    road = Road(make_world(sqlite_databases.fresh(), outside), outside)
    seed_mappings(road.world)
    stuck(road, 100)
    desk = Desk(road.world)
    assert open_now(road) == {CAUSE: (100, 400_000, 200)}
    mended = desk.mend(CAUSE, SMOKE, "robin", "agreed with merchandising")
    assert mended.run_id is not None and not mended.proposed
    carry_on(road.world, mended.run_id, 60)
    rows = road.rows("select state, words from run_rows")
    assert len(rows) == 100 and {(row["state"], row["words"]) for row in rows} == {("done", "Goes on.")}
    assert open_now(road) == {}
    road.settle()
    assert len(outside.documents("OpenReturnAuthorisation")) == 100
    road.world.database.close()


def test_a_return_with_another_trouble_stays_and_its_row_says_why(road: Road, desk: Desk) -> None:
    order = road.outside.sell(sold_order("9500", "#1500", lines=(("L1", "SHIRT-M", 1, 2000),)))
    for name in ("A", "B"):  # one shirt, on two returns
        road.outside.show(portal_return(name, order, units=(("L1", 1),), reason="Smells of smoke"))
    road.settle()
    mended = desk.mend(CAUSE, SMOKE, "robin", "agreed")
    rows = road.rows("select case_id, state, words from run_rows where run_id = :id order by place", id=mended.run_id)
    assert {row["words"] for row in rows} == {"Goes on; open: The item is already on another return."}
    assert set(road.problems()) == {"duplicate_return"}


def test_the_word_counts_from_the_next_decision_without_a_restart(road: Road, desk: Desk) -> None:
    desk.change_word(SMOKE, "robin", "new reason", "console")
    stuck(road, 1)
    assert road.problems() == []
    (made,) = road.outside.documents("OpenReturnAuthorisation")
    assert [line.reason_code for line in made.command.lines] == ["ODOUR"]  # type: ignore[union-attr]


def test_a_word_that_moves_stock_waits_for_another_person(road: Road, desk: Desk) -> None:
    fix = Fix(brand=BRAND, portal=PORTAL, kind=MapKind.DEPOT, word="LEEDS/dispose", meaning="SCRAP")
    mended = desk.change_word(fix, "robin", "a new depot", "console")
    assert mended.proposed
    with pytest.raises(ActionError, match="You proposed this change yourself"):
        desk.decide_change(mended.change_id, "robin", confirmed=True)
    with pytest.raises(ActionError, match="robin has proposed “SCRAP”"):
        desk.change_word(replace(fix, meaning="OTHER"), "alex", "mine", "console")
    with road.world.database.read() as tx:
        assert tx.one("mapping_word", **SCOPE.row, kind="depot", word="LEEDS/dispose") is None
    desk.decide_change(mended.change_id, "alex", confirmed=True)
    with road.world.database.read() as tx:
        assert tx.one("mapping_word", **SCOPE.row, kind="depot", word="LEEDS/dispose")["meaning"] == "SCRAP"  # type: ignore[index]
    with pytest.raises(ActionError, match="decided already"):
        desk.decide_change(mended.change_id, "kim", confirmed=False)


def test_a_confirmed_depot_replays_the_returns_that_waited_for_it(road: Road, desk: Desk) -> None:
    order = road.outside.sell(sold_order("9600", "#1600"))
    road.world.setups = {  # no quarantine: units without a depot are not booked
        key: replace(setup, mapping=replace(setup.mapping, quarantine_depot=None))
        for key, setup in road.world.setups.items()
    }
    with road.world.database.write() as tx:
        tx.run("mapping_word_drop", **SCOPE.row, kind="rule", word="quarantine_depot")
        tx.run("mapping_head_put", **SCOPE.row, version=10_000)
    road.outside.show(portal_return("D", order, units=(("L1", 1),)))
    road.settle()
    road.tell("wms", parcel("P1", (("SHIRT-M", 1),), disposition=Disposition.DONATE, order_number="#1600"))
    road.settle()
    assert road.problems() == ["depot_not_mapped"]
    fix = Fix(brand=BRAND, portal=PORTAL, kind=MapKind.DEPOT, word="LEEDS/donate", meaning="GIVE")
    mended = desk.mend("depot_not_mapped:LEEDS/donate", fix, "robin", "the charity's shelf")
    assert mended.proposed and mended.run_id is None and road.problems() == ["depot_not_mapped"]
    confirmed = desk.decide_change(mended.change_id, "alex", confirmed=True)
    assert confirmed.run_id is not None
    road.settle()
    assert road.problems() == []


def test_refused_steps_of_one_cause_are_tried_again_together(road: Road, desk: Desk) -> None:
    road.outside.plan["OpenReturnAuthorisation"] = [
        Refused(kind="tax_code_rejected", message=f"Tax code S21 is not known (order SO9{n:03}).") for n in range(2)
    ]
    for number in range(2):
        order = road.outside.sell(sold_order(f"9{number:03}", f"#1{number:03}"))
        road.outside.show(portal_return(f"R{number}", order))
    road.settle()
    (cause,) = open_now(road)
    assert cause == "tax_code_rejected:“Tax code S21 is not known (order …).”"
    assert [one.freed for one in desk.foresee(BRAND, cause, None, 10)] == [True, True]
    desk.replay(BRAND, cause, "robin", "the tax code exists now")
    road.settle()
    assert road.problems() == [] and len(road.outside.documents("OpenReturnAuthorisation")) == 2


def test_a_stopped_run_is_carried_on_by_the_next_worker(
    road: Road, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck(road, 4)
    monkeypatch.setattr("counterfoil.flow.words.AT_ONCE_S", 0)
    mended = desk.mend(CAUSE, SMOKE, "robin", "agreed")
    assert {row["state"] for row in road.rows("select state from run_rows")} == {"waiting"}
    assert carry_on_all(road.world) == 1
    assert {row["state"] for row in road.rows("select state from run_rows")} == {"done"}
    assert road.rows("select state from runs where id = :id", id=mended.run_id) == [{"state": "done"}]
    assert carry_on_all(road.world) == 0


def test_a_row_that_cannot_be_decided_stops_no_other(road: Road, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck(road, 3)
    real = mend.advance

    def breaks(world: Any, tx: Any, case_id: str, *rest: Any) -> Any:
        if case_id.endswith("R1"):
            raise RuntimeError("the lines do not add up")
        return real(world, tx, case_id, *rest)

    monkeypatch.setattr(mend, "advance", breaks)
    desk.mend(CAUSE, SMOKE, "robin", "agreed")
    rows = {row["case_id"].rsplit("/", 1)[1]: row for row in road.rows("select case_id, state, words from run_rows")}
    assert [rows[name]["state"] for name in ("R0", "R1", "R2")] == ["done", "failed", "done"]
    assert "the lines do not add up" in rows["R1"]["words"]


def test_a_change_is_taken_back_unless_the_word_moved_on(road: Road, desk: Desk) -> None:
    first = desk.change_word(SMOKE, "robin", "agreed", "console")
    second = desk.change_word(replace(SMOKE, meaning="SMOKE"), "robin", "clearer", "console")
    with pytest.raises(ActionError, match="changed again since"):
        desk.undo_change(first.change_id, "alex", "a slip")
    desk.undo_change(second.change_id, "alex", "a slip")
    with road.world.database.read() as tx:
        assert tx.one("mapping_word", **SCOPE.row, kind="reason", word="Smells of smoke")["meaning"] == "ODOUR"  # type: ignore[index]
    history = road.rows("select * from mapping_changes where word = 'Smells of smoke' order by id desc")
    assert [(row["by_whom"], row["source"], row["meaning"]) for row in history] == [
        ("alex", "undo", "ODOUR"),
        ("robin", "console", "SMOKE"),
        ("robin", "console", "ODOUR"),
    ]


def test_settings_are_a_seed_and_never_overwrite_what_people_changed(road: Road, desk: Desk) -> None:
    fix = Fix(brand=BRAND, portal=PORTAL, kind=MapKind.REASON, word="Too small", meaning="SIZE")
    desk.change_word(fix, "robin", "renamed", "console")
    assert seed_mappings(road.world) == 0
    with road.world.database.read() as tx:
        assert tx.one("mapping_word", **SCOPE.row, kind="reason", word="Too small")["meaning"] == "SIZE"  # type: ignore[index]


def test_words_are_counted_once_for_each_return(road: Road, desk: Desk) -> None:
    stuck(road, 3)
    road.outside.show(portal_return("R0", sold_order("9000", "#1000"), reason="Smells of smoke"))
    road.settle()
    assert mappings.count_sightings(road.world.database) > 0
    with road.world.database.read() as tx:
        seen = {row["word"]: row for row in tx.rows("mapping_seen", **SCOPE.row, kind="reason", rows=10)}
        days = tx.rows("mapping_share", **SCOPE.row, kind="reason", since=0)
    assert seen["Smells of smoke"]["returns"] == 3 and seen["Smells of smoke"]["first_case"] == "north/acme-portal/R0"
    assert days == [{"word": "Smells of smoke", "returns": 3}]
    assert mappings.count_sightings(road.world.database) == 0


@pytest.mark.parametrize(
    ("fix", "sentence"),
    [
        (replace(SMOKE, brand="south"), "no setup for brand 'south'"),
        (replace(SMOKE, word=" "), "The word is empty"),
        (replace(SMOKE, meaning=" "), "Give the code the ERP uses"),
        (replace(SMOKE, meaning="x" * 201), "at most 200 signs"),
    ],
)
def test_a_word_that_cannot_be_is_refused_with_a_sentence(road: Road, desk: Desk, fix: Fix, sentence: str) -> None:
    with pytest.raises(ActionError, match=sentence):
        desk.change_word(fix, "robin", "agreed", "console")
    with pytest.raises(ActionError, match="Say in a few words why"):
        desk.change_word(SMOKE, "robin", " ", "console")
