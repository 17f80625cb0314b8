"""What the night leaves for the day: the profile as it would be on the next day, and the events until then by day.

Two set operations per kind of event rows, one per customer and day and one per customer; then the bases, some customers
at a time, so that memory does not grow with the bank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from cultiva.contracts.types import DataType
from cultiva.engine.parquet import part_files, rows_in
from cultiva.engine.partials import EPOCH_DAY, partials_polars
from cultiva.engine.port import Engine
from cultiva.insight.live.measures import Measure
from cultiva.insight.live.program import Program
from cultiva.insight.live.records import Base, Days, Parts, write_base
from cultiva.insight.profile.build import build_profile
from cultiva.insight.profile.inputs import ProfileInputs, ViewRows
from cultiva.insight.profile.windows import DAY, EventPass, write_typed_events
from cultiva.kit.money import MINOR_PER_MAJOR

if TYPE_CHECKING:
    import ibis

BATCH = 20_000
"""Customers whose bases are made at a time: some 100 MB."""
KEY = "customer_id"


@dataclass(frozen=True)
class EventRows:
    """Rows of events, and the measures over them."""

    folder: Path
    """Sorted by customer_id; with the day, and what the measures read."""
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Night:
    """Folders that bases are made of."""

    columns: Path
    """One row per customer: the base's columns on the next day."""
    events: tuple[EventRows, ...]
    first_day: dict[str, date]
    """Measure -> first day that a window may still read."""

    @property
    def customers(self) -> int:
        """How many there are."""
        return rows_in([self.columns])


def write_night(engine: Engine, inputs: ProfileInputs, program: Program, target: date, folder: Path) -> Night:
    """Writes what bases are made of.

    Args:
        engine: Where sets are computed.
        inputs: What the profile of the target day would read if nothing came in until then.
        program: What of the profile comes from where.
        target: The day that bases are for: the one after the business date.
        folder: New folder; everything is written into it.
    """
    columns = folder / "columns"
    build_profile(engine, inputs, program.workspace, target, columns, keep=(KEY, *program.stored))
    found: list[EventRows] = []
    if (rows := inputs.views.get("event")) is not None and rows.files:
        by_columns = _groups(program)
        for number, (one, measures) in enumerate(by_columns):
            made = folder / f"events-{number}"
            _write_rows(engine, rows, one, measures, made)
            found.append(EventRows(made, measures))
    # A day more than today's windows need: before midnight the day before is still today.
    first = {key: target - timedelta(days=days) for key, days in program.measures.days.items()}
    return Night(columns, tuple(found), first)


def _groups(program: Program) -> list[tuple[EventPass | None, tuple[Measure, ...]]]:
    """Kinds of rows with their measures: the view's own, then one per pass of typed properties."""
    columns = program.measures.columns
    groups: list[tuple[EventPass | None, tuple[Measure, ...]]] = []
    view = {one.measure.key: one.measure for one in columns.values() if one.measure.properties is None}
    if view:
        groups.append((None, tuple(view.values())))
    left = {one.measure.key for one in columns.values() if one.measure.properties is not None}
    for one in program.plan.event_passes:
        own = {columns[name].measure.key: columns[name].measure for name in one.columns if name in columns}
        chosen = tuple(measure for key, measure in own.items() if key in left)
        left -= own.keys()
        if chosen:
            groups.append((one, chosen))
    return groups


def _write_rows(
    engine: Engine, rows: ViewRows, one: EventPass | None, measures: Sequence[Measure], folder: Path
) -> None:
    """Events with their customer, sorted by it, so that a range of customers reads only some of them."""
    reads = {KEY, DAY}.union(*(measure.reads for measure in measures))
    if one is None:
        table = engine.scan(rows.files)
        table = table.mutate(**{DAY: table["at"].date()})
    else:
        typed = folder.with_name(folder.name + "-typed")
        write_typed_events(engine, rows.files, one, typed)
        table = engine.scan([typed])
    engine.write(_with_customer(engine, table, rows, reads), folder, sort_by=(KEY,))


def _with_customer(engine: Engine, table: ibis.Table, rows: ViewRows, reads: set[str]) -> ibis.Table:
    if rows.through is not None:
        known = engine.scan(rows.through.files).select(KEY, *rows.through.keys)
        table = (table.drop(KEY) if KEY in table.columns else table).inner_join(known, list(rows.through.keys))
    chosen = table.select(*[name for name in table.columns if name in reads])
    return chosen.filter(chosen[KEY].notnull())


def bases(night: Night, program: Program, *, only: frozenset[int] | None = None) -> Iterator[dict[int, msgspec.Raw]]:
    """The base of every customer, some at a time, in the order of their numbers.

    Args:
        night: What the night has left.
        program: What of the profile comes from where.
        only: These customers; None: all.
    """
    frame = pl.scan_parquet(part_files([night.columns]), hive_partitioning=False)
    if only is not None:
        frame = frame.filter(pl.col(KEY).is_in(sorted(only)))
    names = sorted(program.keys, key=program.keys.__getitem__)
    plain = frame.select(KEY, *(_plain(name, program.stored[name]) for name in names))
    keys = [program.keys[name] for name in names]
    for rows in _batches(plain):
        yield _bases(night, rows, keys, sparse=only is not None)


