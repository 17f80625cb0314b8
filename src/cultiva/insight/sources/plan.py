"""What a mapping means for each canonical column: where its value comes from and how it is cast."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cultiva.contracts.types import Column, DataType, TableSchema
from cultiva.definitions.sources import ColumnMapping, FileFormat
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.engine.types import STORED
from cultiva.insight.sources.casts import Cast, Failure, Kind, Origin, cast, kind_of
from cultiva.insight.sources.inputs import Relation
from cultiva.insight.sources.sql import ident, literal, literals
from cultiva.kit.errors import Fault, Faults, did_you_mean

_NUMERIC = (DataType.INTEGER, DataType.NUMBER, DataType.MONEY)


@dataclass(frozen=True)
class ColumnPlan:
    """How one canonical column is made. SQL in three layers: delivered, mapped through codes, typed."""

    column: Column
    """The canonical column."""
    delivered: str | None
    """Over the input; None: not delivered."""
    mapped: str | None
    """Over the delivered value; None if there is no code map."""
    unmapped: str | None
    """True where the code map lacks a code; None if that cannot be."""
    value: str
    """Over the layer below."""
    failures: tuple[Failure, ...]
    """Why the value may be null although something was delivered."""

    @property
    def raw(self) -> str:
        """Name of the delivered value."""
        return f"__raw_{self.column.name}"

    @property
    def below(self) -> str:
        """Name of what is cast: the mapped value if there is a code map."""
        return f"__mapped_{self.column.name}" if self.mapped else self.raw


def plan_columns(
    mapping: TableMapping, schema: TableSchema, relation: Relation, timezone: str
) -> tuple[ColumnPlan, ...]:
    """The plans of all columns of a table.

    Args:
        mapping: What the workspace says.
        schema: The canonical columns and the mapping's extra ones.
        relation: The input, or the result of the SELECT.
        timezone: The bank's.

    Raises:
        Faults: if a column is unknown, a required one is missing, or a type never becomes the canonical one.
    """
    if mapping.select is not None:
        sources: dict[str, ColumnMapping] = {
            name: ColumnMapping.model_validate({"from": name}) for name in relation.columns
        }
    else:
        sources = {name: _as_mapping(source) for name, source in mapping.columns.items()}
    faults = [*_unknown(mapping, schema, sources), *_absent(mapping, schema, sources)]
    plans = [_plan(column, sources.get(column.name), relation, timezone) for column in schema.columns]
    faults += [
        _uncastable(mapping, column, relation, sources)
        for column, plan in zip(schema.columns, plans, strict=True)
        if not plan
    ]
    if faults:
        raise Faults(faults, what=f"mapping {mapping.name}")
    return tuple(plan for plan in plans if plan)


def delivered_columns(mapping: TableMapping) -> tuple[str, ...]:
    """Input columns that a mapping without SELECT reads."""
    sources = (_as_mapping(source).source for source in mapping.columns.values())
    return tuple(dict.fromkeys(name for name in sources if name is not None))


def _as_mapping(source: str | ColumnMapping) -> ColumnMapping:
    return ColumnMapping.model_validate({"from": source}) if isinstance(source, str) else source


def _plan(column: Column, source: ColumnMapping | None, relation: Relation, timezone: str) -> ColumnPlan | None:
    stored = STORED[column.type].duckdb
    if source is None:
        return ColumnPlan(column, None, None, None, f"CAST(NULL AS {stored})", ())
    if source.source is None:
        constant = source.value if source.value is None or isinstance(source.value, bool | str) else str(source.value)
        text = literal(str(constant).lower() if isinstance(constant, bool) else constant)
        found = cast(Origin(f"{text}::VARCHAR", Kind.TEXT, source.format, timezone), column.type)
        return ColumnPlan(column, None, None, None, found.sql, ()) if found else None
    return _delivered(column, source, relation, timezone)


def _delivered(column: Column, source: ColumnMapping, relation: Relation, timezone: str) -> ColumnPlan | None:
    name = source.source or ""
    kind = kind_of(relation.columns[name])
    raw, mapped = ident(f"__raw_{column.name}"), ident(f"__mapped_{column.name}")
    through, unmapped = _code_map(source, Origin(raw, kind, timezone=timezone))
    origin = Origin(mapped if through else raw, Kind.TEXT if through else kind, source.format, timezone)
    found: Cast | None = cast(origin, column.type)
    if found is None:
        return None
    delivered = _plain(ident(name), kind, column, relation.form)
    return ColumnPlan(column, delivered, through, unmapped, found.sql, found.failures)


def _plain(value: str, kind: Kind, column: Column, form: FileFormat) -> str:
    """The delivered value without NaN, and numbers in text without a bank's own marks."""
    if kind is Kind.FLOAT:
        return f"CASE WHEN NOT isnan({value}) THEN {value} END"
    if kind is Kind.TEXT and column.type in _NUMERIC:
        if form.thousands:
            value = f"replace({value}, {literal(form.thousands)}, '')"
        if form.decimal != ".":
            value = f"replace({value}, {literal(form.decimal)}, '.')"
    return value


