"""Which policy a return follows: by day, country, goods, value and customer; mixed goods follow the strictest gate."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from scenes import look_after, with_case

from counterfoil.core.case import ReturnCase
from counterfoil.core.choose import choose
from counterfoil.core.policy import Agreement, Conditions, Edition, FlowPolicy, Override, RefundGate

BASE = FlowPolicy(name="house")
LOOSE = replace(BASE, rule="loose", refund_gate=RefundGate.RECEIPT)


def case(
    *, country: str = "GB", tags: tuple[str, ...] = (), units: str = "1 x A", day: str = "2026-11-09"
) -> ReturnCase:
    look = look_after(f"the portal authorises {units}")
    assert look.case.portal_return is not None and look.case.order is not None
    shown = replace(look.case.portal_return, country=country)
    order = replace(look.case.order, customer_tags=tags)
    return with_case(look, portal_return=shown, order=order, authorised_at=f"{day}T08:00:00Z").case


def agreed(when: Conditions, **edition: Any) -> Agreement:
    rule = Override(name="loose", when=when, policy=LOOSE)
    return Agreement(policy=FlowPolicy(name="settings"), editions=(Edition(policy=BASE, overrides=(rule,), **edition),))


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        (Conditions(countries=("GB",)), True),
        (Conditions(countries=("DE", "FR")), False),
        (Conditions(categories=("tops",)), True),
        (Conditions(categories=("shoes",)), False),
        (Conditions(tiers=("gold",)), True),
        (Conditions(tiers=("silver",)), False),
        (Conditions(currency="GBP", value_from=2_000), True),
        (Conditions(currency="GBP", value_from=2_001), False),
        (Conditions(currency="GBP", value_below=2_000), False),
        (Conditions(currency="EUR", value_from=1), False),
        (Conditions(countries=("GB",), categories=("shoes",)), False),
    ],
)
def test_every_condition_named_must_hold(when: Conditions, fits: bool) -> None:
    words = {"categories": {"tops": ("A*",), "shoes": ("B*",)}, "tiers": {"gold": ("VIP",), "silver": ("plus",)}}
    chosen = choose(agreed(when, **words), case(tags=("vip",)))
    assert (chosen.rule == "loose") is fits


def test_a_return_of_mixed_goods_follows_the_strictest_gate_among_them() -> None:
    agreement = agreed(Conditions(categories=("tops",)), categories={"tops": ("A*",), "shoes": ("B*",)})
    assert choose(agreement, case(units="1 x A")).refund_gate is RefundGate.RECEIPT
    assert choose(agreement, case(units="1 x A, 1 x B")).refund_gate is RefundGate.RECEIPT_INSPECTION


def test_a_return_of_unknown_value_is_in_no_band() -> None:
    agreement = agreed(Conditions(currency="GBP", value_from=0))
    known = case()
    assert known.portal_return is not None
    lines = tuple(replace(line, line_value=None) for line in known.portal_return.lines)
    unsaid = replace(known, portal_return=replace(known.portal_return, lines=lines))
    assert choose(agreement, known).rule == "loose" and choose(agreement, unsaid).rule == ""


def test_the_newest_edition_that_had_started_holds_and_before_the_first_the_settings_do() -> None:
    def edition(version: str, day: str) -> Edition:
        return Edition(policy=replace(BASE, version=version), starts_on=day)

    agreement = Agreement(
        policy=FlowPolicy(name="settings"), editions=(edition("1", "2026-11-05"), edition("2", "2026-11-09"))
    )
    assert choose(agreement, case(day="2026-11-09")).label == "house 2"
    assert choose(agreement, case(day="2026-11-08")).label == "house 1"
    assert choose(agreement, case(day="2026-11-04")).label == "settings 1"
