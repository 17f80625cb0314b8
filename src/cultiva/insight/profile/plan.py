"""The plan of a profile: which aggregates per view, which columns from where, and in which order the rest.

    customer + one aggregate pass per view + lists, externals, scores, the stage before
      -> tags, value components                       (the first step)
      -> expression tags, current value, ..., stage   (levels: each reads what earlier ones made)

Potential value needs the quantile of current value among peers, so what it reads is assembled once before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.tables import PARTY
from cultiva.contracts.types import DataType, TableSchema
from cultiva.contracts.views import VIEWS
from cultiva.definitions.scopes import asset_columns, value_scope, view_scope
from cultiva.definitions.tags import Aggregate, Tag
from cultiva.definitions.value import Tiering, Value
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import AggregateForm, Form
from cultiva.insight.assets.forms import PARTY_FACTS, inner_name
from cultiva.insight.assets.service import asset_forms
from cultiva.insight.profile.columns import Origin, ProfileColumn
from cultiva.insight.profile.forms import (
    ColumnForm,
    FirstTrue,
    MoneySum,
    NullForm,
    Typed,
    Window,
    aggregate_name,
    all_of,
)
from cultiva.insight.profile.levels import levels, needed_for
from cultiva.insight.profile.potential import PEER_VALUE
from cultiva.insight.profile.rulebook import RuleBook
from cultiva.insight.profile.windows import EventPass, event_passes
from cultiva.rules import compile_rule

PERSONAL = frozenset(column.name for column in PARTY.columns if column.personal)
"""Party columns that are personal data whatever the tag says."""
EMPTY_IS_ZERO = (AggregateFunction.COUNT, AggregateFunction.SUM, AggregateFunction.COUNT_DISTINCT)
"""Aggregates that are 0 for a customer without rows; the others are null."""


@dataclass(frozen=True)
class Available:
    """Which sources there are on this day."""

    views: frozenset[str]
    externals: frozenset[str] = frozenset()
    scores: frozenset[str] = frozenset()
    previous: bool = False


@dataclass(frozen=True)
class ProfilePlan:
    """What to compute, as data."""

    columns: tuple[ProfileColumn, ...]
    """The profile's columns in their order."""
    passes: Mapping[str, Mapping[str, AggregateForm]]
    """View -> aggregate column -> aggregate."""
    event_passes: tuple[EventPass, ...]
    """Event windows of rules, over the event view with typed properties."""
    first: Mapping[str, Form]
    """Columns that are read from the joined parts as they are."""
    later: Mapping[str, Form]
    """Columns that are computed from other columns."""
    peers: tuple[str, ...]
    """Tags that make peers."""

    @cached_property
    def reads(self) -> dict[str, frozenset[str]]:
        """What each computed column reads."""
        return {name: form.columns for name, form in self.later.items()}

    @property
    def keep(self) -> tuple[str, ...]:
        """Names of the profile's columns."""
        return tuple(column.name for column in self.columns)

    def steps(self, targets: frozenset[str] | None = None) -> list[dict[str, Form]]:
        """The steps that make the targets (None: everything), each reading what earlier ones made.

        Raises:
            CultivaError: if columns read each other in a circle.
        """
        wanted = needed_for(targets, self.reads) if targets is not None else {*self.first, *self.later}
        first = {name: form for name, form in self.first.items() if name in wanted}
        groups = [[name for name in group if name in wanted] for group in levels(self.reads)]
        return [first, *({name: self.later[name] for name in group} for group in groups if group)]


def profile_plan(workspace: Workspace, book: RuleBook, available: Available, on: date) -> ProfilePlan:
    """Plans the profile of a day.

    Args:
        workspace: A checked workspace.
        book: Its compiled rules.
        available: Which sources there are; what depends on others becomes null.
        on: Business date.
    """
    return _Planner(workspace, book, available, on).plan()


