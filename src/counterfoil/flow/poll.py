"""Asking instead of waiting: a poll finds what webhooks missed, and brings history in (R47, backfill).

It walks the same road as a webhook: the facts have the same keys, so what is known already changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import structlog

from counterfoil.flow.findings import put_findings
from counterfoil.flow.route import route
from counterfoil.flow.world import Connection, World
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.vendors import PollingClient
from counterfoil.store.database import now_ms

OVERLAP = timedelta(minutes=10)  # windows overlap: clocks differ, and lists have no tie-breaker
FIRST_LOOK_BACK = timedelta(days=2)

_log = structlog.get_logger("counterfoil.poll")


def poll(world: World) -> int:
    """Poll every connection that can be asked; how many facts were told. One failing system stops no other."""
    told = 0
    for connection in world.connections.values():
        if Cap.POLL not in connection.can():
            continue
        try:
            told += poll_one(world, connection)
        except Exception as error:
            _log.warning("poll_failed", connection=connection.name, error=repr(error))
            with world.database.write() as tx:
                tx.run(
                    "connection_trouble",
                    name=connection.name,
                    now=now_ms(),
                    message=f"The poll failed: {error}",
                )
    return told


def poll_one(world: World, connection: Connection, since: str | None = None, until: str | None = None) -> int:
    """Ask one system what changed since the last poll, or in a given window (backfill)."""
    end = until or world.now()
    start = since or _resume_from(world, connection, end)
    client = cast(PollingClient, connection.client)
    told = 0
    for translation in client.changes(start, end):
        with world.database.write() as tx:
            route(world, tx, connection.brand, translation.events, actor=f"{connection.name} poll")
            put_findings(tx, connection, translation.problems, about=f"poll of {connection.name}")
        told += len(translation.events)
    with world.database.write() as tx:
        if since is None:
            tx.run("connection_polled", name=connection.name, until=end)
        tx.run("connection_ok", name=connection.name, now=now_ms())
    return told


def _resume_from(world: World, connection: Connection, end: str) -> str:
    with world.database.read() as tx:
        row = tx.one("connection_get", name=connection.name)
    polled = row["polled_until"] if row is not None else None
    moment = datetime.fromisoformat(polled) - OVERLAP if polled else datetime.fromisoformat(end) - FIRST_LOOK_BACK
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
