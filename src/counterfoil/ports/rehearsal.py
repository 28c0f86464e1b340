"""How a vendor's client is played against the vendor's own simulator: what the conformance kit needs to be told.

A vendor folder with a client and a simulator holds a module `rehearsal` with one constant `REHEARSAL`. It says what must
exist in the simulated world and which write is to be tried; what may happen to that write is the kit's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from counterfoil.core.commands import AnyCommand, PostCreditNote
from counterfoil.ports.vendors import Client, ErpClient

Json = dict[str, Any]


class SimControl(Protocol):
    """The control path of a running simulator."""

    base_url: str

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Ask for something no real vendor would do, below `/__sim/`; the JSON answer."""
        ...

    def state(self) -> Json:
        """Everything the simulator holds."""
        ...


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One vendor's part. Every function may be called again after the simulator was reset.

    * `world(folder)` is what the simulator starts with; `folder` is empty and may take key files;
    * `config(url, folder)` connects a client to it, with a time-out short enough that a lost answer is soon lost;
    * `write(client, control)` brings the world so far that one write is due, and gives that write; None where the
      client only reads, and then `read` gives a command to be tried instead;
    * `request` tells the simulator's faults which request carries the write (or the read);
    * `made(state, command)` counts what the simulator holds of this write: 0 before it, and never more than 1;
    * `credit(client, control)` walks to a credit note that is ready to be posted (ERPs).
    """

    world: Callable[[Path], Json]
    config: Callable[[str, Path], Any]
    request: Mapping[str, str] | str
    write: Callable[[Client, SimControl], AnyCommand] | None = None
    read: Callable[[Client, SimControl], AnyCommand] | None = None
    made: Callable[[Json, AnyCommand], int] | None = None
    credit: Callable[[ErpClient, SimControl], PostCreditNote] | None = None
