"""Endpoints for causes, words, edited steps and connections."""

from __future__ import annotations

import msgspec

from counterfoil.core.causes import word_missing
from counterfoil.core.mapping import MapKind
from counterfoil.ports.desk import Fix, Mended
from counterfoil.store import problems as stored
from counterfoil.store.database import Row, now_ms
from counterfoil.web import filters
from counterfoil.web.api import bodies, shapes
from counterfoil.web.api.endpoints import Call, Endpoint
from counterfoil.web.api.reading import BEFORE, NEWEST
from counterfoil.web.causes import Cause, priced
from counterfoil.web.formats import iso, plain_amount
from counterfoil.web.pages.connections import Health, health
from counterfoil.web.refusals import Refusal
from counterfoil.web.system import SetupFacts, current

FORESEEN_MAX = 200
PROPOSED_MAX = 500
DONE = shapes.Done()


def causes(call: Call) -> shapes.CauseList:
    """Every cause, those one fix may end first."""
    with current().database.read() as tx:
        found = priced(stored.open_by_cause(tx))
    return shapes.CauseList(causes=[_cause(cause) for cause in found])


def _cause(cause: Cause) -> shapes.CauseRow:
    names = ("brand", "cause", "title", "words", "owner", "shared", "problems", "resting", "units")
    held = shapes.amounts(cause.held, plain_amount)
    return shapes.CauseRow(**{name: getattr(cause, name) for name in names}, held=held)


def foresee(call: Call) -> shapes.ForeseenList:
    """A dry run; nothing is written."""
    found = current().desk.foresee(call.body.brand, call.body.cause, _fix(call.body), FORESEEN_MAX)
    rows = [
        shapes.ForeseenRow(
            case_id=one.case_id,
            name=one.name,
            freed=one.freed,
            asks=list(one.asks),
            remains=list(one.remains),
            amount=plain_amount(one.amount, one.currency),
            currency=one.currency,
            units=one.units,
            trouble=one.trouble,
        )
        for one in found
    ]
    return shapes.ForeseenList(returns=rows)


def mend(call: Call) -> shapes.ChangeDone:
    """Give the missing word its meaning and replay what it held."""
    fix = _fix(call.body)
    if fix is None:
        raise Refusal(422, "bad-body", "This cause is no missing word, or “meaning” is not given; nothing to mend.")
    return _changed(current().desk.mend(call.body.cause, fix, call.who, call.body.reason))


def replay(call: Call) -> shapes.RunStarted:
    """Try again for every return the cause holds."""
    if not call.body.reason.strip():
        raise Refusal(422, "bad-body", "Say in “reason” what was mended; the auditor reads it.")
    return shapes.RunStarted(run_id=current().desk.replay(call.body.brand, call.body.cause, call.who, call.body.reason))


def _fix(body: bodies.CauseNamed) -> Fix | None:
    missing = word_missing(body.cause)
    if missing is None or body.meaning is None:
        return None
    return Fix(brand=body.brand, portal=body.portal, kind=missing[0], word=missing[1], meaning=body.meaning.strip())


def _changed(mended: Mended) -> shapes.ChangeDone:
    return shapes.ChangeDone(change_id=mended.change_id, proposed=mended.proposed, run_id=mended.run_id)


def run(call: Call) -> shapes.RunDetail:
    """How far a run is."""
    after, wanted = filters.number(call.query.get("after", "0"), "after"), call.rows
    with current().database.read() as tx:
        row = tx.one("run_get", id=call.parts["run_id"])
        if row is None:
            raise Refusal(404, "not-found", "There is no such run.")
        rows = tx.rows("run_rows", run_id=row["id"], after=after, rows=wanted + 1)
        counts = {each["state"]: each["rows_there"] for each in tx.rows("run_counts", run_id=row["id"])}
    shown = rows[:wanted]
    return shapes.RunDetail(
        id=row["id"],
        title=row["title"],
        by=row["by_whom"],
        reason=row["because"],
        state=row["state"],
        total=row["total"],
        counts=counts,
        returns=[msgspec.convert({n: r[n] for n in shapes.RunRow.__struct_fields__}, shapes.RunRow) for r in shown],
        next=str(shown[-1]["place"]) if len(rows) > wanted else None,
    )


def mappings(call: Call) -> shapes.WordList:
    """The words in force of one setup."""
    setup = _setup(call.query.get("brand", ""), call.query.get("portal", ""))
    chosen = call.query.get("kind", "")
    if chosen and chosen not in set(MapKind):
        raise Refusal(422, "bad-query", f"“kind” cannot be “{chosen}”.")
    scope = {"brand": setup.brand, "portal": setup.portal}
    with current().database.read() as tx:
        head = tx.one("mapping_head", **scope)
        rows = tx.rows("mapping_words", **scope) if head else _of_settings(setup)
    words = [
        shapes.WordRow(
            kind=row["kind"], word=row["word"], meaning=row["meaning"], since=iso(row["since_ms"]), by=row["by_whom"]
        )
        for row in rows
        if not chosen or row["kind"] == chosen
    ]
    return shapes.WordList(**scope, version=str(head["version"]) if head else "settings", words=words)


