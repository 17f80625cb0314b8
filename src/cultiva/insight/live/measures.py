"""What the profile computes from events, as measures: what is counted or added up of which events, whatever the window.

Columns that differ only in the length of their window share a measure, kept in parts by day. So an event costs as much
as there are measures of its name, however many segments there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.types import DataType
from cultiva.engine.partials import Partial, partial, unit
from cultiva.engine.port import AggregateForm, Form
from cultiva.insight.profile.forms import AllOf, ColumnForm, Window, all_of
from cultiva.insight.profile.plan import ProfilePlan
from cultiva.insight.profile.windows import AT, DAY, NAME, OWN_COLUMNS, EventNamed
from cultiva.kit.hashing import md5_hex
from cultiva.rules.closures import Closure, make_closure
from cultiva.rules.nodes import Call, Literal, Name, Today, walk
from cultiva.rules.sets import RuleForm

VIEW = "view"
"""The rows of the event view as they are, in contrast to those with typed properties."""
VIEW_COLUMNS = frozenset({"source_system", "source_id", "at", "name", "channel"})
"""Columns of the event view that are known as soon as an event comes in. Its id and the text of its properties are
those of the delivery."""


@dataclass(frozen=True)
class Measure:
    """What is kept of events."""

    key: str
    """Names what it means: the same in every workspace that means the same."""
    form: AggregateForm
    """The aggregate without its window."""
    event: str | None
    """The only event that takes part; None: conditions decide."""
    properties: Mapping[str, DataType] | None
    """Typed properties of the rows; None: rows of the event view as they are."""
    endless: bool = False
    """Whether something reads it over all days."""

    @cached_property
    def partial(self) -> Partial:
        """How its parts are put together."""
        return partial(self.form)

    @cached_property
    def takes(self) -> Callable[[Mapping[str, Any]], bool]:
        """Whether a row of its event takes part."""
        tests = [_test(one) for one in _conditions(self.form.where) if not isinstance(one, EventNamed)]
        if len(tests) == 1:
            return tests[0]
        return lambda row: all(test(row) for test in tests)

    @cached_property
    def part(self) -> Callable[[Mapping[str, Any], int], Any]:
        """The part of a row that takes part, given the microseconds of its time; None if it has no value."""
        made, of = unit(self.form), self.partial.of
        if self.form.function is AggregateFunction.COUNT:
            return lambda row, time: of(0, time)
        assert self.form.value is not None, "checked when the aggregate is made"
        value = _value(self.form.value)
        return lambda row, time: None if (found := value(row)) is None else of(made(found), time)

    @cached_property
    def free(self) -> bool:
        """Whether every event of its name takes part, whatever it says: nothing of the row is read."""
        tested = any(not _only_named(one) for one in _conditions(self.form.where))
        return not tested and self.form.value is None

    def zero(self, empty: int) -> int | float:
        """What a column is where there is no part."""
        return empty if self.form.type is DataType.INTEGER else float(empty)

    @property
    def reads(self) -> frozenset[str]:
        """Columns of its rows."""
        value = frozenset[str]() if self.form.value is None else self.form.value.columns
        where = frozenset[str]() if self.form.where is None else self.form.where.columns
        latest = self.form.function is AggregateFunction.LATEST and self.form.time is not None
        return value | where | (frozenset((str(self.form.time),)) if latest else frozenset())


@dataclass(frozen=True)
class LiveColumn:
    """A column of the profile that events move."""

    name: str
    type: DataType
    measure: Measure
    days: int | None
    """Length of the window, the day itself included; None: all days."""
    empty: int | None
    """What it is where there is no part."""


@dataclass(frozen=True)
class Measures:
    """Everything that the profile computes from events."""

    columns: Mapping[str, LiveColumn]
    """Profile column -> how it is read."""
    night_only: frozenset[str]
    """Columns from events that have no live form: they keep last night's value."""

    @cached_property
    def by_key(self) -> dict[str, Measure]:
        """Every measure once."""
        return {one.measure.key: one.measure for one in self.columns.values()}

    @cached_property
    def of_event(self) -> dict[str, tuple[Measure, ...]]:
        """The measures that take rows of one event only."""
        found: dict[str, list[Measure]] = {}
        for one in self.by_key.values():
            if one.event is not None:
                found.setdefault(one.event, []).append(one)
        return {event: tuple(ones) for event, ones in found.items()}

    @cached_property
    def of_any(self) -> tuple[Measure, ...]:
        """The measures whose conditions decide about every event."""
        return tuple(one for one in self.by_key.values() if one.event is None)

    @cached_property
    def days(self) -> dict[str, int]:
        """Longest window of each measure that is read by a window."""
        found: dict[str, int] = {}
        for one in self.columns.values():
            if one.days is not None:
                found[one.measure.key] = max(one.days, found.get(one.measure.key, 0))
        return found


