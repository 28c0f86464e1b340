"""Counts by the day that outlive a process and are shared by all workers of a connection."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.store.database import Database


@dataclass(frozen=True)
class StoredTally:
    """The counts of one connection."""

    database: Database
    connection: str

    def add(self, name: str, day: int, count: int) -> int:
        """Count on, and answer how many there are on that day."""
        with self.database.write() as tx:
            row = tx.one("tally_add", connection=self.connection, name=name, day=day, count=count)
        assert row is not None, "the statement returns its row"
        return int(row["total"])
