"""Stories through the whole program: real store, real road, real adapters, simulators over loopback, both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import story_house

from counterfoil.testing.stories import Story, play, read_stories

ERPS = ("prima", "netsuite")
STORIES = read_stories(Path(__file__).parent)
# On SQLite every story runs with every ERP; these run on PostgreSQL as well, where only the store differs.
ON_POSTGRESQL = (
    "answer_lost",
    "cancelled_before_receipt",
    "mixed_tenders",
    "one_unit",
    "parcel_before_return",
    "refund_before_receipt",
    "several_refunds_on_one_return",
    "two_returns_settled_in_turn",
    "unmapped_reason",
)


def _pairs() -> list[Any]:
    found = []
    for erp in ERPS:
        for story in STORIES:
            if story.runs and erp not in story.runs:
                continue
            kinds = ("sqlite", "postgresql") if story.name in ON_POSTGRESQL else ("sqlite",)
            found += [pytest.param(story, erp, kind, id=f"{story.name}-{erp}-{kind}") for kind in kinds]
    return found


@pytest.mark.parametrize(("story", "erp", "kind"), _pairs())
def test_the_story_is_true_of_the_whole_program(
    story: Story, erp: str, kind: str, houses: Callable[[str, str], Any]
) -> None:
    play(story, story_house.StackStage(houses(erp, kind), story))
