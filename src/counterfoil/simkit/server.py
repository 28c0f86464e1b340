"""The frame of a simulator: an ASGI application with the vendor's paths and the control path `/__sim/`.

A vendor's `sim.py` subclasses `Simulator` and names it in a module constant `SIMULATOR`.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from typing import Any, ClassVar

import uvicorn

from counterfoil.simkit.faults import Fault, FaultPlan
from counterfoil.simkit.http import Request, Response, json_response

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

BODY_LIMIT_BYTES = 110 * 1024 * 1024  # the largest request any sheet names (NetSuite, 104 MB), with room


class Simulator:
    """One outside system. State lives in memory; `reset` restores the world it was started with.

    Subclasses implement `load`, `handle`, `state`, and where useful `control`, `refusal`, `start`, `stop`.
    `base_url` is set before `start` is called.
    """

    vendor: ClassVar[str] = ""

    def __init__(self, world: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.world: dict[str, Any] = deepcopy(dict(world or {}))
        self.seed = seed
        self.base_url = ""
        self.faults = FaultPlan()
        self.load(deepcopy(self.world))

    def load(self, world: dict[str, Any]) -> None:
        """Forget everything and take this world (a private copy) as the state."""
        raise NotImplementedError

    async def handle(self, request: Request) -> Response:
        """Answer one request as the vendor would."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Every document made so far, as JSON values."""
        raise NotImplementedError

    async def control(self, request: Request) -> Response | None:
        """Answer a control request below `/__sim/` of this vendor's own; None when there is no such path."""
        return None

    def refusal(self, kind: str) -> Response:
        """The vendor's way to say 401, 429, 500 or 503."""
        return json_response({"error": f"simulated {kind}"}, int(kind))

    async def start(self) -> None:
        """Begin background work (webhook delivery), once the server listens."""

    async def stop(self) -> None:
        """End background work."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        try:
            response = await self._route(request)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # a broken simulator must be seen as such, not as a vendor's answer
            print(f"simulator {self.vendor}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            response = json_response({"simulator_error": f"{type(error).__name__}: {error}"}, 599)
        if response is not None:
            await _write(response, send)

    async def _route(self, request: Request) -> Response | None:
        if request.path.startswith("/__sim/"):
            return await self._control(request)
        target = request.path + (f"?{request.raw_query}" if request.raw_query else "")
        fault = self.faults.strike(request.method, target)
        if fault is None:
            return await self.handle(request)
        return await self._under(fault, request)

    async def _under(self, fault: Fault, request: Request) -> Response | None:
        if fault.kind in {"401", "429", "500", "503"}:
            return self.refusal(fault.kind)
        if fault.kind == "timeout_before":
            return await _never()
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return await self.handle(request)
        response = await self.handle(request)
        if fault.kind == "timeout_after_commit":
            return await _never()
        if fault.kind == "500_after_commit":
            return self.refusal("500")
        return Response(response.status, response.body[: len(response.body) // 2], response.headers)  # wrong_body

    async def _control(self, request: Request) -> Response:
        match request.method, request.path:
            case "POST", "/__sim/reset":
                self.faults.clear()
                self.load(deepcopy(self.world))
                return json_response({"reset": True})
            case "GET", "/__sim/state":
                return json_response({**self.state(), "faults_struck": self.faults.struck})
            case "POST", "/__sim/faults":
                specs = request.json()
                for spec in specs if isinstance(specs, list) else [specs]:
                    self.faults.add(spec)
                return json_response({"scheduled": True})
        answer = await self.control(request)
        return answer or json_response({"error": f"no control path {request.method} {request.path}"}, 404)


async def _never() -> Response | None:
    """Hold the connection open without an answer until the client gives up (bounded at ten minutes)."""
    await asyncio.sleep(600)
    return None


async def _read(scope: Scope, receive: Receive) -> Request:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_LIMIT_BYTES:
            raise ValueError("request body over the limit")
        chunks.append(chunk)
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    raw_query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").split("?", 1)[0]
    return Request(scope["method"], path, raw_query, headers, b"".join(chunks))


async def _write(response: Response, send: Send) -> None:
    headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in response.headers.items()]
    if response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body if response.status != 204 else b""})


class Running:
    """A simulator listening on loopback inside this event loop."""

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        self.simulator = simulator
        self._socket = socket.socket(
            socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
        )  # so that asyncio sets TCP_NODELAY
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(simulator, log_level="critical", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, then begin the simulator's background work."""
        self.simulator.base_url = self.base_url
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.01)
        await self.simulator.start()

    async def stop(self) -> None:
        """End the background work and stop listening; open connections are dropped."""
        await self.simulator.stop()
        self._server.should_exit = True
        self._server.force_exit = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


async def serve(simulator: Simulator, port: int) -> None:
    """Run one simulator until SIGTERM or SIGINT; prints one JSON line when it is ready."""
    running = Running(simulator, port)
    await running.start()
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    print(json.dumps({"listening": running.base_url, "vendor": simulator.vendor}), flush=True)
    await done.wait()
    await running.stop()
