"""Splits: equal in SQL and Python, as large as said, independent of each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sqlalchemy import BigInteger, cast, literal, select

from cultiva.execution.plays.draws import PRIME, Salt, bounds, number, salt_of
from cultiva.store import Store


@given(st.integers(1, PRIME - 1), st.integers(0, PRIME - 1), st.integers(0, PRIME - 1))
def test_nothing_on_the_way_reaches_62_bits(factor: int, summand: int, x: int) -> None:
    assert factor * x + summand < 2**62
    assert 0 <= Salt(factor, summand).hash(x) < PRIME


def test_sql_computes_the_same(store: Store) -> None:
    with store.database.reading() as connection:
        for x in (0, 1, 12345, PRIME - 1):
            for salt in (salt_of("a", "b"), Salt(PRIME - 1, PRIME - 1)):
                asked = (cast(literal(x), BigInteger) * literal(salt.factor, BigInteger)
                         + literal(salt.summand, BigInteger)) % literal(PRIME, BigInteger)  # fmt: skip
                assert connection.execute(select(asked)).scalar() == salt.hash(x)


def test_shares_are_as_said_and_splits_independent() -> None:
    people = np.array([number("launch", one) for one in range(40_000)], dtype=object)
    splits = []
    for step in ("one", "two", "three"):
        hashed = np.array([salt_of("grow", step).hash(one) for one in people])
        splits.append(np.searchsorted(np.array(bounds([0.2, 0.3, 0.5])), hashed, side="right"))
        assert stats.chisquare(np.bincount(splits[-1]), np.array([0.2, 0.3, 0.5]) * len(people)).pvalue > 1e-4
    for a, b in ((0, 1), (0, 2), (1, 2)):
        table = np.histogram2d(splits[a], splits[b], bins=3)[0]
        assert stats.chi2_contingency(table).pvalue > 1e-4


@pytest.mark.parametrize("shares", [[1 / 3, 1 / 3, 1 / 3], [0.1] * 10])
def test_the_last_share_takes_what_rounding_leaves(shares: list[float]) -> None:
    assert bounds(shares)[-1] == PRIME
