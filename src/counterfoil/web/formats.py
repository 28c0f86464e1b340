"""How figures and moments look: exact amounts with their currency, a dash for unknown, UTC with a distance in words."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

from counterfoil.core.money import MoneyError, to_text

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
UNKNOWN = Markup('<span class="unknown"><span aria-hidden="true">–</span><span class="sr">unknown</span></span>')


def plain_amount(minor: int | None, currency: str | None) -> str | None:
    """The exact amount as a decimal string, None when unknown. For files and sentences."""
    if minor is None or not currency:
        return None
    try:
        return to_text(minor, currency)
    except MoneyError:
        return f"{minor} minor units"


def amount_text(minor: int | None, currency: str | None) -> str:
    """An amount within a sentence: "1,204.50 GBP", a dash when unknown."""
    text = plain_amount(minor, currency)
    return "–" if text is None else f"{grouped(text)} {currency}"


def money(minor: int | None, currency: str | None) -> Markup:
    """An amount with its currency, for a page."""
    text = plain_amount(minor, currency)
    if text is None:
        return UNKNOWN
    look = "money" if minor else "money zero"
    return Markup('<span class="{}">{}<span class="currency">{}</span></span>').format(
        look, grouped(text), f" {currency}"
    )


def grouped(text: str) -> str:
    """Thousands set apart, and a real minus sign."""
    sign, digits = ("−", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, part = digits.partition(".")
    return f"{sign}{int(whole):,}{dot}{part}" if whole.isdigit() else text


def instant(ms: int) -> datetime:
    """A stored moment."""
    return datetime.fromtimestamp(ms // 1000, UTC)


def iso(ms: int | None) -> str | None:
    """A stored moment as RFC 3339."""
    return None if ms is None else instant(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def absolute(ms: int, now_ms: int) -> str:
    """Such as "20 Nov, 08:15 UTC", with the year when it is not this one."""
    at = instant(ms)
    year = "" if at.year == instant(now_ms).year else f" {at.year}"
    return f"{at.day} {at:%b}{year}, {at:%H:%M} UTC"


def distance(ms: int) -> str:
    """A stretch of time in one unit: "40 min", "3 h", "12 days"."""
    if ms < MINUTE_MS:
        return "under a minute"
    if ms < HOUR_MS:
        return f"{ms // MINUTE_MS} min"
    if ms < 2 * DAY_MS:
        return f"{ms // HOUR_MS} h"
    return f"{ms // DAY_MS} days"


def ago(ms: int, now_ms: int) -> str:
    """How far back, or ahead, a moment is."""
    return f"{distance(now_ms - ms)} ago" if ms <= now_ms else f"in {distance(ms - now_ms)}"


def moment(ms: int | None, now_ms: int, style: str = "both") -> Markup:
    """A moment for a page: relative and absolute ("both"), or one with the other on hover.

    The page's script rewrites the absolute part in the reader's own zone.
    """
    if ms is None:
        return UNKNOWN
    full, near = absolute(ms, now_ms), ago(ms, now_ms)
    if style == "relative":
        return Markup('<time datetime="{}" title="{}">{}</time>').format(iso(ms), full, near)
    if style == "absolute":
        return Markup('<time datetime="{}" data-local title="{}">{}</time>').format(iso(ms), near, full)
    return Markup('<time datetime="{}" data-local>{}</time> <span class="quiet">{}</span>').format(iso(ms), full, near)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Such as "1 return", "12 returns", "no returns"."""
    if number == 0:
        return f"no {many or one + 's'}"
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(parts: list[str]) -> str:
    """Such as "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
