"""Lifecycle: the stages in order; the first whose rule holds is the customer's stage."""

from __future__ import annotations

from pydantic import Field

from cultiva.definitions.base import Definition, Model, RuleText


class Stage(Definition):
    """One stage."""

    rule: RuleText
    """When a customer is in it, unless an earlier stage holds. The last stage's rule must be `true`."""


class Lifecycle(Model):
    """The stages, tried in order. Rules may use `previous_stage`, the stage at the last run before, or null."""

    stages: tuple[Stage, ...] = Field(min_length=1)
    """Stages in the order in which they are tried."""
    order: tuple[str, ...] = ()
    """Stage names in the order in which they are shown; empty: as tried."""
