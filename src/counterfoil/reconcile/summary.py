"""The summary of a run: per leg and currency what was read, what it became, and the identities between (contract §3).

Money is decimal text with the currency's own digits, units are whole numbers (outputs.md). The totals come from the
files as read and the parts from what the run wrote, so that a lost or doubled record shows as a difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb

from counterfoil.core.money import MoneyError, to_text
from counterfoil.core.reconcile.classes import CLASSES
from counterfoil.core.reconcile.identities import Identity
from counterfoil.reconcile.engine import Proof
from counterfoil.reconcile.problems import Findings
from counterfoil.reconcile.sources import Source

Json = dict[str, Any]


def amount(minor: int, unit: str) -> str | int:
    """An amount as outputs.md writes it: text for money, a number for units of goods."""
    if unit == "units":
        return minor
    try:
        return to_text(minor, unit)
    except MoneyError:
        return str(minor)  # a code ISO does not know: minor units as they are


def leg_summary(proof: Proof) -> tuple[Json, list[Identity]]:
    """One leg's figures and its identities."""
    units = sorted({row[0] for row in proof.left_totals} | {row[0] for row in proof.right_totals})
    identities = {unit: _identities(proof, unit) for unit in units}
    figures = [_figures(proof, unit, identities[unit]) for unit in units]
    every = [identity for unit in units for identity in identities[unit]]
    return {
        "proven": True,
        "late_after_days": proof.fields["late"],
        "open": _open(proof),
        "balanced": all(identity.balances for identity in every),
        "by_currency": figures,
        "rules": _rules(proof),
    }, every


def _open(proof: Proof) -> int:
    judged = sum(row[4] for row in proof.judged if row[2] not in ("matched", "timing"))
    return int(judged + sum(row[1] for row in proof.orphans))


def _rules(proof: Proof) -> dict[str, Json]:
    """Edges by rule; plain pairs are the key's."""
    found: dict[str, Json] = {"key": {"edges": sum(row[2] for row in proof.plain), "duplicates": 0, "proposed": 0}}
    every = [(rule, "match", "final", records) for _, rule, records, _, _ in proof.early]
    every += [(rule, kind, standing, records) for _, rule, kind, standing, records, _ in proof.edges]
    for rule, kind, standing, records in every:
        entry = found.setdefault(rule, {"edges": 0, "duplicates": 0, "proposed": 0})
        entry["edges"] += records
        entry["duplicates"] += records if kind == "duplicate" else 0
        entry["proposed"] += records if standing == "proposed" else 0
    return dict(sorted(found.items()))


def _row(rows: Iterable[tuple[Any, ...]], unit: str) -> tuple[int, int]:
    """Records and amount of a unit in rows of (unit, records, amount)."""
    return next(((int(row[1]), int(row[2])) for row in rows if row[0] == unit), (0, 0))


def _aside(proof: Proof, side: str, unit: str) -> tuple[int, int]:
    return _row((row[1:] for row in proof.aside if row[0] == side), unit)


def _plain(proof: Proof, unit: str) -> tuple[int, int, int]:
    """Lefts, rights and amount of what is plainly matched, by the key or by what needs no weighing."""
    by_key = [(int(row[1]), int(row[2]), int(row[3])) for row in proof.plain if row[0] == unit]
    early = [(int(row[3]), int(row[2]), int(row[4])) for row in proof.early if row[0] == unit]
    lefts, rights, minor = (sum(row[at] for row in by_key + early) for at in range(3))
    return lefts, rights, minor


def _identities(proof: Proof, unit: str) -> list[Identity]:
    """Left and right decomposed into classes, and the bridge between them; minor units or units of goods."""
    name = f"{proof.leg.name} {unit}"
    plain = _plain(proof, unit)[2]
    left_parts = {"matched": plain}
    right_parts = {"matched": plain}
    for own, compared, kind, _, _, own_amount, _, got, _ in proof.judged:
        label = "matched" if kind in ("matched", "timing") else kind
        if own == unit:
            left_parts[label] = left_parts.get(label, 0) + int(own_amount)
        if compared == unit and int(got):
            right_parts[label] = right_parts.get(label, 0) + int(got)
    right_parts["missing_left"] = _row(proof.orphans, unit)[1]
    met = [row for row in proof.judged if row[1] == unit and row[2] not in ("missing_right", "in_transit")]
    bridge = {"left": sum(int(row[6]) for row in met), "variance": sum(int(row[8]) for row in met)}
    allocated = sum(int(row[5]) for row in proof.edges if row[0] == unit)
    return [
        Identity(f"{name} left", _expected(proof, "left", unit)[1], left_parts),
        Identity(f"{name} right", _expected(proof, "right", unit)[1], right_parts),
        Identity(f"{name} bridge", allocated, bridge),
        Identity(f"{name} records", _expected(proof, "left", unit)[0], _records(proof, unit)),
    ]


