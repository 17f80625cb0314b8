"""One week of a bank: pure, vectorised, and with chance that does not depend on what the bank does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cultiva.simbank.behaviour.choices import Taken, refusals, take_up
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.ledger import live
from cultiva.simbank.behaviour.minds import next_minds
from cultiva.simbank.behaviour.money import contribution, fees_of
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.behaviour.touching import carry_out
from cultiva.simbank.living import Contacts, Happened, State, Touches
from cultiva.simbank.world import World


def advance(world: World, nature: Nature, state: State, touches: Touches, draws: Draws) -> Happened:
    """Lives one week, the seven days after `state.day`.

    Equal arguments give equal results. Two calls that differ in touches only differ only for the customers touched,
    their spouses, and those whom they or their spouses refer.

    Args:
        world: How customers live and respond.
        nature: What they are like.
        state: Where the week begins; not changed.
        touches: What execution is asked to carry out in the week.
        draws: The week's chance, for as many customers as the nature has; `draws.week` counts from 0.
    """
    touched = carry_out(world, nature, state, touches, draws)
    arrived = state.coming * world.response.arrives
    warmth = state.warmth + arrived + world.response.at_once * touched.effect
    waiting = state.coming - arrived + (1 - world.response.at_once) * touched.effect
    taken: Taken = take_up(world, nature, state, touches, draws, touched=touched, warmth=warmth)
    minds = next_minds(world, nature, state, touched, draws)
    minds = replace(minds, warmth=warmth * world.response.stays, coming=waiting + taken.told)
    after, flows = live(world, nature, state, minds, draws, taken=taken, touched=touched, warmth=warmth)
    status = refusals(world, nature, touches, touched, taken, draws)
    return Happened(
        before=state,
        after=after,
        contacts=Contacts(touches, status, touched.second),
        conversions=taken.conversions,
        flows=flows,
        contribution=contribution(world, nature, state.balance, after.balance, flows.movements)
        + fees_of(taken.conversions, len(nature)),
    )


def no_touches() -> Touches:
    """A week in which the bank does nothing."""
    empty = np.zeros(0, dtype=np.int64)
    return Touches(empty, empty, empty, empty, empty)
