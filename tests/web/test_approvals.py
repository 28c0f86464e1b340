"""The approval inbox over a real flow: who may answer, what they see, a fresh sign-in first, and the reason behind a refund."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import world
from msgspec.structs import replace

from counterfoil.core.policy import PRESETS, ApprovalRule
from counterfoil.flow.resolve import People
from counterfoil.testing.builders import parcel, portal_return, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world

RETURN = "/returns/north/acme-portal/R1"


@pytest.fixture
def road(system: world.FakeSystem, tmp_path: Path) -> Iterator[Road]:
    """A return worth 40.00 whose facts are all there, and that waits for one person of finance."""
    from counterfoil.web.system import install

    real = world.system(tmp_path / "real", empty=True)
    install(real)
    outside = Outside()
    outside.sell(sold_order())
    policy = replace(PRESETS["controlled"], approvals=(ApprovalRule(value_above=3000, currency="GBP"),))
    made = Road(make_world(real.database, outside, policy=policy), outside)
    real.actions = People(made.world)  # type: ignore[assignment]
    outside.show(portal_return("R1"))
    made.settle()
    made.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], rma_number="R1"))
    made.settle()
    yield made
    real.database.close()


def choice(client: Any) -> str:
    found = re.search(r'name="choice" value="([^"]+)"', client.get("/approvals").content.decode())
    assert found is not None
    return found[1]


def say(client: Any, verdict: str = "agree", reason: str = "looked at", **form: Any) -> Any:
    body = {"choice": choice(client), "verdict": verdict, "reason": reason, "next": "/approvals", **form}
    return client.post("/approvals/answer", body, follow=True)


def test_finance_sees_money_rule_and_facts_agrees_and_the_refund_goes(road: Road, sign_in: Any) -> None:
    client = sign_in("finance")
    text = client.get("/approvals").content.decode()
    for part in ("40.00", "value above 3000 GBP", "worth by the original order", "1 of 1 missing, finance"):
        assert part in text, part
    assert "1 refund approved by you." in say(client).content.decode()
    road.settle()
    assert road.case().money_out == 4000
    assert "All clear" in client.get("/approvals").content.decode()


def test_a_refusal_is_told_with_its_reason(road: Road, sign_in: Any) -> None:
    say(sign_in("finance"), "refuse", "the box was empty")
    assert road.problems() == ["refund_refused"]
    assert "release-1" not in road.case().steps


def test_others_see_it_and_are_told_why_it_is_not_for_them_and_the_server_holds_to_it(road: Road, sign_in: Any) -> None:
    client = sign_in("ops")
    text = client.get("/approvals").content.decode()
    assert "Not for you: it takes finance." in text and "disabled" in text
    assert "ops may not approve this: it takes finance." in say(client).content.decode()
    assert sign_in("auditor").post("/approvals/answer", {}).status_code == 403
    assert road.rows("select id from log where name like 'Approval%'") == []


def test_who_shaped_the_return_is_not_offered_the_answer_and_does_not_get_it(road: Road, sign_in: Any) -> None:
    client = sign_in("finance")
    before = choice(client)
    with road.world.database.write() as tx:
        state = road.case()
        changed = replace(state, makers=("Finance",))
        body = world.msgspec.json.encode(changed).decode()
        tx.query("update cases set state = :state where case_id = :case_id", {"state": body, "case_id": state.case_id})
    assert "you shaped this return" in client.get("/approvals").content.decode()
    answer = client.post(
        "/approvals/answer", {"choice": before, "verdict": "agree", "reason": "mine", "next": "/approvals"}, follow=True
    )
    assert "shaped this return" in answer.content.decode()
    assert road.rows("select id from log where name like 'Approval%'") == []


@pytest.mark.parametrize("path", ["/approvals/answer", "/problems/accept", "/problems/settle"])
def test_a_sign_in_that_is_not_fresh_is_asked_for_again_before_money_moves(road: Road, sign_in: Any, path: str) -> None:
    client = sign_in("finance")
    chosen = choice(client)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": 1_000_000.0}]
    session.save()
    form = {"choice": chosen, "verdict": "agree", "reason": "seen", "next": "/approvals", "problem": "1"}
    answer = client.post(path, form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/reauthenticate/?next=%2Fapprovals")
    quick = client.post(path, form, headers={"HX-Request": "true"})
    assert (quick.status_code, quick.headers["HX-Redirect"]) == (204, "/account/reauthenticate/?next=%2Fapprovals")
    assert road.rows("select id from log where name like 'Approval%'") == []
    proved = client.post("/account/reauthenticate/?next=/approvals", {"password": "a long enough phrase"})
    assert (proved.status_code, proved.headers["Location"]) == (302, "/approvals")
    assert client.post(path, form).headers.get("Location") != answer.headers["Location"]


@pytest.mark.parametrize(
    "form",
    [
        {"choice": []},
        {"choice": "4000~rule"},
        {"choice": "forty~rule~case"},
        {"choice": "4000~rule~case", "verdict": "maybe"},
        {"choice": [f"1~r~c{number}" for number in range(101)]},
    ],
)
def test_a_form_that_makes_no_sense_is_answered_with_a_sentence(road: Road, sign_in: Any, form: Any) -> None:
    answer = sign_in("finance").post("/approvals/answer", {"verdict": "agree", "reason": "r", **form})
    assert answer.status_code == 422


def test_an_amount_that_moved_on_while_the_page_was_open_approves_nothing(road: Road, sign_in: Any) -> None:
    client = sign_in("finance")
    stale = choice(client).replace("4000", "3900")
    body = {"choice": stale, "verdict": "agree", "reason": "seen", "next": "/approvals"}
    assert "by now, not 39.00" in client.post("/approvals/answer", body, follow=True).content.decode()
    assert road.case().voices == ()


def test_a_place_in_the_list_that_cannot_be_is_said(road: Road, sign_in: Any) -> None:
    client = sign_in("finance")
    assert client.get("/approvals?after=nonsense").status_code == 422
    assert "All clear" in client.get("/approvals?after=99999999999999~x~y").content.decode()


def test_the_page_of_a_return_says_why_its_refund_waits(road: Road, sign_in: Any) -> None:
    client = sign_in("cx")
    text = client.get(RETURN).content.decode()
    for part in ("Why the refund waits", "1 person of finance", "refund within order", "Verdicts before", "version 1"):
        assert part in text, part
    say(sign_in("finance"))
    assert "Why the refund may go" in client.get(RETURN).content.decode()
    assert "A person agreed to the refund" in client.get(RETURN).content.decode()


def test_the_command_line_is_believed_only_with_the_consoles_own_password(system: Any, sign_in: Any) -> None:
    from allauth.mfa.models import Authenticator
    from django.contrib.auth.models import User

    from counterfoil.web import roles_of

    sign_in("finance", "ops")
    assert roles_of("finance-ops", "a long enough phrase") == ("finance", "ops")
    for name, password in (("finance-ops", "another phrase"), ("nobody at all", "a long enough phrase")):
        with pytest.raises(PermissionError, match="do not fit together"):
            roles_of(name, password)
    user = User.objects.get(username="finance-ops")
    factor = Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "example"})
    with pytest.raises(PermissionError, match="second factor"):
        roles_of("finance-ops", "a long enough phrase")
    factor.delete()
