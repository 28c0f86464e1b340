"""Counted words, as people read them: “1 unit”, “2 units”."""

from __future__ import annotations


def number_of(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
