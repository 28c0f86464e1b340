"""A world over fakes whose ERP can be read back, with one return that went all the way."""

from __future__ import annotations

import pytest

from counterfoil.store.database import Database
from counterfoil.testing.builders import parcel, portal_return, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world


@pytest.fixture
def road(database: Database) -> Road:
    """A return of two units, received, credited and refunded."""
    outside = Outside()
    outside.sell(sold_order())
    road = Road(make_world(database, outside), outside)
    outside.show(portal_return(tracking="TRK1"))
    outside.announce("wms", parcel("GR-1", [("SHIRT-M", 2)], tracking="TRK1"))
    road.settle()
    assert road.row()["progress"] == "finished"
    return road
