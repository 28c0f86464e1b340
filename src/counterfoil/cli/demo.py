"""`counterfoil demo`: the whole house on the embedded default, a week of returns, the summary, then the console."""

from __future__ import annotations

import logging
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from counterfoil.bootstrap import build_worker
from counterfoil.cli import fail
from counterfoil.cli.serve import Service, build_service
from counterfoil.closing.nightly import run as prove_all
from counterfoil.demo.erps import PLAYED_ERPS
from counterfoil.demo.goods import orders as sell
from counterfoil.demo.play import Play
from counterfoil.demo.portals import PLAYED, PlayedPortal
from counterfoil.demo.stage import Stage, settings_for
from counterfoil.demo.summary import summarise
from counterfoil.demo.trouble import after_the_week, mend_commonest, renumbered, trouble_the_week
from counterfoil.demo.week import Trip, trips
from counterfoil.flow.look_again import blind_parcels
from counterfoil.settings import SettingsError, parse
from counterfoil.store.log import seal

Json = dict[str, Any]

SETTLE_PATIENCE_S = 120  # without any progress for so long, the summary is printed as it is
DEMO_USER, DEMO_PASSWORD = "demo", "counterfoil-demo"


def run(
    *,
    headless: bool,
    returns: int,
    seed: int,
    portal: str,
    erp: str,
    policy: str | None,
    database: str | None,
    folder: Path,
    port: int,
    as_json: bool,
    trouble: bool = False,
) -> int:
    """0 when money and units agree, 1 when they do not; with trouble, 0 when every return the fix held went on."""
    if portal not in PLAYED:
        fail(f"{portal!r} is no portal we know; choose {', '.join(PLAYED)}")
    played = PLAYED[portal]
    policy = policy or played.policy
    if erp not in PLAYED_ERPS:
        fail(f"{erp!r} is no ERP we know; choose {', '.join(PLAYED_ERPS)}")
    _quiet()
    _empty(folder)
    screen = Console(stderr=True)
    started = time.monotonic()
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    sold = sell(max(20, int(returns * 0.92)), seed, end)
    week = trips(sold, returns, seed, end, played)
    if trouble:
        trouble_the_week(week, seed, played)
    change = renumbered if trouble else _as_it_is
    axes = {"inspect_within_hours": 0} if trouble else {}  # what waits for inspection shows on the same day
    house = _house(
        sold, played, erp, policy, database, folder, port, console=not headless, change_erp=change, axes=axes
    )
    with house as (stage, service, address):
        _play(stage, service, week, policy, screen)
        mended = _aftermath(service, portal, mend=headless) if trouble else {}
        if mended:
            _settle(service, stage, threading.Thread(), lambda _done: None)
        blind_parcels(service.world)
        seal(service.world.database, settle_ms=0)
        summary = summarise(service.world, stage, portal=portal, seconds=time.monotonic() - started)
        summary["proof"] = _proven(service)
        if mended:
            summary["mended"] = mended
        if as_json:
            print(msgspec.json.format(msgspec.json.encode(summary)).decode())
        else:
            _show(summary, Console())
        if not headless:
            _stay(address, screen)
    if trouble:
        return 0 if not mended or mended["went_on"] == mended["foreseen_free"] else 1
    return 0 if _agrees(summary) else 1


def _proven(service: Service) -> Json:
    """The nightly proof at once, read back from the ERP as it stands."""
    proven = prove_all(service.world)
    return {"balanced": proven.balanced, "open": proven.open_records, "trouble": list(proven.trouble)}


def _as_it_is(world: Json) -> Json:
    return world


def _aftermath(service: Service, portal: str, *, mend: bool) -> Json:
    """What the bad week left; without a console, one fix is made to show what it does."""
    after_the_week(service.world)
    return mend_commonest(service.world, portal) if mend else {}


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("counterfoil").setLevel(logging.ERROR)


