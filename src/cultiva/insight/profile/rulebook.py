"""Every rule that the profile needs, compiled once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cultiva.contracts.types import DataType
from cultiva.definitions.rulesites import OVER_PROFILE, expected_type, rule_sites
from cultiva.definitions.scopes import profile_scope, stage_scope, tag_scope, value_scope
from cultiva.definitions.workspace import Workspace
from cultiva.rules import EventWindow, Rule, compile_rule


@dataclass(frozen=True)
class RuleBook:
    """The rules that make columns of the profile, and the event windows that any rule over it reads."""

    expressions: Mapping[str, Rule]
    """Expression tag -> rule."""
    chance: Rule
    """Chance of reaching the potential."""
    relationship: Rule
    """Relationship value."""
    activity: Rule
    """Activity value."""
    stages: tuple[tuple[str, Rule], ...]
    """(stage, rule) in the order in which they are tried."""
    windows: tuple[EventWindow, ...]
    """Event windows of all rules of the workspace, each once, by the name of their column."""


def rule_book(workspace: Workspace) -> RuleBook:
    """Compiles the rules of a checked workspace.

    Raises:
        RuleErrors: if a rule is wrong, as `cultiva check` would say with its place.
    """
    tags, value, stage = tag_scope(workspace), value_scope(workspace), stage_scope(workspace)
    expressions = {
        name: compile_rule(tag.expression, tags, expected=expected_type(tag.type))
        for name, tag in workspace.tags.items()
        if tag.expression is not None
    }
    model = workspace.value
    return RuleBook(
        expressions=expressions,
        chance=compile_rule(model.potential.chance, value, expected=DataType.NUMBER),
        relationship=compile_rule(model.relationship, value, expected=DataType.NUMBER),
        activity=compile_rule(model.activity, value, expected=DataType.NUMBER),
        stages=tuple(
            (one.name, compile_rule(one.rule, stage, expected=DataType.BOOLEAN)) for one in workspace.lifecycle.stages
        ),
        windows=_windows(workspace),
    )


def segment_rules(workspace: Workspace) -> dict[str, Rule]:
    """The rule of every segment; a list segment's is that the customer is on the list."""
    scope = profile_scope(workspace)
    return {name: compile_rule(f"segment('{name}')", scope) for name in workspace.segments}


def _windows(workspace: Workspace) -> tuple[EventWindow, ...]:
    found: dict[str, EventWindow] = {}
    for site in rule_sites(workspace):
        if site.kind in OVER_PROFILE and not site.over_rows and mentions_events(site.text):
            rule = compile_rule(site.text, site.scope, expected=site.expected)
            found |= {window.column: window for window in rule.events}
    return tuple(found[column] for column in sorted(found))


def mentions_events(text: str) -> bool:
    """Whether a rule may use an event function; spares compiling those that surely do not."""
    return "event" in text.lower()


def columns_of(rules: Iterable[Rule]) -> frozenset[str]:
    """The profile columns that rules read together."""
    return frozenset[str]().union(*(rule.columns for rule in rules))
