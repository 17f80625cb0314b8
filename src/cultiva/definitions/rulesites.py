"""Every rule of a workspace: where it stands, which names it may use, and what type it must have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.types import DataType
from cultiva.contracts.views import VIEWS
from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Key
from cultiva.definitions.plays import ExitRule
from cultiva.definitions.scopes import (
    event_scope,
    margin_scope,
    portfolio_scope,
    profile_scope,
    row_scope,
    stage_scope,
    tag_scope,
    trigger_scope,
    value_scope,
    view_scope,
)
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.tags import Aggregate
from cultiva.definitions.workspace import Workspace
from cultiva.rules import Scope

BOOLEAN, NUMBER = DataType.BOOLEAN, DataType.NUMBER
OVER_PROFILE = frozenset(
    {
        "tag",
        "value",
        "lifecycle",
        "segment",
        "offer",
        "product",
        "strategy",
        "contact_policy",
        "arbitration",
        "portfolios",
        "trigger",
    }
)
"""Kinds of definition whose rules read the profile."""


@dataclass(frozen=True)
class RuleSite:
    """One rule."""

    kind: str
    """Kind of the definition it belongs to."""
    name: str
    """Name of that definition."""
    loc: Loc
    """Where in the definition it stands."""
    text: str
    """The rule."""
    scope: Scope
    """Names it may use."""
    expected: DataType | None
    """Type it must have; None: any."""
    over_rows: bool = False
    """Whether it reads rows of a view or mapping, not the profile."""

    @property
    def key(self) -> Key:
        """The definition it belongs to."""
        return self.kind, self.name


def expected_type(kind: DataType) -> DataType:
    """The type a rule must have to give a column of this type; money enters and leaves rules as a number."""
    return NUMBER if kind is DataType.MONEY else kind


def rule_sites(workspace: Workspace) -> Iterator[RuleSite]:
    """Every rule of a workspace."""
    yield from _tag_sites(workspace)
    yield from _value_sites(workspace)
    yield from _portfolio_sites(workspace)
    yield from _stage_sites(workspace)
    yield from _profile_sites(workspace)
    yield from _trigger_sites(workspace)
    yield from _metric_sites(workspace)
    for product in workspace.products.values():
        text, scope = product.pricing.margin, margin_scope(workspace, product)
        yield RuleSite("product", product.name, ("pricing", "margin"), text, scope, NUMBER, over_rows=True)
    for mapping in workspace.sources.tables:
        scope, name = row_scope(mapping), f"{mapping.table}.{mapping.name}"
        for index, rule in enumerate(mapping.rules):
            yield RuleSite("mapping", name, ("rules", index, "rule"), rule.rule, scope, BOOLEAN, over_rows=True)


def _tag_sites(workspace: Workspace) -> Iterator[RuleSite]:
    scope = tag_scope(workspace)
    for tag in workspace.tags.values():
        if tag.expression is not None:
            yield RuleSite("tag", tag.name, ("expression",), tag.expression, scope, expected_type(tag.type))
        if tag.aggregate is not None:
            yield from _aggregate_sites(workspace, "tag", tag.name, tag.aggregate, (), tag.type)


def _aggregate_sites(
    workspace: Workspace, kind: str, name: str, aggregate: Aggregate, base: Loc, made: DataType
) -> Iterator[RuleSite]:
    if aggregate.table not in VIEWS:
        return
    scope = view_scope(workspace, aggregate.table)
    if aggregate.value is not None:
        expected = _value_type(aggregate.function, made)
        yield RuleSite(kind, name, (*base, "aggregate", "value"), aggregate.value, scope, expected, over_rows=True)
    if aggregate.where is not None:
        yield RuleSite(kind, name, (*base, "aggregate", "where"), aggregate.where, scope, BOOLEAN, over_rows=True)


def _value_type(function: AggregateFunction, made: DataType) -> DataType | None:
    if function is AggregateFunction.COUNT_DISTINCT:
        return None
    return NUMBER if function is AggregateFunction.AVERAGE else expected_type(made)


def _value_sites(workspace: Workspace) -> Iterator[RuleSite]:
    value, scope = workspace.value, value_scope(workspace)
    for index, component in enumerate(value.components):
        base = ("components", index)
        yield from _aggregate_sites(workspace, "value", "value", component.aggregate, base, DataType.MONEY)
    for loc, text in (
        (("potential", "chance"), value.potential.chance),
        (("relationship",), value.relationship),
        (("activity",), value.activity),
    ):
        yield RuleSite("value", "value", loc, text, scope, NUMBER)


def _portfolio_sites(workspace: Workspace) -> Iterator[RuleSite]:
    if (portfolios := workspace.portfolios) is None:
        return
    scope = portfolio_scope(workspace)
    for field, expected in (("applies", BOOLEAN), ("cash_need", NUMBER), ("protection_need", NUMBER)):
        if (text := getattr(portfolios, field)) is not None:
            yield RuleSite("portfolios", "portfolios", (field,), text, scope, expected)


def _stage_sites(workspace: Workspace) -> Iterator[RuleSite]:
    scope = stage_scope(workspace)
    for index, stage in enumerate(workspace.lifecycle.stages):
        yield RuleSite("lifecycle", "lifecycle", ("stages", index, "rule"), stage.rule, scope, BOOLEAN)


def _profile_sites(workspace: Workspace) -> Iterator[RuleSite]:
    """Rules over the finished profile.

    Segments named in a rule stand for `true` here: each is checked where it is defined, and once.
    """
    real = profile_scope(workspace)
    scope = Scope(
        names=real.names,
        segments=dict.fromkeys(real.segments, "true"),
        list_segments=real.list_segments,
        events=real.events,
    )
    for segment in workspace.segments.values():
        if segment.rule is not None:
            yield RuleSite("segment", segment.name, ("rule",), segment.rule, scope, BOOLEAN)
    for offer in workspace.offers.values():
        yield RuleSite("offer", offer.name, ("eligible",), offer.eligible, scope, BOOLEAN)
        yield RuleSite("offer", offer.name, ("applicable",), offer.applicable, scope, BOOLEAN)
    for product in workspace.products.values():
        yield RuleSite("product", product.name, ("eligible",), product.eligible, scope, BOOLEAN)
        yield RuleSite("product", product.name, ("applicable",), product.applicable, scope, BOOLEAN)
    for strategy in workspace.strategies.values():
        yield RuleSite("strategy", strategy.name, ("audience",), strategy.audience, scope, BOOLEAN)
        yield RuleSite("strategy", strategy.name, ("eligible",), strategy.eligible, scope, BOOLEAN)
        yield RuleSite("strategy", strategy.name, ("rank",), strategy.rank, scope, NUMBER)
        for loc, text in play_rules(strategy):
            yield RuleSite("strategy", strategy.name, loc, text, scope, BOOLEAN)
    for index, suppression in enumerate(workspace.policy.suppressions):
        loc = ("suppressions", index, "rule")
        yield RuleSite("contact_policy", "contact_policy", loc, suppression.rule, scope, BOOLEAN)
    for index, lever in enumerate(workspace.arbitration.levers):
        yield RuleSite("arbitration", "arbitration", ("levers", index, "when"), lever.when, scope, BOOLEAN)


def _trigger_sites(workspace: Workspace) -> Iterator[RuleSite]:
    """Rules over an event and the profile, segments standing for `true` as above."""
    profile = profile_scope(workspace)
    profile = replace(profile, segments=dict.fromkeys(profile.segments, "true"))
    for name, trigger in workspace.triggers.items():
        both = trigger_scope(workspace, trigger)
        both = replace(both, segments=profile.segments)
        yield RuleSite("trigger", name, ("when",), trigger.when, both, BOOLEAN)
        yield RuleSite("trigger", name, ("still",), trigger.still, profile, BOOLEAN)
        yield RuleSite("trigger", name, ("does", "worth"), trigger.does.worth, both, NUMBER)
        if trigger.then_not is not None:
            own = event_scope(workspace, trigger.then_not.event)
            yield RuleSite("trigger", name, ("then_not", "where"), trigger.then_not.where, own, BOOLEAN)


def play_rules(strategy: Strategy) -> Iterator[tuple[Loc, str]]:
    """Place within the strategy and text of every rule of its play."""
    if strategy.play is None:
        return
    for index, leaving in enumerate(strategy.play.exits):
        if isinstance(leaving, ExitRule):
            yield ("play", "exits", index, "rule"), leaving.rule
    for index, step in enumerate(strategy.play.steps):
        for position, arm in enumerate(step.branch or ()):
            yield ("play", "steps", index, "branch", position, "rule"), arm.rule


def _metric_sites(workspace: Workspace) -> Iterator[RuleSite]:
    for index, metric in enumerate(workspace.review.metrics):
        if metric.aggregate is not None:
            made = DataType.MONEY if metric.aggregate.function is AggregateFunction.SUM else DataType.INTEGER
            yield from _aggregate_sites(workspace, "review", "review", metric.aggregate, ("metrics", index), made)
