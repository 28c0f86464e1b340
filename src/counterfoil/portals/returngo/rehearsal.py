"""How the conformance kit plays with the simulated ReturnGO: a note on the return is the write that may be lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from counterfoil.core.commands import AnyCommand, CaseRef, SendNote
from counterfoil.portals.returngo.config import ReturnGOConfig
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
TEXT = "RMA RA-1 was opened"


def _world(_folder: Path) -> Json:
    return {"daily_quota": 100_000, "per_second": 10_000}


def _config(url: str, _folder: Path) -> ReturnGOConfig:
    return ReturnGOConfig(
        api_key="returngo-example-key",
        shop_name="example.myshopify.com",
        base_url=url,
        timeout_s=0.5,
        calls_per_day=100_000,
    )


def _note(_client: Client, control: SimControl) -> AnyCommand:
    lines = [{"line_item_id": 5500001, "quantity": 1, "reason": "Too small"}]
    made = control.post("returns", {"order": ORDER, "lines": lines})
    case = CaseRef(brand="acme", portal="returngo", return_id=str(made["id"]))
    return SendNote(case=case, step="note-1", text=TEXT)


def _made(state: Json, _command: AnyCommand) -> int:
    comments = [comment for shown in state["returns"] for comment in shown["rma"]["comments"]]
    return sum(TEXT in str(comment) for comment in comments)


REHEARSAL = Rehearsal(world=_world, config=_config, write=_note, request="/comment", made=_made)
