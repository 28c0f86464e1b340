"""The scorecard: each KPI by its definition, targets by category, and costs that tie to the posted documents."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from counterfoil.closing import kpis
from counterfoil.closing.charts import week_bars
from counterfoil.closing.closepack_costs import Cost
from counterfoil.closing.kpis import DAY_MS, HOUR_MS, KPIS, ProofDay, WeekFacts
from counterfoil.closing.nightly import run as prove
from counterfoil.closing.scorecard import Scorecard, scorecard
from counterfoil.closing.scorecard_facts import CostLine, Measured, MeasuredUnit, PostedCredit
from counterfoil.closing.scorecard_html import kpi_csv, page, table_csv
from counterfoil.closing.scorecard_settings import Category, ScorecardSettings, Targets
from counterfoil.closing.scorecard_tables import costs, merchandising
from counterfoil.core.returns import Disposition
from counterfoil.testing.road import Road

MONDAY = 1_793_577_600_000  # 2 November 2026
NOW = "2026-11-05T12:00:00Z"


def unit(**given: Any) -> MeasuredUnit:
    common: dict[str, Any] = {
        "sku": "SHIRT-M",
        "reason": "Too small",
        "declared": None,
        "bookable": True,
        "booked": True,
    }
    return MeasuredUnit(**(common | {"found": Disposition.SELLABLE, "inspected_ms": MONDAY + HOUR_MS} | given))


def one(**given: Any) -> Measured:
    common: dict[str, Any] = {
        "case_id": "north/acme/R1",
        "category": "shirts",
        "region": "GB",
        "currency": "GBP",
        "initiated_ms": MONDAY - 2 * DAY_MS,
        "received_ms": MONDAY,
        "disposed_ms": MONDAY + DAY_MS,
        "refunded_ms": MONDAY + 6 * HOUR_MS,
        "ended_ms": MONDAY + DAY_MS,
        "exception": False,
        "by_hand": False,
        "changed_after_booking": False,
        "units": (unit(),),
        "credit": None,
    }
    return Measured(**(common | given))


def week(*returns: Measured, **given: Any) -> WeekFacts:
    return WeekFacts(start_ms=MONDAY, end_ms=MONDAY + 7 * DAY_MS, returns=returns, **given)


def test_cycle_time_runs_from_the_request_to_the_last_disposition() -> None:
    found = kpis.cycle_time(week(one(), one(initiated_ms=MONDAY - 9 * DAY_MS), one(disposed_ms=MONDAY - 1)))
    assert (found.value, found.of) == (Decimal("3.0"), 2)
    assert kpis.cycle_time(week(one(disposed_ms=None))).value is None


def test_refund_sla_runs_from_the_first_receipt_and_leaves_out_what_was_paid_before() -> None:
    found = kpis.refund_sla(week(one(), one(received_ms=MONDAY + DAY_MS), one(received_ms=None)))
    assert (found.value, found.of) == (Decimal("6.0"), 1)
    assert "2 before any receipt" in found.detail


def test_exception_rate_counts_the_returns_asked_for_in_the_week() -> None:
    asked = MONDAY + HOUR_MS
    found = kpis.exception_rate(
        week(one(initiated_ms=asked, exception=True), *[one(initiated_ms=asked)] * 2, one(exception=True))
    )
    assert (found.value, found.of) == (Decimal("33.3"), 3)


def test_auto_approval_counts_refunds_nobody_had_to_decide() -> None:
    found = kpis.auto_approval_rate(week(one(), one(by_hand=True), one(refunded_ms=None)))
    assert (found.value, found.of) == (Decimal("50.0"), 2)


def test_restock_accuracy_counts_what_waits_and_what_changed_against_it() -> None:
    waiting = one(units=(unit(booked=False),))
    changed = one(changed_after_booking=True)
    refused = one(units=(unit(bookable=False),))
    scrapped = one(units=(unit(found=Disposition.DISPOSE),))
    found = kpis.restock_accuracy(week(one(), waiting, changed, refused, scrapped))
    assert (found.value, found.of) == (Decimal("50.0"), 4)
    assert found.detail.endswith("1 restocked, 0 held, 1 scrapped")


def test_reconciliation_delta_is_unknown_when_no_proof_was_run() -> None:
    assert kpis.reconciliation_delta(week()).value is None
    proof = ProofDay(as_of="2026-11-05", open_records=3, amounts=(("GBP", "40.00"),))
    found = kpis.reconciliation_delta(week(proof=proof))
    assert (found.value, found.detail) == (Decimal(3), "as of 2026-11-05: 40.00 GBP")


def test_aged_backlog_counts_what_was_under_way_at_the_end_of_the_week() -> None:
    old = MONDAY - 20 * DAY_MS
    ended_later = one(initiated_ms=old, ended_ms=MONDAY + 8 * DAY_MS)
    found = kpis.aged_backlog(
        week(one(initiated_ms=old, ended_ms=None), ended_later, one(initiated_ms=old), one(ended_ms=None))
    )
    assert (found.value, found.of) == (Decimal(2), 3)


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.key)
def test_every_kpi_has_a_definition_a_target_and_a_direction(kpi: kpis.Kpi) -> None:
    assert kpi.work.__name__ == kpi.key, "the function is the KPI"
    assert kpi.definition.endswith(".") and len(kpi.definition) > 60
    target = getattr(Targets(), kpi.key)
    assert kpi.meets(target, target) is True
    assert kpi.meets(target + 1, target) is (not kpi.lower)
    assert kpi.meets(None, target) is None


def credited(number: str, region: str, *lines: CostLine, total: int) -> Measured:
    return one(region=region, credit=PostedCredit(number=number, at_ms=MONDAY + 1, total=total, lines=lines))


def line(sku: str, reason: str, gross: int, units: int = 1) -> CostLine:
    return CostLine(sku=sku, reason=reason, units=units, net=gross - gross // 6, tax=gross // 6, gross=gross)


def test_costs_by_sku_reason_and_region_each_add_up_to_the_posted_documents() -> None:
    facts = week(
        credited("CN1", "GB", line("A", "Too small", 2000), line("(return fee)", "(return fee)", -295, 0), total=1705),
        credited("CN2", "FR", line("A", "Changed my mind", 1000), line("B", "Too small", 500), total=1500),
    )
    tables, ties = costs(facts, {})
    assert [(tie.total, tie.parts, tie.balances) for tie in ties] == [("32.05", "32.05", True)] * 3
    by_sku = {row[0]: row for row in tables[0].rows}
    assert by_sku["A"][5] == "30.00" and by_sku["A"][6] == 2, "two documents stand behind it"
    assert by_sku["(return fee)"][5] == "-2.95"
    assert {row[0]: row[5] for row in tables[2].rows} == {"GB": "17.05", "FR": "15.00"}


def test_lines_that_do_not_make_up_the_document_are_said_not_to_add_up() -> None:
    _, ties = costs(week(credited("CN1", "GB", line("A", "Too small", 2000), total=2001)), {})
    assert [tie.balances for tie in ties] == [False, False, False]


def test_scrapped_goods_cost_what_is_known_and_are_unknown_otherwise() -> None:
    scrapped = one(units=(unit(found=Disposition.DISPOSE), unit(sku="HAT", found=Disposition.DONATE)))
    tables, _ = costs(week(scrapped), {"SHIRT-M": Cost(725, "GBP")})
    lost = {row[0]: row[-2:] for row in tables[0].rows}
    assert lost == {"SHIRT-M": (1, "7.25"), "HAT": (1, None)}


def test_what_was_declared_is_set_against_what_was_found() -> None:
    found = one(units=(unit(declared=Disposition.DAMAGED), unit(declared=Disposition.SELLABLE), unit()))
    by_sku, matrix, declared = merchandising(week(found))
    assert by_sku.rows == (("SHIRT-M", 3, "Too small (3)", 3),)
    assert matrix.rows == (("Too small", 3, 3),)
    assert {row[0]: row[3] for row in declared.rows} == {"damaged": "no", "sellable": "yes"}


def made(road: Road, settings: ScorecardSettings | None = None) -> Scorecard:
    with road.world.database.read() as tx:
        return scorecard(tx, NOW, 2, settings or ScorecardSettings())


def test_a_return_that_went_all_the_way_is_measured_from_the_stores(road: Road) -> None:
    road.world.now = lambda: NOW
    prove(road.world)
    score = made(road)
    last = {card.key: card.points[-1] for card in score.cards}
    assert [week.first for week in score.weeks] == ["2026-10-26", "2026-11-02"]
    assert last["cycle_time"].of == 1 and last["refund_sla"].of == 1
    assert (last["auto_approval_rate"].value, last["restock_accuracy"].value) == (Decimal(100), Decimal(100))
    assert last["reconciliation_delta"].value == 0
    assert {(tie.total, tie.balances) for tie in score.ties} == {("40.00", True)}
    assert {row[0] for row in score.credits.rows} == {road.row()["credit_number"]}


def test_a_category_has_its_own_target_and_only_its_own_returns(road: Road) -> None:
    strict = Targets(cycle_time=Decimal(0))
    settings = ScorecardSettings(
        category=(Category(name="hats", skus=("HAT*",), targets=strict), Category(name="shirts", skus=("SHIRT-*",)))
    )
    cards = {card.category: card for card in made(road, settings).cards if card.key == "cycle_time"}
    assert [cards[name].points[-1].of for name in (None, "hats", "shirts", "everything else")] == [1, 0, 1, 0]
    assert (cards["hats"].target, cards["shirts"].target) == (Decimal(0), Decimal(10))
    assert "reconciliation_delta" not in {c.key for c in made(road, settings).cards if c.category}


def test_page_and_files_say_the_same_and_run_nothing(road: Road) -> None:
    score = made(road)
    assert page(score) == page(made(road))
    assert page(score).count("<svg") == len(score.cards)
    assert "<script" not in page(score)
    assert kpi_csv(score).count("\r\n") == 1 + len(score.cards) * 2
    odd = msgspec.structs.replace(
        score.credits, rows=(("=1+1", "a", "b", "c", "GB", 1, "-2.95", "0.00", "-2.95", "GBP"),)
    )
    assert "'=1+1" in table_csv(odd) and ",-2.95," in table_csv(odd)


def test_a_chart_says_its_figures_in_words_and_marks_what_misses_the_aim() -> None:
    svg = week_bars("Refund SLA", ["2 Nov", "9 Nov"], [Decimal(60), None], Decimal(48), lower=True)
    assert 'aria-label="Refund SLA by week: 2 Nov 60, 9 Nov no value.' in svg
    assert 'class="column off"' in svg and "aim 48" in svg
    assert 'class="column off"' not in week_bars("x", ["a"], [Decimal(60)], Decimal(48), lower=False)
