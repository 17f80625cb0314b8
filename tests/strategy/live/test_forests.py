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
        night, live = foreseen(text, rows), ready(text)(rows)
        assert np.ptp(night) > 0.0, "a model that says the same of everybody shows nothing"
        np.testing.assert_allclose(live, night, rtol=1e-12, atol=1e-12)


def test_a_single_row_is_no_special_case() -> None:
    space = workspace(strategy("a", offers=("fund",)), strategy("b", channels=("sms",)))
    for model in stored(space, TYPES):
        encoding = Encoding.from_data(model.data["encoding"])
        for row in matrix(encoding, 20, np.random.default_rng(9)):
            for text in model.boosters:
                assert ready(text)(row[None, :])[0] == pytest.approx(foreseen(text, row[None, :])[0], rel=1e-12)
