"""What goes wrong, drawn from the seed: every fault is counted by its kind and by the step it struck."""

from __future__ import annotations

import random
from collections import Counter

KINDS = ("drop", "repeat", "reorder", "delay", "429", "5xx", "answer_lost", "stop", "clock_back")
"""Faults as the summary names them (outputs §5)."""

ON_WEBHOOKS = {"drop": 4, "repeat": 6, "reorder": 8, "delay": 6}  # in a hundred
ON_CALLS = {"429": 2, "5xx": 2, "answer_lost": 3, "delay": 1, "drop": 1}


class Weather:
    """Draws faults. In fair weather nothing goes wrong."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(f"weather-{seed}")
        self.fair = False
        self.struck: Counter[tuple[str, str]] = Counter()

    def on_webhook(self, step: str) -> str | None:
        """What happens to a webhook under way, None for nothing."""
        return self._drawn(ON_WEBHOOKS, step)

    def on_call(self, step: str) -> str | None:
        """What happens to a call of ours."""
        return self._drawn(ON_CALLS, step)

    def strike(self, kind: str, step: str) -> None:
        """Count a fault somebody else decided."""
        self.struck[kind, step] += 1

    def totals(self) -> dict[str, int]:
        """Faults by kind."""
        return {kind: sum(n for (found, _), n in self.struck.items() if found == kind) for kind in KINDS}

    def _drawn(self, odds: dict[str, int], step: str) -> str | None:
        if self.fair:
            return None
        draw = self._random.random() * 100
        for kind, percent in odds.items():
            draw -= percent
            if draw < 0:
                self.strike(kind, step)
                return kind
        return None
