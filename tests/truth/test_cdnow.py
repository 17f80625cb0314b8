"""CDNOW: the published parameters of BG/NBD and Gamma-Gamma, and the forecast of the 39 weeks after."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from examples.cdnow.forecast import PUBLISHED, fit, forecast, read

from cultiva.engine.port import Engine

pytestmark = pytest.mark.data
DATA = Path(os.environ.get("CULTIVA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "cdnow"


@pytest.fixture(autouse=True)
def _data() -> None:
    if not DATA.exists():
        pytest.skip(f"the public data sets are not at {DATA}")


def test_parameters_are_the_published_ones(engine: Engine) -> None:
    """Fader, Hardie and Lee (2005), table 2: LL = -9582.4; Fader and Hardie (2013): LL = -4055.9 (CLVTools agrees)."""
    found = fit(engine, read(DATA))
    assert (len(found.customers), found.histories.repeaters) == (2_357, 946)
    assert found.purchases.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert found.spending.log_likelihood == pytest.approx(-4055.9, abs=0.1)
    for name, value in found.parameters.items():
        assert value == pytest.approx(PUBLISHED[name], rel=0.01), name


def test_the_forecast_of_39_weeks_is_near_what_came(duckdb_engine: Engine) -> None:
    """In sum it is 12 % low; single customers are ranked well."""
    purchases = read(DATA)
    ahead = forecast(fit(duckdb_engine, purchases), purchases)
    assert ahead["actual"].sum() == 1_882
    assert ahead["expected"].sum() == pytest.approx(1_882, rel=0.15)
    assert np.corrcoef(ahead["expected"], ahead["actual"])[0, 1] > 0.6


def test_all_customers_are_like_the_sample(duckdb_engine: Engine) -> None:
    purchases = read(DATA, sample=False)
    found = fit(duckdb_engine, purchases)
    assert len(found.customers) == 23_570
    ahead = forecast(found, purchases)
    assert ahead["expected"].sum() == pytest.approx(ahead["actual"].sum(), rel=0.15)
