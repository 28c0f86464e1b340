"""What the console needs of the running system, and where it finds it.

Django builds its views without arguments, so the system is held here, one for each process.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from typing import Protocol

from counterfoil.closing.desk import ProofDesk
from counterfoil.closing.office import Office
from counterfoil.core.mapping import Mapping
from counterfoil.core.problems import Owner, ProblemKind
from counterfoil.ports.actions import Actions
from counterfoil.ports.desk import Desk
from counterfoil.store.database import Database


class ConnectionFacts(Protocol):
    """What the console shows of a configured connection."""

    @property
    def name(self) -> str:
        """The connection's own name, such as `north-loop`."""
        ...

    @property
    def vendor(self) -> str:
        """Which system it speaks to."""
        ...

    @property
    def family(self) -> str:
        """Portal, ERP, gateway or warehouse."""
        ...

    @property
    def brand(self) -> str:
        """Whose returns it carries."""
        ...

    def link(self, kind: str, ref: str) -> str | None:
        """Where people see a record of this kind in that system; None where there is no such page."""
        ...


class SetupFacts(Protocol):
    """A brand's agreement for one portal."""

    @property
    def brand(self) -> str:
        """The brand."""
        ...

    @property
    def portal(self) -> str:
        """The portal's vendor name."""
        ...

    @property
    def mapping(self) -> Mapping:
        """The words the settings name."""
        ...


class System(Protocol):
    """The running system, as far as the console goes.

    A PostgreSQL system also has `database_url`, because Django's own tables live beside ours there.
    """

    @property
    def database(self) -> Database:
        """Our tables."""
        ...

    @property
    def connections(self) -> Sequence[ConnectionFacts]:
        """What is configured, whether or not it ever ran."""
        ...

    @property
    def problem_kinds(self) -> MappingType[str, ProblemKind]:
        """Title, owner and runbook of each kind of exception."""
        ...

    @property
    def actions(self) -> Actions:
        """What people may do to a return or a connection."""
        ...

    @property
    def desk(self) -> Desk:
        """What people may do to exceptions and words."""
        ...

    @property
    def setups(self) -> MappingType[tuple[str, str], SetupFacts]:
        """Which brand and portal have an agreement, and so a mapping."""
        ...

    @property
    def proof_desk(self) -> ProofDesk:
        """What people may decide about the proof."""
        ...

    @property
    def closing(self) -> Office | None:
        """The close and the scorecard; None where only pages are shown."""
        ...


_held: list[System] = []


def install(system: System) -> None:
    """Make this the system the pages show; replaces an earlier one."""
    _held[:] = [system]


def current() -> System:
    """The installed system. A missing one is a mistake of ours."""
    assert _held, "counterfoil.web.make_wsgi was not called"
    return _held[0]


def kind_of(name: str) -> ProblemKind:
    """A kind of exception; one we do not know yet gets a plain text and goes to integration."""
    known = current().problem_kinds.get(name)
    if known is not None:
        return known
    return ProblemKind(
        kind=name,
        owner=Owner.INTEGRATION,
        title=name.replace("_", " ").capitalize(),
        runbook=(
            "Read the message and open the return.",
            "Mend the cause in the system the message names, then try again.",
        ),
    )
