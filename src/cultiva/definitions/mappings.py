"""Sources: inputs that exist, mappings that fill the canonical columns, variables that have a value."""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from cultiva.contracts.tables import CANONICAL
from cultiva.contracts.types import Column, DataType, TableSchema
from cultiva.definitions.constants import misfit
from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft, Origin
from cultiva.definitions.references import shortened
from cultiva.definitions.settings import used_variables
from cultiva.definitions.sources import ColumnMapping, Mapping
from cultiva.kit.errors import Fault, did_you_mean

PARTY = "party"
"""The one table without which there are no customers."""


def check_sources(draft: Draft) -> Iterator[Fault]:
    """Faults of inputs and mappings."""
    yield from _variable_faults(draft)
    for mapping in draft.workspace.sources.tables:
        origin = draft.origin("mapping", f"{mapping.table}.{mapping.name}")
        yield from _table_faults(mapping, origin)
        yield from _input_faults(draft, mapping, origin)
        yield from (_select_faults if mapping.select else _column_faults)(mapping, origin)
    mapped = {mapping.table for mapping in draft.workspace.sources.tables}
    if PARTY not in mapped and not draft.is_doubtful("mapping", PARTY):
        yield _no_party(draft)


def _no_party(draft: Draft) -> Fault:
    files = [
        origin.document.file for (kind, _), origin in draft.readings.origins.items() if kind in ("input", "mapping")
    ]
    file = files[0] if files else draft.origin("settings", "cultiva.toml").document.file
    message = "no mapping feeds the table party, so there are no customers"
    return Fault(
        file, 0, 0, "definitions.no_party", message, hint="map at least one source system's customers to party"
    )


def _variable_faults(draft: Draft) -> Iterator[Fault]:
    known = draft.workspace.settings.vars
    if "settings" in draft.readings.unreadable:
        return
    for use in used_variables(draft.workspace.sources):
        if use.variable in known:
            continue
        origin = draft.origin(use.kind, use.name)
        line, column = origin.text_place((use.field,), use.line, use.column)
        yield Fault(
            origin.document.file,
            line,
            column,
            "definitions.no_value",
            f"${{{use.variable}}} has no value",
            seen=use.variable,
            allowed=", ".join(sorted(known)) or "no variables are set",
            hint=did_you_mean(use.variable, known)
            or f"--set {use.variable}=..., or set it under [vars] in cultiva.toml",
        )


def _table_faults(mapping: Mapping, origin: Origin) -> Iterator[Fault]:
    if mapping.table in CANONICAL:
        taken = [name for name in mapping.extra_columns if name in CANONICAL[mapping.table].names]
        for name in taken:
            message = f"'{name}' is a canonical column of {mapping.table} already"
            yield origin.fault(
                ("extra_columns", name), "reserved_name", message, on_key=True, seen=name, hint="rename it"
            )
    elif not mapping.extra_columns:
        yield origin.fault(
            ("table",),
            "unknown_table",
            f"unknown canonical table '{mapping.table}'",
            seen=mapping.table,
            allowed=", ".join(CANONICAL),
            hint=did_you_mean(mapping.table, CANONICAL) or "a table of the bank's own declares its extra_columns",
        )


def _input_faults(draft: Draft, mapping: Mapping, origin: Origin) -> Iterator[Fault]:
    inputs = sorted(found.name for found in draft.workspace.sources.inputs)
    if mapping.source is None or mapping.source in inputs or draft.is_doubtful("input", mapping.source):
        return
    allowed, hint = shortened(inputs), did_you_mean(mapping.source, inputs)
    message = f"unknown input '{mapping.source}'"
    yield origin.fault(("from",), "unknown_input", message, seen=mapping.source, allowed=allowed, hint=hint)


def _columns(mapping: Mapping) -> dict[str, Column]:
    own = {name: Column(name, kind) for name, kind in mapping.extra_columns.items()}
    canonical = CANONICAL.get(mapping.table, TableSchema("", (), ()))
    return {**own, **{column.name: column for column in canonical.columns}}


