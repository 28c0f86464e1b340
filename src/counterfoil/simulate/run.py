"""Draw one step after the other from the seed; a run is a row of weeks, each with its own portal, ERP and policy.

Every week starts with an empty world, lives through bad weather for its share of the steps, then the weather clears
and everything comes to rest; what must never break is looked at along the way and at the end.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from counterfoil.adapterkit import http
from counterfoil.catalog import simulator
from counterfoil.core.policy import PRESETS
from counterfoil.demo.goods import orders as sell
from counterfoil.demo.play import Play
from counterfoil.demo.portals import PLAYED
from counterfoil.demo.stage import Stage, settings_for
from counterfoil.demo.summary import summarise
from counterfoil.demo.week import trips
from counterfoil.settings import parse
from counterfoil.simkit import wires
from counterfoil.simkit.server import Simulator
from counterfoil.simulate.clock import START, Clock
from counterfoil.simulate.house import JOBS, House
from counterfoil.simulate.life import Life, Staff
from counterfoil.simulate.network import OURS, Network, OurCalls, TheirCalls
from counterfoil.simulate.outcome import Outcome, Violation
from counterfoil.simulate.promises import Promise
from counterfoil.simulate.weather import Weather

Json = dict[str, Any]

WEEK_STEPS = 2_000
RETURNS_A_WEEK = 36
PAIRS = tuple((portal, erp) for portal in ("loop", "returngo", "reveni") for erp in ("prima", "netsuite"))
MEMORY = "/dev/shm"  # noqa: S108 - folders in it are made with names of their own
REST_ROUNDS_MAX = 4_000
REST_S, QUIET_ROUNDS = 6 * 3600, 12  # three days in which nothing moves: every deadline has passed
CHECK_EVERY = 250
RETRIES: dict[str, Json] = {"warehouse": {"retry_seconds": 600}}  # a warehouse that does not give up in a second


class StillStage(Stage):
    """The demonstration's simulators on the simulated network."""

    def __init__(self, network: Network, sold: list[Json], portal: str, erp: str, folder: Path, seed: int) -> None:
        super().__init__(sold, PLAYED[portal], erp, f"http://{OURS}", folder)
        self._network = network
        self._seed = seed

    def start(self) -> None:
        """As in the demonstration, the portal last."""
        self._open_all()

    def stop(self) -> None:
        """The network drops everything."""
        self._network.close()
        self._loop.close()

    def _open(self, vendor: str, world: Json) -> None:
        sim: Simulator = simulator(vendor)({**world, **RETRIES.get(vendor, {})}, self._seed)
        self.urls[vendor] = self._network.open(vendor, sim)
        self.sims[vendor] = sim


class Week:
    """One world from its first order to the moment nothing moves any more."""

    def __init__(self, seed: int, number: int, folder: Path, clock: Clock, stack: ExitStack) -> None:
        self.name = f"{seed}-{number}"
        self.portal, self.erp = PAIRS[number % len(PAIRS)]
        self.random = random.Random(f"week-{self.name}")
        self.clock = clock
        self.weather = Weather(self.name)
        self.network = Network(self.clock, self.weather, self.name)
        stack.enter_context(wires.carried_by(TheirCalls(self.network)))
        stack.enter_context(http.carried_by(OurCalls(self.network, fair=False)))
        played = PLAYED[self.portal]
        sold = sell(max(6, RETURNS_A_WEEK), int(seed) * 1000 + number, START)
        planned = trips(sold, RETURNS_A_WEEK, int(seed) * 1000 + number, START, played)
        self.stage = StillStage(self.network, sold, self.portal, self.erp, folder, number)
        self.stage.start()
        self.policy = played.policy
        raw = settings_for(
            self.stage, database="", folder=folder, port=1, policy=self.policy, public_url=f"http://{OURS}"
        )
        fair = OurCalls(self.network, fair=True)
        self.house = House(parse(raw, "the simulation"), self.network, self.clock, folder / "house.sqlite3")
        portal_led = PRESETS[self.policy].refund_executor.value == "portal_itself"
        self.life = Life(Play(self.stage, portal_led, fair), planned, self.name)
        self.staff = Staff(self.name)
        self.steps = 0
        self.at_rest = False

    # --- steps ------------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """One thing happens."""
        self.steps += 1
        draw = self.random.random()
        if self.clock.is_back and self.random.random() < 0.1:
            self.clock.corrected()
        if draw < 0.40 and self._mail():
            return
        if draw < 0.90 and self._work():
            return
        if draw < 0.95 and not self.life.over:
            self.life.move()
            self.network.pump()
            return
        if draw < 0.96:
            self._job()
        elif draw < 0.965:
            self.house.doing("staff", lambda: self.staff.act(self.house.world))
        elif draw < 0.975:
            self._stop()
        elif draw < 0.977:
            self._clock_back()
        else:
            self._pass_time()

    def _mail(self) -> bool:
        if not self.network.due():
            return False
        self.network.deliver()
        return True

    def _work(self) -> bool:
        slots = self.house.slots()
        if not slots:
            return False
        slot = self.random.choice(slots)
        self.house.doing(f"drain {slot.rpartition(':')[2]}", lambda: self.house.drain(slot))
        return True

    def _job(self) -> None:
        self._do_job(self.random.choice(JOBS))

    def _do_job(self, name: str) -> None:
        self.house.doing(f"job {name}", lambda: self.house.engine.tick(name))

    def _stop(self) -> None:
        if not self.weather.fair:
            self.house.stop_at(self.random.randint(1, 12))
            self.weather.strike("stop", "armed")

    def _clock_back(self) -> None:
        if not self.weather.fair:
            self.clock.back(3600)
            self.weather.strike("clock_back", "ours")

    def _pass_time(self) -> None:
        """A little while webhooks are under way; hours only when nobody waits for an answer."""
        longest = 2 if self.network.mail else 7
        self.clock.advance(self.random.choice((1, 5, 30, 130, 600, 7200, 40_000)[:longest]))
        self.network.pump()

    def rest(self) -> bool:
        """Fair weather until nothing moves; False when it never comes to rest."""
        self.weather.fair = True
        self.house.stop.at = 0
        self.clock.corrected()
        quiet = 0
        for _ in range(REST_ROUNDS_MAX):
            moved = self._mail() or self._work()
            if not moved and not self.life.over:
                self.life.move()
                self.network.pump()
                moved = True
            if moved:
                quiet = 0
                continue
            self.clock.advance(REST_S)
            self.network.pump()
            for name in JOBS:
                self._do_job(name)
            quiet += 1
            if quiet > QUIET_ROUNDS:
                self.at_rest = True
                return True
        return False

    # --- what is left -----------------------------------------------------------------------------------------------

    def summary(self) -> Json:
        """The demonstration's summary of this world."""
        return summarise(self.house.world, self.stage, portal=self.portal, seconds=0.0)

    def log_hash(self) -> str:
        """SHA-256 over the hashes of all entries of the log, in order."""
        total = hashlib.sha256()
        with self.house.world.database.read() as tx:
            for row in tx.query("select hash from log order by id", {}):
                total.update(row["hash"].encode())
        return total.hexdigest()

    def close(self) -> None:
        """Everything is dropped."""
        self.house.end()
        self.stage.stop()


