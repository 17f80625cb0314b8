"""Experiments in the simulated bank's worlds, for measuring how often intervals are right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from benchmarks.experiments import DAYS, Daily, Draw, World, arms
from cultiva.review.statistics.differences import Roles, difference
from cultiva.review.statistics.estimate import Estimate
from cultiva.review.statistics.shares import few_events, newcombe
from cultiva.simbank.behaviour.experiment import experiment, superpopulation_truth
from cultiva.simbank.world import World as BankWorld
from cultiva.simbank.world import load_world, world_names

CUSTOMERS = 3000
HOLDOUT = 0.4
WEEKS = 8
WEEKS_OF_DAILY = DAYS // 7


def bank_worlds() -> Mapping[str, World]:
    """Contribution in every packaged world, and conversion; the truth is that of the simulator's population."""
    found: dict[str, World] = {}
    for name in world_names():
        bank = load_world(name)
        money, taken = superpopulation_truth(bank, WEEKS)
        found[f"bank {name}: money"] = World("contribution, covariate", money, partial(_money, bank))
        found[f"bank {name}: conversion"] = World("share who took the offer", taken, partial(_conversion, bank))
    return found


def _money(bank: BankWorld, draw: Draw) -> Estimate:
    seen = experiment(bank, customers=CUSTOMERS, seed=int(draw.integers(2**31)), holdout=HOLDOUT, weeks=WEEKS)
    both, treated = np.column_stack([seen["y"], seen["x"]]), seen["treated"]
    return difference(arms(both[treated], both[~treated]), Roles(covariate=1))


def _conversion(bank: BankWorld, draw: Draw) -> Estimate:
    seen = experiment(bank, customers=CUSTOMERS, seed=int(draw.integers(2**31)), holdout=HOLDOUT, weeks=WEEKS)
    did, treated = seen["converted"].astype(float)[:, None], seen["treated"]
    events = [(float(arm.sum()), len(arm)) for arm in (did[treated], did[~treated])]
    if few_events(events[0], events[1]):
        return newcombe(events[0], events[1])
    return difference(arms(did[treated], did[~treated]), Roles())


def bank_without_effect(draw: Draw) -> Daily:
    """The world without any effect, day by day."""
    seen = experiment(
        load_world("no_effect"),
        customers=CUSTOMERS,
        seed=int(draw.integers(2**31)),
        holdout=HOLDOUT,
        weeks=WEEKS_OF_DAILY,
    )
    value = np.cumsum(seen["daily"].astype(np.float64), axis=0)
    sums, products = np.zeros((2, DAYS, 2)), np.zeros((2, DAYS, 2, 2))
    counts = np.zeros((2, DAYS), dtype=np.int64)
    for arm, chosen in enumerate((seen["treated"], ~seen["treated"])):
        y, x = value[:, chosen], np.broadcast_to(seen["x"][chosen], (DAYS, int(chosen.sum())))
        counts[arm] = chosen.sum()
        sums[arm] = np.stack([y.sum(axis=1), x.sum(axis=1)], axis=-1)
        cross = (y * x).sum(axis=1)
        products[arm, :, 0, 0], products[arm, :, 1, 1] = (y * y).sum(axis=1), (x * x).sum(axis=1)
        products[arm, :, 0, 1] = products[arm, :, 1, 0] = cross
    passed = np.arange(1, DAYS + 1) / DAYS
    return Daily(sums, products, counts, passed.astype(np.float64))
