"""How every column of the live profile is read: from events, from last night, or computed from others on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

from cultiva.contracts.types import DataType
from cultiva.contracts.views import VIEWS
from cultiva.definitions.workspace import Workspace
from cultiva.engine.partials import reader
from cultiva.insight.live.measures import LiveColumn, Measures, measures_of
from cultiva.insight.live.python_forms import Function, function_of, has_function
from cultiva.insight.live.records import column_keys
from cultiva.insight.profile.levels import levels
from cultiva.insight.profile.plan import Available, ProfilePlan, profile_plan
from cultiva.insight.profile.potential import PEER_VALUE
from cultiva.insight.profile.rulebook import RuleBook, rule_book, segment_rules
from cultiva.rules import Rule

ANY_DAY = date(2000, 1, 1)
"""A plan's shape is the same on every day."""


class Freshness(StrEnum):
    """How far a column of the live profile is up to date."""

    LIVE = "live"
    """Moves with every event."""
    PROJECTED = "projected"
    """Last night's knowledge, as it stands today: windows have slid, ages have grown. It does not rest on events."""
    NIGHTLY = "nightly"
    """Rests on events, but moves at night only."""


@dataclass(frozen=True)
class Program:
    """What of the profile comes from where; the same on every day."""

    workspace: Workspace
    book: RuleBook
    plan: ProfilePlan
    measures: Measures
    stored: Mapping[str, DataType]
    """Columns that the night leaves in the base."""
    freshness: Mapping[str, Freshness]
    """Of every column, inner ones included."""

    @cached_property
    def keys(self) -> dict[str, int]:
        """Column of the base -> its short name there."""
        return column_keys(self.stored)

    @cached_property
    def reads(self) -> dict[str, tuple[int, Callable[[Any], Any] | None]]:
        """Column of the base -> its short name there, and how a value of it is read; None: as it is kept."""
        return {name: (self.keys[name], reader(kind)) for name, kind in self.stored.items()}

    @cached_property
    def segment_rules(self) -> dict[str, Rule]:
        """Rule of every segment."""
        return segment_rules(self.workspace)

    @cached_property
    def segment_freshness(self) -> dict[str, Freshness]:
        """Of every segment."""
        return {name: _freshest(rule.columns, self.freshness) for name, rule in self.segment_rules.items()}

    @property
    def visible(self) -> tuple[str, ...]:
        """The profile's columns, without the key."""
        return tuple(name for name in self.plan.keep if name != "customer_id")

    def on(self, day: date) -> DayProgram:
        """The program of a day."""
        plan = self.plan if day == ANY_DAY else profile_plan(self.workspace, self.book, everything(self.workspace), day)
        return DayProgram(self, plan, day)


class DayProgram:
    """How columns are computed on a day; each is compiled when somebody first asks for it.

    Args:
        program: What comes from where.
        plan: The plan of that day.
        day: The bank's day.
    """

    def __init__(self, program: Program, plan: ProfilePlan, day: date) -> None:
        self.program, self.day, self.number = program, day, day.toordinal()
        self._forms, self._tests = plan.later, dict[str, Callable[[Mapping[str, Any]], bool]]()
        self._functions: dict[str, Function] = {}
        self.columns: Mapping[str, LiveColumn] = program.measures.columns
        self.stored: Mapping[str, tuple[int, Callable[[Any], Any] | None]] = program.reads
        """Column of the base -> its short name there, and how it is read."""
        self.keys = program.keys

    def function(self, column: str) -> Function:
        """Computes a column from others.

        Raises:
            KeyError: if the profile has no such column.
        """
        found = self._functions.get(column)
        if found is None:
            made = function_of(self._forms[column])
            assert made is not None, "a column without a function is in the base"
            found = self._functions[column] = made
        return found

    def segment(self, name: str) -> Callable[[Mapping[str, Any]], bool]:
        """Tests whether a row is in a segment.

        Raises:
            KeyError: if there is no such segment.
        """
        found = self._tests.get(name)
        if found is None:
            found = self._tests[name] = self.program.segment_rules[name].test(self.day)
        return found


def program_of(workspace: Workspace) -> Program:
    """Finds out what of a workspace's profile comes from where."""
    book = rule_book(workspace)
    plan = profile_plan(workspace, book, everything(workspace), ANY_DAY)
    measures = measures_of(plan)
    types = {column.name: column.type for column in plan.columns}
    stored = {name: form.type for name, form in plan.first.items() if name not in measures.columns}
    stored |= {name: form.type for name, form in plan.later.items() if not has_function(form)}
    if any(PEER_VALUE in form.columns for form in plan.later.values()):
        stored[PEER_VALUE] = DataType.MONEY
    stored = {name: types.get(name, kind) for name, kind in stored.items()}
    return Program(workspace, book, plan, measures, stored, _freshness(plan, measures, frozenset(stored)))


def everything(workspace: Workspace) -> Available:
    """As if every source were there: which ones are is the night's affair, the base says what it made of them."""
    externals = {tag.external.input for tag in workspace.tags.values() if tag.external is not None}
    scores = {tag.score.model for tag in workspace.tags.values() if tag.score is not None}
    return Available(frozenset(VIEWS), frozenset(externals), frozenset(scores), previous=True)


def _freshness(plan: ProfilePlan, measures: Measures, stored: frozenset[str]) -> dict[str, Freshness]:
    """Of every column, from what it rests on."""
    found = dict.fromkeys(plan.first, Freshness.PROJECTED)
    found |= {"customer_id": Freshness.PROJECTED}
    found |= dict.fromkeys(measures.columns, Freshness.LIVE) | dict.fromkeys(measures.night_only, Freshness.NIGHTLY)
    peers = frozenset((*plan.peers, "current_value"))
    reads = {name: form.columns for name, form in plan.later.items()}
    reads[PEER_VALUE] = peers
    for name in (name for group in levels(reads) for name in group):
        fresh = _freshest(reads[name], found)
        moves = fresh is not Freshness.PROJECTED
        found[name] = Freshness.NIGHTLY if moves and name in stored else fresh
    return found


def _freshest(columns: frozenset[str], known: Mapping[str, Freshness]) -> Freshness:
    """Nightly if one column is, else live if one is."""
    kinds = {known.get(name, Freshness.PROJECTED) for name in columns}
    return next((kind for kind in (Freshness.NIGHTLY, Freshness.LIVE) if kind in kinds), Freshness.PROJECTED)
