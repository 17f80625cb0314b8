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
from cultiva.engine.port import AggregateForm, Engine, Files, Form
from cultiva.insight.profile.casts import typed_text
from cultiva.insight.profile.forms import Window, all_of
from cultiva.rules import EventWindow, Scope, compile_rule

if TYPE_CHECKING:
    import ibis

EVENT_COLUMNS = ("customer_id", "source_system", "source_id", "at", "name", "channel")
"""Columns of the event view that the typed events keep, as far as it has them."""


@dataclass(frozen=True)
class WindowColumn:
    """How one hidden column of the profile is made."""

    aggregate: AggregateForm
    """Over the typed events."""
    type: DataType
    """Type of the column."""
    empty: int | None
    """What it is for a customer without such an event."""


@dataclass(frozen=True)
class EventPass:
    """Windows over events whose properties have one type per name."""

    events: tuple[str, ...]
    """Names of the events that are read."""
    properties: Mapping[str, DataType]
    """Properties that are read."""
    columns: Mapping[str, WindowColumn]
    """Hidden column -> how it is made."""


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
    scope = Scope(names={"name": DataType.TEXT, "at": DataType.TIMESTAMP, **properties})
    recent: Form | None = None if window.days is None else Window("at", on, window.days, is_timestamp=True)
    named = compile_rule(f"name = '{window.event}'", Scope(names={"name": DataType.TEXT})).form(on)
    where = all_of((named, recent, None if window.condition is None else window.condition.form(on)))
    if window.function == "event_count":
        return WindowColumn(AggregateForm(AggregateFunction.COUNT, DataType.INTEGER, where=where), DataType.INTEGER, 0)
    text = window.property if window.function == "event_sum" else "days_between(at, today)"
    assert text is not None, "event_sum names a property"
    rule = compile_rule(text, scope)
    summed = window.function == "event_sum"
    function = AggregateFunction.SUM if summed else AggregateFunction.MIN
    type_ = rule.type if summed else DataType.INTEGER
    return WindowColumn(AggregateForm(function, type_, value=rule.form(on), where=where), type_, 0 if summed else None)


def write_typed_events(engine: Engine, files: Files, one: EventPass, folder: Path) -> None:
    """Writes the events that a pass reads, each property in its declared type; null where it does not fit."""
    table = engine.scan(files)
    chosen = table.filter(table["name"].isin(one.events))
    kept = [name for name in EVENT_COLUMNS if name in table.columns and name not in one.properties]
    typed = {name: typed_property(engine, chosen[PROPERTIES], name, kind) for name, kind in one.properties.items()}
    engine.write(chosen.select(*kept, **typed), folder)


PROPERTIES = EVENT.column("properties").name
"""The column with the JSON object."""


def typed_property(engine: Engine, properties: ibis.Value, name: str, kind: DataType) -> ibis.Value:
    """A member of a JSON object in its declared type; null where it is absent or does not fit."""
    return typed_text(_member(engine, properties, name), kind)


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
