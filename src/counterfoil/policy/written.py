"""Contradictions in how a policy is written: two rules for one return, amounts in another currency, words never defined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import msgspec

from counterfoil.core.policy import Conditions
from counterfoil.policy.clashes import Clash, Setting
from counterfoil.policy.document import PolicyDocument
from counterfoil.policy.places import Path, nearest
from counterfoil.policy.reading import Policy

_AMOUNTS = ("approval_above", "tolerance", "high_value_above", "value_max", "value_above", "value_from", "value_below")


def two_rules_for_one_return(read: Policy) -> Iterator[Clash]:
    """Overrides are tried in order; one may be a special case of a later one, but no two may share returns by chance."""
    for (one, earlier), (two, later) in combinations(enumerate(read.edition.overrides), 2):
        if earlier.policy == msgspec.structs.replace(later.policy, rule=earlier.name):
            continue
        if not _overlap(earlier.when, later.when) or (
            _within(earlier.when, later.when) and not _within(later.when, earlier.when)
        ):
            continue
        hidden = _within(later.when, earlier.when)
        yield Clash(
            code="override_never_used" if hidden else "two_rules_for_one_return",
            sentence=f"{_example(earlier.when, later.when)} falls under both “{earlier.name}” and “{later.name}”.",
            settings=(_at(read, ("override", one)), _at(read, ("override", two))),
            fact=f"“{earlier.name}” comes first and “{later.name}” "
            + ("would never be used" if hidden else "says otherwise"),
            cure="Put the narrower rule first."
            if hidden
            else "Make their conditions exclude each other, or one narrower.",
        )


def _overlap(one: Conditions, two: Conditions) -> bool:
    lists = ((one.countries, two.countries), (one.categories, two.categories), (one.tiers, two.tiers))
    if any(a and b and not set(a) & set(b) for a, b in lists):
        return False
    low = max(one.value_from or 0, two.value_from or 0)
    high = min((top for top in (one.value_below, two.value_below) if top is not None), default=None)
    return high is None or low < high


def _within(one: Conditions, two: Conditions) -> bool:
    """Whether every return of `one` is a return of `two`."""
    lists = ((one.countries, two.countries), (one.categories, two.categories), (one.tiers, two.tiers))
    if any(b and (not a or not set(a) <= set(b)) for a, b in lists):
        return False
    low = (one.value_from or 0) >= (two.value_from or 0)
    high = two.value_below is None or (one.value_below is not None and one.value_below <= two.value_below)
    return low and high


def _example(one: Conditions, two: Conditions) -> str:
    """A return both fit, in words."""
    found = [
        _common(one.countries, two.countries, "from {}"),
        _common(one.categories, two.categories, "of {}"),
        _common(one.tiers, two.tiers, "by a {} customer"),
    ]
    return " ".join(["A return", *(part for part in found if part)])


def _common(one: Iterable[str], two: Iterable[str], words: str) -> str:
    both = sorted(set(one) & set(two)) or sorted({*one, *two})
    return words.format(both[0]) if both else ""


def another_currency(read: Policy) -> Iterator[Clash]:
    """A threshold in a currency the policy does not count in would never be reached, or always."""
    for path, amount in _amounts(read.document):
        currency = amount.partition(" ")[2]
        if currency != read.document.currency:
            yield Clash(
                code="threshold_in_another_currency",
                sentence=f"An amount is in {currency}, but the policy counts in {read.document.currency}.",
                settings=(_at(read, path), _at(read, ("currency",))),
                fact="amounts are never converted",
                cure=f"Write the amount in {read.document.currency}, or make a policy of its own for {currency}.",
            )


def _amounts(document: PolicyDocument) -> Iterator[tuple[Path, str]]:
    """Every amount of the document with its place."""

    def walk(value: object, path: Path) -> Iterator[tuple[Path, str]]:
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from walk(item, (*path, str(key)))
        elif isinstance(value, list | tuple):
            for number, item in enumerate(value):
                yield from walk(item, (*path, number))
        elif isinstance(value, str) and path and path[-1] in _AMOUNTS:
            yield path, value

    yield from walk(msgspec.to_builtins(document), ())


def words_never_defined(read: Policy) -> Iterator[Clash]:
    """A rule for a category or a tier nobody defined fits no return."""
    document = read.document
    for path, word in _used(document, "categories"):
        if word not in document.categories:
            yield _undefined(read, path, word, "category", "categories")
    for path, word in _used(document, "tiers"):
        if word not in document.tiers:
            yield _undefined(read, path, word, "customer tier", "tiers")


def _used(document: PolicyDocument, word: str) -> Iterator[tuple[Path, str]]:
    for number, override in enumerate(document.override):
        for name in getattr(override, word):
            yield ("override", number, word), name
        for name in getattr(override.cover, word) if override.cover is not None else ():
            yield ("override", number, "cover", word), name
    for number, rule in enumerate(document.approval):
        for name in getattr(rule, word):
            yield ("approval", number, word), name
    for name in getattr(document.cover, word) if document.cover is not None else ():
        yield ("cover", word), name


def _undefined(read: Policy, path: Path, word: str, kind: str, table: str) -> Clash:
    return Clash(
        code="word_never_defined",
        sentence=f"A rule speaks of the {kind} {word!r}, which is never defined.",
        settings=(_at(read, path), _at(read, (table,))),
        fact=f"no return is ever of the {kind} {word!r}",
        cure=f"Define it under [{table}].",
    )


def empty_band(read: Policy) -> Iterator[Clash]:
    """A value band that holds no value."""
    for number, override in enumerate(read.edition.overrides):
        when = override.when
        if when.value_below is not None and when.value_below <= (when.value_from or 0):
            yield Clash(
                code="empty_value_band",
                sentence=f"“{override.name}” is for values nobody can have.",
                settings=(
                    _at(read, ("override", number, "value_from")),
                    _at(read, ("override", number, "value_below")),
                ),
                fact="the band ends where it begins, or before",
                cure="Write value_below greater than value_from.",
            )


def _at(read: Policy, path: Path) -> Setting:
    place = nearest(read.places, path)
    return Setting(read.file, place.line, place.text)


CHECKS = (two_rules_for_one_return, another_currency, words_never_defined, empty_band)
