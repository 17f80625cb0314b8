"""What customers are like depends on the world's shares, on what can be seen, and on what cannot."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tests.simbank.smallbank import PHONE, changed, small_bank

from cultiva.simbank.arrays import NONE
from cultiva.simbank.behaviour.kinds import draw_kinds, kind_terms, observable_features
from cultiva.simbank.world import load_world

PERSUADABLE = 1


@pytest.mark.parametrize("name", ["ordinary", "sleeping_dogs"])
def test_kinds_have_the_shares_of_the_world(name: str) -> None:
    bank = small_bank(name, customers=12_000)
    shares = np.array([terms.share for terms in kind_terms(bank.world)])
    for topic in range(len(bank.nature.topics)):
        found = np.bincount(bank.nature.kind[:, topic], minlength=4) / bank.n
        assert np.abs(found - shares).max() < 0.02


def test_part_of_the_kind_can_be_seen_and_part_cannot() -> None:
    bank = small_bank(customers=12_000)
    features = np.column_stack([observable_features(bank.people), np.eye(20)[bank.people.archetype]])
    kind = bank.nature.kind[:, bank.nature.topics.index("deposit")] == PERSUADABLE
    model = LogisticRegression(max_iter=300).fit(features[:6_000], kind[:6_000])
    seen = roc_auc_score(kind[6_000:], model.predict_proba(features[6_000:])[:, 1])
    assert 0.58 < seen < 0.9


def test_nothing_can_be_seen_in_a_world_that_hides_everything() -> None:
    bank = small_bank(changed(load_world("ordinary"), "kinds", visible=0.0), customers=12_000)
    kind = bank.nature.kind[:, 0] == PERSUADABLE
    rich = bank.people.wealth > np.median(bank.people.wealth)
    assert abs(kind[rich].mean() - kind[~rich].mean()) < 0.03


def test_kinds_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    bank = small_bank()
    topics = bank.nature.topics
    again = draw_kinds(bank.world, bank.people, topics, seed=bank.seed)
    other = draw_kinds(bank.world, bank.people, topics, seed=bank.seed + 1)
    assert (again == bank.nature.kind).all()
    assert (other != bank.nature.kind).mean() > 0.2


def test_advisers_call_the_rich_rather() -> None:
    bank = small_bank(customers=8_000)
    rich = bank.people.wealth > np.quantile(bank.people.wealth, 0.9)
    poor = bank.people.wealth < np.quantile(bank.people.wealth, 0.5)
    assert bank.nature.calls[rich].mean() > bank.nature.calls[poor].mean() + 0.2
    assert bank.nature.human.tolist() == [False, False, True]
    assert bank.nature.taste[:, PHONE].mean() > bank.nature.taste[:, 0].mean()


def test_the_effect_is_confined_to_the_group_of_the_world() -> None:
    bank = small_bank("one_group", customers=6_000)
    inside = np.isin(bank.people.archetype, [6, 7])  # family, middle_class
    assert (bank.nature.lift[~inside] == 0).all()
    assert (bank.nature.push[~inside] == 0).all()
    assert np.abs(bank.nature.lift[inside]).mean() > 0.3


def test_nobody_refers_themselves_and_products_fit_the_customer() -> None:
    bank = small_bank()
    friend = bank.nature.friend
    assert ((friend == NONE) | (friend != np.arange(bank.n))).all()
    everyone = np.arange(bank.n)
    product = bank.nature.product_of(everyone, np.zeros(bank.n, dtype=np.int64))
    assert len(set(product[bank.people.organisation]) | set(product[~bank.people.organisation])) == 2
