"""Causes, priced: what must be mended, what it holds, what a fix would do to each return, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.core.causes import kind_and_words, word_missing
from counterfoil.core.mapping import FOUR_EYES, MapKind
from counterfoil.ports.actions import ActionError
from counterfoil.ports.desk import Fix, Foreseen
from counterfoil.store import problems as stored
from counterfoil.store.console import ProblemFilter, problems_page
from counterfoil.store.database import Row, Transaction
from counterfoil.web.access import page
from counterfoil.web.causes import Cause, cause_address, priced
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.filters import CAUSE_MAX
from counterfoil.web.pages.problems import with_offers
from counterfoil.web.suggest import Suggestion, suggest
from counterfoil.web.system import current, kind_of

ROWS = 50
FORESEEN_MAX = 200
SUGGESTED = 5


@page("returns.view")
@require_safe
def causes_list(request: HttpRequest) -> HttpResponse:
    """Every cause with what it holds."""
    with current().database.read() as tx:
        found = priced(stored.open_by_cause(tx))
    owner = request.GET.get("owner", "")
    shown = [cause for cause in found if not owner or cause.owner == owner]
    shared, single = [c for c in shown if c.shared], [c for c in shown if not c.shared]
    return render(request, "causes.html", {"shared": shared, "single": single, "owner": owner, "causes": shown})


@dataclass(frozen=True, slots=True)
class Mending:
    """The form that mends a cause: the word, where it is missing, what other words mean."""

    kind: MapKind
    word: str
    portals: tuple[str, ...]
    meanings: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    second: bool
    pending: Row | None


@page("returns.view")
@require_safe
def cause_page(request: HttpRequest) -> HttpResponse:
    """One cause."""
    return _shown(request, request.GET.get("brand", ""), request.GET.get("cause", ""))


def _shown(
    request: HttpRequest,
    brand: str,
    cause: str,
    *,
    fix: Fix | None = None,
    foreseen: tuple[Foreseen, ...] | None = None,
    reason: str = "",
) -> HttpResponse:
    if not cause or len(cause) > CAUSE_MAX or "\0" in cause + brand:
        raise Http404
    with current().database.read() as tx:
        found = next((c for c in priced(stored.open_by_cause(tx)) if (c.brand, c.cause) == (brand, cause)), None)
        rows = problems_page(tx, ProblemFilter(cause=cause, brand=(brand,)), ROWS + 1)
        shown = with_offers(request, tx, rows[:ROWS], ProblemFilter())
        mending = _mending(tx, brand, cause)
    context = {
        "cause": found or Cause(brand, cause, kind_of(kind_and_words(cause)[0]).owner.value),
        "rows": shown,
        "more": len(rows) > ROWS,
        "mending": mending,
        "fix": fix,
        "foreseen": foreseen,
        "freed": [one for one in foreseen or () if one.freed],
        "foreseen_max": FORESEEN_MAX,
        "reason": reason,
        "money_moves": any(
            "refund" in ask.lower() or "credit" in ask.lower() for f in foreseen or () for ask in f.asks
        ),
    }
    return render(request, "cause.html", context)


def _mending(tx: Transaction, brand: str, cause: str) -> Mending | None:
    missing = word_missing(cause)
    portals = tuple(setup.portal for setup in current().setups.values() if setup.brand == brand)
    if missing is None or not portals:
        return None
    kind, word = missing
    words: dict[str, str] = {}
    for portal in portals:
        rows = tx.rows("mapping_words", brand=brand, portal=portal)
        words |= {row["word"]: row["meaning"] for row in rows if row["kind"] == kind.value}
    pending = tx.one("mapping_proposed_word", brand=brand, portal=portals[0], kind=kind.value, word=word)
    return Mending(
        kind=kind,
        word=word,
        portals=portals,
        meanings=tuple(sorted(set(words.values()) - {""})),
        suggestions=suggest(kind, word, words, SUGGESTED),
        second=kind in FOUR_EYES,
        pending=pending,
    )


@page("problems.retry")
@require_POST
def foresee(request: HttpRequest) -> HttpResponse:
    """What a fix, or trying again, would do to each return: nothing is written."""
    brand, cause, fix = _asked(request)
    if word_missing(cause) is not None and fix is None:
        return unprocessable(request, "Give the word the ERP uses first.", cause_address(brand, cause))
    try:
        foreseen = current().desk.foresee(brand, cause, fix, FORESEEN_MAX)
    except ActionError as error:
        return unprocessable(request, str(error), cause_address(brand, cause))
    return _shown(request, brand, cause, fix=fix, foreseen=foreseen, reason=request.POST.get("reason", "")[:500])


@page("words.change")
@require_POST
def mend(request: HttpRequest) -> HttpResponse:
    """Give the word its meaning and replay what it held."""
    brand, cause, fix = _asked(request)
    back = cause_address(brand, cause)
    if fix is None:
        return unprocessable(request, "Give the word the ERP uses first.", back)
    reason = request.POST.get("reason", "").strip()
    try:
        mended = current().desk.mend(cause, fix, request.user.get_username(), reason)
    except ActionError as error:
        return unprocessable(request, str(error), back)
    if mended.proposed:
        messages.success(request, "Proposed. It moves money or stock, so another person confirms it under Mappings.")
        return see_other(back)
    if mended.run_id is None:
        messages.success(request, f"“{fix.word}” is mapped. No return was waiting for it.")
        return see_other(back)
    return see_other(reverse("run", args=[mended.run_id]))


@page("problems.retry")
@require_POST
def replay(request: HttpRequest) -> HttpResponse:
    """Try again for every return the cause holds, after it was mended elsewhere."""
    brand, cause, _ = _asked(request)
    reason = request.POST.get("reason", "").strip()[:500]
    if not reason:
        return unprocessable(request, "Say what was mended; the auditor reads it.", cause_address(brand, cause))
    try:
        run_id = current().desk.replay(brand, cause, request.user.get_username(), reason)
    except ActionError as error:
        return unprocessable(request, str(error), cause_address(brand, cause))
    return see_other(reverse("run", args=[run_id]))


def _asked(request: HttpRequest) -> tuple[str, str, Fix | None]:
    brand, cause = request.POST.get("brand", ""), request.POST.get("cause", "")[:CAUSE_MAX]
    missing = word_missing(cause)
    if missing is None or "meaning" not in request.POST:
        return brand, cause, None
    kind, word = missing
    fix = Fix(
        brand=brand,
        portal=request.POST.get("portal", ""),
        kind=kind,
        word=word,
        meaning=request.POST["meaning"].strip(),
    )
    return brand, cause, fix


RUN_ROWS = 200


@page("returns.view")
@require_safe
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    """One run: how far it is, and what became of each return."""
    after = request.GET.get("after", "0")
    if not after.isdigit() or len(after) > 9:
        return unprocessable(request, "“after” must be a whole number.", reverse("run", args=[run_id]))
    with current().database.read() as tx:
        run = tx.one("run_get", id=run_id)
        if run is None:
            raise Http404
        rows = tx.rows("run_rows", run_id=run_id, after=int(after), rows=RUN_ROWS + 1)
        counts = {row["state"]: row["rows_there"] for row in tx.rows("run_counts", run_id=run_id)}
        change = tx.one("mapping_change_peek", id=run["change_id"]) if run["change_id"] else None
    context: dict[str, Any] = {
        "run": run,
        "rows": rows[:RUN_ROWS],
        "following": rows[RUN_ROWS - 1]["place"] if len(rows) > RUN_ROWS else None,
        "counts": {state: counts.get(state, 0) for state in ("done", "still", "failed", "waiting")},
        "change": change,
    }
    return render(request, "run.html", context)
