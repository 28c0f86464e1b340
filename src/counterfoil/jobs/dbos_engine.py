"""Wake-ups carried by DBOS Transact, on SQLite or PostgreSQL.

The wake-up workflow has no steps, so there is nothing to replay. Three gaps of the library are closed here: wake-ups
of dead workers are resumed (it strands them otherwise), finished ones are purged, and on SQLite its database is
opened with a write-ahead log and started afresh, because it holds nothing that our tables do not (engine.md §3.4, §4).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy
from dbos import DBOS, DBOSConfig, SetEnqueueOptions

from counterfoil.ports.engine import Drain, EngineHealth

QUEUE = "counterfoil-wakes"
POLL_S = 0.1
WATCH_S = 2.0
STUCK_AFTER_S = 30  # a wake-up running longer than any drain is stuck, even if its worker lives
KEEP_HOURS = 2
PURGE_MAX = 5_000


class DbosEngine:
    """One engine a process: the library keeps process-wide state.

    `dead_workers` names workers whose heartbeat has stopped; `concurrency` is how many slots this process runs at once.
    """

    def __init__(self, url: str, worker: str, dead_workers: Callable[[], list[str]], concurrency: int = 16) -> None:
        self._url = url
        self._worker = worker
        self._dead_workers = dead_workers
        self._concurrency = concurrency
        self._jobs: dict[str, tuple[int, Callable[[], object]]] = {}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._wake_workflow: Callable[[str], None] | None = None

    def start(self, drain: Drain) -> None:
        """Open the engine's database, register the queue and begin."""
        config: DBOSConfig = {
            "name": "counterfoil",
            "application_version": "1",  # wake-ups under another version would never be taken
            "executor_id": self._worker,
            "log_level": "ERROR",
        }
        if self._url.startswith("sqlite:///"):
            config["system_database_url"] = self._url
            config["system_database_engine"] = _fresh_sqlite(Path(self._url.removeprefix("sqlite:///")))
        else:
            config["system_database_url"] = self._url.replace("postgres://", "postgresql://")
            config["dbos_system_schema"] = "counterfoil_engine"
            config["use_listen_notify"] = False
        logging.getLogger("dbos").setLevel(logging.ERROR)
        DBOS(config=config)

        @DBOS.workflow(name="counterfoil.wake")
        def wake(slot: str) -> None:
            drain(slot)

        self._wake_workflow = wake
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            partition_concurrency=1,
            worker_concurrency=self._concurrency,
            polling_interval_sec=POLL_S,
            on_conflict="always_update",
        )
        self._threads = [threading.Thread(target=self._watch, name="engine-watch", daemon=True)]
        self._threads += [
            threading.Thread(target=self._repeat, args=(every, job), name=f"job-{name}", daemon=True)
            for name, (every, job) in self._jobs.items()
        ]
        for thread in self._threads:
            thread.start()

    def wake(self, slot: str) -> None:
        """Enqueue one run of a slot on its own partition."""
        assert self._wake_workflow is not None, "the engine is not started"
        with SetEnqueueOptions(queue_partition_key=slot):
            DBOS.enqueue_workflow(QUEUE, self._wake_workflow, slot)

    def schedule(self, name: str, every_s: int, job: Callable[[], object]) -> None:
        """Run the job on this process's own clock; jobs are idempotent and take their rows one at a time."""
        self._jobs[name] = (every_s, job)

    def health(self) -> EngineHealth:
        """Whether the library answers."""
        try:
            DBOS.list_workflows(limit=1, load_input=False, load_output=False)
        except Exception as error:
            return EngineHealth(ok=False, message=f"the engine's database does not answer: {error}")
        return EngineHealth(ok=True)

    def stop(self) -> None:
        """Let running drains finish, then release the database."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=5)
        DBOS.destroy(workflow_completion_timeout_sec=10, destroy_registry=True)

    def _repeat(self, every_s: int, job: Callable[[], object]) -> None:
        while not self._stopping.wait(every_s):
            try:
                job()
            except Exception:
                logging.getLogger("counterfoil.jobs").exception(
                    "a scheduled job failed; it runs again in %s s", every_s
                )

    def _watch(self) -> None:
        """Bring back wake-ups whose worker died, and forget old ones."""
        rounds = 0
        while not self._stopping.wait(WATCH_S):
            rounds += 1
            try:
                self._resume_stranded()
                if rounds % 300 == 1:
                    _purge()
            except Exception:
                logging.getLogger("counterfoil.jobs").exception("the engine's watch failed; it looks again")

    def _resume_stranded(self) -> None:
        stranded: list[str] = []
        for worker in self._dead_workers():
            stranded += _pending(executor_id=worker)
        stuck = datetime.now(UTC) - timedelta(seconds=STUCK_AFTER_S)
        stranded += _pending(dequeued_before=stuck.isoformat())
        if stranded:
            DBOS.resume_workflows(sorted(set(stranded)), queue_name=QUEUE)


def _pending(**where: Any) -> list[str]:
    found = DBOS.list_workflows(
        status="PENDING", name="counterfoil.wake", load_input=False, load_output=False, limit=500, **where
    )
    return [item.workflow_id for item in found]


def _purge() -> None:
    old = datetime.now(UTC) - timedelta(hours=KEEP_HOURS)
    done = DBOS.list_workflows(completed_before=old.isoformat(), load_input=False, load_output=False, limit=PURGE_MAX)
    if done:
        DBOS.delete_workflows([item.workflow_id for item in done])


def _fresh_sqlite(path: Path) -> sqlalchemy.Engine:
    """A new, empty engine database: a single process owns it, and everything worth keeping is in our tables.

    One pooled connection at a time writes; automatic checkpoints are off for the reason given in store/database.py.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    @sqlalchemy.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "journal_mode=wal", "synchronous=normal", "wal_autocheckpoint=0"):
            connection.execute(f"pragma {pragma}")

    return engine
