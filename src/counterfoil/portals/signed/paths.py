"""Following a path of the mapping into a payload."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.adapterkit.parse import Fields


class Place(msgspec.Struct, frozen=True):
    """Where a path leads: the object that holds the value, and the value's name in it; `fields` None: nowhere."""

    fields: Fields | None
    name: str = ""

    @property
    def text(self) -> str | None:
        """The value as text."""
        return self.fields.text(self.name) if self.fields is not None else None

    @property
    def moment(self) -> str | None:
        """The value as a moment in UTC."""
        return self.fields.moment(self.name) if self.fields is not None else None

    @property
    def rows(self) -> Iterator[Fields]:
        """The objects of a list."""
        return self.fields.each(self.name) if self.fields is not None else iter(())


def at(body: Fields, path: str) -> Place:
    """The place a path names. What is absent on the way reads as absent; what is no object there is unreadable."""
    if not path:
        return Place(None)
    *above, name = path.split(".")
    here: Fields | None = body
    for step in above:
        here = here.child(step) if here is not None else None
    return Place(here, name)
