"""The words of `counterfoil workbench`; what they do stands in desk.py, and what they mean in closing/desk.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from counterfoil.closing.desk import ProofDesk

app = typer.Typer(help="Open records of the proof, and what people decide about them.", no_args_is_help=True)

SettingsFile = Annotated[
    Path, typer.Option("--settings", "-c", help="The settings file.", envvar="COUNTERFOIL_SETTINGS")
]
DEFAULT_SETTINGS = Path("counterfoil.toml")
Leg = Annotated[str, typer.Argument(help="refund_gateway, refund_credit_note, line_receipt or receipt_stock.")]
Who = Annotated[str, typer.Option("--as", help="Who does this; it is logged.")]
Reason = Annotated[str, typer.Option(help="Why; the auditor reads it.")]
Left = Annotated[str, typer.Option(help="The record of the left side.")]
Right = Annotated[str, typer.Option(help="The record of the right side, when it is alone.")]
Number = Annotated[int, typer.Argument(help="The decision's number.")]


@app.command("open", epilog="Example: counterfoil workbench open --leg refund_gateway")
def open_records(
    settings: SettingsFile = DEFAULT_SETTINGS,
    leg: Annotated[str | None, typer.Option(help="Only this comparison.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """List the open records of the newest proof, oldest first."""
    from counterfoil.cli import desk, guarded

    guarded(lambda: desk.show(settings, leg, as_json=as_json))


@app.command(epilog="Example: counterfoil workbench match refund_gateway loop:R1=ch_1 --as robin --reason 'seen'")
def match(
    leg: Leg,
    pairs: Annotated[list[str], typer.Argument(help="LEFT=RIGHT, or LEFT=RIGHT@AMOUNT to split one over several.")],
    who: Who,
    reason: Reason,
    unit: Annotated[str, typer.Option(help="The currency of the amounts.")] = "",
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Match open records by hand; the next runs apply it."""
    from counterfoil.cli import desk, guarded

    guarded(
        lambda: desk.act(
            settings, lambda door: f"Decision {door.match(leg, desk.parts(leg, pairs, unit), who, reason)}."
        )
    )


@app.command()
def accept(
    leg: Leg,
    right: Annotated[str, typer.Argument(help="The record of the right side.")],
    who: Who,
    reason: Reason = "",
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Accept what a rule proposed for a record."""
    from counterfoil.cli import desk, guarded

    guarded(lambda: desk.act(settings, lambda door: f"Decision {door.accept(leg, right, who, reason)}."))


@app.command()
def reject(
    leg: Leg,
    right: Annotated[str, typer.Argument(help="The record of the right side.")],
    who: Who,
    reason: Reason,
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Reject what a rule proposed for a record; it is not proposed again."""
    from counterfoil.cli import desk, guarded

    guarded(lambda: desk.act(settings, lambda door: f"Decision {door.reject(leg, right, who, reason)}."))


@app.command("write-off", epilog="Example: counterfoil workbench write-off refund_gateway --left loop:R1 …")
def write_off(
    leg: Leg,
    account: Annotated[str, typer.Option(help="The account it goes to; one of the settings' accounts.")],
    who: Who,
    reason: Reason,
    left: Left = "",
    right: Right = "",
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Ask for a difference to be written off; it counts once a second person approves."""
    from counterfoil.cli import desk, guarded

    guarded(
        lambda: desk.act(
            settings,
            lambda door: (
                f"Decision {door.write_off(leg, left, right, account, who, reason)} waits for a second person."
            ),
        )
    )


@app.command(epilog="Example: counterfoil workbench decide 12 approve --as sam")
def decide(
    number: Number,
    what: Annotated[str, typer.Argument(help="approve, refuse or undo.")],
    who: Who,
    reason: Reason = "",
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Approve or refuse a write-off somebody else asked for, or take a decision back."""
    from counterfoil.cli import desk, fail, guarded

    if what not in ("approve", "refuse", "undo"):
        fail(f"{what!r} is nothing that can be done with a decision; choose approve, refuse or undo.")

    def work(door: ProofDesk) -> str:
        {"approve": door.approve, "refuse": door.refuse, "undo": door.undo}[what](number, who, reason)
        return f"Decision {number}: {what}; the next run follows it."

    guarded(lambda: desk.act(settings, work))


@app.command()
def comment(
    leg: Leg,
    words: Annotated[str, typer.Argument(help="What is to be said about the record.")],
    who: Who,
    left: Left = "",
    right: Right = "",
    settings: SettingsFile = DEFAULT_SETTINGS,
) -> None:
    """Say something about a record; it stays with it."""
    from counterfoil.cli import desk, guarded

    def work(door: ProofDesk) -> str:
        door.comment(leg, left, right, who, words)
        return "Kept."

    guarded(lambda: desk.act(settings, work))
