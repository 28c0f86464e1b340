"""What was sent by file and what was answered, kept beside the drop itself so that every worker sees the same.

A file is first written to `counterfoil/log/{seq}` under a number nobody else can get, then delivered; whoever comes
next delivers what a stopped process left behind, under the same name. Nothing here is ever changed, only added.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from counterfoil.adapterkit.signing import digest
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.records import Document
from counterfoil.erps.prima.transports.drop_file import OutFile
from counterfoil.erps.prima.transports.folders import Folder, FolderError
from counterfoil.ports.translation import Finding

_HOME = "counterfoil"
_DELIVERED = f"{_HOME}/delivered"
_TRIES_MAX = 1000  # numbers other writers took in the same moment

T = TypeVar("T")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One file of ours. `at` is unix seconds."""

    seq: int
    name: str
    ref: str
    at: float
    content: bytes = b""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One row of an answer: about a file (`ACK`, ref is its name) or about a document (`RESP`)."""

    type: str
    name: str  # of our file
    status: str
    erp_number: str = ""
    code: str = ""
    message: str = ""
    total_gross: str = ""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A person was told about a letter (`told`), or asked for it again (`again`)."""

    word: str
    seq: int
    at: float


class Correspondence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one reference."""

    letters: tuple[Letter, ...] = ()
    replies: tuple[Reply, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def last(self) -> Letter:
        """The letter that counts; there must be one."""
        return max(self.letters, key=lambda letter: letter.seq)


class Journal:
    """The journal of one interface. Raises FolderError. The caller lets one thread in at a time."""

    def __init__(self, folder: Folder, config: PrimaConfig, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._config = config
        self._clock = clock
        self._delivered = config.first_seq - 1  # a lower bound; the file may say more

    def of(self, ref: str) -> Correspondence:
        """What was sent and answered under a reference."""
        home = f"{_HOME}/refs/{ref}"
        letters, replies, marks = [], [], []
        for name in self._names(home):
            content = self._folder.read(f"{home}/{name}") or b""
            match name.partition("-")[0]:
                case "sent":
                    letters.append(_read(content, Letter, name))
                case "reply":
                    replies.append(_read(content, Reply, name))
                case "told" | "again":
                    marks.append(_read(content, Mark, name))
        return Correspondence(letters=tuple(letters), replies=tuple(replies), marks=tuple(marks))

    def _names(self, home: str) -> list[str]:
        """Our notes; one that is being written this moment is not one yet."""
        return [name for name in self._folder.names(home) if not name.endswith(".tmp")]

    def send(self, document: Document, record: Mapping[str, Any]) -> Letter:
        """Write the document under the next number and deliver it, after everything that comes before it."""
        ref = str(record["external_ref"])
        waiting = list(self.waiting())
        mine = next((letter for letter in waiting if letter.ref == ref), None)
        if mine is None:
            mine = self._enter(document, record, ref, after=waiting[-1].seq if waiting else self._delivered)
            waiting = list(self.waiting())  # others may have written between
        for letter in waiting:
            if letter.seq <= mine.seq:
                self._deliver(letter, known_absent=letter == mine)
        return mine

    def _enter(self, document: Document, record: Mapping[str, Any], ref: str, after: int) -> Letter:
        now = self._clock()
        created = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for seq in range(after + 1, after + _TRIES_MAX):
            file = OutFile(document=document, record=record, seq=seq, created_at=created)
            name = file.name(self._config)
            letter = Letter(seq=seq, name=name, ref=ref, at=now, content=file.content(self._config))
            if self._folder.create(_entry(seq), msgspec.json.encode(letter)):
                return letter
        raise FolderError(f"no free number after {after}")

    def waiting(self) -> Iterator[Letter]:
        """What has a number but may not have been delivered, in order."""
        marked = self._folder.read(_DELIVERED) or b""
        if marked.strip().isdigit():
            self._delivered = max(self._delivered, int(marked))
        seq = self._delivered + 1
        while (content := self._folder.read(_entry(seq))) is not None:
            yield _read(content, Letter, _entry(seq))
            seq += 1

    def _deliver(self, letter: Letter, *, known_absent: bool) -> None:
        """Put the file where Prima takes it, once, and remember that."""
        if known_absent or not self.seen(letter):
            self._folder.write(f"in/{letter.name}", letter.content)
        self._folder.create(f"{_HOME}/refs/{letter.ref}/sent-{letter.seq:08d}", msgspec.json.encode(_plain(letter)))
        if letter.seq > self._delivered:
            self._folder.write(_DELIVERED, str(letter.seq).encode())
            self._delivered = letter.seq

    def seen(self, letter: Letter) -> bool:
        """Whether the file was put where Prima takes it, whatever became of it since."""
        stem, _, ext = letter.name.rpartition(".")
        answered = (f"ack/ACK_{stem}.{ext}", f"archive/ACK_{stem}.{ext}", f"resp/RESP_{stem}.{ext}")
        return self.place(letter) is not None or any(self._folder.exists(name) for name in answered)

    def place(self, letter: Letter) -> str | None:
        """The folder the file lies in: `in`, `archive`, `error`, or nowhere."""
        return next((name for name in ("in", "archive", "error") if self._folder.exists(f"{name}/{letter.name}")), None)

    def recovered(self, ref: str) -> bool:
        """Whether a stopped process delivered this reference without noting it; it is noted now."""
        mine = next((letter for letter in self.waiting() if letter.ref == ref), None)
        if mine is None or not self.seen(mine):
            return False
        self._folder.create(f"{_HOME}/refs/{ref}/sent-{mine.seq:08d}", msgspec.json.encode(_plain(mine)))
        return True

    def put_again(self, letter: Letter) -> None:
        """A file that got lost on the way is put there once more, under its own name and number."""
        entry = self._folder.read(_entry(letter.seq))
        if entry is not None:
            self._folder.write(f"in/{letter.name}", _read(entry, Letter, _entry(letter.seq)).content)

    def mark(self, ref: str, word: str, seq: int) -> None:
        """Note `told` or `again`."""
        now = self._clock()
        mark = Mark(word=word, seq=seq, at=now)
        self._folder.create(f"{_HOME}/refs/{ref}/{word}-{seq:08d}-{int(now * 1000)}", msgspec.json.encode(mark))

    def letter_of(self, name: str) -> Letter | None:
        """Our letter of a file name, None when we never wrote it."""
        number = name.rpartition(".")[0][-8:]
        entry = self._folder.read(_entry(int(number))) if number.isdecimal() else None
        found = _read(entry, Letter, number) if entry is not None else None
        return found if found is not None and found.name.partition(".")[0] == name.partition(".")[0] else None

    def note(self, ref: str, reply: Reply) -> None:
        """Keep a reply; the same one twice is one (§6.3)."""
        key = digest(reply.type, reply.name, reply.status, reply.erp_number, reply.code)[:16]
        self._folder.create(f"{_HOME}/refs/{ref}/reply-{key}", msgspec.json.encode(reply))

    # --- what a person must look at

    def wonder(self, finding: Finding) -> None:
        """Keep a finding until it was handed over."""
        name = digest(finding.kind, finding.subject, finding.message)[:16]
        if not self._folder.exists(f"{_HOME}/told/{name}"):
            self._folder.create(f"{_HOME}/findings/{name}", msgspec.json.encode(finding))

    def findings(self) -> dict[str, Finding]:
        """The findings nobody has heard of yet, by name."""
        home = f"{_HOME}/findings"
        contents = {name: self._folder.read(f"{home}/{name}") for name in self._names(home)}
        return {name: _read(content, Finding, name) for name, content in contents.items() if content is not None}

    def handed_over(self, name: str) -> None:
        """A finding was told."""
        self._folder.move(f"{_HOME}/findings/{name}", f"{_HOME}/told/{name}")


def _entry(seq: int) -> str:
    return f"{_HOME}/log/{seq:08d}"


def _plain(letter: Letter) -> Letter:
    return msgspec.structs.replace(letter, content=b"")


def _read(content: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FolderError(f"our own note {name} cannot be read: {error}") from error
