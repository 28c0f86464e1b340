"""What changed at ReturnGO: the list, the status of every open return, new transactions, and old readings (sheet §2, T4).

`lastUpdated` stays where it was while parcels arrive and store credits are issued, so asking by `rma_updated_at` alone
would miss receipts. A list row costs little (500 to a call), a whole RMA costs a call, and there are 2000 a day: a
return is read whole when its row changed, when a transaction of it did, or when its last reading is old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from counterfoil.adapterkit.parse import Fields, UnreadableError
from counterfoil.adapterkit.signing import digest
from counterfoil.portals.returngo.config import ReturnGOConfig
from counterfoil.portals.returngo.readings import Readings
from counterfoil.portals.returngo.translate import translate_rma
from counterfoil.portals.returngo.transport import Heard
from counterfoil.portals.returngo.wire import Rma, read_summary
from counterfoil.ports.outcomes import Busy, LockedOut, Outcome, Refused
from counterfoil.ports.translation import Translation

LIST_PATH = "/rmas"
TRANSACTIONS_PATH = "/transactions"
OPEN_STATUSES = "Pending,Approved,Received,Validated"
PAGE_SIZE = 500  # ReturnGO's largest: calls are what is scarce
PAGES_MAX = 400
LOOK_BACK_S = 4 * 3600  # ReturnGO's own clocks are hours apart (T11); transactions seen again cost nothing
FAILURES_MAX = 3  # after so many readings in a row that failed, the trouble is not one return's

Get = Callable[[str, Mapping[str, str]], Heard | Outcome]


class PollStoppedError(RuntimeError):
    """The poll could not be finished; what was yielded is good, and the window must be asked again."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class Poller:
    """Polls one shop. Remembers what it has read, so that the next poll reads only what may have changed.

    The memory ends with the process; then everything open is read once more, `details_per_poll` at a time.
    """

    def __init__(self, get: Get, config: ReturnGOConfig, clock: Callable[[], float]) -> None:
        self._get = get
        self._config = config
        self._clock = clock
        self._readings = Readings(clock)
        self._transactions: frozenset[str] = frozenset()
        self._swept_at: float | None = None
        self._asking: tuple[str, float] = ("", 0.0)  # the window under way, and when it was first asked for
        self._complete_from: float | None = None  # everything that changed before was read

    def changes(self, since: str, until: str) -> Iterator[Translation]:
        """Every return that may have changed in the window, whole. Raises PollStoppedError when it was cut short."""
        start, first_asked = self._window(since)
        sweep = self._swept_at is None or self._clock() - self._swept_at >= self._config.open_sweep_s
        wanted = self._wanted(start, _at(until), first_asked, sweep=sweep)
        yield from self._read_all(wanted)
        self._complete_from = first_asked
        if sweep:
            self._swept_at = self._clock()
        self._readings.forget_old()

    def _window(self, since: str) -> tuple[datetime, float]:
        """Where to start, and when this window was asked for first: one that was cut short is asked again.

        Returns read while an earlier window was being finished may have changed since, so a window begins no later
        than the one before was first asked for.
        """
        if self._asking[0] != since:
            self._asking = (since, self._clock())
        start = _at(since)
        if self._complete_from is not None:
            start = min(start, datetime.fromtimestamp(self._complete_from, UTC))
        return start, self._asking[1]

    # --- which returns to read --------------------------------------------------------------------------------------

    def _wanted(self, since: datetime, until: datetime, first_asked: float, *, sweep: bool) -> dict[str, str]:
        """The returns to read, most telling reason first, each with the identity of its list row."""
        wanted: dict[str, str] = {}
        for rma in self._rows({"rma_updated_at": f"gte:{_text(since)}"}, until):
            row = _identity(rma)
            if self._readings.read_at(rma.rma_id) < first_asked or self._readings.row(rma.rma_id) != row:
                wanted[rma.rma_id] = row
        if sweep:
            for rma in self._rows({"status": OPEN_STATUSES}, until):
                if self._readings.row(rma.rma_id) != _identity(rma):
                    wanted.setdefault(rma.rma_id, _identity(rma))
            for rma_id in self._with_new_transactions(since):
                wanted.setdefault(rma_id, self._readings.row(rma_id))
        for rma_id in self._readings.old(self._config.open_reread_s):
            wanted.setdefault(rma_id, self._readings.row(rma_id))
        return wanted

    def _with_new_transactions(self, since: datetime) -> list[str]:
        """Transactions do not name their return (§2); those of units we have read are joined through their ids."""
        start = datetime.fromtimestamp(since.timestamp() - LOOK_BACK_S, UTC)
        rows = list(self._pages(TRANSACTIONS_PATH, "transactions", {"updated_at": f"gte:{_text(start)}"}))
        stamps = {digest(repr(sorted(row.data.items()))): row for row in rows}
        new = [row for stamp, row in stamps.items() if stamp not in self._transactions]
        self._transactions = frozenset(stamps)
        owners = [self._readings.owner(unit_id) for row in new for unit_id in _ids(row.raw("returnItemIds"))]
        return [rma_id for rma_id in owners if rma_id is not None]

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read_all(self, wanted: Mapping[str, str]) -> Iterator[Translation]:
        """One return that cannot be read must not hide the others: it is old at once, and read by the next poll."""
        failures = 0
        for position, (rma_id, row) in enumerate(wanted.items()):
            if position >= self._config.details_per_poll:
                raise PollStoppedError(Busy(message=f"{len(wanted) - position} returns are left for the next poll."))
            heard = self._get(f"/rma/{quote(rma_id, safe='')}", {"includeMedia": "false"})
            if isinstance(heard, Heard):
                failures = 0
                found = self._taken(rma_id, row, heard.value)
                if found is not None:
                    yield found
            elif isinstance(heard, Refused):
                self._readings.drop(rma_id)  # listed, and gone meanwhile
            else:
                failures += 1
                self._readings.failed(rma_id)
                if failures >= FAILURES_MAX or isinstance(heard, LockedOut):
                    raise PollStoppedError(heard)

    def _taken(self, rma_id: str, row: str, value: Any) -> Translation | None:
        """The whole return, or None when it is as it was (T4: a hash of the detail tells)."""
        found = translate_rma(value, self._config.mapping)
        still_open = found.portal_return is None or not found.portal_return.stage.final
        changed = self._readings.keep(
            rma_id, row=row, whole=digest(repr(found)), still_open=still_open, units=_units(value)
        )
        return found if changed else None

    def _rows(self, own: Mapping[str, str], until: datetime) -> Iterator[Rma]:
        """List rows. One without an id cannot be read whole; one made after the window is the next poll's."""
        for row in self._pages(LIST_PATH, "rmas", own):
            try:
                rma = read_summary(row)
            except UnreadableError:
                continue
            if rma.created_at is None or _at(rma.created_at) <= until:
                yield rma

    def _pages(self, path: str, name: str, own: Mapping[str, str]) -> Iterator[Fields]:
        """Every row, page by page, in the list's own order: its cursor is a keyset on ids (§2). The filters go with it."""
        query = {"pagesize": str(PAGE_SIZE), **own}
        cursors: list[str] = []
        for _ in range(PAGES_MAX):
            heard = self._get(path, {**query, "cursor": cursors[-1]} if cursors else query)
            if not isinstance(heard, Heard):
                raise PollStoppedError(heard)
            rows = heard.value.get(name) if isinstance(heard.value, dict) else None
            if not isinstance(rows, list):
                raise PollStoppedError(Busy(message=f"ReturnGO's answer had no {name} in it."))
            yield from (Fields(row) for row in rows if isinstance(row, dict))
            following = heard.value.get("next_cursor")
            if not rows or not following or str(following) in cursors:
                return
            cursors.append(str(following))
        raise PollStoppedError(Refused(kind="portal_refused", message=f"ReturnGO's list has over {PAGES_MAX} pages."))


def _identity(rma: Rma) -> str:
    return digest(repr((rma.status, rma.order_name, rma.events)))


def _ids(value: Any) -> list[str]:
    return [str(one) for one in value if isinstance(one, str | int)] if isinstance(value, list) else []


def _units(value: Any) -> list[str]:
    items = value.get("items") if isinstance(value, dict) else None
    rows = items if isinstance(items, list) else []
    return _ids([row.get("returnedItemId") for row in rows if isinstance(row, dict)])


def _at(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _text(when: datetime) -> str:
    """As the query wants it: without a zone (§1), which we read as UTC."""
    return when.strftime("%Y-%m-%dT%H:%M:%S")
