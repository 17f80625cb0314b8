"""The plan of a day's performance: which aggregates per view, and which columns they make.

Every component of the value model is evaluated for the period by the rule that values it for a year: rows of things
that happen (transactions, events, ...) count if they happened in the period, whatever window the component has; what is
held counts with its average balance of the period, for the period's part of a year.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.tables import PRODUCT
from cultiva.contracts.types import DataType, TableSchema
from cultiva.contracts.views import HOLDING_VIEW, VIEWS
from cultiva.definitions.scopes import view_scope
from cultiva.definitions.tags import Aggregate
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import AggregateForm, Form
from cultiva.insight.performance.forms import CentsTogether, Constant, Prorated
from cultiva.insight.profile.forms import ColumnForm, MoneySum, NullForm, Window, aggregate_name, all_of
from cultiva.rules import compile_rule

FIRST_DAYS = 28
"""Length of the period at the first run, which has none before it."""
YEAR_DAYS = 365
"""Yearly amounts are divided by it."""
HOLDING = HOLDING_VIEW.name


@dataclass(frozen=True)
class Period:
    """The days after one business date up to another."""

    on: date
    """The last day."""
    since: date | None
    """The business date of the run before, which does not belong to it; None at the first run."""

    @property
    def days(self) -> int:
        """Its length."""
        return FIRST_DAYS if self.since is None else (self.on - self.since).days


@dataclass(frozen=True)
class PerformancePlan:
    """What to compute, as data."""

    passes: Mapping[str, Mapping[str, AggregateForm]]
    """View -> aggregate column -> aggregate."""
    first: Mapping[str, Form]
    """Columns read from the joined parts."""
    contribution: Form
    """The sum of the components."""
    levels: Mapping[str, str]
    """`level_<metric>` -> the tag that it keeps as it stands."""
    within: Mapping[str, Form]
    """View -> condition of the rows that lie in the period; what is held has none."""

    @property
    def keep(self) -> tuple[str, ...]:
        """The table's columns in their order."""
        head = ("business_date", "since", "days")
        rest = [name for name in self.first if name not in head]
        return ("customer_id", *head, "contribution", *rest, *self.levels)


def performance_plan(workspace: Workspace, views: Collection[str], period: Period) -> PerformancePlan:
    """Plans the performance of a period.

    Args:
        workspace: Its value model and review.
        views: Views that have a source; what depends on others is null and adds nothing.
        period: The days that count.
    """
    return _Planner(workspace, views, period).plan()


class _Planner:
    """Collects passes and columns; used once."""

    def __init__(self, workspace: Workspace, views: Collection[str], period: Period) -> None:
        self.workspace, self.views, self.period = workspace, views, period
        self.passes: dict[str, dict[str, AggregateForm]] = {}
        self.first: dict[str, Form] = {}

    def plan(self) -> PerformancePlan:
        """Every column of a period: money by component and category, counts and levels of metrics."""
        period, review = self.period, self.workspace.review
        self.first["business_date"] = Constant(period.on, DataType.DATE)
        since: Form = NullForm(DataType.DATE) if period.since is None else Constant(period.since, DataType.DATE)
        self.first |= {"since": since, "days": Constant(period.days, DataType.INTEGER)}
        names = [self._component(one.name, one.aggregate) for one in self.workspace.value.components]
        self._categories()
        for metric in review.metrics:
            if metric.aggregate is not None:
                counts = metric.aggregate.function is AggregateFunction.COUNT
                made = DataType.INTEGER if counts else DataType.MONEY
                self._column(f"metric_{metric.name}", metric.aggregate.table, self._form(metric.aggregate, made))
        levels = {f"level_{metric.name}": metric.tag for metric in review.metrics if metric.tag is not None}
        within = {view: form for view in self.passes if (form := self._in_period(VIEWS[view])) is not None}
        return PerformancePlan(self.passes, self.first, MoneySum(tuple(names)), levels, within)

    def _component(self, name: str, aggregate: Aggregate) -> str:
        column = f"component_{name}"
        self._column(column, aggregate.table, self._form(aggregate, DataType.MONEY))
        return column

    def _column(self, name: str, view: str, form: AggregateForm) -> None:
        if view not in self.views:
            self.first[name] = NullForm(form.type)
            return
        self.passes.setdefault(view, {})[aggregate_name(name)] = form
        self.first[name] = ColumnForm(aggregate_name(name), form.type, 0)

    def _form(self, aggregate: Aggregate, made: DataType) -> AggregateForm:
        return AggregateForm(aggregate.function, made, value=self._value(aggregate), where=self._where(aggregate))

    def _value(self, aggregate: Aggregate) -> Form | None:
        if aggregate.value is None:
            return None
        value = self._rule(aggregate.value, VIEWS[aggregate.table])
        return Prorated(value, self.period.days / YEAR_DAYS) if aggregate.table == HOLDING else value

    def _where(self, aggregate: Aggregate) -> Form | None:
        view = VIEWS[aggregate.table]
        where = None if aggregate.where is None else self._rule(aggregate.where, view)
        if view.name != HOLDING:
            return all_of((self._in_period(view), where))
        days = aggregate.window_days
        return where if days is None else all_of((self._window(view, days), where))

    def _in_period(self, view: TableSchema) -> Form | None:
        """What happened counts in the period; what is held has no day on which it happened."""
        return None if view.name == HOLDING else self._window(view, self.period.days)

    def _window(self, view: TableSchema, days: int) -> Form | None:
        if view.time is None:
            return None
        is_timestamp = view.column(view.time).type is DataType.TIMESTAMP
        return Window(view.time, self.period.on, days, is_timestamp)

    def _rule(self, text: str, view: TableSchema) -> Form:
        return compile_rule(text, view_scope(self.workspace, view.name)).form(self.period.on)

    def _categories(self) -> None:
        """What holdings contributed, by the category of their product."""
        held = [one.aggregate for one in self.workspace.value.components if one.aggregate.table == HOLDING]
        amounts = [(self._value(one), self._where(one)) for one in held]
        given = tuple((value, where) for value, where in amounts if value is not None)
        if not given:
            return
        for code in PRODUCT.column("category").codes:
            of_category = self._rule(f"category = '{code}'", HOLDING_VIEW)
            form = AggregateForm(AggregateFunction.SUM, DataType.MONEY, CentsTogether(given), of_category)
            self._column(f"category_{code}", HOLDING, form)
