"""What becomes of a week's touches: whom they reach, what they do to readiness, and what they wear out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.simbank.arrays import NONE, SECONDS_PER_DAY, Flags, Floats, Ints
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.living import CONTACT_STATUS, State, Touches
from cultiva.simbank.population import NEVER
from cultiva.simbank.world import World

DELIVERED, FAILED, NOT_DONE, REFUSED = (
    CONTACT_STATUS.index(name) for name in ("delivered", "failed", "not_done", "refused")
)
_TAKEN_MAX = 0.95
_GENEROSITY = 0.5
"""Elasticity of a benefit's effect to its cost at price sense 1."""


@dataclass(frozen=True)
class Touched:
    """What a week's touches did before customers decide anything."""

    status: Ints
    """Shape (touches,): code of CONTACT_STATUS; REFUSED is decided later, by those who did not take it up."""
    second: Ints
    """Shape (touches,): second of the day."""
    effect: Floats
    """Shape (n, offers): log odds added in all, spouses included."""
    push: Floats
    """Shape (n,): share of a month's income per week that benefits taken up bring."""
    stir: Floats
    """Shape (n,): what they add to the activity."""
    taken: Flags
    """Shape (touches,): benefits, content and services taken up."""
    tired: Floats
    """Shape (n,): fatigue added."""
    annoyance: Floats
    """Shape (n,): chance to leave, added."""
    outflow: Floats
    """Shape (n,): share of the assets that is driven away."""
    opted_out: Flags
    """Shape (n, channels): consents withdrawn."""


def is_customer(state: State) -> Flags:
    """Who has joined and not left."""
    here: Flags = (state.opened[:, 0] <= state.day) & (state.left == NEVER)
    return here


def trend(world: World, week: int) -> float:
    """What multiplies all effects in a week of a world that drifts; 1 in the first."""
    return max(1.0 + world.response.trend * week, world.response.trend_least)


def sums(at: Ints, values: Floats, size: int) -> Floats:
    """Sums of values by position, shape (size,)."""
    return np.bincount(at, values, size).astype(np.float64)


def carry_out(world: World, nature: Nature, state: State, touches: Touches, draws: Draws) -> Touched:
    """Carries a week's touches out.

    Args:
        world: How strongly touches work.
        nature: Whom.
        state: As the week begins.
        touches: The bank's proposals.
        draws: The week's chance.
    """
    status = _statuses(nature, state, touches, draws)
    rows = np.flatnonzero(status == DELIVERED)
    who, offer, channel = touches.customer[rows], touches.offer[rows], touches.channel[rows]
    strength = touch_strength(world, nature, state.fatigue[who], who, offer, channel) * trend(world, draws.week)
    effect = _readiness(world, nature, is_customer(state), who, offer, strength)
    taken_rows = draws.uniform("benefit", len(nature.cost))[who, offer] < taking_chance(nature, who, offer, strength)
    taken = np.zeros(len(touches), dtype=np.bool_)
    taken[rows[taken_rows]] = True
    push, stir = _behaviour(world, nature, is_customer(state), who[taken_rows], offer[taken_rows], strength[taken_rows])
    topic = nature.topic_of[offer]
    n = len(nature)
    return Touched(
        status=status,
        second=(8.5 * 3600 + draws.uniform("contact second", nature.human.size)[touches.customer, touches.channel]
                * 0.49 * SECONDS_PER_DAY).astype(np.int64),
        effect=effect,
        push=push,
        stir=stir,
        taken=taken,
        tired=sums(who, tiring_of(world, nature)[channel], n),
        annoyance=sums(who, nature.annoyance[who, topic], n),
        outflow=np.minimum(sums(who, nature.outflow[who, topic], n), 0.5),
        opted_out=_opted_out(world, nature, state, who, channel, draws),
    )  # fmt: skip


