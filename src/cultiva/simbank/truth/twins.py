"""Twins of the bank: the same customers and the same chance, without any touch or without one strategy's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cultiva.simbank.arrays import Flags
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.behaviour.week import advance, no_touches
from cultiva.simbank.living import Happened, State, Touches
from cultiva.simbank.world import World

UNTOUCHED = "untouched"
"""Name of the twin that the bank never touches."""
_WITHOUT = "without:"


def without(strategy: str) -> str:
    """Name of the twin that lives without one strategy's touches."""
    return f"{_WITHOUT}{strategy}"


def live_twins(  # noqa: PLR0913  (a week, and the names of the strategies)
    world: World,
    nature: Nature,
    lived: State,
    twins: Mapping[str, State],
    touches: Touches,
    draws: Draws,
    *,
    strategies: Sequence[str],
) -> dict[str, Happened]:
    """Lives the week of all twins with the bank's own chance.

    A twin begins when it first differs from the bank: before, it is the bank itself. No touches at all, or none of a
    strategy, begin no twin.

    Args:
        world: The bank's world.
        nature: Its customers.
        lived: The bank's own state as the week begins.
        twins: The twins' states as the week begins, by name; empty at the founding.
        touches: The bank's touches of the week.
        draws: The chance with which the bank lived the week.
        strategies: Names of the strategies, in the order of `Touches.strategy`.

    Returns:
        What happened to each twin; `.after` is its next state.
    """
    happened = {}
    if UNTOUCHED in twins or len(touches):
        happened[UNTOUCHED] = advance(world, nature, twins.get(UNTOUCHED, lived), no_touches(), draws)
    for place, strategy in enumerate(strategies):
        name = without(strategy)
        own = touches.strategy == place
        if name in twins or own.any():
            happened[name] = advance(world, nature, twins.get(name, lived), kept_touches(touches, ~own), draws)
    return happened


def kept_touches(touches: Touches, kept: Flags) -> Touches:
    """Some of the touches, in their order."""
    rows = np.flatnonzero(kept)
    return Touches(
        touches.customer[rows], touches.strategy[rows], touches.offer[rows], touches.channel[rows], touches.day[rows]
    )
