"""The quarantine: bad rows with their source, place, key, broken contract and value, personal values masked."""

from __future__ import annotations

from collections.abc import Sequence

from cultiva.contracts.types import Column, DataType, TableSchema
from cultiva.insight.sources.arrivals import CHANGED, CLASS, CONFLICT, TOO_LATE, late_reason
from cultiva.insight.sources.delivery import MAPPING, Census, Delivery
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.erased import ERASED
from cultiva.insight.sources.result import BrokenContract
from cultiva.insight.sources.row_contract import FAULT, JudgedMapping
from cultiva.insight.sources.sql import FILE, ROW, ident, idents, literal, literals

EMPTY = "''"
"""SQL of an empty text."""
VALUE_LENGTH_MAX = 80
"""Longer values are cut."""

QUARANTINE = TableSchema(
    name="quarantine",
    doc="rows that were delivered and not taken, with the first contract that each breaks",
    key=(),
    columns=(
        Column("table", DataType.TEXT, doc="the canonical table that the row was meant for"),
        Column("mapping", DataType.TEXT, doc="the mapping through which it came"),
        Column("file", DataType.TEXT, doc="the file or query; null for the result of a SELECT"),
        Column("record", DataType.INTEGER, doc="number of the record in the file, without the header; null if unknown"),
        Column("key", DataType.TEXT, doc="the row's key, its parts separated by a slash"),
        Column("rule", DataType.TEXT, doc="the first contract that it breaks"),
        Column("column", DataType.TEXT, doc="the column concerned"),
        Column("value", DataType.TEXT, doc="the value delivered, cut and, if personal, masked"),
        Column("reason", DataType.TEXT, doc="what was allowed"),
        Column("also", DataType.TEXT, doc="further contracts that it breaks"),
    ),
)
"""The lake table."""


def open_quarantine(desk: Desk) -> None:
    """Makes the table that collects the bad rows of a run."""
    columns = ", ".join(
        f"{ident(c.name)} {'BIGINT' if c.type is DataType.INTEGER else 'VARCHAR'}" for c in QUARANTINE.columns
    )
    desk.run(f"CREATE TABLE quarantine ({columns})")


def quarantine_broken(desk: Desk, delivery: Delivery, census: Census, *, limit: int | None = None) -> None:
    """Puts aside rows that break a contract, and records that could not be read.

    Args:
        desk: Has the quarantine.
        delivery: The rows.
        census: Has set them aside.
        limit: Only so many of each mapping, as examples, where the run stops anyway.
    """
    ending = "" if limit is None else f" LIMIT {limit}"
    for number, one in enumerate(delivery.mappings):
        if not census.quarantined(number):
            continue
        _insert(desk, delivery, one, _broken(delivery, one, census.odd[number]) + ending)
        inputs = literals(one.relation.inputs)
        desk.run(
            f"INSERT INTO quarantine SELECT {literal(delivery.schema.name)}, {literal(one.mapping.name)}, shown, "
            f"record, NULL, rule, '', NULL, reason, '' FROM rejected WHERE input IN ({inputs}){ending}"
        )


def quarantine_arrivals(desk: Desk, delivery: Delivery, rows: str, *, limit: int | None = None) -> None:
    """Puts aside rows that say something else than an earlier row of their key, and rows that come too late.

    Args:
        desk: Has the quarantine.
        delivery: The rows' delivery.
        rows: Relation with `__class`.
        limit: As for `quarantine_broken`.
    """
    ending = "" if limit is None else f" LIMIT {limit}"
    kept = "first" if delivery.is_fact else "last"
    for number, one in enumerate(delivery.mappings):
        reasons = {
            CONFLICT: f"one row per key; the {kept} one was kept",
            CHANGED: "the content that was published on an earlier date",
            TOO_LATE: late_reason(delivery, number),
        }
        reason = " ".join(f"WHEN {literal(name)} THEN {literal(text)}" for name, text in reasons.items())
        time = ident(delivery.schema.time or delivery.schema.key[0])
        late = literal(TOO_LATE)
        _insert(
            desk,
            delivery,
            one,
            f"SELECT {FILE}, {ROW}, {_key(delivery.schema)} AS key, {CLASS} AS rule, "
            f"CASE {CLASS} WHEN {late} THEN {literal(delivery.schema.time or '')} "
            f"ELSE {literal(', '.join(delivery.schema.key))} END AS concerned, "
            f"CASE {CLASS} WHEN {late} THEN CAST({time} AS VARCHAR) END AS value, "
            f"CASE {CLASS} {reason} END AS reason, '' AS also FROM {ident(rows)} "
            f"WHERE {MAPPING} = {number} AND {CLASS} IN ({literals(reasons)}){ending}",
        )