class _Planner:
    """Collects columns, passes and forms; used once."""

    def __init__(self, workspace: Workspace, book: RuleBook, available: Available, on: date) -> None:
        self.workspace, self.book, self.available, self.on = workspace, book, available, on
        self.columns: dict[str, ProfileColumn] = {}
        self.passes: dict[str, dict[str, AggregateForm]] = {}
        self.first: dict[str, Form] = {}
        self.later: dict[str, Form] = {}

    def plan(self) -> ProfilePlan:
        """Every column of the profile, in the order in which columns may rest on each other."""
        self.columns["customer_id"] = ProfileColumn("customer_id", DataType.INTEGER, Origin.KEY)
        for tag in self.workspace.tags.values():
            self._tag(tag)
        self._value(self.workspace.value)
        for tiering in self.workspace.value.tierings:
            self._computed(tiering.name, DataType.TEXT, Origin.TIER, self._band_form(tiering))
        self._assets()
        self._stages()
        self._lists()
        passes = self._windows()
        return ProfilePlan(
            columns=self._with_tables(),
            passes=self.passes,
            event_passes=passes,
            first=self.first,
            later=self.later,
            peers=self.workspace.value.potential.peers,
        )

    def _read(self, column: ProfileColumn, source: str, empty: object = None) -> None:
        """A column that comes from a joined part under another name, or null if it has no source."""
        self.columns[column.name] = column
        form = NullForm(column.type) if column.missing else ColumnForm(source, column.type, empty)
        self.first[column.name] = form

    def _computed(self, name: str, type_: DataType, origin: Origin, form: Form, *, personal: bool = False) -> None:
        self.columns[name] = ProfileColumn(name, type_, origin, personal=personal)
        self.later[name] = form if form.type is type_ else Typed(form, type_)

    def _tag(self, tag: Tag) -> None:
        if tag.expression is not None:
            form = self.book.expressions[tag.name].form(self.on)
            self._computed(tag.name, tag.type, Origin.EXPRESSION, form, personal=tag.personal)
        elif tag.aggregate is not None:
            self._aggregate(tag.name, tag.type, Origin.AGGREGATE, tag.aggregate, personal=tag.personal)
        elif tag.column is not None:
            personal = tag.personal or tag.column in PERSONAL
            made = ProfileColumn(tag.name, tag.type, Origin.COLUMN, frozenset(("party",)), personal)
            self._read(made, tag.column)
        elif tag.external is not None:
            source = tag.external.input
            missing = source not in self.available.externals
            made = ProfileColumn(tag.name, tag.type, Origin.EXTERNAL, frozenset((source,)), tag.personal, missing)
            self._read(made, external_name(tag.name))
        elif tag.score is not None:
            missing = tag.score.model not in self.available.scores
            made = ProfileColumn(tag.name, tag.type, Origin.SCORE, frozenset(), tag.personal, missing)
            self._read(made, score_name(tag.score.model))

    def _aggregate(
        self, name: str, type_: DataType, origin: Origin, aggregate: Aggregate, *, personal: bool = False
    ) -> None:
        view = aggregate.table
        missing = view not in self.available.views
        empty = 0 if aggregate.function in EMPTY_IS_ZERO else None
        made = ProfileColumn(name, type_, origin, frozenset((view,)), personal, missing)
        self._read(made, aggregate_name(name), empty)
        if not missing:
            self.passes.setdefault(view, {})[aggregate_name(name)] = self._aggregate_form(aggregate, type_)

    def _aggregate_form(self, aggregate: Aggregate, type_: DataType) -> AggregateForm:
        view = VIEWS[aggregate.table]
        where = self._row_form(aggregate.where, view)
        value = self._row_form(aggregate.value, view)
        window = None
        if aggregate.window_days is not None and view.time is not None:
            is_timestamp = view.column(view.time).type is DataType.TIMESTAMP
            window = Window(view.time, self.on, aggregate.window_days, is_timestamp)
        return AggregateForm(aggregate.function, type_, value=value, where=all_of((window, where)), time=view.time)

    def _row_form(self, text: str | None, view: TableSchema) -> Form | None:
        if text is None:
            return None
        return compile_rule(text, view_scope(self.workspace, view.name)).form(self.on)

    def _value(self, model: Value) -> None:
        names = tuple(f"value_{component.name}" for component in model.components)
        for name, component in zip(names, model.components, strict=True):
            self._aggregate(name, DataType.MONEY, Origin.VALUE, component.aggregate)
        forms = {
            "current_value": MoneySum(names),
            "potential_value": self._potential_form(model),
            "relationship_value": self.book.relationship.form(self.on),
            "activity_value": self.book.activity.form(self.on),
            "comprehensive_value": self._composite_form(model),
        }
        for name, form in forms.items():
            self._computed(name, DataType.MONEY, Origin.VALUE, form)

    def _potential_form(self, model: Value) -> Form:
        """What peers reach above the customer's own value, times the chance, which counts from 0 to 1."""
        scope = value_scope(self.workspace)
        scope = replace(scope, names={**scope.names, PEER_VALUE: DataType.MONEY})
        gap = f"greatest({PEER_VALUE} - current_value, 0)"
        # The line break ends a comment that the workspace's text may end with.
        chance = f"least(greatest(coalesce({model.potential.chance}\n, 0), 0), 1)"
        return compile_rule(f"{gap} * {chance}", scope, expected=DataType.NUMBER).form(self.on)

    def _composite_form(self, model: Value) -> Form:
        weights = model.weights.model_dump()
        terms = [f"({number_text(weight)}) * coalesce({part}_value, 0)" for part, weight in weights.items()]
        names = dict.fromkeys((f"{part}_value" for part in weights), DataType.MONEY)
        scope = replace(value_scope(self.workspace), names=names, constants={})
        return compile_rule(" + ".join(terms), scope, expected=DataType.NUMBER).form(self.on)

    def _band_form(self, tiering: Tiering) -> Form:
        """The highest band whose lower end the value reaches; the lowest band for all others, null included."""
        scope = replace(value_scope(self.workspace), names={tiering.of: self.columns[tiering.of].type}, constants={})
        lowest, *others = tiering.bands
        tests = [(band.name, f"{tiering.of} >= {number_text(band.from_value or 0.0)}") for band in reversed(others)] + [
            (lowest.name, "true")
        ]
        return FirstTrue(tuple((name, compile_rule(text, scope).form(self.on)) for name, text in tests))

    def _assets(self) -> None:
        """Model portfolio and gaps; what they are made of on the way is not kept."""
        kept = asset_columns(self.workspace)
        for name, form in asset_forms(self.workspace, self.on).items():
            if name in kept:
                self._computed(name, kept[name], Origin.ASSETS, form)
            else:
                self.later[name] = form
        if kept:
            self.first |= {inner_name(column): ColumnForm(column, type_) for column, type_ in PARTY_FACTS.items()}

    def _stages(self) -> None:
        stages = FirstTrue(tuple((name, rule.form(self.on)) for name, rule in self.book.stages))
        self._computed("stage", DataType.TEXT, Origin.LIFECYCLE, stages)
        before = ProfileColumn("previous_stage", DataType.TEXT, Origin.LIFECYCLE, missing=not self.available.previous)
        self._read(before, PREVIOUS_STAGE)

    def _lists(self) -> None:
        for segment in self.workspace.segments.values():
            if segment.list is not None:
                made = ProfileColumn(f"in_list_{segment.name}", DataType.BOOLEAN, Origin.LIST)
                self._read(made, list_name(segment.name), False)

    def _windows(self) -> tuple[EventPass, ...]:
        missing = "event" not in self.available.views
        passes = event_passes(self.workspace, self.book.windows, self.on)
        for one in passes:
            for name, column in one.columns.items():
                made = ProfileColumn(name, column.type, Origin.WINDOW, frozenset(("event",)), missing=missing)
                self._read(made, aggregate_name(name), column.empty)
        return () if missing else passes

    def _with_tables(self) -> tuple[ProfileColumn, ...]:
        """The columns, those that are computed with the tables of what they read."""
        inner = {name: ProfileColumn(name, form.type, Origin.ASSETS) for name, form in self.later.items()}
        found = {**inner, **self.columns}
        peers = frozenset((*self.workspace.value.potential.peers, "current_value"))
        reads = {
            name: form.columns | peers if PEER_VALUE in form.columns else form.columns
            for name, form in self.later.items()
        }
        for name in (name for group in levels(reads) for name in group):
            tables = (found[other].tables for other in reads[name] if other in found)
            found[name] = replace(found[name], tables=frozenset[str]().union(*tables))
        return tuple(found[name] for name in self.columns)


PREVIOUS_STAGE = "before__stage"
"""The part's column with the stage at the last run."""


def external_name(tag: str) -> str:
    """The part's column of an external tag."""
    return f"ext__{tag}"


def score_name(model: str) -> str:
    """The part's column of a model's score."""
    return f"score__{model}"


def list_name(segment: str) -> str:
    """The part's column of a list segment."""
    return f"list__{segment}"


def number_text(number: float) -> str:
    """A number as the rule language writes it, in full.

    Examples:
        >>> number_text(300000.0), number_text(0.05), number_text(-1e-7)
        ('300000', '0.05', '-0.0000001')
    """
    from decimal import Decimal

    text = format(Decimal(repr(float(number))), "f")
    return text.removesuffix(".0")
