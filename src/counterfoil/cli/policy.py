"""`counterfoil policy`: the compiler on the command line. 1 for a contradiction, 2 for what cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

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
from counterfoil.policy.systems import as_shipped


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
        svg.write_text(draw(found), "utf-8")
    if as_json:
        _json(msgspec.to_builtins(found))
    else:
        print(told(found))
        for override in policy.edition.overrides:
            other = explain(Agreement(**{**_can(policy, systems), "policy": override.policy}), policy.document.currency)
            print(f"\n{told(other)}")
    return 0


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
    return policy, systems


def _as_configured(policy: Policy, settings: Path) -> Systems:
    """The systems of the setup with the policy's brand and portal."""
    from counterfoil.settings import load, systems_of

    found = systems_of(load(settings), policy.document.brand, policy.document.portal)
    if found is None:
        fail(f"{settings} has no setup for brand {policy.document.brand!r} and portal {policy.document.portal!r}")
    return found


def _json(value: Any) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")
