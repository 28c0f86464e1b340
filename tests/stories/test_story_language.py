"""The language of stories itself: what cannot be understood is named with file and line, and what is untrue fails."""

from __future__ import annotations

import pytest

from counterfoil.testing.stories import StoryError, StoryFailed, play, read_story
from counterfoil.testing.story_core import CoreStage

HEAD = "story: a test\ngiven order 1 in GBP, tax included\n  A  2 x 20.00, tax 20%\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (HEAD + "when the moon is full\n", 4, "nobody understands when 'the moon is full'"),
        (HEAD + "then all is well\n", 4, "nobody understands then 'all is well'"),
        (HEAD + "when the portal authorises 1 x A\nperhaps nothing is open\n", 5, "a line opens with"),
        (HEAD + "when the portal authorises 1 A\n", 4, "nobody understands"),
        (HEAD + "when the portal authorises 1 x A shiny\n", 4, "'shiny' is no disposition"),
        (HEAD + "when the warehouse receives 1 x A\n", 4, "say what was found"),
        (HEAD + "when the portal authorises 1 x A, withholding 2.955\n", 4, "2.955"),
        (HEAD + "then open is bad_weather for ops\n", 4, "an exception is written like"),
        (HEAD + "then open is short_receipt for marketing\n", 4, "an exception is written like"),
        (HEAD + "given the generous policy\nwhen 1 hour passes\n", 4, "no policy"),
        ("story: x\ngiven order 1 in GBP\n  A two of them\n", 3, "a line of the order is written like"),
        ("story: x\nwhen the portal authorises 1 x A\n  A  1 x 1.00\n", 3, "only the order has indented lines"),
        ("story: x\n", 1, "has a title, an order"),
        (HEAD, 1, "something that happens"),
    ],
)
def test_what_cannot_be_understood_is_named_with_file_and_line(text: str, line: int, words: str) -> None:
    with pytest.raises(StoryError) as caught:
        read_story(text, "some.txt")
    assert str(caught.value).startswith(f"some.txt:{line}: ") and words in str(caught.value)


@pytest.mark.parametrize(
    "untrue",
    [
        "the ERP has two RMAs",
        "the ERP has one credit note of 19.99",
        "the ERP has one credit note of 20.00, of which tax 3.33",
        "the ERP has two credit notes of 20.00 in all",
        "the credit note has a return fee of -1.00",
        "depot MAIN has 2 x A",
        "depot RETQ has 1 x A",
        "written off are 1 x A",
        "no stock has moved",
        "20.01 was refunded",
        "nothing was refunded",
        "the portal was asked to pay never",
        "the portal got no notes",
        "the portal heard of no inspections",
        "the return is open",
        "open is short_receipt for ops",
    ],
)
def test_a_sentence_that_is_not_true_fails_with_its_line(untrue: str) -> None:
    told = HEAD + "when the portal authorises 1 x A\nand the warehouse receives 1 x A sellable\n"
    story = read_story(f"{told}then {untrue}\n", "some.txt")
    with pytest.raises(StoryFailed, match=r"^some\.txt:6: "):
        play(story, CoreStage(story.given))


def test_remarks_and_empty_lines_are_passed_over() -> None:
    story = read_story("# a remark\n\n" + HEAD + "when 1 hour passes  # nothing happens\n")
    assert [sentence.text for sentence in story.sentences] == ["1 hour passes"]
    assert story.title == "a test" and story.given.lines[0].price == 2000
