"""One contract for every engine: it carries wake-ups, one run of a slot at a time, and may lose everything it has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from counterfoil.core.commands import CaseRef, StoreTracking
from counterfoil.core.documents import DocumentRef
from counterfoil.store import commands
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import make_world

PLAY = Path(__file__).with_name("engine_play.py")
ENGINES = ("dbos-sqlite", "dbos-postgresql", "procrastinate-postgresql")
PATIENCE_S = 60
COMMANDS, DIES_AFTER = 24, 8


def play(kind: str, url: str, *words: str) -> tuple[int, dict[str, Any], str]:
    """Exit status, what it saw, what it complained about."""
    command = [sys.executable, str(PLAY), kind, url, *words]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / "counterfoil-bytecode")
    ended = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, env=environment, check=False)
    lines = [line for line in ended.stdout.decode().splitlines() if line.startswith("{")]
    return ended.returncode, json.loads(lines[-1]) if lines else {}, ended.stderr.decode()[-2000:]


def engine_url(name: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """An empty database for the engine alone: it is disposable."""
    if name.endswith("sqlite"):
        return f"sqlite:///{folder / 'engine.sqlite3'}"
    url: str = request.getfixturevalue("postgres_databases").url(migrated=False)
    return url


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_keeps_the_contract(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    status, found, errors = play(name.split("-", maxsplit=1)[0], engine_url(name, request, tmp_path), "contract")
    assert status == 0, errors
    most = found.pop("most at once")
    assert found == {
        "healthy": True,
        "runs": True,
        "repeats": True,
        "after a break": True,
        "ticks": True,
        "finished before stopping": True,
        "most at once of one slot": 1,
        "quiet after stopping": True,
    }, errors
    assert 2 <= most <= 4, "different slots run side by side, and no more of them than asked for"


@pytest.mark.parametrize("name", ENGINES)
def test_killed_mid_way_and_its_database_dropped_the_work_goes_on(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kind, database_kind = name.split("-")
    domain = request.getfixturevalue({"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}[database_kind])
    engine, url, out = engine_url(name, request, tmp_path), domain.url(), tmp_path / "made"
    queue(domain, url)
    status, _, errors = play(kind, engine, "work", url, str(out), str(DIES_AFTER))
    assert status == 9, f"it should have died in the middle: {errors}"
    lose(engine)
    status, found, errors = play(kind, engine, "work", url, str(out), "0")
    assert (status, found) == (0, {"settled": True}), errors
    made = Counter(out.read_text().splitlines())
    assert len(made) == COMMANDS
    assert set(made.values()) == {1}, "what was under way was looked up, not made again"


def queue(domain: Any, url: str) -> None:
    """Commands of a dozen returns, two each."""
    database = domain.open(url)
    make_world(database, Outside())
    document = DocumentRef(ref="1", number="RMA1")
    with database.write() as tx:
        for number in range(COMMANDS):
            case = CaseRef(brand="north", portal="acme-portal", return_id=f"R{number % 12}")
            step = f"read-{number}"  # belongs to no decision, so no return has to exist
            commands.put(tx, StoreTracking(case=case, step=step, rma=document, tracking=step), 1, "erp")
    database.close()


def lose(url: str) -> None:
    """Everything the engine had is gone."""
    if url.startswith("sqlite:///"):
        for path in Path(url.removeprefix("sqlite:///")).parent.glob("engine.sqlite3*"):
            path.unlink()
        return
    server, name = (
        url.replace(url.split("?", maxsplit=1)[0].rsplit("/", 1)[1], "postgres", 1),
        url.split("?", maxsplit=1)[0].rsplit("/", 1)[1],
    )
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())
        connection.execute(f"create database {name} template template0".encode())
