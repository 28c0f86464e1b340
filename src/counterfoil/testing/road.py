"""A world over fake systems, and the road of a return walked in one thread, without an engine, clock or socket."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from counterfoil.core.case import ReturnCase
from counterfoil.core.commands import Role
from counterfoil.core.events import OutsideFact
from counterfoil.core.policy import PRESETS, Agreement, FlowPolicy
from counterfoil.flow.deliver import LEASE_MS, deliver_one
from counterfoil.flow.translate import read_inbox
from counterfoil.flow.world import Connection, Setup, World
from counterfoil.jobs.worker import Worker
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.vendors import Client, Delivery, Family, VendorSpec
from counterfoil.store import cases
from counterfoil.store.database import Database, Row, now_ms
from counterfoil.store.sql import bound
from counterfoil.store.vault import Vault
from counterfoil.testing import outside as fakes
from counterfoil.testing.builders import MAPPING, PORTAL
from counterfoil.testing.inline import InlineEngine
from counterfoil.testing.outside import ERP_CAN, PORTAL_CAN, SECRET, FakeConfig, Outside, Webhook

BRAND = "north"
VAULT_KEY = bytes(range(32))
ROUNDS_MAX = 60

_FAMILIES = {"portal": Family.PORTAL, "shop": Family.GATEWAY, "erp": Family.ERP, "wms": Family.WAREHOUSE}


def make_world(
    database: Database,
    outside: Outside,
    *,
    policy: FlowPolicy = PRESETS["controlled"],
    erp_can: frozenset[Cap] = ERP_CAN,
    portal_can: frozenset[Cap] = PORTAL_CAN,
    now: str = "2026-11-02T09:00:00Z",
    worker: str = "worker-1",
    specs: dict[str, VendorSpec] | None = None,
) -> World:
    """One brand with the connections `portal`, `shop`, `erp` and `wms`, registered in the database."""
    can = {"portal": portal_can, "erp": erp_can}
    connections = {}
    for name, family in _FAMILIES.items():
        vendor = PORTAL if name == "portal" else f"acme-{name}"
        config = FakeConfig(can=can.get(name, frozenset({Cap.WEBHOOKS})), outside=outside, connection=name)
        spec = (specs or {}).get(name) or fakes.spec(vendor, family)
        connections[name] = Connection(name=name, brand=BRAND, spec=spec, config=config, secrets=(SECRET,))
    agreement = Agreement(
        policy=policy,
        portal_can=frozenset(cap.value for cap in portal_can),
        erp_can=frozenset(cap.value for cap in erp_can),
    )
    roles = {Role.PORTAL: "portal", Role.SHOP: "shop", Role.ERP: "erp"}
    setup = Setup(brand=BRAND, portal=PORTAL, agreement=agreement, mapping=MAPPING, connections=roles)
    world = World(
        database=database,
        vault=Vault(VAULT_KEY),
        connections=connections,
        setups={(BRAND, PORTAL): setup},
        worker=worker,
        now=lambda: now,
    )
    Worker(world, InlineEngine()).register()
    return world


class Road:
    """Walks deliveries and commands through a world until nothing is left to do; waiting times are skipped."""

    def __init__(self, world: World, outside: Outside) -> None:
        self.world = world
        self.outside = outside

    def keep(self, webhook: Webhook) -> None:
        """Put a delivery into the inbox, as the hook does for one whose signature fits."""
        body, key = self.world.vault.seal(webhook.body)
        hook = self.world.connections[webhook.connection].spec.hook
        assert hook is not None
        with self.world.database.write() as tx:
            tx.one(
                "delivery_put",
                connection=webhook.connection,
                delivery_key=hook.delivery_key(Delivery(body=webhook.body)),
                arrived_ms=now_ms(),
                signature="valid",
                headers=msgspec.json.encode(webhook.headers).decode(),
                body=body,
                body_key=key,
                size_bytes=len(webhook.body),
                state="new",
                note=None,
            )

    def tell(self, connection: str, *facts: OutsideFact) -> None:
        """Facts arrive by webhook and are read, and nothing else happens."""
        self.keep(fakes.webhook(connection, facts))
        self.read()

    def fetch(self) -> int:
        """Take up the webhooks that wait; each is repeated until it is kept."""
        count = len(self.outside.waiting)
        for _ in range(count):
            self.keep(self.outside.waiting[0])
            del self.outside.waiting[0]
        return count

    def read(self) -> int:
        """Read every inbox to its end."""
        with self.world.database.read() as tx:
            waiting = sorted(row["connection"] for row in tx.rows("inboxes_waiting"))
        return sum(read_inbox(self.world, self.world.connections[name]) for name in waiting)

    def deliver(self) -> int:
        """Carry out one due command of each connection that has one."""
        with self.world.database.read() as tx:
            due = sorted(row["connection"] for row in tx.rows("connections_due", now=now_ms()))
        return sum(deliver_one(self.world, self.world.connections[name]) for name in due)

    def hurry(self) -> int:
        """Let every waiting time pass; how many commands were waiting for theirs."""
        with self.world.database.write() as tx:
            tx.query("update connections set busy_until_ms = 0", {})
            waiting = "update commands set due_ms = 0 where state = 'ready' and due_ms > :now returning id"
            return len(tx.query(bound(waiting, tx.dialect), {"now": now_ms()}))

    def settle(self) -> None:
        """On until nothing moves."""
        for _ in range(ROUNDS_MAX * 10):
            if self.fetch() + self.read() + self.deliver() == 0 and self.hurry() == 0:
                return
        raise AssertionError("the road never comes to rest")

    def expire_leases(self) -> None:
        """Let the leases of dead workers run out."""
        with self.world.database.write() as tx:
            tx.run("commands_expired", now=now_ms() + LEASE_MS + 1_000)

    def case(self, return_id: str = "R1") -> ReturnCase:
        """A return as stored."""
        with self.world.database.read() as tx:
            found = cases.peek(tx, f"{BRAND}/{PORTAL}/{return_id}")
        assert found is not None, f"no return {return_id}"
        return found

    def row(self, return_id: str = "R1") -> Row:
        """A return's row, as lists show it."""
        with self.world.database.read() as tx:
            found = tx.one("case_get", case_id=f"{BRAND}/{PORTAL}/{return_id}")
        assert found is not None, f"no return {return_id}"
        return found

    def rows(self, sql: str, **params: object) -> list[Row]:
        """Rows of any question."""
        with self.world.database.read() as tx:
            return tx.query(bound(sql, tx.dialect), params)

    def problems(self) -> list[str]:
        """Kinds of the open problems."""
        return [row["kind"] for row in self.rows("select kind from problems where state = 'open' order by kind, id")]


def wrap_clients(world: World, wrap: Callable[[Client], Client]) -> None:
    """Put something around the client of every connection that can be called."""
    for connection in world.connections.values():
        if connection.spec.build is not None:
            connection._client = wrap(connection.client)