def prints(night: Night, program: Program, printed: Callable[..., pl.Expr], name: str) -> pl.DataFrame:
    """A fingerprint of every customer's base, without making it: equal ones for equal bases.

    Args:
        night: What the night has left.
        program: What of the profile comes from where.
        printed: Columns -> fingerprint of a row.
        name: Column of the fingerprint.

    Returns:
        customer_id and the fingerprint, UInt64.
    """
    names = sorted(program.keys, key=program.keys.__getitem__)
    frame = pl.scan_parquet(part_files([night.columns]), hive_partitioning=False)
    lists = {column for column, kind in frame.collect_schema().items() if isinstance(kind, pl.List)}
    plain = [_plain(one, program.stored[one]) for one in names]
    flat = [one.list.join("\x1f") if column in lists else one for column, one in zip(names, plain, strict=True)]
    found = frame.select(KEY, printed(*flat).alias("0") if flat else pl.lit(0, pl.UInt64).alias("0"))
    for number, events in enumerate(night.events, 1):
        found = found.join(_event_prints(night, events, printed, str(number)), on=KEY, how="left")
    parts = [str(number) for number in range(len(night.events) + 1)]
    return found.select(KEY, printed(*(pl.col(one) for one in parts)).alias(name)).collect(engine="streaming")


def _event_prints(night: Night, events: EventRows, printed: Callable[..., pl.Expr], name: str) -> pl.LazyFrame:
    """Sums over the customers' rows, each with the windows that it lies in: a set, whatever its order."""
    frame = pl.scan_parquet(part_files([events.folder]), hive_partitioning=False)
    first = {night.first_day[one.key] for one in events.measures if one.key in night.first_day}
    within = pl.sum_horizontal([(pl.col(DAY) >= day).cast(pl.Int64) for day in sorted(first)]) if first else pl.lit(0)
    kept = frame if any(one.endless for one in events.measures) else frame.filter(pl.col(DAY) >= min(first))
    columns = [pl.col(one) for one in sorted(frame.collect_schema()) if one != KEY]
    rows = kept.select(KEY, printed(*columns, within.alias("windows")).alias(name))
    return rows.group_by(KEY).agg(pl.col(name).sum())


def _batches(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The rows of a sorted frame, so many at a time; none is in memory twice."""
    for found in frame.collect_batches(chunk_size=BATCH, maintain_order=True, engine="streaming"):
        if found.height:
            yield found


def _plain(name: str, kind: DataType) -> pl.Expr:
    """A column as a base keeps it, see `engine.partials.plain`."""
    column = pl.col(name)
    if kind is DataType.MONEY:
        return (column.cast(pl.Float64) * MINOR_PER_MAJOR).round(0).cast(pl.Int64)
    if kind is DataType.DATE:
        return column.to_physical().cast(pl.Int64) + EPOCH_DAY
    return column.cast(pl.Datetime("us")).to_physical() if kind is DataType.TIMESTAMP else column


def _bases(night: Night, rows: pl.DataFrame, keys: Sequence[int], *, sparse: bool) -> dict[int, msgspec.Raw]:
    span = pl.col(KEY).is_between(rows[KEY].min(), rows[KEY].max())
    if sparse:
        span &= pl.col(KEY).is_in(rows[KEY].to_list())
    days: dict[int, Days] = {}
    ever: dict[int, Parts] = {}
    for events in night.events:
        _add_days(night, events, span, days)
        _add_ever(night, events, span, ever)
    made = {}
    for customer, *cells in rows.iter_rows():
        values = {key: cell for key, cell in zip(keys, cells, strict=True) if cell is not None}
        made[customer] = write_base(Base(values, days.get(customer, {}), ever.get(customer, {})))
    return made


def _add_days(night: Night, events: EventRows, span: pl.Expr, days: dict[int, Days]) -> None:
    measures = [one for one in events.measures if one.key in night.first_day]
    if not measures:
        return
    earliest = min(night.first_day[one.key] for one in measures)
    for (customer, day), found in _grouped(events.folder, measures, span, (KEY, DAY), earliest):
        number = day.toordinal()
        for measure, part in found:
            if day >= night.first_day[measure.key]:
                days.setdefault(customer, {}).setdefault(number, {})[measure.key] = part


def _add_ever(night: Night, events: EventRows, span: pl.Expr, ever: dict[int, Parts]) -> None:
    measures = [one for one in events.measures if one.endless]
    for (customer,), found in _grouped(events.folder, measures, span, (KEY,), None) if measures else ():
        ever.setdefault(customer, {}).update((measure.key, part) for measure, part in found)


def _grouped(
    folder: Path, measures: Sequence[Measure], span: pl.Expr, by: tuple[str, ...], earliest: date | None
) -> Iterator[tuple[tuple[Any, ...], list[tuple[Measure, Any]]]]:
    """Parts of groups of rows: the group, and its measures that have a part."""
    frame = pl.scan_parquet(part_files([folder]), hive_partitioning=False)
    frame = frame.filter(span)
    if earliest is not None:
        frame = frame.filter(pl.col(DAY) >= earliest)
    made = {f"{one.key}.{n}": expr for one in measures for n, expr in enumerate(partials_polars(one.form, by=KEY))}
    widths = [(one, sum(name.startswith(f"{one.key}.") for name in made)) for one in measures]
    for row in frame.group_by(by).agg(**made).collect(engine="streaming").iter_rows():
        place, found = len(by), []
        for measure, width in widths:
            part = measure.partial.read(row[place : place + width])
            if part is not None:
                found.append((measure, part))
            place += width
        yield row[: len(by)], found
