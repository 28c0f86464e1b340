"""The nightly store gives the answer of a full run, whatever came, changed or went, and in whatever order."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from counterfoil.reconcile.proof import Run, Settings, prove
from counterfoil.reconcile.store import ReconStore

DAY = date(2026, 10, 1)
SETTINGS = Settings(as_of=DAY, threads=1)
Records = dict[str, dict[str, dict[str, Any]]]
KEYS = {"portal_refunds": "refund_id", "gateway_refunds": "gateway_txn_id", "erp_credit_notes": "credit_note_id"}


def world(seed: int, count: int) -> Records:
    """Refunds with every trouble that makes neighbours: shared orders, restyled and lost references, sums, repeats."""
    dice = random.Random(seed)
    records: Records = {name: {} for name in KEYS}
    for n in range(count):
        order = f"#{1000 + n // dice.choice((1, 1, 2))}"
        day = date(2026, 8, 1) + timedelta(days=dice.randrange(55))
        refund = {
            "refund_id": f"LR-{9_000_000 + n * 137}",
            "store_id": dice.choice(("a", "b")),
            "order_no": order,
            "return_id": f"RET{880_000 + n}",
            "method": dice.choice(("original_payment", "store_credit")),
            "currency": "GBP",
            "base_currency": "GBP",
            "amount_minor": dice.randrange(500, 30_000),
            "gateway_txn_id": f"gw_{n:05d}" if dice.randrange(2) else "",
            "refund_date": day.isoformat(),
        }
        records["portal_refunds"][refund["refund_id"]] = refund
        for name, prefix, ref, when in (
            ("gateway_refunds", "gw_", "reference", "created_date"),
            ("erp_credit_notes", "CN", "external_id", "posted_date"),
        ):
            for copy in range(dice.choice((0, 1, 1, 1, 1, 1, 1, 2))):
                key = f"{prefix}{n:05d}" + ("" if copy == 0 else "d")
                known = refund["refund_id"]
                written = dice.choice((known, known, known, known.lower(), f"#{known}", known[:-1] + "9", ""))
                records[name][key] = {
                    KEYS[name]: key,
                    "store_id": refund["store_id"],
                    ref: written,
                    "order_no": dice.choice((order, order, "")),
                    "currency": "GBP",
                    "amount_minor": refund["amount_minor"] + dice.choice((0, 0, 0, 0, 1, -300)),
                    when: (day + timedelta(days=dice.randrange(9))).isoformat(),
                }
    return records


def rows(run: Run) -> tuple[list[Any], list[Any]]:
    assert run.balanced
    return run.edges(), run.classes()


def in_full(records: Records) -> tuple[list[Any], list[Any]]:
    with prove({name: list(found.values()) for name, found in records.items()}, SETTINGS) as run:
        return rows(run)


def test_nights_of_changes_give_what_a_full_run_gives(tmp_path: Path) -> None:
    dice = random.Random(2)
    late, now = world(2, 400), {name: {} for name in KEYS}
    pending = [(name, key) for name, found in late.items() for key in found]
    dice.shuffle(pending)
    with ReconStore(tmp_path / "recon.duckdb", threads=1) as store:
        for night in range(3):
            come, pending = pending[: len(pending) // 2], pending[len(pending) // 2 :]
            changes: dict[str, list[dict[str, Any]]] = {name: [] for name in KEYS}
            gone: dict[str, list[str]] = {name: [] for name in KEYS}
            for name, key in come:
                changes[name].append(late[name][key])
            for name, found in now.items():
                for key in sorted(found):
                    luck = dice.randrange(40)
                    if luck == 0:
                        gone[name].append(key)
                    elif luck == 1:
                        changes[name].append(found[key] | {"amount_minor": found[key]["amount_minor"] + 50})
                    elif luck == 2:
                        changes[name].append(found[key])  # the same again
            for name in KEYS:
                now[name].update({row[KEYS[name]]: row for row in changes[name]})
                for key in gone[name]:
                    del now[name][key]
            with store.update(changes, SETTINGS, removed=gone) as run:
                assert rows(run) == in_full(now), f"night {night}"


def test_a_store_opened_again_knows_what_it_knew(tmp_path: Path) -> None:
    records = world(5, 60)
    everything = {name: list(found.values()) for name, found in records.items()}
    with ReconStore(tmp_path / "recon.duckdb", threads=1) as store:
        store.update(everything, SETTINGS)
    with ReconStore(tmp_path / "recon.duckdb", threads=1) as store:
        assert store.last_day() is not None
        assert rows(store.update({}, SETTINGS)) == in_full(records)


def test_other_days_allowed_make_other_pairs_plain(tmp_path: Path) -> None:
    records = world(6, 60)
    everything = {name: list(found.values()) for name, found in records.items()}
    strict = Settings(as_of=DAY, threads=1, late_after_days={"refund_gateway": 0, "refund_credit_note": 1})
    with ReconStore(tmp_path / "recon.duckdb", threads=1) as store:
        store.update(everything, SETTINGS)
        with prove(everything, strict) as run:
            assert rows(store.update({}, strict)) == rows(run)


def test_an_update_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = world(7, 40)
    everything = {name: list(found.values()) for name, found in records.items()}
    with ReconStore(tmp_path / "recon.duckdb", threads=1) as store:
        before = rows(store.update(everything, SETTINGS))
        with monkeypatch.context() as broken:
            broken.setattr("counterfoil.reconcile.store._Keeper.end", _stop)
            with pytest.raises(RuntimeError):
                store.update({}, SETTINGS, removed={"portal_refunds": list(records["portal_refunds"])[:9]})
        assert rows(store.update({}, SETTINGS)) == before


def _stop(*_: object) -> None:
    raise RuntimeError("the process stopped here")
