"""`counterfoil policy`: the compiler on the command line. 1 for a contradiction, 2 for what cannot be read."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.bootstrap import build_world
from counterfoil.catalog import vendor
from counterfoil.cli import fail
from counterfoil.core.policy import Agreement
from counterfoil.policy.clashes import Subject, Systems
from counterfoil.policy.compiler import as_text, compile_policy
from counterfoil.policy.document import json_schema
from counterfoil.policy.drawing import draw
from counterfoil.policy.explain import as_text as told
from counterfoil.policy.explain import explain
from counterfoil.policy.reading import Policy, UnreadableError, read
from counterfoil.policy.replay import as_text as replay_text
from counterfoil.policy.replay import replay as replay_policy
from counterfoil.policy.systems import as_shipped
from counterfoil.policy.versions import RefusedError
from counterfoil.policy.versions import keep as keep_version
from counterfoil.settings import SetupSettings, load, policy_of, systems_of
from counterfoil.store import policies
from counterfoil.store.database import open_database


def schema() -> int:
    """Print the JSON Schema of a policy file."""
    _json(json_schema())
    return 0


def check(file: Path, settings: Path | None, *, as_json: bool) -> int:
    """Every contradiction, and every path by which money and credit could come apart."""
    policy, systems = _read(file, settings)
    report = compile_policy(policy, systems)
    if as_json:
        _json(msgspec.to_builtins(report))
    else:
        print(as_text(report))
    return 1 if report.contradictions else 0


def draw_policy(file: Path, settings: Path | None, svg: Path | None, *, as_json: bool) -> int:
    """The sequence that results, as text, as JSON, and as a drawing."""
    policy, systems = _read(file, settings)
    found = explain(_agreement(policy, systems), policy.document.currency)
    if svg is not None:
        _write(svg, draw(found))
    if as_json:
        _json(msgspec.to_builtins(found))
    else:
        print(told(found))
        for override in policy.edition.overrides:
            other = explain(Agreement(**{**_can(policy, systems), "policy": override.policy}), policy.document.currency)
            print(f"\n{told(other)}")
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")


def keep(file: Path, settings_file: Path, by: str) -> int:
    """Keep a version for ever; 1 when it is refused."""
    policy, systems = _read(file, settings_file)
    settings = load(settings_file)
    before = next(policy_of(item) for item in settings.setup if _is_for(item, policy))
    database = open_database(settings.database_url)
    try:
        new = keep_version(database, policy, systems, by, datetime.now(UTC).date(), before)
    except RefusedError as error:
        print(f"{file}: {error}.", file=sys.stderr)
        return 1
    finally:
        database.close()
    document = policy.document
    said = f"is kept and holds for returns authorised from {document.starts_on} on" if new else "was kept already"
    print(f"{document.name} {document.version} ({policy.hash[:12]}) {said}")
    return 0


def versions(settings_file: Path, *, as_json: bool) -> int:
    """Every kept version of every brand and portal."""
    database = open_database(load(settings_file).database_url)
    with database.read() as tx:
        kept = [item for pair in policies.pairs(tx) for item in policies.versions(tx, *pair)]
    database.close()
    if as_json:
        _json(msgspec.to_builtins(kept))
        return 0
    for item in kept:
        print(
            f"{item.brand}/{item.portal}  {item.version}  from {item.starts_on}  {item.hash[:12]}  by {item.saved_by}"
        )
    if not kept:
        print("no version is kept; the settings hold for every return")
    return 0


def replay(file: Path, settings_file: Path, since: str | None, *, as_json: bool) -> int:
    """What a changed policy would have done to the recorded returns."""
    policy, _ = _read(file, settings_file)
    world = build_world(load(settings_file))
    try:
        setup = world.setup(policy.document.brand, policy.document.portal)
        found = replay_policy(world.database, setup.agreement, setup.mapping, policy, _moment_ms(since))
    finally:
        world.database.close()
    if as_json:
        _json(msgspec.to_builtins(found))
    else:
        print(replay_text(found))
    return 0


def _moment_ms(since: str | None) -> int:
    if since is None:
        return 0
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        fail(f"--since {since!r} is no day or moment; write it like 2026-11-01")
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def _is_for(item: SetupSettings, policy: Policy) -> bool:
    return (item.brand, item.portal) == (policy.document.brand, policy.document.portal)


def _agreement(policy: Policy, systems: Systems) -> Agreement:
    return Subject(policy, policy.edition.policy, None, systems).agreement


def _can(policy: Policy, systems: Systems) -> dict[str, Any]:
    agreement = _agreement(policy, systems)
    return {"portal_can": agreement.portal_can, "erp_can": agreement.erp_can}


def _read(file: Path, settings: Path | None) -> tuple[Policy, Systems]:
    try:
        policy = read(file.read_text("utf-8"), str(file))
        systems = as_shipped(policy, vendor) if settings is None else _as_configured(policy, settings)
    except UnreadableError as error:
        fail(str(error))
    except UnicodeDecodeError:
        fail(f"{file} is no text in UTF-8")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    return policy, systems


def _as_configured(policy: Policy, settings: Path) -> Systems:
    """The systems of the setup with the policy's brand and portal."""
    found = systems_of(load(settings), policy.document.brand, policy.document.portal)
    if found is None:
        fail(f"{settings} has no setup for brand {policy.document.brand!r} and portal {policy.document.portal!r}")
    return found


def _json(value: Any) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")