def measures_of(plan: ProfilePlan) -> Measures:
    """Finds the measures of a profile.

    Args:
        plan: Of a workspace with an event view; of which day does not matter.
    """
    types = {column.name: column.type for column in plan.columns}
    columns: dict[str, LiveColumn] = {}
    night_only: set[str] = set()
    for name, form in plan.first.items():
        if not isinstance(form, ColumnForm):
            continue
        found = _aggregate_of(plan, form.name)
        if found is None:
            continue
        aggregate, properties = found
        measure = _measure(aggregate, properties)
        if measure is None:
            night_only.add(name)
            continue
        window = next((one for one in _conditions(aggregate.where) if isinstance(one, Window)), None)
        days = None if window is None else window.days
        columns[name] = LiveColumn(name, types[name], measure, days, form.empty)
    endless = {one.measure.key for one in columns.values() if one.days is None}
    marked = {
        name: replace(one, measure=replace(one.measure, endless=one.measure.key in endless))
        for name, one in columns.items()
    }
    return Measures(marked, frozenset(night_only))


def _aggregate_of(plan: ProfilePlan, part: str) -> tuple[AggregateForm, Mapping[str, DataType] | None] | None:
    aggregate = plan.passes.get("event", {}).get(part)
    if aggregate is not None:
        return aggregate, None
    for one in plan.event_passes:
        found = one.aggregates().get(part)
        if found is not None:
            return found, one.properties
    return None


def _measure(aggregate: AggregateForm, properties: Mapping[str, DataType] | None) -> Measure | None:
    """The aggregate without its window, if all that it reads is known when an event comes in."""
    kept = [one for one in _conditions(aggregate.where) if not isinstance(one, Window)]
    form = replace(aggregate, where=all_of(kept))
    named = next((event for one in kept if (event := _named(one)) is not None), None)
    read = {name: kind for name, kind in (properties or {}).items() if name in _columns(form)}
    made = Measure("", form, named, None if properties is None else read)
    if not _timeless(form) or not _known(made):
        return None
    return replace(made, key=md5_hex(_meaning(made))[:10])


def _only_named(condition: Form) -> bool:
    """Whether the condition says nothing but the name."""
    if isinstance(condition, EventNamed):
        return True
    node = condition.node if isinstance(condition, RuleForm) else None
    return isinstance(node, Call) and node.function == "=" and _named(condition) is not None


def _named(condition: Form) -> str | None:
    """The only name that a row may have for the condition to be true, if it says so at its top."""
    if isinstance(condition, EventNamed):
        return condition.event
    waiting = [condition.node] if isinstance(condition, RuleForm) else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Call) and node.function == "and":
            waiting.extend(node.args)
        elif isinstance(node, Call) and node.function == "=" and node.args[:1] == (_NAME,):
            value = node.args[1]
            return value.value if isinstance(value, Literal) and isinstance(value.value, str) else None
    return None


_NAME = Name("name", DataType.TEXT)


def _columns(form: AggregateForm) -> frozenset[str]:
    return frozenset[str]().union(*(one.columns for one in (form.value, form.where) if one is not None))


def _known(measure: Measure) -> bool:
    if measure.properties is None:
        return measure.reads <= VIEW_COLUMNS
    return measure.reads <= {AT, DAY, NAME, *OWN_COLUMNS, *measure.properties} - {"customer_id"}


def _timeless(form: AggregateForm) -> bool:
    """Whether nothing in it reads the business date: then a row's part is the same on every day."""
    rules = [one for one in (*_conditions(form.where), form.value) if isinstance(one, RuleForm)]
    return not any(isinstance(node, Today) for rule in rules for node in walk(rule.node))


def _meaning(measure: Measure) -> str:
    form = measure.form
    texts = [_text(one) for one in _conditions(form.where)]
    of = "" if form.value is None else _text(form.value)
    kinds = sorted((measure.properties or {VIEW: DataType.TEXT}).items())
    return repr((form.function.value, form.type.value, of, sorted(texts), form.time, [(n, k.value) for n, k in kinds]))


def _text(form: Form) -> str:
    return repr(form.node) if isinstance(form, RuleForm) else repr(form)


def _conditions(where: Form | None) -> Iterable[Form]:
    if where is None:
        return ()
    return where.conditions if isinstance(where, AllOf) else (where,)


def _test(form: Form) -> Callable[[Mapping[str, Any]], bool]:
    assert isinstance(form, RuleForm), "rows are chosen by names, windows and rules"
    return make_closure(form.node, form.today, test=True)


def _value(form: Form) -> Closure:
    if isinstance(form, RuleForm):
        return make_closure(form.node, form.today)
    assert isinstance(form, ColumnForm), "rows give a rule's value or a column"
    name = form.name
    return lambda row: row[name]
