"""The live connection to one shop at Loop: actions, reads, polling and webhook subscriptions (Loop sheet §6).

None of Loop's actions takes an idempotency key (§6.3). So every write can be looked up by the state it leads to, and a
refused write is answered AlreadyDone when the return shows that it had happened before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from counterfoil.adapterkit.http import Http
from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.commands import (
    AnyCommand,
    CancelReturn,
    CloseReturn,
    FlagReturn,
    ReadReturn,
    ReleaseRefund,
    ReportInspection,
    SendNote,
)
from counterfoil.core.returns import PortalReturn, Stage
from counterfoil.portals.loop import inspection, polling, subscriptions
from counterfoil.portals.loop.config import LoopConfig
from counterfoil.portals.loop.pace import Pace
from counterfoil.portals.loop.translate import translate_row
from counterfoil.portals.loop.transport import Heard, Transport
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, Outcome, Refused, Unknown, Unsupported
from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Probe

NOTE_MAX = 255  # characters (§6.3)
QUEUE_LOOKS_S = (1.0, 3.0)  # pauses before looking again whether a refused release was queued earlier


class LoopClient:
    """One connection; its calls block, and several threads may share it. Clock and sleep are given for tests."""

    def __init__(
        self,
        config: LoopConfig,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"X-Authorization": config.api_key, "Content-Type": "application/json", "Accept": "application/json"}
        self._config = config
        self._sleep = sleep
        self._loop = Transport(
            Http(config.base_url, headers, config.timeout_s), Pace(clock, config.calls_per_minute), sleep
        )

    def perform(self, command: AnyCommand) -> Outcome:
        """Try once. A refusal because it is already so is AlreadyDone."""
        match command:
            case ReadReturn():
                return self._read(command.case.return_id)
            case ReleaseRefund():
                return self._act(command, "process", _additional_details(command))
            case CancelReturn():
                return self._act(command, "cancel")
            case CloseReturn():
                return self._act(command, "close")
            case SendNote():
                return self._act(command, "note", {"content": _note(command.text)})
            case FlagReturn():
                return self._flag(command)
            case ReportInspection():
                return self._report(command)
        return Unsupported(message=f"Loop has no such action as {type(command).__name__}.")

    def find(self, command: AnyCommand) -> Outcome | None:
        """Whether the return shows that the command was carried out; None when it surely does not.

        A processing that Loop has queued and not begun leaves no trace: the return is still open (§1.5).
        """
        match command:
            case ReadReturn():
                return None
            case ReleaseRefund():
                return self._shows(command, _is_processed)
            case CancelReturn():
                return self._shows(command, lambda seen: seen.stage is Stage.CANCELLED)
            case CloseReturn():
                return self._shows(command, lambda seen: seen.stage is Stage.PROCESSED)
            case SendNote():
                return self._find_note(command.case.return_id, _note(command.text))
            case FlagReturn():
                flagged, reason = self._shows(command, _in_review), _note(command.reason)
                return self._find_note(command.case.return_id, reason) if _done(flagged) and reason else flagged
            case ReportInspection():
                return self._shows(command, lambda seen: inspection.already_told(command.units, seen))
        return None

    def changes(self, since: str, until: str) -> Iterator[Translation]:
        """Every return created or changed between two RFC 3339 moments. Raises PollStoppedError when cut short."""
        return polling.changes(self._loop.get_patiently, since, until)

    def ensure_webhooks(self, url: str) -> Outcome:
        """Make every webhook we need point to `url`, active; says what was added or woken."""
        return subscriptions.ensure(self._loop, url)

    def probe(self) -> Probe:
        """Whether the key may read returns and webhooks. Writes nothing."""
        returns = self._loop.get(polling.LIST_PATH, {"paginate": "true", "pageSize": "1"})
        hooks = self._loop.get(subscriptions.PATH)
        checks = (
            _check(returns, "The key may read returns.", "The key cannot read returns (scope Returns)"),
            _check(hooks, "The key may read webhooks.", "The key cannot read webhooks (scope Developer Tools)"),
        )
        return Probe(ok=all(good for good, _ in checks), checks=checks)

    def close(self) -> None:
        """Release sockets."""
        self._loop.close()

    # --- one return -------------------------------------------------------------------------------------------------

    def _details(self, return_id: str) -> Translation | Outcome:
        heard = self._loop.get(polling.DETAILS_PATH, {"return_id": return_id})
        if not isinstance(heard, Heard):
            return heard
        if not isinstance(heard.value, dict):
            return Busy(message="Loop's details of the return were not a return.")
        return translate_row(heard.value)

    def _read(self, return_id: str) -> Outcome:
        read = self._details(return_id)
        if not isinstance(read, Translation):
            return read
        if read.portal_return is None or read.portal_return.return_id != return_id:
            message = (
                read.problems[0].message if read.problems else f"Loop answered for another return than {return_id}."
            )
            return Refused(kind="unreadable_delivery", message=message)
        return Done(ref=return_id, number=read.portal_return.order_name, facts=read.events)

    def _shows(self, command: AnyCommand, holds: Callable[[PortalReturn], bool]) -> Outcome | None:
        """Done when the return, read again, is as the command wants it; None when not; else why it cannot be said."""
        read = self._details(command.case.return_id)
        if not isinstance(read, Translation):
            return read
        if read.portal_return is None:
            return Refused(kind="unreadable_delivery", message=read.problems[0].message)
        if not holds(read.portal_return):
            return None
        message = f"Loop shows the return as {read.portal_return.state}."
        return Done(ref=command.case.return_id, message=message, facts=read.events)

    def _find_note(self, return_id: str, text: str) -> Outcome | None:
        heard = self._loop.get(f"{_path(return_id)}/notes")
        if not isinstance(heard, Heard):
            return heard
        for note in _notes(heard.value):
            if (note.text("content") or "") == text:
                return Done(ref=note.text("id"), message="Loop has the note.")
        return None

    # --- writing ----------------------------------------------------------------------------------------------------

    def _act(self, command: AnyCommand, action: str, body: Any = None) -> Outcome:
        """One action on one return. It succeeded only if Loop said `true` (§7)."""
        heard = self._loop.write("POST", f"{_path(command.case.return_id)}/{action}", body)
        if isinstance(heard, Refused):
            return self._unless_already(command, heard)
        if not isinstance(heard, Heard):
            return heard
        if heard.value is False:
            return Refused(kind="portal_refused", message=f"Loop refused the action {action} without a reason.")
        if heard.verdict.answer.result != "accepted":
            return Unknown(message=f"Loop answered the action {action} neither with yes nor with no.")
        return Done(ref=command.case.return_id, message=heard.verdict.answer.message)

    def _unless_already(self, command: AnyCommand, refused: Refused) -> Outcome:
        """AlreadyDone when the return shows what was refused; one that is queued is refused too, and still open."""
        queued = isinstance(command, ReleaseRefund) and refused.code == "UNPROCESSABLE_RETURN"
        for pause_s in (0.0, *QUEUE_LOOKS_S) if queued else (0.0,):
            if pause_s:
                self._sleep(pause_s)
            found = self.find(command)
            if isinstance(found, Done):
                return _as_already(found)
        return refused

    def _flag(self, command: FlagReturn) -> Outcome:
        """Into review, then the reason as a note: `flag` itself takes none (§6.3)."""
        heard = self._loop.write("POST", f"{_path(command.case.return_id)}/flag")
        if isinstance(heard, Refused) and not _done(self._shows(command, _in_review)):
            return heard
        if not isinstance(heard, Heard | Refused):
            return heard
        if not _note(command.reason):
            return Done(ref=command.case.return_id, message="The return is in review.")
        noted = self._act(SendNote(case=command.case, step=command.step, text=command.reason), "note", _reason(command))
        if isinstance(noted, Done):
            return noted
        if isinstance(noted, Refused):
            return Done(
                ref=command.case.return_id, message=f"In review; the reason could not be noted: {noted.message}"
            )
        return Unknown(message="The return is in review; its reason may not have been noted.", detail=noted.detail)

    def _report(self, command: ReportInspection) -> Outcome:
        """Grades, then dispositions, in parts. When a later part fails the earlier ones are written: Unknown."""
        for written, (path, body) in enumerate(inspection.calls(command.units, self._config.return_processor)):
            heard = self._loop.write("POST", path, body)
            if isinstance(heard, Busy) and written:
                return Unknown(message="Loop took a part of the inspection and is busy now.", detail=heard.detail)
            if not isinstance(heard, Heard):
                return heard
        return Done(ref=command.case.return_id, message=f"Loop has the inspection of {len(command.units)} lines.")


def _path(return_id: str) -> str:
    return f"/warehouse/return/{quote(return_id, safe='')}"


def _note(text: str) -> str:
    line = text.strip()
    return line if len(line) <= NOTE_MAX else line[: NOTE_MAX - 1] + "…"


def _reason(command: FlagReturn) -> dict[str, str]:
    return {"content": _note(command.reason)}


def _additional_details(command: ReleaseRefund) -> dict[str, str]:
    """What Loop copies to a new order's Additional Details and to the timeline: our reference and our RMA (§6.3)."""
    said = {"counterfoil_return": command.case.case_id, "note": command.note}
    return {name: text for name, text in said.items() if text}


def _notes(value: Any) -> Iterator[Fields]:
    """The notes of an answer in both its shapes, under `notes` or bare; 422 `false` means there are none (§6.3)."""
    try:
        yield from Fields(value if isinstance(value, dict) else {"notes": value}).each("notes")
    except UnreadableError:
        return


def _is_processed(seen: PortalReturn) -> bool:
    return seen.stage is Stage.PROCESSED or bool(seen.refunds)


def _in_review(seen: PortalReturn) -> bool:
    return seen.stage is Stage.REQUESTED and seen.state != ""


def _done(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Done)


def _as_already(found: Done) -> AlreadyDone:
    return AlreadyDone(**{name: getattr(found, name) for name in found.__struct_fields__})


def _check(heard: Heard | Outcome, good: str, bad: str) -> tuple[bool, str]:
    if isinstance(heard, Heard):
        return True, good
    return False, f"{bad}: {heard.message}"
