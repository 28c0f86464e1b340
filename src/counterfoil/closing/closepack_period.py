"""An accounting period: a calendar month in the merchant's zone, and the instant it is cut off at."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

_FORM = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class CloseError(ValueError):
    """The pack cannot be made or signed as asked; the message says why and what to do."""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One month. `cut_ms` is the first instant that no longer belongs to it, in milliseconds since 1970 UTC."""

    name: str
    zone: str
    cut_ms: int
    last_day: str
    reverses_on: str

    @property
    def cut_off(self) -> str:
        """The cut-off instant, RFC 3339 in UTC."""
        return datetime.fromtimestamp(self.cut_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def period(name: str, zone: str = "UTC") -> Period:
    """A period by its name, such as "2026-10". CloseError when it is none, or the zone is unknown."""
    found = _FORM.fullmatch(name)
    if found is None or not 1970 <= int(found[1]) <= 9998:
        raise CloseError(f"{name!r} is no period; write the month as YYYY-MM, such as 2026-10")
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise CloseError(
            f"the setting close.zone is {zone!r}, which is no time zone; write one as Europe/London"
        ) from None
    year, month = int(found[1]), int(found[2])
    after = date(year + month // 12, month % 12 + 1, 1)
    cut = datetime(after.year, after.month, 1, tzinfo=place)
    last = date.fromordinal(after.toordinal() - 1)
    return Period(
        name=name,
        zone=zone,
        cut_ms=int(cut.timestamp()) * 1000,
        last_day=last.isoformat(),
        reverses_on=after.isoformat(),
    )


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name. CloseError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise CloseError(
            f"the setting close.zone is {name!r}, which is no time zone; write one as Europe/London"
        ) from None


def moment_ms(text: str | None) -> int | None:
    """An RFC 3339 moment in milliseconds; None when there is none or it cannot be read."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
