from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.insight.profile.drift import Sketch, sketch, stability_index

numbers = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=80)


@given(numbers)
def test_the_shares_of_a_sketch_add_up(values: list[float | None]) -> None:
    found = sketch(pl.Series("x", values, dtype=pl.Float64))
    assert found is not None
    assert sum(found.shares) + found.other + found.unknown == pytest.approx(1, abs=1e-4)
    assert list(found.edges) == sorted(set(found.edges))
    assert Sketch.of_text(found.text()) == found


@given(numbers, numbers)
def test_two_equal_shapes_have_index_zero_and_others_more(one: list[float | None], other: list[float | None]) -> None:
    before = sketch(pl.Series("x", one, dtype=pl.Float64))
    assert before is not None
    again = sketch(pl.Series("x", one, dtype=pl.Float64), like=before)
    later = sketch(pl.Series("x", other, dtype=pl.Float64), like=before)
    assert again == before
    assert later is not None
    assert stability_index(before, before) == 0
    assert stability_index(before, later) >= 0


def test_texts_booleans_and_dates_have_shapes_and_lists_have_none() -> None:
    text = sketch(pl.Series("x", ["b", "a", "b", None]))
    assert text == Sketch(values=("b", "a"), shares=(0.5, 0.25), other=0.0, unknown=0.25)
    flag = sketch(pl.Series("x", [True, True, False, None]))
    assert flag == Sketch(values=("true", "false"), shares=(0.5, 0.25), other=0.0, unknown=0.25)
    days = sketch(pl.Series("x", ["1994-01-01", "1994-01-02"]).str.to_date())
    assert days is not None
    assert days.edges == (8766.0,)
    assert sketch(pl.Series("x", [["a"]])) is None


def test_a_shifted_shape_is_seen() -> None:
    before = sketch(pl.Series("x", range(1000)))
    assert before is not None
    shifted = sketch(pl.Series("x", range(500, 1500)), like=before)
    assert shifted is not None
    assert stability_index(before, shifted) > 0.25
