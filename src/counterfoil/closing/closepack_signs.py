"""Sign-offs: a preparer, then a reviewer who is somebody else and sees the same figures; both together lock the month."""

from __future__ import annotations

from uuid import uuid4

import msgspec

from counterfoil.closing.closepack import PREPARER, REVIEWER, ROLES, Pack, compute, costs_of
from counterfoil.closing.closepack_period import CloseError, period
from counterfoil.closing.closepack_settings import CloseSettings
from counterfoil.flow.world import World
from counterfoil.store import log, signoffs
from counterfoil.store.database import Row, Transaction, now_ms

STREAM = "system/close"


def sign(world: World, settings: CloseSettings, name: str, by: str, role: str) -> Pack:
    """Sign a period's figures as they are now; the pack that was signed. CloseError when it may not be signed."""
    by = by.strip()
    if role not in ROLES:
        raise CloseError(f"{role!r} signs nothing; the roles are {' and '.join(ROLES)}")
    if not by:
        raise CloseError("say who signs, with --as NAME")
    month = period(name, settings.zone)
    if world.now() < month.cut_off:
        raise CloseError(f"{name} ends at {month.cut_off}; it can be signed from then on")
    costs = costs_of(settings)
    with world.database.read() as tx:
        _open(name, signoffs.of_period(tx, name))
        made = compute(tx, world, month, settings, costs)
    with world.database.write() as tx:  # what came meanwhile is after `made.last_entry`, and so after the lock
        signoffs.lock(tx, name)
        signed = signoffs.of_period(tx, name)
        _open(name, signed)
        if role == REVIEWER:
            _may_review(name, by, made, signed.get(PREPARER))
        if not signoffs.put(tx, _row(made, name, role, by)):
            raise CloseError(f"somebody else signed {name} as {role} at the same moment")
        _note(tx, made, role, by)
    return made


def _open(name: str, signed: dict[str, Row]) -> None:
    if REVIEWER in signed:
        raise CloseError(f"{name} was locked when {signed[REVIEWER]['signed_by']} reviewed it; nothing more is signed")


def _may_review(name: str, by: str, made: Pack, prepared: Row | None) -> None:
    if prepared is None:
        raise CloseError(f"{name} has no preparer yet; it is prepared first, then reviewed")
    if prepared["signed_by"].casefold() == by.casefold():
        raise CloseError(f"{by} prepared {name}; somebody else reviews it")
    if prepared["figures_hash"] != made.figures_hash:
        raise CloseError(
            f"the figures of {name} changed since {prepared['signed_by']} prepared them; prepare them again"
        )


def _row(made: Pack, name: str, role: str, by: str) -> Row:
    return {
        "period": name,
        "role": role,
        "signed_by": by,
        "at_ms": now_ms(),
        "figures_hash": made.figures_hash,
        "log_head": made.log_head or "",
        "last_entry": made.last_entry,
        "pack": msgspec.json.encode(made).decode() if role == REVIEWER else "",
    }


def _note(tx: Transaction, made: Pack, role: str, by: str) -> None:
    what = {"type": "PeriodSigned.v1", "period": made.period, "role": role, "figures_hash": made.figures_hash}
    payload = msgspec.json.encode(what).decode()
    log.note(tx, stream=STREAM, key=uuid4().hex, name="PeriodSigned.v1", actor=f"person:{by}", payload=payload)
