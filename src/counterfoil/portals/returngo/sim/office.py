"""All RMAs of one shop's ReturnGO account, and how it speaks of them: timeline, dates, webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from counterfoil.portals.returngo.sim import views
from counterfoil.portals.returngo.sim.intake import Numbers, create
from counterfoil.portals.returngo.sim.records import Json, Rma, Shipment, Transaction
from counterfoil.simkit.amounts import encode
from counterfoil.simkit.clock import Clock
from counterfoil.simkit.outbox import Outbox
from counterfoil.simkit.shopside import ShopSide

EVENTS = (
    "RMA_CREATED",
    "RMA_STATUS_UPDATED",
    "SHIPMENT_CREATED",
    "SHIPMENT_STATUS_UPDATED",
    "SHIPMENT_TRACKER_STATUS_UPDATED",
    "TRANSACTION_CREATED",
    "REFUND_CREATED",
)


class Refused(Exception):
    """ReturnGO will not do it; the message is the answer's text and `status` its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Office:
    """Records and announcements; what happens to an RMA is in `moves` and `cashier`."""

    def __init__(self, settings: Json, clock: Clock, outbox: Outbox) -> None:
        self.settings = settings
        self.clock = clock
        self.outbox = outbox
        self.numbers = Numbers(int(settings["first_rma"]))
        self.rmas: dict[int, Rma] = {}
        self.registrations: list[Json] = []  # {id, url, eventName}
        shop = settings["shop"]
        self.shop = ShopSide(shop["url"], shop["access_token"]) if shop else None

    async def stop(self) -> None:
        """Leave the shop."""
        if self.shop is not None:
            await self.shop.close()

    def now(self) -> datetime:
        """ReturnGO's clock."""
        return self.clock.now()

    async def submit(self, given: Json) -> Rma:
        """A shopper asks for a return; the order is read from the shop. Raises ValueError, ShopTrouble."""
        order = given.get("order")
        if order is None:
            if self.shop is None:
                raise ValueError("no shop in the world: give the order inline")
            order = await self.shop.order(given["order_id"])
        made = self.take({**given, "order": order})
        self.announce("RMA_CREATED", made)
        return made

    def take(self, given: Json) -> Rma:
        """An RMA of the world, with its order inline. Announces nothing. Raises ValueError."""
        if "order" not in given:
            raise ValueError("a return of the world needs an inline `order`")
        order = given["order"]
        earlier = [known for known in self.rmas.values() if known.order_id == str(order["id"])]
        made = create(given, order, earlier, self.numbers, self.now(), self.settings)
        if made.id in self.rmas:
            raise ValueError(f"RMA {made.id} exists already")
        self.rmas[made.id] = made
        self.mark(made, "RMA_CREATED", "Return Portal")
        self.say(made, "Request <b>SUBMITTED</b>")
        return made

    def find(self, number: str) -> Rma:
        """An RMA by its number, without the "RMA" prefix. Raises Refused (400 bad id, 404)."""
        if not number.isdigit():
            raise Refused(400, "Invalid rmaId")
        made = self.rmas.get(int(number))
        if made is None:
            raise Refused(404, "RMA not found")
        return made

    def find_shipment(self, number: str) -> tuple[Rma, Shipment]:
        """A shipment and its RMA. Raises Refused."""
        for made in self.rmas.values():
            for parcel in made.shipments:
                if parcel.id == number:
                    return made, parcel
        raise Refused(404 if number.isdigit() else 400, "Shipment not found")

    def find_transaction(self, number: str) -> tuple[Rma, Transaction]:
        """A transaction and its RMA. Raises Refused."""
        for made in self.rmas.values():
            for row in made.transactions:
                if str(row.id) == number:
                    return made, row
        raise Refused(404 if number.isdigit() else 400, "Transaction not found")

    # -- how it speaks

    def mark(self, made: Rma, name: str, via: str) -> None:
        """An entry of `events[]`; only creation and approval are ever seen there (T3)."""
        made.events.append(
            {
                "eventName": name,
                "eventDate": views.moment(self.now()),
                "triggeredVia": via,
                "storeLocationId": "online",
                "userDetails": None
                if via == "Return Portal"
                else {
                    "userFirstName": "Robin",
                    "userLastName": "Example",
                    "userEmailAddress": "robin@example.com",
                    "userRole": "Owner",
                },
            }
        )

    def say(self, made: Rma, html: str, kind: str = "system", by: str = "ReturnGO") -> Json:
        """A line of the timeline; `kind` is system, merchant or error."""
        row = {
            "commentType": kind,
            "triggeredBy": by,
            "htmlText": html if kind == "merchant" else f"<p>{html}</p>",
            "datetime": views.moment(self.now()),
        }
        made.comments.append(row)
        return row

    def touch(self, made: Rma, decision: bool = False) -> None:
        """Something changed; `lastUpdated` moves for decisions of the merchant only (T4)."""
        made.touched_at = self.now()
        if decision or self.settings["last_updated"] == "always":
            made.last_updated = made.touched_at

    def announce(self, name: str, made: Rma, about: Shipment | Transaction | None = None) -> None:
        """Tell everybody registered for the event; one registration is for one event (§5)."""
        body = encode(self.event(name, made, about))
        for registration in self.registrations:
            if registration["eventName"] == name:
                self.outbox.post(registration["url"], body, name, str(made.id))

    def event(self, name: str, made: Rma, about: Shipment | Transaction | None, shape: str | None = None) -> Json:
        """The body of an event."""
        shape = shape or self.settings["webhook_shape"]
        return views.event(name, made, about, self.now(), self.settings["shop_domain"], shape)

    def register(self, url: Any, event_name: Any) -> Json:
        """Register an address for one event. Raises Refused (400)."""
        made = {"id": str(next(self.numbers.webhooks)), **registration(url, event_name)}
        self.registrations.append(made)
        return made


def registration(url: Any, event_name: Any) -> Json:
    """What a registration holds: an address and one event; no secret, no filter (§5). Raises Refused (400)."""
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise Refused(400, "Invalid url")
    if event_name not in EVENTS:
        raise Refused(400, "Invalid eventName")
    return {"url": url, "eventName": event_name}
