"""Segregation of duties, searched (G16): everything one person can do to a return, in every order, through every door.

The page, the API, the command line, bulk actions and replays all end in the same few actions, so the search takes those
actions: agree and refuse, accept, try again, settle by hand, look again, tell a known fact again. The person has every
role there is, and may write their own name differently. States that were met before are not searched again.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec

from counterfoil.core.case import StepState
from counterfoil.core.consent import wanted
from counterfoil.core.inner_events import (
    AnyFact,
    ApprovalGiven,
    ApprovalRefused,
    DifferenceAccepted,
    RetryAsked,
    StepSettled,
)
from counterfoil.testing.stories import perform, read_story
from counterfoil.testing.story_core import CoreStage

ROLES = ("finance", "ops", "cx", "integration", "auditor", "admin")
SPELLINGS = ("robin", " Robin")
"""One person under two ways of writing their name."""

Action = tuple[str, Callable[[CoreStage], None]]


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """A return that waits, told as a story, and the money above which one person must not let it go."""

    name: str
    story: str
    threshold: int


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """What a search saw. `sequences` counts the sequences its states stand for; `breach` is the first that pays."""

    states: int
    moves: int
    sequences: int
    breach: tuple[str, ...] = ()


ORDER = """
given order 1001 in GBP, tax included
  A  2 x 150.00, tax 20%
  B  1 x 90.00, tax 20%
