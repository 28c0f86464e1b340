"""Mappings: the words one system uses for another's, how much of what comes they cover, and changing them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from counterfoil.core.catchall import SHARE_DAYS, Bucket, catch_all
from counterfoil.core.mapping import FOUR_EYES, MapKind, Mapping, from_words
from counterfoil.ports.actions import ActionError
from counterfoil.ports.desk import Fix
from counterfoil.store.database import Row, Transaction, now_ms
from counterfoil.web import exports, wordfiles
from counterfoil.web.access import page
from counterfoil.web.errors import see_other, unprocessable
from counterfoil.web.formats import DAY_MS, counted, iso
from counterfoil.web.pages.act import REASON_MAX, back_to
from counterfoil.web.suggest import Suggestion, suggest
from counterfoil.web.system import SetupFacts, current

SEEN_MAX = 500
UNMAPPED_MAX = 50
HISTORY_ROWS = 100
PROPOSED_MAX = 100

TITLES = {
    MapKind.REASON: ("Reasons", "portal reason", "ERP reason code"),
    MapKind.SKU: ("SKUs", "shop SKU", "ERP item"),
    MapKind.DEPOT: ("Depots", "warehouse / condition", "ERP depot"),
    MapKind.DISPOSITION: ("Dispositions", "condition", "ERP word"),
    MapKind.TAX_CODE: ("Tax codes", "order's tax code", "tax code on credits"),
    MapKind.TENDER: ("Tenders", "payment method", "ERP payment method"),
    MapKind.ORDER_TYPE: ("Order types", "kind of order", "ERP order type"),
    MapKind.CATEGORY: ("Categories", "shop SKU", "item category"),
    MapKind.EXPECTED: ("Expected findings", "ERP reason code", "dispositions that agree with it"),
    MapKind.RULE: ("Rules", "rule", "value"),
}
"""Each kind's title, and what its two columns are called."""


@dataclass(slots=True)
class Unmapped:
    """A word that came and has no meaning: the return that brought it first, and what it may mean."""

    word: str
    first_case: str
    first_ms: int
    returns: int
    suggestions: tuple[Suggestion, ...]


@dataclass(slots=True)
class Coverage:
    """How much of what came a kind of word covers: words and returns."""

    kind: MapKind
    words: int = 0
    mapped: int = 0
    returns: int = 0
    returns_mapped: int = 0
    unmapped: list[Row] = field(default_factory=list)

    @property
    def percent(self) -> int | None:
        """Returns covered, in whole per cent rounded down; None when nothing came."""
        return self.returns_mapped * 100 // self.returns if self.returns else None


@page("returns.view")
@require_safe
def mappings_page(request: HttpRequest) -> HttpResponse:
    """The page of one setup and one kind of word."""
    setup = _setup(request.GET.get("brand", ""), request.GET.get("portal", ""))
    if setup is None:
        return render(request, "mappings.html", {"setup": None, "setups": _setups()})
    kind = _kind(request.GET.get("kind", MapKind.REASON.value))
    if kind is None:
        return unprocessable(request, "There is no such kind of word.", reverse("mappings"))
    return _shown(request, setup, kind)


def _shown(request: HttpRequest, setup: SetupFacts, kind: MapKind, **more: Any) -> HttpResponse:
    with current().database.read() as tx:
        mapping, rows = _in_force(tx, setup)
        covered = {each: coverage(tx, setup, each, mapping) for each in MapKind if each is not MapKind.RULE}
        buckets = alarms(tx, setup, mapping)
        proposed = [row for row in tx.rows("mapping_proposed", rows=PROPOSED_MAX) if _of(row, setup)]
        history = tx.rows("mapping_history", **_scope(setup), before=10**17, rows=HISTORY_ROWS)
        views = {row["word"]: row for row in tx.rows("mapping_seen", **_scope(setup), kind=kind.value, rows=SEEN_MAX)}
    known = dict(mapping.of(kind))
    unmapped = covered[kind].unmapped[:UNMAPPED_MAX] if kind in covered else []
    context = {
        "setup": setup,
        "setups": _setups(),
        "kind": kind,
        "kinds": TITLES,
        "covered": covered,
        "rows": [row for row in rows if row["kind"] == kind.value],
        "seen": views,
        "unmapped": [
            Unmapped(r["word"], r["first_case"], r["first_ms"], r["returns"], suggest(kind, r["word"], known, 3))
            for r in unmapped
        ],
        "meanings": sorted(set(known.values()) - {""}),
        "buckets": buckets,
        "share_days": SHARE_DAYS,
        "proposed": proposed,
        "history": [row for row in history if row["kind"] == kind.value],
        "second": kind in FOUR_EYES,
        "version": mapping.version,
        "query": urlencode({**_scope(setup), "kind": kind.value}),
        **more,
    }
    return render(request, "mappings.html", context)


