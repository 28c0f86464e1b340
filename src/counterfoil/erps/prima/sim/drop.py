"""The ERP's end of the file drop (sheet §6): takes files from `in/`, answers in `ack/` and then in `resp/`.

Documents are applied when the file is read; the answers follow after the delays of the switches. A credit note that
comes by file is posted at once, because this transport has no second step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from counterfoil.erps.prima.sim.books import Books
from counterfoil.erps.prima.sim.drop_documents import apply
from counterfoil.erps.prima.sim.drop_format import NAME, AnswerFile, Document, FileRefused, InFile, read_file
from counterfoil.erps.prima.sim.switches import Switches

FOLDERS = ("in", "ack", "resp", "archive", "error")


@dataclass(slots=True)
class _Due:
    """An answer waiting for its time."""

    at: float
    stem: str
    ext: str
    answer: AnswerFile


@dataclass(slots=True)
class _Held:
    """A document accepted but waiting for a person."""

    stem: str
    ext: str
    file: InFile
    document: Document


@dataclass(slots=True)
class _Sequence:
    """What an interface has sent: the highest number taken, and those accepted."""

    highest: int | None = None
    accepted: set[int] = field(default_factory=set)


class FileDrop:
    """Processes one folder. `tick` does what is due; nothing happens between ticks."""

    def __init__(
        self,
        folder: Path | str,
        world: Mapping[str, Any] | Books,
        switches: Switches | Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = Path(folder)
        self.books = world if isinstance(world, Books) else Books(world)
        if isinstance(switches, Switches):
            self.books.switches = switches
        elif switches is not None:
            self.books.switches.apply(switches)
        self._clock = clock
        self._due: list[_Due] = []
        self._held: list[_Held] = []
        self._unfinished: list[tuple[Path, Path, bytes]] = []
        self._sequences: dict[str, _Sequence] = {}
        self._answers: dict[str, int] = {}
        self.written: list[str] = []  # names of answers in the order they were written
        for name in FOLDERS:
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def tick(self) -> int:
        """Take what lies in `in/`, write what is due; returns how many files were taken or written."""
        finished = self._finish()
        names = [p.name for p in (self._folder / "in").iterdir() if p.is_file() and p.suffix != ".tmp"]
        taken = sorted(names, key=_order)
        for name in taken:
            self._take(name)
        return finished + len(taken) + self._write_due()

    def release(self, external_ref: str | None = None) -> None:
        """A person in the ERP lets held documents go (all, or one); a further RESP follows."""
        kept = []
        for held in self._held:
            if external_ref not in {None, held.document.header.get("external_ref")}:
                kept.append(held)
                continue
            rows = apply(self.books, held.file.type, held.document)
            self._answer("RESP", held.stem, held.ext, held.file, rows, self.books.switches.resp_delay_s)
        self._held = kept

    def _take(self, name: str) -> None:
        """Read one file, apply it or not, queue its answers, move it away."""
        path = self._folder / "in" / name
        stem, ext = path.stem, path.suffix.lstrip(".") or "csv"
        switches = self.books.switches
        try:
            found = self._accept(name, path.read_bytes())
        except FileRefused as refusal:
            row = {"original_name": name, "status": "REJECTED", "code": refusal.code, "message": refusal.message}
            self._answer("ACK", stem, ext, _named_in(name), [("A", row)], switches.ack_delay_s)
            path.replace(self._folder / "error" / name)
            return
        row = {"original_name": name, "status": "ACCEPTED"}
        self._answer("ACK", stem, ext, found, [("A", row)], switches.ack_delay_s)
        rows = [item for document in found.documents for item in self._apply(stem, ext, found, document)]
        if switches.swap_order:
            rows = [item for group in reversed(_groups(rows)) for item in group]
        self._answer("RESP", stem, ext, found, rows, max(switches.ack_delay_s, switches.resp_delay_s))
        path.replace(self._folder / "archive" / name)

    def _accept(self, name: str, content: bytes) -> InFile:
        """The file, if it may be applied. Its number is used up unless the number itself is what is wrong."""
        match = NAME.match(name)
        sequence = self._sequences.setdefault(match["interface"] if match else "", _Sequence())
        seq = int(match["seq"]) if match else 0
        if match and seq in sequence.accepted:
            raise FileRefused("DUPLICATE_FILE", f"file {seq} of this interface was accepted before")
        if match and sequence.highest is not None and seq > sequence.highest + 1:
            raise FileRefused("SEQUENCE_GAP", f"file {sequence.highest + 1} is missing")
        if match:
            sequence.highest = max(seq, sequence.highest or seq)
        reject = self.books.switches.reject_file
        if reject:
            raise FileRefused(reject if isinstance(reject, str) else "BAD_FORMAT", "scheduled by a test")
        found = read_file(name, content, self.books.switches.encoding)
        if self.books.company and found.company != self.books.company:
            raise FileRefused("BAD_FORMAT", f"company {found.company!r} is not served here")
        sequence.accepted.add(seq)
        return found

    def _apply(self, stem: str, ext: str, found: InFile, document: Document) -> list[tuple[str, dict[str, str]]]:
        reference = document.header.get("external_ref", "")
        if {"*", reference} & set(self.books.switches.hold_document):
            if not any(held.document.header.get("external_ref") == reference for held in self._held):
                self._held.append(_Held(stem, ext, found, document))
            message = "waiting for a person"
            return [("D", {"external_ref": reference, "status": "HELD", "message": message})]
        return apply(self.books, found.type, document)

    def _answer(
        self, kind: str, stem: str, ext: str, found: InFile, rows: list[tuple[str, dict[str, str]]], delay_s: float
    ) -> None:
        drop = self.books.switches.drop_answer
        if drop is True or (isinstance(drop, str) and drop.upper() == kind):
            return
        if kind == "RESP" and self.books.switches.take_refusal(f"FILE {found.type}", after_commit=True):
            return
        now = self.books.now()
        stamped = tuple((r, {**v, "received_at": now} if r == "A" else v) for r, v in rows)
        company = found.company or self.books.company
        answer = AnswerFile(kind, found.interface, found.seq, now, company, stamped)
        due = _Due(self._clock() + delay_s, stem, ext, answer)
        self._due.append(due)
        if kind == "RESP" and self.books.switches.duplicate_answers:
            self._due.append(replace(due))

    def _write_due(self) -> int:
        """ACKs first. Swapped, the answers to documents wait for company and then go out last first."""
        now = self._clock()
        ready = [due for due in self._due if due.at <= now]
        acks = [due for due in ready if due.answer.type == "ACK"]
        responses = [due for due in ready if due.answer.type == "RESP"]
        if self.books.switches.swap_order:
            responses = list(reversed(responses)) if len({due.stem for due in responses}) > 1 else []
        for due in [*acks, *responses]:
            self._due.remove(due)
            self._write(due)
        return len(acks) + len(responses)

    def _write(self, due: _Due) -> None:
        """Write under `.tmp`, then rename; the switches leave out the trailer or the renaming."""
        switches = self.books.switches
        name = f"{due.answer.type}_{due.stem}"
        self._answers[name] = self._answers.get(name, 0) + 1
        suffix = f"_{self._answers[name]}" if self._answers[name] > 1 else ""
        final = self._folder / due.answer.type.lower() / f"{name}{suffix}.{due.ext}"
        temporary = final.with_name(final.name + ".tmp")
        whole = due.answer.render(due.ext, switches.encoding)
        temporary.write_bytes(due.answer.render(due.ext, switches.encoding, trailer=not switches.no_trailer))
        if switches.leave_tmp or switches.no_trailer:
            self._unfinished.append((temporary, final, whole))
        if not switches.leave_tmp:
            temporary.replace(final)
        self.written.append(final.name)

    def _finish(self) -> int:
        """Complete what a switch left half done, once both switches are off."""
        if self.books.switches.no_trailer or self.books.switches.leave_tmp:
            return 0
        for temporary, final, whole in self._unfinished:
            temporary.write_bytes(whole)
            temporary.replace(final)
        count, self._unfinished = len(self._unfinished), []
        return count


def _order(name: str) -> tuple[str, int, str]:
    """Files are taken by interface and sequence, whatever their type."""
    match = NAME.match(name)
    return (match["interface"], int(match["seq"]), name) if match else ("", 0, name)


def _named_in(name: str) -> InFile:
    """What a refused file's name still tells, for the header of its ACK."""
    match = NAME.match(name)
    return InFile(match["type"], match["interface"], int(match["seq"]), "") if match else InFile("", "", 0, "")


def _groups(rows: list[tuple[str, dict[str, str]]]) -> list[list[tuple[str, dict[str, str]]]]:
    """Rows by document: each D with the E rows after it."""
    groups: list[list[tuple[str, dict[str, str]]]] = []
    for row in rows:
        if row[0] == "D":
            groups.append([])
        groups[-1].append(row)
    return groups
