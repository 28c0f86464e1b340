"""Commands of the person who operates it: migrate, check, backfill, audit verify."""

from __future__ import annotations

from pathlib import Path

import msgspec

from counterfoil.bootstrap import build_world
from counterfoil.cli import fail
from counterfoil.core.invariants import NAMES
from counterfoil.flow import invariants
from counterfoil.flow.poll import poll_one
from counterfoil.flow.world import World
from counterfoil.ports.capabilities import Cap
from counterfoil.settings import load
from counterfoil.store.database import open_database
from counterfoil.store.log import verify as verify_log
from counterfoil.store.migrate import migrate as migrate_database
from counterfoil.store.migrate import pending


def migrate(settings_file: Path) -> int:
    """Apply what is pending and say so."""
    settings = load(settings_file)
    database = open_database(settings.database_url)
    applied = migrate_database(database)
    database.close()
    print(f"applied: {', '.join(applied)}" if applied else "nothing to do: the schema is current")
    return 0


def check(settings_file: Path, as_json: bool) -> int:
    """Look at everything once; 1 when something is not right."""
    world = build_world(load(settings_file))
    findings = [_schema(world)]
    for connection in world.connections.values():
        if connection.spec.build is None:
            findings.append((True, connection.name, "only sends; nothing to call"))
            continue
        try:
            found = connection.client.probe()
        except Exception as error:
            findings.append((False, connection.name, f"the check itself failed: {type(error).__name__}: {error}"))
            continue
        findings += [(ok, connection.name, text) for ok, text in found.checks] or [(found.ok, connection.name, "")]
    world.database.close()
    if as_json:
        rows = [{"ok": ok, "subject": subject, "finding": text} for ok, subject, text in findings]
        print(msgspec.json.format(msgspec.json.encode(rows)).decode())
    else:
        for ok, subject, text in findings:
            print(f"{'ok ' if ok else 'NOT'}  {subject}: {text}")
    return 0 if all(ok for ok, _, _ in findings) else 1


def _schema(world: World) -> tuple[bool, str, str]:
    waiting = pending(world.database)
    if waiting:
        return False, "database", f"the schema is behind ({', '.join(waiting)}); run counterfoil migrate"
    return True, "database", f"{world.database.address} has this version's schema"


def check_invariants(settings_file: Path, as_json: bool, read_back: bool) -> int:
    """Ask the six invariants over everything stored; 1 when one does not hold and nobody was told."""
    world = build_world(load(settings_file))
    if pending(world.database):
        fail(_schema(world)[2])
    broken = invariants.check(world, read_back=read_back)
    world.database.close()
    if as_json:
        rows = [{"invariant": v.invariant, "name": v.name, "where": v.where, "sentence": v.sentence} for v in broken]
        print(msgspec.json.format(msgspec.json.encode({"violations": rows})).decode())
        return 1 if broken else 0
    for number, name in NAMES.items():
        found = [violation for violation in broken if violation.invariant == number]
        print(f"{'NOT' if found else 'ok '}  {number}. {name}")
        for violation in found:
            print(f"       {violation.where}: {violation.sentence}")
    return 1 if broken else 0


def backfill(settings_file: Path, name: str, since: str, until: str | None) -> int:
    """Ask one system for a window of its history."""
    world = build_world(load(settings_file))
    connection = world.connections.get(name)
    if connection is None:
        fail(f"there is no connection {name!r}; there are {', '.join(sorted(world.connections))}")
    if Cap.POLL not in connection.can():
        fail(f"{name} cannot be asked what changed")
    told = poll_one(world, connection, since, until)
    world.database.close()
    print(f"{told} facts told; what was known already changed nothing")
    return 0


def verify(settings_file: Path, anchor: str | None, as_json: bool) -> int:
    """Recompute the log; 1 when anything was changed, removed or swapped."""
    settings = load(settings_file)
    database = open_database(settings.database_url)
    found = verify_log(database, anchor)
    database.close()
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        print(f"{found.entries} entries in {found.streams} streams, {found.seals} seals; head {found.head or '–'}")
        for fault in found.faults:
            print(f"NOT  {fault}")
        if not found.faults:
            print("every hash chain and every seal is as it was written")
    return 1 if found.faults else 0