def coverage(tx: Transaction, setup: SetupFacts, kind: MapKind, mapping: Mapping) -> Coverage:
    """How much of what came is covered, over the commonest words."""
    found = Coverage(kind)
    for row in tx.rows("mapping_seen", **_scope(setup), kind=kind.value, rows=SEEN_MAX):
        known = mapping.knows(kind, row["word"])
        found.words, found.returns = found.words + 1, found.returns + row["returns"]
        found.mapped, found.returns_mapped = found.mapped + known, found.returns_mapped + known * row["returns"]
        if not known:
            found.unmapped.append(row)
    return found


def alarms(tx: Transaction, setup: SetupFacts, mapping: Mapping) -> tuple[Bucket, ...]:
    """Reasons that collapse into a catch-all (R30), over the last weeks."""
    since = now_ms() // DAY_MS - SHARE_DAYS
    rows = tx.rows("mapping_share", **_scope(setup), kind=MapKind.REASON.value, since=since)
    return catch_all({row["word"]: row["returns"] for row in rows}, mapping.reasons)


def _in_force(tx: Transaction, setup: SetupFacts) -> tuple[Mapping, list[Row]]:
    head = tx.one("mapping_head", **_scope(setup))
    if head is None:
        rows: list[Row] = [
            {"kind": kind.value, "word": word, "meaning": meaning, "since_ms": None, "by_whom": "settings"}
            for kind, word, meaning in setup.mapping.words()
        ]
        return setup.mapping, rows
    rows = tx.rows("mapping_words", **_scope(setup))
    words = ((MapKind(row["kind"]), row["word"], row["meaning"]) for row in rows)
    return from_words(words, str(head["version"])), rows


@page("words.change")
@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Change one word, or take it away."""
    found = _posted(request)
    if isinstance(found, HttpResponse):
        return found
    setup, kind, back = found
    gone = request.POST.get("gone") == "yes"
    fix = Fix(
        brand=setup.brand,
        portal=setup.portal,
        kind=kind,
        word=request.POST.get("word", "").strip(),
        meaning=None if gone else request.POST.get("meaning", "").strip(),
    )
    reason = request.POST.get("reason", "").strip()[:REASON_MAX]
    try:
        mended = current().desk.change_word(fix, request.user.get_username(), reason, "console")
    except ActionError as error:
        return unprocessable(request, str(error), back)
    if mended.proposed:
        messages.success(request, f"“{fix.word}” is proposed; another person has to confirm it.")
    elif mended.run_id is not None:
        return see_other(reverse("run", args=[mended.run_id]))
    else:
        messages.success(request, f"“{fix.word}” {'has no meaning any more' if gone else 'is mapped'}.")
    return see_other(back)


@page("words.change")
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Confirm or refuse what somebody else proposed."""
    number, verdict = request.POST.get("change", ""), request.POST.get("verdict", "")
    if not number.isdigit() or verdict not in ("confirm", "refuse"):
        return unprocessable(request, "Choose a proposed change first.", reverse("mappings"))
    by = request.user.get_username()
    try:
        mended = current().desk.decide_change(int(number), by, confirmed=verdict == "confirm")
    except ActionError as error:
        return unprocessable(request, str(error), reverse("mappings"))
    if mended.run_id is not None:
        return see_other(reverse("run", args=[mended.run_id]))
    messages.success(request, "Confirmed; it is in force." if verdict == "confirm" else "Refused; nothing changed.")
    return see_other(back_to(request))


