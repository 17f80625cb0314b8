"""Pictures of the strategy map: the grid of groups by stages or tiers, and strategies by stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from cultiva.loop.report.pictures import ACCENT, EM, FONT, INK, QUIET, SOFT, ems
from cultiva.loop.report.shapes import box, dot, line, svg, words

AMBER, PAPER, EDGE = (245, 158, 11), (255, 255, 255), "#e5e7eb"
WIDE, HIGH, HEAD = 104.0, 46.0, 30.0
"""Size of a cell, and room for the headings above."""
STRONGEST = 0.55
"""Share of amber in the cell with most uncovered potential; more would hide the numbers."""


@dataclass(frozen=True)
class Square:
    """One cell of a grid, as drawn."""

    customers: int
    covered: float
    """Share in some active strategy's audience."""
    coverage: str
    """The same in words."""
    touched: float
    """Share touched lately."""
    heat: float
    """0 to 1: potential value of those without a strategy, against the cell with most."""
    told: str
    """What the mouse shows."""
    link: str = ""
    """Where a click leads; empty: nowhere."""


def grid(rows: Sequence[str], columns: Sequence[str], squares: Mapping[tuple[int, int], Square]) -> str:
    """Customers per cell with a bar for the share covered and one for the share touched; amber where money lies idle.

    Args:
        rows: Labels of the groups.
        columns: Labels of the stages or tiers.
        squares: By (row, column); absent where there are no customers.
    """
    left = gutter(rows)
    shapes = [
        words((left + WIDE * (place + 0.5), 18), label, anchor="middle", color=QUIET)
        for place, label in enumerate(columns)
    ]
    for row, label in enumerate(rows):
        top = HEAD + row * HIGH
        shapes.append(words((left - 10, top + HIGH / 2 + 5), label, anchor="end"))
        for column in range(len(columns)):
            place = (left + column * WIDE, top)
            square = squares.get((row, column))
            shapes.append(_blank(place) if square is None else _square(place, square))
    return svg(left + WIDE * len(columns) + 2, HEAD + HIGH * len(rows) + 2, shapes)


def _blank(place: tuple[float, float]) -> str:
    return _frame(place, "#fafafa")


def _square(place: tuple[float, float], square: Square) -> str:
    (x, y), room = place, WIDE - 20
    fill = mixed(AMBER, STRONGEST * square.heat)
    bars = [
        box((x + 8, y + HIGH - 17), (room, 4), "#e8eaee"),
        box((x + 8, y + HIGH - 17), (room * square.covered, 4), SOFT),
        box((x + 8, y + HIGH - 11), (room, 4), "#e8eaee"),
        box((x + 8, y + HIGH - 11), (room * square.touched, 4), ACCENT),
    ]
    number = words((x + 8, y + 19), f"{square.customers:,}")
    share = words((x + WIDE - 12, y + 19), square.coverage, anchor="end", color=INK if square.heat else QUIET)
    shown = [f"<title>{escape(square.told)}</title>", _frame(place, fill), number, share, *bars]
    return "".join([*_linked(square.link), *shown, "</a>" if square.link else "</g>"])


def _linked(link: str) -> list[str]:
    return [f'<a class="plain" href="{escape(link)}">'] if link else ["<g>"]


def _frame(place: tuple[float, float], fill: str) -> str:
    x, y = place
    size = f'width="{WIDE - 4:.1f}" height="{HIGH - 4:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} rx="4" fill="{fill}" stroke="{EDGE}"/>'


