from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.insight.groups.traits import Trait, TraitKind, compare, feature_matrix

TAGS = ("aum", "age", "region", "has_loan")


def bank(rows: int = 4_000) -> pl.DataFrame:
    """A bank in which the last quarter is rich, lives in the south, and the first tenth has loans."""
    random = np.random.default_rng(7)
    rich = np.arange(rows) >= rows * 3 // 4
    return pl.DataFrame(
        {
            "aum": random.normal(100, 20, rows) + rich * 200,
            "age": random.normal(45, 10, rows),
            "region": np.where(rich & (random.random(rows) < 0.7), "south", "north"),
            "has_loan": np.arange(rows) < rows // 10,
        }
    )


def traits_of(frame: pl.DataFrame, rows: np.ndarray) -> list[Trait]:
    everybody = np.arange(frame.height)
    return compare(feature_matrix(frame, TAGS, everybody), everybody, {"group": rows})["group"]


def test_the_traits_of_a_planted_group_are_found_the_most_telling_first() -> None:
    frame = bank()
    found = traits_of(frame, np.arange(3_000, 4_000))
    assert found[0].tag in ("aum", "region")
    by_tag = {trait.tag: trait for trait in found}
    assert "age" not in by_tag
    assert by_tag[found[0].tag].strength > 0
    assert by_tag["region"].value == "south"


def test_a_boolean_trait_says_its_shares_and_lift() -> None:
    frame = bank()
    (loan,) = [trait for trait in traits_of(frame, np.arange(0, 400)) if trait.tag == "has_loan"]
    assert (loan.kind, loan.value, loan.here) == (TraitKind.SHARE, "true", 1.0)
    assert loan.everywhere == pytest.approx(0.1)
    assert loan.lift == pytest.approx(10)


def test_a_group_drawn_at_random_has_no_traits() -> None:
    frame = bank()
    assert traits_of(frame, np.random.default_rng(3).choice(4_000, 500, replace=False)) == []


def test_what_a_group_has_is_told_before_what_it_lacks() -> None:
    frame = bank().with_columns(city=pl.Series(["a"] * 1_000 + ["b"] * 2_000 + ["c"] * 1_000))
    everybody = np.arange(frame.height)
    matrix = feature_matrix(frame, ("city",), everybody)
    (trait,) = compare(matrix, everybody, {"g": np.arange(2_900, 4_000)})["g"]
    assert (trait.value, trait.strength > 0) == ("c", True)


def test_chosen_tags_are_told_first() -> None:
    frame = bank()
    everybody = np.arange(frame.height)
    matrix = feature_matrix(frame, TAGS, everybody)
    (usual,) = compare(matrix, everybody, {"g": np.arange(3_000, 4_000)}).values()
    (chosen,) = compare(matrix, everybody, {"g": np.arange(3_000, 4_000)}, first=(usual[-1].tag,)).values()
    assert len(usual) > 1
    assert chosen[0].tag == usual[-1].tag


def test_being_unknown_is_a_trait() -> None:
    frame = bank().with_columns(pl.when(pl.int_range(pl.len()) < 3_900).then("age").alias("age"))
    (trait,) = [trait for trait in traits_of(frame, np.arange(3_900, 4_000)) if trait.tag == "age"]
    assert (trait.kind, trait.here, trait.strength > 0) == (TraitKind.UNKNOWN, 1.0, True)


def test_two_tags_that_say_the_same_are_said_once() -> None:
    frame = bank().with_columns(double=pl.col("aum") * 2)
    everybody = np.arange(frame.height)
    matrix = feature_matrix(frame, ("aum", "double"), everybody)
    found = compare(matrix, everybody, {"rich": np.arange(3_000, 4_000)})["rich"]
    assert [trait.tag for trait in found] == ["aum"]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(5, 60))
def test_strength_is_the_difference_of_means_in_deviations_of_everybody(seed: int, size: int) -> None:
    random = np.random.default_rng(seed)
    values = np.round(random.normal(0, 5, 300), 3)
    rows = np.sort(random.choice(300, size, replace=False))
    everybody = np.arange(300)
    matrix = feature_matrix(pl.DataFrame({"x": values}), ("x",), everybody)
    ordered = sorted(values.tolist())
    low, high = ordered[math.ceil(0.01 * 300) - 1], ordered[math.ceil(0.99 * 300) - 1]
    cut = [min(max(v, low), high) for v in values.tolist()]
    mean = sum(cut) / 300
    deviation = math.sqrt(sum((v - mean) ** 2 for v in cut) / 300)
    expected = (sum(cut[r] for r in rows) / size - mean) / deviation
    said = compare(matrix, everybody, {"g": rows})["g"]
    if abs(expected) > 0.21 and abs(expected) > 3.05 / math.sqrt(size):
        assert said[0].strength == pytest.approx(expected, abs=1e-5)
    elif abs(expected) < 0.19 or abs(expected) < 2.95 / math.sqrt(size):
        assert said == []


def test_names_and_dates_are_passed_over() -> None:
    frame = pl.DataFrame({"name": [f"n{i}" for i in range(500)], "born": [None] * 500}).with_columns(
        pl.col("born").cast(pl.Date)
    )
    everybody = np.arange(500)
    assert feature_matrix(frame, ("name", "born"), everybody).features == ()
    assert compare(feature_matrix(frame, ("name",), everybody), everybody, {"g": everybody[:9]}) == {"g": []}
