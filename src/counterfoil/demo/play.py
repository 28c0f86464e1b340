"""The week happens: customers ask, parcels travel, the warehouse looks, all through the simulators' own doors.

Nothing here touches Counterfoil: it only makes the outside world move, out of order and with bad luck now and then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

from counterfoil.demo.portals import LOOP_KEY
from counterfoil.demo.stage import Stage
from counterfoil.demo.week import CONDITIONS, Trip

Json = dict[str, Any]

UNMAPPED = {"unmapped_reason": "Smells of smoke", "unmapped_colour": "Colour differs from photo"}
HANDS = 6  # customers and warehouse people acting at the same time


class Play:
    """Drives the simulators. `portal_led`: the portal pays on its own once the parcel is delivered."""

    def __init__(self, stage: Stage, portal_led: bool, transport: httpx2.BaseTransport | None = None) -> None:
        self._urls = stage.urls
        self._portal = stage.portal
        self._portal_led = portal_led
        self._local = threading.local()
        self._transport = transport

    def run(self, trips: Sequence[Trip], told: Callable[[Trip], None]) -> None:
        """Play every trip; `told` hears of each one that is through."""
        with ThreadPoolExecutor(HANDS) as hands:
            for trip in hands.map(self._trip, trips):
                told(trip)

    def _post(self, system: str, path: str, body: Json | None, headers: dict[str, str] | None = None) -> Json:
        client: httpx2.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = httpx2.Client(timeout=30, trust_env=False, transport=self._transport)
        answer = client.post(self._urls[system] + path, json=body, headers=headers)
        if answer.status_code >= 400:
            raise RuntimeError(f"the simulated {system} refused {path}: {answer.text[:300]}")
        found: Json = answer.json()
        return found

    def _trip(self, trip: Trip) -> Trip:
        for _ in self.steps(trip):
            pass
        return trip

    def steps(self, trip: Trip) -> Iterator[None]:
        """What happens to one return outside, one event at a time."""
        if trip.trouble == "blind_parcel":
            self._scan_blind(trip)
        if trip.trouble == "refunded_in_shop":
            self._post("shopify", f"/__sim/orders/{trip.order['id']}/refund", {"amount": "7.50", "note": "goodwill"})
            yield
        if trip.luck == "parcel_first":
            self._scan(trip, 0, 1)
            yield
        made = self._post(self._portal.name, "/__sim/returns", self._request(trip))
        trip.facts["return_id"] = str(made.get("id") or made.get("rmaId"))
        yield
        if trip.trouble == "cancelled":
            self._cancel(trip)
            return
        for status in ("in_transit", "delivered"):
            self._travel(trip, status)
            yield
        if trip.luck == "duplicate":
            self._again(trip, "duplicate")
        if trip.luck == "forged":
            self._again(trip, "wrong_signature")
        yield
        if trip.luck != "parcel_first":
            for parcel in range(trip.parcels):
                self._scan(trip, parcel, trip.parcels)
                yield
        if self._portal_led and self._portal.name == "loop":
            self._process(trip)

    def _again(self, trip: Trip, variant: str) -> None:
        """The portal sends an event about this return once more, in one of the ways deliveries go wrong."""
        body: Json = {"id": trip.facts["return_id"], "variant": variant}
        if self._portal.signs:
            body |= {"topic": "return", "trigger": "return.updated"}
        self._post(self._portal.name, "/__sim/emit", body)

    def _request(self, trip: Trip) -> Json:
        lines = [dict(line) for line in trip.lines]
        if trip.trouble in UNMAPPED:
            for line in lines:
                line["reason"] = UNMAPPED[trip.trouble]
        body: Json = {
            "order_id": trip.order["id"],
            "lines": lines,
            "outcome": trip.outcome,
            "handling_fee": trip.fee,
            "refund_shipping": trip.refund_shipping,
            "created_at": trip.created_at,
        }
        if trip.exchange is not None:
            body["exchange"] = trip.exchange
        if trip.trouble == "exchange":
            sku = lines[0]["sku"]
            body |= {"outcome": "exchange", "exchange": [{"sku": sku, "price": trip.price_of(sku), "quantity": 1}]}
        if trip.trouble == "value_falsified":
            body["overrides"] = {"refund": "249.99", "total": "249.99"}
        return body

    def _travel(self, trip: Trip, status: str) -> None:
        path = f"/__sim/returns/{trip.facts['return_id']}/label"
        body = {"status": status, "tracking_number": trip.tracking, "carrier": "Royal Example"}
        self._post(self._portal.name, path, body)

    def _cancel(self, trip: Trip) -> None:
        """The shop's staff cancels it in the portal's admin."""
        path = f"/api/v1/warehouse/return/{trip.facts['return_id']}/cancel"
        self._post("loop", path, None, {"X-Authorization": LOOP_KEY})

    def _process(self, trip: Trip) -> None:
        """The portal pays by itself: somebody presses the button in its admin."""
        path = f"/api/v1/warehouse/return/{trip.facts['return_id']}/process"
        self._post("loop", path, None, {"X-Authorization": LOOP_KEY})

    # --- the warehouse ----------------------------------------------------------------------------------------------

    def _scan(self, trip: Trip, parcel: int, parcels: int) -> None:
        units = self._units(trip)
        share = [unit for place, unit in enumerate(units) if place % parcels == parcel]
        if trip.trouble == "empty_box":
            self._closed(trip, share)
            return
        head = {"receipt_id": f"GR-{trip.number:05d}-{parcel + 1}", "tracking_number": trip.tracking}
        head["order_number"] = trip.order["name"]
        if trip.trouble == "not_inspected":
            self._post("warehouse", "/__sim/parcels", {**head, "lines": [_counted(unit) for unit in share]})
            return
        self._post("warehouse", "/__sim/scan", {**head, "units": share})
        if trip.luck == "repeated_receipt":
            self._post("warehouse", "/__sim/scan", {**head, "units": share})

    def _units(self, trip: Trip) -> list[Json]:
        skus = [line["sku"] for line in trip.lines for _ in range(line["quantity"])]
        units = []
        for sku, disposition in zip(skus, trip.found, strict=True):
            condition, grade = CONDITIONS[disposition]
            units.append({"sku": sku, "disposition": disposition, "condition": condition, "grade": grade})
        if trip.trouble == "units_rejected":
            units = [{**unit, "disposition": "return_to_customer", "condition": "worn"} for unit in units]
        if trip.trouble == "wrong_item":
            units = [{**unit, "sku": "SCARF-CHK" if unit["sku"] != "SCARF-CHK" else "BAG-TOTE"} for unit in units]
        return units

    def _closed(self, trip: Trip, units: list[Json]) -> None:
        """The box was empty: counted as nothing, and the return is closed at the warehouse."""
        lines = [{**_counted(unit), "received_quantity": 0, "short_quantity": 1} for unit in units]
        head = {"tracking_number": trip.tracking, "order_number": trip.order["name"]}
        self._post("warehouse", "/__sim/parcels", {**head, "receipt_id": f"GR-{trip.number:05d}-1", "lines": lines})
        self._post(
            "warehouse",
            "/__sim/parcels",
            {**head, "event_type": "return.closed", "receipt_id": f"GR-{trip.number:05d}-C", "lines": []},
        )

    def _scan_blind(self, trip: Trip) -> None:
        unit = {"sku": "HAT-BEAN-GRY", "disposition": "quarantine", "condition": "unknown", "grade": None}
        head = {"receipt_id": f"GR-{trip.number:05d}-B", "tracking_number": "NO-LABEL-77"}
        self._post("warehouse", "/__sim/scan", {**head, "units": [unit]})


def _counted(unit: Json) -> Json:
    return {"sku": unit["sku"], "received_quantity": 1, "inspection_status": "pending"}