def mixed(color: tuple[int, int, int], share: float) -> str:
    """A colour thinned with paper.

    Examples:
        >>> mixed((0, 0, 0), 0.0), mixed((0, 0, 0), 1.0)
        ('#ffffff', '#000000')
    """
    parts = (round(paper + (full - paper) * share) for paper, full in zip(PAPER, color, strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


@dataclass(frozen=True)
class Lane:
    """One strategy across the stages."""

    label: str
    note: str
    """At the right end."""
    active: bool
    stages: Sequence[tuple[int, int, bool]]
    """Per stage: customers in the audience, customers touched lately, whether the definition applies there."""
    link: str = ""
    """Where a click on the label leads; empty: nowhere."""


def lanes(columns: Sequence[str], rows: Sequence[Lane], heads: tuple[str, str]) -> str:
    """Strategies by stages: a ring as large as the audience, filled as far as it was touched.

    Args:
        columns: Labels of the stages.
        rows: The strategies.
        heads: Headings of the column of labels and of the notes.
    """
    high, left, wide = 34.0, gutter([one.label for one in rows]), 84.0
    most = max((size for one in rows for size, _, _ in one.stages), default=0) or 1
    right = left + wide * len(columns)
    room = gutter([one.note for one in rows])
    shapes = [
        words((left - 10, 18), heads[0], anchor="end", color=QUIET),
        words((right + 8, 18), heads[1], color=QUIET),
    ]
    shapes += [
        words((left + wide * (place + 0.5), 18), label, anchor="middle", color=QUIET)
        for place, label in enumerate(columns)
    ]
    for row, one in enumerate(rows):
        y = HEAD + row * high + high / 2
        color = INK if one.active else QUIET
        shapes.append(line((left, y + high / 2), (right + room, y + high / 2), EDGE))
        label = words((left - 10, y + 5), one.label, anchor="end", color=color)
        shapes.append(f"{_linked(one.link)[0]}{label}</a>" if one.link else label)
        shapes.append(words((right + 8, y + 5), one.note, color=color))
        for column, (size, touched, applies) in enumerate(one.stages):
            x = left + wide * (column + 0.4)
            shapes += _ring((x, y), size, touched, most) if size else _absent((x, y), applies)
    return svg(right + room, HEAD + high * len(rows) + 2, shapes)


def _ring(place: tuple[float, float], size: int, touched: int, most: int) -> list[str]:
    radius = 3.0 + 11.0 * (size / most) ** 0.5
    inner = radius * min(touched / size, 1.0) ** 0.5
    x, y = place
    return [
        dot(place, SOFT, radius=radius),
        *([dot(place, ACCENT, radius=inner)] if touched else []),
        words((x + 17, y + 5), f"{size:,}", color=QUIET),
    ]


def _absent(place: tuple[float, float], applies: bool) -> list[str]:
    x, y = place
    return [line((x - 3, y), (x + 3, y), QUIET if applies else EDGE)]


def gauge(target: float | None, span: tuple[float | None, float | None, float | None]) -> str:
    """A target as a mark and what was measured as a dot with its interval, around zero; nothing where nothing is.

    Args:
        target: With the sign of the direction wanted.
        span: Effect and the ends of its interval.
    """
    effect, low, high = span
    known = [abs(one) for one in (target, effect) if one is not None]
    if effect is None or not known:
        return ""
    wide, reach = 150.0, max(known) * 2.2 or 1.0

    def x(value: float) -> float:
        return wide * (min(max(value, -reach), reach) + reach) / (2 * reach)

    shapes = [line((x(0), 2), (x(0), 18), EDGE, width=1.5)]
    if low is not None and high is not None:
        shapes.append(line((x(low), 10), (x(high), 10), SOFT, width=4))
    if target is not None:
        shapes.append(line((x(target), 3), (x(target), 17), "#b45309", width=2.5))
    shapes.append(dot((x(effect), 10), INK, radius=3.5))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 0 {wide + 8:.0f} 20" width="{wide + 8:.0f}" role="img"'
    return "\n".join([f'{head} font-family="{FONT}" font-size="{EM}">', *shapes, "</svg>"])


def gutter(labels: Sequence[str]) -> float:
    """Room for the longest label."""
    return 18 + EM * max((sum(ems(char) for char in label) for label in labels), default=0.0)
