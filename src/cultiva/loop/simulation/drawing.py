"""Pictures of a flight: money week by week, and claims beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import accumulate

from cultiva.kit.words import Words, say
from cultiva.loop.simulation.scoring import Comparison, WeekTruth

INK, QUIET, GRID = "#1f2933", "#52606d", "#e4e7eb"
ACCENT, WARM, COOL = "#0f766e", "#b45309", "#1d4ed8"
FONT = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',system-ui,sans-serif"
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

    shapes = [_rule(LEFT, y(value), WIDE - RIGHT, y(value)) for value in (low, 0.0, high)]
    shapes += [_text(LEFT - 8, y(value) + 4, f"{value:,.0f}", anchor="end") for value in {low, 0.0, high}]
    shapes += [_text(x(week), HIGH - 14, str(week), anchor="middle") for week in range(steps + 1)]
    ends = _apart([y(values[-1]) for _, values, _ in series])
    for (name, values, color), end in zip(series, ends, strict=True):
        points = " ".join(f"{x(week):.1f},{y(value):.1f}" for week, value in enumerate(values))
        shapes.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        shapes.append(_text(WIDE - RIGHT + 8, end + 4, f"{say(name, language)} {values[-1]:,.0f}", color=color))
    return _svg(HIGH, shapes)


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
    shapes = [_rule(x(0), 8, x(0), high - 28, color=QUIET)]
    shapes += [_text(x(value), high - 8, f"{value:+,.1f}", anchor="middle") for value in (-reach, 0.0, reach)]
    for place, row in enumerate(shown):
        assert row.effect is not None and row.low is not None and row.high is not None, "only those are shown"
        middle = ROW * place + 22
        color = ACCENT if row.covers else WARM
        shapes += [
            _text(LABELS - 12, middle + 4, row.label, anchor="end", color=INK),
            _rule(x(row.low), middle, x(row.high), middle, color=color, width=3),
            f'<circle cx="{x(row.effect):.1f}" cy="{middle}" r="5" fill="{color}"/>',
            _diamond(x(row.truth), middle),
        ]
    return _svg(high, shapes)


def _diamond(x: float, y: float, size: float = 6.0) -> str:
    points = f"{x},{y - size} {x + size},{y} {x},{y + size} {x - size},{y}"
    return f'<polygon points="{points}" fill="#fff" stroke="{INK}" stroke-width="2"/>'


def _rule(
    x1: float, y1: float, x2: float, y2: float, *, color: str = GRID, width: int = 1
) -> str:
    points = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {points} stroke="{color}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", color: str = QUIET) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'


def _svg(high: float, shapes: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high:.0f}" role="img" '
        f'font-family="{FONT}" font-size="13">'
    )
    return "\n".join([head, *shapes, "</svg>"])
