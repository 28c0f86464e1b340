"""Stories through the whole program: one house for each ERP and database, shared by all stories that run there."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import story_house

from counterfoil.flow import deliver
from counterfoil.testing.stories import Story, read_stories

STORIES = read_stories(Path(__file__).parent)


@pytest.fixture(scope="session")
def houses(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str], Any]]:
    """`houses("prima", "sqlite")` gives a running house; it is built on first use and closed at the end."""
    built: dict[tuple[str, str], Any] = {}
    patch = pytest.MonkeyPatch()
    patch.setattr(deliver, "BACKOFF_FIRST_MS", 10)  # a simulated system is back at once
    with tempfile.TemporaryDirectory(prefix="counterfoil-stories-") as folder:

        def house(erp: str, kind: str) -> Any:
            if (erp, kind) not in built:
                fixture = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}[kind]
                database = request.getfixturevalue(fixture).fresh()
                place = Path(folder) / f"{erp}-{kind}"
                built[erp, kind] = story_house.House(_played(erp), erp, database, place)
            return built[erp, kind]

        yield house
        for made in built.values():
            made.close()
    patch.undo()


def _played(erp: str) -> list[Story]:
    return [story for story in STORIES if not story.runs or erp in story.runs]
