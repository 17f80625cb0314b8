"""The market of a template: its ladder, what a take-up brings at each level, and who may grant it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cultiva.definitions.pricing import margin_at
from cultiva.definitions.products import Authority, Product, levels_of
from cultiva.definitions.scopes import margin_scope
from cultiva.definitions.workspace import Workspace
from cultiva.rules import compile_rule
from cultiva.strategy.pricing.response import Counts, Floats, Ints

AMOUNT_WEIGHT = 20.0
"""Take-ups for which the template's own amount stands, and the mean of all groups when one is judged."""


@dataclass(frozen=True)
class Sales:
    """Cells of one half of the customers, and what their take-ups moved."""

    counts: Counts
    amount: Floats
    """Money moved by the take-ups in all, shape (groups,)."""


@dataclass(frozen=True)
class Market:
    """What the levels of one template are judged by."""

    product: Product
    halves: tuple[Sales, Sales]
    """Customers divided by a draw: what is learnt from one half is tried on the other."""
    customers: Ints
    """Customers of each group who may be quoted, shape (groups,)."""
    margins: Floats
    """Money that a take-up brings over the horizon, shape (groups, levels)."""
    fairness_steps: int | None = None
    """Most levels between two groups; None: no limit."""

    @property
    def counts(self) -> Counts:
        """All cells."""
        one, other = (half.counts for half in self.halves)
        return Counts(one.groups, one.levels, one.quoted + other.quoted, one.taken + other.taken)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups."""
        return self.halves[0].counts.groups

    @property
    def levels(self) -> tuple[float, ...]:
        """Prices from the worst to the best for the customer."""
        return self.halves[0].counts.levels

    @property
    def listed(self) -> int:
        """Place of the list price."""
        found = self.product.priced
        assert found is not None
        return self.levels.index(found.value)

    @property
    def granted(self) -> tuple[bool, ...]:
        """Which levels the ladder may give without anyone being asked."""
        role = next(one for one in self.product.pricing.authority if one.role == self.product.pricing.granted_by)
        return tuple(may_grant(self.product, role, level) for level in self.levels)


def market_of(
    workspace: Workspace, product: Product, halves: tuple[Sales, Sales], customers: Ints, *, steps: int | None = None
) -> Market:
    """Works out what a take-up brings by group and level.

    Args:
        workspace: Has the value model's parameters and the horizon.
        product: The template.
        halves: What drawn prices have shown.
        customers: Shape (groups,).
        steps: Most levels between two groups.
    """
    rule = compile_rule(product.pricing.margin, margin_scope(workspace, product))
    moved = [sum(parts) for parts in zip(*(half.amount for half in halves), strict=True)]
    taken = sum(half.counts.taken.sum(axis=1) for half in halves)
    amounts = amounts_of(np.array(moved, dtype=np.float64), np.asarray(taken, dtype=np.int64), product.pricing.amount)
    margins = [
        [margin_at(workspace, product, rule, level, float(amount)) or 0.0 for level in levels_of(product)]
        for amount in amounts
    ]
    return Market(product, halves, customers, np.array(margins, dtype=np.float64), steps)


def amounts_of(moved: Floats, taken: Ints, prior: float) -> Floats:
    """What one take-up moves by group: measured, drawn towards all groups, and those towards the template.

    Examples:
        >>> amounts_of(np.array([0.0, 0.0]), np.array([0, 0]), 5_000.0)
        array([5000., 5000.])
    """
    whole = (moved.sum() + AMOUNT_WEIGHT * prior) / (taken.sum() + AMOUNT_WEIGHT)
    found: Floats = (moved + AMOUNT_WEIGHT * whole) / (taken + AMOUNT_WEIGHT)
    return found


def may_grant(product: Product, role: Authority, level: float) -> bool:
    """Whether a level is within a role's authority; prices worse for the customer always are."""
    return role.limit <= level if product.pricing.better == "lower" else role.limit >= level


def least_role(product: Product, level: float) -> Authority:
    """The first role that may grant a level; the last of all where none may."""
    authority: Sequence[Authority] = product.pricing.authority
    return next((one for one in authority if may_grant(product, one, level)), authority[-1])


def mean_price(levels: Mapping[str, float], customers: Mapping[str, int]) -> float | None:
    """Mean price of customers by their groups; None without customers.

    Examples:
        >>> mean_price({"a": 0.25, "b": 0.5}, {"a": 3, "b": 1})
        0.3125
    """
    count = sum(customers.get(name, 0) for name in levels)
    return sum(price * customers.get(name, 0) for name, price in levels.items()) / count if count else None