"""
ONE = "given refunds above 100.00 need one person of finance\n"
TWO = "given refunds above 100.00 need two people of finance\n"

SITUATIONS = (
    Situation(
        name="everything is there, two people must agree",
        story=TWO + "when the portal authorises 1 x A\nand the warehouse receives 1 x A sellable",
        threshold=10_000,
    ),
    Situation(
        name="the portal promises too much",
        story=ONE
        + "when the portal authorises 1 x A, promising 180.00, paying back 180.00 by card\n"
        + "and the warehouse receives 1 x A sellable",
        threshold=10_000,
    ),
    Situation(
        name="a small return is promised a large refund",
        story=ONE
        + "when the portal authorises 1 x B, promising 190.00, paying back 190.00 by card\n"
        + "and the warehouse receives 1 x B sellable",
        threshold=10_000,
    ),
    Situation(
        name="one unit of two came",
        story=ONE
        + "when the portal authorises 2 x A\nand the warehouse receives 1 x A sellable\n"
        + "and the warehouse closes the return",
        threshold=10_000,
    ),
    Situation(
        name="a unit was refused at inspection",
        story=ONE + "when the portal authorises 2 x A\nand the warehouse receives 1 x A sellable, 1 x A rejected",
        threshold=10_000,
    ),
    Situation(
        name="the payment is disputed",
        story=ONE
        + "when the customer's bank disputes 50.00\nand the portal authorises 1 x A\n"
        + "and the warehouse receives 1 x A sellable",
        threshold=10_000,
    ),
    Situation(
        name="the ERP refused the receipt",
        story=ONE
        + "when the ERP will refuse the receipt as erp_refused\nand the portal authorises 1 x A\n"
        + "and the warehouse receives 1 x A sellable",
        threshold=10_000,
    ),
    Situation(
        name="the ERP refused the RMA, and a damaged unit waits for a review",
        story=TWO
        + "given damaged units need a review\nwhen the ERP will refuse the RMA as erp_refused\n"
        + "and the portal authorises 1 x A\nand the warehouse receives 1 x A damaged",
        threshold=10_000,
    ),
)


def stage_of(situation: Situation) -> CoreStage:
    """The situation, played."""
    story = read_story(f"story: {situation.name}\n{ORDER}{situation.story}\n", situation.name)
    stage = CoreStage(story.given)
    perform(story, stage)
    return stage


def search(situation: Situation, depth: int) -> Searched:
    """Every sequence of up to `depth` actions by one person, breadth first; a state met before is not entered again."""
    start = stage_of(situation)
    assert not _paid(start, situation), f"{situation.name}: the money is gone before anybody acts"
    first = _state(start)
    leads: dict[bytes, list[bytes]] = {}
    front: dict[bytes, tuple[CoreStage, tuple[str, ...]]] = {first: (start, ())}
    moves = 0
    for _ in range(depth):
        following: dict[bytes, tuple[CoreStage, tuple[str, ...]]] = {}
        for state, (stage, path) in front.items():
            leads[state] = []
            for name, act in actions(stage):
                after = _branch(stage)
                act(after)
                moves += 1
                if _paid(after, situation):
                    return Searched(states=len(leads), moves=moves, sequences=moves, breach=(*path, name))
                reached = _state(after)
                leads[state].append(reached)
                if reached not in leads and reached not in front:
                    following.setdefault(reached, (after, (*path, name)))
        front = following
    states = len(leads) + len(front)
    return Searched(states=states, moves=moves, sequences=_sequences(first, leads, depth))


def _branch(stage: CoreStage) -> CoreStage:
    """Another future of the same past: what never changes is shared, which makes it quick."""
    shared: list[object] = [stage.order, stage._agreement, stage._mapping, *stage._cases.values()]
    shared += [*stage._decisions.values(), *stage._sent.values(), *stage.judged]
    shared += [fact for log in stage._log.values() for fact in log]
    return copy.deepcopy(stage, {id(value): value for value in shared})


def _sequences(first: bytes, leads: dict[bytes, list[bytes]], depth: int) -> int:
    """How many sequences of one to `depth` actions the searched states stand for."""
    ways, total = Counter({first: 1}), 0
    for _ in range(depth):
        following: Counter[bytes] = Counter()
        for state, count in ways.items():
            for reached in leads[state]:
                following[reached] += count
        total += following.total()
        ways = following
    return total


def actions(stage: CoreStage) -> Iterator[Action]:
    """Everything a person can do now. Each is a fact the flow would write, or a look."""
    look = stage.look("R1")
    for by in SPELLINGS:
        for wish in wanted(look):
            for kind in (ApprovalGiven, ApprovalRefused):
                voice = kind(key="", rule=wish.rule, terms=wish.terms, by=by, roles=ROLES, reason="mine")
                yield f"{by.strip()} {'agrees' if kind is ApprovalGiven else 'refuses'}", _told(voice)
        for problem in {found.kind for found in stage.open_problems()}:
            yield f"accepts {problem}", _told(DifferenceAccepted(key="", kind=problem, by=by, reason="mine"))
        for step in look.case.steps.values():
            if step.state is StepState.REFUSED:
                yield f"tries {step.step} again", _told(RetryAsked(key="", step=step.step, by=by))
                by_hand = StepSettled(key="", step=step.step, by=by, reason="mine", ref="X1", number="X1")
                yield f"settles {step.step} by hand", _told(by_hand)
    for fact in {type(fact): fact for fact in stage.log("R1")}.values():
        yield f"tells {type(fact).__name__} again", _repeated(fact)
    yield "looks again", lambda known: known.wait(0)
    yield "waits a day", lambda known: known.wait(24)


def _told(fact: AnyFact) -> Callable[[CoreStage], None]:
    def act(stage: CoreStage) -> None:
        key = f"act-{len(stage.log('R1'))}"
        stage.tell("R1", msgspec.structs.replace(fact, key=key))

    return act


def _repeated(fact: AnyFact) -> Callable[[CoreStage], None]:
    return lambda stage: stage.tell("R1", fact)


def _paid(stage: CoreStage, situation: Situation) -> bool:
    return stage.refunded() > situation.threshold


def _state(stage: CoreStage) -> bytes:
    """What decides the future: the return, what is open, and the hour. Keys and reasons do not."""
    case = stage.case("R1")
    steps = {name: (step.state, step.edition) for name, step in case.steps.items()}
    voices = sorted((v.rule, v.terms.amount, v.by.strip().casefold(), v.agreed) for v in case.voices)
    shape = (
        case.units,
        case.refunds,
        case.chargebacks,
        steps,
        sorted(case.editions.items()),
        voices,
        sorted(maker.strip().casefold() for maker in case.makers),
        sorted(case.accepted_differences),
        [(problem.kind, problem.owner) for problem in stage.open_problems()],
        stage.look("R1").now,
    )
    return msgspec.json.encode(shape, order="deterministic")
