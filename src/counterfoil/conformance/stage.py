"""A simulator on loopback for as long as a suite lasts, in a thread of its own because clients block."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2

from counterfoil.ports.rehearsal import Rehearsal
from counterfoil.ports.vendors import Client, VendorSpec
from counterfoil.simkit.server import Running, Simulator

Json = dict[str, Any]
STEP_S = 10.0


class Control:
    """The control path of a running simulator."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._http = httpx2.Client(base_url=base_url, trust_env=False, timeout=STEP_S)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Ask for something no real vendor would do."""
        answer = self._http.post(f"/__sim/{path}", json=dict(body))
        if answer.status_code >= 300:
            raise LookupError(f"the simulator answered {answer.status_code} to {path}: {answer.text[:200]}")
        return answer.json()

    def state(self) -> Json:
        """Everything it holds."""
        found: Json = self._http.get("/__sim/state").json()
        return found

    def close(self) -> None:
        """Release the sockets."""
        self._http.close()


@dataclass
class Stage:
    """A vendor's client and its simulator, connected."""

    client: Client
    control: Control
    rehearsal: Rehearsal


def rehearsal_of(spec: VendorSpec) -> Rehearsal | None:
    """The vendor's part, from the module `rehearsal` beside its adapter; None when there is none."""
    package = spec.translate.__module__.rpartition(".")[0]
    name = f"{package}.rehearsal"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            return None
        raise
    found: Rehearsal = module.REHEARSAL
    return found


@contextmanager
def on_stage(spec: VendorSpec, rehearsal: Rehearsal) -> Iterator[Stage]:
    """The simulator listening and the client connected to it."""
    assert spec.build is not None, "only a vendor with a client goes on stage"
    simulator: type[Simulator] = import_module(spec.sim).SIMULATOR
    with tempfile.TemporaryDirectory(prefix="counterfoil-kit-") as name:
        folder = Path(name)
        with listening(simulator(rehearsal.world(folder), 1)) as base_url:
            control = Control(base_url)
            client = spec.build(rehearsal.config(base_url, folder))
            try:
                yield Stage(client=client, control=control, rehearsal=rehearsal)
            finally:
                client.close()
                control.close()


@contextmanager
def listening(simulator: Simulator) -> Iterator[str]:
    """A simulator on loopback; its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = Running(simulator)
    asyncio.run_coroutine_threadsafe(running.start(), loop).result(STEP_S)
    try:
        yield running.base_url
    finally:
        asyncio.run_coroutine_threadsafe(_ended(running), loop).result(STEP_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STEP_S)
        loop.close()


async def _ended(running: Running) -> None:
    """Stop, and end the requests that a fault keeps waiting."""
    await running.stop()
    waiting = asyncio.all_tasks() - {asyncio.current_task()}
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
