"""`counterfoil serve` and `counterfoil worker`: hooks, console and work, in one process or in several."""

from __future__ import annotations

import secrets
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from counterfoil.bootstrap import build_worker, build_world
from counterfoil.closing.desk import ProofDesk
from counterfoil.closing.office import Office
from counterfoil.core.problem_kinds import KINDS
from counterfoil.core.problems import ProblemKind
from counterfoil.flow.desk import Desk as PeoplesDesk
from counterfoil.flow.receive import PREFIX, Hooks
from counterfoil.flow.resolve import People
from counterfoil.flow.vocabulary import seed_mappings
from counterfoil.flow.world import Connection, Setup, World
from counterfoil.ports.actions import Actions
from counterfoil.ports.desk import Desk
from counterfoil.settings import Settings, load
from counterfoil.store.database import Database, SqliteDatabase
from counterfoil.store.inbox import Inbox
from counterfoil.store.migrate import migrate

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


@dataclass
class ConsoleSystem:
    """The world as the console sees it."""

    database: Database
    connections: Sequence[Connection]
    problem_kinds: Mapping[str, ProblemKind]
    actions: Actions
    proof_desk: ProofDesk
    desk: Desk
    database_url: str
    setups: Mapping[tuple[str, str], Setup]
    closing: Office


@dataclass
class Service:
    """A running house: hooks, console and, if asked for, a worker."""

    settings: Settings
    world: World
    inbox: Inbox
    app: App

    def close(self) -> None:
        """Write what is waiting, then release everything."""
        self.inbox.close()
        for connection in self.world.connections.values():
            connection.close()
        self.world.database.close()


def build_service(settings: Settings, console: bool = True) -> Service:
    """Migrate and wire hooks and console; nothing listens yet."""
    world = build_world(settings)
    migrate(world.database)
    seed_mappings(world)
    inbox = Inbox(world.database, world.vault)
    hooks = Hooks(world.connections, inbox)
    return Service(settings, world, inbox, _dispatch(hooks, _console(settings, world) if console else None))


def _dispatch(hooks: Hooks, console: App | None) -> App:
    """Hooks are told apart by their path before Django sees anything."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/healthz":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"ok\n"})
        elif console is None or scope["path"].startswith(PREFIX):
            await hooks(scope, receive, send)
        else:
            await console(scope, receive, send)

    return app


def _console(settings: Settings, world: World) -> App:
    from a2wsgi import WSGIMiddleware

    from counterfoil.web import make_wsgi

    system, options = open_console(settings, world)
    return WSGIMiddleware(make_wsgi(system, **options), workers=8)  # type: ignore[return-value]  # narrower scope type


def open_console(settings: Settings, world: World) -> tuple[ConsoleSystem, dict[str, Any]]:
    """The console's accounts and settings, brought up to date; nothing is served yet."""
    from counterfoil.web import prepare

    system = ConsoleSystem(
        database=world.database,
        connections=tuple(world.connections.values()),
        problem_kinds=KINDS,
        actions=People(world),
        proof_desk=ProofDesk(world.database, world.proof),
        desk=PeoplesDesk(world),
        database_url=settings.database_url,
        setups=world.setups,
        closing=Office(world, settings.close, settings.scorecard),
    )
    hosts = sorted({settings.server.host, urlsplit(settings.server.public_url).hostname or "127.0.0.1", "localhost"})
    key = _secret_key(settings.folder / "keys" / "console.key")
    options: dict[str, Any] = {"data_dir": settings.folder, "secret_key": key, "allowed_hosts": hosts}
    prepare(system, **options)
    return system, options


def _secret_key(path: Path) -> str:
    """The key that signs sessions, made on first use."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), "utf-8")
    return path.read_text("utf-8")


def listen(service: Service, ready: Callable[[], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = service.settings.server
    config = uvicorn.Config(
        service.app, host=server.host, port=server.port, log_level="warning", lifespan="off", access_log=False
    )
    running = uvicorn.Server(config)
    if ready is not None:
        threading.Thread(target=_when_started, args=(running, ready), daemon=True).start()
    running.run()


def _when_started(server: uvicorn.Server, ready: Callable[[], None]) -> None:
    pause = threading.Event()
    while not server.started:
        if pause.wait(0.02) or server.should_exit:
            return
    ready()


def run(settings_file: Path, with_worker: bool) -> int:
    """Hooks and console, and the work unless other processes do it."""
    settings = load(settings_file)
    service = build_service(settings)
    worker = build_worker(settings, service.world) if with_worker else None
    if worker is not None:
        worker.start()
    try:
        listen(service, lambda: print(f"console and hooks at {settings.server.public_url}", flush=True))
    finally:
        if worker is not None:
            worker.stop()
        service.close()
    return 0


def run_worker(settings_file: Path) -> int:
    """Only the work. Several processes need PostgreSQL."""
    settings = load(settings_file)
    world = build_world(settings)
    if isinstance(world.database, SqliteDatabase):
        world.database.close()
        from counterfoil.cli import fail

        fail("SQLite serves one process: use `counterfoil serve`, or PostgreSQL for several workers")
    worker = build_worker(settings, world)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker.start()
    print(f"worker {world.worker} is ready", flush=True)
    stop.wait()
    worker.stop()
    world.database.close()
    return 0
