"""A vendor's own evidence: the payloads in its `fixtures/`, and `kit.json`, which says how they are delivered.

A file whose name carries a status (`answer_404_rma.json`, `closed_period_400.json`) is an API answer with that status;
a file beside it ending in `.headers.json` holds its headers; `kit.json` says the rest.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Delivery, VendorSpec

KIT_FILE = "kit.json"
NOON = 1_772_446_500.0  # 2026-03-02 10:15 UTC, the arrival of every fixture that names no other
_STATUS = re.compile(r"(?:^|_)([1-5]\d\d)(?:_|$)")
_NOT_PAYLOADS = ("PROVENANCE.md",)


class EvidenceError(ValueError):
    """The evidence itself is missing or cannot be read; the message says what to do."""


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How files are delivered whose name matches `files` (a shell pattern). `skip` leaves out what is no delivery."""

    files: str
    status: int | None = None
    headers: Mapping[str, str] = {}
    path_tail: str = ""
    skip: str = ""  # the reason, for files that other code reads (reports, tables)


class SignedExample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A delivery signed by another program than the adapter: the proof that both read the sheet alike.

    `secrets` are those it was signed with. `path_tail` instead of a signature: the vendor knows only a secret address.
    """

    file: str
    secrets: tuple[str, ...]
    headers: Mapping[str, str] = {}
    path_tail: str = ""
    arrived_at: float = NOON
    made_by: str = ""


class Sheet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of `kit.json`.

    `unreadable` are patterns of fixtures that must be quarantined. `totals` are figures read off a payload by a
    person: for each file, names such as `refund`, `store_credit` (tenders of a return), `refunds` (money told of) or
    `units` (of a receipt), as decimal text. `derived` names amounts that the payload does not state as such, each with
    the reason. `exempt` names suites that cannot hold for this vendor, each with the reason.
    """

    deliveries: tuple[Told, ...] = ()
    signed: tuple[SignedExample, ...] = ()
    unreadable: tuple[str, ...] = ("unreadable_*",)
    totals: Mapping[str, Mapping[str, str]] = {}
    not_personal: Mapping[str, str] = {}
    exempt: Mapping[str, str] = {}


@dataclass(frozen=True)
class Situation:
    """One fixture as a delivery."""

    name: str
    delivery: Delivery
    unreadable: bool = False

    @property
    def is_webhook(self) -> bool:
        """Whether it came to us, rather than being an answer we asked for."""
        return self.delivery.status is None


@dataclass
class Evidence:
    """A vendor with everything it brought."""

    spec: VendorSpec
    folder: Path
    sheet: Sheet
    situations: tuple[Situation, ...]
    _read: dict[str, Translation] = field(default_factory=dict, repr=False)

    @property
    def webhooks(self) -> tuple[Situation, ...]:
        """The fixtures that are deliveries to our hook."""
        return tuple(one for one in self.situations if one.is_webhook) if self.spec.hook is not None else ()

    def read(self, situation: Situation) -> Translation:
        """What the adapter reads in it; kept, because every suite asks."""
        if situation.name not in self._read:
            self._read[situation.name] = self.spec.translate(situation.delivery)
        return self._read[situation.name]

    def readable(self) -> Iterator[tuple[Situation, Translation]]:
        """Every fixture that can be read, with its translation."""
        for one in self.situations:
            if not one.unreadable:
                yield one, self.read(one)

    def named(self, file: str) -> Situation:
        """The fixture of this file name. EvidenceError when there is none."""
        found = next((one for one in self.situations if one.name == file), None)
        if found is None:
            raise EvidenceError(f"kit.json names {file!r}, which is no fixture")
        return found


def gather(spec: VendorSpec, folder: Path | None = None) -> Evidence:
    """Load what lies in the vendor's folder, or in another. EvidenceError when there are none or `kit.json` cannot be read."""
    own = folder or home(spec)
    place = own / "fixtures"
    if not place.is_dir():
        raise EvidenceError(f"there is no folder 'fixtures' beside the adapter of {spec.title}")
    sheet = _sheet(own / KIT_FILE)
    names = sorted(path.name for path in place.iterdir() if path.is_file())
    payloads = [name for name in names if name not in _NOT_PAYLOADS and not name.endswith(".headers.json")]
    found = tuple(one for name in payloads if (one := _situation(place, name, sheet)) is not None)
    return Evidence(spec=spec, folder=place, sheet=sheet, situations=found)


def home(spec: VendorSpec) -> Path:
    """The folder of the adapter: where its `translate` is written."""
    module = sys.modules[spec.translate.__module__]
    if module.__file__ is None:
        raise EvidenceError(f"the adapter of {spec.title} is not in a file")
    return Path(module.__file__).parent


def _sheet(path: Path) -> Sheet:
    if not path.exists():
        return Sheet()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Sheet)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise EvidenceError(f"{path.name} cannot be read: {error}") from None


def _situation(folder: Path, name: str, sheet: Sheet) -> Situation | None:
    told = next((one for one in sheet.deliveries if fnmatchcase(name, one.files)), Told(files=name))
    if told.skip:
        return None
    stem = name.rsplit(".", 1)[0]
    beside = folder / f"{stem}.headers.json"
    headers = msgspec.json.decode(beside.read_bytes(), type=dict[str, str]) if beside.exists() else {}
    in_name = _STATUS.search(stem)
    status = told.status if told.status is not None else int(in_name[1]) if in_name else None
    delivery = Delivery(
        body=(folder / name).read_bytes(),
        headers={**headers, **told.headers},
        status=status,
        arrived_at=NOON,
        path_tail=told.path_tail,
    )
    return Situation(name=name, delivery=delivery, unreadable=any(fnmatchcase(name, one) for one in sheet.unreadable))
