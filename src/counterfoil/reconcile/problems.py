"""What was wrong with the files, one sentence each: which file, which row, and the cure (file contract §1)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that could not be read. `rows` were set aside; with `whole_file` nothing of the file was used."""

    file: str
    sentence: str
    rows: int = 0
    whole_file: bool = False


@dataclass(slots=True)
class Findings:
    """What reading found: complaints make the exit status 2, notes do not."""

    complaints: list[Complaint] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def complain(self, file: str, sentence: str, *, rows: int = 0, whole_file: bool = False) -> None:
        """Remember one complaint; the same sentence is said once."""
        complaint = Complaint(file, sentence, rows, whole_file)
        if complaint not in self.complaints:
            self.complaints.append(complaint)

    def note(self, sentence: str) -> None:
        """Remember something a reader should know that is no fault."""
        if sentence not in self.notes:
            self.notes.append(sentence)


class UnusableError(Exception):
    """A file that cannot be used at all; the message is the sentence about it."""
