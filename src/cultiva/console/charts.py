"""Charts as data: ECharts options made on the server, drawn by console.js; nothing in them is code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Option = dict[str, Any]
"""An ECharts option without functions."""
Number = int | float | None

INK, QUIET, LINE = "#1f2937", "#6b7280", "#e5e7eb"
ACCENT, GOOD, BAD, GREY = "#1f6feb", "#2b8a3e", "#c92a2a", "#adb5bd"
SCALE = ("#f1f5fb", "#9fc1f5", "#1f5fbf")
"""From few to many."""


def as_attribute(option: Option) -> str:
    """An option as text for a `data-` attribute."""
    return json.dumps(option, ensure_ascii=False, separators=(",", ":"), default=_plain)


def bars(
    names: Sequence[str], series: Mapping[str, Sequence[Number]], *, lying: bool = False, stacked: bool = False
) -> Option:
    """Bars by name.

    Args:
        names: Of the bars.
        series: Name of a series -> a value for each bar.
        lying: From left to right, the first name on top: for long names.
        stacked: Series on top of each other.
    """
    category: Option = {"type": "category", "data": list(names), "axisTick": {"show": False}, "inverse": lying}
    value: Option = {"type": "value", "splitLine": {"lineStyle": {"color": LINE}}}
    return {
        "tooltip": {"trigger": "axis", "renderMode": "richText", "axisPointer": {"type": "shadow"}},
        **_legend(series),
        "grid": _grid(len(series)),
        "xAxis": value if lying else category,
        "yAxis": category if lying else value,
        "series": [
            {
                "name": name,
                "type": "bar",
                "data": list(values),
                "barMaxWidth": 22,
                **({"stack": "all"} if stacked else {}),
            }
            for name, values in series.items()
        ],
    }


def lines(days: Sequence[date | str], series: Mapping[str, Sequence[Number]]) -> Option:
    """Values over time.

    Args:
        days: Of the values.
        series: Name -> a value for each day.
    """
    return {
        "tooltip": {"trigger": "axis", "renderMode": "richText"},
        **_legend(series),
        "grid": _grid(len(series)),
        "xAxis": {"type": "category", "data": [str(day) for day in days], "boundaryGap": False},
        "yAxis": {"type": "value", "scale": True, "splitLine": {"lineStyle": {"color": LINE}}},
        "series": [
            {"name": name, "type": "line", "data": list(values), "showSymbol": len(days) < 3, "lineStyle": {"width": 2}}
            for name, values in series.items()
        ],
    }


def heat(rows: Sequence[str], columns: Sequence[str], values: Mapping[tuple[int, int], Number]) -> Option:
    """A grid coloured by its values.

    Args:
        rows: Names from top to bottom.
        columns: Names from left to right.
        values: (row, column) -> value.
    """
    known = [value for value in values.values() if value is not None]
    axis: Option = {"type": "category", "axisTick": {"show": False}, "axisLine": {"show": False}}
    return {
        "tooltip": {"renderMode": "richText"},
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 8, "containLabel": True},
        "xAxis": {**axis, "data": list(columns), "position": "top"},
        "yAxis": {**axis, "data": list(rows), "inverse": True},
        "visualMap": {"min": 0, "max": max(known, default=1) or 1, "show": False, "inRange": {"color": list(SCALE)}},
        "series": [
            {
                "type": "heatmap",
                "data": [[column, row, value] for (row, column), value in values.items() if value is not None],
                "label": {"show": True},
                "itemStyle": {"borderColor": "#fff", "borderWidth": 2},
            }
        ],
    }


def graph(
    nodes: Sequence[tuple[str, str, float, float]], edges: Sequence[tuple[str, str, str]], *, symbol: tuple[int, int]
) -> Option:
    """Boxes with arrows between them.

    Args:
        nodes: (id, text, x, y) with x and y in pixels of the picture.
        edges: (from, to, text).
        symbol: Width and height of a box.
    """
    return {
        "tooltip": {"renderMode": "richText"},
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "roam": False,
                "symbol": "roundRect",
                "symbolSize": list(symbol),
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 8,
                "label": {"show": True, "color": INK, "width": symbol[0] - 12, "overflow": "break"},
                "edgeLabel": {"show": True, "formatter": "{c}", "color": QUIET},
                "itemStyle": {"color": "#f1f5fb", "borderColor": ACCENT, "borderWidth": 1},
                "lineStyle": {"color": QUIET, "width": 1.2, "curveness": 0.08, "opacity": 1},
                "data": [{"id": name, "name": text, "x": x, "y": y} for name, text, x, y in nodes],
                "links": [{"source": begin, "target": end, "value": text} for begin, end, text in edges],
            }
        ],
    }


def _legend(series: Mapping[str, object]) -> Option:
    return {"legend": {"top": 0, "left": 0, "itemWidth": 14}} if len(series) > 1 else {}


def _grid(count: int) -> Option:
    return {"left": 8, "right": 16, "top": 32 if count > 1 else 12, "bottom": 8, "containLabel": True}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"a chart cannot show {type(value).__name__}")
