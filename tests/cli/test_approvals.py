"""The command line as a door to approvals: what it prints, whom it believes, and that it holds to the one rule."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from counterfoil.cli import answers as door
from counterfoil.core.policy import PRESETS, ApprovalRule
from counterfoil.store.database import SqliteDatabase
from counterfoil.store.migrate import migrate
from counterfoil.testing.builders import parcel, portal_return, sold_order
from counterfoil.testing.outside import Outside
from counterfoil.testing.road import Road, make_world

CASE = "north/acme-portal/R1"
NOWHERE = Path("counterfoil.toml")
ACCOUNTS = {
    "robin": ("correct horse", ("finance",)),
    "sam": ("battery", ("finance", "ops")),
    "kim": ("staple", ("ops",)),
}


class House:
    """A road whose database each command opens anew, as a process of its own would."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outside = Outside()
        self.outside.sell(sold_order())
        rules = (ApprovalRule(value_above=3000, currency="GBP", people=2),)
        self.policy = msgspec.structs.replace(PRESETS["controlled"], approvals=rules)
        database = SqliteDatabase(path)
        migrate(database)
        road = Road(make_world(database, self.outside, policy=self.policy), self.outside)
        self.outside.show(portal_return("R1"))
        road.settle()
        road.tell("wms", parcel("GR-1", [("SHIRT-M", 2)], rma_number="R1"))
        road.settle()
        database.close()

    def world(self, *_: object) -> Any:
        return make_world(SqliteDatabase(self.path), self.outside, policy=self.policy)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path / "counterfoil.sqlite3")
    monkeypatch.setattr(door, "build_world", made.world)
    monkeypatch.setattr(door, "load", lambda path: None)
    monkeypatch.setattr(door, "open_console", lambda settings, world: None)

    def roles_of(name: str, password: str) -> tuple[str, ...]:
        known = ACCOUNTS.get(name)
        if known is None or known[0] != password:
            raise PermissionError("Name and password do not fit together.")
        return known[1]

    monkeypatch.setattr("counterfoil.web.roles_of", roles_of)
    yield made


def say(monkeypatch: pytest.MonkeyPatch, name: str, *, password: str = "", **more: Any) -> int:
    given = password or ACCOUNTS[name][0]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{given}\n"))
    told = {"amount": "40.00", "reason": "seen", "rule": None, "refuse": False, "password_stdin": True, **more}
    return door.approve(NOWHERE, CASE, name=name, **told)


def test_what_waits_is_listed_with_money_rule_and_who_may(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert door.approvals(NOWHERE, as_json=True) == 0
    (row,) = json.loads(capsys.readouterr().out)["approvals"]
    assert (row["return"], row["amount"], row["currency"], row["missing"]) == (CASE, "40.00", "GBP", 2)
    assert row["approvers"] == ["finance"]
    assert door.approvals(NOWHERE, as_json=False) == 0
    assert "2 of 2 missing" in capsys.readouterr().out


def test_two_people_approve_and_the_verdicts_are_confirmed(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(monkeypatch, "robin") == 0
    assert "1 more to agree" in capsys.readouterr().out
    assert say(monkeypatch, "sam") == 0
    assert "approved by sam" in capsys.readouterr().out
    assert door.approvals(NOWHERE, as_json=False) == 0
    assert "nothing waits" in capsys.readouterr().out
    assert door.why(NOWHERE, CASE, as_json=True) == 0
    verdicts = json.loads(capsys.readouterr().out)["verdicts"]
    assert verdicts[-1]["verdict"] == "allow" and all(row["confirmed"] for row in verdicts)


def test_a_verdict_whose_log_was_changed_is_not_confirmed(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    world = house.world()
    with world.database.write() as tx:
        tx.query("delete from log where name = 'WarehouseReported.v1'", {})
    world.database.close()
    assert door.why(NOWHERE, CASE, as_json=False) == 1
    assert "NOT" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("robin", {"password": "guessed"}, "do not fit together"),
        ("kim", {}, "may not approve this: it takes finance"),
        ("robin", {"amount": "39.00"}, "by now, not 39.00"),
        ("robin", {"amount": "forty"}, "cannot be read"),
        ("robin", {"rule": "another"}, "Nobody is asked to approve"),
        ("robin", {"reason": " "}, "needs a reason"),
        ("robin", {"password_stdin": False}, "--password-stdin"),
    ],
)
def test_an_answer_that_may_not_be_given_ends_in_a_sentence(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, more: Any, said: str
) -> None:
    with pytest.raises(typer.Exit) as ended:
        say(monkeypatch, name, **more)
    assert ended.value.exit_code == 2
    assert said in capsys.readouterr().err
    world = house.world()
    with world.database.read() as tx:
        assert tx.query("select id from log where name like 'Approval%'", {}) == []
    world.database.close()


def test_a_refusal_is_taken_too(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(monkeypatch, "robin", refuse=True) == 0
    assert "refused by robin" in capsys.readouterr().out


def test_a_database_that_is_behind_is_said(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(door, "pending", lambda database: ["0020_pre_decisions"])
    with pytest.raises(typer.Exit):
        door.approvals(NOWHERE, as_json=False)
    assert "run counterfoil migrate" in capsys.readouterr().err


def test_a_return_without_verdicts_is_said(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        door.why(NOWHERE, "north/acme-portal/R9", as_json=False)
    assert "no verdict is kept" in capsys.readouterr().err
