"""Commands of the people who approve, and of whoever asks why: approvals, approve, audit decisions.

The command line is one more door to the same action: it proves who answers by the console's own accounts and hands the
answer on; whether it counts is asked where every door's answers are asked.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.bootstrap import build_world
from counterfoil.cli import fail
from counterfoil.cli.serve import open_console
from counterfoil.core.consent import Wanted
from counterfoil.core.money import MoneyError, to_minor, to_text
from counterfoil.flow.resolve import People
from counterfoil.flow.world import World
from counterfoil.ports.actions import ActionError
from counterfoil.settings import Settings, load
from counterfoil.store import decisions
from counterfoil.store.database import Row
from counterfoil.store.migrate import pending

PAGE_ROWS = 500


def open_current(settings: Settings) -> World:
    """The world over a database whose schema is current; a sentence when it is behind."""
    world = build_world(settings)
    behind = pending(world.database)
    if behind:
        world.database.close()
        fail(f"the database is behind ({', '.join(behind)}); run counterfoil migrate")
    return world


def approvals(settings_file: Path, as_json: bool) -> int:
    """Everything people are asked for, oldest first."""
    world = open_current(load(settings_file))
    rows = [_told(row) for row in _asked(world)]
    world.database.close()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode({"approvals": rows})).decode())
        return 0
    for row in rows:
        print(f"{row['return']}: {row['amount']} {row['currency']}, {row['missing']} of {row['people']} missing")
        print(f"       {row['because']} · {' or '.join(row['approvers'])} · rule “{row['rule']}”")
    if not rows:
        print("nothing waits for anybody's approval")
    return 0


def _asked(world: World) -> list[Row]:
    found: list[Row] = []
    place: dict[str, Any] = {"after_ms": -1, "after_case": "", "after_rule": ""}
    with world.database.read() as tx:
        while True:
            page = tx.rows("approvals_page", **place, page_rows=PAGE_ROWS)
            found += page
            if len(page) < PAGE_ROWS:
                return found
            last = page[-1]
            place = {"after_ms": last["asked_ms"], "after_case": last["case_id"], "after_rule": last["rule"]}


def _told(row: Row) -> dict[str, Any]:
    return {
        "return": row["case_id"],
        "order": row["order_name"],
        "rule": row["rule"],
        "because": row["because"],
        "amount": to_text(row["amount_minor"], row["currency"]),
        "currency": row["currency"],
        "method": row["method"],
        "approvers": row["approvers"].split(","),
        "people": row["people"],
        "missing": row["people"] - row["given"],
    }


def approve(
    settings_file: Path,
    case_id: str,
    *,
    name: str,
    amount: str,
    reason: str,
    rule: str | None,
    refuse: bool,
    password_stdin: bool,
) -> int:
    """One person's answer. 2 when it may not be given, with the sentence that says why."""
    settings = load(settings_file)
    world = open_current(settings)
    try:
        open_console(settings, world)
        roles = _proven(name, password_stdin)
        people = People(world)
        wish = _wish(people.wanted(case_id), case_id, rule)
        minor = _minor(amount, wish.terms.currency)
        people.answer(case_id, wish.rule, minor, name, roles, reason, agreed=not refuse)
        left = [w for w in people.wanted(case_id) if w.rule == wish.rule and not w.met]
    except ActionError as error:
        fail(str(error))
    finally:
        world.database.close()
    said = "refused" if refuse else "approved"
    more = f"; {left[0].missing} more to agree" if left and not refuse else ""
    print(f"{case_id}: {amount} {wish.terms.currency} {said} by {name}{more}")
    return 0


def _proven(name: str, password_stdin: bool) -> tuple[str, ...]:
    """The person's roles, once they proved who they are. The password never stands on the command line."""
    from counterfoil.web import roles_of

    if not password_stdin and not sys.stdin.isatty():
        raise ActionError("There is no terminal to ask for the password; give it with --password-stdin.")
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else getpass.getpass(f"Password of {name}: ")
    try:
        return roles_of(name, given)
    except PermissionError as error:
        raise ActionError(str(error)) from error


def _wish(wishes: tuple[Wanted, ...], case_id: str, rule: str | None) -> Wanted:
    unmet = [wish for wish in wishes if (wish.rule == rule if rule else not wish.met)]
    if len(unmet) == 1:
        return unmet[0]
    if not unmet:
        raise ActionError(f"Nobody is asked to approve {case_id} now.")
    names = "; ".join(f"“{wish.rule}”" for wish in unmet)
    raise ActionError(f"Several approvals are asked for; choose one with --rule: {names}.")


def _minor(amount: str, currency: str) -> int:
    try:
        return to_minor(amount, currency)
    except MoneyError as error:
        raise ActionError(f"The amount {amount!r} cannot be read: {error}.") from error


def why(settings_file: Path, case_id: str, as_json: bool) -> int:
    """Every verdict on a return's refund, each worked out again from the log; 1 when one comes out differently."""
    world = open_current(load(settings_file))
    with world.database.read() as tx:
        kept = [
            (one, decisions.again(tx, one.record) == one.record.judgement) for one in decisions.of_case(tx, case_id)
        ]
    world.database.close()
    if not kept:
        fail(f"no verdict is kept for {case_id!r}; a return is named brand/portal/number")
    if as_json:
        rows = [{"confirmed": same, **msgspec.to_builtins(one.record.judgement)} for one, same in kept]
        print(msgspec.json.format(msgspec.json.encode({"return": case_id, "verdicts": rows})).decode())
    else:
        for one, same in kept:
            judged = one.record.judgement
            print(
                f"{'ok ' if same else 'NOT'}  {one.record.now}  {judged.verdict.value:5}  {judged.rule or 'every rule'}"
            )
            print(f"       next: {judged.next_fact} · {judged.policy_name} {judged.policy_version}")
    return 0 if all(same for _, same in kept) else 1
