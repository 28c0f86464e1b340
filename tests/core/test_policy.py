"""The agreed rules: presets are starting points, every axis has one value, and the defaults are the careful ones."""

from __future__ import annotations

import msgspec
import pytest
from scenes import after

from counterfoil.core.policy import (
    PRESETS,
    CreditOrder,
    FlowPolicy,
    RefundExecutor,
    RefundGate,
    RmaOn,
    StockOn,
)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_carries_its_own_name_and_survives_being_written_down(name: str) -> None:
    preset = PRESETS[name]
    assert preset.name == name
    assert msgspec.convert(msgspec.to_builtins(preset), FlowPolicy) == preset


def test_the_default_is_the_most_careful_one() -> None:
    assert PRESETS["controlled"] == FlowPolicy()
    careful = FlowPolicy()
    assert careful.refund_gate is RefundGate.RECEIPT_INSPECTION
    assert careful.credit_order is CreditOrder.CREDIT_THEN_REFUND
    assert careful.stock_on is StockOn.WMS_INSPECTED
    assert (careful.credit_within_hours, careful.inspect_within_hours) == (24, 48)
    assert careful.tolerance_per_partial_line == 1


def test_no_preset_lets_money_go_before_goods_without_naming_a_cover() -> None:
    for preset in PRESETS.values():
        loose = preset.refund_gate in (RefundGate.INSTANT, RefundGate.CARRIER_SCAN)
        assert not loose or preset.refund_cover, f"{preset.name} refunds early without cover"


def test_portal_led_never_asks_the_portal_to_pay() -> None:
    assert PRESETS["portal-led"].refund_executor is RefundExecutor.PORTAL_ITSELF
    stage = after(
        "the portal authorises 1 x A", "the warehouse receives 1 x A sellable", given="and the portal-led policy"
    )
    assert stage.told("release") == 0 and stage.documents("credit note") == ()


def test_controlled_asks_once_and_only_through_the_gate() -> None:
    assert after("the portal authorises 1 x A").told("release") == 0
    assert after("the portal authorises 1 x A", "the warehouse receives 1 x A sellable").told("release") == 1


def test_every_axis_has_its_own_words() -> None:
    assert {gate.value for gate in RefundGate} == {"receipt+inspection", "receipt", "carrier_scan", "instant"}
    assert {moment.value for moment in RmaOn} == {"requested", "authorised", "in_transit", "finalised"}
