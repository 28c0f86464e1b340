"""The demonstration from outside: a week of returns over real HTTP, on both databases, into both ERPs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def _agrees(summary: dict[str, Any]) -> None:
    money, units = summary["money"]["GBP"], summary["units"]
    assert money["refunded"] == money["credited"] != "0.00"
    assert money["difference"] == "0.00"
    assert units["returned"] == units["received"] + units["open"]
    inspected = units["sellable"] + units["held"] + units["written_off"]
    assert units["received"] == inspected + units["refused"] + units["awaiting_inspection"]
    assert units["received_in_erp"] == inspected - units["awaiting_booking"]
    assert summary["documents"]["credit_note"] == summary["finished"]


@pytest.mark.parametrize("erp", ["prima", "netsuite"])
def test_the_week_agrees_in_cash_and_units_on_sqlite(program: Callable[..., Any], erp: str) -> None:
    ran = program("demo", "--headless", "--json", "--returns", "30", "--erp", erp)
    assert ran.status == 0, ran.err
    summary = ran.json
    assert (summary["portal"], summary["erp"], summary["returns"]) == ("loop", erp, 30)
    assert summary["finished"] >= 26
    _agrees(summary)


@pytest.mark.parametrize("erp", ["prima-soap", "prima-file"])
def test_prima_is_the_same_over_soap_and_over_files(program: Callable[..., Any], erp: str) -> None:
    ran = program("demo", "--headless", "--json", "--returns", "9", "--erp", erp)
    assert ran.status == 0, ran.err
    assert (ran.json["erp"], ran.json["finished"]) == (erp, 9)
    _agrees(ran.json)


@pytest.mark.parametrize("erp", ["prima", "netsuite"])
def test_the_week_agrees_in_cash_and_units_on_postgresql(
    program: Callable[..., Any], new_database: str, erp: str
) -> None:
    ran = program("demo", "--headless", "--json", "--returns", "30", "--erp", erp, "--database", new_database)
    assert ran.status == 0, ran.err
    assert ran.json["finished"] >= 26
    _agrees(ran.json)


@pytest.mark.parametrize("portal", ["returngo", "reveni"])
@pytest.mark.parametrize("erp", ["prima", "netsuite"])
def test_the_other_portals_take_the_same_road(program: Callable[..., Any], portal: str, erp: str) -> None:
    ran = program("demo", "--headless", "--json", "--returns", "9", "--portal", portal, "--erp", erp)
    assert ran.status == 0, ran.err
    assert (ran.json["portal"], ran.json["finished"]) == (portal, 9)
    _agrees(ran.json)


def test_the_same_seed_is_the_same_week(program: Callable[..., Any]) -> None:
    first, second = (
        program("demo", "--headless", "--json", "--returns", "6", "--seed", "3", "--folder", name)
        for name in ("one", "two")
    )
    for name in ("returns", "finished", "documents", "money", "units", "problems"):
        assert first.json[name] == second.json[name]


def test_where_the_portal_pays_by_itself_the_credit_follows(program: Callable[..., Any]) -> None:
    ran = program("demo", "--headless", "--json", "--returns", "9", "--policy", "portal-led")
    assert ran.status == 0, ran.err
    assert ran.json["documents"]["credit_note"] == ran.json["finished"] == 9
    _agrees(ran.json)


def test_a_folder_that_is_no_demonstration_is_left_alone(program: Callable[..., Any], tmp_path: Any) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "letter.txt").write_text("keep me")
    ran = program("demo", "--headless", "--folder", str(folder))
    assert ran.status == 2
    assert "holds something that is not a demonstration" in ran.err
    assert (folder / "letter.txt").read_text() == "keep me"


def test_a_bad_week_shows_its_troubles_and_what_one_fix_frees(program: Callable[..., Any]) -> None:
    ran = program("demo", "--trouble", "--headless", "--json", "--returns", "40")
    assert ran.status == 0, ran.err
    mended, kinds = ran.json["mended"], ran.json["problems"]
    assert mended["cause"] == "reason_not_mapped:Smells of smoke"
    assert mended["returns"] == mended["foreseen_free"] == mended["went_on"] == 12
    assert (mended["still_stopped"], mended["failed"]) == (0, 0) and mended["held"]["GBP"] != "0.00"
    assert {"received_not_inspected", "refund_value_differs", "blind_receipt", "refund_outside_portal"} <= set(kinds)
    assert kinds["reason_not_mapped"] == 2  # the other word nobody mapped
