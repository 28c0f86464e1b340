"""What every command shares: the settings file, one sentence for an error, and exit statuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

SettingsFile = Annotated[
    Path, typer.Option("--settings", "-c", help="The settings file.", envvar="COUNTERFOIL_SETTINGS")
]
DEFAULT_SETTINGS = Path("counterfoil.toml")


def fail(message: str, status: int = 2) -> NoReturn:
    """One sentence on standard error, and the exit status."""
    print(message, file=sys.stderr)
    raise typer.Exit(status)


def guarded(work: Callable[[], int]) -> NoReturn:
    """Run a command's work; expected errors become one sentence and exit status 2."""
    from counterfoil.settings import SettingsError
    from counterfoil.store.database import StoreError

    try:
        status = work()
    except (SettingsError, StoreError) as error:
        fail(str(error))
    except FileNotFoundError as error:
        fail(f"{error.filename} does not exist")
    except PermissionError as error:
        fail(f"{error.filename} cannot be opened: permission denied")
    raise typer.Exit(status)