def _of_settings(setup: SetupFacts) -> list[Row]:
    return [
        {"kind": kind.value, "word": word, "meaning": meaning, "since_ms": None, "by_whom": "settings"}
        for kind, word, meaning in setup.mapping.words()
    ]


def _setup(brand: str, portal: str) -> SetupFacts:
    setup = current().setups.get((brand, portal))
    if setup is not None:
        return setup
    known = ", ".join("/".join(pair) for pair in sorted(current().setups)) or "none"
    raise Refusal(422, "bad-query", f"Name a setup with “brand” and “portal”; there are: {known}.")


def proposed(call: Call) -> shapes.ProposedList:
    """Changes that wait for a second person."""
    with current().database.read() as tx:
        rows = tx.rows("mapping_proposed", rows=PROPOSED_MAX)
    found = [
        shapes.ProposedRow(
            change_id=row["id"],
            **{name: row[name] for name in ("brand", "portal", "kind", "word", "meaning")},
            before=row["meaning_before"],
            by=row["by_whom"],
            reason=row["because"],
            at=iso(row["at_ms"]),
        )
        for row in rows
    ]
    return shapes.ProposedList(changes=found)


def change_word(call: Call) -> shapes.ChangeDone:
    """Change one word, or take it away."""
    given = call.body
    setup = _setup(given.brand, given.portal)
    if given.kind not in set(MapKind):
        raise Refusal(422, "bad-body", f"“kind” cannot be “{given.kind}”.")
    fix = Fix(brand=setup.brand, portal=setup.portal, kind=MapKind(given.kind), word=given.word, meaning=given.meaning)
    return _changed(current().desk.change_word(fix, call.who, given.reason, "api"))


def decide(call: Call) -> shapes.ChangeDone:
    """Confirm or refuse what somebody else proposed."""
    return _changed(current().desk.decide_change(call.parts["change_id"], call.who, confirmed=call.body.confirmed))


def undo(call: Call) -> shapes.ChangeDone:
    """Give a word back the meaning it had before a change."""
    return _changed(current().desk.undo_change(call.parts["change_id"], call.who, call.body.reason))


def places(call: Call) -> shapes.PlaceList:
    """What may be changed in a refused step's command."""
    found = current().desk.editable(call.query.get("case_id", ""), call.query.get("step", ""))
    return shapes.PlaceList(
        places=[shapes.PlaceRow(path=place.path, label=place.label, value=place.value) for place in found]
    )


def foresee_edit(call: Call) -> shapes.EditList:
    """The difference a change would make."""
    found = current().desk.edits(call.body.case_id, call.body.step, call.body.wanted)
    return shapes.EditList(edits=[shapes.EditRow(path=e.path, before=e.before, after=e.after) for e in found])


def edit(call: Call) -> shapes.Done:
    """Ask for a refused step anew, with changes."""
    given = call.body
    current().desk.retry_edited(given.case_id, given.step, given.wanted, call.who, given.reason)
    return DONE


def connections(call: Call) -> shapes.ConnectionList:
    """Every connection's health."""
    with current().database.read() as tx:
        found = health(tx, now_ms())
    return shapes.ConnectionList(connections=[_connection(item) for item in found])


def _connection(item: Health) -> shapes.ConnectionRow:
    names = ("name", "brand", "vendor", "family", "state", "paused_because", "last_trouble", "backlog", "quarantined")
    return shapes.ConnectionRow(
        **{name: getattr(item, name) for name in names},
        last_delivery_at=iso(item.last_delivery_ms),
        last_success_at=iso(item.last_success_ms),
        last_trouble_at=iso(item.last_trouble_ms),
    )


def pause(call: Call) -> shapes.Done:
    """Stop sending to a connection."""
    current().actions.pause(call.parts["name"], call.who, call.body.reason)
    return DONE


def resume(call: Call) -> shapes.Done:
    """Carry on."""
    current().actions.resume(call.parts["name"], call.who)
    return DONE


