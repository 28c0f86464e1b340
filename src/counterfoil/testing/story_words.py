"""The small words of stories: numbers, amounts, and lists of items such as `1 x A sellable, 2 x B damaged`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from counterfoil.core.money import to_minor
from counterfoil.core.orders import Payment
from counterfoil.core.returns import Disposition
from counterfoil.testing.story_stage import StoryStage
from counterfoil.testing.story_world import CARD, GIFT_CARD, Item, Swap

Act = Callable[[StoryStage], None]

AMOUNT = r"(-?\d+(?:\.\d+)?)"
NUMBER = r"(no|one|two|three|four|\d+)"
ITEMS = r"(\d+ x .+?)"
DOCUMENT = r"(RMA|receipt|credit note|credit draft|exchange order)"
GATEWAYS = {"card": CARD, "gift card": GIFT_CARD}

_NUMBERS = {"no": 0, "one": 1, "two": 2, "three": 3, "four": 4, "never": 0, "once": 1, "twice": 2}
_ITEM = re.compile(r"(\d+) x (\S+?)(?:,? ([a-z_]+))?")


class NotUnderstoodError(ValueError):
    """A word or sentence nobody understands."""


class StoryFailed(AssertionError):
    """What a story says must be true is not."""


class Spoken(NamedTuple):
    """A sentence that was recognised: its words, the return it names, the story's currency."""

    words: re.Match[str]
    who: str
    currency: str

    def text(self, group: int) -> str:
        """A part of the sentence, "" when it was left out."""
        return self.words[group] or ""

    def minor(self, group: int) -> int | None:
        """An amount in minor units, None when it was left out."""
        return None if self.words[group] is None else to_minor(self.words[group], self.currency)


def number(word: str) -> int:
    """no, one, two, … or digits."""
    return _NUMBERS[word] if word in _NUMBERS else int(word)


def items(text: str) -> tuple[Item, ...]:
    """Items with what was found of them, if anything was."""
    return tuple(_item(part) for part in re.split(r",? and |, (?=\d)", text))


def _item(text: str) -> Item:
    found = _ITEM.fullmatch(text.strip())
    if found is None:
        raise NotUnderstoodError(f"an item is written like 1 x A sellable, not {text!r}")
    quantity, sku, fate = int(found[1]), found[2], found[3]
    if fate == "rejected":
        return Item(quantity=quantity, sku=sku, rejected=True)
    if fate is not None and fate not in set(Disposition):
        raise NotUnderstoodError(f"{fate!r} is no disposition")
    return Item(quantity=quantity, sku=sku, disposition=Disposition(fate) if fate else None)


def swaps(text: str, currency: str) -> tuple[Swap, ...]:
    """`1 x C at 25.00 and 2 x D at 10.00`: new goods with the price of one unit."""
    found = []
    for part in re.split(r",? and |, (?=\d)", text):
        words = re.fullmatch(rf"(\d+) x (\S+) at {AMOUNT}", part.strip())
        if words is None:
            raise NotUnderstoodError(f"new goods are written like 1 x C at 25.00, not {part!r}")
        found.append(Swap(quantity=int(words[1]), sku=words[2], price=to_minor(words[3], currency)))
    return tuple(found)


def payments(text: str, currency: str) -> tuple[Payment, ...]:
    """`30.00 by card and 20.00 by gift card`."""
    found = []
    for part in re.split(r",? and |, ", text):
        words = re.fullmatch(rf"{AMOUNT} by (card|gift card)", part.strip())
        if words is None:
            raise NotUnderstoodError(f"money is written like 20.00 by card, not {part!r}")
        found.append(Payment(gateway=GATEWAYS[words[2]], amount=to_minor(words[1], currency)))
    return tuple(found)
