"""Who is a sure thing, a persuadable, a lost cause or a sleeping dog for which category of offers."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from cultiva.simbank.archetypes import ARCHETYPES
from cultiva.simbank.arrays import Floats, Ints
from cultiva.simbank.population import DAYS_PER_YEAR, HISTORY_DAYS, Population
from cultiva.simbank.terms import KindTerms
from cultiva.simbank.world import World

KINDS_OF_RESPONSE = ("sure_thing", "persuadable", "lost_cause", "sleeping_dog")
"""Codes of `Nature.kind`."""
_ARCHETYPE_PART, _FEATURE_PART = 0.7, 0.357
"""Spread of an archetype's and of one feature's part in the log odds; the squares add up to 1 (four features)."""
_ROUNDS = 12


def kind_terms(world: World) -> tuple[KindTerms, ...]:
    """The terms of the four kinds in the order of their codes."""
    kinds = world.kinds
    return (kinds.sure_thing, kinds.persuadable, kinds.lost_cause, kinds.sleeping_dog)


def draw_kinds(world: World, people: Population, topics: tuple[str, ...], *, seed: int) -> Ints:
    """Draws everybody's kind per category: a multinomial logit on what can be seen, and chance.

    The coefficients depend on the category's name only: what makes somebody persuadable is alike in all banks.

    Args:
        world: Shares and how much is visible.
        people: The customers.
        topics: Categories of offers.
        seed: Of the bank.

    Returns:
        Codes of KINDS_OF_RESPONSE, shape (n, topics).
    """
    features = observable_features(people)
    shares = np.array([terms.share for terms in kind_terms(world)])
    drawn = np.empty((len(people), len(topics)), dtype=np.int64)
    for place, topic in enumerate(topics):
        scores = _visible_scores(topic, people.archetype, features) * world.kinds.visible
        scores = scores / world.kinds.hidden
        scores += _intercepts(scores, shares)
        rng = np.random.default_rng([seed, 11, crc32(topic.encode())])
        drawn[:, place] = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)
    return drawn


def observable_features(people: Population) -> Floats:
    """Wealth, age, tenure and app use, each with mean 0 and spread 1 about; shape (n, 4)."""
    age = (HISTORY_DAYS - 1 - people.born) / DAYS_PER_YEAR
    tenure = np.clip(HISTORY_DAYS - 1 - people.opened, 0, None) / DAYS_PER_YEAR
    columns = (np.log(people.wealth + 1.0), age, np.sqrt(tenure), people.uses_app.astype(np.float64))
    standardised = [(column - column.mean()) / max(float(column.std()), 1e-9) for column in columns]
    return np.clip(np.stack(standardised, axis=1), -3.0, 3.0)


def _visible_scores(topic: str, archetype: Ints, features: Floats) -> Floats:
    rng = np.random.default_rng([97, crc32(topic.encode())])
    kinds = len(KINDS_OF_RESPONSE)
    by_archetype = rng.standard_normal((len(ARCHETYPES), kinds)) * _ARCHETYPE_PART
    by_feature = rng.standard_normal((features.shape[1], kinds)) * _FEATURE_PART
    scores: Floats = by_archetype[archetype] + features @ by_feature
    return scores


def _intercepts(scores: Floats, shares: Floats) -> Floats:
    """What to add so that the kinds have their shares in the whole bank (iterative proportional fitting)."""
    wanted = np.log(np.maximum(shares, 1e-12))
    added = wanted.copy()
    for _ in range(_ROUNDS):
        exponent = np.exp(scores + added)
        present = (exponent / exponent.sum(axis=1, keepdims=True)).mean(axis=0)
        added += wanted - np.log(np.maximum(present, 1e-15))
    return np.where(shares > 0, added, -1e9)
