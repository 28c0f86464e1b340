"""Stories through the whole program: one house for each portal, ERP and database, shared by all stories that run there."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import story_house
from story_pairs import told_at

from counterfoil.flow import deliver


@pytest.fixture(scope="session")
def houses(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str, str], Any]]:
    """`houses("loop", "prima", "sqlite")` gives a running house; it is built on first use and closed at the end."""
    built: dict[tuple[str, str, str], Any] = {}
    patch = pytest.MonkeyPatch()
    patch.setattr(deliver, "BACKOFF_FIRST_MS", 10)  # a simulated system is back at once
    with tempfile.TemporaryDirectory(prefix="counterfoil-stories-") as folder:

        def house(portal: str, erp: str, kind: str) -> Any:
            if (portal, erp, kind) not in built:
                fixture = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}[kind]
                database = request.getfixturevalue(fixture).fresh()
                place = Path(folder) / f"{portal}-{erp}-{kind}"
                built[portal, erp, kind] = story_house.House(told_at(portal, erp), portal, erp, database, place)
            return built[portal, erp, kind]

        yield house
        with ThreadPoolExecutor(8) as hands:  # closing is mostly waiting
            list(hands.map(lambda made: made.close(), built.values()))
    patch.undo()