def _code_map(source: ColumnMapping, origin: Origin) -> tuple[str | None, str | None]:
    """SQL of the mapped value, and of the condition that a code is not in the map."""
    text = cast(origin, DataType.TEXT)
    if not source.codes or text is None:
        return None, None
    whens = " ".join(f"WHEN {literal(code)} THEN {literal(to or None)}" for code, to in source.codes.items() if code)
    known = literals(code for code in source.codes if code)
    null = f"WHEN {origin.sql} IS NULL THEN {literal(source.codes.get('') or None)} "
    other = f"CASE {text.sql} {whens} ELSE {literal(source.otherwise)} END" if whens else literal(source.otherwise)
    mapped = f"CAST(CASE {null}ELSE {other} END AS VARCHAR)"
    if source.otherwise is not None:
        return mapped, None
    return mapped, f"{origin.sql} IS NOT NULL" + (f" AND {text.sql} NOT IN ({known})" if known else "")


def _unknown(mapping: TableMapping, schema: TableSchema, sources: Mapping[str, ColumnMapping]) -> list[Fault]:
    return [
        Fault(
            f"sources/ mapping {mapping.name}",
            0,
            0,
            "sources.unknown_column",
            f"table {schema.name} has no such column",
            seen=name,
            allowed=", ".join(schema.names),
            hint=did_you_mean(name, schema.names) or "declare it in extra_columns, or leave it out",
        )
        for name in sources
        if name not in schema.names
    ]


def _absent(mapping: TableMapping, schema: TableSchema, sources: Mapping[str, ColumnMapping]) -> list[Fault]:
    needed = [column.name for column in schema.columns if column.required or column.name in schema.key]
    return [
        Fault(
            f"sources/ mapping {mapping.name}",
            0,
            0,
            "sources.required_column",
            f"table {schema.name} needs a column that the mapping does not give",
            seen=", ".join(sources) or "no columns",
            allowed=f"{name}, always",
            hint=f"map {name}, or give it a constant `value`",
        )
        for name in needed
        if name not in sources
    ]


def _uncastable(
    mapping: TableMapping, column: Column, relation: Relation, sources: Mapping[str, ColumnMapping]
) -> Fault:
    source = sources[column.name].source
    seen = relation.columns[source] if source else "a constant"
    shown = re.sub(r"\s+", " ", seen)[:80]
    return Fault(
        ", ".join(relation.files[:1]) or f"sources/ mapping {mapping.name}",
        0,
        0,
        "sources.wrong_type",
        f"column {source or column.name} cannot become {column.name} of mapping {mapping.name}",
        seen=shown,
        allowed=f"something that can be read as {column.type.value}",
        hint="map another column, or cast it in a SELECT",
    )
