"""Fill a database with N returns of five years, their exceptions and audit entries: bulk, and the same each time.

One return in five has had an exception; one exception in ten is open, at most 20,000. So 1,000,000 returns bring
200,000 exceptions (20,000 open) and 3,000,000 log entries. The rows have the shape and spread of real ones: brands of
different size, most returns finished, open ones young, some forgotten.

    .venv/bin/python benchmarks/console_fill.py sqlite:///bench.sqlite3 --returns 100000
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from counterfoil.core.case import ReturnCase, Unit
from counterfoil.core.causes import is_shared
from counterfoil.core.commands import CaseRef
from counterfoil.core.problem_kinds import KINDS
from counterfoil.core.returns import Stage
from counterfoil.store.database import Database, SqliteDatabase, now_ms, open_database
from counterfoil.store.migrate import migrate
from counterfoil.store.problems import fold
from counterfoil.store.sql import bound

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
YEARS_MS = 5 * 365 * DAY_MS
BATCH = 5_000
OPEN_MAX = 20_000
LOG_PER_RETURN = 3
BRANDS = (("north", "loop", "GBP", 60), ("harbour", "loop", "EUR", 25), ("meadow", "reveni", "EUR", 15))
WORDS = [f"STYLE-{number:04}" for number in range(120)]

Row = dict[str, Any]


def fill(database: Database, returns: int, seed: int = 7) -> None:
    """Everything, in the order of time."""
    migrate(database)
    now = now_ms()
    _put(database, "connections", _connections(now))
    _put(database, "cases", _cases(returns, now, seed))
    _put(database, "case_keys", _keys(returns, seed))
    _put(database, "problems", _problems(returns, now, seed))
    _put(database, "problem_history", _histories(returns, now, seed))
    _put(database, "problem_moves", _moves(returns, now, seed))
    while fold(database):
        pass
    _put(database, "log", _log(returns, now, seed))
    _put(database, "mapping_seen", _seen(now))
    _put(database, "workers", iter([{"worker": "bench", "started_ms": now, "beat_ms": now}]))
    with database.write() as tx:
        tx.query("analyze", {})


def _put(database: Database, table: str, rows: Iterator[Row]) -> None:
    started, count = time.perf_counter(), 0
    while batch := list(islice(rows, BATCH)):
        names = list(batch[0])
        sql = f"insert into {table} ({', '.join(names)}) values ({', '.join(':' + name for name in names)})"
        with database.write() as tx:
            _many(tx, bound(sql, tx.dialect), batch)
        count += len(batch)
    print(f"  {table}: {count:,} rows in {time.perf_counter() - started:.0f} s", flush=True)


def _many(tx: Any, sql: str, batch: list[Row]) -> None:
    if tx.dialect == "sqlite":
        tx._connection.executemany(sql, batch)
    else:
        with tx._connection.cursor() as cursor:
            cursor.executemany(sql, batch)


def _connections(now: int) -> Iterator[Row]:
    for brand, portal, _, _ in BRANDS:
        for vendor, family in (
            (portal, "portal"),
            ("prima", "erp"),
            ("shopify", "gateway"),
            ("warehouse", "warehouse"),
        ):
            yield {
                "name": f"{brand}-{vendor}",
                "brand": brand,
                "vendor": vendor,
                "family": family,
                "last_delivery_ms": now - 60_000,
                "last_success_ms": now - 50_000,
            }


def _shape(number: int, returns: int, seed: int) -> tuple[random.Random, str, str, str, int]:
    """A return's own dice, brand, portal, currency and age as a share of five years; more returns lately than at first."""
    dice = random.Random(seed * 1_000_003 + number)
    brand, portal, currency, _ = dice.choices(BRANDS, weights=[weight for *_, weight in BRANDS])[0]
    return dice, brand, portal, currency, int(YEARS_MS * (1 - ((number + 1) / returns) ** 0.7))


def _cases(returns: int, now: int, seed: int) -> Iterator[Row]:
    for number in range(returns):
        dice, brand, portal, currency, age = _shape(number, returns, seed)
        progress = dice.choices(("finished", "waiting", "open", "cancelled"), weights=(93, 3, 2, 2))[0]
        if age < 21 * DAY_MS and dice.random() < 0.5:
            progress = dice.choice(("waiting", "waiting", "open"))
        units, done = dice.choice((1, 1, 1, 2, 2, 3)), progress == "finished"
        value = dice.randint(900, 24_000)
        ref = CaseRef(
            brand=brand, portal=portal, return_id=str(number), order_ref=f"9{number}", order_name=f"#{10_000 + number}"
        )
        state = ReturnCase(
            case=ref,
            currency=currency,
            stage=Stage.PROCESSED if done else Stage.AUTHORISED,
            units=tuple(
                Unit(unit_id=f"u{n}", line_id=f"l{n}", order_line_ref=f"o{n}", sku=dice.choice(WORDS))
                for n in range(units)
            ),
        )
        yield {
            "case_id": f"{brand}/{portal}/{number}",
            "brand": brand,
            "portal": portal,
            "return_id": str(number),
            "order_ref": f"9{number}",
            "order_name": f"#{10_000 + number}",
            "currency": currency,
            "stage": state.stage.value,
            "progress": progress,
            "waits_for": dice.choice(("goods", "inspection", "refund")) if progress == "waiting" else "",
            "state": msgspec.json.encode(state).decode(),
            "seq": LOG_PER_RETURN,
            "chain": "",
            "opened_ms": now - age,
            "updated_ms": now - max(0, age - dice.randint(0, 14 * DAY_MS))
            if done
            else now - dice.randint(0, max(1, age)),
            "problems_open": 0,
            "units_returned": units,
            "units_received": units if done else 0,
            "value_minor": value,
            "refunded_minor": value if done else 0,
            "credited_minor": value if done else 0,
            "rma_number": f"RMA-{number}",
            "credit_number": f"CN-{number}" if done else None,
        }


