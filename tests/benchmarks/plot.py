"""Write a plot as SVG: lines over two logarithmic axes, the same bytes for the same figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 170, 40, 55
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")
STEPS = (1, 2, 5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One series of points, each x and y above zero."""

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis from `low` to `high`, drawn from `start` to `end` pixels."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> str:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return f"{self.start + share * (self.end - self.start):.1f}"

    def ticks(self) -> list[float]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        marks = [step * 10.0**power for power in powers for step in STEPS]
        return [mark for mark in marks if self.low <= mark * 1.0001 and mark <= self.high * 1.0001]


def draw_plot(title: str, x_label: str, y_label: str, lines: Sequence[Line]) -> str:
    """Return the SVG of `lines`."""
    x = _axis((p[0] for line in lines for p in line.points), LEFT, WIDTH - RIGHT)
    y = _axis((p[1] for line in lines for p in line.points), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 22, title, "start", ' font-size="15"'),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, "middle"),
        _text(0, 0, y_label, "middle", f' transform="translate(18 {HEIGHT / 2:.0f}) rotate(-90)"'),
    ]
    for tick in x.ticks():
        at = x.place(tick)
        parts.append(_stroke(f"M{at} {TOP}V{HEIGHT - BOTTOM}", "#ddd"))
        parts.append(_text(at, HEIGHT - BOTTOM + 18, f"{tick:g}", "middle"))
    for tick in y.ticks():
        at = y.place(tick)
        parts.append(_stroke(f"M{LEFT} {at}H{WIDTH - RIGHT}", "#ddd"))
        parts.append(_text(LEFT - 8, float(at) + 4, f"{tick:g}", "end"))
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        places = [f"{x.place(a)} {y.place(b)}" for a, b in line.points]
        parts.append(_stroke("M" + "L".join(places), colour, ' stroke-width="2"'))
        parts += [
            f'<circle cx="{place.split()[0]}" cy="{place.split()[1]}" r="3" fill="{colour}"/>'
            for place in places
        ]
        at_y = TOP + 16 + 20 * number
        parts.append(_stroke(f"M{WIDTH - RIGHT + 12} {at_y - 4}h20", colour, ' stroke-width="2"'))
        parts.append(_text(WIDTH - RIGHT + 38, at_y, line.label, "start"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axis(values: Iterable[float], start: float, end: float) -> _Axis:
    known = list(values)
    low, high = min(known), max(known)
    # Room on both sides, so that no point lies on the border.
    return _Axis(low * 0.9, max(high * 1.1, low * 2), start, end)


def _text(x: float | str, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y:g}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _stroke(path: str, colour: str, more: str = "") -> str:
    return f'<path d="{path}" fill="none" stroke="{colour}"{more}/>'
