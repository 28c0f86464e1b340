"""What every step of the road is given: the database, the connections, and what was agreed for each brand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.core.commands import Role
from counterfoil.core.mapping import Mapping as WordMapping
from counterfoil.core.policy import Agreement, Edition
from counterfoil.core.proof_rules import ProofRules
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.notify import Notify
from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Client, CountingClient, Delivery, Family, Tally, VendorSpec
from counterfoil.store.database import Database
from counterfoil.store.vault import Vault


@dataclass
class Connection:
    """One account of one vendor, as configured. The client opens on first use and is shared by all threads."""

    name: str
    brand: str
    spec: VendorSpec
    config: Any
    secrets: tuple[str, ...] = ()
    slots: int = 2
    tally: Tally | None = None
    _client: Client | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def vendor(self) -> str:
        """The vendor's name."""
        return self.spec.name

    @property
    def family(self) -> Family:
        """What kind of system it is."""
        return self.spec.family

    @property
    def client(self) -> Client:
        """The live client."""
        with self._lock:
            if self._client is None:
                if self.spec.build is None:
                    raise LookupError(f"{self.name}: {self.spec.title} only sends; there is nothing to call")
                self._client = self.spec.build(self.config)
                if self.tally is not None and isinstance(self._client, CountingClient):
                    self._client.count_with(self.tally)
            return self._client

    def translate(self, delivery: Delivery) -> Translation:
        """What a delivery says, in the words this account was told to use."""
        return self.spec.reader(self.config)(delivery)

    def can(self) -> frozenset[Cap]:
        """What this account can do, as configured."""
        return self.spec.capabilities(self.config)

    def link(self, kind: str, ref: str) -> str | None:
        """Where people see a record of this kind in that system; None where there is no such page."""
        address = self.spec.document_url
        return address(self.config, kind, ref) if address is not None else None

    def close(self) -> None:
        """Release the client."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What one brand agreed for one portal: policy, words, and which connection carries which role."""

    brand: str
    portal: str
    agreement: Agreement
    mapping: WordMapping
    connections: Mapping[Role, str]


@dataclass
class World:
    """Everything the road needs.

    `now` gives the moment as RFC 3339 in UTC, `editions` the kept policies of a pair; `words_known` remembers each
    setup's mapping as last read from the store (see `flow/vocabulary.py`).
    """

    database: Database
    vault: Vault
    connections: Mapping[str, Connection]
    setups: Mapping[tuple[str, str], Setup]
    worker: str = "worker"
    proof: ProofRules = field(default_factory=ProofRules)
    folder: Path | None = None  # where a process keeps what it can make anew; None: it keeps nothing
    words_known: dict[tuple[str, str], WordMapping] = field(default_factory=dict)
    notify: Notify = field(default_factory=Notify)
    now: Callable[[], str] = lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    editions: Callable[[str, str], tuple[Edition, ...]] = lambda brand, portal: ()

    def setup(self, brand: str, portal: str) -> Setup:
        """What was agreed for this brand and portal. KeyError with a sentence when nothing was."""
        found = self.setups.get((brand, portal))
        if found is None:
            raise KeyError(f"no setup for brand {brand!r} and portal {portal!r}")
        editions = self.editions(brand, portal)
        if not editions:
            return found
        return msgspec.structs.replace(
            found, agreement=msgspec.structs.replace(found.agreement, editions=(*found.agreement.editions, *editions))
        )
