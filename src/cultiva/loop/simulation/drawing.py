"""Pictures of a flight: money week by week, and claims beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from cultiva.kit.words import Words, say
from cultiva.loop.report.shapes import dot, line, path, svg, words
from cultiva.loop.simulation.scoring import Comparison, WeekTruth

INK, QUIET, GRID = "#1f2933", "#52606d", "#e4e7eb"
ACCENT, WARM, COOL = "#0f766e", "#b45309", "#1d4ed8"
WIDE, HIGH = 1000, 300
LEFT, RIGHT, TOP, BOTTOM = 90, 150, 20, 40
ROW = 26
LABELS = 250
"""Width of the strategies' names."""
REACH = 3.0
"""A forest ends at so many times the middle half width of its intervals: one wide one shall not hide the others."""


def lines_picture(weeks: Sequence[WeekTruth], language: str) -> str:
    """Cumulative true incremental money, cost and net over the weeks."""
    incremental = list(accumulate((one.incremental for one in weeks), initial=0.0))
    cost = list(accumulate((one.cost for one in weeks), initial=0.0))
    series = (
        (Words("真实增量", "incremental"), incremental, COOL),
        (Words("成本", "cost"), cost, WARM),
        (Words("净增量", "net"), [a - b for a, b in zip(incremental, cost, strict=True)], ACCENT),
    )
    low = min(0.0, *(min(values) for _, values, _ in series))
    high = max(1.0, *(max(values) for _, values, _ in series))
    steps = max(len(weeks), 1)

    def x(week: int) -> float:
        return LEFT + (WIDE - LEFT - RIGHT) * week / steps

    def y(value: float) -> float:
        return TOP + (HIGH - TOP - BOTTOM) * (high - value) / (high - low)

    shapes = [line((LEFT, y(value)), (WIDE - RIGHT, y(value)), GRID) for value in (low, 0.0, high)]
    shapes += [
        words((LEFT - 8, y(value) + 4), f"{value:,.0f}", anchor="end", color=QUIET) for value in {low, 0.0, high}
    ]
    shapes += [words((x(week), HIGH - 14), str(week), anchor="middle", color=QUIET) for week in range(steps + 1)]
    ends = _apart([y(values[-1]) for _, values, _ in series])
    for (name, values, color), end in zip(series, ends, strict=True):
        shapes.append(path([(x(week), y(value)) for week, value in enumerate(values)], color))
        shapes.append(words((WIDE - RIGHT + 8, end + 4), f"{say(name, language)} {values[-1]:,.0f}", color=color))
    return svg(WIDE, HIGH, shapes)


def _apart(places: Sequence[float], gap: float = 18.0) -> list[float]:
    """The places, moved down where they would overlap."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved, last = list(places), -gap
    for index in order:
        moved[index] = last = max(places[index], last + gap)
    return moved


def truth_picture(rows: Sequence[Comparison], language: str) -> str:
    """One line per strategy: the readout's interval and guess, and the truth as a diamond."""
    shown = [row for row in rows if row.effect is not None and row.low is not None and row.high is not None]
    if not shown:
        return f"<p>{say(Words('尚无可比较的回检。', 'No readout to compare yet.'), language)}</p>"
    halves = sorted(((row.high or 0.0) - (row.low or 0.0)) / 2 for row in shown)
    reach = max(REACH * halves[len(halves) // 2], *(abs(row.truth) * 1.2 for row in shown), 1e-9)

    def x(value: float) -> float:
        clipped = min(max(value, -reach), reach)
        return LABELS + (WIDE - LABELS - 20) * (clipped + reach) / (2 * reach)

    high = ROW * len(shown) + 40
    shapes = [line((x(0), 8), (x(0), high - 28), QUIET)]
    shapes += [
        words((x(value), high - 8), f"{value:+,.0f}", anchor="middle", color=QUIET) for value in (-reach, 0, reach)
    ]
    for place, row in enumerate(shown):
        assert row.effect is not None and row.low is not None and row.high is not None, "only those are shown"
        middle = ROW * place + 22
        color = ACCENT if row.covers else WARM
        shapes += [
            words((LABELS - 12, middle + 4), row.label, anchor="end"),
            line((x(row.low), middle), (x(row.high), middle), color, width=3),
            dot((x(row.effect), middle), color),
            _diamond(x(row.truth), middle),
        ]
    return svg(WIDE, high, shapes)


def _diamond(x: float, y: float, size: float = 6.0) -> str:
    points = f"{x:.1f},{y - size:.1f} {x + size:.1f},{y:.1f} {x:.1f},{y + size:.1f} {x - size:.1f},{y:.1f}"
    return f'<polygon points="{points}" fill="#fff" stroke="{INK}" stroke-width="2"/>'