def touch_strength(world: World, nature: Nature, fatigue: Floats, who: Ints, offer: Ints, channel: Ints) -> Floats:
    """What multiplies a perfect touch's effect: channel taste, offer quality, price, fatigue; never negative."""
    dulled = np.exp(-world.fatigue.dulls * nature.thin_skin[who] * fatigue)
    sense = nature.price_sense[who]
    rate = np.maximum(1 + world.response.rate * sense * nature.extra_rate[offer] * 100, 0.0)
    generous = (np.maximum(nature.cost[offer], 0.01) / world.response.cost_reference) ** (_GENEROSITY * sense)
    given = (nature.sells[offer, 0] == NONE) & (nature.cost[offer] > 0)
    price = np.where(given, np.clip(generous, 0.2, 3.0), 1.0) * rate
    strength: Floats = nature.taste[who, channel] * nature.quality[offer] * dulled * price
    return strength


def taking_chance(nature: Nature, who: Ints, offer: Ints, strength: Floats) -> Floats:
    """Chance that a benefit, content or service that reached is taken up; 0 for products."""
    fancy = nature.fancy[who, nature.topic_of[offer]]
    return np.clip(fancy * np.maximum(strength, 0.0), 0.0, _TAKEN_MAX)


def _statuses(nature: Nature, state: State, touches: Touches, draws: Draws) -> Ints:
    who, channel = touches.customer, touches.channel
    channels = nature.human.size
    status = np.full(len(touches), DELIVERED, dtype=np.int64)
    here = is_customer(state)[who] | ((state.left[who] == NEVER) & nature.uses_app[who])
    reached = draws.uniform("reach", channels)[who, channel] < nature.reach[who, channel]
    status[~(reached & here & state.consent[who, channel])] = FAILED
    done = ~nature.human[channel] | (draws.uniform("adviser")[who] < nature.calls[who])
    status[~done] = NOT_DONE
    return status


def _readiness(world: World, nature: Nature, here: Flags, who: Ints, offer: Ints, strength: Floats) -> Floats:
    """Log odds per (customer, offer): of those touched, and in part of their spouses, by their own kinds."""
    shape = (len(nature), len(nature.cost))
    topic = nature.topic_of[offer]
    own = sums(who * shape[1] + offer, nature.lift[who, topic] * strength, shape[0] * shape[1])
    spouse = nature.partner[who]
    hears = (spouse != NONE) & here[spouse]
    spouse, offer, topic = spouse[hears], offer[hears], topic[hears]
    theirs = world.response.household * nature.lift[spouse, topic] * strength[hears]
    return (own + sums(spouse * shape[1] + offer, theirs, shape[0] * shape[1])).reshape(shape)


def _behaviour(
    world: World, nature: Nature, here: Flags, who: Ints, offer: Ints, strength: Floats
) -> tuple[Floats, Floats]:
    """What benefits taken up do to inflow and activity of those who took them, and in part of their spouses."""
    n, topic = len(nature), nature.topic_of[offer]
    spouse = nature.partner[who]
    hears = (spouse != NONE) & here[spouse]
    found = []
    for trait in (nature.push, nature.stir):
        own = sums(who, trait[who, topic] * strength, n)
        part = world.response.household * trait[spouse[hears], topic[hears]] * strength[hears]
        found.append(own + sums(spouse[hears], part, n))
    return found[0], found[1]


def tiring_of(world: World, nature: Nature) -> Floats:
    """What one touch over each channel adds to fatigue, shape (channels,)."""
    facts = zip(nature.channel_names, nature.human, strict=True)
    return np.array([world.channel(name, human=bool(human)).tiring for name, human in facts])


def _opted_out(world: World, nature: Nature, state: State, who: Ints, channel: Ints, draws: Draws) -> Flags:
    opted = np.zeros((len(nature), nature.human.size), dtype=np.bool_)
    terms = world.fatigue
    chance = terms.opt_out * np.exp(terms.opt_out_growth * nature.thin_skin[who] * state.fatigue[who])
    leaves = draws.uniform("opt out", nature.human.size)[who, channel] < np.minimum(chance, 0.5)
    opted[who[leaves], channel[leaves]] = True
    return opted
