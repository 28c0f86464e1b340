"""The legal clock: until when the money of a withdrawal is due, by a country's own days, holidays and time zone.

Values come from data files with their source and date; they are off unless chosen, and labelled to be checked by
somebody who may give legal advice. Everything here is pure: moments go in and come out as RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE = timedelta(days=1)
_SATURDAY = 5


class LegalRule(msgspec.Struct, frozen=True, kw_only=True):
    """One country's deadline for paying a withdrawal back.

    * `days` after the day it counts from; `days_are` "calendar" or "business";
    * `counts_from` "notice" (the customer withdrew) or "evidence" (goods came, or were shown to be posted);
    * `moves_on`: a last day that is no working day moves to the next one;
    * `proof_of_posting`: evidence of posting ends the right to wait for the goods;
    * `zone` names the time zone whose midnight counts; `holidays` is written as in `holiday_days`;
    * `source` and `dated` say where a value was read, and when.
    """

    country: str
    days: int
    counts_from: str = "notice"
    days_are: str = "calendar"
    moves_on: bool = True
    proof_of_posting: bool = True
    zone: str = "UTC"
    holidays: tuple[str, ...] = ()
    source: str = ""
    dated: str = ""


class LegalClock(msgspec.Struct, frozen=True, kw_only=True):
    """The countries whose deadlines were chosen, and what happens as one comes near.

    The warning comes `warn_business_days` before the last day. With `opens_gate`, evidence of posting (where the law
    takes it) opens the gate from the warning on; without, a person decides.
    """

    rules: tuple[LegalRule, ...]
    warn_business_days: int = 3
    opens_gate: bool = False

    def rule(self, country: str) -> LegalRule | None:
        """The rule of a country, None where none was chosen."""
        return next((rule for rule in self.rules if rule.country == country.upper()), None)


def last_day(rule: LegalRule, start: date) -> date:
    """The last day on which the money may be paid, when the period starts on this day (which is not counted)."""
    day = start
    if rule.days_are == "business":
        for _ in range(rule.days):
            day = _next_working(rule, day + _ONE)
        return day
    day = start + timedelta(days=rule.days)
    return _next_working(rule, day) if rule.moves_on else day


def deadline(rule: LegalRule, moment: str) -> str:
    """The first moment that is too late: local midnight after the last day, in UTC."""
    return _midnight(rule, last_day(rule, local_day(rule, moment)) + _ONE)


def warning(rule: LegalRule, moment: str, business_days: int) -> str:
    """When to warn: the start of the day so many business days before the last one, but never before the start."""
    start = local_day(rule, moment)
    day = last_day(rule, start)
    for _ in range(business_days):
        day -= _ONE
        while not working(rule, day):
            day -= _ONE
    return max(_midnight(rule, max(day, start)), moment)


def local_day(rule: LegalRule, moment: str) -> date:
    """The day a moment falls on where the customer is."""
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(rule.zone)).date()


def working(rule: LegalRule, day: date) -> bool:
    """Whether a day is neither Saturday, Sunday nor a public holiday."""
    return day.weekday() < _SATURDAY and day not in holiday_days(rule.holidays, day.year)


def _next_working(rule: LegalRule, day: date) -> date:
    while not working(rule, day):
        day += _ONE
    return day


def _midnight(rule: LegalRule, day: date) -> str:
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(rule.zone))
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- holidays -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def holiday_days(words: tuple[str, ...], year: int) -> frozenset[date]:
    """The public holidays of a year. ValueError with the word that cannot be read.

    A word is `12-25` (every year), `2027-05-03` (that year alone), `easter+1` (days from Easter Sunday), or
    `1 mon may` / `last mon may`; `observed` after a date gives a substitute day when it falls on a weekend, and
    `not sun` moves it to the day before.
    """
    found: set[date] = set()
    for word in words:
        day = _read(word.replace(" observed", "").replace(" not sun", ""), year)
        if day is None:
            continue
        if word.endswith("not sun") and day.weekday() == _SATURDAY + 1:
            day -= _ONE
        found.add(day)
        if word.endswith("observed") and day.weekday() >= _SATURDAY:
            found.add(_substitute(day, found))
    return frozenset(found)


def _substitute(day: date, taken: set[date]) -> date:
    while day.weekday() >= _SATURDAY or day in taken:
        day += _ONE
    return day


def _read(word: str, year: int) -> date | None:
    parts = word.split()
    try:
        if len(parts) == 3:
            return _nth(parts[0], _WEEKDAYS.index(parts[1]), _month(parts[2]), year)
        if word.startswith("easter"):
            return easter(year) + timedelta(days=int(word.removeprefix("easter") or 0))
        if word.count("-") == 2:
            named = date.fromisoformat(word)
            return named if named.year == year else None
        month, day = word.split("-")
        return date(year, int(month), int(day))
    except ValueError:
        raise ValueError(f"{word!r} is no way to write a holiday") from None


def _month(word: str) -> int:
    names = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
    return names.index(word) + 1


def _nth(which: str, weekday: int, month: int, year: int) -> date:
    if which == "last":
        day = date(year + month // 12, month % 12 + 1, 1) - _ONE
        return day - timedelta(days=(day.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (int(which) - 1))


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the method of the anonymous correspondent of 1876."""
    golden, century, rest = year % 19, year // 100, year % 100
    leap, quarter = century // 4, century % 4
    shift = (century + 8) // 25
    moon = (19 * golden + century - leap - (century - shift + 1) // 3 + 15) % 30
    week = (32 + 2 * quarter + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * week) // 451
    month, day = divmod(moon + week - 7 * late + 114, 31)
    return date(year, month, day + 1)
