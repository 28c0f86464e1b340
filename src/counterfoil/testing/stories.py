"""Stories: tests finance can write. A file says what was given, what happens, and what must then be true.

    story: one unit comes back
    given order 1001 in GBP, tax included
      A  2 x 20.00, tax 20%
      shipping 4.95
    when the portal authorises 1 x A
    and the warehouse receives 1 x A sellable
    then the ERP has one credit note of 20.00, of which tax 3.33
    and nothing is open

A line opens with given, when, then or `and`; indented lines describe the order; `#` starts a remark. The sentences are
listed in `story_sentences`. A story may go on with another `when` after a `then`. A sentence may end with a return's
name in brackets, such as (R2), when there are several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.testing.story_checks import CHECKS
from counterfoil.testing.story_given import GIVEN, describe
from counterfoil.testing.story_sentences import SENTENCES
from counterfoil.testing.story_stage import StoryStage
from counterfoil.testing.story_words import Act, NotUnderstoodError, Spoken, StoryFailed
from counterfoil.testing.story_world import Given

__all__ = ["Sentence", "Story", "StoryError", "StoryFailed", "perform", "play", "read_stories", "read_story"]

_OPENERS = ("given", "when", "then", "and")
_SECTIONS = {"given": 0, "when": 1, "then": 2}
_WHO = re.compile(r"\s*\((\w+)\)$")


class StoryError(ValueError):
    """A story cannot be read; the message names file, line and sentence."""


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence that does or checks something, and where it stands."""

    line: int
    text: str
    act: Act


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One story. `runs` names the places it is meant for; empty means everywhere."""

    title: str
    path: str
    given: Given
    sentences: tuple[Sentence, ...]
    runs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return Path(self.path).stem


def read_stories(folder: Path) -> tuple[Story, ...]:
    """Every story of a folder, by file name. StoryError for the first that cannot be read."""
    return tuple(read_story(path.read_text("utf-8"), path.name) for path in sorted(folder.glob("*.txt")))


def read_story(text: str, path: str = "story") -> Story:
    """A story from its text. StoryError names file and line of a sentence nobody understands."""
    title = ""
    runs: tuple[str, ...] = ()
    given: dict[str, Any] = {}
    sentences: list[Sentence] = []
    for number, section, line in _lines(text, path):
        try:
            match section:
                case "story":
                    title = line
                case "runs":
                    runs = tuple(word.strip() for word in line.split(","))
                case "detail":
                    describe(given, line)
                case "given":
                    _lay_down(given, line)
                case _:
                    act = _understood(section, line, given.get("currency", ""))
                    sentences.append(Sentence(line=number, text=line, act=act))
        except ValueError as error:
            raise StoryError(f"{path}:{number}: {error}") from None
    if not title or "number" not in given or not sentences:
        raise StoryError(f"{path}:1: a story has a title, an order, and something that happens")
    return Story(title=title, path=path, given=Given(**given), sentences=tuple(sentences), runs=runs)


def _lines(text: str, path: str) -> Iterator[tuple[int, str, str]]:
    """(line number, section, sentence) of every line that says something."""
    section = ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].rstrip()
        if not line.strip():
            continue
        if line[0].isspace():
            if section != "given":
                raise StoryError(f"{path}:{number}: only the order has indented lines: {line.strip()!r}")
            yield number, "detail", line.strip()
            continue
        head, _, rest = line.partition(" ")
        if head in ("story:", "runs:"):
            yield number, head.removesuffix(":"), rest.strip()
            continue
        if head not in _OPENERS or (head == "and" and not section):
            raise StoryError(f"{path}:{number}: a line opens with given, when, then or and: {line!r}")
        section = section if head == "and" else head
        yield number, section, rest.strip()


def _lay_down(given: dict[str, Any], line: str) -> None:
    for pattern, write in GIVEN:
        found = re.fullmatch(pattern, line)
        if found is not None:
            write(given, found)
            return
    raise NotUnderstoodError(f"nobody understands given {line!r}")


def _understood(section: str, line: str, currency: str) -> Act:
    """The sentence as something that can be done to a stage; its figures are read now."""
    named = _WHO.search(line)
    words = line[: named.start()] if named else line
    for pattern, build in SENTENCES if section == "when" else CHECKS:
        found = re.fullmatch(pattern, words)
        if found is not None:
            return build(Spoken(words=found, who=named[1] if named else "", currency=currency))
    raise NotUnderstoodError(f"nobody understands {section} {line!r}")


def play(story: Story, stage: StoryStage) -> None:
    """Play the story to its end. StoryFailed names the line that is not true, or an invariant that does not hold."""
    perform(story, stage)
    for broken in stage.violations():
        raise StoryFailed(f"{story.path}: invariant {broken.invariant}, {broken.name}: {broken.sentence}")


def perform(story: Story, stage: StoryStage) -> None:
    """Play the story sentence by sentence. StoryFailed names the line whose sentence is not true."""
    for sentence in story.sentences:
        try:
            sentence.act(stage)
        except StoryFailed as failed:
            raise StoryFailed(f"{story.path}:{sentence.line}: {sentence.text!r}: {failed}") from None