def _keys(returns: int, seed: int) -> Iterator[Row]:
    for number in range(returns):
        _, brand, portal, _, _ = _shape(number, returns, seed)
        for kind, value in (("order", f"9{number}"), ("name", f"#{10_000 + number}")):
            yield {"brand": brand, "kind": kind, "value": value, "case_id": f"{brand}/{portal}/{number}"}


def _problems(returns: int, now: int, seed: int) -> Iterator[Row]:
    kinds, wanted = list(KINDS.values()), returns // 5
    open_wanted = min(OPEN_MAX, wanted // 10)
    for number in range(0, wanted * 5, 5):
        dice, brand, portal, currency, age = _shape(number, returns, seed)
        kind = dice.choices(kinds, weights=[1 / (place + 2) for place in range(len(kinds))])[0]
        is_open = number >= (wanted - open_wanted) * 5
        opened = now - (dice.randint(0, 20 * DAY_MS) if is_open else age)
        closed = min(now, opened + dice.randint(HOUR_MS, 4 * DAY_MS))
        cause = f"sku_not_found:{dice.choice(WORDS)}" if kind.kind == "sku_not_found" else kind.kind
        yield {
            "brand": brand,
            "case_id": f"{brand}/{portal}/{number}",
            "kind": kind.kind,
            "subject": f"s{number}",
            "owner": kind.owner.value,
            "severity": kind.severity.value,
            "message": f"{kind.title} on #{10_000 + number}.",
            "amount_minor": dice.randint(900, 24_000),
            "currency": currency,
            "units": 1,
            "state": "open" if is_open else dice.choice(("ended", "ended", "resolved")),
            "opened_ms": opened,
            "updated_ms": opened if is_open else closed,
            "closed_ms": None if is_open else closed,
            "closed_by": None if is_open else "Counterfoil",
            "closed_because": None if is_open else "Its cause is gone.",
            "cause": cause,
            "shared": int(is_shared(cause)),
            "assignee": dice.choice((None, None, None, "robin", "sam")) if is_open else None,
            "due_ms": opened + kind.target_hours * HOUR_MS,
            "snoozed": int(is_open and dice.random() < 0.05),
            "snoozed_until_ms": now + 3 * DAY_MS,
        }


def _histories(returns: int, now: int, seed: int) -> Iterator[Row]:
    for place, row in enumerate(_problems(returns, now, seed), start=1):
        yield {
            "problem_id": place,
            "at_ms": row["opened_ms"],
            "by_whom": "Counterfoil",
            "what": "opened",
            "words": row["message"],
        }


def _moves(returns: int, now: int, seed: int) -> Iterator[Row]:
    for row in _problems(returns, now, seed):
        if row["state"] == "open":
            yield {
                **{name: row[name] for name in ("brand", "cause", "kind", "owner", "currency", "snoozed", "units")},
                "problems": 1,
                "priced": 1,
                "held_minor": row["amount_minor"],
            }


def _log(returns: int, now: int, seed: int) -> Iterator[Row]:
    for number in range(returns):
        _, brand, portal, _, age = _shape(number, returns, seed)
        for seq in range(1, LOG_PER_RETURN + 1):
            yield {
                "stream": f"{brand}/{portal}/{number}",
                "seq": seq,
                "fact_key": f"{number}:{seq}",
                "name": "RetryAsked.v1",
                "actor": "person:robin",
                "at_ms": now - age + seq,
                "payload": f'{{"type":"RetryAsked.v1","key":"{number}:{seq}","occurred_at":"2026-01-05T09:00:00Z",'
                '"step":"credit-1","by":"robin","reason":"the month was opened"}',
                "hash": f"{number:032x}{seq:032x}",
            }


def _seen(now: int) -> Iterator[Row]:
    for brand, portal, _, _ in BRANDS:
        for place, word in enumerate(WORDS):
            yield {
                "brand": brand,
                "portal": portal,
                "kind": "sku",
                "word": word,
                "first_case": f"{brand}/{portal}/{place}",
                "first_ms": now - DAY_MS,
                "last_ms": now,
                "returns": 500 - place,
            }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("database", help="sqlite:///FILE or postgresql://…")
    asked.add_argument("--returns", type=int, default=100_000)
    given = asked.parse_args()
    database = open_database(given.database)
    if isinstance(database, SqliteDatabase):
        database._writer.execute("pragma synchronous=off")  # a scratch database may be lost
        database._writer.execute("pragma cache_size=-400000")
    fill(database, given.returns)
    database.close()


if __name__ == "__main__":
    main()