def _empty(folder: Path) -> None:
    """The demo's own folder is emptied; anything that is not one is left alone."""
    marker = folder / "demo"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        fail(f"{folder} holds something that is not a demonstration; give another --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.touch()


@contextmanager
def _house(
    sold: list[Json],
    portal: PlayedPortal,
    erp: str,
    policy: str,
    database: str | None,
    folder: Path,
    port: int,
    *,
    console: bool,
    change_erp: Callable[[Json], Json],
    axes: Json,
) -> Iterator[tuple[Stage, Service, str]]:
    """Simulators, hooks, console and worker, running; everything stops at the end of the block."""
    port = port if console else 0
    sock = _bind(port)
    address = f"http://127.0.0.1:{sock.getsockname()[1]}"
    stage = Stage(sold, portal, erp, address, folder, change_erp)
    stage.start()
    url = database or f"sqlite:///{folder / 'counterfoil.sqlite3'}"
    raw = settings_for(
        stage, database=url, folder=folder, port=sock.getsockname()[1], policy=policy, public_url=address, axes=axes
    )
    try:
        settings = parse(raw, "the demonstration's settings")
    except SettingsError as error:
        stage.stop()
        fail(str(error))
    (folder / "settings.json").write_bytes(msgspec.json.format(msgspec.json.encode(raw)))
    service = build_service(settings, console=console)
    if console:
        from counterfoil.web import ensure_demo_user

        ensure_demo_user(DEMO_USER, DEMO_PASSWORD)
    server = uvicorn.Server(uvicorn.Config(service.app, log_level="error", lifespan="off", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    worker = build_worker(settings, service.world)
    worker.start()
    try:
        yield stage, service, address
    finally:
        worker.stop()
        server.should_exit = True
        thread.join(timeout=10)
        stage.stop()
        service.close()


def _bind(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as error:
        fail(f"port {port} cannot be used ({error.strerror}); choose another with --port")
    return sock


def _play(stage: Stage, service: Service, week: list[Trip], policy: str, screen: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, disable=not sys.stderr.isatty()) as progress:
        sent = progress.add_task("parcels on their way", total=len(week))
        through = progress.add_task("returns settled", total=len(week))
        play = Play(stage, portal_led=policy == "portal-led")
        playing = threading.Thread(target=play.run, args=(week, lambda _trip: progress.advance(sent)), daemon=True)
        playing.start()
        _settle(service, stage, playing, lambda done: progress.update(through, completed=done))


def _settle(service: Service, stage: Stage, playing: threading.Thread, show: Callable[[int], None]) -> None:
    """Wait until nobody has anything left to do."""
    last, since = (-1, -1, -1), time.monotonic()
    while True:
        time.sleep(0.25)
        with service.world.database.read() as tx:
            done = {row["progress"]: row["n"] for row in tx.rows("cases_progress")}
            unread = sum(row["waiting"] for row in tx.rows("inboxes_waiting"))
            open_commands = (tx.one("commands_open") or {"open": 0})["open"]
        show(done.get("finished", 0) + done.get("cancelled", 0))
        state = (sum(done.values()), unread, open_commands)
        busy = playing.is_alive() or unread or open_commands or not stage.quiet()
        if state != last:
            last, since = state, time.monotonic()
        patience = SETTLE_PATIENCE_S if busy else 1.5
        if time.monotonic() - since > patience:
            return


def _agrees(summary: Json) -> bool:
    units = summary["units"]
    money = all(book["difference"] == book["paid_on_open_returns"] for book in summary["money"].values())
    return money and units["returned"] == units["received"] + units["open"] and not summary["violations"]


def _show(summary: Json, screen: Console) -> None:
    table = Table(title=f"The week: {summary['portal']} to {summary['erp']}", show_header=False)
    documents, units = summary["documents"], summary["units"]
    table.add_row("returns", f"{summary['returns']}: {summary['finished']} finished, {summary['open']} open")
    table.add_row("documents", ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in documents.items()))
    for currency, book in summary["money"].items():
        table.add_row(f"refunded ({currency})", book["refunded"])
        table.add_row(f"of that into new goods ({currency})", book["exchanged"])
        table.add_row(f"credited ({currency})", book["credited"])
        table.add_row("difference", book["difference"])
        if book["paid_on_open_returns"] != "0.00":
            table.add_row("paid on open returns", f"{book['paid_on_open_returns']}, each one an exception")
    table.add_row("units", f"{units['returned']} returned = {units['received']} received + {units['open']} open")
    for kind, count in summary["problems"].items():
        table.add_row("exception", f"{count} × {kind.replace('_', ' ')}")
    if mended := summary.get("mended"):
        held = ", ".join(f"{amount} {currency}" for currency, amount in mended["held"].items())
        table.add_row("one fix", f"{mended['cause'].partition(':')[2]} means {mended['meaning']}")
        table.add_row("it held", f"{mended['returns']} returns, {mended['units']} units, {held}")
        table.add_row("it freed", f"{mended['went_on']} went on, {mended['still_stopped']} still stopped")
    table.add_row("took", f"{summary['seconds']} s on {summary['database']}")
    screen.print(table)


def _stay(address: str, screen: Console) -> None:
    screen.print(f"The console is open at {address} – sign in as {DEMO_USER} / {DEMO_PASSWORD}. Ctrl-C ends it.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