def _insert(desk: Desk, delivery: Delivery, one: JudgedMapping, found: str) -> None:
    """Adds what was found, with the file's name and the record's number counted over rejected records too."""
    files = f"[{literals(one.relation.files)}]" if one.relation.files else "[NULL]"
    rejected = (
        f"SELECT file, record - place AS passed, max(place) AS place FROM rejected "
        f"WHERE input IN ({literals(one.relation.inputs)}) GROUP BY ALL"
    )
    desk.run(
        f"INSERT INTO quarantine SELECT {literal(delivery.schema.name)}, {literal(one.mapping.name)}, "
        f"CAST({files}[found.{FILE} + 1] AS VARCHAR), found.{ROW} + coalesce(r.place, 0), found.key, rule, concerned, "
        f"value, reason, also FROM ({found}) AS found ASOF LEFT JOIN ({rejected}) AS r "
        f"ON found.{FILE} = r.file AND found.{ROW} > r.passed"
    )


def _broken(delivery: Delivery, one: JudgedMapping, odd: str) -> str:
    rules = f"[{literals(contract.rule for contract in one.contracts)}]"
    columns = f"[{literals(contract.column for contract in one.contracts)}]"
    reasons = f"[{literals(contract.reason for contract in one.contracts)}]"
    named = f"[{literals(f'{contract.rule} {contract.column}'.strip() for contract in one.contracts)}]"
    others = f"list_transform(list_filter({one.faults_of_row}, x -> x <> {FAULT}), x -> {named}[x])"
    also = _unless_erased(one, f"array_to_string({others}, '; ')", EMPTY)
    return (
        f"SELECT {FILE}, {_unless_erased(one, ROW)} AS {ROW}, {_unless_erased(one, _key(delivery.schema))} AS key, "
        f"{rules}[{FAULT}] AS rule, "
        f"{columns}[{FAULT}] AS concerned, {_value(delivery.schema, one)} AS value, {reasons}[{FAULT}] AS reason, "
        f"{also} AS also FROM {ident(odd)} WHERE {FAULT} IS NOT NULL"
    )


def _unless_erased(one: JudgedMapping, value: str, otherwise: str = "NULL") -> str:
    """SQL of a value, which is not told of rows about erased people: neither who they are nor where they stand."""
    numbers = [str(number) for number, contract in enumerate(one.contracts, start=1) if contract.rule == ERASED]
    return f"CASE WHEN {FAULT} IN ({', '.join(numbers)}) THEN {otherwise} ELSE {value} END" if numbers else value


def _key(schema: TableSchema) -> str:
    parts = ", ".join(f"coalesce(CAST({ident(name)} AS VARCHAR), '?')" for name in schema.key)
    return f"concat_ws('/', {parts})" if parts else "NULL::VARCHAR"


def _value(schema: TableSchema, one: JudgedMapping) -> str:
    """SQL of the value to show, by the number of the broken contract."""
    shown = {plan.column.name: _shown(plan.column, ident(plan.raw)) for plan in one.plans if plan.delivered}
    whens = []
    for name, sql in shown.items():
        numbers = [str(n) for n, contract in enumerate(one.contracts, start=1) if contract.column == name]
        if numbers:
            whens.append(f"WHEN {FAULT} IN ({', '.join(numbers)}) THEN {sql}")
    for number, contract in enumerate(one.contracts, start=1):
        names = contract.column.split(", ")
        if len(names) > 1 or contract.column not in shown:
            parts = [_labelled(schema, name) for name in names if name]
            if parts:
                whens.append(f"WHEN {FAULT} = {number} THEN concat_ws(', ', {', '.join(parts)})")
    return f"CAST(CASE {' '.join(whens)} END AS VARCHAR)" if whens else "NULL::VARCHAR"


def _labelled(schema: TableSchema, name: str) -> str:
    return f"{literal(name + '=')} || coalesce({_shown(schema.column(name), ident(name))}, 'null')"


def _shown(column: Column, value: str) -> str:
    """SQL of a value as people may see it."""
    text = f"CAST({value} AS VARCHAR)"
    return f"left({text}, 1) || '***'" if column.personal else f"left({text}, {VALUE_LENGTH_MAX})"


def examples(desk: Desk, table: str, contract: BrokenContract, *, count: int = 3) -> Sequence[str]:
    """A few rows that broke a contract, in words."""
    rows = desk.rows(
        f"SELECT DISTINCT file, record, key, value FROM quarantine WHERE {ident('table')} = {literal(table)} "
        f"AND mapping = {literal(contract.mapping)} AND rule = {literal(contract.rule)} "
        f"AND {ident('column')} = {literal(contract.column)} ORDER BY ALL LIMIT {count}"
    )
    return [_in_words(*row) for row in rows]


def _in_words(file: str | None, record: int | None, key: str | None, value: str | None) -> str:
    place = f"record {record}" if record else ""
    where = " of ".join(part for part in (place, file or "") if part)
    parts = [where, f"key {key}" if key else "", f"value {value!r}" if value is not None else ""]
    return " ".join(part for part in parts if part) or "(no place known)"


def quarantine_query() -> str:
    """SQL of the quarantine, in a fixed order."""
    return f"SELECT {idents(QUARANTINE.names)} FROM quarantine ORDER BY ALL"
