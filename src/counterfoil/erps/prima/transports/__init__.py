"""The ways to reach Prima. Each carries the same records (Prima sheet §4) and answers with the same few values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from counterfoil.adapterkit.parse import Fields
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.records import Document
from counterfoil.ports.outcomes import Busy, LockedOut, Refused, Unknown

Failure = Busy | Unknown | Refused | LockedOut


class Exists(msgspec.Struct, frozen=True, kw_only=True):
    """Prima refuses because it holds a document under this reference: read it back and compare."""

    message: str
    code: str | None = None
    detail: str = ""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """Prima stored the record, or had stored it before (`replayed`), and answered with it."""

    record: Fields
    replayed: bool = False


class ReadFailedError(Exception):
    """A list could not be read to its end; the failure says when to try again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Transport(Protocol):
    """What an adapter needs of a way to Prima. Reads that fail give a Failure, never None: None is surely absent."""

    def create(self, document: Document, record: Mapping[str, Any]) -> Stored | Exists | Failure:
        """Make a document; its `external_ref` makes the request safe to repeat."""
        ...

    def act(
        self, document: Document, number: str, action: str, body: Mapping[str, Any], key: str
    ) -> Stored | Failure | None:
        """Do something to a document (`cancel`, `post`); `key` identifies the request. None: no such document."""
        ...

    def by_ref(self, document: Document, external_ref: str) -> Fields | Failure | None:
        """The document with our reference."""
        ...

    def by_number(self, document: Document, number: str) -> Fields | Failure | None:
        """The document with Prima's number."""
        ...

    def orders(self, external_order_ref: str) -> list[Fields] | Failure:
        """Sales orders that carry the shop's order id or name."""
        ...

    def listed(self, document: Document, since: str, until: str) -> Iterator[Fields]:
        """Documents dated in [since, until], `YYYY-MM-DD`. Raises ReadFailedError when it cannot go on."""
        ...

    def codes(self, table: str) -> list[str] | Failure:
        """The codes of a table: `depots`, `reason-codes`, `tax-codes`, `order-types`."""
        ...

    def close(self) -> None:
        """Release what is held open."""
        ...


def open_transport(config: PrimaConfig) -> Transport:
    """The transport the configuration names. The order manager and the file drop will be further entries here."""
    return _TRANSPORTS[config.transport](config)


def _rest(config: PrimaConfig) -> Transport:
    from counterfoil.erps.prima.transports.rest import RestTransport

    return RestTransport(config)


_TRANSPORTS: Mapping[str, Callable[[PrimaConfig], Transport]] = {"rest": _rest}
