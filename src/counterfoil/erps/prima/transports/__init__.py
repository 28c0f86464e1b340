"""The ways to reach Prima. Each carries the same records (Prima sheet §4) and answers with the same few values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from counterfoil.adapterkit.parse import Fields
from counterfoil.core.documents import StockLevel
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.records import Document
from counterfoil.erps.prima.transports.folders import Folder
from counterfoil.ports.outcomes import Busy, LockedOut, NotYet, Refused, Unknown, Unsupported
from counterfoil.ports.translation import Finding

Failure = NotYet | Busy | Unknown | Refused | LockedOut | Unsupported


class Exists(msgspec.Struct, frozen=True, kw_only=True):
    """Prima refuses because it holds a document under this reference: read it back and compare."""

    message: str
    code: str | None = None
    detail: str = ""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """Prima stored the record, or had stored it before (`replayed`), and answered with it.

    `findings` is what a person must look at besides, such as a second answer that says something else.
    """

    record: Fields
    replayed: bool = False
    findings: tuple[Finding, ...] = ()


class ReadFailedError(Exception):
    """A list could not be read to its end; the failure says when to try again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Transport(Protocol):
    """What an adapter needs of a way to Prima. Reads that fail give a Failure, never None: None is surely absent.

    `drafts` says whether a credit note is made as a draft and posted by a second request; else making it posts it.
    """

    drafts: bool

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

    def made(self, document: Document, record: Mapping[str, Any]) -> Stored | Fields | Failure | None:
        """What became of an earlier `create` of this record, looked up by its `external_ref`."""
        ...

    def by_number(self, document: Document, number: str) -> Fields | Failure | None:
        """The document with Prima's number."""
        ...

    def orders(self, external_order_ref: str) -> list[Fields] | Failure:
        """Sales orders that carry the shop's order id or name."""
        ...

    def credits_of(self, return_number: str) -> list[Fields] | Failure:
        """The credit notes that name a return."""
        ...

    def customer(self, code: str) -> Fields | Failure | None:
        """The customer's record with the address."""
        ...

    def stock(self, skus: Sequence[str]) -> tuple[StockLevel, ...] | Failure:
        """What can be promised of each."""
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
    """The transport the configuration names. Nothing is contacted yet."""
    return _TRANSPORTS[config.transport](config)


def _rest(config: PrimaConfig) -> Transport:
    from counterfoil.erps.prima.transports.rest import RestTransport

    return RestTransport(config)


def _soap(config: PrimaConfig) -> Transport:
    from counterfoil.erps.prima.transports.soap import SoapTransport

    return SoapTransport(config)


def _file_drop(config: PrimaConfig) -> Transport:
    from counterfoil.erps.prima.transports.drop import DropTransport

    return DropTransport(config, _folder(config), _rest(config) if config.read_channel == "rest" else None)


def _folder(config: PrimaConfig) -> Folder:
    """The folder the settings name. SFTP connects at the first call."""
    if config.drop.startswith("sftp://"):
        try:
            from counterfoil.erps.prima.transports.sftp import SftpFolder
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("SFTP needs asyncssh: install counterfoil with the extra `sftp`") from error
        return SftpFolder(config)
    from counterfoil.erps.prima.transports.folders import LocalFolder

    return LocalFolder(Path(config.drop.removeprefix("file://")))


_TRANSPORTS: Mapping[str, Callable[[PrimaConfig], Transport]] = {
    "rest": _rest,
    "soap": _soap,
    "file_drop": _file_drop,
}
