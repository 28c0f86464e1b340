"""The picture of a policy is what a return really goes through: it is played, not drawn by hand."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from counterfoil.core.policy import PRESETS, Agreement, RmaOn
from counterfoil.policy.drawing import draw
from counterfoil.policy.explain import Explanation, as_text, explain
from counterfoil.policy.sample import Sample

PORTAL = frozenset({"release", "notes", "grading"})
ERP = frozenset({"read_order", "create_return", "receive", "post_credit"})
WORDS = {
    "authorised": "the portal authorises it",
    "rma": "the RMA is made",
    "inspected": "the goods are inspected",
    "booked": "the goods are booked into stock",
    "drafted": "the credit note is drafted: the ERP agrees to its value",
    "released": "the refund is released",
    "paid": "the money is confirmed",
    "credited": "the credit note is posted",
}
SEQUENCES = {
    "controlled": "authorised rma inspected booked drafted released paid credited",
    "credit-first": "rma authorised inspected booked drafted paid credited",
    "portal-led": "authorised rma paid inspected booked credited",
    "restock-mirror": "rma authorised paid inspected booked credited",
    "instant-funded": "authorised rma paid inspected booked credited",
}


def explained(preset: str, *, drafts: bool = True) -> Explanation:
    can = ERP | ({"draft_credit"} if drafts else set())
    return explain(Agreement(policy=PRESETS[preset], portal_can=PORTAL, erp_can=can))


def order_of(found: Explanation) -> str:
    names = {what: name for name, what in WORDS.items()}
    return " ".join(names[step.what] for step in found.steps if step.what in names)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_each_preset_goes_through_its_sequence_to_the_end(preset: str) -> None:
    found = explained(preset)
    assert order_of(found) == SEQUENCES[preset]
    assert found.ends == "the return is finished: goods, money and credit note agree"


def test_an_erp_that_cannot_draft_posts_before_the_release() -> None:
    assert order_of(explained("controlled", drafts=False)) == "authorised rma inspected booked credited released paid"


def test_an_axis_that_changes_moves_its_step() -> None:
    late = replace(PRESETS["portal-led"], rma_on=RmaOn.FINALISED)
    assert order_of(explain(Agreement(policy=late, portal_can=PORTAL, erp_can=ERP))).startswith("authorised rma paid")
    scan = replace(PRESETS["controlled"], rma_on=RmaOn.IN_TRANSIT)
    steps = [step.what for step in explain(Agreement(policy=scan, portal_can=PORTAL, erp_can=ERP)).steps]
    assert steps.index("the carrier scans the parcel") < steps.index(WORDS["rma"])


def test_a_policy_that_waits_for_itself_says_that_the_return_stays_open() -> None:
    stuck = replace(PRESETS["controlled"], rma_on=RmaOn.FINALISED)
    found = explain(Agreement(policy=stuck, portal_can=PORTAL, erp_can=ERP))
    assert found.ends.startswith("the return stays open") and "paid" not in order_of(found)


def test_instant_money_leaves_on_the_first_day_and_controlled_money_on_the_last() -> None:
    paid = {name: next(s.hours for s in explained(name).steps if s.kind == "pays") for name in PRESETS}
    assert paid["instant-funded"] < 24 < paid["portal-led"] < paid["controlled"]


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_the_drawing_is_an_svg_that_takes_the_pages_colours_and_can_be_read_aloud(preset: str) -> None:
    found = explained(preset)
    drawing = draw(found)
    root = ET.fromstring(drawing)
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}g")) == len(found.steps)
    told = root.find(f"{space}desc")
    assert told is not None and all(step.what in (told.text or "") for step in found.steps)
    assert not re.search(r"#[0-9a-fA-F]{3,6}|rgb\(|black|white", drawing) and "currentColor" in drawing


def test_the_text_names_each_step_with_its_rule() -> None:
    text = as_text(explained("controlled"))
    assert "→ the refund is released  [refund_released_through_the_gate]" in text
    assert text.splitlines()[-1] == "In the end the return is finished: goods, money and credit note agree."


def test_a_rehearsal_without_goods_pays_nothing_and_credits_nothing() -> None:
    agreement = Agreement(policy=PRESETS["controlled"], portal_can=PORTAL, erp_can=ERP)
    played = Sample(agreement=agreement, without=frozenset({"goods"})).play()
    assert played.case.money_out == 0 and played.case.done("credit-1") is None
