"""Wiring, in one place: settings become a world, and a world becomes a running service."""

from __future__ import annotations

import os
import socket
from typing import Any
from uuid import uuid4

from counterfoil.catalog import vendor
from counterfoil.core.commands import Role
from counterfoil.core.policy import Agreement
from counterfoil.flow.world import Connection, Setup, World
from counterfoil.jobs.worker import Worker, dead_workers
from counterfoil.policy.versions import Shelf
from counterfoil.ports.engine import Engine
from counterfoil.ports.vendors import VendorSpec
from counterfoil.settings import Settings, SettingsError, SetupSettings, config_of, edition_of, policy_of
from counterfoil.store.database import PostgresDatabase, SqliteDatabase, open_database
from counterfoil.store.tallies import StoredTally
from counterfoil.store.vault import Vault, master_key

VERSION = "0.1.0"


def build_world(settings: Settings, database: SqliteDatabase | PostgresDatabase | None = None) -> World:
    """Open the database and make every connection known; nothing is called yet."""
    database = database or open_database(settings.database_url)
    connections = {item.name: _connection(settings, item.name) for item in settings.connection}
    for name, connection in connections.items():
        connection.tally = StoredTally(database, name)
    return World(
        database=database,
        editions=Shelf(database).editions,
        vault=Vault(master_key(settings.folder / "keys" / "master.key")),
        connections=connections,
        setups={(item.brand, item.portal): _setup(item, connections) for item in settings.setup},
        proof=settings.proof,
        folder=settings.folder,
        notify=settings.notify,
        worker=f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}",
    )


def _connection(settings: Settings, name: str) -> Connection:
    item = next(item for item in settings.connection if item.name == name)
    config = config_of(item)
    spec = spec_for(vendor(item.vendor), config, item.name)
    return Connection(
        name=name,
        brand=item.brand,
        spec=spec,
        config=config,
        secrets=_signing_secrets(spec, config),
        slots=item.slots,
    )


def spec_for(spec: VendorSpec, config: Any, name: str) -> VendorSpec:
    """The vendor as this connection's settings make it read. SettingsError with the connection's name."""
    if spec.for_config is None:
        return spec
    try:
        return spec.for_config(config)
    except ValueError as error:
        raise SettingsError(f"connection {name}: {error}") from None


def _signing_secrets(spec: VendorSpec, config: Any) -> tuple[str, ...]:
    """Webhook secrets are the ones a vendor keeps as a list, so that two are valid at once."""
    lists = [getattr(config, name) for name in spec.secrets]
    return tuple(secret for value in lists if isinstance(value, list | tuple) for secret in value)


def _setup(item: SetupSettings, connections: dict[str, Connection]) -> Setup:
    edition = edition_of(item)
    agreement = Agreement(
        policy=policy_of(item),
        editions=(edition,) if edition is not None else (),
        portal_can=frozenset(cap.value for cap in connections[item.connections[Role.PORTAL]].can()),
        erp_can=frozenset(cap.value for cap in connections[item.connections[Role.ERP]].can()),
        mapping_version=item.mapping.version,
    )
    return Setup(
        brand=item.brand,
        portal=item.portal,
        agreement=agreement,
        mapping=item.mapping,
        connections=item.connections,
    )


def build_engine(settings: Settings, world: World) -> Engine:
    """The engine named in the settings, on its own database."""
    slots = sum(connection.slots + 1 for connection in world.connections.values())
    url = settings.database_url
    if url.startswith("sqlite:///"):
        url = f"sqlite:///{settings.folder / 'engine.sqlite3'}"
    match settings.engine:
        case "dbos":
            from counterfoil.jobs.dbos_engine import DbosEngine

            return DbosEngine(url, world.worker, dead_workers(world), concurrency=max(4, min(32, slots)))
        case "procrastinate" if not url.startswith("sqlite:///"):
            from counterfoil.jobs.procrastinate_engine import ProcrastinateEngine

            return ProcrastinateEngine(url, world.worker, concurrency=max(4, min(32, slots)))
    raise SettingsError(f"the engine {settings.engine!r} does not fit this database; use dbos")


def build_worker(settings: Settings, world: World) -> Worker:
    """A worker, not yet started."""
    return Worker(world, build_engine(settings, world), poll_every_s=settings.poll_every_s)
