"""The log shows every edit, deletion, swap and cut tail (reliability G15)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.core.evolve import evolve, new_case
from counterfoil.core.inner_events import DifferenceAccepted
from counterfoil.core.look import Decision
from counterfoil.store import cases, log
from counterfoil.store.cases import Entry
from counterfoil.store.database import Database, Row, Transaction
from counterfoil.store.log import Verification, seal, verify
from counterfoil.testing.builders import portal_return, shown

RETURNS, ROUNDS = 4, 4
FIELDS = ("stream", "seq", "fact_key", "name", "actor", "at_ms", "payload", "hash")


def told(database: Database, return_id: str, number: int) -> None:
    """One more fact on a return."""
    seen = portal_return(return_id)
    with database.write() as tx:
        held = cases.create(tx, new_case("north", seen))
        fact = (
            shown(seen)
            if number == 0
            else DifferenceAccepted(key=f"a{number}", kind=f"k{number}", by="robin", reason="ok")
        )
        cases.save(tx, held, evolve(held.case, fact), [Entry(fact=fact, actor="robin")], Decision())


def filled(database: Database) -> str:
    """Four returns and a stream that is none, sealed three times; the head an auditor keeps elsewhere."""
    head = None
    for number in range(ROUNDS):
        for return_number in range(RETURNS):
            told(database, f"R{return_number}", number)
        with database.write() as tx:
            log.note(tx, stream="system/connections", key=f"n{number}", name="Paused.v1", actor="robin", payload="{}")
        if number:
            head = seal(database, settle_ms=-1000)
    assert head is not None
    return head


class Undone(Exception):  # noqa: N818 - it ends an example, nothing is wrong
    """Takes an example's tampering back."""