def deliveries(call: Call) -> shapes.DeliveryList:
    """What a connection delivered, newest first."""
    before, wanted = filters.number(call.query.get("before", str(NEWEST)), "before"), call.rows
    with current().database.read() as tx:
        rows = tx.rows("console_deliveries", connection=call.parts["name"], before=before, rows=wanted + 1)
    shown = rows[:wanted]
    names = ("id", "signature", "state", "kind", "topic", "note", "size_bytes")
    found = [shapes.DeliveryRow(**{n: row[n] for n in names}, arrived_at=iso(row["arrived_ms"])) for row in shown]
    return shapes.DeliveryList(deliveries=found, next=str(shown[-1]["id"]) if len(rows) > wanted else None)


def requeue(call: Call) -> shapes.Done:
    """Read a set-aside delivery again."""
    current().actions.requeue_delivery(call.parts["delivery_id"], call.who)
    return DONE


def _get(path: str, name: str, permission: str, summary: str, work: object, answer: object, **query: str) -> Endpoint:
    return Endpoint("GET", path, name, permission, summary, work, answer, query=query)  # type: ignore[arg-type]


def _post(path: str, name: str, permission: str, summary: str, work: object, answer: object, body: object) -> Endpoint:
    return Endpoint("POST", path, name, permission, summary, work, answer, body)  # type: ignore[arg-type]


_SETUP = {"brand": "The setup's brand.", "portal": "The setup's portal."}
_AFTER = {"after": "The `next` of the page before.", "rows": BEFORE["rows"]}
_STEP = {"case_id": "The return: brand/portal/number.", "step": "The refused step."}
_KIND = "One kind of word; all when not given."

ENDPOINTS = (
    _get("causes", "causes", "returns.view", "Causes of what is open, priced", causes, shapes.CauseList),
    _post(
        "causes/foresee",
        "cause_foresee",
        "problems.retry",
        "What a fix would do to each return; nothing is written",
        foresee,
        shapes.ForeseenList,
        bodies.CauseNamed,
    ),
    _post(
        "causes/mend",
        "cause_mend",
        "words.change",
        "Map the missing word and replay what it held",
        mend,
        shapes.ChangeDone,
        bodies.CauseNamed,
    ),
    _post(
        "causes/replay",
        "cause_replay",
        "problems.retry",
        "Try again for every return a cause holds",
        replay,
        shapes.RunStarted,
        bodies.CauseNamed,
    ),
    _get("runs/<int:run_id>", "run", "returns.view", "How far a run is", run, shapes.RunDetail, **_AFTER),
    _get("mappings", "mappings", "returns.view", "Words in force", mappings, shapes.WordList, **_SETUP, kind=_KIND),
    _get(
        "mappings/proposed",
        "proposed",
        "returns.view",
        "Changes that wait for a second person",
        proposed,
        shapes.ProposedList,
    ),
    _post(
        "mappings/change",
        "mapping_change",
        "words.change",
        "Change a word",
        change_word,
        shapes.ChangeDone,
        bodies.WordChange,
    ),
    _post(
        "mappings/<int:change_id>/decide",
        "mapping_decide",
        "words.change",
        "Confirm or refuse what somebody else proposed",
        decide,
        shapes.ChangeDone,
        bodies.Decide,
    ),
    _post(
        "mappings/<int:change_id>/undo",
        "mapping_undo",
        "words.change",
        "Give a word back its earlier meaning",
        undo,
        shapes.ChangeDone,
        bodies.Because,
    ),
    _get(
        "steps/places",
        "step_places",
        "steps.edit",
        "What may be changed in a refused command",
        places,
        shapes.PlaceList,
        **_STEP,
    ),
    _post(
        "steps/foresee",
        "step_foresee",
        "steps.edit",
        "The difference a change would make",
        foresee_edit,
        shapes.EditList,
        bodies.StepChange,
    ),
    _post(
        "steps/edit",
        "step_edit",
        "steps.edit",
        "Ask for a refused step anew, changed",
        edit,
        shapes.Done,
        bodies.StepChange,
    ),
    _get(
        "connections", "connections", "returns.view", "Health of every connection", connections, shapes.ConnectionList
    ),
    _post(
        "connections/<str:name>/pause",
        "connection_pause",
        "connections.pause",
        "Stop sending",
        pause,
        shapes.Done,
        bodies.Because,
    ),
    _post(
        "connections/<str:name>/resume",
        "connection_resume",
        "connections.resume",
        "Carry on",
        resume,
        shapes.Done,
        bodies.Nothing,
    ),
    _get(
        "connections/<str:name>/deliveries",
        "deliveries",
        "deliveries.view",
        "What came, newest first",
        deliveries,
        shapes.DeliveryList,
        **BEFORE,
    ),
    _post(
        "deliveries/<int:delivery_id>/requeue",
        "delivery_requeue",
        "deliveries.requeue",
        "Read a set-aside delivery again",
        requeue,
        shapes.Done,
        bodies.Nothing,
    ),
)
