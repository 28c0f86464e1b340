"""`counterfoil workbench`: open records listed, and decisions about them through the same door as the console's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from counterfoil.bootstrap import build_world
from counterfoil.closing.desk import ProofDesk
from counterfoil.core.money import to_minor, to_text
from counterfoil.core.reconcile.legs import BY_NAME
from counterfoil.flow.world import World
from counterfoil.ports.actions import ActionError
from counterfoil.settings import load
from counterfoil.store import workbench
from counterfoil.store.migrate import pending
from counterfoil.store.workbench import ItemFilter

ROWS_MAX = 1_000


def act(settings: Path, work: Callable[[ProofDesk], str]) -> int:
    """0 when it was done, 2 with a sentence when it cannot be."""
    with _world(settings) as world:
        if world is None:
            return 2
        try:
            print(work(ProofDesk(world.database, world.proof)))
        except ActionError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    return 0


def show(settings: Path, leg: str | None, *, as_json: bool) -> int:
    """The open records of the newest proof, oldest first."""
    with _world(settings) as world:
        if world is None:
            return 2
        with world.database.read() as tx:
            rows = workbench.items_page(tx, ItemFilter(leg=(leg,) if leg else ()), ROWS_MAX)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return 0
    for row in rows:
        money = BY_NAME[row["leg"]].money
        size = f"{to_text(row['difference_minor'], row['unit']) if money else row['difference_minor']} {row['unit']}"
        print(f"{row['day']}  {row['leg']:<18}  {row['left_id'] or row['right_id']:<28}  {size:>16}  {row['why']}")
    print(f"{len(rows)} open." if len(rows) < ROWS_MAX else f"The first {ROWS_MAX}; the console lists all.")
    return 0


def parts(leg: str, pairs: list[str], unit: str) -> list[tuple[str, str, int | None]]:
    """LEFT=RIGHT or LEFT=RIGHT@AMOUNT, as they are typed. Raises ActionError."""
    found: list[tuple[str, str, int | None]] = []
    for text in pairs:
        left, between, rest = text.partition("=")
        right, _, amount = rest.partition("@")
        if not between or not left or not right:
            raise ActionError(f"{text!r} is no pair; write LEFT=RIGHT, or LEFT=RIGHT@AMOUNT for a part of it.")
        found.append((left, right, _minor(amount, leg, unit) if amount else None))
    return found


def _minor(text: str, leg: str, unit: str) -> int:
    try:
        return to_minor(text, unit) if leg in BY_NAME and BY_NAME[leg].money else int(text)
    except ValueError:
        raise ActionError(f"{text!r} is no amount in {unit}.") from None


@contextmanager
def _world(settings: Path) -> Iterator[World | None]:
    world = build_world(load(settings))
    try:
        if pending(world.database):
            sys.stderr.write("The database's schema is behind; run counterfoil migrate.\n")
            yield None
        else:
            yield world
    finally:
        world.database.close()
