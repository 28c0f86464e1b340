"""Every story through the core alone, with an ERP that drafts credit notes and with one that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.testing.stories import Story, play, read_stories
from counterfoil.testing.story_core import CoreStage

STORIES = read_stories(Path(__file__).parent)


@pytest.mark.parametrize("drafts", [True, False], ids=["with drafts", "without drafts"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_story_is_true_of_the_core(story: Story, drafts: bool) -> None:
    play(story, CoreStage(story.given, drafts=drafts))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_story_is_true_when_every_fact_and_command_comes_twice(story: Story) -> None:
    play(story, CoreStage(story.given, twice=True))
