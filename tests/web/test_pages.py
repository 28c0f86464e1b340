"""Single pages, and what people do on them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import world

from counterfoil.core.commands import AnyCommand
from counterfoil.core.inner_events import AnyFact

RICH = "/returns/north/loop/88031"


def open_problem(system: world.FakeSystem, kind: str) -> int:
    """The id of the first open problem of a kind."""
    with system.database.read() as tx:
        rows = tx.query("select id from problems where kind = :kind and state = 'open' order by id", {"kind": kind})
    return int(rows[0]["id"])


def test_today_says_what_is_open_late_and_unbalanced(sign_in: Any) -> None:
    text = sign_in("finance").get("/").content.decode()
    assert "5 exceptions are open and 3 returns have gone quiet." in text
    assert "paid, not credited" in text
    assert "In trouble" in text and "The worker is alive" in text


def test_the_timeline_tells_the_story_in_order_with_the_rule(sign_in: Any) -> None:
    text = sign_in("finance").get(RICH).content.decode()
    told = [
        "The portal authorised the return",
        "Open the return authorisation",
        "The return authorisation is open",
        "The warehouse inspected the goods",
        "The goods are booked into stock",
        "Money moved back to the customer",
        "Refused: post the credit note",
    ]
    places = [text.index(sentence) for sentence in told]
    assert places == sorted(places)
    assert "Rule: refund equals value" in text
    assert "3 units at LEEDS: 2 sellable, 1 to refurbish" in text
    assert 'href="https://erp.example.com/rma/812"' in text


def test_every_figure_opens_to_its_calculation(sign_in: Any) -> None:
    text = sign_in("finance").get(RICH).content.decode()
    assert text.count('<details class="sum">') == 3
    assert "less its share 5.00 of the order discount" in text
    assert '10.40<span class="currency"> GBP' in text  # tax of the whole note
    assert "62.45 GBP was paid out and no posted credit note stands against it." in text


def test_credit_lines_add_up_to_what_the_panel_shows() -> None:
    from counterfoil.web.moneypanel import credit_note

    note = credit_note({"body": world.msgspec.json.encode({"credit": world.credit()})})
    assert note is not None
    assert note.total_gross == 6245 == note.total_net + note.total_tax


def test_no_class_name_reaches_the_screen(sign_in: Any) -> None:
    client = sign_in("finance")
    names = [kind.__name__ for union in (AnyFact, AnyCommand) for kind in union.__args__]
    for path in ("/", "/returns", RICH, "/problems", "/connections", "/audit"):
        text = re.sub(r"<[^>]*>", " ", client.get(path).content.decode())
        assert [name for name in names if name in text] == []


def test_requirement_numbers_stay_inside_the_house() -> None:
    from counterfoil.web import words

    assert words.spoken("the RMA must exist first (R45)") == "the RMA must exist first"
    assert words.spoken("2 units (all sellable) came") == "2 units (all sellable) came"


def test_every_fact_and_every_request_has_a_sentence() -> None:
    from counterfoil.web import words

    assert {kind.__name__ for kind in AnyFact.__args__} - set(words.FACT) == set()
    assert {kind.__name__ for kind in AnyCommand.__args__} - set(words.COMMAND) == set()


def test_text_from_outside_is_escaped_and_its_links_are_checked(sign_in: Any, system: world.FakeSystem) -> None:
    with system.database.write() as tx:
        tx.query("update problems set message = '<script>alert(1)</script>' where state = 'open'", {})
        tx.query("update documents set url = 'javascript:alert(1)'", {})
    text = sign_in("finance").get(RICH).content.decode()
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text
    assert "javascript:" not in text


def test_an_unknown_return_is_not_found(sign_in: Any) -> None:
    answer = sign_in("cx").get("/returns/north/loop/0")
    assert answer.status_code == 404
    assert "search for its order number" in answer.content.decode()


def test_trying_again_names_the_refused_step(sign_in: Any, system: world.FakeSystem) -> None:
    problem = open_problem(system, "period_closed")
    answer = sign_in("finance").post(
        "/problems/retry", {"problem": problem, "reason": "October is open again", "next": RICH}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, RICH)
    assert system.actions.calls == [("retry", "north/loop/88031", "credit-1", "finance", "October is open again")]


def test_done_by_hand_needs_the_document_number(sign_in: Any, system: world.FakeSystem) -> None:
    client, problem = sign_in("ops"), open_problem(system, "period_closed")
    client.post("/problems/settle", {"problem": problem, "reason": "posted by hand", "next": "/problems"})
    assert system.actions.calls == []
    assert "Give the number of the document" in client.get("/problems").content.decode()
    client.post("/problems/settle", {"problem": problem, "reason": "posted by hand", "number": "CM-77"})
    assert system.actions.calls == [("settle", "north/loop/88031", "credit-1", "ops", "posted by hand", "CM-77")]


@pytest.mark.parametrize("verb", ["accept", "settle", "resolve"])
def test_money_needs_a_reason(sign_in: Any, system: world.FakeSystem, verb: str) -> None:
    answer = sign_in("finance").post(f"/problems/{verb}", {"problem": open_problem(system, "period_closed")})
    assert answer.status_code == 422
    assert "A reason is needed" in answer.content.decode()
    assert system.actions.calls == []


def test_many_at_once_are_reported_one_by_one(sign_in: Any, system: world.FakeSystem) -> None:
    client = sign_in("finance", "auditor")
    ids = [open_problem(system, kind) for kind in ("period_closed", "refund_value_differs", "received_not_inspected")]
    client.post("/problems/resolve", {"problem": ids, "reason": "agreed on the phone", "next": "/problems"})
    with system.database.read() as tx:
        rows = [tx.one("problem_get", id=number) for number in ids]
    assert [row["state"] for row in rows if row] == ["resolved", "resolved", "open"]
    text = client.get("/problems").content.decode()
    assert "2 exceptions closed." in text
    assert "Received but not inspected, north/loop/88004: only the team that owns it may do this." in text


def test_what_the_flow_refuses_is_said_in_its_own_words(sign_in: Any, system: world.FakeSystem) -> None:
    system.actions.refuse = "The return moved on meanwhile."
    client = sign_in("finance")
    client.post("/problems/accept", {"problem": open_problem(system, "refund_value_differs"), "reason": "a cent"})
    assert "The return moved on meanwhile." in client.get("/").content.decode()


def test_a_button_that_cannot_be_pressed_says_why(sign_in: Any) -> None:
    text = sign_in("cx").get(RICH).content.decode()
    assert "Not now: for finance" in text
    assert re.search(r'data-act="accept" disabled|data-act="accept"[^>]* disabled', text)


def test_after_an_action_the_browser_only_goes_to_our_own_pages(sign_in: Any, system: world.FakeSystem) -> None:
    for target in ("https://example.com/", "//example.com/", "javascript:alert(1)"):
        answer = sign_in("finance").post("/theme", {"theme": "dark", "next": target})
        assert answer.headers["Location"] == "/"


def test_connections_show_trouble_first_and_can_be_paused(sign_in: Any, system: world.FakeSystem) -> None:
    client = sign_in("integration")
    text = client.get("/connections").content.decode()
    assert text.index("harbour-prima") < text.index("north-loop")
    assert "The order manager does not answer" in text and "is not an amount: twelve" in text
    assert client.post("/connections/pause", {"connection": "north-loop"}).status_code == 422
    client.post("/connections/pause", {"connection": "north-loop", "reason": "stock count"})
    client.post("/connections/resume", {"connection": "north-loop"})
    client.post("/connections/requeue", {"delivery": "1"})
    assert system.actions.calls == [
        ("pause", "north-loop", "integration", "stock count"),
        ("resume", "north-loop", "integration"),
        ("requeue_delivery", 1, "integration"),
    ]


def test_the_audit_list_names_people_steps_and_fingerprints(sign_in: Any, system: world.FakeSystem) -> None:
    client = sign_in("auditor")
    text = client.get("/audit?return=north/loop/88031").content.decode()
    assert "The goods are booked into stock" in text and "Receipt-1" not in text
    with system.database.read() as tx:
        newest = tx.query("select hash from log order by id desc limit 1", {})[0]["hash"]
    assert newest[:10] in text
    assert "No entry for this return" in client.get("/audit?return=north/loop/0").content.decode()


def test_the_theme_is_remembered_and_needs_no_script(sign_in: Any) -> None:
    client = sign_in("cx")
    client.post("/theme", {"theme": "dark", "next": "/returns"})
    assert '<html lang="en-GB" data-theme="dark">' in client.get("/returns").content.decode()
    assert client.post("/theme", {"theme": "pink"}).status_code == 422


def test_a_failure_of_ours_is_a_designed_page(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from counterfoil.web.pages import today

    def broken(*args: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(today, "owner_cards", broken)
    client = sign_in("cx")
    client.raise_request_exception = False
    answer = client.get("/")
    assert answer.status_code == 500
    assert "nothing was changed" in answer.content.decode() and "on purpose" not in answer.content.decode()


def test_a_kind_we_do_not_know_yet_still_has_words(sign_in: Any, system: world.FakeSystem) -> None:
    with system.database.write() as tx:
        tx.query("update problems set kind = 'moon_in_wrong_phase' where kind = 'period_closed'", {})
    assert "Moon in wrong phase" in sign_in("finance").get(RICH).content.decode()


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [(120450, "GBP", "1,204.50"), (-250, "EUR", "−2.50"), (14800, "JPY", "14,800"), (1234567, "KWD", "1,234.567")],
)
def test_amounts_keep_their_own_digits(minor: int, currency: str, shown: str) -> None:
    from counterfoil.web.formats import amount_text, money

    assert amount_text(minor, currency) == f"{shown} {currency}"
    assert shown in money(minor, currency)
    assert "unknown" in money(None, currency)
