"""The live connection to one shop at ReturnGO: reading, status changes, comments, polling (ReturnGO sheet §2).

No write takes an idempotency key, and the bodies of writes and answers are inferred. So every write can be looked up by
what the RMA shows, and a change of status is only Done when the RMA, read again, has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from html import escape
from typing import Any
from urllib.parse import quote

from counterfoil.adapterkit.http import Http
from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.core.commands import AnyCommand, CancelReturn, CloseReturn, ReadReturn, SendNote
from counterfoil.core.returns import Stage
from counterfoil.portals.returngo import polling, subscriptions
from counterfoil.portals.returngo.config import ReturnGOConfig
from counterfoil.portals.returngo.meter import Meter, Purpose
from counterfoil.portals.returngo.subscriptions import filled
from counterfoil.portals.returngo.translate import translate_rma
from counterfoil.portals.returngo.transport import Heard, Transport
from counterfoil.portals.returngo.words import STAGES, plain
from counterfoil.ports.outcomes import AlreadyDone, Busy, Done, Outcome, Refused, Unknown, Unsupported
from counterfoil.ports.translation import Translation
from counterfoil.ports.vendors import Probe, Tally


class ReturnGOClient:
    """One connection; its calls block, one at a time, and several threads may share it. The clock is for tests."""

    def __init__(self, config: ReturnGOConfig, clock: Callable[[], float] = time.time) -> None:
        headers = {"x-api-key": config.api_key, "x-shop-name": config.shop_name, "Accept": "application/json"}
        self._config = config
        self.meter = Meter(
            clock, config.calls_per_day, for_writes=config.reserve_for_writes, for_reads=config.reserve_for_reads
        )
        self._returngo = Transport(Http(config.base_url, headers, config.timeout_s), self.meter)
        self._poller = polling.Poller(self._get_for_poll, config, clock)

    def perform(self, command: AnyCommand) -> Outcome:
        """Try once. A refusal because it is already so is AlreadyDone."""
        match command:
            case ReadReturn():
                return self._read(command.case.return_id)
            case SendNote():
                return self._note(command)
            case CancelReturn() | CloseReturn() if self._status_for(command):
                return self._move(command)
        return Unsupported(message=f"ReturnGO's API has no such action as {type(command).__name__}.")

    def find(self, command: AnyCommand) -> Outcome | None:
        """Whether the RMA shows that the command was carried out; None when it surely does not."""
        match command:
            case SendNote():
                return self._find_note(command)
            case CancelReturn() | CloseReturn() if self._status_for(command):
                return self._find_status(command)
        return None

    def changes(self, since: str, until: str) -> Iterator[Translation]:
        """Every return that may have changed between two RFC 3339 moments. Raises PollStoppedError when cut short."""
        return self._poller.changes(since, until)

    def ensure_webhooks(self, url: str) -> Outcome:
        """Register every event to `url`, which must end in one of the secret paths; says what was added."""
        return subscriptions.ensure(self._returngo, url, self._config.mapping.webhook_body)

    def probe(self) -> Probe:
        """Whether the key may read this shop's returns and webhooks. Costs two calls, writes nothing."""
        returns = self._returngo.get(polling.LIST_PATH, {"pagesize": "1"})
        hooks = self._returngo.get(subscriptions.LIST_PATH)
        left = self.meter.left(Purpose.POLL)
        checks = (
            _check(returns, "The key may read this shop's returns.", "The returns cannot be read"),
            _check(hooks, "The key may read webhooks.", "The webhooks cannot be read"),
            (bool(self._config.webhook_secrets), "A secret webhook path is set: ReturnGO signs nothing else."),
            (left > 0, f"{left} of {self._config.calls_per_day} calls are left for polling today."),
        )
        return Probe(ok=all(good for good, _ in checks), checks=checks)

    def count_with(self, tally: Tally) -> None:
        """Keep the day's calls where they outlive this client (§1)."""
        self.meter.count_with(tally)

    def close(self) -> None:
        """Release sockets."""
        self._returngo.close()

    # --- one return -------------------------------------------------------------------------------------------------

    def _get_for_poll(self, path: str, params: Any) -> Heard | Outcome:
        return self._returngo.get(path, params, Purpose.POLL)

    def _whole(self, return_id: str, purpose: Purpose = Purpose.READ) -> Heard | Outcome:
        heard = self._returngo.get(_path(return_id), {"includeMedia": "false"}, purpose)
        if isinstance(heard, Heard) and not isinstance(heard.value, dict):
            return Busy(message="ReturnGO's answer was not a return.")
        return heard

    def _read(self, return_id: str) -> Outcome:
        heard = self._whole(return_id)
        if not isinstance(heard, Heard):
            return heard
        read = translate_rma(heard.value, self._config.mapping)
        if read.portal_return is None or read.portal_return.return_id != return_id:
            message = f"ReturnGO answered for another return than {return_id}."
            if read.portal_return is None:
                message = read.problems[0].message
            return Refused(kind="unreadable_delivery", message=message)
        number = read.portal_return.order_name
        return Done(ref=return_id, number=number, facts=read.events, findings=read.problems)

    # --- status -----------------------------------------------------------------------------------------------------

    def _status_for(self, command: AnyCommand) -> str:
        mapping = self._config.mapping
        return mapping.cancel_status if isinstance(command, CancelReturn) else mapping.close_status

    def _move(self, command: AnyCommand) -> Outcome:
        body = filled(self._config.mapping.status_body, status=self._status_for(command))
        heard = self._returngo.write("PUT", f"{_path(command.case.return_id)}/status", body)
        if isinstance(heard, Refused):
            found = self._find_status(command)
            return _as_already(found) if isinstance(found, Done) else heard
        if not isinstance(heard, Heard):
            return heard
        found = self._find_status(command)
        if found is None:
            message = "ReturnGO answered with success, but the return's status did not change."
            return Refused(kind="portal_refused", message=message)
        return found if isinstance(found, Done) else Unknown(message="ReturnGO took the change; it was not seen yet.")

    def _find_status(self, command: AnyCommand) -> Outcome | None:
        """Done when the RMA has the status, or another of the same meaning (a rejected return is cancelled too)."""
        heard = self._whole(command.case.return_id, Purpose.WRITE)  # a write is not over before it was seen
        if not isinstance(heard, Heard):
            return heard
        status = _status(heard.value)
        wanted = STAGES.get(self._status_for(command).lower(), Stage.CANCELLED)
        if STAGES.get(status) is not wanted:
            return None
        read = translate_rma(heard.value, self._config.mapping)
        return Done(ref=command.case.return_id, message=f"ReturnGO shows the return as {status}.", facts=read.events)

    # --- comments ---------------------------------------------------------------------------------------------------

    def _note(self, command: SendNote) -> Outcome:
        text = " ".join(command.text.split())
        body = filled(self._config.mapping.comment_body, html=escape(text, quote=False), text=text)
        heard = self._returngo.write("POST", f"{_path(command.case.return_id)}/comment", body)
        return Done(ref=command.case.return_id, message="ReturnGO has the note.") if isinstance(heard, Heard) else heard

    def _find_note(self, command: SendNote) -> Outcome | None:
        heard = self._whole(command.case.return_id, Purpose.WRITE)
        if not isinstance(heard, Heard):
            return heard
        wanted = " ".join(command.text.split())
        try:
            said = [plain(comment.text("htmlText") or "") for comment in Fields(heard.value).each("comments")]
        except UnreadableError as error:
            return Busy(message="ReturnGO's timeline could not be read.", detail=str(error))
        return Done(ref=command.case.return_id, message="ReturnGO has the note.") if wanted in said else None


def _path(return_id: str) -> str:
    return f"/rma/{quote(return_id, safe='')}"


def _status(value: Any) -> str:
    head = value.get("rmaSummary") if isinstance(value, dict) else None
    return str(head.get("status") or "").lower() if isinstance(head, dict) else ""


def _as_already(found: Done) -> AlreadyDone:
    return AlreadyDone(**{name: getattr(found, name) for name in found.__struct_fields__})


def _check(heard: Heard | Outcome, good: str, bad: str) -> tuple[bool, str]:
    return (True, good) if isinstance(heard, Heard) else (False, f"{bad}: {heard.message}")
