"""Suggestions by similarity. They only ever suggest: a person confirms every word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from counterfoil.core.mapping import MapKind

SCORE_MIN = 55


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A meaning, and the known word that is like the missing one."""

    meaning: str
    like: str
    score: int


def suggest(
    kind: MapKind, word: str, known: Mapping[str, str], count: int, offered: Iterable[str] = ()
) -> tuple[Suggestion, ...]:
    """Meanings of the known words most like this one, and offered codes like it; best first, each meaning once."""
    choices = {**{code: code for code in offered}, **known}
    found = process.extract(word, list(choices), scorer=fuzz.WRatio, processor=str.casefold, limit=count * 3)
    best: dict[str, Suggestion] = {}
    for like, score, _ in found:
        meaning = choices[like]
        if score >= SCORE_MIN and meaning and meaning not in best:
            best[meaning] = Suggestion(meaning, like, round(score))
    return tuple(best.values())[:count]
