"""Event windows of rules: which events they read, with which typed properties, in how few passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.tables import EVENT
from cultiva.contracts.types import DataType
from cultiva.definitions.workspace import Workspace
from cultiva.engine import exact
from cultiva.engine.port import AggregateForm, Engine, Files, Form
from cultiva.insight.profile.casts import typed_text
from cultiva.insight.profile.forms import ColumnForm, Window, aggregate_name, all_of
from cultiva.rules import EventWindow

if TYPE_CHECKING:
    import ibis
    import polars as pl


@dataclass(frozen=True)
class WindowColumn:
    """How one hidden column of the profile is made."""

    aggregate: AggregateForm
    """Over the typed events."""
    type: DataType
    """Type of the column."""
    empty: int | None
    """What it is for a customer without such an event; None: null."""


@dataclass(frozen=True)
class EventPass:
    """Windows over events whose properties have one type per name."""

    events: tuple[str, ...]
    """Names of the events that are read."""
    properties: Mapping[str, DataType]
    """Properties that are read."""
    columns: Mapping[str, WindowColumn]
    """Hidden column -> how it is made."""

    def aggregates(self) -> dict[str, AggregateForm]:
        """The part's columns: one aggregate per window."""
        return {aggregate_name(name): column.aggregate for name, column in self.columns.items()}

    def forms(self) -> dict[str, Form]:
        """The hidden columns, read from the part."""
        return {
            name: ColumnForm(aggregate_name(name), column.type, column.empty) for name, column in self.columns.items()
        }


def event_passes(workspace: Workspace, windows: Sequence[EventWindow], on: date) -> tuple[EventPass, ...]:
    """Groups windows so that in each group every property has one type; nearly always that is one group.

    Args:
        workspace: Its events say the types of their properties.
        windows: The windows of all rules.
        on: Business date.
    """
    groups: list[tuple[list[EventWindow], dict[str, DataType]]] = []
    for window in windows:
        read = _properties(workspace, window)
        home = next((group for group in groups if _agree(group[1], read)), None)
        if home is None:
            home = ([], {})
            groups.append(home)
        home[0].append(window)
        home[1].update(read)
    return tuple(_pass(members, properties, on) for members, properties in groups)


def _properties(workspace: Workspace, window: EventWindow) -> dict[str, DataType]:
    declared = workspace.events[window.event].properties
    read = set() if window.condition is None else set(window.condition.columns)
    read |= {window.property} if window.property is not None else set()
    return {name: declared[name] for name in read if name in declared}


def _agree(one: Mapping[str, DataType], other: Mapping[str, DataType]) -> bool:
    return all(one.get(name, type_) is type_ for name, type_ in other.items())


def _pass(windows: list[EventWindow], properties: dict[str, DataType], on: date) -> EventPass:
    return EventPass(
        events=tuple(sorted({window.event for window in windows})),
        properties=properties,
        columns={window.column: _window_column(window, properties, on) for window in windows},
    )


def _window_column(window: EventWindow, properties: Mapping[str, DataType], on: date) -> WindowColumn:
    named = EventNamed(window.event)
    recent: Form | None = None if window.days is None else Window(AT, on, window.days, is_timestamp=True)
    where = all_of((named, recent, None if window.condition is None else window.condition.form(on)))
    if window.function == "event_count":
        return WindowColumn(AggregateForm(AggregateFunction.COUNT, DataType.INTEGER, where=where), window.type, 0)
    if window.function == "event_sum":
        assert window.property is not None, "event_sum names a property"
        value: Form = ColumnForm(window.property, properties[window.property])
        return WindowColumn(AggregateForm(AggregateFunction.SUM, DataType.NUMBER, value, where), window.type, 0)
    day = ColumnForm(DAY, DataType.DATE)
    return WindowColumn(AggregateForm(AggregateFunction.MAX, DataType.DATE, day, where), window.type, None)


@dataclass(frozen=True)
class EventNamed:
    """Whether a typed event has this name."""

    event: str
    """The name."""
    type: DataType = DataType.BOOLEAN
    """Boolean."""

    @property
    def columns(self) -> frozenset[str]:
        """The column with the event's name."""
        return frozenset((NAME,))

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        return table[NAME] == self.event

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        import polars as pl

        return pl.col(NAME) == self.event


MONEY_END = 1e15
"""Amounts from here on are not money: they do not fit, and a double has no cents there."""
AT, DAY, NAME = "event__at", "event__day", "event__name"
"""Columns of the typed events, named apart from every property."""
OWN_COLUMNS = ("customer_id", "source_system", "source_id", "channel")
"""Columns of the event view that the typed events keep as they are; conditions may read the channel."""


def write_typed_events(engine: Engine, files: Files, one: EventPass, folder: Path) -> None:
    """Writes the events that a pass reads, each property in its declared type; null where it does not fit."""
    table = engine.scan(files)
    chosen = table.filter(table["name"].isin(one.events))
    kept = [name for name in OWN_COLUMNS if name in table.columns]
    typed = {
        name: typed_property(engine, chosen[PROPERTIES], name, kind)
        for name, kind in one.properties.items()
        if name not in OWN_COLUMNS
    }
    times = {AT: chosen["at"], DAY: chosen["at"].date(), NAME: chosen["name"]}
    engine.write(chosen.select(*kept, **times, **typed), folder)


PROPERTIES = EVENT.column("properties").name
"""The column with the JSON object."""


def typed_property(engine: Engine, properties: ibis.Value, name: str, kind: DataType) -> ibis.Value:
    """A member of a JSON object in its declared type; null where it is absent or does not fit.

    Money is rounded to the cent, half away from zero: left to each engine, a cast would round as each of them does.
    """
    value = typed_text(_member(engine, properties, name), kind)
    if kind is DataType.MONEY:
        return exact.money_ibis(exact.cents_ibis(_within(value)))
    return value


def _within(amount: ibis.Value) -> ibis.Value:
    """An amount that money can hold; null beyond."""
    import ibis

    return ibis.ifelse(amount.abs() < MONEY_END, amount, ibis.null("float64"))


def _member(engine: Engine, properties: ibis.Value, name: str) -> ibis.Value:
    """The member as text. The engines have the same function under two names."""
    import ibis

    @ibis.udf.scalar.builtin(name="json_extract_string", signature=(("string", "string"), "string"))
    def of_duckdb(text: Any, path: Any) -> Any: ...

    @ibis.udf.scalar.builtin(name="json_valid", signature=(("string",), "boolean"))
    def is_json(text: Any) -> Any: ...

    @ibis.udf.scalar.builtin(name="get_json_object", signature=(("string", "string"), "string"))
    def of_spark(text: Any, path: Any) -> Any: ...

    if engine.name == "spark":
        return of_spark(properties, f"$.{name}")
    return of_duckdb(ibis.ifelse(is_json(properties), properties, ibis.null("string")), f"$.{name}")
