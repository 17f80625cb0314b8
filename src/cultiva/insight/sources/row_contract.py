"""The contract of a mapping's rows as one SQL statement: the typed row, and the first contract that it breaks.

Every way to break it has a number. The statement gives each row the number of the first one, or null; good rows are
those with null. Details of bad rows are asked for afterwards, and only for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cultiva.contracts.types import Column, DataType, TableSchema
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.engine.types import STORED
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.erased import ALLOWED, ERASED, about_erased, without_mentions
from cultiva.insight.sources.inputs import Relation
from cultiva.insight.sources.plan import ColumnPlan
from cultiva.insight.sources.sql import FILE, ROW, ident, literal, literals
from cultiva.rules import Rule, Scope, compile_rule

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
"""Dates outside are not plausible."""
AHEAD_MAX = timedelta(days=731)
"""In a delivery made for a date, a row that begins later than this after it is a fault.

A row that begins after the business date otherwise does not exist yet: a file may hold the bank's whole history."""
FAULT, FUTURE = "__fault", "__future"
"""Columns of judged rows: number of the first broken contract, and whether the row does not exist yet."""


@dataclass(frozen=True)
class Contract:
    """One way in which a row may be bad."""

    rule: str
    """Its name in the quarantine."""
    column: str
    """The column concerned; empty for a rule over the row."""
    reason: str
    """What is wrong, or what was allowed."""


@dataclass(frozen=True)
class _Clause:
    """A condition under which a row is bad, and SQL of the contract's number."""

    condition: str
    number: str


@dataclass(frozen=True)
class JudgedMapping:
    """The rows of one mapping, typed and judged."""

    mapping: TableMapping
    """What the workspace says."""
    relation: Relation
    """Where the rows come from."""
    view: str
    """View of all columns with `__fault`, `__future`, `__file`, `__row` and the delivered values."""
    contracts: tuple[Contract, ...]
    """By their number, from 1."""
    faults_of_row: str
    """SQL of the list of all numbers of contracts that a row breaks."""
    plans: tuple[ColumnPlan, ...]
    """How each column was made."""


class _Numbering:
    """Gives contracts their numbers."""

    def __init__(self) -> None:
        self.contracts: list[Contract] = []
        self.clauses: list[_Clause] = []

    def add(self, condition: str, contract: Contract) -> None:
        """A contract broken under a condition."""
        self.clauses.append(_Clause(condition, self._number(contract)))

    def add_cases(self, guard: str, cases: Sequence[tuple[str, Contract]]) -> None:
        """Contracts of which the first whose condition holds is broken where the guard holds."""
        whens = " ".join(f"WHEN {condition} THEN {self._number(contract)}" for condition, contract in cases)
        self.clauses.append(_Clause(guard, f"CASE {whens} END"))

    def _number(self, contract: Contract) -> str:
        self.contracts.append(contract)
        return str(len(self.contracts))


def judge(  # noqa: PLR0913  (what a judgement rests on)
    desk: Desk,
    mapping: TableMapping,
    schema: TableSchema,
    relation: Relation,
    plans: tuple[ColumnPlan, ...],
    on: date,
    *,
    erased: frozenset[str] = frozenset(),
) -> JudgedMapping:
    """Makes the view of a mapping's rows, typed and judged.

    Args:
        desk: Where the view is made.
        mapping: What the workspace says; its rules are part of the contract.
        schema: The table with extra columns.
        relation: The rows delivered.
        plans: How each column is made.
        on: The business date.
        erased: Kinds of tombstones that the desk has; their contract comes before all others.

    Raises:
        RuleErrors: if a rule of the mapping is wrong.
    """
    numbering = _Numbering()
    if about := about_erased(schema, erased):
        numbering.add(about, Contract(ERASED, "", ALLOWED))
    for plan in plans:
        _column_contracts(numbering, plan, schema, relation, on)
    typed = _typed_view(desk, relation, plans)
    rules = {f"__rule_{number}": rule for number, rule in enumerate(_rules(mapping, schema))}
    for name, rule in rules.items():
        named = mapping.rules[int(name.removeprefix("__rule_"))].name
        numbering.add(f"NOT {name}", Contract(named, ", ".join(sorted(rule.columns)), f"must hold: {rule.text}"))
    ruled = _ruled_view(desk, typed, rules, schema, on) if rules else typed
    chain = " ".join(f"WHEN {clause.condition} THEN {clause.number}" for clause in numbering.clauses)
    fault = f"CASE {chain} END" if chain else "NULL"
    begins = f"coalesce(CAST({ident(schema.begins)} AS DATE) > {literal(on)}, false)" if schema.begins else "false"
    judged = desk.new_name()
    desk.run(
        f"CREATE TEMP VIEW {ident(judged)} AS "
        f"SELECT *{without_mentions(schema, erased)}, CAST({fault} AS INTEGER) AS {FAULT}, {begins} AS {FUTURE} "
        f"FROM {ident(ruled)}"
    )
    every = ", ".join(f"CASE WHEN {clause.condition} THEN {clause.number} END" for clause in numbering.clauses)
    listed = f"list_filter([{every}], x -> x IS NOT NULL)" if every else "[]"
    return JudgedMapping(mapping, relation, judged, tuple(numbering.contracts), listed, plans)


