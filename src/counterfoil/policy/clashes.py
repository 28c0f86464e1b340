"""What the compiler says: two settings and the fact that clash, quoted from the person who set them, and the cure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from counterfoil.core.policy import Agreement, FlowPolicy
from counterfoil.policy.document import chosen
from counterfoil.policy.places import Path, nearest
from counterfoil.policy.reading import Policy


class Systems(msgspec.Struct, frozen=True, kw_only=True):
    """The portal and the ERP as connected: what each can do. `None` where nobody knows yet; then nothing is claimed."""

    portal: str
    erp: str
    portal_can: frozenset[str] | None = None
    erp_can: frozenset[str] | None = None
    gateway_connected: bool | None = None
    holding_depot: str | None = None


class Setting(msgspec.Struct, frozen=True):
    """One setting as it was written. `line` 0: nobody wrote it, it comes with the preset or is the default."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        """File, line and text."""
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """One contradiction: its kind, the sentence, the settings that clash, the fact behind it, and what to do."""

    code: str
    sentence: str
    settings: tuple[Setting, ...]
    fact: str
    cure: str


class Subject:
    """One policy to look at: the document's own, or that of one override, with the place of each axis."""

    def __init__(self, read: Policy, policy: FlowPolicy, number: int | None, systems: Systems) -> None:
        self.read = read
        self.policy = policy
        self.systems = systems
        self._number = number

    def __getattr__(self, axis: str) -> Any:
        """An axis of the policy."""
        return getattr(self.policy, axis)

    @property
    def agreement(self) -> Agreement:
        """The policy with what the systems can do; where that is unknown, everything."""
        return Agreement(
            policy=self.policy,
            portal_can=self.systems.portal_can if self.systems.portal_can is not None else frozenset({"release"}),
            erp_can=self.systems.erp_can if self.systems.erp_can is not None else frozenset({"draft_credit"}),
        )

    def own(self, axis: str) -> bool:
        """Whether this override, or the document itself, sets the axis; what is inherited is judged where it is set."""
        return self._number is None or axis in chosen(self.read.document.override[self._number].axes)

    def axis(self, name: str) -> Setting:
        """Where an axis got its value."""
        document = self.read.document
        if self._number is not None and name in chosen(document.override[self._number].axes):
            return self.at(("override", self._number, "axes", name))
        if name in chosen(document.axes):
            return self.at(("axes", name))
        value = getattr(self.policy, name)
        said = getattr(value, "value", value)
        return Setting(self.read.file, self._line("preset"), f'{name} = "{said}" by the preset "{document.preset}"')

    def at(self, path: Path) -> Setting:
        """The line of a setting, or of what it stands in."""
        place = nearest(self.read.places, path)
        return Setting(self.read.file, place.line, place.text)

    def _line(self, word: str) -> int:
        place: Mapping[Any, Any] = self.read.places
        return place[(word,)].line if (word,) in place else 0


def subjects(read: Policy, systems: Systems) -> Iterator[Subject]:
    """The document's policy, then each override's."""
    yield Subject(read, read.edition.policy, None, systems)
    for number, override in enumerate(read.edition.overrides):
        yield Subject(read, override.policy, number, systems)
