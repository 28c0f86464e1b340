"""Causes as people read them: a title, what they hold in money and units, whose they are, and what would mend them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.urls import reverse

from counterfoil.core.causes import is_shared, kind_and_words, word_missing
from counterfoil.core.problems import ProblemKind
from counterfoil.store.database import Row
from counterfoil.web.system import kind_of


@dataclass(slots=True)
class Cause:
    """What one cause holds now. `problems` are those in the inbox; `resting` those put off."""

    brand: str
    cause: str
    owner: str
    problems: int = 0
    resting: int = 0
    units: int = 0
    held: dict[str, int] = field(default_factory=dict)

    @property
    def kind(self) -> ProblemKind:
        """The kind of exception."""
        return kind_of(kind_and_words(self.cause)[0])

    @property
    def title(self) -> str:
        """The kind's title."""
        return self.kind.title

    @property
    def words(self) -> str:
        """What else names it: the missing word, the connection, what the other system said."""
        return kind_and_words(self.cause)[1]

    @property
    def shared(self) -> bool:
        """Whether one fix may end them all."""
        return is_shared(self.cause)

    @property
    def mappable(self) -> bool:
        """Whether a word in the mapping is what is missing."""
        return word_missing(self.cause) is not None

    @property
    def address(self) -> str:
        """Its page."""
        return cause_address(self.brand, self.cause)


def cause_address(brand: str, cause: str) -> str:
    """The page of a cause."""
    return f"{reverse('cause')}?{urlencode({'brand': brand, 'cause': cause})}"


def cause_title(cause: str) -> str:
    """A cause in one line."""
    kind, words = kind_and_words(cause)
    title = kind_of(kind).title
    return f"{title}: {words}" if words else title


def priced(rows: list[Row]) -> list[Cause]:
    """Open totals as causes: those one fix may end first, then by how many they hold."""
    found: dict[tuple[str, str, str], Cause] = {}
    for row in rows:
        key = (row["brand"], row["cause"], row["owner"])
        cause = found.setdefault(key, Cause(*key))
        if row["snoozed"]:
            cause.resting += row["problems"]
        else:
            cause.problems += row["problems"]
        cause.units += row["units"]
        if row["priced"] and row["currency"]:
            cause.held[row["currency"]] = cause.held.get(row["currency"], 0) + row["held_minor"]
    return sorted(found.values(), key=lambda item: (not item.shared, -item.problems, item.cause, item.brand))
