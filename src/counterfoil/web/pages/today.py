"""The first page of the day: what is open and whose it is, what is late, whether money agrees, whether we hear well."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from counterfoil.store import problems as stored
from counterfoil.store.database import Row, now_ms
from counterfoil.web import words
from counterfoil.web.access import may, page
from counterfoil.web.causes import priced
from counterfoil.web.formats import DAY_MS, counted
from counterfoil.web.pages.connections import health
from counterfoil.web.system import current, kind_of

QUIET_DAYS = 3
QUIET_ROWS = 6
WEEK_MS = 7 * DAY_MS
COUNT_MAX = 1_000
WEEK_ROWS = 2_000
TOP_CAUSES = 4
MENTIONS_MAX = 10


@dataclass(slots=True)
class OwnerCard:
    """One team's open exceptions: how many, how many late, the money they hold by currency, the commonest causes."""

    owner: str
    title: str
    problems: int = 0
    late: int = 0
    units: int = 0
    held: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)

    @property
    def commonest(self) -> list[tuple[str, str, int]]:
        """Up to three kinds: name, title, count; most frequent first."""
        ordered = sorted(self.kinds.items(), key=lambda item: (-item[1], item[0]))
        return [(kind, kind_of(kind).title, number) for kind, number in ordered[:3]]


def owner_cards(open_now: list[Row]) -> list[OwnerCard]:
    """A card for every team, in the house order, also when it has nothing open. What rests is not counted."""
    cards = {owner: OwnerCard(owner, title) for owner, title in words.OWNER.items()}
    for row in open_now:
        if row["snoozed"]:
            continue
        card = cards.setdefault(row["owner"], OwnerCard(row["owner"], row["owner"]))
        card.problems += row["problems"]
        card.units += row["units"]
        card.kinds[row["kind"]] = card.kinds.get(row["kind"], 0) + row["problems"]
        if row["priced"] and row["currency"]:
            card.held[row["currency"]] = card.held.get(row["currency"], 0) + row["held_minor"]
    return list(cards.values())


@page("returns.view")
@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """The overview."""
    now = now_ms()
    before = now - QUIET_DAYS * DAY_MS
    who = request.user.get_username()
    with current().database.read() as tx:
        open_now = stored.open_by_cause(tx)
        cards = owner_cards(open_now)
        for card in cards:
            late = tx.one("problems_late_of", owner=card.owner, now=now, rows=COUNT_MAX + 1)
            card.late = late["problems"] if late else 0
        mentions = tx.rows("mentions_new", who=who, rows=MENTIONS_MAX)
        mine = tx.one("problems_mine", who=who, rows=COUNT_MAX + 1) or {"problems": 0}
        proposed = [row for row in tx.rows("mapping_proposed", rows=COUNT_MAX) if row["by_whom"] != who]
        quiet = tx.rows("console_quiet", before_ms=before, rows=QUIET_ROWS)
        quiet_count = tx.one("console_quiet_count", before_ms=before, rows=COUNT_MAX + 1) or {"returns": 0}
        week = tx.rows("console_week", since_ms=now - WEEK_MS, rows=WEEK_ROWS)
        progress = {row["progress"]: row["returns"] for row in tx.rows("console_progress", rows=COUNT_MAX + 1)}
        beat = tx.one("console_last_beat") or {"beat_ms": None}
        connections = health(tx, now)
    context = {
        "cards": cards,
        "causes": [cause for cause in priced(open_now) if cause.shared and cause.problems > 1][:TOP_CAUSES],
        "mentions": mentions,
        "mine": min(mine["problems"], COUNT_MAX),
        "proposed": proposed if may(request, "words.change") else [],
        "late_total": sum(card.late for card in cards),
        "headline": _headline(sum(card.problems for card in cards), quiet_count["returns"]),
        "quiet": quiet,
        "quiet_count": min(quiet_count["returns"], COUNT_MAX),
        "quiet_days": QUIET_DAYS,
        "week": week,
        "week_capped": sum(row["returns"] for row in week) >= WEEK_ROWS,
        "week_rows": WEEK_ROWS,
        "count_max": COUNT_MAX,
        "progress_counts": {"open": progress.get("open", 0), "waiting": progress.get("waiting", 0)},
        "connections": connections,
        "beat_ms": beat["beat_ms"],
    }
    return render(request, "today.html", context)


def _headline(problems: int, quiet: int) -> str:
    if not problems and not quiet:
        return "All clear. Nothing is open and nothing is late."
    parts = [f"{counted(problems, 'exception').capitalize()} {'is' if problems == 1 else 'are'} open"]
    if quiet:
        parts.append(f"{counted(min(quiet, COUNT_MAX), 'return')} {'has' if quiet == 1 else 'have'} gone quiet")
    return " and ".join(parts) + "."