def run(seed: int, steps: int, promises: tuple[Promise, ...], told: Callable[[int], None] = lambda _: None) -> Outcome:
    """So many steps from this seed. `told` hears how many are done."""
    started = time.perf_counter()
    outcome = Outcome(seed=seed)
    hashes = hashlib.sha256()
    struck: Counter[str] = Counter()
    number = 0
    while outcome.steps < steps and not outcome.violations:
        _week(outcome, number, min(WEEK_STEPS, steps - outcome.steps), promises, hashes, struck)
        number += 1
        told(outcome.steps)
    outcome.log_hash = hashes.hexdigest()
    outcome.struck = dict(sorted(struck.items()))
    outcome.seconds = round(time.perf_counter() - started, 1)
    return outcome


def _week(
    outcome: Outcome, number: int, steps: int, promises: tuple[Promise, ...], hashes: Any, struck: Counter[str]
) -> None:
    before = outcome.steps
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="counterfoil-simulate-", dir=_quick())))
        clock_seed = f"{outcome.seed}-{number}"
        week_clock = Clock()
        stack.enter_context(week_clock.ruling(clock_seed))
        week = Week(outcome.seed, number, folder, week_clock, stack)
        stack.callback(week.close)
        for _ in range(steps):
            week.step()
            outcome.steps += 1
            if week.steps % CHECK_EVERY == 0 and _broken(outcome, week, promises, steps):
                return
        if not week.rest():
            _note(outcome, week, "rest", "the world never comes to rest in fair weather", before)
        _broken(outcome, week, promises, steps)
        _count(outcome, week, hashes, struck)


def _quick() -> str | None:
    """Memory where there is some: a simulated process dies often, the machine never."""
    return MEMORY if Path(MEMORY).is_dir() else None


def _broken(outcome: Outcome, week: Week, promises: tuple[Promise, ...], steps: int) -> bool:
    found = [what for promise in promises for what in promise(week)]
    for invariant, message in found:
        _note(outcome, week, invariant, message, outcome.steps)
    return bool(found)


def _note(outcome: Outcome, week: Week, invariant: str, message: str, step: int) -> None:
    reproduce = f"counterfoil simulate --seed {outcome.seed} --steps {outcome.steps}"
    said = f"{message} (week {week.name}, {week.portal} into {week.erp}, {week.policy})"
    outcome.violations.append(Violation(step=step, invariant=invariant, message=said, reproduce=reproduce))


def _count(outcome: Outcome, week: Week, hashes: Any, struck: Counter[str]) -> None:
    summary = week.summary()
    outcome.returns += summary["returns"]
    for kind, count in summary["documents"].items():
        outcome.documents[kind] = outcome.documents.get(kind, 0) + count
    for kind, count in week.weather.totals().items():
        outcome.faults[kind] = outcome.faults.get(kind, 0) + count
    for (kind, step), count in week.weather.struck.items():
        struck[f"{kind} × {step}"] += count
    hashes.update(week.log_hash().encode())
