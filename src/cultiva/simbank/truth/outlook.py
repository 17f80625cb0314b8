"""What lies ahead for each customer without another touch: chances and worth of take-ups, week by week."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cultiva.simbank.archetypes import PRODUCTS
from cultiva.simbank.arrays import Floats
from cultiva.simbank.behaviour.amounts import CURRENT, SAVING, expected_sums
from cultiva.simbank.behaviour.ledger import CLOSING_LEAVES, MATURING_LEAVES, maturity_leaving_chance
from cultiva.simbank.behaviour.money import WEEK, movement_margin, upfront_fees, yearly_margins
from cultiva.simbank.behaviour.nature import IMPOSSIBLE, Nature
from cultiva.simbank.behaviour.purse import ASSETS, REPAID_WEEKLY, WITHDRAWABLE
from cultiva.simbank.behaviour.readiness import (
    DAYS_PER_WEEK,
    ONCE,
    TERM,
    effect_paths,
    matures,
    natural_odds,
    warmth_by_product,
)
from cultiva.simbank.living import State
from cultiva.simbank.truth.gains import take_up_gains
from cultiva.simbank.world import World


@dataclass(frozen=True)
class Outlook:
    """The weeks of the horizon (H of them) as they would be without another touch."""

    against: Floats
    """Shape (n, products, H): odds against a take-up."""
    worth: Floats
    """Shape (n, products, H): expected contribution until the horizon's end of a take-up in each week."""
    keeping: Floats
    """Shape (H, n): expected contribution that is lost until the end if the maturing term deposit leaves, times the
    chance that it does; 0 in weeks in which none matures."""
    path: Floats
    """Shape (H,): warmth that a unit of effect given now leaves in each week."""
    told_worth: Floats
    """Shape (n, products): what hearing a friend's tale now is worth."""
    push_worth: Floats
    """Shape (n,): contribution that a push of 1, begun now, brings."""
    stir_worth: Floats
    """Shape (n,): contribution that 1 added to the activity now brings: fees less servicing cost."""
    asset_worth: Floats
    """Shape (n,): contribution of all deposits and investments until the horizon's end."""
    whole_worth: Floats
    """Shape (n,): contribution of everything until the horizon's end."""


def look_ahead(world: World, nature: Nature, state: State) -> Outlook:
    """Looks over the world's horizon, the week that begins now included.

    Balances are taken as they are now; mood and what is left of earlier touches fade as they do in `advance`.
    """
    weeks = world.horizon_weeks
    left = weeks - 0.5 - np.arange(weeks)  # average of before and after: the first week counts half
    margins = yearly_margins(world) * WEEK
    path, told_path = effect_paths(world.response, weeks)
    odds, keeping = _odds_ahead(world, nature, state)
    holds = state.balance @ margins
    moves = world.money.movements_weekly * nature.usual_activity * state.activity * movement_margin(world, nature)
    pushed = np.cumsum(world.response.push_stays ** np.arange(weeks)) @ np.append(np.ones(weeks - 1), 0.5)
    stirred = (world.response.push_stays ** np.arange(weeks)).sum()
    per_stir = world.money.movements_weekly * nature.usual_activity * movement_margin(world, nature)
    assets = state.balance @ (margins * ASSETS) * left[0]
    push_worth = nature.income * margins[CURRENT] * pushed
    against = np.ascontiguousarray(np.exp(-odds).transpose(1, 2, 0))
    worth = np.ascontiguousarray(_worths(world, nature, state, per_stir).transpose(1, 2, 0))
    return Outlook(
        against=against,
        worth=worth,
        keeping=keeping * (state.balance[:, TERM] * _matured_loss(margins))[None, :] * left[:, None],
        path=path,
        told_worth=_told_worth(world, against, worth, told_path),
        push_worth=push_worth,
        stir_worth=per_stir * stirred,
        asset_worth=assets,
        whole_worth=(holds + moves) * left[0],
    )


