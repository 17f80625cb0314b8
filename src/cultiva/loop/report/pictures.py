"""Pictures of a run, as SVG made of rectangles and text.

No chart library: these four need no axes, and one that measures fonts on the server sets Chinese wrongly where the
server has none (docs/decisions/0007-pictures.md). The reader's own fonts are used, and the pictures print sharp.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from html import escape

from cultiva.loop.report.facts import ReportFacts

INK, QUIET, ACCENT, SOFT = "#1f2937", "#6b7280", "#0f766e", "#99d5cf"
PALE, DEEP = (240, 249, 247), (15, 90, 84)
FONT = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',system-ui,sans-serif"
EM = 13
"""Font size in pixels."""
ROWS_MAX = 30
"""Bars in one picture; more are hard to read."""


def grid_heat_map(facts: ReportFacts) -> str:
    """Customers by stage and value tier; darker is more, on a root scale so that small cells show."""
    counts = {(cell.stage, cell.tier): cell.customers for cell in facts.cells}
    most = max(counts.values(), default=0) ** 0.5 or 1.0
    gutter, wide, high = _gutter([_label(facts, stage) for stage in facts.stages]), 88, 30
    shapes = [
        _text(gutter + (x + 0.5) * wide, 18, _label(facts, tier), anchor="middle", color=QUIET)
        for x, tier in enumerate(facts.tiers)
    ]
    for y, stage in enumerate(facts.stages):
        top = 28 + y * high
        shapes.append(_text(gutter - 8, top + 19, _label(facts, stage), anchor="end"))
        for x, tier in enumerate(facts.tiers):
            shapes += _cell(gutter + x * wide, top, wide - 2, high - 2, counts.get((stage, tier), 0), most)
    return _svg(gutter + wide * len(facts.tiers), 30 + high * len(facts.stages), shapes)


def segment_sizes(facts: ReportFacts) -> str:
    """Segments by size, largest first."""
    largest = sorted(facts.segments, key=lambda one: (-one.customers, one.name))[:ROWS_MAX]
    return _bars([(one.label, float(one.customers), f"{one.customers:,} · {one.share:.1%}") for one in largest])


def tag_coverage(facts: ReportFacts) -> str:
    """Tags by coverage, thinnest first."""
    thinnest = sorted(facts.coverage, key=lambda one: (one.coverage, one.tag))[:ROWS_MAX]
    return _bars([(one.label, one.coverage, f"{one.coverage:.0%}") for one in thinnest], widest=1.0)


def value_pyramid(facts: ReportFacts) -> str:
    """Tiers from highest to lowest: customers to the left, contribution to the right."""
    people = {tier: sum(one.customers for one in facts.cells if one.tier == tier) for tier in facts.tiers}
    money = {tier: sum(one.current_value for one in facts.cells if one.tier == tier) for tier in facts.tiers}
    most_people, most_money = max(people.values(), default=0) or 1, max(money.values(), default=0.0) or 1.0
    gutter, room, numbers, high = _gutter([_label(facts, tier) for tier in facts.tiers]), 170, 110, 34
    middle = gutter + numbers + room
    shapes = []
    for y, tier in enumerate(reversed(facts.tiers)):
        top, left, right = y * high, room * people[tier] / most_people, room * max(money[tier], 0) / most_money
        shapes += [
            _text(gutter - 8, top + 21, _label(facts, tier), anchor="end"),
            _box(middle - left, top + 4, left, high - 8, SOFT),
            _box(middle, top + 4, right, high - 8, ACCENT),
            _text(middle - left - 6, top + 21, f"{people[tier]:,}", anchor="end", color=QUIET),
            _text(middle + right + 6, top + 21, f"{money[tier]:,.0f} {facts.currency}", color=QUIET),
        ]
    shapes.append(_box(middle - 0.5, 0, 1, high * len(facts.tiers), INK))
    return _svg(middle + room + numbers, high * len(facts.tiers), shapes)


def _bars(rows: Sequence[tuple[str, float, str]], *, widest: float | None = None) -> str:
    gutter, room, numbers, high = _gutter([label for label, _, _ in rows]), 260, 110, 24
    most = widest or max((value for _, value, _ in rows), default=1.0) or 1.0
    shapes = []
    for y, (label, value, number) in enumerate(rows):
        width = room * value / most
        shapes += [
            _text(gutter - 8, y * high + 16, label, anchor="end"),
            _box(gutter, y * high + 4, width, high - 7, ACCENT),
            _text(gutter + width + 6, y * high + 16, number, color=QUIET),
        ]
    return _svg(gutter + room + numbers, high * max(len(rows), 1), shapes)


def _cell(left: float, top: float, wide: float, high: float, count: int, most: float) -> list[str]:
    depth = count**0.5 / most
    color = "#" + "".join(f"{round(pale + (deep - pale) * depth):02x}" for pale, deep in zip(PALE, DEEP, strict=True))
    text = f"{count:,}" if count else "·"
    ink = "#ffffff" if depth > 0.55 else INK
    return [
        _box(left, top, wide, high, color),
        _text(left + wide / 2, top + high / 2 + 5, text, anchor="middle", color=ink),
    ]


def _label(facts: ReportFacts, name: str) -> str:
    return facts.labels.get(name, name)


def _gutter(labels: Sequence[str]) -> float:
    """Room for the longest label: a wide character takes one em, another a little over half."""
    return 16 + EM * max((sum(ems(char) for char in label) for label in labels), default=0.0)


def ems(char: str) -> float:
    """Width of a character in em, about right for any font."""
    return 1.0 if unicodedata.east_asian_width(char) in "WF" else 0.58


def _box(left: float, top: float, wide: float, high: float, color: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(wide, 0):.1f}" height="{high:.1f}" fill="{color}"/>'


def _text(left: float, base: float, text: str, *, anchor: str = "start", color: str = INK) -> str:
    return f'<text x="{left:.1f}" y="{base:.1f}" text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'


def _svg(wide: float, high: float, shapes: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" '
        f'role="img" font-family="{FONT}" font-size="{EM}">'
    )
    return "\n".join([head, *shapes, "</svg>"])
