"""What the tests of this folder share; helper modules beside them are found by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import netsuite_bench


@pytest.fixture(scope="session")
def netsuite_running() -> Iterator[netsuite_bench.Sim]:
    """One simulated account for all tests that load their own world into it."""
    started = netsuite_bench.Sim(netsuite_bench.world())
    yield started
    started.stop()


@pytest.fixture
def netsuite(netsuite_running: netsuite_bench.Sim) -> netsuite_bench.Sim:
    """The account with the usual world."""
    netsuite_running.load(netsuite_bench.world())
    return netsuite_running
