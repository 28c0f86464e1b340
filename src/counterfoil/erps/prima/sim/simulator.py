"""The simulated Prima: one set of records behind REST (`/v1`), SOAP (`/wsa`) and a folder, with its control paths.

`POST /__sim/settings` changes switches (`switches.py`), `/__sim/world` adds records, `/__sim/act` does what a
person in the ERP does, `/__sim/tick` and `/__sim/release` drive the file drop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.credits import cancel_credit
from counterfoil.erps.prima.sim.drop import FileDrop
from counterfoil.erps.prima.sim.exchanges import despatch
from counterfoil.erps.prima.sim.fields import Record
from counterfoil.erps.prima.sim.ledger import Ledger
from counterfoil.erps.prima.sim.refusals import CODE_OF_FAULT, Refusal, refused
from counterfoil.erps.prima.sim.rest import Rest
from counterfoil.erps.prima.sim.returns import close_return
from counterfoil.erps.prima.sim.soap import OrderManager
from counterfoil.simkit.http import Request, Response, json_response
from counterfoil.simkit.server import Simulator

if TYPE_CHECKING:
    from counterfoil.erps.prima.sim.sftp import DropServer


class PrimaSimulator(Simulator):
    """Prima in the three transports of its sheet."""

    vendor: ClassVar[str] = "prima"
    _polling: asyncio.Task[None] | None = None
    _sftp: DropServer | None = None

    def load(self, world: dict[str, Any]) -> None:
        """Start again from the world."""
        self.books = Books(world)
        self._rest = Rest(self.books, world)
        self._soap = OrderManager(self.books)
        self._requests = 0
        place = world.get("file_drop") or {}
        self._poll_s = float(place.get("poll_s", 1.0))
        self.drop = FileDrop(Path(place["folder"]), self.books) if place.get("folder") else None
        self._sftp_settings = place.get("sftp") if self.drop is not None else None
        self._folder = Path(place["folder"]) if self.drop is not None else None

    async def handle(self, request: Request) -> Response:
        """Answer on REST or SOAP, as late as `delay_s` says."""
        self._requests += 1
        if self.books.switches.delay_s > 0:
            await asyncio.sleep(self.books.switches.delay_s)
        if request.path == "/wsa" or request.path.startswith("/wsa/"):
            return self._soap.handle(request, self.base_url)
        if request.path in {"/oauth/token", "/v1/oauth/token"} and request.method == "POST":
            return self._rest.access.token(request)
        if request.path.startswith("/v1/"):
            return self._rest.handle(request)
        return refused(Refusal("NOT_FOUND", f"no such path {request.path}"), "req-000000")

    def refusal(self, kind: str) -> Response:
        """A scheduled 401, 429, 500 or 503 in the REST profile's error body."""
        return refused(Refusal(CODE_OF_FAULT[kind], "scheduled by a test"), "req-000000")

    def state(self) -> dict[str, Any]:
        """Every document made so far, the stock, the switches, answer files and the number of requests."""
        return {
            "documents": self.books.documents(),
            "depot_stock": self.books.stock.records(),
            "settings": self.books.switches.values(),
            "answers_written": self.drop.written if self.drop is not None else [],
            "requests": self._requests,
            "sftp": self._sftp.state() if self._sftp is not None else None,
        }

    async def control(self, request: Request) -> Response | None:
        """The control paths of this vendor."""
        values = request.json() if request.body.strip() else {}
        match request.method, request.path.removeprefix("/__sim/"):
            case "POST", "settings":
                self.books.switches.apply(values)
                return json_response(self.books.switches.values())
            case "POST", "world":
                self.books.absorb(values)
                return json_response({"added": True})
            case "POST", "act":
                return self._act(str(values.get("do")), str(values.get("number")))
            case "POST", "tick" if self.drop is not None:
                return json_response({"done": self.drop.tick()})
            case "POST", "release" if self.drop is not None:
                self.drop.release(values.get("external_ref"))
                return json_response({"released": True})
        return None

    def _act(self, verb: str, number: str) -> Response | None:
        """What a person in the ERP does to a document: `{"do": …, "number": …}`; 409 where the ERP forbids it."""
        books = self.books
        deeds: dict[str, tuple[Ledger, Callable[[Books, Record], Record]]] = {
            "despatch": (books.orders, despatch),
            "hold_order": (books.orders, _hold),
            "cancel_credit": (books.credits, cancel_credit),
            "close_return": (books.returns, close_return),
        }
        if verb not in deeds or number not in deeds[verb][0].records:
            return None
        ledger, deed = deeds[verb]
        try:
            return json_response(deed(books, ledger.records[number]))
        except Refusal as refusal:
            return refused(refusal, "req-000000")

    async def start(self) -> None:
        """Begin to watch the folder of the file drop, if the world has one."""
        if self.drop is not None:
            self._polling = asyncio.create_task(self._poll())
        if self._sftp_settings is not None and self._folder is not None:
            from counterfoil.erps.prima.sim.sftp import DropServer

            user, password = str(self._sftp_settings["user"]), str(self._sftp_settings["password"])
            self._sftp = DropServer(self._folder, user, password)
            await self._sftp.start(int(self._sftp_settings.get("port", 0)))

    async def stop(self) -> None:
        """Stop watching and serving."""
        if self._sftp is not None:
            await self._sftp.stop()
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)

    async def _poll(self) -> None:
        while True:
            try:
                if self.drop is not None:
                    self.drop.tick()
            except OSError as error:  # a folder taken away for a moment must not end the watch
                print(f"simulator prima: file drop: {error}", file=sys.stderr, flush=True)
            await asyncio.sleep(self._poll_s)


def _hold(books: Books, order: Record) -> Record:
    order["status"] = "on_hold"
    return books.touch(books.orders, order)
