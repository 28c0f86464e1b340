"""Telling people and systems: what happened becomes notices in an outbox, a job sends them and tries again.

Notices are made from the histories of exceptions, each under a key of its own, so a stopped process makes none twice.
Sending is at least once: a webhook carries the same `webhook-id` each time, a mail the same Message-ID.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import httpx2
import msgspec
import structlog
from standardwebhooks.webhooks import Webhook as Signer

from counterfoil.core.money import to_text
from counterfoil.core.problem_kinds import kind_of
from counterfoil.core.problems import Problem
from counterfoil.flow.world import World
from counterfoil.ports.notify import Notify, Smtp
from counterfoil.store import problems
from counterfoil.store.database import Row, Transaction, now_ms

SETTLE_MS = 10_000  # younger lines may still lie in open transactions
BATCH = 500
ATTEMPTS_MAX = 12
FIRST_WAIT_MS, WAIT_MAX_MS = 10_000, 3_600_000
LEASE_MS = 60_000
TIMEOUT_S = 10
READER = "notices"

_EVENTS = {
    "opened": "problem.opened",
    "reopened": "problem.reopened",
    "assigned": "problem.assigned",
    "closed": "problem.closed",
    "ended": "problem.ended",
}
_log = structlog.get_logger("counterfoil.notify")

Send = Callable[[Row, Notify], None]


class NotSentError(RuntimeError):
    """The other side did not take it; the message says why."""


def gather(world: World, settle_ms: int = SETTLE_MS) -> int:
    """Make notices of what happened since the last time; how many lines were read."""
    notify = world.notify
    if notify.smtp is None and not notify.webhook:
        return 0
    with world.database.write() as tx:
        mark = tx.one("bookmark", name=READER)
        if mark is None:  # switched on just now: only what comes from here on is told
            newest = tx.one("history_newest") or {"id": 0}
            tx.run("bookmark_put", name=READER, place=newest["id"])
            return 0
        lines = tx.rows("history_after", after=mark["place"], before=now_ms() - settle_ms, limit=BATCH)
        for line in lines:
            _tell(tx, notify, line)
        if lines:
            tx.run("bookmark_put", name=READER, place=lines[-1]["id"])
    return len(lines)


def _tell(tx: Transaction, notify: Notify, line: Row) -> None:
    event = _EVENTS.get(line["what"])
    if event is not None:
        for hook in notify.webhook:
            _put(tx, f"{line['id']}:{hook.url}", "webhook", hook.url, event, _event_body(event, line))
    if notify.smtp is None:
        return
    if line["what"] == "assigned" and line["assignee"] and line["assignee"] != line["by_whom"]:
        _mail(tx, notify, line, line["assignee"], f"{line['by_whom']} gave you this exception.")
    if line["what"] == "commented":
        for row in tx.rows("mentioned", problem_id=line["problem_id"], history_id=line["id"]):
            _mail(tx, notify, line, row["who"], f"{line['by_whom']} wrote: {line['words']}")


def _mail(tx: Transaction, notify: Notify, line: Row, who: str, what: str) -> None:
    address = notify.people.get(who)
    if address is None:
        _log.info("no_address", who=who)
        return
    title = f"{kind_of(line['kind']).title}, {line['case_id'] or line['brand']}"
    body = f"{what}\n\n{line['message']}\n\nIn the console: /problems/{line['problem_id']}\n"
    _put(tx, f"{line['id']}:{address}", "email", address, title, body)


def digest(world: World, now: datetime | None = None) -> int:
    """One mail a day for each team with what is open by cause, once its hour has come; how many were made."""
    notify, moment = world.notify, now or datetime.now(UTC)
    if notify.smtp is None or moment.hour < notify.digest_hour_utc:
        return 0
    made = 0
    with world.database.write() as tx:
        open_now = [row for row in problems.open_by_cause(tx) if not row["snoozed"]]
        for team, addresses in sorted(notify.teams.items()):
            rows = sorted((r for r in open_now if r["owner"] == team), key=lambda r: (-r["problems"], r["cause"]))
            total = sum(row["problems"] for row in rows)
            subject = f"{total} open for {team}" if total else f"All clear for {team}"
            body = "".join(_digest_line(row) for row in rows) or "Nothing is open.\n"
            for address in addresses:
                made += _put(tx, f"digest:{moment:%Y-%m-%d}:{team}:{address}", "email", address, subject, body)
    return made


def _digest_line(row: Row) -> str:
    kind, _, words = str(row["cause"]).partition(":")
    held = f", {to_text(row['held_minor'], row['currency'])} {row['currency']} stuck" if row["priced"] else ""
    units = f", {row['units']} units" if row["units"] else ""
    return f"{row['problems']} × {kind_of(kind).title}{f': {words}' if words else ''}{held}{units}\n"


def _put(tx: Transaction, key: str, channel: str, address: str, subject: str, body: str) -> int:
    values = {"key": key, "channel": channel, "address": address, "subject": subject[:200], "body": body}
    return tx.run("notice_put", **values, now=now_ms())


def _event_body(event: str, line: Row) -> str:
    amount = to_text(line["amount_minor"], line["currency"]) if line["amount_minor"] is not None else None
    data = {
        "problem": line["problem_id"],
        "kind": line["kind"],
        "cause": line["cause"],
        "brand": line["brand"],
        "return": line["case_id"],
        "owner": line["owner"],
        "severity": line["severity"],
        "message": line["message"],
        "amount": amount,
        "currency": line["currency"],
        "units": line["units"],
        "assignee": line["assignee"],
        "by": line["by_whom"],
    }
    at = datetime.fromtimestamp(line["at_ms"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return msgspec.json.encode({"type": event, "timestamp": at, "data": data}).decode()


# --- sending --------------------------------------------------------------------------------------------------------


def send_due(world: World, senders: dict[str, Send] | None = None, batch: int = 100) -> int:
    """Send what is due; how many went out. What fails waits longer each time; the last failure is an exception."""
    chosen, sent = senders or SENDERS, 0
    for _ in range(batch):
        with world.database.write() as tx:
            notice = tx.one("notice_take", now=now_ms(), until=now_ms() + LEASE_MS)
        if notice is None:
            return sent
        try:
            chosen[notice["channel"]](notice, world.notify)
        except Exception as error:  # a mail server and a stranger's web server fail in every way there is
            _failed(world, notice, str(error) or type(error).__name__)
            continue
        with world.database.write() as tx:
            tx.run("notice_sent", id=notice["id"], now=now_ms())
        sent += 1
    return sent


def _failed(world: World, notice: Row, why: str) -> None:
    spent = notice["attempts"] >= ATTEMPTS_MAX
    wait = min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** min(notice["attempts"], 12))
    _log.warning("notice_failed", notice=notice["id"], attempts=notice["attempts"], error=why)
    with world.database.write() as tx:
        state = "failed" if spent else "ready"
        tx.run("notice_again", id=notice["id"], state=state, due_ms=now_ms() + wait, trouble=why[:500])
        if spent:
            message = f"{notice['address']} took none of {ATTEMPTS_MAX} attempts: {why[:300]}"
            problem = Problem(kind="notice_not_sent", subject=notice["address"], message=message)
            problems.put(tx, next(iter(world.setups), ("", ""))[0] or "all", problem)


def send_webhook(notice: Row, notify: Notify) -> None:
    """Post a signed event. Raises NotSentError for anything but a success."""
    hook = next((hook for hook in notify.webhook if hook.url == notice["address"]), None)
    if hook is None:
        raise NotSentError("this webhook is not in the settings any more")
    moment, identity = datetime.now(UTC), f"msg_{notice['id']}"
    headers = {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Signer(hook.secret).sign(identity, moment, notice["body"]),
    }
    answer = httpx2.post(hook.url, content=notice["body"].encode(), headers=headers, timeout=TIMEOUT_S)
    if not 200 <= answer.status_code < 300:
        raise NotSentError(f"it answered {answer.status_code}")


def send_mail(notice: Row, notify: Notify) -> None:
    """Send one mail."""
    if notify.smtp is None:
        raise NotSentError("no mail server is set")
    message = EmailMessage()
    message["From"], message["To"] = notify.sender, notice["address"]
    message["Subject"] = " ".join(notice["subject"].split())
    message["Message-ID"] = f"<notice-{notice['id']}@{notify.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice["body"])
    _deliver(notify.smtp, message)


def _deliver(smtp: Smtp, message: EmailMessage) -> None:
    opened: Any = smtplib.SMTP_SSL if smtp.security == "tls" else smtplib.SMTP
    with opened(smtp.host, smtp.port, timeout=TIMEOUT_S) as server:
        if smtp.security == "starttls":
            server.starttls()
        if smtp.user:
            server.login(smtp.user, smtp.password)
        server.send_message(message)


SENDERS: dict[str, Send] = {"webhook": send_webhook, "email": send_mail}