def _column_faults(mapping: Mapping, origin: Origin) -> Iterator[Fault]:
    columns = _columns(mapping)
    if not columns:
        return
    for name, source in mapping.columns.items():
        loc: Loc = ("columns", name)
        if name not in columns:
            yield _unknown_column(mapping, origin, loc, name)
        elif isinstance(source, ColumnMapping):
            yield from _made_faults(columns[name], source, origin, loc)
    yield from _unmapped(mapping, set(mapping.columns), origin, ("columns",))


def _unknown_column(mapping: Mapping, origin: Origin, loc: Loc, name: str) -> Fault:
    known = list(_columns(mapping))
    hint = did_you_mean(name, known) or "declare it under extra_columns to keep it"
    message = f"'{name}' is no column of {mapping.table}"
    return origin.fault(loc, "unknown_column", message, on_key=True, seen=name, allowed=", ".join(known), hint=hint)


def _unmapped(mapping: Mapping, mapped: set[str], origin: Origin, loc: Loc) -> Iterator[Fault]:
    for column in _columns(mapping).values():
        if (column.required and column.name not in mapped) or (
            column.name in mapping.extra_columns and column.name not in mapped
        ):
            message = f"the column '{column.name}' of {mapping.table} is not mapped"
            hint = f"add {column.name}: to columns" if loc == ("columns",) else f"select ... as {column.name}"
            yield origin.fault(loc, "unmapped_column", message, on_key=True, seen="nothing", hint=hint)


def _made_faults(column: Column, source: ColumnMapping, origin: Origin, loc: Loc) -> Iterator[Fault]:
    """Faults of one column's mapping: where it comes from, its codes and constants."""
    if (source.source is None) == (source.value is None):
        message = "a column is made from exactly one of from and value"
        yield origin.fault(loc, "column_source", message, hint="give from: INPUT_COLUMN, or value: CONSTANT")
    if source.format is not None and column.type not in (DataType.DATE, DataType.TIMESTAMP):
        message = f"format is for dates and timestamps; '{column.name}' is {column.type.value}"
        yield origin.fault((*loc, "format"), "column_format", message, on_key=True, hint="remove format")
    if source.value is not None and (wanted := misfit(source.value, column.type, source.format)):
        message = f"the constant cannot become {column.name}, which is {column.type.value}"
        hint = "mend the constant, or leave the column out"
        yield origin.fault((*loc, "value"), "constant_type", message, seen=source.value, allowed=wanted, hint=hint)
    if not column.codes:
        return
    made = {(*loc, "codes", code): meaning for code, meaning in source.codes.items()}
    for name, text in (("otherwise", source.otherwise), ("value", source.value)):
        if text is not None:
            made[*loc, name] = str(text)
    for place, code in made.items():
        if code not in column.codes:
            allowed, hint = ", ".join(column.codes), did_you_mean(code, column.codes)
            message = f"'{code}' is no code of {column.name}"
            yield origin.fault(place, "unknown_code", message, seen=code, allowed=allowed, hint=hint)


def _select_faults(mapping: Mapping, origin: Origin) -> Iterator[Fault]:
    """Faults of a SELECT: it must be one, and give the required columns, as far as its text tells."""
    try:
        query = sqlglot.parse_one(mapping.select or "", dialect="duckdb")
    except SqlglotError as error:
        found = getattr(error, "errors", None) or [{}]
        seen = str(found[0].get("highlight") or "")
        end = int(found[0].get("col") or 1)  # SQLGlot gives the column of the token's end
        line, column = origin.text_place(("select",), found[0].get("line") or 1, max(end - len(seen) + 1, 1))
        message = f"not a SELECT: {found[0].get('description') or 'it cannot be read'}"
        yield Fault(origin.document.file, line, column, "definitions.select", message, seen, "DuckDB SQL")
        return
    if not isinstance(query, exp.Query):
        yield origin.fault(("select",), "select", "not a SELECT", allowed="one SELECT over the inputs, in DuckDB SQL")
        return
    if query.is_star:
        return
    names = query.named_selects
    for name in names:
        if name and _columns(mapping) and name not in _columns(mapping):
            yield _unknown_column(mapping, origin, ("select",), name)
    yield from _unmapped(mapping, set(names), origin, ("select",))
