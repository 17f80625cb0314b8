"""A play as a picture: steps as boxes with their numbers, arrows with what leads where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from cultiva.loop.report.pictures import ACCENT, EM, INK, QUIET, ems
from cultiva.loop.report.shapes import svg

WIDE, HIGH = 144.0, 74.0
"""Of a box."""
COLUMN, ROW = 230.0, 114.0
"""From one box to the next."""
MARGIN, LINE = 14.0, 16.0
HEAD = 5.0
"""Half the height of an arrow's head."""
PAPER, EDGE = "#f5f8fd", "#9db9e3"


@dataclass(frozen=True)
class Box:
    """One step, as drawn."""

    name: str
    title: str
    lines: tuple[str, ...]
    """Under the title: kind, numbers."""
    busy: bool = False
    """Whether somebody is there now."""


@dataclass(frozen=True)
class Arrow:
    """What leads from one step to another."""

    begin: str
    end: str
    why: str = ""
    """When: an answer, a rule, a share; empty: always."""


Place = tuple[int, int]
"""Column and row."""


def columns(start: str, arrows: Sequence[Arrow]) -> Mapping[str, int]:
    """Step -> its column: the longest way from the start, ways back left out.

    Examples:
        >>> columns("a", [Arrow("a", "b"), Arrow("b", "c"), Arrow("a", "c"), Arrow("c", "b")])
        {'a': 0, 'b': 1, 'c': 2}
    """
    after: dict[str, list[str]] = {}
    for one in arrows:
        after.setdefault(one.begin, []).append(one.end)
    order: list[str] = []
    forward: set[tuple[str, str]] = set()
    _visit(start, after, ([], set()), order, forward)
    found = dict.fromkeys(reversed(order), 0)
    for name in reversed(order):
        for end in after.get(name, ()):
            if (name, end) in forward:
                found[end] = max(found[end], found[name] + 1)
    return found


def _visit(
    name: str,
    after: Mapping[str, Sequence[str]],
    way: tuple[list[str], set[str]],
    order: list[str],
    forward: set[tuple[str, str]],
) -> None:
    """Depth first; steps in the order in which they were left, and the arrows that lead on."""
    here, known = way
    here.append(name)
    known.add(name)
    for end in dict.fromkeys(after.get(name, ())):
        if end in here:
            continue  # a way back
        forward.add((name, end))
        if end not in known:
            _visit(end, after, way, order, forward)
    here.pop()
    order.append(name)


