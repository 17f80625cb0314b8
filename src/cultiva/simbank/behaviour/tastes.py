"""Channels and advisers: what works with whom, who can be reached, whom advisers call and how well."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from cultiva.simbank.arrays import NONE, Floats
from cultiva.simbank.behaviour.kinds import observable_features
from cultiva.simbank.living import ChannelTerms
from cultiva.simbank.population import Population
from cultiva.simbank.world import World

NO_APP_REACH = 0.0
"""Chance to reach over the app those who do not use it."""
_APP_CHANNELS = ("app", "web")
_WEALTH, _AGE = 0, 1


def channel_taste(
    world: World, people: Population, channels: Sequence[ChannelTerms], *, skill: Floats, seed: int
) -> Floats:
    """Share of a touch's perfect effect per channel: its strength, own taste, age and wealth, and adviser's skill.

    Returns:
        Shape (n, channels), never negative.
    """
    features = observable_features(people)
    taste = np.empty((len(people), len(channels)))
    for place, channel in enumerate(channels):
        rng = np.random.default_rng([seed, 21, crc32(channel.name.encode())])
        own = 0.35 * rng.standard_normal(len(people))
        leaning = 0.2 * (features[:, _AGE] + features[:, _WEALTH]) if channel.human else -0.2 * features[:, _AGE]
        strength = world.channel(channel.name, human=channel.human).strength
        taste[:, place] = strength * np.exp(own + leaning - 0.08) * (skill if channel.human else 1.0)
    return taste


def channel_reach(world: World, people: Population, channels: Sequence[ChannelTerms]) -> Floats:
    """Chance that a touch that is carried out reaches, shape (n, channels)."""
    reach = np.empty((len(people), len(channels)))
    for place, channel in enumerate(channels):
        usual = world.channel(channel.name, human=channel.human).reach
        needs_app = channel.name in _APP_CHANNELS
        reach[:, place] = np.where(needs_app & ~people.uses_app, NO_APP_REACH, usual)
    return reach


def adviser_skill(world: World, people: Population, *, seed: int) -> Floats:
    """What the adviser's talks do, mean 1, shape (n,); customers without an adviser meet the average."""
    spread = world.advisers.skill_spread
    return np.exp(spread * _of_adviser(people, seed, 22) - spread**2 / 2)


def adviser_calls(world: World, people: Population, *, seed: int) -> Floats:
    """Chance that a task is done, shape (n,): diligence of the adviser, and a preference for wealth.

    Because of the preference a comparison of those who were called with the others is biased.
    """
    terms = world.advisers
    wealth = observable_features(people)[:, _WEALTH]
    odds = terms.calls + terms.wealth_pull * wealth + terms.diligence_spread * _of_adviser(people, seed, 23)
    return 1.0 / (1.0 + np.exp(-odds))


def _of_adviser(people: Population, seed: int, stream: int) -> Floats:
    """One standard normal number per adviser, for each of their customers; 0 where there is none."""
    advisers = int(people.adviser.max(initial=0)) + 1
    drawn = np.random.default_rng([seed, stream]).standard_normal(advisers)
    return np.where(people.adviser == NONE, 0.0, drawn[np.maximum(people.adviser, 0)])
