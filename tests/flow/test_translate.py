"""Reading the inbox: in order of arrival, whole or not at all, and nothing is ever dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from counterfoil.core.returns import LabelStatus
from counterfoil.flow.resolve import People
from counterfoil.flow.translate import read_inbox
from counterfoil.ports.translation import Kind, Translation
from counterfoil.ports.vendors import Delivery
from counterfoil.store.database import Database, Transaction
from counterfoil.testing import outside as fakes
from counterfoil.testing.builders import label, parcel, portal_return, shown
from counterfoil.testing.outside import Webhook, webhook
from counterfoil.testing.road import Road


def keep(road: Road, body: bytes) -> None:
    road.keep(Webhook(connection="portal", body=body, headers={}))


def deliveries(road: Road) -> list[tuple[str, str | None]]:
    return [(row["state"], row["note"]) for row in road.rows("select state, note from deliveries order by id")]


def test_what_cannot_be_read_is_quarantined_with_a_problem_and_the_rest_is_read(road: Road) -> None:
    keep(road, b"{not json")
    road.tell("portal", shown(portal_return()))
    (first, note), (second, _) = deliveries(road)
    assert (first, second) == ("quarantined", "read")
    assert note is not None
    assert "not a list of facts" in note
    assert road.problems() == ["unreadable_delivery"]
    (problem,) = road.rows("select owner, connection, delivery_id, message from problems")
    assert (problem["owner"], problem["connection"]) == ("integration", "portal")
    assert problem["delivery_id"] is not None


def test_a_mistake_of_ours_quarantines_the_delivery_and_stops_nobody(road: Road) -> None:
    connection = road.world.connections["portal"]
    good = connection.spec

    def broken(delivery: Delivery) -> Translation:
        if b"R1" in delivery.body:
            raise ZeroDivisionError("a mistake of ours")
        return fakes.translate(delivery)

    connection.spec = replace(good, translate=broken)
    road.tell("portal", shown(portal_return("R1")))
    road.tell("portal", shown(portal_return("R2")))
    assert [state for state, _ in deliveries(road)] == ["quarantined", "read"]
    assert road.problems() == ["delivery_not_applied"]
    connection.spec = good
    (row,) = road.rows("select id from deliveries where state = 'quarantined'")
    People(road.world).requeue_delivery(row["id"], "robin")
    road.read()
    assert road.problems() == []
    assert road.row("R1")["progress"] == "open"


def test_bytes_somebody_changed_in_the_database_are_not_applied(road: Road) -> None:
    road.keep(webhook("portal", [shown(portal_return())]))
    with road.world.database.write() as tx:
        (row,) = tx.query("select id, body from deliveries", {})
        spoilt = bytes(row["body"])[:-1] + bytes([bytes(row["body"])[-1] ^ 1])
        tx.query("update deliveries set body = " + ("?" if tx.dialect == "sqlite" else "%s"), (spoilt,))  # type: ignore[arg-type]
    road.read()
    assert [state for state, _ in deliveries(road)] == ["quarantined"]
    assert road.rows("select * from cases") == []


def test_deliveries_are_read_in_the_order_they_came(road: Road) -> None:
    seen: list[bytes] = []
    connection = road.world.connections["portal"]

    def watched(delivery: Delivery) -> Translation:
        seen.append(delivery.body)
        return Translation(vendor="acme", kind=Kind.OTHER)

    connection.spec = replace(connection.spec, translate=watched)
    bodies = [f"{n}".encode() for n in range(120)]
    for body in bodies:
        keep(road, body)
    assert [read_inbox(road.world, connection) for _ in range(4)] == [50, 50, 20, 0]
    assert seen == bodies


def test_a_delivery_without_anything_for_us_is_ignored_with_its_reason(road: Road) -> None:
    connection = road.world.connections["portal"]
    translation = Translation(vendor="acme", kind=Kind.OTHER, ignored_because="a test delivery")
    connection.spec = replace(connection.spec, translate=lambda delivery: translation)
    keep(road, b"[]")
    road.read()
    assert deliveries(road) == [("ignored", "a test delivery")]


def test_facts_of_one_delivery_are_applied_together_or_not_at_all(road: Road) -> None:
    """The second fact belongs to a portal nobody agreed anything for, so the first is taken back too."""
    from msgspec.structs import replace as changed

    stranger = changed(portal_return("R2"), portal="another-portal")
    road.tell("portal", shown(portal_return("R1")), shown(stranger))
    assert [state for state, _ in deliveries(road)] == ["quarantined"]
    assert road.rows("select * from cases") == []
    assert road.rows("select * from log") == []
    assert road.rows("select * from commands") == []
    assert road.problems() == ["delivery_not_applied"]


class Shaky:
    """A database that breaks a number of writes and then works."""

    def __init__(self, inner: Database, breaks: int) -> None:
        self._inner = inner
        self.breaks = breaks
        self.dialect = inner.dialect
        self.read = inner.read

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        if self.breaks:
            self.breaks -= 1
            raise ConnectionError("the database went away for a moment")
        with self._inner.write() as tx:
            yield tx


def test_a_database_that_is_away_for_a_moment_makes_no_work_for_people(road: Road) -> None:
    road.keep(webhook("portal", [shown(portal_return())]))
    road.world.database = Shaky(road.world.database, 1)  # type: ignore[assignment]
    read_inbox(road.world, road.world.connections["portal"])
    assert [state for state, _ in deliveries(road)] == ["read"]
    assert road.problems() == []


def test_a_database_that_stays_away_leaves_the_delivery_where_it_is(road: Road) -> None:
    road.keep(webhook("portal", [shown(portal_return())]))
    inner = road.world.database
    road.world.database = Shaky(inner, 10**9)  # type: ignore[assignment]
    with pytest.raises(ConnectionError):
        read_inbox(road.world, road.world.connections["portal"])
    road.world.database = inner
    assert [state for state, _ in deliveries(road)] == ["new"]
    road.read()
    assert [state for state, _ in deliveries(road)] == ["read"]


def test_the_same_fact_in_two_deliveries_is_logged_once(road: Road) -> None:
    fact = label("R1", LabelStatus.IN_TRANSIT, "TRK1")
    road.tell("portal", shown(portal_return()), fact)
    road.tell("portal", fact, parcel("GR-9", [], order_number="none"))
    names = [row["name"] for row in road.rows("select name from log order by id")]
    assert names.count("LabelMoved.v1") == 1


def unsigned(road: Road) -> None:
    """From now on the portal signs nothing; what is in the inbox came to its secret address."""
    connection = road.world.connections["portal"]
    assert connection.spec.hook is not None
    connection.spec = replace(connection.spec, hook=replace(connection.spec.hook, signed=False))
    with road.world.database.write() as tx:
        tx.query("update deliveries set signature = 'not_signed_by_vendor' returning id", {})


@pytest.mark.parametrize("fact", [shown(portal_return()), label("R1", LabelStatus.DELIVERED)])
def test_a_body_nobody_signed_is_believed_for_its_ids_and_asked_of_the_portal(road: Road, fact: object) -> None:
    made = webhook("portal", [fact])  # type: ignore[list-item]
    road.keep(made)
    unsigned(road)
    road.read()
    assert road.rows("select case_id from cases") == []
    asked = road.rows("select name, case_id from commands")
    assert [(row["name"], row["case_id"].rsplit("/", 1)[-1]) for row in asked] == [("ReadReturn", "R1")]


def test_what_the_same_portal_signs_after_all_is_believed(road: Road) -> None:
    road.keep(webhook("portal", [shown(portal_return())]))
    connection = road.world.connections["portal"]
    assert connection.spec.hook is not None
    connection.spec = replace(connection.spec, hook=replace(connection.spec.hook, signed=False))
    road.read()
    assert len(road.rows("select case_id from cases")) == 1


def test_an_accounts_own_mapping_reads_its_deliveries(road: Road) -> None:
    connection = road.world.connections["portal"]
    told = Translation(vendor="acme", kind=Kind.OTHER, ignored_because="as this account says it")

    def bound(config: object) -> Callable[[Delivery], Translation]:
        assert config is connection.config
        return lambda delivery: told

    connection.spec = replace(connection.spec, bind=bound)
    keep(road, b"[]")
    road.read()
    assert deliveries(road) == [("ignored", "as this account says it")]