def _records(proof: Proof, unit: str) -> dict[str, int]:
    parts = {"matched": _plain(proof, unit)[0]}
    for own, _, kind, _, records, _, _, _, _ in proof.judged:
        if own == unit:
            label = "matched" if kind in ("matched", "timing") else kind
            parts[label] = parts.get(label, 0) + int(records)
    return parts


def _figures(proof: Proof, unit: str, identities: list[Identity]) -> Json:
    left, right = _expected(proof, "left", unit), _expected(proof, "right", unit)
    parts, records = identities[0].parts, _records(proof, unit)
    return {
        "currency": None if unit == "units" else unit,
        "left": _sum(*left, unit),
        "right": _sum(*right, unit),
        "not_expected": _sum(*_aside(proof, "left", unit), unit),
        "matched": _sum(records["matched"], parts["matched"], unit),
        "classes": {kind: _class(proof, unit, kind) for kind in CLASSES},
        "reasons": _reasons(proof, unit),
        "identities": [_said(identity, unit) for identity in identities],
    }


def _expected(proof: Proof, side: str, unit: str) -> tuple[int, int]:
    """What this leg has to explain on a side: all that was read but for what stands aside."""
    records, minor = _row(proof.left_totals if side == "left" else proof.right_totals, unit)
    without, less = _aside(proof, side, unit)
    return records - without, minor - less


def _sum(records: int, minor: int, unit: str) -> Json:
    return {"records": records, "amount": amount(minor, unit)}


def _class(proof: Proof, unit: str, kind: str) -> Json:
    """Count, the records' own amount and the difference they make, in their compared currency."""
    if kind == "missing_left":
        records, minor = _row(proof.orphans, unit)
        return {"records": records, "amount": amount(minor, unit), "difference": amount(minor, unit)}
    rows = [row for row in proof.judged if row[1] == unit and row[2] == kind]
    wanted = sum(int(row[6]) for row in rows)
    alone = kind in ("missing_right", "in_transit")
    difference = -wanted if alone else sum(int(row[8]) for row in rows)
    return {
        "records": sum(row[4] for row in rows),
        "amount": amount(wanted, unit),
        "difference": amount(difference, unit),
    }


def _reasons(proof: Proof, unit: str) -> Json:
    found: dict[str, list[int]] = {}
    for _, compared, _, reason, records, _, _, _, variance in proof.judged:
        if compared == unit and reason:
            entry = found.setdefault(reason, [0, 0])
            entry[0] += int(records)
            entry[1] += int(variance)
    return {reason: {"records": n, "difference": amount(v, unit)} for reason, (n, v) in sorted(found.items())}


def _said(identity: Identity, unit: str) -> Json:
    if identity.name.endswith("records"):
        unit = "units"
    return {
        "name": identity.name,
        "total": amount(identity.total, unit),
        "parts": {part: amount(minor, unit) for part, minor in identity.parts.items()},
        "difference": amount(identity.difference, unit),
        "balances": identity.balances,
    }


def verdicts(run: duckdb.DuckDBPyConnection, proofs: list[Proof]) -> Json | None:
    """The three-way verdict per refund from its two money legs, counted (matching §6)."""
    names = [proof.leg.name for proof in proofs if proof.leg.money]
    if len(names) != 2:
        return None
    rows = run.execute(
        "select case when g in ('variance', 'duplicate') or c in ('variance', 'duplicate') then 'break' "
        "when g = 'missing_right' and c = 'missing_right' then 'portal_only' when g = 'missing_right' then 'not_paid' "
        "when c = 'missing_right' then 'not_booked' when g = 'in_transit' or c = 'in_transit' then 'in_transit' end as verdict, count(*) "
        "from (select left_id, class as g from classes_refund_gateway where left_id is not null and class <> 'timing') "
        "full join (select left_id, class as c from classes_refund_credit_note where left_id is not null and class <> 'timing') using (left_id) "
        "group by 1 order by 1"
    ).fetchall()
    counted = {str(name): int(n) for name, n in rows}
    total = max(sum(int(row[1]) for row in proof.left_totals) for proof in proofs if proof.leg.money)
    return {"three_way_matched": total - sum(counted.values()), **counted}


def document(
    as_of: str, legs: dict[str, Json], sources: dict[str, Source], findings: Findings, three_way: Json | None
) -> Json:
    """The whole summary, as `summary.json` and `--json` give it."""
    return {
        "as_of": as_of,
        "balanced": all(leg.get("balanced", True) for leg in legs.values()),
        "open": sum(leg.get("open", 0) for leg in legs.values()),
        "files": {
            name: {"file": source.file, "records": source.rows, "set_aside": source.set_aside}
            for name, source in sorted(sources.items())
        },
        "legs": legs,
        "three_way": three_way,
        "problems": [
            {"file": c.file, "message": c.sentence, "rows": c.rows, "whole_file": c.whole_file}
            for c in findings.complaints
        ],
        "notes": list(findings.notes),
    }
