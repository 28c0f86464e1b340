"""A world over fakes, on both databases."""

from __future__ import annotations

import pytest

from counterfoil.store.database import Database
from counterfoil.testing.builders import sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world


@pytest.fixture
def road(database: Database) -> Road:
    """A road whose shop and ERP know order 9001."""
    outside = Outside()
    outside.sell(sold_order())
    return Road(make_world(database, outside), outside)
