"""The program as a person starts it: a process of its own, with an empty home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = [sys.executable, "-m", "counterfoil"]


@dataclass(frozen=True)
class Ran:
    """What came of one start of the program."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Ran]:
    home = tmp_path / "home"
    home.mkdir()

    def run(*words: str, stdin: bytes = b"", cwd: Path | None = None, timeout: int = 100) -> Ran:
        done = subprocess.run(
            [*PROGRAM, *words],
            input=stdin,
            capture_output=True,
            cwd=cwd or tmp_path,
            timeout=timeout,
            env={**os.environ, "HOME": str(home), "COLUMNS": "100"},
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def new_database(postgres_databases: Any) -> str:
    """The address of an empty PostgreSQL database."""
    url: str = postgres_databases.url(migrated=False)
    return url
