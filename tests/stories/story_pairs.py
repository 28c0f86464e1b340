"""Which story is told with which portal, ERP transport and database.

`make test` tells a part that rotates over all pairs; `COUNTERFOIL_PAIRS=all` tells every story with every pair.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

from counterfoil.testing.stories import Story, read_stories

STORIES = read_stories(Path(__file__).parent)
PORTALS = ("loop", "returngo", "reveni")
ERPS = ("prima", "prima-soap", "prima-file", "netsuite")
DATABASES = ("sqlite", "postgresql")
PAIRS = tuple(product(PORTALS, ERPS, DATABASES))
OF_EACH_PAIR = 3  # stories, besides those every ERP must tell
BY_EVERY_ERP = ("answer_lost", "one_unit")

_LEAVES_ITS_HOUSE = "the portal's staff pays when it sees the inspection, which is not what is told here"
_NO_WORDS = "the portal has no such call, or its simulator shows no count of it"
_PORTAL_LED_ALONE = "the portal is played under portal-led, whatever a story agrees on"
_EXTRAS = "the portal is not played with fees, shipping, store credit or a split of its own"

# What cannot be told, and why. Everything else is told.
NOT_WITH: Mapping[str, Mapping[str, str]] = {
    "prima-file": {
        "cancelled_before_receipt": "no file cancels a return; the cancelling is parked for a person",
        "cancelled_then_returned_again": "no file cancels a return",
        "exchange_everywhere": "no file releases a held order, so the exchange order is made once it may ship",
        "exchange_everywhere_cancelled": "no exchange order is there yet to be withdrawn, and no file cancels a return",
        "expired": "no file cancels a return",
        "controlled_with_drafts": "a credit note that comes by file is posted at once",
        "refund_held_back_then_failed": "without drafts the credit is posted before the refund fails",
    },
    "returngo": {
        "approval_refused_then_given": _LEAVES_ITS_HOUSE,
        "refunded_outside_then_returned": _LEAVES_ITS_HOUSE,
        "two_people_approve": _LEAVES_ITS_HOUSE,
        "who_accepts_does_not_approve": _EXTRAS,
        "controlled_with_drafts": _NO_WORDS,
        "controlled_without_drafts": _NO_WORDS,
        "credit_first": _PORTAL_LED_ALONE,
        "damaged_and_reviewed": _LEAVES_ITS_HOUSE,
        "expired": _NO_WORDS,
        "instant_funded": _PORTAL_LED_ALONE,
        "mixed_tenders": _EXTRAS,
        "nothing_to_pay": _LEAVES_ITS_HOUSE,
        "one_unit": _NO_WORDS,
        "parcel_before_return": _LEAVES_ITS_HOUSE,
        "partial_in_two_parcels": _LEAVES_ITS_HOUSE,
        "portal_led": _NO_WORDS,
        "processed_without_release": _NO_WORDS,
        "refund_held_back_then_failed": _LEAVES_ITS_HOUSE,
        "restock_mirror": _PORTAL_LED_ALONE,
        "revision_down_after_booking": _LEAVES_ITS_HOUSE,
        "revision_down_before_booking": _LEAVES_ITS_HOUSE,
        "revision_up": _LEAVES_ITS_HOUSE,
        "shipping_excluding_tax_refunded": _EXTRAS,
        "shipping_refunded": _EXTRAS,
        "whole_order": _EXTRAS,
        "short_and_accepted": _EXTRAS,
        "store_credit": _EXTRAS,
        "units_rejected": _LEAVES_ITS_HOUSE,
        "unmapped_depot_without_quarantine": _LEAVES_ITS_HOUSE,
        "value_differs_then_accepted": _EXTRAS,
        "wrong_item": _LEAVES_ITS_HOUSE,
        "wrong_stage_order": _LEAVES_ITS_HOUSE,
    },
    "reveni": {
        "refunded_outside_then_returned": _NO_WORDS,
        "two_people_approve": _NO_WORDS,
        "who_accepts_does_not_approve": _EXTRAS,
        "controlled_with_drafts": _NO_WORDS,
        "controlled_without_drafts": _NO_WORDS,
        "credit_first": _NO_WORDS,
        "erp_refuses_then_settled_by_hand": _NO_WORDS,
        "erp_refuses_then_tried_again": _NO_WORDS,
        "expired": _NO_WORDS,
        "fee_withheld": _EXTRAS,
        "in_review_then_approved": _NO_WORDS,
        "instant_funded": _NO_WORDS,
        "mixed_tenders": _EXTRAS,
        "one_unit": _NO_WORDS,
        "period_closed_then_posted_in_the_next": _NO_WORDS,
        "portal_led": _NO_WORDS,
        "portal_led_waits_for_inspection": _NO_WORDS,
        "processed_without_release": _NO_WORDS,
        "refund_before_receipt": _NO_WORDS,
        "restock_mirror": _NO_WORDS,
        "short_and_accepted": _EXTRAS,
        "store_credit": _EXTRAS,
        "units_rejected": "a refusal ends the return at this portal before ours is open",
        "value_differs_then_accepted": _EXTRAS,
        "wrong_stage_order": _NO_WORDS,
    },
}


def told_at(portal: str, erp: str) -> list[Story]:
    """The stories a pair can be part of; `runs:` names vendors of ERPs."""
    vendor = erp.partition("-")[0]
    missing = {**NOT_WITH.get(portal, {}), **NOT_WITH.get(erp, {})}
    return [story for story in STORIES if (not story.runs or vendor in story.runs) and story.name not in missing]


def chosen() -> Iterator[tuple[Story, str, str, str]]:
    """(story, portal, ERP, database): every story, every pair, within seconds; all of them when asked."""
    everything = os.environ.get("COUNTERFOIL_PAIRS") == "all"
    for place, (portal, erp, kind) in enumerate(PAIRS):
        told = told_at(portal, erp)
        turn = {told[(place * 5 + step * 7) % len(told)].name for step in range(OF_EACH_PAIR)}
        for story in told:
            main = (portal, kind) == ("loop", "sqlite") and (story.name in BY_EVERY_ERP or _takes_its_turn(story, erp))
            if everything or main or story.name in turn:
                yield story, portal, erp, kind


def _takes_its_turn(story: Story, erp: str) -> bool:
    """Every story is told with one of the ERPs that can tell it, in turn."""
    able = [name for name in ERPS if story in told_at("loop", name)]
    return erp == able[STORIES.index(story) % len(able)] if able else False
