"""Population: the profile compressed to one row per kind of customer, so that everything else is arithmetic.

A kind is a stage, a tier, the groups that the customer belongs to, the audiences, and whether somebody touched the
customer lately. Ten million customers make some ten thousand kinds; the profile is scanned once, and every count and
sum of the map follows exactly from the kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Files
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.rules import compile_rule
from cultiva.strategy.map.axes import TIER, Axes, columns_read, conditions

if TYPE_CHECKING:
    import ibis
    from _typeshed import DataclassInstance

BITS = 62
"""Conditions in one 64-bit word."""
MONEY = ("current_value", "potential_value")
"""Columns of the profile whose sums the map shows."""
METRIC = "metric_"
"""Beginning of the base's columns that hold objectives' metrics."""
T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True)
class Population:
    """The kinds of customers; every array has one entry or row per kind."""

    stage: NDArray[np.str_]
    tier: NDArray[np.str_]
    groups: NDArray[np.bool_]
    """Kinds x groups."""
    audiences: NDArray[np.bool_]
    """Kinds x strategies, drafts too."""
    touched: NDArray[np.bool_]
    """Whether any strategy touched them lately."""
    customers: NDArray[np.int64]
    current: NDArray[np.float64]
    """Sum of current value in cents, so that every sum of sums is exact."""
    potential: NDArray[np.float64]
    """Sum of potential value in cents."""

    def of_tier(self, tier: str) -> Population:
        """The kinds of one value tier."""
        return rows_where(self, self.tier == tier)


def rows_where(table: T, wanted: NDArray[np.bool_]) -> T:
    """A dataclass of arrays, all as long as `wanted`, with the wanted rows only."""
    return replace(table, **{one.name: getattr(table, one.name)[wanted] for one in fields(table)})


def base(engine: Engine, profile: Files, axes: Axes, workspace: Workspace, on: date) -> ibis.Table:
    """Every customer with place, value, and one bit per condition: the only look at the profile.

    Args:
        engine: Where sets are computed.
        profile: The profile of the day.
        axes: Groups and strategies.
        workspace: Its rules.
        on: Business date.

    Returns:
        customer_id, stage, tier, `MONEY`, words `g0`.. of groups and `a0`.. of audiences, and the metrics of
        objectives as `metric_<tag>`.

    Raises:
        CultivaError: if the profile lacks a column that a rule reads.
    """
    import ibis

    table = engine.scan(profile)
    _check_known(axes, workspace, frozenset(table.columns))
    groups, audiences = conditions(axes, workspace)
    scope = profile_scope(workspace)

    def holds(text: str) -> ibis.Value:
        rule = compile_rule(text, scope, expected=DataType.BOOLEAN)
        return rule.form(on).ibis(table).fill_null(ibis.literal(False))

    metrics = sorted({one.objective.metric for one in workspace.strategies.values()} & set(table.columns))
    return table.select(
        "customer_id",
        stage=table.stage,
        tier=table[TIER].fill_null(ibis.literal("")) if TIER in table.columns else ibis.literal(""),
        **{name: _money(table, name) for name in MONEY},
        **words("g", [holds(text) for text in groups]),
        **words("a", [holds(text) for text in audiences]),
        **{f"{METRIC}{name}": table[name].cast("float64") for name in metrics},
    )


def _money(table: ibis.Table, name: str) -> ibis.Value:
    import ibis

    zero = ibis.literal(0).cast("decimal(18, 2)")
    return table[name].cast("decimal(18, 2)").fill_null(zero) if name in table.columns else zero


def words(prefix: str, answers: Sequence[ibis.Value]) -> dict[str, ibis.Value]:
    """Conditions as bits of 64-bit words, the first one lowest; one word of zeros if there are none."""
    import ibis

    found = {}
    for number, start in enumerate(range(0, max(len(answers), 1), BITS)):
        word = ibis.literal(0, "int64")
        for bit, answer in enumerate(answers[start : start + BITS]):
            word = word + ibis.ifelse(answer, ibis.literal(1 << bit, "int64"), ibis.literal(0, "int64"))
        found[f"{prefix}{number}"] = word.cast("int64")
    return found


def bits(rows: Any, prefix: str, count: int) -> NDArray[np.bool_]:
    """Words back to conditions: rows x count.

    Args:
        rows: An Arrow table with columns `<prefix>0`...
        prefix: Of the words.
        count: Conditions.
    """
    columns = []
    for place in range(count):
        word = rows[f"{prefix}{place // BITS}"].to_numpy().astype(np.int64)
        columns.append((word >> np.int64(place % BITS)) & 1 == 1)
    return np.stack(columns, axis=1) if columns else np.zeros((rows.num_rows, 0), dtype=np.bool_)


def word_columns(prefix: str, count: int) -> list[str]:
    """Names of the words that hold so many conditions."""
    return [f"{prefix}{number}" for number in range(max(-(-count // BITS), 1))]


def population(engine: Engine, customers: ibis.Table, touched: ibis.Table | None, axes: Axes) -> Population:
    """The kinds of customers.

    Args:
        engine: Where sets are computed.
        customers: `base`, laid out.
        touched: customer_id of those touched lately, each once; None: nobody.
        axes: Groups and strategies.
    """
    import ibis

    table, flag = customers, ibis.literal(False)
    if touched is not None:
        table = table.left_join(touched, "customer_id")
        flag = table.customer_id_right.notnull()
    keys = ["stage", "tier", *word_columns("g", len(axes.groups)), *word_columns("a", len(axes.strategies))]
    marked = table.select(*keys, *MONEY, touched=flag)
    sums = {name: (marked[name].sum() * 100).cast("int64") for name in MONEY}
    kinds = marked.group_by([*keys, "touched"]).aggregate(customers=marked.count(), **sums)
    rows = engine.fetch(kinds.order_by([*keys, "touched"]))
    return Population(
        stage=np.array(rows["stage"].to_pylist(), dtype=np.str_),
        tier=np.array(rows["tier"].to_pylist(), dtype=np.str_),
        groups=bits(rows, "g", len(axes.groups)),
        audiences=bits(rows, "a", len(axes.strategies)),
        touched=np.array(rows["touched"].to_pylist(), dtype=np.bool_),
        customers=rows["customers"].to_numpy().astype(np.int64),
        current=rows["current_value"].to_numpy().astype(np.float64),
        potential=rows["potential_value"].to_numpy().astype(np.float64),
    )


def _check_known(axes: Axes, workspace: Workspace, present: frozenset[str]) -> None:
    """A column that a rule reads and the profile lacks: the definition is younger than the run."""
    for name, read in columns_read(axes, workspace).items():
        if missing := sorted(read - present):
            raise CultivaError(
                f"the profile of that day does not have a column that '{name}' reads",
                code="map.no_column",
                kind=ErrorKind.CONFLICT,
                seen=", ".join(missing),
                allowed="groups and strategies over tags that were defined when the day was run",
                hint="run the business date again",
            )
