"""Pictures of a review: effects with their intervals, one effect over time, and from gross to net money."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cultiva.loop.report.pictures import ACCENT, INK, QUIET, SOFT
from cultiva.loop.report.shapes import area, box, dot, line, path, svg, words

WARM = "#b45309"
WIDE, NAMES, ROW = 960.0, 260.0, 28.0
REACH = 3.0
"""A forest is cut off at so many times the middle half width, so that one wide interval does not hide all others."""
CUT = 4.0
"""Bars of a bridge are cut at so many times the largest of those that matter."""


@dataclass(frozen=True)
class Span:
    """One line of a forest, or one day of a curve."""

    label: str
    effect: float
    low: float
    """Lower end for one look."""
    high: float
    always_low: float
    """Lower end however often one looks; may be infinite."""
    always_high: float


def forest(spans: Sequence[Span], none: str) -> str:
    """One line per strategy: the effect per customer, thick for one look, thin for looking always.

    Args:
        spans: The strategies.
        none: What is written if there is nothing to draw.
    """
    if not spans:
        return svg(WIDE, ROW, [words((0, 18), none, color=QUIET)])
    halves = sorted((one.high - one.low) / 2 for one in spans if math.isfinite(one.high - one.low))
    middle = halves[len(halves) // 2] if halves else 1.0
    reach = max(REACH * middle, *(abs(one.effect) * 1.2 for one in spans), 1e-9)
    high = ROW * len(spans) + 36

    def x(value: float) -> float:
        return NAMES + (WIDE - NAMES - 30) * (min(max(value, -reach), reach) + reach) / (2 * reach)

    shapes = [line((x(0), 4), (x(0), high - 26), QUIET)]
    for place, one in enumerate(spans):
        y = ROW * place + 18
        color = WARM if one.high < 0 else ACCENT
        shapes += [
            words((NAMES - 12, y + 5), one.label, anchor="end"),
            line((x(one.always_low), y), (x(one.always_high), y), SOFT, width=2),
            line((x(one.low), y), (x(one.high), y), color, width=5),
            dot((x(one.effect), y), INK),
        ]
    marks = (-reach, 0.0, reach)
    shapes += [words((x(value), high - 8), f"{value:+,.2f}", anchor="middle", color=QUIET) for value in marks]
    return svg(WIDE, high, shapes)


def curve(days: Sequence[date], spans: Sequence[Span], none: str) -> str:
    """An effect at every business date so far, with the band that holds however often one looks.

    Args:
        days: Business dates, oldest first.
        spans: The effect at each.
        none: What is written if there is nothing to draw.
    """
    if not spans:
        return svg(WIDE, ROW, [words((0, 18), none, color=QUIET)])
    high, left, right, top = 280.0, 90.0, 40.0, 16.0
    reach = _reach_of(spans)
    first, last = days[0].toordinal(), days[-1].toordinal()

    def at(day: date, value: float) -> tuple[float, float]:
        share = (day.toordinal() - first) / (last - first) if last > first else 0.5
        cut = min(max(value, -reach), reach)
        return left + (WIDE - left - right) * share, top + (high - top - 40) * (reach - cut) / (2 * reach)

    band = [at(day, one.always_high) for day, one in zip(days, spans, strict=True)]
    band += [at(day, one.always_low) for day, one in reversed(list(zip(days, spans, strict=True)))]
    points = [at(day, one.effect) for day, one in zip(days, spans, strict=True)]
    shapes = [area(band, "#d9f0ec"), line((left, at(days[0], 0)[1]), (WIDE - right, at(days[0], 0)[1]), QUIET)]
    shapes += [path(points, ACCENT), *(dot(point, ACCENT, radius=3.5) for point in points)]
    shapes += [
        words((left - 8, at(days[0], value)[1] + 5), f"{value:+,.2f}", anchor="end", color=QUIET)
        for value in (-reach, 0.0, reach)
    ]
    ends = [(days[0], "start"), (days[-1], "end")] if last > first else [(days[0], "middle")]
    shapes += [words((at(day, 0)[0], high - 10), str(day), anchor=anchor, color=QUIET) for day, anchor in ends]
    return svg(WIDE, high, shapes)


def _reach_of(spans: Sequence[Span]) -> float:
    ends = [abs(end) for one in spans for end in (one.always_low, one.always_high) if math.isfinite(end)]
    usual = sorted(ends)[len(ends) // 2] * 1.5 if ends else 0.0
    return max(usual, *(abs(one.effect) * 1.3 for one in spans), 1e-9)


def bridge(steps: Sequence[tuple[str, float, bool]], none: str) -> str:
    """Money from gross to net: totals stand on the ground, differences hang between them.

    What came because of the strategies is a small part of all: bars that would hide it are cut short and marked.

    Args:
        steps: (label, amount, whether it is a total); differences carry their sign.
        none: What to say if there are no steps.
    """
    if not steps:
        return svg(WIDE, 40, [words((0, 24), none, color=QUIET)])
    tops, level = [], 0.0
    for _, amount, total in steps:
        start = 0.0 if total else level
        level = amount if total else level + amount
        tops.append((start, level))
    small = max((abs(amount) for _, amount, _ in steps[2:]), default=1.0) or 1.0
    low, most = min(0.0, *(min(pair) for pair in tops)), max(1.0, *(max(pair) for pair in tops))
    low, most = max(low, -CUT * small), min(most, CUT * small)
    high, left, wide = 280.0, 40.0, (WIDE - 80) / len(steps)

    def y(value: float) -> float:
        return 30 + (high - 80) * (most - min(max(value, low), most)) / (most - low)

    shapes = [line((left, y(0)), (WIDE - 40, y(0)), QUIET)]
    for place, ((label, amount, total), (start, end)) in enumerate(zip(steps, tops, strict=True)):
        x, color = left + wide * place, (INK if total else ACCENT if amount >= 0 else WARM)
        top, tall = y(max(start, end)), abs(y(start) - y(end))
        shapes.append(box((x + 14, top), (wide - 28, max(tall, 1.0)), color))
        if max(start, end) > most:
            shapes += [
                line((x + 8, top + 22 + gap), (x + wide - 8, top + 12 + gap), "#ffffff", width=3) for gap in (0, 9)
            ]
        shapes += [
            words((x + wide / 2, top - 7), f"{amount:,.0f}" if total else f"{amount:+,.0f}", anchor="middle"),
            words((x + wide / 2, high - 14), label, anchor="middle", color=QUIET),
        ]
    return svg(WIDE, high, shapes)