def draw(start: str, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """The picture as SVG.

    Args:
        start: Where people come in.
        boxes: The steps; those that no way leads to stand in the first column.
        arrows: Between them.
    """
    places = _places(start, boxes, arrows)
    wide = MARGIN * 2 + max((column for column, _ in places.values()), default=0) * COLUMN + WIDE
    low = max((row for _, row in places.values()), default=0)
    arcs = [one for one in arrows if _bends(places[one.begin], places[one.end])]
    high = MARGIN * 2 + low * ROW + HIGH + (34.0 if arcs else 0.0)
    shapes = [*(_arrow(places, one) for one in arrows), *(_box(places[one.name], one) for one in boxes)]
    return svg(wide, high, [*shapes, *_labels(places, arrows)])


def _places(start: str, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Mapping[str, Place]:
    column, taken, found = columns(start, arrows), dict[int, int](), dict[str, Place]()
    for one in boxes:
        place = column.get(one.name, 0)
        found[one.name] = (place, taken.get(place, 0))
        taken[place] = taken.get(place, 0) + 1
    return found


def _bends(begin: Place, end: Place) -> bool:
    """Whether an arrow has to go around the boxes between its ends."""
    return end[0] - begin[0] != 1


def _corner(place: Place) -> tuple[float, float]:
    return MARGIN + place[0] * COLUMN, MARGIN + place[1] * ROW


def _curve(begin: Place, end: Place) -> tuple[tuple[float, float], ...]:
    """Four points of a cubic curve: from the right of a box to the left of the next, or beneath those between."""
    (x1, y1), (x2, y2) = _corner(begin), _corner(end)
    if not _bends(begin, end):
        first, last = (x1 + WIDE, y1 + HIGH / 2), (x2 - 2, y2 + HIGH / 2)
        middle = (first[0] + last[0]) / 2
        return first, (middle, first[1]), (middle, last[1]), last
    first, last = (x1 + WIDE * 0.62, y1 + HIGH), (x2 + WIDE * 0.38, y2 + HIGH + 2)
    deep = max(y1, y2) + HIGH + 44
    return first, (first[0] + 24, deep), (last[0] - 24 if x2 > x1 else last[0] + 24, deep), last


def _arrow(places: Mapping[str, Place], one: Arrow) -> str:
    points = _curve(places[one.begin], places[one.end])
    (a, b), (c, d), (e, f), (g, h) = points
    way = f'<path d="M{a:.1f} {b:.1f} C{c:.1f} {d:.1f} {e:.1f} {f:.1f} {g:.1f} {h:.1f}" fill="none" stroke="{QUIET}"/>'
    if _bends(places[one.begin], places[one.end]):
        tip = f"{g:.1f},{h:.1f} {g - HEAD:.1f},{h + 9:.1f} {g + HEAD:.1f},{h + 9:.1f}"
    else:
        tip = f"{g:.1f},{h:.1f} {g - 9:.1f},{h - HEAD:.1f} {g - 9:.1f},{h + HEAD:.1f}"
    return f'{way}<polygon points="{tip}" fill="{QUIET}"/>'


def _labels(places: Mapping[str, Place], arrows: Sequence[Arrow]) -> Iterable[str]:
    """Texts of arrows, on paper so that lines do not cross them; several between the same two steps are one."""
    why: dict[tuple[str, str], list[str]] = {}
    for one in arrows:
        if one.why:
            why.setdefault((one.begin, one.end), []).append(one.why)
    for (begin, end), texts in why.items():
        points = _curve(places[begin], places[end])
        x, y = _middle(points)
        whole = " / ".join(texts)
        room = WIDE if _bends(places[begin], places[end]) else COLUMN - WIDE - 6
        yield _label((x, y), _short(whole, room), whole)


def _label(place: tuple[float, float], text: str, whole: str) -> str:
    x, y = place
    half = EM * 0.85 * sum(ems(char) for char in text) / 2 + 3
    paper = f'<rect x="{x - half:.1f}" y="{y - 9:.1f}" width="{2 * half:.1f}" height="17" rx="3" fill="#ffffff"/>'
    said = f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="{INK}" font-size="11">{escape(text)}</text>'
    return f"<g><title>{escape(whole)}</title>{paper}{said}</g>"


def _middle(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    (a, b), (c, d), (e, f), (g, h) = points
    return (a + 3 * c + 3 * e + g) / 8, (b + 3 * d + 3 * f + h) / 8


def _box(place: Place, one: Box) -> str:
    x, y = _corner(place)
    stroke = ACCENT if one.busy else EDGE
    frame = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{WIDE}" height="{HIGH}" rx="8" fill="{PAPER}" stroke="{stroke}" '
        f'stroke-width="{1.8 if one.busy else 1}"/>'
    )
    told = [_text((x, y), place_of, text) for place_of, text in enumerate((one.title, *one.lines[:3]))]
    whole = "\n".join((one.title, *one.lines))
    return f"<g><title>{escape(whole)}</title>{frame}{''.join(told)}</g>"


def _text(corner: tuple[float, float], number: int, text: str) -> str:
    x, y = corner
    look = f'fill="{INK}" font-weight="600" font-size="12.5"' if not number else f'fill="{INK}" font-size="11.5"'
    shown = escape(_short(text, WIDE - 10))
    return f'<text x="{x + WIDE / 2:.1f}" y="{y + 17 + number * LINE:.1f}" text-anchor="middle" {look}>{shown}</text>'


def _short(text: str, room: float) -> str:
    """A text cut so that it fits."""
    used, shown = 0.0, ""
    for char in text:
        used += EM * 0.85 * ems(char)
        if used > room - EM:
            return f"{shown.rstrip()}…"
        shown += char
    return shown
