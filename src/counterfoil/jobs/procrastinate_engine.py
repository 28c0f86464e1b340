"""Wake-ups carried by Procrastinate, on PostgreSQL only: the second adapter, which proves that the engine is disposable."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import procrastinate
import psycopg
from procrastinate import exceptions

from counterfoil.ports.engine import Drain, EngineHealth

QUEUE = "counterfoil-wakes"
STALLED_AFTER_S = 20


class ProcrastinateEngine:
    """One wake-up a slot at a time: `lock` serialises runs, `queueing_lock` drops repeats."""

    def __init__(self, url: str, worker: str, concurrency: int = 16) -> None:
        self._url = url
        self._worker = worker
        self._concurrency = concurrency
        self._jobs: dict[str, tuple[int, Callable[[], object]]] = {}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker_task: asyncio.Task[Any] | None = None
        self._sync_app: procrastinate.App | None = None
        self._failure: str | None = None

    def start(self, drain: Drain) -> None:
        """Apply the library's schema once, then run its worker on an event loop of its own."""
        self._prepare_schema()
        self._sync_app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=self._url))
        self._sync_app.open()
        ready = threading.Event()
        thread = threading.Thread(target=self._run, args=(drain, ready), name="engine", daemon=True)
        thread.start()
        ready.wait(timeout=15)
        self._threads = [thread]
        for name, (every, job) in self._jobs.items():
            repeat = threading.Thread(target=self._repeat, args=(every, job), name=f"job-{name}", daemon=True)
            repeat.start()
            self._threads.append(repeat)

    def wake(self, slot: str) -> None:
        """Defer one run; a run already waiting is enough."""
        assert self._sync_app is not None, "the engine is not started"
        try:
            self._sync_app.configure_task("counterfoil.wake", queue=QUEUE, lock=slot, queueing_lock=slot).defer(
                slot=slot
            )
        except exceptions.AlreadyEnqueued:
            return

    def schedule(self, name: str, every_s: int, job: Callable[[], object]) -> None:
        """Run the job on this process's own clock."""
        self._jobs[name] = (every_s, job)

    def health(self) -> EngineHealth:
        """Whether its worker still runs."""
        return EngineHealth(ok=self._failure is None, message=self._failure or "")

    def stop(self) -> None:
        """Let running drains finish."""
        self._stopping.set()
        if self._loop is not None and self._worker_task is not None:
            self._loop.call_soon_threadsafe(self._worker_task.cancel)
        for thread in self._threads:
            thread.join(timeout=10)
        if self._sync_app is not None:
            self._sync_app.close()

    def _prepare_schema(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("select pg_advisory_lock(70117)")
            known = connection.execute("select to_regclass('procrastinate_jobs')").fetchone()
            if known is None or known[0] is None:
                app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=self._url))
                with app.open():
                    app.schema_manager.apply_schema()

    def _run(self, drain: Drain, ready: threading.Event) -> None:
        try:
            asyncio.run(self._work(drain, ready))
        except Exception as error:
            self._failure = repr(error)
            ready.set()

    async def _work(self, drain: Drain, ready: threading.Event) -> None:
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=self._url))

        @app.task(name="counterfoil.wake", queue=QUEUE)
        async def wake(slot: str) -> None:
            await asyncio.to_thread(drain, slot)

        async with app.open_async():
            self._loop = asyncio.get_running_loop()
            self._worker_task = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    name=self._worker,
                    concurrency=self._concurrency,
                    fetch_job_polling_interval=0.1,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            )
            rescue = asyncio.create_task(self._rescue(app))
            ready.set()
            await asyncio.gather(self._worker_task, return_exceptions=True)
            rescue.cancel()

    async def _rescue(self, app: procrastinate.App) -> None:
        """Retry wake-ups of dead workers. A newer wake-up of the slot may wait already; then the old one is enough."""
        while True:
            await asyncio.sleep(2)
            stalled = await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_AFTER_S)
            for job in stalled:
                try:
                    await app.job_manager.retry_job(job)
                except Exception:
                    await app.job_manager.finish_job(job, status=procrastinate.jobs.Status.FAILED, delete_job=True)

    def _repeat(self, every_s: int, job: Callable[[], object]) -> None:
        while not self._stopping.wait(every_s):
            job()
