"""What an answer of NetSuite says, in the words of `counterfoil translate` (outputs §1). Pure.

NetSuite sends no webhooks (NetSuite sheet §2.3): everything here is an answer to a call of ours.
"""

from __future__ import annotations

from counterfoil.adapterkit.parse import Fields, UnreadableError, read_object
from counterfoil.core.problems import Owner
from counterfoil.erps.netsuite.errors import Meaning, Verdict, classify
from counterfoil.ports.translation import Answer, DocumentAnswer, Finding, Kind, Translation
from counterfoil.ports.vendors import Delivery

# meaning -> (result, retryable, then)
WORDS: dict[Meaning, tuple[str, bool, str | None]] = {
    Meaning.CREATED: ("created", False, "read_back"),  # §6: verify after writing
    Meaning.OK: ("ok", False, None),
    Meaning.ACCEPTED: ("accepted", False, "read_back"),
    Meaning.DUPLICATE: ("duplicate", False, "read_back"),  # §7: it proves nothing until it was compared
    Meaning.NOT_FOUND: ("not_found", False, None),
    Meaning.REJECTED: ("rejected", False, "park"),
    Meaning.UNSUPPORTED: ("rejected", False, "park"),
    Meaning.LOCKED_OUT: ("rejected", False, "park"),
    Meaning.THROTTLED: ("retry", True, "resend"),
    Meaning.CHANGED: ("retry", True, "read_back"),
    Meaning.BROKEN: ("retry", True, "read_back"),  # §7: a lost write is looked up first, never sent again blindly
    Meaning.UNCLEAR: ("retry", True, "read_back"),
}


def translate(delivery: Delivery) -> Translation:
    """Read one API answer. Without a status it is taken from the body, else from a `Location` header."""
    try:
        status = delivery.status if delivery.status is not None else _status(delivery)
        verdict = classify(status, delivery.headers, delivery.body)
        if verdict.meaning is Meaning.OK and delivery.body.strip():
            return _answer(_content(read_object(delivery.body)))
    except UnreadableError as error:
        finding = Finding(
            kind="unreadable_delivery", owner=Owner.INTEGRATION, message=f"NetSuite's answer cannot be read: {error}."
        )
        return Translation(vendor="netsuite", kind=Kind.UNREADABLE, problems=(finding,))
    if verdict.meaning is Meaning.OK and status == 204:
        return _answer(_plain(verdict, then="read_back", message="NetSuite carried it out and named no record."))
    return _answer(_plain(verdict), _findings(verdict))


def _status(delivery: Delivery) -> int:
    if not delivery.body.strip() and delivery.headers.get("location"):
        return 204
    body = read_object(delivery.body)
    if "o:errorDetails" in body or "error" in body:
        return body.whole("status") or 400
    return 200


def _answer(answer: Answer, problems: tuple[Finding, ...] = ()) -> Translation:
    return Translation(vendor="netsuite", kind=Kind.ANSWER, answer=answer, problems=problems)


def _plain(verdict: Verdict, *, then: str | None = None, message: str = "") -> Answer:
    result, retryable, usual = WORDS[verdict.meaning]
    return Answer(
        result=result,
        retryable=retryable,
        message=message or verdict.message,
        after_s=verdict.after_s,
        owner=verdict.owner,
        primary_code=verdict.code,
        erp_number=verdict.record_id if verdict.meaning is Meaning.CREATED else None,
        then=then or usual,
    )


def _findings(verdict: Verdict) -> tuple[Finding, ...]:
    if not verdict.kind or verdict.owner is None:
        return ()
    return (Finding(kind=verdict.kind, owner=verdict.owner, message=verdict.message, subject=verdict.path),)


def _content(body: Fields) -> Answer:
    """An answer with content: a token, a page of rows, or one record."""
    if body.text("access_token"):
        return Answer(result="ok", retryable=False, message="NetSuite gave an access token.")
    if isinstance(body.raw("items"), list):
        return _page(body)
    if "completed" in body:
        return _job(body)
    number = body.text("id")
    documents = _documents([body]) if number else ()
    named = f"record {number}" if number else "content without an id"
    return Answer(
        result="ok", retryable=False, erp_number=number, per_document=documents, message=f"NetSuite shows {named}."
    )


def _job(body: Fields) -> Answer:
    """A queued write (§1): done says nothing about success yet, its task's result does."""
    done = bool(body.flag("completed"))
    state = "is done; its result says how it ended" if done else "is still running"
    return Answer(
        result="accepted", retryable=False, message=f"NetSuite's job {body.text('id')} {state}.", then="read_back"
    )


def _page(body: Fields) -> Answer:
    rows = list(body.each("items"))
    twice = _shared_external_id(rows)
    if twice is not None:
        message = f"Several documents carry the external id {twice}: a person must say which one is ours."
        return Answer(
            result="ambiguous",
            retryable=False,
            owner=Owner.INTEGRATION,
            per_document=_documents(rows),
            message=message,
            then="park",
        )
    # No rows prove nothing by themselves: a missing permission looks the same (§2.4).
    more = "; there are more" if body.flag("hasMore") else ""
    shown = f"{len(rows)} rows" if rows else "no rows, which alone proves nothing"
    number = rows[0].text("id") if len(rows) == 1 else None
    return Answer(
        result="ok",
        retryable=False,
        erp_number=number,
        per_document=_documents(rows),
        message=f"NetSuite shows {shown}{more}.",
    )


def _documents(rows: list[Fields]) -> tuple[DocumentAnswer, ...]:
    found = [(row.text("externalId") or row.text("externalid"), row.text("id")) for row in rows]
    return tuple(DocumentAnswer(ref=ref, result="ok", erp_number=number) for ref, number in found if ref and number)


def _shared_external_id(rows: list[Fields]) -> str | None:
    owners: dict[str, str] = {}
    for row in rows:
        ref, number = row.text("externalid"), row.text("id")
        if ref and number and owners.setdefault(ref, number) != number:
            return ref
    return None
