"""The legal clock: a thousand dated cases of nine countries, and what the gate makes of a deadline that comes near.

`legal_cases.csv` was worked out apart from our code, with a published calendar of public holidays.
"""

from __future__ import annotations

import csv
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from scenes import kinds, look_after, requested, waits, with_case, with_policy

from counterfoil.core.legal import LegalClock, LegalRule, deadline, easter, holiday_days, last_day, warning
from counterfoil.core.look import Look

DATA = Path(__file__).parents[2] / "src" / "counterfoil" / "policy" / "legal"
RULES = {path.stem.upper(): tomllib.loads(path.read_text("utf-8")) for path in sorted(DATA.glob("*.toml"))}


def rule(country: str, **changes: Any) -> LegalRule:
    return msgspec.convert({**RULES[country], **changes}, LegalRule)


def cases() -> list[dict[str, str]]:
    with (Path(__file__).parent / "legal_cases.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("country", sorted(RULES))
def test_a_thousand_dated_cases_end_when_an_independent_calendar_says(country: str) -> None:
    found = [case for case in cases() if case["country"] == country]
    assert len(found) >= 90
    agreed = rule(country)
    for case in found:
        assert deadline(agreed, case["notice"]) == case["too_late_from"], case
        assert warning(agreed, case["notice"], 3) == case["warned_from"], case


def test_the_table_has_a_thousand_cases_of_nine_countries() -> None:
    assert len(cases()) == 1000 and len(RULES) == 9


@pytest.mark.parametrize("country", sorted(RULES))
def test_every_value_names_its_source_its_day_and_that_it_wants_checking(country: str) -> None:
    data = RULES[country]
    assert data["source"] and data["holidays_source"] and date.fromisoformat(data["dated"])
    assert data["label"] == "have it checked"


def test_a_period_over_the_leap_day_counts_it() -> None:
    assert last_day(rule("DE"), date(2028, 2, 15)) == date(2028, 2, 29)
    assert last_day(rule("DE"), date(2027, 2, 15)) == date(2027, 3, 1)


def test_the_day_ends_at_local_midnight_on_both_sides_of_a_clock_change() -> None:
    assert deadline(rule("DE"), "2026-03-10T12:00:00Z") == "2026-03-24T23:00:00Z"
    assert deadline(rule("DE"), "2026-03-17T12:00:00Z") == "2026-03-31T22:00:00Z"


def test_business_days_skip_weekends_and_holidays() -> None:
    five = rule("GB", days=5, days_are="business")
    assert last_day(five, date(2026, 12, 23)) == date(2027, 1, 4)


def test_a_holiday_nobody_can_read_is_named() -> None:
    with pytest.raises(ValueError, match="'Boxing Day' is no way to write a holiday"):
        holiday_days(("Boxing Day",), 2026)


def test_easter_is_where_everybody_else_has_it() -> None:
    assert [easter(year).isoformat() for year in (2024, 2025, 2026, 2038)] == [
        "2024-03-31",
        "2025-04-20",
        "2026-04-05",
        "2038-04-25",
    ]


# --- in the gate

ASKED = ("the portal authorises 1 x A", "the parcel is in transit")


def clocked(*sentences: str, now: str, country: str = "DE", opens: bool = False, **options: Any) -> Look:
    """A German return asked for on 9 November 2026, looked at later; its money is due before 24 November."""
    look = look_after(*sentences, **options)
    assert look.case.portal_return is not None
    seen = replace(look.case.portal_return, country=country)
    legal = LegalClock(rules=(rule("DE"), rule("GB")), opens_gate=opens)
    return replace(with_policy(with_case(look, portal_return=seen), legal=legal), now=now)


def test_nothing_is_said_before_the_warning_and_without_a_chosen_country() -> None:
    assert kinds(clocked(*ASKED, now="2026-11-12T08:00:00Z")) == set()
    assert "law_before_deadline" in waits(clocked(*ASKED, now="2026-11-12T08:00:00Z"))
    assert kinds(clocked(*ASKED, now="2026-12-30T08:00:00Z", country="US")) == set()


def test_the_warning_comes_three_business_days_before_the_breach() -> None:
    assert kinds(clocked(*ASKED, now="2026-11-17T22:59:59Z")) == set()
    assert kinds(clocked(*ASKED, now="2026-11-17T23:00:00Z")) == {"legal_deadline_near"}
    assert kinds(clocked(*ASKED, now="2026-11-23T22:59:59Z")) == {"legal_deadline_near"}
    assert kinds(clocked(*ASKED, now="2026-11-23T23:00:00Z")) == {"legal_deadline_missed"}


def test_evidence_of_posting_opens_the_gate_only_where_the_policy_lets_it_and_the_deadline_is_near() -> None:
    assert "ReleaseRefund" not in requested(clocked(*ASKED, now="2026-11-20T08:00:00Z"))
    assert "ReleaseRefund" not in requested(clocked(*ASKED, now="2026-11-12T08:00:00Z", opens=True))
    assert requested(clocked(*ASKED, now="2026-11-20T08:00:00Z", opens=True)) == ["ReleaseRefund"]


def test_without_evidence_the_gate_stays_shut_however_late_it_is() -> None:
    assert "ReleaseRefund" not in requested(clocked(ASKED[0], now="2027-01-20T08:00:00Z", opens=True))


def test_a_person_who_accepts_the_warning_lets_the_money_go() -> None:
    look = clocked(*ASKED, now="2026-11-20T08:00:00Z")
    agreed = with_case(look, accepted_differences={"legal_deadline_near": "finance: the parcel is on its way"})
    assert requested(agreed) == ["ReleaseRefund"] and kinds(agreed) == set()


def test_in_the_united_kingdom_the_period_starts_with_the_evidence() -> None:
    assert kinds(clocked(ASKED[0], now="2027-01-20T08:00:00Z", country="GB")) == set()
    assert kinds(clocked(*ASKED, now="2027-01-20T08:00:00Z", country="GB")) == {"legal_deadline_missed"}
