"""How the conformance kit plays with the simulated Reveni: a verdict on the items is the write that may be lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from counterfoil.core.commands import AnyCommand, CaseRef, ReleaseRefund
from counterfoil.portals.reveni.config import ReveniConfig
from counterfoil.ports.rehearsal import Rehearsal, SimControl
from counterfoil.ports.vendors import Client

Json = dict[str, Any]

KEY, STORE = "reveni-example-key", "9f0c1d5b7a2e4c6688aa001122334455"
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
    return {"clock": "2026-11-02T09:00:00Z", "per_second": 10_000}


def _config(url: str, _folder: Path) -> ReveniConfig:
    return ReveniConfig(api_key=KEY, store_id=STORE, base_url=url, timeout_s=0.5, calls_per_second=1000.0)


def _accept(_client: Client, control: SimControl) -> AnyCommand:
    lines = [{"line_item_id": 5500001, "quantity": 1, "reason": "Too small"}]
    number = str(control.post("returns", {"order": ORDER, "lines": lines})["id"])
    control.post(f"returns/{number}/receive", {})
    return ReleaseRefund(case=CaseRef(brand="acme", portal="reveni", return_id=number), step="release-1")


def _made(state: Json, _command: AnyCommand) -> int:
    return len(state["verdicts"])


REHEARSAL = Rehearsal(
    world=_world,
    config=_config,
    write=_accept,
    request={"method": "POST", "path": "validate"},
    made=_made,
)
