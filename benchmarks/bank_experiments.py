"""Experiments in the simulated bank's worlds, for measuring how often intervals are right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from benchmarks.experiments import DAYS, Daily, Draw, World, in_clusters, looks
from cultiva.review.statistics.differences import Roles, difference
from cultiva.review.statistics.estimate import Estimate
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
    """Customers are drawn; those of one adviser go together, and advisers differ in what a touch does."""
    seen = experiment(bank, customers=CUSTOMERS, seed=int(draw.integers(2**31)), holdout=HOLDOUT, weeks=WEEKS)
    both = np.column_stack([seen["y"], seen["x"]])
    return difference(in_clusters(both, seen["treated"], seen["cluster"]), Roles(covariate=1))


def _conversion(bank: BankWorld, draw: Draw) -> Estimate:
    seen = experiment(bank, customers=CUSTOMERS, seed=int(draw.integers(2**31)), holdout=HOLDOUT, weeks=WEEKS)
    did = seen["converted"].astype(np.float64)[:, None]
    return difference(in_clusters(did, seen["treated"], seen["cluster"]), Roles())


def bank_without_effect(draw: Draw) -> Daily:
    """The world without any effect, day by day."""
    seen = experiment(
        load_world("no_effect"),
        customers=CUSTOMERS,
        seed=int(draw.integers(2**31)),
        holdout=HOLDOUT,
        weeks=WEEKS_OF_DAILY,
    )
    value = np.cumsum(seen["daily"].astype(np.float64), axis=0).T
    arm_of = np.where(seen["treated"], 0, 1)
    return looks(value, seen["x"], np.ones_like(value, dtype=np.bool_), arm_of, np.arange(1, DAYS + 1) / DAYS)
