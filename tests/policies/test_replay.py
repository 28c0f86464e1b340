"""A changed policy over recorded returns gives what living under it would have given; nothing is written."""

from __future__ import annotations

from dataclasses import replace as with_fields
from datetime import datetime
from itertools import permutations

import pytest
from msgspec.structs import replace

from counterfoil.core.look import Ledger
from counterfoil.core.mapping import Mapping
from counterfoil.core.policy import PRESETS, Agreement
from counterfoil.core.receipts import ReceiptKind
from counterfoil.core.returns import LabelStatus
from counterfoil.policy.reading import read
from counterfoil.policy.recording import play, record
from counterfoil.policy.rehearsal import Rehearsal
from counterfoil.policy.replay import Replay, as_text, replay
from counterfoil.policy.sample import Sample
from counterfoil.store.database import Database
from counterfoil.testing.builders import label, parcel, portal_return, refund_moved, refund_reported, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import BRAND, Road, make_world

CAN = {"portal_can": frozenset({"release", "notes"}), "erp_can": frozenset({"receive", "post_credit", "draft_credit"})}
MAPPING = Mapping(reasons={"Too small": "SIZE"}, depots={"WH/sellable": "MAIN"})
MINUTE, DAY = 60, 86_400


def agreement(preset: str) -> Agreement:
    return Agreement(policy=PRESETS[preset], **CAN)


def lived(preset: str) -> Rehearsal:
    """The sample return as it goes under a preset."""
    return Sample(agreement=agreement(preset)).play()


def logged(played: Rehearsal) -> list[tuple[int, object]]:
    return [(0, fact) for fact in played.facts]


def paid_at(played: Rehearsal) -> float:
    assert played.case.first_refund_at is not None
    return datetime.fromisoformat(played.case.first_refund_at).timestamp()


@pytest.mark.parametrize(("was", "becomes"), sorted(permutations(["controlled", "portal-led", "instant-funded"], 2)))
def test_a_recording_played_under_another_preset_pays_when_that_preset_would_have_paid(was: str, becomes: str) -> None:
    recording = record("sample", logged(lived(was)))  # type: ignore[arg-type]
    assert recording is not None
    before, after = play(recording, agreement(was), agreement(becomes), MAPPING, Ledger())
    assert abs(paid_at(before) - paid_at(lived(was))) <= MINUTE
    assert abs(paid_at(after) - paid_at(lived(becomes))) <= 61 * MINUTE  # the portal's own delay is as recorded
    assert before.case.money_out == after.case.money_out == 2_000
    assert before.case.done("credit-1") is not None and after.case.done("credit-1") is not None


def test_a_recording_played_under_its_own_policy_is_what_was_recorded() -> None:
    for preset in sorted(PRESETS):
        original = lived(preset)
        recording = record("sample", logged(original))  # type: ignore[arg-type]
        assert recording is not None
        before, after = play(recording, agreement(preset), agreement(preset), MAPPING, Ledger())
        for played in (before, after):
            assert played.case.money_out == original.case.money_out
            assert played.decision.progress == original.decision.progress
            assert set(played.case.steps) == set(original.case.steps)


# --- over the store

DAYS = "2026-11-02", "2026-11-03", "2026-11-05", "2026-11-09", "2026-11-07"  # asked, posted, counted, inspected, paid


def history(database: Database) -> Road:
    """A portal-led return, paid two days before the inspection, as the store keeps it."""
    outside = Outside()
    outside.sell(sold_order())
    road = Road(make_world(database, outside, policy=PRESETS["portal-led"]), outside)
    asked, posted, counted, inspected, paid = (f"{day}T10:00:00Z" for day in DAYS)
    road.world = with_fields(road.world, now=lambda: asked)
    outside.show(replace(portal_return(), created_at=asked, edited_at=asked))
    road.settle()
    outside.announce("portal", replace(label("R1", LabelStatus.IN_TRANSIT, "TRK1"), occurred_at=posted))
    outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1", at=counted, kind=ReceiptKind.RECEIVED))
    road.world = with_fields(road.world, now=lambda: paid)
    outside.announce("portal", replace(refund_reported("R1", "P1", 4000), occurred_at=paid))
    outside.announce("shop", refund_moved("P1", 4000, at=paid))
    road.settle()
    road.world = with_fields(road.world, now=lambda: inspected)
    outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1", at=inspected, revision=2))
    road.settle()
    return road


def compare(road: Road, preset: str, since_ms: int = 0) -> Replay:
    setup = road.world.setup(BRAND, road.case().case.portal)
    text = (
        f'name = "tighter"\nversion = "2"\nfrom = 2026-12-01\nbrand = "{BRAND}"\nportal = "{setup.portal}"\n'
        f'erp = "acme"\ncurrency = "GBP"\npreset = "{preset}"\n'
    )
    policy = read(text, "tighter.toml")
    return replay(road.world.database, setup.agreement, setup.mapping, policy, since_ms)


def test_holding_the_money_for_the_inspection_is_priced_in_days_and_amounts(database: Database) -> None:
    road = history(database)
    before = road.rows("select count(*) as n from log")
    found = compare(road, "controlled")
    cash = found.cash["GBP"]
    assert (found.returns, found.as_recorded, found.left_out) == (1, 1, {})
    assert (cash.paid_before_minor, cash.paid_after_minor) == (4000, 4000)
    assert (cash.returns_later, cash.later_minor_days) == (1, 2 * 4000)
    assert (cash.returns_earlier, cash.returns_no_longer_paid) == (0, 0)
    assert "refund_needs_inspection" in found.holds_added
    assert found.deadlines_kept.get("refund_without_credit") == 1
    assert road.rows("select count(*) as n from log") == before, "a replay writes nothing"
    assert "later: 1 returns, 80.00 GBP × days" in as_text(found)


def test_the_same_policy_changes_nothing(database: Database) -> None:
    found = compare(history(database), "portal-led")
    assert found.returns == 1
    assert (found.cash["GBP"].returns_earlier, found.cash["GBP"].returns_later) == (0, 0)
    assert not (found.holds_added or found.holds_removed or found.exceptions_created or found.exceptions_removed)


def test_only_returns_opened_since_the_day_are_played(database: Database) -> None:
    road = history(database)
    assert compare(road, "controlled", since_ms=2**50).returns == 0


def test_units_that_a_later_return_took_up_are_not_counted_against_an_earlier_one(database: Database) -> None:
    outside = Outside()
    outside.sell(sold_order())
    road = Road(make_world(database, outside, policy=PRESETS["controlled"]), outside)
    for number in (1, 2):
        name = f"R{number}"
        outside.show(portal_return(name, units=(("L1", 1),)))
        outside.announce("portal", label(name, LabelStatus.IN_TRANSIT, f"TRK{number}"))
        road.settle()
        outside.announce("wms", parcel(f"GR-{number}", [("SHIRT-M", 1)], tracking=f"TRK{number}"))
        road.settle()
    found = compare(road, "controlled")
    assert (found.returns, found.as_recorded) == (2, 2)
