"""Charts as SVG, drawn on the server: bars by week with the target across them. Colours come from the page's own tokens.

A chart never stands alone: the same figures are in a table beside it, which is what a screen reader is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape

WIDTH, HEIGHT = 440, 150
LEFT, RIGHT, TOP, BOTTOM = 8, 52, 20, 24


def week_bars(
    title: str, weeks: Sequence[str], values: Sequence[Decimal | None], target: Decimal, *, lower: bool
) -> str:
    """Bars from zero, one a week; a week without a value stays empty and says so. `lower`: less is better."""
    known = [value for value in values if value is not None]
    top = max([*known, target, Decimal(1)]) * Decimal("1.1")
    floor = HEIGHT - BOTTOM
    slot = Decimal(WIDTH - LEFT - RIGHT) / max(1, len(weeks))
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_spoken(title, weeks, values))}">',
        f'<line class="axis" x1="{LEFT}" y1="{floor}" x2="{WIDTH - RIGHT}" y2="{floor}"/>',
    ]
    for place, (week, value) in enumerate(zip(weeks, values, strict=True)):
        left = LEFT + slot * place + slot / 6
        middle = LEFT + slot * place + slot / 2
        if value is None:
            parts.append(f'<text class="none" x="{_n(middle)}" y="{floor - 4}" text-anchor="middle">–</text>')
        else:
            height = value / top * (floor - TOP)
            good = value <= target if lower else value >= target
            parts.append(
                f'<rect class="column{"" if good else " off"}" x="{_n(left)}" y="{_n(floor - height)}" '
                f'width="{_n(slot * 2 / 3)}" height="{_n(height)}" rx="1.5"/>'
            )
            parts.append(
                f'<text class="value" x="{_n(middle)}" y="{_n(floor - height - 4)}" text-anchor="middle">{value}</text>'
            )
        parts.append(f'<text class="week" x="{_n(middle)}" y="{HEIGHT - 8}" text-anchor="middle">{escape(week)}</text>')
    line = _n(floor - target / top * (floor - TOP))
    parts += [
        f'<line class="target" x1="{LEFT}" y1="{line}" x2="{WIDTH - RIGHT}" y2="{line}"/>',
        f'<text class="aim" x="{WIDTH - RIGHT + 4}" y="{line}" dominant-baseline="middle">aim {target}</text>',
        "</svg>",
    ]
    return "".join(parts)


def _spoken(title: str, weeks: Sequence[str], values: Sequence[Decimal | None]) -> str:
    told = ", ".join(
        f"{week} {'no value' if value is None else value}" for week, value in zip(weeks, values, strict=True)
    )
    return f"{title} by week: {told}. The table beside it has the same figures."


def _n(value: Decimal) -> str:
    """A coordinate with one decimal, the same on every machine."""
    return str(value.quantize(Decimal("0.1")))