class Seen:
    """The database as it looks from inside a transaction that will be taken back."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        yield self._tx


def judged(database: Database, tamper: Callable[[Transaction], None], anchor: str | None) -> Verification:
    """What `verify` says after tampering; the database is as before afterwards."""
    found: list[Verification] = []
    with pytest.raises(Undone), database.write() as tx:
        tamper(tx)
        found.append(verify(Seen(tx), anchor))  # type: ignore[arg-type]
        raise Undone
    return found[0]


def rows(tx: Transaction) -> list[Row]:
    return tx.query("select * from log order by id", {})


def change(tx: Transaction, row_id: int, **values: Any) -> None:
    for name, value in values.items():
        word = f"'{value}'" if isinstance(value, str) else str(value)
        tx.query(f"update log set {name} = {word} where id = {row_id}", {})


def edit(tx: Transaction, dice: random.Random) -> None:
    row = dice.choice(rows(tx))
    name = dice.choice(FIELDS)
    old = row[name]
    change(
        tx, row["id"], **{name: old + 1000 if isinstance(old, int) else old[:-1] + ("y" if old[-1:] == "x" else "x")}
    )


def delete(tx: Transaction, dice: random.Random) -> None:
    tx.query(f"delete from log where id = {dice.choice(rows(tx))['id']}", {})


def swap(tx: Transaction, dice: random.Random) -> None:
    """Two entries of one stream change places, number and all."""
    first = dice.choice(rows(tx))
    others = [row for row in rows(tx) if row["stream"] == first["stream"] and row["id"] != first["id"]]
    second = dice.choice(others)
    change(tx, first["id"], seq=-1)
    change(tx, second["id"], seq=first["seq"])
    change(tx, first["id"], seq=second["seq"])


def cut_stream(tx: Transaction, dice: random.Random) -> None:
    """The last entries of one stream disappear."""
    stream = dice.choice(rows(tx))["stream"]
    last = max(row["seq"] for row in rows(tx) if row["stream"] == stream)
    keep = dice.randrange(last)
    tx.query(f"delete from log where stream = '{stream}' and seq > {keep}", {})


def cut_all(tx: Transaction, dice: random.Random) -> None:
    """The end of the whole log disappears, with its seals and with what the returns remember of it."""
    known = rows(tx)
    after = dice.choice(known[:-1])["id"]
    tx.query(f"delete from log where id > {after}", {})
    tx.query(f"delete from seals where last_id > {after}", {})
    forget(tx)


def forget(tx: Transaction) -> None:
    """Returns are made to agree with whatever the log holds now."""
    tx.query("delete from cases where case_id not in (select stream from log)", {})
    last = "select {} from log l where l.stream = cases.case_id order by l.seq desc limit 1"
    tx.query(f"update cases set seq = ({last.format('l.seq')}), chain = ({last.format('l.hash')})", {})


def rewrite(tx: Transaction, dice: random.Random) -> None:
    """Somebody with every right changes an entry and computes all hashes and seals anew."""
    victim = dice.choice(rows(tx))
    change(tx, victim["id"], actor="nobody")
    heads: dict[str, str] = {}
    for row in rows(tx):
        heads[row["stream"]] = log.entry_hash(heads.get(row["stream"], ""), row)
        change(tx, row["id"], hash=heads[row["stream"]])
    forget(tx)
    previous, after = "", 0
    for kept in tx.rows("seals_all"):
        digest, _ = log._cover(tx, previous, after, kept["last_id"])
        tx.query(f"update seals set hash = '{digest}' where id = {kept['id']}", {})
        previous, after = digest, kept["last_id"]


def edit_seal(tx: Transaction, dice: random.Random) -> None:
    chosen = dice.choice(tx.rows("seals_all"))
    tx.query(f"update seals set entries = entries + 1 where id = {chosen['id']}", {})


def delete_seal(tx: Transaction, dice: random.Random) -> None:
    tx.query(f"delete from seals where id = {dice.choice(tx.rows('seals_all'))['id']}", {})


WAYS = {way.__name__: way for way in (edit, delete, swap, cut_stream, cut_all, rewrite, edit_seal, delete_seal)}


@pytest.fixture
def anchor(database: Database) -> str:
    return filled(database)


def test_an_untouched_log_verifies(database: Database, anchor: str) -> None:
    found = verify(database, anchor)
    assert found.faults == ()
    assert (found.entries, found.streams, found.seals, found.head) == (20, 5, 3, anchor)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(seed=st.integers(0, 2**32))
def test_every_way_of_tampering_shows(database: Database, anchor: str, way: str, seed: int) -> None:
    dice = random.Random(seed)
    assert judged(database, lambda tx: WAYS[way](tx, dice), anchor).faults != ()


def test_tampering_leaves_the_test_database_as_it_was(database: Database, anchor: str) -> None:
    judged(database, lambda tx: cut_all(tx, random.Random(1)), anchor)
    assert verify(database, anchor).faults == ()


@pytest.mark.parametrize("way", ["cut_all", "rewrite"])
def test_what_only_an_anchor_kept_elsewhere_can_show_is_named_so(database: Database, anchor: str, way: str) -> None:
    def tamper(tx: Transaction) -> None:
        WAYS[way](tx, random.Random(5))

    assert judged(database, tamper, None).faults == ()
    assert any("anchored head" in fault for fault in judged(database, tamper, anchor).faults)


def test_a_cut_tail_of_a_return_shows_before_it_is_sealed(database: Database, anchor: str) -> None:
    told(database, "R1", 9)
    assert verify(database, anchor).faults == ()
    last = "delete from log where stream = 'north/acme-portal/R1' and seq = 5"
    found = judged(database, lambda tx: tx.query(last, {}) and None, anchor)
    assert found.faults == ("north/acme-portal/R1: the log ends at 4, the return at 5",)


def test_a_seal_covers_only_what_is_settled_and_nothing_twice(database: Database) -> None:
    told(database, "R1", 0)
    assert seal(database) is None
    assert seal(database, settle_ms=-1000) is not None
    assert seal(database, settle_ms=-1000) is None
    told(database, "R1", 1)
    assert seal(database, settle_ms=-1000) is not None
    assert [row["entries"] for row in _seals(database)] == [1, 1]


def _seals(database: Database) -> list[Row]:
    with database.read() as tx:
        return tx.rows("seals_all")


def test_older_heads_stay_good_anchors(database: Database, anchor: str) -> None:
    for row in _seals(database):
        assert verify(database, row["hash"]).faults == ()
    assert verify(database, "0" * 64).faults != ()


def test_an_entry_says_who_and_its_hash_covers_every_field() -> None:
    entry = dict.fromkeys(FIELDS, "v") | {"seq": 1, "at_ms": 5}
    first = log.entry_hash("", entry)
    for name in FIELDS[:-1]:
        other = entry | {name: 2 if isinstance(entry[name], int) else "w"}
        assert log.entry_hash("", other) != first
    assert log.entry_hash("x", entry) != first
    moved = entry | {"name": "vv", "actor": ""}
    assert log.entry_hash("", moved) != log.entry_hash("", entry | {"name": "v", "actor": "v"}), "lengths count"
