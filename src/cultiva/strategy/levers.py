"""Levers: what moving the worth of some candidates costs, measured by leaving one lever out after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from cultiva.definitions.arbitration import Lever
from cultiva.strategy.allocation import Prices, solve
from cultiva.strategy.allocation.problem import Flags, Floats
from cultiva.strategy.field import LEAST, Field


@dataclass(frozen=True)
class LeverEffect:
    """What one lever has done to a day's plan."""

    lever: str
    candidates: int
    """Candidates that it moved."""
    worth: float
    """Worth of the plan with every lever, before levers, in money."""
    worth_without: float
    """The same had this one been off."""

    @property
    def cost(self) -> float:
        """Worth that the lever costs; negative where it happens to help."""
        return self.worth_without - self.worth


def lever_effects(field: Field, levers: Sequence[Lever], chosen: Flags, prices: Prices) -> list[LeverEffect]:
    """Allocates once more without each lever, from the prices of the plan.

    Args:
        field: The candidates, as they competed.
        levers: Those that work.
        chosen: The plan with all of them.
        prices: Its prices.
    """
    worth = field.rows["worth"].to_numpy()
    with_all = float(worth[chosen].sum())
    found = []
    for one in levers:
        moved = int(field.rows[f"lever_{one.name}"].sum())
        without = _without(field, one, levers, prices) if moved else with_all
        found.append(LeverEffect(one.name, moved, with_all, without))
    return found


def _without(field: Field, off: Lever, levers: Sequence[Lever], prices: Prices) -> float:
    """Worth of the plan with one lever off."""
    rows = field.rows
    worth = rows["worth"].to_numpy()
    moved = worth.copy()
    for one in levers:
        if one.name != off.name:
            moved = np.where(rows[f"lever_{one.name}"].to_numpy(), moved * one.factor, moved)
    for one in levers:
        if one.name != off.name:
            moved = np.where(rows[f"lever_{one.name}"].to_numpy(), moved + one.add, moved)
    priority = np.where(worth > 0, moved, _explored(rows))
    found = solve(replace(field.problem, worth=priority), start=prices)
    return float(worth[found.chosen].sum())


def _explored(rows: pl.DataFrame) -> Floats:
    """Those who explore though nothing is to be gained compete as before: for next to nothing."""
    return np.minimum(rows["priority"].to_numpy(), LEAST)
