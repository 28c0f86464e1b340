"""Everything that travels: our calls to the simulated systems, their calls to each other, their webhooks to us.

One event loop runs the simulators. It never waits: when nothing is ready it moves the clock to the next timer. A
webhook lies in `mail` until the run delivers it; what the weather does to it happens there.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from counterfoil.ports.vendors import Reply
from counterfoil.simkit.server import Simulator
from counterfoil.simulate.clock import Clock
from counterfoil.simulate.weather import Weather

OURS = "counterfoil.test"
PATIENCE_S = 60.0  # so long a sender waits for our answer
T = TypeVar("T")
Receive = Callable[[str, Mapping[str, str], bytes], Reply]


class _NothingArrives(selectors.SelectSelector):
    """There are no sockets: instead of waiting for one, time passes."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("a simulator waits for something that can never happen")
        if timeout > 0:
            self._clock.advance(timeout)
        return []


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop on the simulated clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_NothingArrives(clock))
        self._clock = clock

    def time(self) -> float:
        """Seconds on the simulated clock."""
        return self._clock.monotonic()


class Letter:
    """One webhook under way, and what its sender will hear."""

    def __init__(self, path: str, headers: Mapping[str, str], body: bytes, heard: asyncio.Future[Reply]) -> None:
        self.path = path
        self.headers = headers
        self.body = body
        self.heard = heard
        self.posted = 0.0
        self.not_before = 0.0

    @property
    def step(self) -> str:
        """Which connection it goes to, for the count of faults."""
        return f"webhook {self.path.split('/')[2]}"


class Network:
    """Carries requests between everybody."""

    def __init__(self, clock: Clock, weather: Weather, seed: str) -> None:
        self.loop = StillLoop(clock)
        self.mail: list[Letter] = []
        self.step = ""  # what we are doing, for the count of faults
        self.receive: Receive | None = None
        self._clock = clock
        self._weather = weather
        self._random = random.Random(f"network-{seed}")
        self._hosts: dict[str, Simulator] = {}

    def open(self, name: str, sim: Simulator) -> str:
        """Give a simulator an address and let it start."""
        host = f"{name}.test"
        self._hosts[host] = sim
        sim.base_url = f"http://{host}"
        self.run(sim.start())
        return sim.base_url

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the outside world do something, at its own time."""
        with self._clock.theirs():
            return self.loop.run_until_complete(work)

    def pump(self) -> None:
        """Let background work of the simulators that is due happen."""
        for _ in range(4):
            self.run(asyncio.sleep(0))

    def close(self) -> None:
        """Everything under way is dropped."""
        for sim in self._hosts.values():
            self.run(sim.stop())
        for letter in self.mail:
            letter.heard.cancel()
        self.loop.close()

    # --- calls ------------------------------------------------------------------------------------------------------

    async def answer(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        """What the addressed simulator says."""
        sim = self._hosts.get(request.url.host)
        if sim is None:
            raise httpx2.ConnectError(f"nobody is called {request.url.host}", request=request)
        return await _asked(sim, request, body)

    def call(self, request: httpx2.Request, *, fair: bool) -> httpx2.Response:
        """One call from our side or from the people of `life`, in the weather of the moment unless it is `fair`."""
        body = request.read()
        fault = None if fair else self._weather.on_call(self.step)
        if fault == "drop":
            raise httpx2.ConnectError("the connection could not be made", request=request)
        if fault == "429":
            return httpx2.Response(429, headers={"retry-after": "1"}, request=request)
        if fault == "5xx":
            return httpx2.Response(503, request=request)
        if fault == "delay":
            self._clock.advance(self._random.uniform(1, 40))
        answer = self.run(self.answer(request, body))
        if fault == "answer_lost":
            self._clock.advance(30)
            raise httpx2.ReadTimeout("no answer arrived", request=request)
        return answer

    # --- webhooks ---------------------------------------------------------------------------------------------------

    async def post(self, request: httpx2.Request) -> httpx2.Response:
        """A simulator sends us a webhook: it waits in the mail, and so does the simulator."""
        body = await request.aread()
        heard: asyncio.Future[Reply] = self.loop.create_future()
        headers = {name.lower(): value for name, value in request.headers.items()}
        letter = Letter(urlsplit(str(request.url)).path, headers, body, heard)
        letter.posted = letter.not_before = self._clock.monotonic()
        self.mail.append(letter)
        reply = await heard
        if reply.status == 0:
            raise httpx2.ReadTimeout("no answer arrived", request=request)
        return httpx2.Response(reply.status, content=reply.body, request=request)

    def due(self) -> list[Letter]:
        """Letters that may arrive now. Senders that waited too long have given up theirs, and try again by their rule."""
        for letter in [x for x in self.mail if x.posted + PATIENCE_S < self._clock.monotonic()]:
            self.mail.remove(letter)
            self._hear(letter, Reply(status=0))
        return [letter for letter in self.mail if letter.not_before <= self._clock.monotonic()]

    def deliver(self) -> None:
        """One letter arrives, or what the weather makes of it."""
        waiting = self.due()
        letter = waiting[0]
        fault = self._weather.on_webhook(letter.step)
        if fault == "reorder":
            letter = self._random.choice(waiting)
        if fault == "delay":
            letter.not_before = self._clock.monotonic() + self._random.uniform(1, PATIENCE_S)
            return
        self.mail.remove(letter)
        if fault == "drop":
            self._hear(letter, Reply(status=0))
            return
        reply = self._arrive(letter)
        if fault == "repeat":
            self._arrive(letter)
        self._hear(letter, reply)

    def _arrive(self, letter: Letter) -> Reply:
        assert self.receive is not None, "the house is open before mail arrives"
        return self.receive(letter.path, letter.headers, letter.body)

    def _hear(self, letter: Letter, reply: Reply) -> None:
        if not letter.heard.done():
            letter.heard.set_result(reply)
        self.pump()


class OurCalls(httpx2.BaseTransport):
    """Carries the requests of our adapters (and, in fair weather, of the people outside)."""

    def __init__(self, network: Network, *, fair: bool) -> None:
        self._network = network
        self._fair = fair

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Over the network."""
        return self._network.call(request, fair=self._fair)


class TheirCalls(httpx2.AsyncBaseTransport):
    """Carries what the simulators send: webhooks to us, requests to each other."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Into our mail, or to the neighbour."""
        if request.url.host == OURS:
            return await self._network.post(request)
        return await self._network.answer(request, await request.aread())


async def _asked(sim: Simulator, request: httpx2.Request, body: bytes) -> httpx2.Response:
    """The simulator's answer over its own ASGI door."""
    sent: list[dict[str, Any]] = []
    target = request.url.raw_path
    path, _, query = target.partition(b"?")
    scope = {
        "type": "http",
        "method": request.method,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await sim(scope, receive, send)
    headers = [(name, value) for name, value in sent[0]["headers"] if name != b"content-length"]
    return httpx2.Response(sent[0]["status"], headers=headers, content=sent[1]["body"], request=request)
