from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.contracts.types import DataType
from cultiva.insight.groups.offered_rule import Bounds, Box, offer, rule_text, short_cut
from cultiva.insight.groups.space import Axis, AxisKind, Space
from cultiva.rules import Scope, compile_rule

SPACE = Space(
    (
        Axis("aum", AxisKind.NUMBER, centre=10.0, scale=5.0),
        Axis("has_loan", AxisKind.FLAG),
        Axis("region", AxisKind.CATEGORY, value="north"),
        Axis("region", AxisKind.CATEGORY, value="O'南"),
    )
)
SCOPE = Scope({"aum": DataType.MONEY, "has_loan": DataType.BOOLEAN, "region": DataType.TEXT})
ALL_NULL = frozenset(("aum", "has_loan", "region"))

halves = st.sampled_from([Bounds(high=0.5), Bounds(low=0.5)])
ranges = st.tuples(st.integers(-30, 30), st.integers(1, 40)).map(lambda pair: Bounds(pair[0], pair[0] + pair[1]))
ends = st.sampled_from([Bounds(low=0.0000123), Bounds(high=12.5), Bounds(low=-1e7, high=1e7)])
boxes = st.fixed_dictionaries({}, optional={0: st.one_of(ranges, ends), 1: halves, 2: halves, 3: halves})
row_values = st.fixed_dictionaries(
    {
        "aum": st.one_of(st.none(), st.integers(-40, 80).map(float), st.just(0.0000123)),
        "has_loan": st.sampled_from([True, False, None]),
        "region": st.sampled_from(["north", "O'南", "south", None]),
    }
)


@given(st.lists(boxes, max_size=3), row_values)
def test_the_written_rule_means_what_the_boxes_mean(alternatives: list[Box], row: dict[str, Any]) -> None:
    if any(box.get(2) == box.get(3) == Bounds(low=0.5) for box in alternatives):
        return  # no leaf of a tree is in two regions at once
    frame = pl.DataFrame([row], schema={"aum": pl.Float64, "has_loan": pl.Boolean, "region": pl.String})
    (raw,) = SPACE.raw(frame)
    expected = any(all(bounds.holds(raw[axis]) for axis, bounds in box.items()) for box in alternatives)
    text = rule_text(alternatives, SPACE, with_nulls=ALL_NULL)
    assert bool(compile_rule(text, SCOPE).closure(date(1994, 1, 1))(row)) is expected


def test_rules_are_short_where_nothing_is_null() -> None:
    boxes: list[Box] = [{0: Bounds(low=5000.0), 1: Bounds(high=0.5)}, {2: Bounds(high=0.5), 3: Bounds(high=0.5)}]
    assert rule_text(boxes, SPACE, with_nulls=frozenset()) == (
        "(aum > 5000 and not has_loan) or (region not in ('north', 'O''南'))"
    )
    assert rule_text([], SPACE, with_nulls=frozenset()) == "false"
    assert rule_text([{}], SPACE, with_nulls=frozenset()) == "true"


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True), st.integers(0, 28))
def test_a_short_cut_divides_as_the_long_one_does(values: list[float], place: int) -> None:
    ordered = sorted(values)
    low, high = ordered[place % (len(ordered) - 1)], ordered[place % (len(ordered) - 1) + 1]
    cut = (low + high) / 2
    array = np.array(values)
    short = short_cut(array, cut)
    assert ((array <= short) == (array <= cut)).all()
    assert digits(short) <= digits(cut)


def digits(number: float) -> int:
    """Significant digits of a number as it is written."""
    return len(Decimal(repr(number)).normalize().as_tuple().digits)


def test_the_smallest_tree_that_is_accurate_enough_is_offered() -> None:
    random = np.random.default_rng(1)
    raw = random.uniform(0, 100, (3_000, 2))
    labels = (raw[:, 0] > 40).astype(np.int64) + 2 * (raw[:, 1] > 70).astype(np.int64)
    offered = offer(raw, labels, accuracy_min=0.95)
    assert offered.accuracy >= 0.95
    assert sum(len(found) for found in offered.boxes.values()) == 4
    rough = offer(raw, labels, accuracy_min=0.5)
    assert sum(len(found) for found in rough.boxes.values()) <= 4


def test_what_no_box_can_catch_is_measured_as_such() -> None:
    random = np.random.default_rng(2)
    raw = random.uniform(0, 1, (900, 2))
    labels = random.integers(0, 2, 900)
    assert offer(raw, labels, accuracy_min=0.99).accuracy == pytest.approx(0.5, abs=0.12)


def test_a_rare_cluster_has_a_rule_though_the_others_alone_are_accurate_enough() -> None:
    raw = np.random.default_rng(3).uniform(0, 100, (3_000, 2))
    labels = np.where(raw[:, 1] > 97, 2, (raw[:, 0] // 25) % 2).astype(np.int64)
    offered = offer(raw, labels, accuracy_min=0.9)
    assert offered.accuracy > 0.97
    assert all(offered.boxes[cluster] for cluster in (0, 1, 2))
