"""Pictures of prices: take-up and contribution by price, group by group, with what was seen and what is not sure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cultiva.kit.words import Words, say
from cultiva.loop.report.shapes import area, dot, line, path, svg, words

INK, QUIET, GRID = "#1f2933", "#52606d", "#e4e7eb"
COOL, PALE, WARM = "#1d4ed8", "#dbe6fd", "#b45309"
LEFT, GAP, PANEL, ROW = 190, 90, 360, 190
TOP, ROOM = 44, 120
"""Of the headings, and the height of a curve."""


def price_picture(rows: Sequence[dict[str, Any]], language: str) -> str:
    """Two panels per group: the learnt take-up with what was observed, and contribution per quote.

    Args:
        rows: Of `loop.pricing.curve_rows`: groups in order, levels from the worst to the best for the customer.
        language: zh or en.

    Returns:
        SVG.
    """
    groups = list(dict.fromkeys(row["group"] for row in rows))
    titles = (
        Words("接受率（点为实测，带为区间）", "take-up (dots: observed; band: not sure)"),
        Words("每次报价的贡献", "contribution per quote"),
    )
    shapes = [words((LEFT + place * (PANEL + GAP), 22), say(text, language)) for place, text in enumerate(titles)]
    most = (max(_seen(row) for row in rows), max(max(row["contribution_high"], 0.0) for row in rows))
    for place, group in enumerate(groups):
        mine = [row for row in rows if row["group"] == group]
        top = TOP + place * ROW
        shapes.append(words((12, top + ROOM / 2), group or say(Words("全部", "everybody"), language)))
        shapes += _panel(mine, (LEFT, top), most[0], ("take_up", "low", "high"), "{:.1%}".format)
        shapes += [
            dot((_x(LEFT, at, len(mine)), _y(top, row["taken"] / row["quoted"], most[0])), WARM, radius=3.5)
            for at, row in enumerate(mine)
            if row["quoted"]
        ]
        fields = ("contribution", "contribution_low", "contribution_high")
        shapes += _panel(mine, (LEFT + PANEL + GAP, top), most[1], fields, "{:,.1f}".format)
        shapes += _marks(mine, top, language)
    return svg(LEFT + 2 * PANEL + GAP + 30, TOP + ROW * len(groups), shapes)


def _seen(row: dict[str, Any]) -> float:
    observed = row["taken"] / row["quoted"] if row["quoted"] else 0.0
    return float(max(row["high"], observed))


def _x(left: float, place: int, count: int) -> float:
    return left + PANEL * place / max(count - 1, 1)


def _y(top: float, value: float, most: float) -> float:
    return top + ROOM * (1 - max(value, 0.0) / max(most, 1e-12))


def _panel(
    rows: Sequence[dict[str, Any]],
    corner: tuple[float, float],
    most: float,
    fields: tuple[str, str, str],
    shown: Callable[[float], str],
) -> list[str]:
    """One curve with its band, its axis and the prices below."""
    (left, top), (middle, low, high), count = corner, fields, len(rows)
    at = [_x(left, place, count) for place in range(count)]

    def points(name: str) -> list[tuple[float, float]]:
        return [(x, _y(top, row[name], most)) for x, row in zip(at, rows, strict=True)]

    shapes = [line((left, top + ROOM), (left + PANEL, top + ROOM), GRID), line((left, top), (left + PANEL, top), GRID)]
    shapes += [area([*points(high), *reversed(points(low))], PALE), path(points(middle), COOL)]
    shapes += [
        words((left - 8, _y(top, value, most) + 4), shown(value), anchor="end", color=QUIET) for value in (0.0, most)
    ]
    shapes += [
        words((x, top + ROOM + 18), row["shown"], anchor="middle", color=QUIET) for x, row in zip(at, rows, strict=True)
    ]
    return shapes


def _marks(rows: Sequence[dict[str, Any]], top: float, language: str) -> list[str]:
    """Where the list price and the chosen price lie."""
    shapes = []
    for name, text, color, down in (
        ("listed", Words("牌价", "list"), QUIET, 34),
        ("chosen", Words("定价", "price"), WARM, 50),
    ):
        place = next(at for at, row in enumerate(rows) if row[name])
        for left in (LEFT, LEFT + PANEL + GAP):
            x = _x(left, place, len(rows))
            shapes.append(line((x, top), (x, top + ROOM), color, width=1.5 if name == "chosen" else 1.0))
            shapes.append(words((x, top + ROOM + down), say(text, language), anchor="middle", color=color))
    return shapes
