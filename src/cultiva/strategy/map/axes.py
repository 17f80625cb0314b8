"""Axes: the groups, stages and tiers of the map, and the strategies that have their place on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.segments import Purpose
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.rules import compile_rule

EVERYBODY, NOBODYS = "*", "-"
"""The rows of all customers and of those in none of the groups; no segment can have these names."""
TIER = "value_tier"
"""The tiering that makes the third dimension."""


@dataclass(frozen=True)
class Axes:
    """What the map is drawn over."""

    groups: tuple[str, ...]
    """Segments that are rows, in the order shown."""
    stages: tuple[str, ...]
    """Stages in the order shown."""
    tiers: tuple[str, ...]
    """Value tiers from lowest to highest; one empty name if the workspace has none."""
    strategies: tuple[str, ...]
    """All strategies, drafts too, in the order of the workspace."""
    active: tuple[bool, ...]
    """Which of them take part in the plan."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Rows of the map: everybody, the groups, those in none of them."""
        return (EVERYBODY, *self.groups, *((NOBODYS,) if self.groups else ()))


def axes_of(workspace: Workspace) -> Axes:
    """The axes that a workspace names, or those that follow from its strategies."""
    named = tuple(one.segment for one in workspace.map.groups)
    stages = tuple(stage.name for stage in workspace.lifecycle.stages)
    tiers = [tiering.bands for tiering in workspace.value.tierings if tiering.name == TIER]
    return Axes(
        groups=named or tuple(_usual(workspace)),
        stages=tuple(dict.fromkeys((*workspace.lifecycle.order, *stages))),
        tiers=tuple(band.name for bands in tiers for band in bands) or ("",),
        strategies=tuple(workspace.strategies),
        active=tuple(one.active for one in workspace.strategies.values()),
    )


def _usual(workspace: Workspace) -> Iterator[str]:
    """The segments that audiences name themselves, and those made for marketing, in the workspace's order."""
    texts = [one.audience for one in workspace.strategies.values()]
    for name, segment in workspace.segments.items():
        used = any(f"segment('{name}')" in text.replace('"', "'") for text in texts)
        if used or segment.purpose is Purpose.MARKETING:
            yield name


def audience_text(strategy: Strategy) -> str:
    """The whole condition of an audience: its rule, its stages and its tiers.

    Examples:
        >>> from cultiva.definitions.base import Label
        >>> from cultiva.definitions.strategies import Objective
        >>> words = Label(zh="", en="")
        >>> one = Strategy(name="a", label=words, objective=Objective(metric="aum"), audience="aum > 0",
        ...                stages=("mature",), offers=("x",), channels=("sms",), rank="1")
        >>> audience_text(one)
        "(aum > 0) and stage in ('mature')"
    """
    parts = [f"({strategy.audience})"]
    for column, names in (("stage", strategy.stages), (TIER, strategy.tiers)):
        if names:
            parts.append(f"{column} in ({', '.join(repr(name) for name in names)})")
    return " and ".join(parts)


def conditions(axes: Axes, workspace: Workspace) -> tuple[list[str], list[str]]:
    """The rules of the groups and of the audiences, as texts in the order of the axes."""
    groups = [f"segment('{name}')" for name in axes.groups]
    return groups, [audience_text(workspace.strategies[name]) for name in axes.strategies]


def columns_read(axes: Axes, workspace: Workspace) -> dict[str, frozenset[str]]:
    """For each group and strategy the profile columns that its condition reads."""
    scope, (groups, audiences) = profile_scope(workspace), conditions(axes, workspace)
    texts = dict(zip((*axes.groups, *axes.strategies), (*groups, *audiences), strict=True))
    return {name: compile_rule(text, scope, expected=DataType.BOOLEAN).columns for name, text in texts.items()}
