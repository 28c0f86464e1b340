"""What a vendor folder must offer: a `SPEC` and, behind it, a client. The shell knows vendors only through this.

One spec type serves portals, ERPs, shops and gateways, and warehouses; `family` tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import msgspec

from counterfoil.core.commands import AnyCommand
from counterfoil.ports.capabilities import Cap
from counterfoil.ports.files import FileRead
from counterfoil.ports.outcomes import Done, Outcome
from counterfoil.ports.settlements import Settlements
from counterfoil.ports.translation import Signature, Translation


class Family(StrEnum):
    """The kinds of outside systems."""

    PORTAL = "portal"
    ERP = "erp"
    GATEWAY = "gateway"  # shops and payment providers
    WAREHOUSE = "warehouse"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The exact bytes of one webhook or one API answer. Header names are lower case.

    `arrived_at` is unix seconds; `status` is the HTTP status when this is an API answer, else None. `path_tail` is what
    followed the connection's name in the webhook's address (some vendors sign nothing and only know a secret path).
    """

    body: bytes
    headers: Mapping[str, str] = {}
    status: int | None = None
    arrived_at: float = 0.0
    path_tail: str = ""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What we answer a webhook."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Hook:
    """How one vendor's webhooks are received. Everything here is pure and quick: it runs before the answer.

    * `verify(delivery, secrets)` checks the signature against every secret that is valid now;
    * `delivery_key(delivery)` identifies the delivery, so that a repeat is stored once;
    * `refuse(delivery, signature)` gives the answer for a delivery that the sender must correct or that is not
      ours, or None to keep it. A delivery refused this way is not acted on; `keep_refused` says whether its bytes
      are kept all the same (when the fault may be on our side, such as a wrong secret);
    * `accepted` and `duplicate` build the answer once the bytes are durable;
    * `signed` is False for vendors that sign nothing: their deliveries are only believed for their ids;
    * `verify_each`, for vendors that sign items one by one, gives a verdict for each of the refund notices of
      `translate`, in their order.
    """

    verify: Callable[[Delivery, Sequence[str]], Signature]
    delivery_key: Callable[[Delivery], str]
    refuse: Callable[[Delivery, Signature], Reply | None]
    accepted: Callable[[Delivery], Reply]
    duplicate: Callable[[Delivery], Reply]
    limit_bytes: int = 2 * 1024 * 1024
    keep_refused: bool = True
    signed: bool = True
    verify_each: Callable[[Delivery, Sequence[str]], tuple[Signature, ...]] | None = None


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a connection found: one sentence per check."""

    ok: bool
    checks: tuple[tuple[bool, str], ...] = ()


class ErpDocumentLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one SKU on a document, at one depot where the ERP says."""

    sku: str
    quantity: int
    depot: str | None = None


class ErpDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document as the ERP holds it, for reconciliation. Amount is gross, in minor units, positive."""

    kind: str  # "rma", "receipt", "credit_note", "refund"
    ref: str
    number: str
    external_ref: str | None
    currency: str | None = None
    amount: int | None = None
    units: int | None = None
    dated: str | None = None
    status: str | None = None
    order_number: str | None = None
    rma_ref: str | None = None
    lines: tuple[ErpDocumentLine, ...] = ()  # of receipts, where the ERP lists them


class Client(Protocol):
    """A live connection to one account of one vendor. Calls block; one client serves several threads."""

    def perform(self, command: AnyCommand) -> Outcome:
        """Try once to carry the command out. Never raises for what the vendor or the network does."""
        ...

    def find(self, command: AnyCommand) -> Outcome | None:
        """Look for the effect of an earlier attempt by its key: `Done`, or None when surely absent.

        Any other outcome means the look-up itself failed and says when to look again.
        """
        ...

    def probe(self) -> Probe:
        """Check credentials, rights and the facts the adapter relies on, without writing."""
        ...

    def close(self) -> None:
        """Release sockets."""
        ...


class Tally(Protocol):
    """A count by the day that outlives the process and is shared by all workers of a connection."""

    def add(self, name: str, day: int, count: int) -> int:
        """Count on (0 asks only) and answer how many there are on that day; days since 1970-01-01, UTC."""
        ...


@runtime_checkable
class CountingClient(Client, Protocol):
    """A client with a small daily quota, which it must not forget when it is opened anew."""

    def count_with(self, tally: Tally) -> None:
        """Keep counts there from now on."""
        ...


class PollingClient(Client, Protocol):
    """A client whose vendor can also be asked what changed (backfill, missed webhooks)."""

    def changes(self, since: str, until: str) -> Iterator[Translation]:
        """Everything created or changed between two RFC 3339 moments, as translations."""
        ...


class ErpClient(Client, Protocol):
    """A client of an ERP: what was posted can be read back (R142)."""

    def documents(self, kind: str, since: str, until: str) -> Iterator[ErpDocument]:
        """Documents of one kind dated in [since, until], both `YYYY-MM-DD`."""
        ...

    def find_by_ref(self, kind: str, external_ref: str) -> Done | None:
        """One document by our external reference, None when absent."""
        ...


@dataclass(frozen=True, slots=True)
class VendorSpec:
    """One vendor: its name everywhere, what it can do, and the functions behind it.

    `config` is a frozen msgspec Struct type whose fields carry help texts; secrets are marked in `secrets`.
    `translate` is pure and reads what the vendor's own documents say; `bind(config)`, where what they say is inferred,
    gives the same with an account's own mapping, so that a real account changes data and not code.
    `build(config)` imports what is heavy and opens a client.
    """

    name: str
    title: str
    family: Family
    config: type[msgspec.Struct]
    translate: Callable[[Delivery], Translation]
    capabilities: Callable[[Any], frozenset[Cap]]
    build: Callable[[Any], Client] | None = None
    hook: Hook | None = None
    secrets: tuple[str, ...] = ()
    personal_fields: tuple[str, ...] = ()  # paths in the vendor's payloads that hold personal data
    document_url: Callable[[Any, str, str], str | None] | None = None  # (config, kind, ref) -> link for people
    sim: str = ""  # module of the simulator, for `counterfoil sim`
    read_file: Callable[[Any, bytes, Collection[str]], FileRead] | None = None  # (config, file, known ids)
    settlements: Callable[[bytes, str], Settlements] | None = None  # (report, store) -> refunds, for the proof
    notes: Mapping[str, str] = field(default_factory=dict)
    for_config: Callable[[Any], VendorSpec] | None = None  # how it reads, where a connection's settings decide that
    bind: Callable[[Any], Callable[[Delivery], Translation]] | None = None

    def reader(self, config: object) -> Callable[[Delivery], Translation]:
        """How an account's deliveries are read: by its own mapping of names and words, where the vendor has one."""
        return self.bind(config) if self.bind is not None else self.translate
