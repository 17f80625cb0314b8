"""Properties of the division of money, for any money, needs and weights."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.insight.assets.bank import changed, portfolios

from cultiva.definitions.frontier import model_weights
from cultiva.definitions.portfolios import BUCKETS, BucketName, open_buckets
from cultiva.insight.assets.division import divide, terms_of

CENTS = st.integers(min_value=0, max_value=10**15)
TERMS = terms_of(portfolios(), model_weights(portfolios()))
KEYS = sorted(portfolios().model_keys())


@settings(max_examples=300)
@given(st.fixed_dictionaries(dict.fromkeys(BUCKETS, CENTS)), st.tuples(CENTS, CENTS), st.sampled_from(KEYS))
def test_any_money_is_divided_without_rest_and_never_above_the_rating(
    held: dict[BucketName, int], needs: tuple[int, int], key: str
) -> None:
    found = divide(held, needs, key, TERMS)
    assert sum(found.targets.values()) == sum(held.values()) == found.assets
    assert min(found.targets.values()) >= 0
    assert found.targets["protection"] >= held["protection"]
    assert found.targets["liquid"] >= min(found.assets - held["protection"], needs[0])
    model = portfolios().model_keys()[key][0]
    for name in set(BUCKETS) - open_buckets(portfolios(), model):
        assert found.targets[name] <= held[name]


def test_the_reserve_comes_first_then_protection_then_the_model() -> None:
    held: dict[BucketName, int] = {"liquid": 100_000, "protection": 0, "steady": 0, "aggressive": 0}
    weights = model_weights(portfolios())["c4_young"]
    found = divide(held, (30_000, 5_000), "c4_young", TERMS)
    assert found.reserve == 30_000
    assert found.targets["protection"] == 5_000
    assert found.targets["steady"] == 65_000 * weights.units["steady"] // 1000
    assert found.targets["aggressive"] == 65_000 * weights.units["aggressive"] // 1000


def test_protection_by_need_stops_at_its_most_share() -> None:
    held: dict[BucketName, int] = {"liquid": 100_000, "protection": 0, "steady": 0, "aggressive": 0}
    found = divide(held, (50_000, 99_000), "c5_young", TERMS)
    assert found.targets["protection"] == 10_000


def test_insurance_is_never_surrendered_and_what_is_held_counts_for_the_need() -> None:
    held: dict[BucketName, int] = {"liquid": 100_000, "protection": 8_000, "steady": 0, "aggressive": 0}
    assert divide(held, (0, 10_000), "c5_young", TERMS).targets["protection"] == 10_000
    assert divide(held, (0, 5_000), "c5_young", TERMS).targets["protection"] == 8_000
    assert divide(held, (10**9, 5_000), "c5_young", TERMS).targets["protection"] == 8_000


def test_protection_by_weight_is_divided_like_the_others() -> None:
    used = changed(protection_need=None, models=[{"rating": "C5", "volatility_max": 0.2, "limits": LIMITS}])
    terms = terms_of(used, model_weights(used))
    held: dict[BucketName, int] = {"liquid": 0, "protection": 80_000, "steady": 0, "aggressive": 20_000}
    found = divide(held, (0, 99_999), "c5_young", terms)
    assert found.targets["protection"] == 25_000
    assert sum(found.targets.values()) == 100_000


LIMITS = {"protection": {"min": 0.25, "max": 0.25}}
