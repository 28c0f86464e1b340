"""The file drop (Prima sheet §6): a document is a file; its number comes back in an answer file, hours later perhaps.

A write is `NotYet` until its answer lies there. `create` may be called any number of times: it sends once, and looks
from then on. Where the settings name a read channel, questions go there, and so does the look before a second sending.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.documents import StockLevel
from counterfoil.core.problems import Owner
from counterfoil.erps.prima import filedrop
from counterfoil.erps.prima.config import PrimaConfig
from counterfoil.erps.prima.errors import ErpError, failure_of, rule_for, sentence
from counterfoil.erps.prima.records import Document
from counterfoil.erps.prima.transports import Exists, Failure, Stored, Transport
from counterfoil.erps.prima.transports.drop_journal import Correspondence, Journal, Letter, Reply
from counterfoil.erps.prima.transports.folders import Folder, FolderError
from counterfoil.ports.outcomes import Busy, NotYet, Refused, Unsupported
from counterfoil.ports.translation import Finding

_MADE = ("CREATED", "DUPLICATE")
_NO_CHANNEL = "Files cannot be asked, and this connection has no read channel."


class DropTransport:
    """One interface of one drop. Threads take turns; several processes may share the folder."""

    drafts = False  # a credit note that comes by file is posted at once

    def __init__(
        self,
        config: PrimaConfig,
        folder: Folder,
        reads: Transport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._folder = folder
        self._reads = reads
        self._clock = clock
        self._journal = Journal(folder, config, clock)
        self._lock = threading.Lock()
        self._handed: set[str] = set()
        self._collected = float("-inf")

    # --- writing ----------------------------------------------------------------------------------------------------

    def create(self, document: Document, record: Mapping[str, Any]) -> Stored | Exists | Failure:
        """Send once, then report what the answer files say."""
        if record.get("hold_order"):
            return Unsupported(message="A file cannot say that an exchange order is on hold, so none is sent.")
        with self._lock:
            try:
                return self._create(document, record)
            except FolderError as error:
                return Busy(message="The file drop could not be reached; nothing is lost.", detail=str(error))

    def _create(self, document: Document, record: Mapping[str, Any]) -> Stored | Failure:
        ref = str(record["external_ref"])
        known = self._read(ref)
        if not known.letters:
            self._journal.send(document, record)
            return self._waiting("The file was sent; its answer is awaited.")
        last = known.last
        told = _count(known, "told", last) > _count(known, "again", last)
        settled = self._settled(document, ref, known)
        if isinstance(settled, Refused):
            if not told:
                self._journal.mark(ref, "told", last.seq)
                return settled
            self._journal.send(document, record)  # a person asked again, and Prima stored nothing of it
            return self._waiting("The file was sent again under a new number; its answer is awaited.")
        if settled is not None:
            return settled
        if told:
            return self._asked_again(document, record, known)
        return self._overdue(document, ref, known) or self._waiting("The answer file is awaited.")

    def _waiting(self, message: str) -> NotYet:
        return NotYet(message=message, after_s=self._config.drop_poll_s)

    def _overdue(self, document: Document, ref: str, known: Correspondence) -> Stored | Failure | None:
        """After the stated time: look in Prima where that is possible, else tell a person, once."""
        last = known.last
        since = max([last.at, *(mark.at for mark in known.marks if mark.seq == last.seq)])
        acknowledged = any(reply.type == "ACK" for reply in _about(known, last))
        patience = self._config.resp_timeout_s if acknowledged else self._config.ack_timeout_s
        if self._clock() - since <= patience:
            return None
        seen = self._look(document, ref)
        if seen is not None:
            return seen
        self._journal.mark(ref, "told", last.seq)
        place = self._journal.place(last)
        where = f"lies in {place}/" if place else "is in none of the folders"
        what = "answered" if acknowledged else "acknowledged"
        message = f"Prima has not {what} {last.name} within {int(patience // 60)} minutes; the file {where}."
        return Refused(kind="erp_file_unanswered", owner=Owner.INTEGRATION, message=message)

    def _look(self, document: Document, ref: str) -> Stored | Failure | None:
        """What the read channel shows; None when it shows nothing, or when there is none."""
        if self._reads is None:
            return None
        held = self._reads.by_ref(document, ref)
        return Stored(record=held, replayed=True) if isinstance(held, Fields) else held

    def _asked_again(self, document: Document, record: Mapping[str, Any], known: Correspondence) -> Stored | Failure:
        """A person wants it sent again: never under a new number while the first one may still be read (§6.3)."""
        last, ref = known.last, str(record["external_ref"])
        seen = self._look(document, ref)
        if seen is not None:
            return seen
        place = self._journal.place(last)
        self._journal.mark(ref, "again", last.seq)
        if place == "in":
            return self._waiting(f"{last.name} still lies in in/, where Prima has to take it.")
        if place is None:
            self._journal.put_again(last)
            return self._waiting(f"{last.name} was in none of the folders and was put there again.")
        self._journal.send(document, record)  # Prima took the first one; it refuses a second reference as a duplicate
        return self._waiting(f"{last.name} lies in {place}/ without an answer; the document was sent again.")

    def _settled(self, document: Document, ref: str, known: Correspondence) -> Stored | Failure | None:
        """What the answers say about a reference, None while there is none."""
        made = [reply for reply in known.replies if reply.type == "RESP" and reply.status in _MADE]
        if made:
            first = next((reply for reply in made if reply.status == "CREATED"), made[0])
            return self._stored(document, ref, first)
        mine = _about(known, known.last)
        responses = [reply for reply in mine if reply.type == "RESP"]
        refused = next((reply for reply in responses if reply.status == "REJECTED"), None)
        if refused is None and not responses and not any(reply.status == "ACCEPTED" for reply in mine):
            refused = next((reply for reply in mine if reply.status == "REJECTED"), None)
        if refused is not None:
            return _refusal(refused)
        if responses:
            message = responses[0].message or "Prima holds the document until a person there releases it."
            return self._waiting(message)
        return None

    def _stored(self, document: Document, ref: str, reply: Reply) -> Stored | Failure:
        """The document as the answer describes it; a duplicate is read back where that is possible (§6.3)."""
        again = reply.status == "DUPLICATE"
        if again:
            seen = self._look(document, ref)
            if seen is not None:
                return seen
        record = {"external_ref": ref, document.number_field: reply.erp_number}
        if reply.total_gross:
            record["total_gross"] = reply.total_gross
        found = self._journal.findings()
        self._handed |= set(found)
        return Stored(record=Fields(record), replayed=again, findings=tuple(found.values()))

    def act(
        self, document: Document, number: str, action: str, body: Mapping[str, Any], key: str
    ) -> Stored | Failure | None:
        """There is no file type that changes a document (§6.1)."""
        return Unsupported(message=f"There is no file that can {action} a document; a person does it in Prima.")

    # --- answers ----------------------------------------------------------------------------------------------------

    def _read(self, ref: str) -> Correspondence:
        """Take in what Prima wrote, then look up one reference."""
        for name in self._handed:  # told with an earlier outcome, which has been recorded by now
            self._journal.handed_over(name)
        self._handed.clear()
        if self._clock() - self._collected > self._config.drop_poll_s / 4:
            self._collect()
            self._collected = self._clock()
        known = self._journal.of(ref)
        if not known.letters and self._journal.recovered(ref):
            known = self._journal.of(ref)
        return known

    def _collect(self) -> None:
        for kind in ("ack", "resp"):
            for name in self._folder.names(kind):
                if name.endswith((".csv", ".xml")) and f"_{self._config.interface}_" in name:
                    self._take(kind, name)

    def _take(self, kind: str, name: str) -> None:
        """One answer file: its rows are kept first, then it goes to the archive. An unfinished one is left alone."""
        body = self._folder.read(f"{kind}/{name}")
        if body is None:
            return
        try:
            file = filedrop.read_xml_form(body) if name.endswith(".xml") else filedrop.read_csv(body)
        except UnreadableError as trouble:
            self._journal.wonder(
                _finding("unreadable_erp_record", name, f"The answer file {name} is unreadable: {trouble}.")
            )
            self._folder.move(f"{kind}/{name}", f"error/{name}")
            return
        if not file.complete:
            return
        for row in file.rows:
            self._note(kind, name, row, file.line_rows)
        self._folder.move(f"{kind}/{name}", f"archive/{name}")

    def _note(self, kind: str, name: str, row: filedrop.Row, line_rows: Sequence[filedrop.Row]) -> None:
        ours = name.partition("_")[2] if kind == "resp" else row["original_name"]
        letter = self._journal.letter_of(_without_suffix(ours))
        ref = row.get("external_ref", "") if kind == "resp" else letter.ref if letter is not None else ""
        if letter is None or letter.ref != ref:
            message = f"{name} answers {ref or ours}, which was never sent."
            self._journal.wonder(_finding("document_differs", ref or ours, message))
            return
        line = next((line for line in line_rows if line["external_ref"] == ref and line["code"]), None)
        reply = Reply(
            type=kind.upper(),
            name=letter.name,
            status=row["status"].upper(),
            erp_number=row.get("erp_number", ""),
            code=row["code"] or (line["code"] if line else ""),
            message=sentence(row["message"] or (line["message"] if line else "")),
            total_gross=row.get("total_gross", ""),
        )
        self._contradicts(ref, reply)
        self._journal.note(ref, reply)

    def _contradicts(self, ref: str, reply: Reply) -> None:
        """A later answer that says otherwise is an exception; the number that was stored first is kept (§6.3)."""
        if reply.type != "RESP":
            return
        earlier = [known for known in self._journal.of(ref).replies if known.type == "RESP" and known.status in _MADE]
        for known in earlier:
            other = reply.erp_number != known.erp_number if reply.status in _MADE else reply.name == known.name
            if other and reply.status != "HELD":
                said = reply.erp_number or reply.status
                message = f"Prima answered {ref} with {known.erp_number} and later with {said}; the first is kept."
                self._journal.wonder(_finding("document_differs", ref, message))

    # --- reading ----------------------------------------------------------------------------------------------------

    def made(self, document: Document, record: Mapping[str, Any]) -> Stored | Fields | Failure | None:
        """What became of a document; None when it was not sent, or when Prima surely stored nothing of it."""
        ref = str(record["external_ref"])
        with self._lock:
            try:
                known = self._read(ref)
                if not known.letters:
                    return self._look(document, ref)
                settled = self._settled(document, ref, known)
                if isinstance(settled, Refused):
                    return None  # `create` reports it, or sends it again when a person asked for that
                if settled is not None:
                    return settled
                last = known.last
                told = _count(known, "told", last) > _count(known, "again", last)
                return None if told else self._overdue(document, ref, known) or self._waiting("The answer is awaited.")
            except FolderError as error:
                return Busy(message="The file drop could not be reached.", detail=str(error))

    def by_ref(self, document: Document, external_ref: str) -> Fields | Failure | None:
        """Over the read channel."""
        return self._reads.by_ref(document, external_ref) if self._reads else Unsupported(message=_NO_CHANNEL)

    def by_number(self, document: Document, number: str) -> Fields | Failure | None:
        """Over the read channel."""
        return self._reads.by_number(document, number) if self._reads else None

    def orders(self, external_order_ref: str) -> list[Fields] | Failure:
        """Over the read channel."""
        return self._reads.orders(external_order_ref) if self._reads else Unsupported(message=_NO_CHANNEL)

    def credits_of(self, return_number: str) -> list[Fields] | Failure:
        """Over the read channel."""
        return self._reads.credits_of(return_number) if self._reads else Unsupported(message=_NO_CHANNEL)

    def customer(self, code: str) -> Fields | Failure | None:
        """Over the read channel."""
        return self._reads.customer(code) if self._reads else None

    def stock(self, skus: Sequence[str]) -> tuple[StockLevel, ...] | Failure:
        """Over the read channel."""
        return self._reads.stock(skus) if self._reads else Unsupported(message=_NO_CHANNEL)

    def listed(self, document: Document, since: str, until: str) -> Iterator[Fields]:
        """Over the read channel."""
        return self._reads.listed(document, since, until) if self._reads else iter(())

    def codes(self, table: str) -> list[str] | Failure:
        """Over the read channel; without one, whether the folder can be listed is all there is to check."""
        if self._reads is not None:
            return self._reads.codes(table)
        return Unsupported(message="files cannot be asked for it.")

    def close(self) -> None:
        """Release folder and read channel."""
        self._folder.close()
        if self._reads is not None:
            self._reads.close()


def _count(known: Correspondence, word: str, letter: Letter) -> int:
    return sum(mark.word == word and mark.seq == letter.seq for mark in known.marks)


def _about(known: Correspondence, letter: Letter) -> list[Reply]:
    return [reply for reply in known.replies if reply.name == letter.name]


def _without_suffix(name: str) -> str:
    """`…_00000007_2.csv` is the second answer to `…_00000007.csv`."""
    stem, dot, ext = name.rpartition(".")
    head, _, tail = stem.rpartition("_")
    return f"{head}{dot}{ext}" if tail.isdecimal() and len(tail) < 8 else name


def _refusal(reply: Reply) -> Refused:
    """A refused file or document, with what its code means (§5, §6.3)."""
    code = reply.code or None
    message = reply.message or (f"Prima refused the file {reply.name}." if reply.type == "ACK" else "")
    told = f"{code}: {message}" if code and message else message or code or "Prima refused without saying why."
    failure = failure_of(ErpError(status=200, rule=rule_for(code), code=code, message=told), writes=False)
    if isinstance(failure, Refused):
        return failure
    return Refused(kind="erp_refused", message=told, code=code)


def _finding(kind: str, subject: str, message: str) -> Finding:
    return Finding(kind=kind, owner=Owner.INTEGRATION, message=message, subject=subject)
