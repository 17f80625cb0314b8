"""The one pass over an analysis table: sums of values and of their products, per strategy, arm and group.

Third and fourth powers of covariates, which only the check of balance asks for, come with the pass over a small table;
of a large one they are a fifth of the time, and are read afterwards where the check is in doubt (`measure_tails`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cultiva.engine.parquet import part_files
from cultiva.review.measure_design import CONTROL, TREATED, Design, Kind
from cultiva.review.measure_sample import Cuts, shifts_of
from cultiva.review.measure_variables import (
    Term,
    Variable,
    Variant,
    balanced,
    is_trimmed,
    trimmed_columns,
    variants_of,
)
from cultiva.review.statistics.moments import Floats

if TYPE_CHECKING:
    import ibis

    from cultiva.engine.port import Engine, Files

CELLS_MOST = 100_000
"""Combinations of group values up to which several dimensions share a pass."""
TAIL_ROWS = 500_000
"""Rows up to which the powers of covariates come with the pass; of more they are read where they matter."""
CUT_ROWS = 250_000
"""Customers per strategy of whom the cuts of trimmed metrics are taken."""
CLUSTER = "_cluster"
"""Key column of clusters."""
ROWS = "rows"
"""Aggregate: customers, whether a metric is known or not."""
DAYS = "days"
"""Aggregate: days that count, summed over customers."""


@dataclass(frozen=True)
class Cells:
    """What one pass returns; one row per strategy, arm and combination of group values."""

    keys: Mapping[str, NDArray[np.object_]]
    """strategy, group columns, cluster."""
    treated: NDArray[np.bool_]
    """Whether the row is of the treated arm."""
    values: Floats
    """Rows x aggregates."""
    names: Mapping[str, int]
    """Column of each aggregate in `values`."""
    dimensions: tuple[tuple[str, ...], ...]
    """Dimensions that can be summed up from it."""


@dataclass(frozen=True)
class Reading:
    """An analysis table and what was found out before the pass."""

    table: ibis.Table
    """The rows, variables as columns; those of neither arm are left out after the pass."""
    variants: tuple[Variant, ...]
    """What is measured."""
    shifts: Mapping[str, float]
    """By variable."""
    cuts: Cuts
    """Of trimmed columns."""
    nullable: frozenset[str]
    """Columns of the files that may be null."""
    rows: int
    """Rows of the files."""

    @property
    def tails(self) -> bool:
        """Whether powers of covariates come with the pass."""
        return self.rows <= TAIL_ROWS


def prepare(engine: Engine, files: Files, design: Design) -> Reading:
    """Looks at a sample: constants near the means, and the cuts of trimmed metrics."""
    rows = engine.scan(files)
    nullable, many = _footers(files)
    cuts = _cuts(engine, rows, design)
    variants = variants_of(design, nullable)
    variables = {one.name: one for variant in variants for one in variant.variables}
    named = {name: _expression(rows, one, cuts) for name, one in variables.items()}
    shifts = shifts_of(files, list(variables.values()), cuts)
    centred = {
        name: _centred(expression, shifts[name], filled=variables[name].filled) for name, expression in named.items()
    }
    keys = {"strategy": rows["strategy"], "arm": rows["arm"], **_key_columns(rows, design)}
    return Reading(rows.select(**keys, **centred), variants, shifts, cuts, nullable, many)


def passes(engine: Engine, reading: Reading, design: Design) -> list[Cells]:
    """Runs the passes: one, unless the groups have so many combinations that they are better read apart."""
    table = reading.table
    terms = {name: term for variant in reading.variants for name, term in variant.terms.items()}
    if reading.tails:
        terms |= _tails(balanced(reading.variants).values())
    clustered = (CLUSTER,) if CLUSTER in table.columns else ()
    return [
        _run(engine, table, terms, (*columns, *clustered), dimensions)
        for columns, dimensions in _plan(engine, table, design)
    ]


def pass_of_tails(
    engine: Engine, reading: Reading, variants: Collection[Variant], strategies: Collection[str]
) -> Cells:
    """Reads the powers of some covariates of some strategies."""
    table = reading.table.filter(reading.table["strategy"].isin(sorted(strategies)))
    return _run(engine, table, _tails(variants), (), ((),))


def _tails(variants: Iterable[Variant]) -> dict[str, Term]:
    return {name: term for variant in variants for name, term in variant.tail_terms.items()}


def _run(
    engine: Engine,
    table: ibis.Table,
    terms: Mapping[str, Term],
    columns: tuple[str, ...],
    dimensions: tuple[tuple[str, ...], ...],
) -> Cells:
    keys = ("strategy", "arm", *columns)
    aggregates = {ROWS: table.count(), **{name: _sum(table, *term) for name, term in terms.items()}}
    if DAYS in table.columns:
        aggregates[DAYS] = table[DAYS].sum()
    aliased = {f"a{place}": aggregate for place, aggregate in enumerate(aggregates.values())}
    found = engine.fetch(table.group_by(list(keys)).aggregate(**aliased))
    found = found.filter(pc.is_in(found.column("arm"), pa.array([TREATED, CONTROL])))
    values = [np.nan_to_num(found.column(name).to_numpy().astype(np.float64)) for name in aliased]
    return Cells(
        {name: np.array(found.column(name).to_pylist(), dtype=object) for name in keys if name != "arm"},
        np.array(found.column("arm").to_pylist(), dtype=object) == TREATED,
        np.column_stack(values),
        {name: place for place, name in enumerate(aggregates)},
        dimensions,
    )


def _sum(table: ibis.Table, factors: tuple[str, ...], present: tuple[str, ...]) -> ibis.Value:
    """Sum of a product (of nothing: a count) over the rows where the metric is known."""
    where = None
    for name in present:
        known = table[name].notnull()
        where = known if where is None else where & known
    if not factors:
        return table.count(where=where)
    product = table[factors[0]]
    for name in factors[1:]:
        product = product * table[name]
    return product.sum(where=where)


def _plan(
    engine: Engine, table: ibis.Table, design: Design
) -> list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]:
    """Which group columns go into one pass, and the dimensions it serves; the whole comes with the first."""
    columns = sorted({column for dimension in design.dimensions for column in dimension})
    if not columns:
        return [((), ((),))]
    sizes = engine.fetch(table.aggregate(**{name: table[name].approx_nunique() for name in columns})).to_pylist()[0]
    plans: list[tuple[set[str], list[tuple[str, ...]]]] = [(set(), [()])]
    for dimension in design.dimensions:
        for held, served in plans:
            together = held | set(dimension)
            if not held or np.prod([float(sizes[name]) for name in together]) <= CELLS_MOST:
                held.update(together)
                served.append(dimension)
                break
        else:
            plans.append((set(dimension), [dimension]))
    return [(tuple(sorted(held)), tuple(served)) for held, served in plans]


def _key_columns(rows: ibis.Table, design: Design) -> dict[str, Any]:
    """Group columns as text, the cluster, and the days that count."""
    import ibis

    groups = {column for dimension in design.dimensions for column in dimension}
    found: dict[str, Any] = {name: rows[name].cast("string").fill_null("") for name in sorted(groups)}
    if design.clusters:
        branches = [(rows["strategy"] == name, rows[column].cast("string")) for name, column in design.clusters.items()]
        found[CLUSTER] = ibis.cases(*branches, else_="").fill_null("")
    if design.business_date is not None:
        found[DAYS] = _days(rows["enrolled_on"].cast("date"), design.business_date, design.horizon_days)
    return found


def _days(enrolled_on: ibis.DateValue, on: date, horizon: int) -> ibis.Value:
    """Days from enrolment to a business date, none before it and not more than the horizon; most need no calendar."""
    import ibis

    between = ibis.literal(on).delta(enrolled_on, unit="day").cast("float64")
    over, ahead = enrolled_on <= on - timedelta(days=horizon), enrolled_on >= on
    return ibis.cases((over, float(horizon)), (ahead, 0.0), else_=between)


def _expression(rows: ibis.Table, variable: Variable, cuts: Cuts) -> ibis.Value:
    column = rows[variable.column]
    if variable.kind is Kind.SHARE:
        share = (column.cast("float64") > 0).cast("float64")
        return share.fill_null(0.0) if variable.filled else share
    value = column.cast("float64")
    if not variable.trimmed:
        return value
    low, high = (_by_strategy(rows, cuts[variable.column], end) for end in (0, 1))
    return value.clip(low, high)


def _by_strategy(rows: ibis.Table, cuts: Mapping[str, tuple[float, float]], end: int) -> ibis.Value:
    import ibis

    ends = {strategy: both[end] for strategy, both in cuts.items()}
    if len(set(ends.values())) <= 1:
        return ibis.literal(next(iter(ends.values()), 0.0))
    return ibis.cases(*[(rows["strategy"] == strategy, value) for strategy, value in ends.items()], else_=None)


def _centred(expression: ibis.Value, shift: float, *, filled: bool) -> ibis.Value:
    centred = expression - shift if shift else expression
    return centred.fill_null(0.0) if filled else centred


def _cuts(engine: Engine, rows: ibis.Table, design: Design) -> dict[str, dict[str, tuple[float, float]]]:
    """Quantiles of trimmed columns, both arms together, of all customers of a strategy or a draw of them."""
    rows = rows.filter(rows["arm"].isin([TREATED, CONTROL]))
    names = sorted({column for one in design.metrics if is_trimmed(one) for column in trimmed_columns(one)})
    if not names or design.trim_share <= 0:
        return {}
    sampled = _sampled(engine, rows)
    quantiles = {
        f"{end}_{name}": sampled[name].cast("float64").quantile(share)
        for name in names
        for end, share in (("low", design.trim_share), ("high", 1 - design.trim_share))
    }
    found = engine.fetch(sampled.group_by("strategy").aggregate(**quantiles)).to_pylist()
    return {
        name: {
            row["strategy"]: (row[f"low_{name}"], row[f"high_{name}"])
            for row in found
            if row[f"low_{name}"] is not None
        }
        for name in names
    }


def _sampled(engine: Engine, rows: ibis.Table) -> ibis.Table:
    import ibis

    from cultiva.engine.draws import ibis_draw

    counted = engine.fetch(rows.group_by("strategy").aggregate(n=rows.count())).to_pylist()
    shares = {row["strategy"]: CUT_ROWS / row["n"] for row in counted if row["n"] > CUT_ROWS}
    if not shares or "customer_id" not in rows.columns:
        return rows
    share = ibis.cases(*[(rows["strategy"] == name, value) for name, value in shares.items()], else_=1.0)
    return rows.filter(ibis_draw("review:cuts", rows["customer_id"]) < share)


def _footers(files: Files) -> tuple[frozenset[str], int]:
    """Columns that have a null somewhere, by the files' footers (one that they do not count may have), and rows."""
    found: set[str] = set()
    rows = 0
    for part in part_files(files):
        metadata = pq.read_metadata(part)
        rows += metadata.num_rows
        for group in range(metadata.num_row_groups):
            for place in range(metadata.num_columns):
                column = metadata.row_group(group).column(place)
                counted = column.statistics is not None and column.statistics.has_null_count
                if not counted or column.statistics.null_count:
                    found.add(column.path_in_schema)
    return frozenset(found), rows
