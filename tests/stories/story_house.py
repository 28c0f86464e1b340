"""A whole house for stories: simulators, hooks and a world, driven by hand so that each sentence ends when all is done.

No engine runs: inboxes are read and commands delivered in a loop, in one thread, until nobody has anything to do.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import story_books
import uvicorn
from story_desks import DESKS
from story_worlds import GATEWAYS, StoryStage, order_ref, sold

from counterfoil.bootstrap import build_world
from counterfoil.core.case import ReturnCase
from counterfoil.core.invariants import Violation, violations
from counterfoil.core.mapping import Mapping
from counterfoil.core.money import to_minor, to_text
from counterfoil.core.receipts import ReceiptKind
from counterfoil.demo.portals import LOOP_KEY
from counterfoil.demo.stage import BRAND, settings_for
from counterfoil.flow.deliver import deliver_one
from counterfoil.flow.invariants import gather
from counterfoil.flow.look_again import look_at
from counterfoil.flow.receive import Hooks
from counterfoil.flow.resolve import People
from counterfoil.flow.translate import read_inbox
from counterfoil.flow.world import World
from counterfoil.ports.actions import ActionError
from counterfoil.settings import parse
from counterfoil.store import cases, decisions
from counterfoil.store.database import Database
from counterfoil.store.inbox import Inbox
from counterfoil.store.sql import bound
from counterfoil.testing.stories import Story, StoryFailed
from counterfoil.testing.story_core import STEPS
from counterfoil.testing.story_facts import receipt_lines
from counterfoil.testing.story_stage import Document, Open, Parcel
from counterfoil.testing.story_world import QUARANTINE, WAREHOUSE, Ask, Item

Json = dict[str, Any]

PATIENCE_S = 20.0


class House:
    """Everything running, for all stories of one portal, one ERP transport and one database."""

    def __init__(self, stories: list[Story], portal: str, erp: str, database: Database, folder: Path) -> None:
        self.erp = erp
        self.desk = DESKS[portal]
        folder.mkdir(parents=True)
        sock = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        self.stage = StoryStage(stories, portal, erp, url, folder)
        self.stage.start()
        raw = settings_for(
            self.stage, database="", folder=folder, port=sock.getsockname()[1], policy="controlled", public_url=url
        )
        story_books.hurry(raw)
        self.world = build_world(parse(raw, "stories"), database)
        self.shift = timedelta()
        self.world.now = self._now
        self._register()
        self.inbox = Inbox(database, self.world.vault)
        hooks = Hooks(self.world.connections, self.inbox)
        self._server = uvicorn.Server(uvicorn.Config(hooks, log_level="error", lifespan="off", access_log=False))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [sock]}, daemon=True)
        self._thread.start()
        self.http = httpx2.Client(timeout=30, trust_env=False)

    def close(self) -> None:
        """Stop everything."""
        self.http.close()
        self.stage.stop()
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self.inbox.close()
        for connection in self.world.connections.values():
            connection.close()
        self.world.database.close()

    def _now(self) -> str:
        return (datetime.now(UTC) + self.shift).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _register(self) -> None:
        with self.world.database.write() as tx:
            for known in self.world.connections.values():
                tx.run(
                    "connection_put",
                    name=known.name,
                    brand=known.brand,
                    vendor=known.vendor,
                    family=known.family.value,
                    slots=known.slots,
                )

    def post(self, system: str, path: str, body: Json | None = None) -> Json:
        """A control call to a simulator, or a call of its staff."""
        answer = self.http.post(self.stage.urls[system] + path, json=body or {}, headers={"X-Authorization": LOOP_KEY})
        assert answer.status_code < 400, f"{system} {path}: {answer.text[:300]}"
        found = answer.json()
        return found if isinstance(found, dict) else {}

    # --- until nobody has anything to do

    def settle(self) -> None:
        """Read, deliver and wait until the outside is quiet and nothing of ours is left."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if self._work():
                continue
            if self._quiet() and not self._left():
                return
            time.sleep(0.002)
        raise AssertionError(f"not quiet after {PATIENCE_S} s: {self._left()}")

    def _work(self) -> bool:
        busy = False
        for known in self.world.connections.values():
            if known.spec.hook is not None:
                busy = read_inbox(self.world, known) > 0 or busy
            if known.spec.build is not None:
                busy = deliver_one(self.world, known) or busy
        return busy

    def _quiet(self) -> bool:
        """Whether no message is under way in the simulators, and no return is being processed."""
        sims: dict[str, Any] = self.stage.sims
        return (
            sims["shopify"].hooks.sender.idle
            and sims["warehouse"].sender.idle
            and not sims["warehouse"]._tasks
            and self.desk.quiet(sims[self.desk.name])
        )

    def _left(self) -> list[Json]:
        with self.world.database.read() as tx:
            unread = sum(row["waiting"] for row in tx.rows("inboxes_waiting"))
            left = tx.query(
                "select command_key, outcome, message from commands where state in ('waiting', 'ready', 'doing')", {}
            )
        return [*([{"unread": unread}] if unread else []), *left]


