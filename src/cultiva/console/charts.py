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

LINE = "#e5e7eb"
ACCENT, GREY = "#1f6feb", "#adb5bd"
DAY_ROOM = 44
"""Pixels on the right of a line over days: half of the last day's name."""
LABEL_ROOM = 16
"""Pixels on the left of a drawing: long names are a little wider than ECharts believes."""


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
        "grid": {**_grid(len(series)), "right": DAY_ROOM},
        "xAxis": {"type": "category", "data": [str(day) for day in days], "boundaryGap": False},
        "yAxis": {"type": "value", "scale": True, "splitLine": {"lineStyle": {"color": LINE}}, **_whole(series)},
        "series": [
            {"name": name, "type": "line", "data": list(values), "showSymbol": len(days) < 3, "lineStyle": {"width": 2}}
            for name, values in series.items()
        ],
    }


def _whole(series: Mapping[str, Sequence[Number]]) -> Option:
    """No ticks between two whole numbers where all values are whole."""
    values = (value for each in series.values() for value in each if value is not None)
    return {"minInterval": 1} if all(float(value).is_integer() for value in values) else {}


def _legend(series: Mapping[str, object]) -> Option:
    return {"legend": {"type": "scroll", "top": 0, "left": 0, "itemWidth": 14}} if len(series) > 1 else {}


def _grid(count: int) -> Option:
    return {"left": LABEL_ROOM, "right": 16, "top": 32 if count > 1 else 12, "bottom": 8, "containLabel": True}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"a chart cannot show {type(value).__name__}")
