"""What a week leaves in people: mood, fatigue, complaints, consents, activity, and the wish to drift away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cultiva.simbank.arrays import Flags, Floats, Ints
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.behaviour.readiness import DAYS_PER_WEEK
from cultiva.simbank.behaviour.touching import Touched, is_customer
from cultiva.simbank.living import State
from cultiva.simbank.population import NEVER
from cultiva.simbank.world import World

ACTIVITY_MAX, PUSH_MAX = 3.0, 1.0
_COMPLAINT_MOOD, _DAILY_MOOD = 0.35, 0.05
_COMPLAINT_CLOSES = 0.5
_DRAIN_STOPS = 0.04
_UNHAPPY = 1.5
"""How much a mood of -1 raises complaints, draining and leaving (log)."""


def too_much(world: World, nature: Nature, state: State, touched: Touched) -> Floats:
    """Felt touches beyond the tolerance, times how thin the skin is; shape (n,)."""
    felt = state.fatigue + touched.tired
    return np.maximum(felt - world.fatigue.tolerance, 0.0) * nature.thin_skin


def next_minds(world: World, nature: Nature, state: State, touched: Touched, draws: Draws) -> State:
    """The state with what is in people's minds as the week leaves it; money and products are as before."""
    over = too_much(world, nature, state, touched)
    here = is_customer(state)
    complains, complaint = _complaints(world, state, over, here, draws)
    mood = state.mood * world.life.mood_stays + _DAILY_MOOD * draws.normal("mood") - _COMPLAINT_MOOD * complains
    push = np.clip(state.push * world.response.push_stays + touched.push, -PUSH_MAX, PUSH_MAX)
    activity = nature.rest + (state.activity - nature.rest) * world.response.push_stays + touched.stir
    return replace(
        state,
        day=state.day + DAYS_PER_WEEK,
        mood=np.clip(mood - world.fatigue.mood * over, -1.0, 1.0),
        fatigue=world.fatigue.stays * (state.fatigue + touched.tired),
        consent=state.consent & ~touched.opted_out,
        complaint=complaint,
        drift=_drift(world, state, here, draws),
        push=push,
        activity=np.clip(activity, 0.0, ACTIVITY_MAX),
    )


def unhappiness(state: State) -> Floats:
    """Multiplies the chances of complaining, draining and leaving; 1 in a neutral mood."""
    return np.exp(-_UNHAPPY * state.mood)


def _complaints(world: World, state: State, over: Floats, here: Flags, draws: Draws) -> tuple[Flags, Ints]:
    opens = draws.uniform("complaint") < world.life.complaints * unhappiness(state) + world.fatigue.complaint * over
    closed = draws.uniform("complaint closed") < _COMPLAINT_CLOSES
    is_open = state.complaint != NEVER
    complains = opens & ~is_open & here
    day = state.day + 1 + (draws.uniform("complaint day") * DAYS_PER_WEEK).astype(np.int64)
    kept = np.where(is_open & ~closed, state.complaint, NEVER)
    return complains, np.where(complains, day, kept)


def _drift(world: World, state: State, here: Flags, draws: Draws) -> Floats:
    """Some begin to drain their balances in silence, some stop."""
    begins = (draws.uniform("drain") < world.life.silent * unhappiness(state)) & here & (state.drift == 0)
    stops = (draws.uniform("drain stops") < _DRAIN_STOPS) & (state.drift < 0)
    return np.where(begins, -world.life.drain, np.where(stops, 0.0, state.drift))
