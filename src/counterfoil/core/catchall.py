"""R30: whether reasons collapse into a catch-all bucket. Shares are whole per cent, rounded down."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

SHARE_MAX_PERCENT = 15
SHARE_DAYS = 28
RETURNS_MIN = 20
WORDS_MIN = 4
CATCH_ALL_NAMES = frozenset({"other", "oth", "misc", "miscellaneous", "unknown", "general", "none", "various", "999"})


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One ERP reason code that swallows more than it should."""

    code: str
    percent: int
    returns: int
    words: tuple[str, ...]


def catch_all(counts: Mapping[str, int], meanings: Mapping[str, str]) -> tuple[Bucket, ...]:
    """Codes that are a catch-all and take more than their share of the returns counted.

    A code is a catch-all when it is called one, or when `WORDS_MIN` words or more end in it. `counts`: returns by
    word; `meanings`: word to code. Fewer than `RETURNS_MIN` returns say nothing.
    """
    by_code: dict[str, dict[str, int]] = {}
    codes = {word.strip().casefold(): code for word, code in meanings.items()}
    for word, number in counts.items():
        code = codes.get(word.strip().casefold())
        if code is not None:
            by_code.setdefault(code, {})[word] = number
    total = sum(counts.values())
    if total < RETURNS_MIN:
        return ()
    found = []
    for code, words in by_code.items():
        suspicious = code.casefold() in CATCH_ALL_NAMES or len(words) >= WORDS_MIN
        percent = sum(words.values()) * 100 // total
        if suspicious and percent > SHARE_MAX_PERCENT:
            commonest = tuple(sorted(words, key=lambda word: (-words[word], word)))
            found.append(Bucket(code=code, percent=percent, returns=sum(words.values()), words=commonest))
    return tuple(sorted(found, key=lambda bucket: (-bucket.percent, bucket.code)))
