"""Counts by the day: shared by workers, kept over restarts, begun anew with the day and never given back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from counterfoil.store.database import Database
from counterfoil.store.tallies import StoredTally


def test_a_count_outlives_the_client_and_is_shared(database: Database) -> None:
    first, second = (StoredTally(database, "north-returngo") for _ in range(2))
    assert [first.add("calls", 7, 1), second.add("calls", 7, 1), first.add("calls", 7, 0)] == [1, 2, 2]
    assert StoredTally(database, "south-returngo").add("calls", 7, 0) == 0


def test_a_new_day_begins_at_nothing_and_yesterday_comes_not_back(database: Database) -> None:
    tally = StoredTally(database, "north-returngo")
    assert [tally.add("calls", 7, 5), tally.add("calls", 8, 1), tally.add("calls", 7, 1)] == [5, 1, 2]


def test_many_at_once_lose_no_count(database: Database) -> None:
    tally = StoredTally(database, "north-returngo")
    with ThreadPoolExecutor(4) as hands:
        list(hands.map(lambda _: tally.add("calls", 7, 1), range(40)))
    assert tally.add("calls", 7, 0) == 40
