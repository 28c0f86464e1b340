"""The close pack: what was open at the cut-off by the log, its entries, its signatures, and the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from counterfoil.closing.closepack import Figure, Pack, pack_of
from counterfoil.closing.closepack_costs import read_costs
from counterfoil.closing.closepack_html import page
from counterfoil.closing.closepack_pdf import document
from counterfoil.closing.closepack_period import CloseError, period
from counterfoil.closing.closepack_replay import as_of
from counterfoil.closing.closepack_settings import Accounts, CloseSettings
from counterfoil.closing.closepack_signs import sign
from counterfoil.closing.closepack_xlsx import workbook
from counterfoil.core.returns import LabelStatus, Stage
from counterfoil.settings import load
from counterfoil.store import signoffs
from counterfoil.store.database import Database
from counterfoil.testing.builders import (
    label,
    order_seen,
    parcel,
    portal_return,
    refund_moved,
    shown,
    sold_order,
)
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world

IN_PERIOD, AFTER = "2026-10-28T10:00:00Z", "2026-11-05T10:00:00Z"
CLOSE = CloseSettings()


@pytest.fixture
def quiet(database: Database) -> Road:
    """A world in which nothing has come back yet, in October."""
    outside = Outside()
    outside.sell(sold_order())
    return Road(make_world(database, outside, now=IN_PERIOD), outside)


def tell(road: Road, connection: str, fact: Any, at: str = IN_PERIOD) -> None:
    """One fact that happened at a moment; everything that follows from it happens then too."""
    road.world.now = lambda: at
    road.outside.announce(connection, msgspec.structs.replace(fact, occurred_at=at))
    road.settle()


def authorised(road: Road, at: str = IN_PERIOD, **given: Any) -> None:
    """A return of two shirts at 20.00 each, authorised at a moment."""
    seen = portal_return(tracking="TRK1", **given)
    road.outside.returns["R1"] = seen
    tell(road, "shop", order_seen(sold_order()), at)
    tell(road, "portal", shown(seen, Stage.AUTHORISED), at)


def figure(pack: Pack, key: str) -> Figure:
    return next(figure for figure in pack.figures if figure.key == key)


def amount(pack: Pack, key: str) -> str | None:
    totals = figure(pack, key).totals
    return totals[0].amount if totals else None


def made(road: Road, now: str = AFTER, settings: CloseSettings = CLOSE) -> Pack:
    road.world.now = lambda: now
    return pack_of(road.world, settings, "2026-10")


def test_goods_on_the_way_are_a_liability_and_an_asset_of_unknown_cost(quiet: Road) -> None:
    authorised(quiet)
    tell(quiet, "portal", label("R1", LabelStatus.IN_TRANSIT, "TRK1"))
    pack = made(quiet)
    assert amount(pack, "goods_in_transit") == "40.00"
    assert amount(pack, "refund_liability") == "40.00"
    asset = figure(pack, "return_asset")
    assert [(total.amount, total.unknown, total.units) for total in asset.totals] == [(None, 1, 2)]
    assert amount(pack, "receipts_without_credit") is None


def test_what_happened_after_the_cut_off_does_not_change_what_stood_at_it(quiet: Road) -> None:
    authorised(quiet)
    before = made(quiet)
    tell(quiet, "wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1", at=AFTER), AFTER)
    assert quiet.row()["progress"] == "finished", "today it is settled"
    after = made(quiet)
    assert after.figures == before.figures
    assert after.figures_hash == before.figures_hash
    assert all(not figure.rows for figure in pack_of(quiet.world, CLOSE, "2026-11").figures)


def test_a_fact_told_late_belongs_to_the_month_in_which_it_happened(quiet: Road) -> None:
    authorised(quiet)
    quiet.world.now = lambda: AFTER
    quiet.tell("wms", msgspec.structs.replace(parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"), occurred_at=IN_PERIOD))
    pack = made(quiet)
    assert amount(pack, "receipts_without_credit") == "40.00"
    assert figure(pack, "goods_in_transit").rows == ()


def test_money_that_left_before_the_goods_came_is_shown_with_entries_that_balance(quiet: Road) -> None:
    authorised(quiet)
    quiet.tell("shop", msgspec.structs.replace(refund_moved("F1", 1500), occurred_at=IN_PERIOD))
    seen = portal_return(tracking="TRK1")
    reported = msgspec.structs.replace(seen, edited_at="2026-10-28T11:00:00Z")
    quiet.tell("portal", msgspec.structs.replace(shown(reported), key="again", occurred_at=IN_PERIOD))
    pack = made(quiet)
    assert amount(pack, "refunds_without_receipt") == "15.00"
    assert amount(pack, "refunds_without_credit") == "15.00"
    to_explain = [entry for entry in pack.entries if entry.name == "Refunds nobody can attribute"]
    assert to_explain[0].bookings[0] == ("Refunds to be explained", "15.00", ""), "no return has claimed it"
    announced = next(entry for entry in pack.entries if entry.name == "Announced returns")
    assert announced.bookings == (
        ("Sales returns", "33.34", ""),
        ("Output tax on returns, to be adjusted", "6.66", ""),
        ("Refund liability", "", "40.00"),
    )


def test_a_known_cost_values_the_asset_and_accounts_carry_the_merchants_names(quiet: Road, tmp_path: Path) -> None:
    authorised(quiet)
    (tmp_path / "costs.csv").write_text("sku,cost,currency\nSHIRT-M,7.25,GBP\n")
    accounts = Accounts(return_asset="1455 Right to recover goods")
    settings = CloseSettings(costs=str(tmp_path / "costs.csv"), accounts=accounts)
    pack = made(quiet, settings=settings)
    assert amount(pack, "return_asset") == "14.50"
    entry = next(entry for entry in pack.entries if entry.name == "Right to recover goods")
    assert entry.bookings[0] == ("1455 Right to recover goods", "14.50", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sku,price\nA,1\n", "has no column 'cost'"),
        ("sku,cost,currency\nA,x,GBP\n", "line 2: 'x' is not"),
        ("sku,cost,currency\nA,1.00,GBP\nA,2.00,GBP\n", "line 3: A has two costs"),
        ("sku,cost,currency\nA,-1.00,GBP\n", "not negative"),
    ],
)
def test_a_cost_file_that_cannot_be_trusted_is_refused_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(text)
    with pytest.raises(CloseError, match=sentence):
        read_costs(path)


def test_a_month_ends_at_the_merchants_midnight() -> None:
    assert period("2026-10", "America/New_York").cut_off == "2026-11-01T04:00:00Z"
    assert period("2026-12").reverses_on == "2027-01-01"
    with pytest.raises(CloseError, match="no period"):
        period("2026-13")
    with pytest.raises(CloseError, match="no time zone"):
        period("2026-10", "Middle/Earth")


def test_reviewer_and_preparer_are_two_people_and_see_the_same_figures(quiet: Road) -> None:
    authorised(quiet)
    quiet.world.now = lambda: IN_PERIOD
    with pytest.raises(CloseError, match="can be signed from then on"):
        sign(quiet.world, CLOSE, "2026-10", "Robin", "preparer")
    quiet.world.now = lambda: AFTER
    with pytest.raises(CloseError, match="no preparer yet"):
        sign(quiet.world, CLOSE, "2026-10", "Kim", "reviewer")
    sign(quiet.world, CLOSE, "2026-10", "Robin", "preparer")
    with pytest.raises(CloseError, match="somebody else reviews"):
        sign(quiet.world, CLOSE, "2026-10", "robin", "reviewer")
    quiet.tell("wms", msgspec.structs.replace(parcel("GR-1", [("SHIRT-M", 1)], tracking="TRK1"), occurred_at=IN_PERIOD))
    with pytest.raises(CloseError, match="figures of 2026-10 changed"):
        sign(quiet.world, CLOSE, "2026-10", "Kim", "reviewer")
    sign(quiet.world, CLOSE, "2026-10", "Robin", "preparer")
    sign(quiet.world, CLOSE, "2026-10", "Kim", "reviewer")
    with pytest.raises(CloseError, match="was locked"):
        sign(quiet.world, CLOSE, "2026-10", "Lee", "preparer")
    signed = quiet.rows("select actor, name from log where stream = 'system/close' order by seq")
    assert [row["actor"] for row in signed] == ["person:Robin", "person:Robin", "person:Kim"]


def test_after_the_lock_later_facts_of_the_month_are_listed_and_change_nothing(quiet: Road) -> None:
    authorised(quiet)
    quiet.world.now = lambda: AFTER
    sign(quiet.world, CLOSE, "2026-10", "Robin", "preparer")
    locked = sign(quiet.world, CLOSE, "2026-10", "Kim", "reviewer")
    tell(quiet, "wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"), IN_PERIOD)
    pack = made(quiet)
    assert (pack.state, pack.figures_hash) == ("locked", locked.figures_hash)
    assert pack.figures == locked.figures
    assert "WarehouseReported" in {late.fact for late in pack.after_lock}
    assert [s.signed_by for s in pack.signoffs] == ["Robin", "Kim"]


def test_the_same_data_gives_the_same_bytes_in_every_form(quiet: Road) -> None:
    authorised(quiet)
    one, two = made(quiet), made(quiet, now="2026-11-09T12:00:00Z")
    assert page(one) == page(two)
    assert workbook(one) == workbook(two)
    assert document(one) == document(two)
    assert document(one).startswith(b"%PDF")


def test_every_figure_of_the_page_opens_to_its_rows(quiet: Road) -> None:
    authorised(quiet)
    text = page(made(quiet))
    for key in ("goods_in_transit", "refund_liability", "return_asset"):
        assert f'href="#{key}"' in text and f'id="{key}"' in text
    assert "north/acme-portal/R1" in text
    assert "<script" not in text and "http" not in text


def test_names_with_markup_in_them_stay_text(quiet: Road) -> None:
    authorised(quiet)
    pack = made(quiet)
    rows = tuple(msgspec.structs.replace(row, order="<b>&") for row in figure(pack, "goods_in_transit").rows)
    figures = tuple(msgspec.structs.replace(f, rows=rows) if f.key == "goods_in_transit" else f for f in pack.figures)
    odd = msgspec.structs.replace(pack, figures=figures)
    assert "&lt;b&gt;&amp;" in page(odd) and "<b>" not in page(odd)
    assert document(odd) and workbook(odd)


def test_a_cost_file_lies_beside_the_settings_that_name_it(tmp_path: Path) -> None:
    (tmp_path / "counterfoil.toml").write_text('[close]\ncosts = "costs.csv"\nzone = "Europe/London"\n')
    found = load(tmp_path / "counterfoil.toml")
    assert (found.close.costs, found.close.zone) == (str(tmp_path / "costs.csv"), "Europe/London")


def test_the_log_replayed_to_its_end_is_the_return_as_stored(quiet: Road) -> None:
    authorised(quiet)
    tell(quiet, "wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    case = quiet.case()
    with quiet.world.database.read() as tx:
        entries = signoffs.stream(tx, case.case_id, signoffs.newest_entry(tx))
    assert as_of(case.case_id, entries, period("2026-12").cut_ms) == case
    assert as_of(case.case_id, entries, period("2026-09").cut_ms) is None
