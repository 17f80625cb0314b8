"""Forests: trees and curves read into arrays say what LightGBM and the night's curves say."""

from __future__ import annotations

import numpy as np
import pytest
from tests.strategy.conftest import offer, strategy, workspace
from tests.strategy.live.trained import matrix, stored

from cultiva.contracts.types import DataType
from cultiva.strategy.live.forests import ready
from cultiva.strategy.models.features import Encoding
from cultiva.strategy.models.foresight import TWICE, foreseen
from cultiva.strategy.models.linear import MARK

TYPES = {"aum": DataType.MONEY, "age": DataType.INTEGER, "stage": DataType.TEXT, "digital": DataType.BOOLEAN}


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_every_kind_give_what_the_models_give_at_night(seed: int) -> None:
    space = workspace(
        strategy("a", offers=("fund", "bond")), strategy("b", offers=("bond",)), offers=(offer("bond", category="x"),)
    )
    effect, response = stored(space, TYPES, seed=seed)
    encoding = Encoding.from_data(effect.data["encoding"])
    rows = matrix(encoding, 400, np.random.default_rng(seed))
    kinds = [text.startswith(MARK) for text in effect.boosters]
    assert any(kinds) and any(text.startswith(TWICE) for text in effect.boosters)
    for text in (*effect.boosters, *response.boosters):
        night, live = foreseen(text, rows), ready(text)(rows, np.ones(rows.shape[1], dtype=np.bool_))
        assert np.ptp(night) > 0.0, "a model that says the same of everybody shows nothing"
        np.testing.assert_allclose(live, night, rtol=1e-12, atol=1e-12)


def test_rows_of_one_customer_which_differ_in_few_columns_are_no_special_case() -> None:
    space = workspace(strategy("a", offers=("fund",)), strategy("b", channels=("sms",)))
    rng = np.random.default_rng(9)
    for model in stored(space, TYPES):
        encoding = Encoding.from_data(model.data["encoding"])
        varies = np.arange(len(encoding.names)) >= len(encoding.names) - 2
        for row in matrix(encoding, 10, rng):
            rows = np.where(varies, matrix(encoding, 7, rng), row)
            for text in model.boosters:
                np.testing.assert_allclose(ready(text)(rows, varies), foreseen(text, rows), rtol=1e-12, atol=1e-12)