class StackStage:
    """One story in a house."""

    def __init__(self, house: House, story: Story) -> None:
        self._house = house
        self._portal = house.desk.name
        self._given = story.given
        self.order = sold(story)
        self._ref = order_ref(story)
        self._names: dict[str, str] = {}
        self._last = "R1"
        self._processed_by_story = 0
        self._counted: dict[str, Any] = {}
        house.shift = timedelta()
        house.post("shopify", "/__sim/settings", {"money_pending": False})
        if house.stage.erp_vendor == "prima":
            house.post("prima", "/__sim/settings", {"refuse_next": []})
        self._mapping = Mapping(
            reasons=story.given.reasons(),
            depots=story.given.depots(),
            quarantine_depot=QUARANTINE if story.given.quarantine else None,
        )
        self._agree()

    @property
    def world(self) -> World:
        """The world of the house."""
        return self._house.world

    def _agree(self) -> None:
        policy = self._given.policy(self._house.desk.policy(self._given.preset))
        known = self.world.setup(BRAND, self._portal)
        agreement = msgspec.structs.replace(known.agreement, policy=policy)
        setup = msgspec.structs.replace(known, agreement=agreement, mapping=self._mapping)
        self._house.world.setups = {(BRAND, self._portal): setup}

    # --- what happens

    def ask(self, who: str, ask: Ask) -> None:
        name = who or f"R{1 + len(self._names)}"
        made = self._house.post(self._portal, "/__sim/returns", self._request(ask))
        self._names[name] = str(made["id"])
        self._last = name
        self._house.settle()

    def _request(self, ask: Ask) -> Json:
        lines = [
            {"line_item_id": int(self._line(item)), "quantity": item.quantity, "reason": ask.reason}
            for item in ask.items
        ]
        body: Json = {
            "order_id": int(self._ref),
            "lines": lines,
            "outcome": "store_credit" if ask.store_credit else "refund",
            "handling_fee": self._text(ask.fee),
            "refund_shipping": self._text(ask.shipping),
        }
        if ask.swaps:
            body["outcome"] = "exchange"
            body["exchange"] = [
                {"sku": swap.sku, "quantity": swap.quantity, "price": self._text(swap.price)} for swap in ask.swaps
            ]
        extras: Json = {}
        if ask.promises is not None:
            promised = self._text(ask.promises)
            extras["overrides"] = {"refund": promised, "total": promised}
        if ask.split:
            extras["refund_split"] = [
                {"gateway": GATEWAYS[part.gateway], "amount": self._text(part.amount)} for part in ask.split
            ]
        asked: Json = self._house.desk.request(body, ask, extras)
        return asked

    def _line(self, item: Item) -> str:
        return next(line.line_ref for line in self.order.lines if line.sku == item.sku)

    def _text(self, minor: int) -> str:
        return to_text(minor, self.order.currency)

    def portal(self, who: str, verb: str) -> None:
        self._processed_by_story += verb == "process"
        self._house.post(self._portal, self._house.desk.path(self._id(who), verb))
        self._house.settle()

    def edit(self, who: str, items: tuple[Item, ...]) -> None:
        raise StoryFailed("this portal cannot change the lines of a return")

    def label(self, who: str, status: str) -> None:
        body = {"status": status, "tracking_number": f"TRK-{self._id(who)}", "carrier": "Royal Example"}
        self._house.post(self._portal, f"/__sim/returns/{self._id(who)}/label", body)
        self._house.settle()

    def warehouse(self, who: str, parcel: Parcel) -> None:
        receipt = f"{self._given.number}-{parcel.receipt}"
        body: Json = {
            "event_type": parcel.kind.value,
            "receipt_id": receipt,
            "revision": parcel.revision,
            "order_number": self.order.name,
            "rma_number": self._id(who) if self._names else None,
            "lines": self._found(parcel),
        }
        if parcel.kind is ReceiptKind.REVERSED:
            body |= {"receipt_id": f"{receipt}-R", "reverses_receipt_id": receipt, "lines": self._counted[receipt]}
        self._counted[receipt] = body["lines"]
        self._house.post("warehouse", "/__sim/parcels", body)
        self._house.settle()
        last = self._house.stage.sims["warehouse"].state()["messages"][-1]
        assert last["statuses"][-1] == 202, f"our own hook refused {last['event_type']}: {last['answer']}"
        if self._house.desk.policy(self._given.preset) != self._given.preset and parcel.kind is ReceiptKind.INSPECTED:
            self._pressed(self._id(who))

    def _pressed(self, number: str) -> None:
        """Where only the portal's staff can pay, it does so when the warehouse has inspected."""
        self._house.http.post(self._house.stage.urls[self._portal] + self._house.desk.path(number, "process"), json={})
        self._house.settle()

    def _found(self, parcel: Parcel) -> list[Json]:
        """The counted lines; an empty box is counted too, as nothing of what was expected."""
        if parcel.items or parcel.kind is not ReceiptKind.RECEIVED:
            found: list[Json] = msgspec.to_builtins(receipt_lines(parcel))
            return found
        sku = self.order.lines[0].sku
        return [{"sku": sku, "received_quantity": 0, "short_quantity": 1, "inspection_status": "pending"}]

    def money(self, verb: str, amount: int = 0) -> None:
        match verb:
            case "hold":
                self._house.post("shopify", "/__sim/settings", {"money_pending": True})
            case "confirm" | "fail":
                self._house.post("shopify", "/__sim/settings", {"money_pending": False})
                end = "succeed" if verb == "confirm" else "fail"
                for row in self._transactions():
                    if row["status"] == "pending":
                        self._house.post("shopify", f"/__sim/transactions/{row['id']}/{end}")
            case "outside":
                self._house.post("shopify", f"/__sim/orders/{self._ref}/refund", {"amount": self._text(amount)})
            case _:
                raise StoryFailed(f"this shop cannot be made to {verb}")
        self._house.settle()

    def erp_refuses(self, document: str, kind: str) -> None:
        """Only Prima can be told what to refuse."""
        place = story_books.target(self._house.erp, document)
        self._house.post("prima", "/__sim/settings", {"refuse_next": {"code": kind.upper(), "match": place}})

    def erp_loses_answer(self, document: str) -> None:
        if self._house.erp in story_books.LOSING:
            place = story_books.target(self._house.erp, document)
            lost = {"code": "ERP_TIMEOUT", "match": place, "after_commit": True}
            waiting = self._house.stage.sims["prima"].state()["settings"]["refuse_next"]
            self._house.post("prima", "/__sim/settings", {"refuse_next": [*waiting, lost]})
            return
        path = story_books.PATHS[self._house.erp][document]
        fault = {"match": {"method": "POST", "path": path}, "kind": "500_after_commit"}
        self._house.post(self._house.erp, "/__sim/faults", fault)

    def accept(self, who: str, kind: str, by: str, reason: str) -> None:
        People(self.world).accept(self._case_id(who), kind, by, reason)
        self._house.settle()

    def approve(self, who: str, by: str, role: str, reason: str, *, agreed: bool) -> None:
        people = People(self.world)
        for wish in people.wanted(self._case_id(who)):
            with suppress(ActionError):
                people.answer(self._case_id(who), wish.rule, wish.terms.amount, by, (role,), reason, agreed=agreed)
        self._house.settle()

    def retry(self, who: str, document: str) -> None:
        People(self.world).retry(self._case_id(who), self._refused(who, document), "robin", "mended")
        self._house.settle()

    def settle(self, who: str, document: str, number: str) -> None:
        People(self.world).settle(self._case_id(who), self._refused(who, document), "robin", "by hand", number)
        self._house.settle()

    def _refused(self, who: str, document: str) -> str:
        del who
        return STEPS[document]

    def map_word(self, what: str, word: str, target: str) -> None:
        if what == "reason":
            self._mapping = msgspec.structs.replace(self._mapping, reasons={**self._mapping.reasons, word: target})
        else:
            depots = {**self._mapping.depots, f"{WAREHOUSE}/{word}": target}
            self._mapping = msgspec.structs.replace(self._mapping, depots=depots)
        self._agree()
        self._look_everywhere()

    def wait(self, hours: int) -> None:
        self._house.shift += timedelta(hours=hours)
        self._look_everywhere()

    def _look_everywhere(self) -> None:
        for name in self._names:
            look_at(self.world, self._case_id(name))
        self._house.settle()

    # --- what can be seen

    def _id(self, who: str) -> str:
        self._last = who or self._last
        return self._names[self._last]

    def _case_id(self, who: str) -> str:
        return f"{BRAND}/{self._portal}/{self._id(who)}"

    def case(self, who: str) -> ReturnCase:
        with self.world.database.read() as tx:
            stored = cases.peek(tx, self._case_id(who))
        assert stored is not None
        return stored

    def cases(self) -> tuple[ReturnCase, ...]:
        return tuple(self.case(name) for name in self._names)

    def progress(self, who: str) -> str:
        rows = self._rows("select progress from cases where case_id = :id", self._case_id(who))
        return str(rows[0]["progress"])

    def _rows(self, sql: str, case_id: str) -> list[Json]:
        database = self.world.database
        with database.read() as tx:
            return tx.query(bound(sql, database.dialect), {"id": case_id})

    def open_problems(self) -> tuple[Open, ...]:
        found = set()
        sql = "select kind, owner from problems where case_id = :id and state = 'open'"
        for number in self._names.values():
            rows = self._rows(sql, f"{BRAND}/{self._portal}/{number}")
            found |= {Open(row["kind"], row["owner"]) for row in rows}
        return tuple(sorted(found))

    def documents(self, kind: str) -> tuple[Document, ...]:
        return story_books.documents(self._house.erp, self._erp_state(), self._so, kind, self.order.currency)

    def stock(self) -> dict[tuple[str, str], int]:
        return story_books.stock(self._house.erp, self._erp_state(), self._so)

    @property
    def _so(self) -> str:
        return f"SO{self._given.number}"

    def _erp_state(self) -> Json:
        return self._house.stage.sims[self._house.stage.erp_vendor].state()

    def _transactions(self) -> list[Json]:
        rows = self._house.stage.sims["shopify"].state()["transactions"]
        return [row for row in rows if str(row["order_id"]) == self._ref and row["kind"] == "refund"]

    def refunded(self) -> int:
        money = sum(to_minor(row["amount"], row["currency"]) for row in self._transactions() if _moved(row))
        cards: int = self._house.desk.cards(self._portal_state(), set(self._names.values()), self.order.currency)
        return money + cards

    def _portal_state(self) -> Json:
        return self._house.stage.sims[self._portal].state()

    def violations(self) -> tuple[Violation, ...]:
        with self.world.database.read() as tx:
            names = [self._case_id(name) for name in self._names]
            books = gather(self.world, tx, names)
            for one in (kept for name in names for kept in decisions.of_case(tx, name)):
                if decisions.again(tx, one.record) != one.record.judgement:
                    raise StoryFailed(f"verdict {one.id} of {one.record.case_id} cannot be worked out again")
        return violations(books)

    def told(self, what: str) -> int:
        count: int = self._house.desk.told(self._portal_state(), set(self._names.values()), what)
        return count - self._processed_by_story if what == "release" else count


def _moved(row: Json) -> bool:
    return bool(row["status"] == "success")
