"""The sequence as a drawing: one lane for each system, time running down. Colours follow the page it stands on."""

from __future__ import annotations

from textwrap import wrap
from xml.sax.saxutils import escape, quoteattr

from counterfoil.policy.explain import ASKS, HAPPENS, LANES, PAYS, WAITS, Explanation, Step

LANE, LEFT, TOP, ROW, BOX = 168, 64, 56, 66, 52
_CHARACTERS, _LINES = 24, 3  # that fit into a box
_FILL = {HAPPENS: "0.06", ASKS: "0.14", WAITS: "0", PAYS: "0.28"}


def draw(found: Explanation) -> str:
    """An SVG in `currentColor`, readable in light and dark, with the sequence as its description."""
    lanes = [lane for lane in LANES if any(step.lane == lane for step in found.steps)]
    width = LEFT + LANE * len(lanes) + 8
    height = TOP + ROW * len(found.steps) + 12
    told = ". ".join(f"{step.lane}: {step.what}" for step in found.steps)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="policy-title policy-told" font-family="system-ui, sans-serif" font-size="12" '
        f'color-scheme="light dark" fill="currentColor" stroke="none">'
    )
    parts = [
        head,
        f'<title id="policy-title">{escape(f"{found.policy}: the sequence of a return")}</title>',
        f'<desc id="policy-told">{escape(f"{told}. In the end {found.ends}.")}</desc>',
        *_heads(lanes, height),
    ]
    for row, step in enumerate(found.steps):
        previous = found.steps[row - 1] if row else None
        parts += _row(step, previous, row, lanes)
    return "\n".join([*parts, "</svg>", ""])


def _middle(lane: str, lanes: list[str]) -> int:
    return LEFT + LANE * lanes.index(lane) + LANE // 2


def _heads(lanes: list[str], height: int) -> list[str]:
    parts = []
    for lane in lanes:
        x = _middle(lane, lanes)
        parts.append(f'<text x="{x}" y="24" text-anchor="middle" font-weight="600">{escape(lane)}</text>')
        parts.append(f'<line x1="{x}" y1="36" x2="{x}" y2="{height - 8}" stroke="currentColor" stroke-opacity="0.2"/>')
    return parts


def _row(step: Step, previous: Step | None, row: int, lanes: list[str]) -> list[str]:
    x, y = _middle(step.lane, lanes), TOP + ROW * row
    parts = []
    if previous is not None:
        parts.append(_arrow(_middle(previous.lane, lanes), y - ROW + BOX, x, y))
    if previous is None or previous.hours // 24 != step.hours // 24:
        parts.append(f'<text x="8" y="{y + 26}" fill-opacity="0.7">day {step.hours // 24}</text>')
    dash = ' stroke-dasharray="4 3"' if step.kind == WAITS else ""
    why = f"{step.rule}: {step.because}" if step.rule else step.what
    parts.append(f"<g aria-label={quoteattr(step.what)}><title>{escape(why)}</title>")
    parts.append(
        f'<rect x="{x - LANE // 2 + 6}" y="{y}" width="{LANE - 12}" height="{BOX}" rx="6" '
        f'fill-opacity="{_FILL[step.kind]}" stroke="currentColor" stroke-opacity="0.55"{dash}/>'
    )
    lines = wrap(step.what, _CHARACTERS)
    shown = [*lines[: _LINES - 1], lines[_LINES - 1] + "…"] if len(lines) > _LINES else lines
    first = y + BOX // 2 + 4 - 7 * (len(shown) - 1)
    for number, line in enumerate(shown):
        parts.append(
            f'<text x="{x}" y="{first + 14 * number}" text-anchor="middle" font-size="11">{escape(line)}</text>'
        )
    return [*parts, "</g>"]


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    """A line down and across, with a small head."""
    turn = y2 - 8
    line = f"M{x1} {y1}V{turn}H{x2}V{y2 - 3}"
    head = f"M{x2 - 4} {y2 - 6}L{x2} {y2}L{x2 + 4} {y2 - 6}Z"
    return (
        f'<path d="{line}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
        f'<path d="{head}" fill-opacity="0.6"/>'
    )
