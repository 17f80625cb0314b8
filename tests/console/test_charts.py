"""Charts as data: ticks are values that there can be."""

from __future__ import annotations

import math

import pytest

from cultiva.console.charts import lines


@pytest.mark.parametrize(
    ("values", "whole"),
    [([484, 486], True), ([484.0, None], True), ([0.5, 1], False), ([math.nan, 1], False)],
    ids=["counts", "a gap", "shares", "not a number"],
)
def test_counts_have_no_ticks_between_whole_numbers(values: list[float | None], whole: bool) -> None:
    axis = lines(["03-30", "03-31"], {"Customers": values})["yAxis"]
    assert axis.get("minInterval") == (1 if whole else None)
