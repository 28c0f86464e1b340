"""The portals' own doors for the whole-program stories: how each is asked, moved and watched.

A verb a portal does not have fails the story; `story_pairs` names the stories each portal can tell.
"""

from __future__ import annotations

from typing import Any

from counterfoil.core.money import to_minor
from counterfoil.demo.portals import PLAYED, PlayedPortal
from counterfoil.testing.stories import StoryFailed
from counterfoil.testing.story_world import Ask

Json = dict[str, Any]


class LoopDesk:
    """Loop: every verb of the language but editing."""

    name = "loop"

    def world(self) -> Json:
        """What stories change in its world: nothing may take long."""
        return {"processing_seconds": 0.005, "retry_seconds": 0.02}

    def request(self, body: Json, ask: Ask, extras: Json) -> Json:
        """The body of a new return."""
        return {**body, **extras, "review": ask.review}

    def policy(self, preset: str) -> str:
        """The policy a story is told under."""
        return preset

    def path(self, number: str, verb: str) -> str:
        """Where a verb is posted."""
        if verb in ("approve", "expire"):
            return f"/__sim/returns/{number}/{verb}"
        if verb in ("cancel", "process"):
            return f"/api/v1/warehouse/return/{number}/{verb}"
        raise StoryFailed(f"this portal cannot be made to {verb}")

    def quiet(self, sim: Any) -> bool:
        """Whether nothing of it is under way."""
        return sim.hooks.sender.idle and not any(made.queued for made in list(sim.desk.returns.values()))

    def cards(self, state: Json, numbers: set[str], currency: str) -> int:
        """Store credit it gave out."""
        mine = [row for row in state["returns"] if str(row["id"]) in numbers and row["state"] == "closed"]
        return sum(to_minor(str(row["gift_card"] or "0"), currency) for row in mine)

    def told(self, state: Json, numbers: set[str], what: str) -> int:
        """How often it was asked to pay, or got notes or inspections."""
        match what:
            case "release":
                asked = [row for row in state["actions"] if row["return_id"] in numbers and row["action"] == "process"]
                return len([row for row in asked if row["status"] == 200])
            case "note":
                return sum(len(row["notes"]) for row in state["returns"] if str(row["id"]) in numbers)
        return len({row["return_id"] for row in state["grades"] if str(row["return_id"]) in numbers})


class _OtherDesk:
    """What ReturnGO and Reveni share: control paths for everything, an outbox for webhooks."""

    name = ""
    _verbs: tuple[str, ...] = ()

    def world(self) -> Json:
        """As the demonstration sets it up."""
        return {}

    def request(self, body: Json, ask: Ask, extras: Json) -> Json:
        """The body of a new return."""
        if extras or ask.review:
            raise StoryFailed("this portal cannot be asked for that")
        return body

    def policy(self, preset: str) -> str:
        """The policy a story is told under."""
        return preset

    def path(self, number: str, verb: str) -> str:
        """Where a verb is posted."""
        if verb not in self._verbs:
            raise StoryFailed(f"this portal cannot be made to {verb}")
        return f"/__sim/returns/{number}/{verb}"

    def quiet(self, sim: Any) -> bool:
        """Whether nothing of it is under way."""
        return bool(sim.outbox.sender.idle)

    def cards(self, state: Json, numbers: set[str], currency: str) -> int:
        """Store credit is not played with this portal."""
        return 0

    def told(self, state: Json, numbers: set[str], what: str) -> int:
        """Nobody can count that here."""
        raise StoryFailed(f"this portal does not show a {what}")


class ReturnGoDesk(_OtherDesk):
    """ReturnGO pays when its staff presses the button: no API call makes it."""

    name = "returngo"
    _verbs = ("approve", "cancel", "process")

    def world(self) -> Json:
        """Nothing is paid before the story says so."""
        return {"pay_on": "never"}

    def policy(self, preset: str) -> str:
        """No call makes it pay, so what is controlled elsewhere is led by the portal here."""
        return "portal-led"

    def request(self, body: Json, ask: Ask, extras: Json) -> Json:
        """A request in review is one nobody approves at once."""
        if extras:
            raise StoryFailed("this portal cannot be asked for that")
        return {**body, "auto_approve": not ask.review}


class ReveniDesk(_OtherDesk):
    """Reveni pays upon our verdict."""

    name = "reveni"
    _verbs = ("approve", "cancel")


DESKS: dict[str, Any] = {desk.name: desk for desk in (LoopDesk(), ReturnGoDesk(), ReveniDesk())}


def played(name: str) -> PlayedPortal:
    """The portal as the demonstration plays it."""
    return PLAYED[name]
