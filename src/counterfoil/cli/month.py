"""Commands of the month and the week: the close pack, its signatures, the scorecard and the handbook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli.base import DEFAULT_SETTINGS, SettingsFile, fail, guarded

close = typer.Typer(help="The cut-off pack of a month, and who signed it.", invoke_without_command=True)

PeriodName = Annotated[str, typer.Option(help="The month, YYYY-MM.")]


@close.callback(epilog="Example: counterfoil closepack --period 2026-10 --out october")
def closepack(
    context: typer.Context,
    period: Annotated[str | None, typer.Option(help="The month, YYYY-MM.")] = None,
    settings: SettingsFile = DEFAULT_SETTINGS,
    out: Annotated[Path | None, typer.Option(help="Leave the pack here as HTML, XLSX, PDF and JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the pack as JSON.")] = False,
) -> None:
    """What was open at the cut-off, what it is worth, proposed reversing entries, sign-offs and evidence."""
    if context.invoked_subcommand is not None:
        return
    if period is None:
        fail("Which month? Give --period YYYY-MM.")
    from counterfoil.cli.closepack import run as work

    guarded(lambda: work(settings, period, out, as_json))


@close.command("sign", epilog="Example: counterfoil closepack sign --period 2026-10 --as robin --role preparer")
def closepack_sign(
    period: PeriodName,
    by: Annotated[str, typer.Option("--as", help="Who signs.")],
    role: Annotated[str, typer.Option(help="preparer, or reviewer, who is somebody else.")],
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Sign the month's figures; once both have signed, the period is locked."""
    from counterfoil.cli.closepack import sign as work

    guarded(lambda: work(settings, period, by, role))


def scorecard(
    weeks: Annotated[int, typer.Option(help="How many weeks, the running one included.", min=1, max=53)] = 8,
    settings: SettingsFile = DEFAULT_SETTINGS,
    out: Annotated[Path | None, typer.Option(help="Leave the page, JSON and CSV files here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scorecard as JSON.")] = False,
) -> None:
    """The seven KPIs by week and category, what returns cost by posted documents, and the aged backlog."""
    from counterfoil.cli.scorecard import run as work

    guarded(lambda: work(settings, weeks, out, as_json))


def handbook(
    settings: SettingsFile = DEFAULT_SETTINGS,
    out: Annotated[Path | None, typer.Option(help="Write it here instead of printing it.")] = None,
) -> None:
    """The operating model as a page: who owns what, the steps, exceptions and owners, gates, daily checks, KPIs."""
    from counterfoil.cli.handbook import run as work

    guarded(lambda: work(settings, out))
