"""How the conformance kit plays with the simulated Loop: a release, which pays, is the write that may be lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from counterfoil.core.commands import AnyCommand, CaseRef, ReleaseRefund
from counterfoil.portals.loop.config import LoopConfig
from counterfoil.ports.rehearsal import Rehearsal, SimControl
from counterfoil.ports.vendors import Client

Json = dict[str, Any]

ORDER: Json = {
    "id": 4500000001,
    "name": "#EX1001",
    "currency": "GBP",
    "taxes_included": True,
    "email": "robin@example.com",
    "line_items": [
        {
            "id": 5500001,
            "sku": "TEE-BLK-M",
            "title": "Example tee",
            "quantity": 1,
            "price": "25.00",
            "tax_lines": [{"price": "4.17"}],
            "discount_allocations": [],
        }
    ],
}


def _world(_folder: Path) -> Json:
    return {"processing_seconds": 0.01, "rate_limit_per_minute": 100_000}


def _config(url: str, _folder: Path) -> LoopConfig:
    return LoopConfig(api_key="loop-example-key", base_url=f"{url}/api/v1", timeout_s=0.5, calls_per_minute=100_000)


def _release(_client: Client, control: SimControl) -> AnyCommand:
    lines = [{"line_item_id": 5500001, "quantity": 1, "reason": "Too small"}]
    made = control.post("returns", {"order": ORDER, "lines": lines})
    return ReleaseRefund(case=CaseRef(brand="acme", portal="loop", return_id=str(made["id"])), step="release-1")


def _made(state: Json, _command: AnyCommand) -> int:
    return len(state["refunds"])


REHEARSAL = Rehearsal(world=_world, config=_config, write=_release, request="/process", made=_made)
