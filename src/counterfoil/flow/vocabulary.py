"""The mapping a return is decided with: what the store has in force, without a restart; else what the settings say.

The version is asked for in the transaction that decides, so a confirmed word counts from the next decision on, in
every process.
"""

from __future__ import annotations

from msgspec.structs import replace

from counterfoil.flow.world import Setup, World
from counterfoil.store import mappings
from counterfoil.store.database import Transaction
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
