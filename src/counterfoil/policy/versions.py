"""Versions of a policy: kept for ever, switched from a day, and refused when they would change what is under way."""

from __future__ import annotations

import threading
import time
from datetime import date
from functools import lru_cache

from counterfoil.core.policy import Edition, FlowPolicy
from counterfoil.policy.clashes import Systems
from counterfoil.policy.compiler import compile_policy
from counterfoil.policy.reading import Policy, read
from counterfoil.store import policies
from counterfoil.store.database import Database, Transaction
from counterfoil.store.policies import Kept

FRESH_S = 15  # a switch is dated in days; so long may a process still hold the older list


class RefusedError(ValueError):
    """The version cannot be kept; the message says why and what to do."""


def keep(database: Database, policy: Policy, systems: Systems, by: str, today: date, before: FlowPolicy) -> bool:
    """Keep a version; False when exactly this one is kept already. RefusedError with a sentence.

    `before` is the policy in force where no version was kept yet.
    """
    report = compile_policy(policy, systems)
    if report.contradictions:
        first = report.contradictions[0]
        places = " and ".join(str(setting) for setting in first.settings)
        raise RefusedError(f"{first.sentence} {places}. {first.cure}")
    document = policy.document
    with database.write() as tx:
        known = policies.versions(tx, document.brand, document.portal)
        same = next((kept for kept in known if kept.version == document.version), None)
        if same is not None and same.hash == policy.hash:
            return False
        if same is not None:
            raise RefusedError(
                f"version {document.version} of {document.brand}/{document.portal} is kept since then and says "
                f"something else; versions never change, so give this one a new version"
            )
        _in_time(policy, known, today)
        _same_granularity(tx, policy, known, before)
        policies.put(tx, _kept(policy, by))
    return True


def _in_time(policy: Policy, known: tuple[Kept, ...], today: date) -> None:
    """A switch is never dated back, and never before another."""
    starts = policy.document.starts_on
    if starts < today:
        raise RefusedError(
            f"from = {starts} has passed; returns authorised since then would change their rules under way. "
            f"Write today's date or a later one"
        )
    last = known[-1] if known else None
    if last is not None and starts.isoformat() <= last.starts_on:
        raise RefusedError(
            f"version {last.version} starts on {last.starts_on}; a newer version has to start on a later day than that"
        )


def _same_granularity(tx: Transaction, policy: Policy, known: tuple[Kept, ...], before: FlowPolicy) -> None:
    """D13: what one RMA stands for cannot change under RMAs that are open."""
    document = policy.document
    was = edition_of(known[-1].content).policy.rma_granularity if known else before.rma_granularity
    wanted = {policy.edition.policy.rma_granularity, *(o.policy.rma_granularity for o in policy.edition.overrides)}
    if wanted == {was}:
        return
    count = policies.open_rmas(tx, document.brand, document.portal)
    if count:
        other = ", ".join(sorted(value.value for value in wanted - {was}))
        raise RefusedError(
            f"rma_granularity cannot change from {was.value} to {other} while {count} returns have an open RMA; "
            f"finish them first"
        )


def _kept(policy: Policy, by: str) -> Kept:
    document = policy.document
    return Kept(
        brand=document.brand,
        portal=document.portal,
        version=document.version,
        erp=document.erp,
        name=document.name,
        starts_on=document.starts_on.isoformat(),
        content=policy.text,
        hash=policy.hash,
        saved_ms=0,
        saved_by=by,
    )


@lru_cache(maxsize=512)
def edition_of(content: str) -> Edition:
    """A kept version as the program uses it."""
    return read(content, "kept version").edition


class Shelf:
    """The kept versions as a running process sees them, read again every few seconds."""

    def __init__(self, database: Database, fresh_s: int = FRESH_S) -> None:
        self._database = database
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[float, tuple[Edition, ...]]] = {}

    def editions(self, brand: str, portal: str) -> tuple[Edition, ...]:
        """The editions of a brand and portal, oldest first; empty when none was kept."""
        seen = self._seen.get((brand, portal))
        if seen is not None and time.monotonic() - seen[0] < self._fresh_s:
            return seen[1]
        if seen is not None and not self._lock.acquire(blocking=False):
            return seen[1]  # somebody reads already; what we know is as good for that moment
        try:
            with self._database.read() as tx:
                found = tuple(edition_of(kept.content) for kept in policies.versions(tx, brand, portal))
            self._seen[brand, portal] = (time.monotonic(), found)
        finally:
            if seen is not None:
                self._lock.release()
        return found
