"""Stories through the whole program: real store, real road, real adapters, simulators over loopback, both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import story_house
from story_pairs import NOT_WITH, PAIRS, STORIES, chosen

from counterfoil.testing.stories import Story, play

CHOSEN = tuple(chosen())


@pytest.mark.parametrize(
    ("story", "portal", "erp", "kind"),
    [pytest.param(*part, id=f"{part[0].name}-{'-'.join(part[1:])}") for part in CHOSEN],
)
def test_the_story_is_true_of_the_whole_program(
    story: Story, portal: str, erp: str, kind: str, houses: Callable[[str, str, str], Any]
) -> None:
    play(story, story_house.StackStage(houses(portal, erp, kind), story))


def test_every_pair_tells_several_stories_and_every_story_is_told() -> None:
    for pair in PAIRS:
        assert sum(part[1:] == pair for part in CHOSEN) >= 3, pair
    elsewhere = {story.name for story in STORIES if story.runs == ("core",)}
    assert {story.name for story in STORIES} - elsewhere == {part[0].name for part in CHOSEN}


def test_what_cannot_be_told_names_stories_that_exist() -> None:
    known = {story.name for story in STORIES}
    assert [name for missing in NOT_WITH.values() for name in missing if name not in known] == []