def _typed_view(desk: Desk, relation: Relation, plans: Sequence[ColumnPlan]) -> str:
    """Three layers: delivered values, values through code maps, typed values."""
    delivered = [f"{plan.delivered} AS {ident(plan.raw)}" for plan in plans if plan.delivered]
    mapped = [f"{plan.mapped} AS {ident(plan.below)}" for plan in plans if plan.mapped]
    typed = [f"{plan.value} AS {ident(plan.column.name)}" for plan in plans]
    view = desk.new_name()
    first = f"SELECT {', '.join([*delivered, FILE, ROW])} FROM {relation.quoted}"
    second = f"SELECT {', '.join(['*', *mapped])} FROM ({first})"
    desk.run(f"CREATE TEMP VIEW {ident(view)} AS SELECT {', '.join([*typed, '*'])} FROM ({second})")
    return view


def _column_contracts(
    numbering: _Numbering, plan: ColumnPlan, schema: TableSchema, relation: Relation, on: date
) -> None:
    column, value, below = plan.column, ident(plan.column.name), ident(plan.below)

    def add(condition: str, rule: str, reason: str) -> None:
        numbering.add(condition, Contract(rule, column.name, reason))

    if plan.unmapped:
        add(plan.unmapped, "code", "a code of the mapping's `codes`")
    if plan.failures:
        cases = [(failure.condition, Contract(failure.rule, column.name, failure.reason)) for failure in plan.failures]
        unmapped = f" AND NOT ({plan.unmapped})" if plan.unmapped else ""
        numbering.add_cases(f"{value} IS NULL AND {below} IS NOT NULL{unmapped}", cases)
    if column.required or column.name in schema.key:
        missing = f"{value} IS NULL" + (f" AND {ident(plan.raw)} IS NULL" if plan.delivered and not plan.mapped else "")
        add(missing, "required", "a value: the column must not be empty")
    for condition, rule, reason in _value_contracts(column, schema, relation, on):
        add(condition, rule, reason)


def _value_contracts(column: Column, schema: TableSchema, relation: Relation, on: date) -> list[tuple[str, str, str]]:
    """Contracts of a typed value: condition, rule, reason."""
    value = ident(column.name)
    found = []
    if column.type is DataType.TEXT and relation.nul:
        found.append((f"contains({value}, chr(0))", "nul", "text without NUL characters"))
    if column.codes:
        found.append((f"{value} NOT IN ({literals(column.codes)})", "code", f"one of {', '.join(column.codes)}"))
    if column.minimum is not None:
        found.append((f"{value} < {column.minimum!r}", "minimum", f"at least {column.minimum:g}"))
    if column.type in (DataType.DATE, DataType.TIMESTAMP):
        outside = f"CAST({value} AS DATE) NOT BETWEEN {literal(FIRST_DAY)} AND {literal(LAST_DAY)}"
        found.append((outside, "year", f"a day from {FIRST_DAY} to {LAST_DAY}"))
        if column.past:
            found.append((f"CAST({value} AS DATE) > {literal(on)}", "future", f"a day up to {on}"))
        if column.name == schema.begins and relation.dated:
            latest = on + AHEAD_MAX
            found.append((f"CAST({value} AS DATE) > {literal(latest)}", "future", f"a day up to {latest}"))
    return found


def _rules(mapping: TableMapping, schema: TableSchema) -> list[Rule]:
    scope = Scope({column.name: column.type for column in schema.columns})
    return [compile_rule(rule.rule, scope, expected=DataType.BOOLEAN) for rule in mapping.rules]


def _ruled_view(desk: Desk, typed: str, rules: dict[str, Rule], schema: TableSchema, on: date) -> str:
    """The typed rows with one boolean column per rule, from the rule language's own Ibis form."""
    import ibis

    names = {column.name: STORED[column.type].ibis for column in schema.columns}
    others = [name for name in desk.columns(f"SELECT * FROM {ident(typed)}") if name not in names]
    table = ibis.table({**names, **dict.fromkeys(others, "string")}, name=typed)  # the others only pass through
    ruled = table.mutate(**{name: rule.form(on).ibis(table) for name, rule in rules.items()})
    view = desk.new_name()
    desk.run(f"CREATE TEMP VIEW {ident(view)} AS {ibis.to_sql(ruled, dialect='duckdb')}")
    return view
