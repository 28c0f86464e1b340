"""People and systems outside are told once of what happened, signed, and again when they did not hear it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Signer

from counterfoil.flow import notify
from counterfoil.flow.desk import Desk
from counterfoil.flow.notify import NotSentError, digest, gather, send_due
from counterfoil.ports.notify import Notify, Smtp, Webhook
from counterfoil.testing.builders import portal_return
from counterfoil.testing.road import Road

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = Webhook(url="https://ops.example.test/hook", secret=SECRET)
SMTP = Smtp(host="mail.example.test")


@pytest.fixture
def told(road: Road) -> Road:
    """A world that tells a system and people, from before anything happened."""
    road.world.notify = Notify(
        sender="counterfoil@example.com",
        smtp=SMTP,
        people={"alex": "alex@example.com"},
        teams={"ops": ("ops@example.com",), "cx": ("cx@example.com",)},
        webhook=(HOOK,),
    )
    gather(road.world)
    road.outside.show(portal_return(reason="Smells of smoke"))
    road.settle()
    return road


def made(road: Road) -> list[tuple[str, str, str]]:
    return [(r["channel"], r["address"], r["subject"]) for r in road.rows("select * from notices order by id")]


def problem(road: Road) -> dict[str, Any]:
    (row,) = road.rows("select * from problems")
    return row


def test_an_opened_exception_is_told_once_to_every_system(told: Road) -> None:
    assert gather(told.world, settle_ms=0) == 1
    assert gather(told.world, settle_ms=0) == 0
    assert made(told) == [("webhook", HOOK.url, "problem.opened")]
    body = json.loads(told.rows("select body from notices")[0]["body"])
    assert body["data"]["cause"] == "reason_not_mapped:Smells of smoke"
    assert (body["data"]["amount"], body["data"]["currency"], body["data"]["units"]) == ("40.00", "GBP", 2)


def test_lines_that_may_still_lie_in_open_transactions_wait(told: Road) -> None:
    assert gather(told.world) == 0
    assert gather(told.world, settle_ms=0) == 1


def test_whoever_is_given_or_named_gets_a_mail_and_nobody_gets_one_of_their_own(told: Road) -> None:
    desk = Desk(told.world)
    desk.assign(problem(told)["id"], problem(told)["version"], "alex", "robin")
    desk.comment(problem(told)["id"], "@alex look\r\nBcc: all@example.com", "robin", frozenset({"alex", "robin"}))
    desk.comment(problem(told)["id"], "@alex is me", "alex", frozenset({"alex"}))
    gather(told.world, settle_ms=0)
    mails = [row for row in made(told) if row[0] == "email"]
    assert [address for _, address, _ in mails] == ["alex@example.com"] * 2


def test_switched_on_later_nothing_old_is_told(road: Road) -> None:
    road.outside.show(portal_return(reason="Smells of smoke"))
    road.settle()
    road.world.notify = Notify(webhook=(HOOK,))
    assert gather(road.world, settle_ms=0) == 0 and made(road) == []


def test_a_team_gets_one_digest_a_day_once_its_hour_has_come(told: Road) -> None:
    assert digest(told.world, datetime(2026, 11, 20, 6, 59, tzinfo=UTC)) == 0
    assert digest(told.world, datetime(2026, 11, 20, 7, 0, tzinfo=UTC)) == 2
    assert digest(told.world, datetime(2026, 11, 20, 9, 0, tzinfo=UTC)) == 0
    assert digest(told.world, datetime(2026, 11, 21, 7, 0, tzinfo=UTC)) == 2
    rows = {row["address"]: row for row in told.rows("select * from notices where channel = 'email'")}
    assert rows["ops@example.com"]["subject"] == "1 open for ops"
    assert (
        "1 × Return reason without an ERP code: Smells of smoke, 40.00 GBP stuck, 2 units"
        in (rows["ops@example.com"]["body"])
    )
    assert rows["cx@example.com"]["subject"] == "All clear for cx"


def test_what_fails_waits_longer_each_time_and_the_last_failure_is_an_exception(told: Road) -> None:
    gather(told.world, settle_ms=0)

    def refuses(notice: dict[str, Any], settings: Notify) -> None:
        raise NotSentError("it answered 503")

    waits = []
    for _ in range(notify.ATTEMPTS_MAX):
        assert send_due(told.world, {"webhook": refuses}) == 0
        assert send_due(told.world, {"webhook": refuses}) == 0  # not due yet
        (row,) = told.rows("select * from notices")
        waits.append(row["due_ms"])
        with told.world.database.write() as tx:
            tx.query("update notices set due_ms = 0", {})
    assert (row["state"], row["attempts"], row["trouble"]) == ("failed", 12, "it answered 503")
    assert sorted(told.problems()) == ["notice_not_sent", "reason_not_mapped"]
    assert send_due(told.world, {"webhook": refuses}) == 0


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A web server that keeps what it is sent."""
    kept: list[tuple[dict[str, str], bytes]] = []

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204 if len(kept) > 1 else 500)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Keep)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", kept
    server.shutdown()
    server.server_close()


def test_a_webhook_is_signed_and_repeated_under_the_same_id(
    road: Road, receiver: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    url, kept = receiver
    road.world.notify = Notify(webhook=(Webhook(url=url, secret=SECRET),))
    gather(road.world)
    road.outside.show(portal_return(reason="Smells of smoke"))
    road.settle()
    gather(road.world, settle_ms=0)
    assert send_due(road.world) == 0
    with road.world.database.write() as tx:
        tx.query("update notices set due_ms = 0", {})
    assert send_due(road.world) == 1
    (first, _), (headers, body) = kept
    assert first["webhook-id"] == headers["webhook-id"]
    assert Signer(SECRET).verify(body, headers)["type"] == "problem.opened"
    assert road.rows("select state from notices") == [{"state": "sent"}]


def test_a_mail_says_what_happened_and_cannot_be_made_to_say_more(told: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Server:
        def __init__(self, host: str, port: int, timeout: float) -> None:
            assert (host, port) == ("mail.example.test", 587)

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def starttls(self) -> None:
            sent.append("starttls")

        def send_message(self, message: Any) -> None:
            sent.append(message)

    monkeypatch.setattr(notify.smtplib, "SMTP", Server)
    Desk(told.world).comment(problem(told)["id"], "@alex look\nBcc: x@example.com", "robin", frozenset({"alex"}))
    gather(told.world, settle_ms=0)
    assert send_due(told.world, {"email": notify.send_mail, "webhook": lambda *_: None}) == 2
    security, mail = sent
    assert security == "starttls" and mail["To"] == "alex@example.com" and mail["Bcc"] is None
    assert "robin wrote: @alex look" in mail.get_content() and mail["Message-ID"].startswith("<notice-")


def test_the_settings_check_what_they_are_told_about_telling() -> None:
    import tomllib

    from counterfoil.cli.init import template
    from counterfoil.settings import SettingsError, parse

    shown = template().split("[notify]\n")[1].split("\n[[")[0].split("\n\n")[0]
    live = tomllib.loads("\n".join(line.removeprefix("# ") for line in shown.splitlines()))
    live["webhook"][0]["secret"] = SECRET
    told = parse({"notify": live}, "the test").notify
    assert told.smtp is not None and told.smtp.security == "starttls" and told.webhook[0].url.startswith("https://")
    for wrong in ({"sender": "nobody"}, {"webhook": [{"url": "ftp://x", "secret": SECRET}]}, {"digest_hour_utc": 24}):
        with pytest.raises(SettingsError, match="notify"):
            parse({"notify": wrong}, "the test")