def _odds_ahead(world: World, nature: Nature, state: State) -> tuple[Floats, Floats]:
    """Log odds per week, and the chance that a term deposit matures and leaves in it."""
    weeks = world.horizon_weeks
    odds = np.empty((weeks, len(nature), len(PRODUCTS)))
    leaves = np.zeros((weeks, len(nature)))
    warmth, coming = state.warmth, state.coming
    for week in range(weeks):
        arrived = coming * world.response.arrives
        warmth, coming = warmth + arrived, coming - arrived
        day = state.day + DAYS_PER_WEEK * week
        later = replace(state, mood=state.mood * world.life.mood_stays**week)
        warm = warmth_by_product(nature, warmth)
        odds[week] = natural_odds(world, nature, later, day) + warm
        leaves[week] = matures(state, day) * maturity_leaving_chance(world, warm[:, TERM])
        warmth = warmth * world.response.stays
    return np.maximum(odds, IMPOSSIBLE), leaves


def _matured_loss(margins: Floats) -> float:
    """Weekly loss per yuan of a term deposit that leaves: most of it goes, the rest is on the current account."""
    return float(margins[TERM] - (1 - MATURING_LEAVES) * margins[CURRENT])


def _told_worth(world: World, against: Floats, worth: Floats, path: Floats) -> Floats:
    n, products, _ = against.shape
    who, product = np.repeat(np.arange(n), products), np.tile(np.arange(products), n)
    if world.referral.chance == 0:
        return np.zeros((n, products))
    lift = np.full(who.size, world.referral.lift)
    money, _, _ = take_up_gains(against, worth, path, who, product, ONCE, lift)
    told: Floats = money.reshape(n, products)
    return told


def _worths(world: World, nature: Nature, state: State, per_stir: Floats) -> Floats:
    """Expected contribution of a take-up in each week until the horizon's end, shape (H, n, products)."""
    weeks = world.horizon_weeks
    margins = yearly_margins(world) * WEEK
    sums = expected_sums(world, nature, state.balance)
    liquid = state.balance[:, CURRENT] + state.balance[:, SAVING]
    saved = np.where(liquid > 0, state.balance[:, SAVING] / np.maximum(liquid, 1e-9), 0.0)
    forgone = margins[CURRENT] + saved * (margins[SAVING] - margins[CURRENT])
    gained = sums.fresh * margins + sums.own * (margins - forgone[:, None])
    lent = sums.lent * (margins + margins[CURRENT])  # what is repaid no longer lies on the current account
    terms = [world.category(product.category) for product in PRODUCTS]
    push = np.array([one.push for one in terms]) * nature.income[:, None] * margins[CURRENT]
    stir = np.array([one.activity for one in terms]) * per_stir[:, None]
    closes = world.life.close * np.where(np.arange(len(PRODUCTS)) == CURRENT, 0.0, CLOSING_LEAVES)
    closes += world.life.withdrawn * WITHDRAWABLE
    at_once = upfront_fees(world, sums.total)
    worth = np.empty((weeks, len(nature), len(PRODUCTS)))
    for week in range(weeks):
        ahead = np.append(0.5, np.ones(weeks - week - 1))
        age = np.arange(ahead.size)
        kept = ((1 - closes)[None, :] ** age[:, None] * ahead[:, None]).sum(axis=0)
        owed = ((1 - REPAID_WEEKLY)[None, :] ** age[:, None] * ahead[:, None]).sum(axis=0)
        pushes = np.cumsum(world.response.push_stays**age) @ ahead
        stirs = (world.response.push_stays**age).sum()
        lending = lent * owed - sums.lent * margins[CURRENT] * ahead.sum()
        stays = np.exp(np.minimum(state.drift, 0.0) * ahead.sum() / 2)[:, None]  # of those who drain their balances
        worth[week] = (gained * kept + push * pushes) * stays + lending + stir * stirs + at_once
    return worth
