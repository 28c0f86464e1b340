"""What everybody outside does, one event at a time: customers, carriers, the warehouse, shop staff, and our people."""

from __future__ import annotations

import random
from collections.abc import Iterator

import httpx2

from counterfoil.core.case import StepState
from counterfoil.demo.play import Play
from counterfoil.demo.week import Trip
from counterfoil.flow.resolve import People
from counterfoil.flow.world import World
from counterfoil.ports.actions import ActionError
from counterfoil.store import cases

UNDER_WAY = 5  # returns that are somewhere between the customer and the end at one time


class Life:
    """Starts trips and moves those under way. Requests of people meet fair weather: their own retries are not ours."""

    def __init__(self, play: Play, trips: list[Trip], seed: str) -> None:
        self._play = play
        self._waiting = list(reversed(trips))
        self._random = random.Random(f"life-{seed}")
        self._under_way: list[tuple[Trip, Iterator[None]]] = []
        self.started = 0

    @property
    def over(self) -> bool:
        """Whether every trip is through."""
        return not self._waiting and not self._under_way

    def move(self) -> str:
        """Somebody does the next thing; its name."""
        if self._waiting and (len(self._under_way) < UNDER_WAY or self._random.random() < 0.05):
            trip = self._waiting.pop()
            self._under_way.append((trip, self._play.steps(trip)))
            self.started += 1
        place = self._random.randrange(len(self._under_way))
        trip, steps = self._under_way[place]
        if next(steps, StopIteration) is StopIteration:
            del self._under_way[place]
        return f"trip {trip.number}"


class Staff:
    """Our people: they retry what was refused, requeue what could not be read, and resume what is paused."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(f"staff-{seed}")

    def act(self, world: World) -> str:
        """One person does one thing about the exceptions, if there is something to do."""
        people = People(world)
        with world.database.read() as tx:
            paused = [row["name"] for row in tx.query("select name from connections where state = 'paused'", {})]
            stuck = [case for case, progress in cases.all_cases(tx) if progress == "open"]
        if paused:
            people.resume(self._random.choice(sorted(paused)), "robin")
            return "resume"
        refused = [
            (case.case_id, step.step)
            for case in stuck
            for step in case.steps.values()
            if step.state is StepState.REFUSED
        ]
        if not refused:
            return "nothing"
        case_id, step = self._random.choice(sorted(refused))
        try:
            people.retry(case_id, step, "robin", "tried again")
        except ActionError:
            return "nothing"
        return "retry"


def fair_hands(transport: httpx2.BaseTransport) -> httpx2.Client:
    """A client for what people outside press."""
    return httpx2.Client(transport=transport, trust_env=False)
