"""The mapping a return is decided with: what the store has in force, without a restart; else what the settings say.

The version is asked for in the transaction that decides, so a confirmed word counts from the next decision on, in
every process.
"""

from __future__ import annotations

from msgspec.structs import replace

from counterfoil.core.catchall import SHARE_DAYS, Bucket, catch_all
from counterfoil.core.mapping import MapKind
from counterfoil.core.problems import Problem
from counterfoil.flow.world import Setup, World
from counterfoil.store import mappings, problems
from counterfoil.store.database import Transaction, now_ms
from counterfoil.store.mappings import Scope


def setup_in_force(world: World, tx: Transaction, brand: str, portal: str) -> Setup:
    """What was agreed for this brand and portal, with the words in force now."""
    agreed = world.setup(brand, portal)
    scope = Scope(brand, portal)
    version = mappings.version(tx, scope)
    if version is None:
        return agreed
    mapping = world.words_known.get((brand, portal))
    if mapping is None or mapping.version != str(version):
        mapping = world.words_known[brand, portal] = mappings.load(tx, scope, version)
    agreement = replace(agreed.agreement, mapping_version=mapping.version)
    return replace(agreed, mapping=mapping, agreement=agreement)


def seed_mappings(world: World) -> int:
    """Words the settings name and the store never had are taken over; how many."""
    return sum(
        mappings.seed(world.database, Scope(setup.brand, setup.portal), setup.mapping)
        for setup in world.setups.values()
    )


def watch_reasons(world: World) -> int:
    """R30: an exception for each ERP reason that swallows more than its share; it ends when it no longer does."""
    with world.database.write() as tx:
        found = 0
        for setup in world.setups.values():
            scope = Scope(setup.brand, setup.portal)
            mapping = setup_in_force(world, tx, setup.brand, setup.portal).mapping
            since = now_ms() // mappings.DAY_MS - SHARE_DAYS
            rows = tx.rows("mapping_share", **scope.row, kind=MapKind.REASON.value, since=since)
            buckets = catch_all({row["word"]: row["returns"] for row in rows}, mapping.reasons)
            found += len(buckets)
            _put_buckets(tx, setup, buckets)
    return found


def _put_buckets(tx: Transaction, setup: Setup, buckets: tuple[Bucket, ...]) -> None:
    prefix = f"{setup.portal}/"
    now = {f"{prefix}{bucket.code}": bucket for bucket in buckets}
    for row in tx.rows("problems_open_of_kind", brand=setup.brand, kind="reasons_collapse"):
        if row["subject"].startswith(prefix) and row["subject"] not in now:
            problems.end_loose(tx, setup.brand, "reasons_collapse", row["subject"], "its share is ordinary again")
    for subject, bucket in now.items():
        message = (
            f"{bucket.percent} % of the returns of the last {SHARE_DAYS} days end in the reason “{bucket.code}”, "
            f"most of them as “{bucket.words[0]}”."
        )
        problems.put(tx, setup.brand, Problem(kind="reasons_collapse", subject=subject, message=message))