@page("words.change")
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Give a word back the meaning it had before a change. Documents already made stay as they are."""
    number = request.POST.get("change", "")
    reason = request.POST.get("reason", "").strip()[:REASON_MAX]
    if not number.isdigit():
        return unprocessable(request, "Choose a change first.", reverse("mappings"))
    try:
        mended = current().desk.undo_change(int(number), request.user.get_username(), reason or "taken back")
    except ActionError as error:
        return unprocessable(request, str(error), reverse("mappings"))
    waits = "; another person has to confirm it" if mended.proposed else ""
    messages.success(
        request, f"The word has its earlier meaning again{waits}. Documents already made stay as they are."
    )
    return see_other(reverse("mappings"))


# --- files ----------------------------------------------------------------------------------------------------------


@page("returns.view")
@require_safe
def words_csv(request: HttpRequest) -> HttpResponse:
    """The words of one kind as CSV."""
    return _file(request, "csv")


@page("returns.view")
@require_safe
def words_xlsx(request: HttpRequest) -> HttpResponse:
    """The words of one kind as a workbook."""
    return _file(request, "xlsx")


@page("returns.view")
@require_safe
def words_json(request: HttpRequest) -> HttpResponse:
    """The words of one kind as data."""
    return _file(request, "json")


def _file(request: HttpRequest, form: str) -> HttpResponse:
    setup = _setup(request.GET.get("brand", ""), request.GET.get("portal", ""))
    kind = _kind(request.GET.get("kind", MapKind.REASON.value))
    if setup is None or kind is None:
        return unprocessable(request, "There is no such mapping.", reverse("mappings"))
    with current().database.read() as tx:
        _, rows = _in_force(tx, setup)
    found = [
        {"word": row["word"], "meaning": row["meaning"], "since": iso(row["since_ms"]), "by": row["by_whom"]}
        for row in rows
        if row["kind"] == kind.value
    ]
    columns, name = ("word", "meaning", "since", "by"), f"{setup.brand}-{setup.portal}-{kind.value}"
    if form == "json":
        return exports.as_json("words", found, f"{TITLES[kind][0]} of {setup.brand} for {setup.portal}", None)
    if form == "xlsx":
        return wordfiles.as_xlsx(name, ([str(row[column] or "") for column in columns] for row in found), columns)
    return exports.as_csv(name, found, columns, frozenset())


@page("words.change")
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Read a file and show what it would change; nothing is written."""
    found = _posted(request)
    if isinstance(found, HttpResponse):
        return found
    setup, kind, back = found
    given = request.FILES.get("file")
    if given is None:
        return unprocessable(request, "Choose a file first.", back)
    try:
        data = given.read(wordfiles.FILE_MAX + 1)
        words = wordfiles.read(str(given.name)[:100], data, kind)
    except wordfiles.FileError as error:
        return unprocessable(request, str(error), back)
    with current().database.read() as tx:
        mapping, _ = _in_force(tx, setup)
    known = mapping.of(kind)
    changes = [
        {"row": row, "word": word, "meaning": meaning, "before": known.get(word)}
        for row, word, meaning in words.good
        if known.get(word) != meaning
    ]
    upload_found = {
        "name": str(given.name)[:100],
        "changes": changes,
        "same": len(words.good) - len(changes),
        "bad": words.bad,
        "packed": json.dumps([[change["word"], change["meaning"]] for change in changes]),
    }
    return _shown(request, setup, kind, uploaded=upload_found)


@page("words.change")
@require_POST
def take_in(request: HttpRequest) -> HttpResponse:
    """Put the good rows of a file in force, each by itself, with one reason."""
    found = _posted(request)
    if isinstance(found, HttpResponse):
        return found
    setup, kind, back = found
    rows = _unpacked(request.POST.get("packed", ""))
    reason, name = request.POST.get("reason", "").strip()[:REASON_MAX], request.POST.get("name", "a file")[:100]
    if rows is None:
        return unprocessable(request, "The rows of the file did not arrive; choose the file again.", back)
    if not reason:
        return unprocessable(request, "Say in a few words why; whoever reads the history needs it.", back)
    done, by = 0, request.user.get_username()
    for word, meaning in rows:
        fix = Fix(brand=setup.brand, portal=setup.portal, kind=kind, word=word, meaning=meaning)
        try:
            current().desk.change_word(fix, by, reason, name)
            done += 1
        except ActionError as error:
            messages.error(request, f"{word}: {error}")
    waits = " proposed; another person confirms them" if kind in FOUR_EYES else " in force"
    messages.success(request, f"{counted(done, 'word').capitalize()}{waits}.")
    return see_other(back)


def _unpacked(text: str) -> list[tuple[str, str]] | None:
    try:
        rows = json.loads(text)
    except ValueError:
        return None
    if not isinstance(rows, list) or len(rows) > wordfiles.ROWS_MAX:
        return None
    pairs = [
        tuple(row) for row in rows if isinstance(row, list) and len(row) == 2 and all(isinstance(c, str) for c in row)
    ]
    return pairs if len(pairs) == len(rows) and pairs else None


def _posted(request: HttpRequest) -> tuple[SetupFacts, MapKind, str] | HttpResponse:
    setup = _setup(request.POST.get("brand", ""), request.POST.get("portal", ""))
    kind = _kind(request.POST.get("kind", ""))
    if setup is None or kind is None:
        return unprocessable(request, "There is no such mapping.", reverse("mappings"))
    return setup, kind, f"{reverse('mappings')}?{urlencode({**_scope(setup), 'kind': kind.value})}"


def _setups() -> list[SetupFacts]:
    """Every setup, by brand and portal."""
    return [setup for _, setup in sorted(current().setups.items())]


def _setup(brand: str, portal: str) -> SetupFacts | None:
    """The setup asked for; the first when none is named."""
    setups = _setups()
    named = [setup for setup in setups if (setup.brand, setup.portal) == (brand, portal)]
    if named or brand or portal:
        return named[0] if named else None
    return setups[0] if setups else None


def _kind(text: str) -> MapKind | None:
    return MapKind(text) if text in set(MapKind) else None


def _scope(setup: SetupFacts) -> dict[str, str]:
    return {"brand": setup.brand, "portal": setup.portal}


def _of(row: Row, setup: SetupFacts) -> bool:
    return (row["brand"], row["portal"]) == (setup.brand, setup.portal)
