"""One table from its delivery to a staged snapshot, every row accounted for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from cultiva.engine.parquet import (
    COMPRESSION,
    COMPRESSION_LEVEL,
    DICTIONARY_VALUES_MAX,
    ROW_GROUP_ROWS,
    part_path,
    seal,
)
from cultiva.engine.port import Written
from cultiva.insight.sources.arrivals import (
    CHANGED,
    CLASS,
    CONFLICT,
    DUPLICATE,
    KEPT,
    LATE,
    REDELIVERED,
    SORTED_ROWS_MAX,
    TOO_LATE,
    Arrivals,
    sort_arrivals,
    sort_columns,
)
from cultiva.insight.sources.delivery import Census, Delivery, take_census
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.erased import ERASED, newcomers
from cultiva.insight.sources.faults import broken
from cultiva.insight.sources.quarantine import quarantine_arrivals, quarantine_broken
from cultiva.insight.sources.result import BrokenContract, Counts
from cultiva.insight.sources.sql import ident, idents, literal
from cultiva.insight.sources.tolerance import (
    EXAMPLES_MAX,
    broken_by_census,
    is_over,
    ordered,
    too_many_bad_rows,
)
from cultiva.kit.errors import Faults

_BAD_ARRIVALS = {CONFLICT: "key", CHANGED: "key", TOO_LATE: "time"}


class TableRows:
    """The rows of one table on their way into the lake.

    Args:
        desk: Where the work is done.
        delivery: The rows, judged.
    """

    def __init__(self, desk: Desk, delivery: Delivery) -> None:
        self._desk = desk
        self._delivery = delivery
        self._arrivals = Arrivals("", None, Counter())
        self._census: Census = take_census(desk, delivery)
        self._broken = broken_by_census(delivery, self._census)
        self._refuse_nothing()
        numbers = range(len(delivery.mappings))
        over = self._over({n: self._counts(n) for n in numbers})
        quarantine_broken(desk, delivery, self._census, limit=EXAMPLES_MAX if over else None)
        self._refuse(over)
        self._arrivals = sort_arrivals(desk, delivery, self._census)
        self._broken = ordered(self._all_broken())
        over = self._over({n: self._counts(n) for n in numbers})
        self._quarantine_arrivals(limit=EXAMPLES_MAX if over else None)
        self._refuse(over)

    @property
    def broken(self) -> tuple[BrokenContract, ...]:
        """Broken contracts, most frequent first."""
        return tuple(self._broken)

    def counts(self) -> dict[str, Counts]:
        """Where the rows of each mapping went."""
        return {one.mapping.name: self._counts(n) for n, one in enumerate(self._delivery.mappings)}

    def returned(self) -> tuple[tuple[str, str], ...]:
        """Party records of erased people that come under new ids."""
        if self._delivery.schema.name != "party":
            return ()
        found: set[tuple[str, str]] = set()
        for one, odd in zip(self._delivery.mappings, self._census.odd, strict=True):
            numbers = [number for number, contract in enumerate(one.contracts, start=1) if contract.rule == ERASED]
            found.update(pair for number in numbers for pair in newcomers(self._desk, odd, number))
        return tuple(sorted(found))

    def write(self, folder: Path) -> Written:
        """Writes the kept rows to a staged folder, a small table in order of what it is joined on."""
        names, kept = idents(self._delivery.schema.names), sum(one.kept for one in self.counts().values())
        order = f" ORDER BY {idents(sort_columns(self._delivery))}" if kept <= SORTED_ROWS_MAX else ""
        rows = f"SELECT {names} FROM {ident(self._arrivals.rows)} WHERE {CLASS} IN ('{KEPT}', '{LATE}')"
        write_parquet(self._desk, rows + order, folder, ordered=bool(order))
        for odd in self._census.odd:  # the next table needs the memory
            self._desk.run(f"DROP TABLE {ident(odd)}")
        return seal(folder, threads=self._desk.threads)

    def _quarantine_arrivals(self, limit: int | None) -> None:
        if not any(name in _BAD_ARRIVALS for _, name in self._arrivals.counts):
            return
        for relation in (self._arrivals.rows, self._arrivals.dropped):
            if relation:
                quarantine_arrivals(self._desk, self._delivery, relation, limit=limit)

    def _all_broken(self) -> Counter[tuple[str, str, str]]:
        schema = self._delivery.schema
        concerned = {"key": ", ".join(schema.key), "time": schema.time or ""}
        found = Counter({(one.mapping, one.rule, one.column): one.rows for one in self._broken})
        for (number, name), rows in self._arrivals.counts.items():
            if name in _BAD_ARRIVALS:
                found[self._delivery.mappings[number].mapping.name, name, concerned[_BAD_ARRIVALS[name]]] += rows
        return found

    def _counts(self, mapping: int) -> Counts:
        census, arrivals = self._census, self._arrivals
        return Counts(
            read=census.read(mapping),
            kept=arrivals.of(mapping, KEPT, LATE),
            quarantined=census.quarantined(mapping) + arrivals.of(mapping, *_BAD_ARRIVALS),
            duplicate=arrivals.of(mapping, DUPLICATE),
            redelivered=arrivals.of(mapping, REDELIVERED),
            not_yet=census.not_yet[mapping],
            late=arrivals.of(mapping, LATE),
            erased=census.of(mapping, self._delivery.mappings[mapping].contracts, ERASED),
        )

    def _refuse_nothing(self) -> None:
        """A day may bring no facts; a table delivered whole that is empty is a broken delivery."""
        schema = self._delivery.schema
        if schema.is_fact or any(self._census.read(n) for n in range(len(self._delivery.mappings))):
            return
        files = [file for one in self._delivery.mappings for file in one.relation.files]
        raise broken(
            ", ".join(files[:3]) or f"sources/ table {schema.name}",
            "no_rows",
            f"table {schema.name} is delivered whole and has no rows",
            seen="0 rows",
            allowed="at least one row",
            hint="ask for the delivery again; an empty table would take everyone away",
        )

    def _over(self, counts: dict[int, Counts]) -> dict[int, Counts]:
        return {number: one for number, one in counts.items() if is_over(self._delivery, number, one)}

    def _refuse(self, over: dict[int, Counts]) -> None:
        if over:
            raise Faults(
                [too_many_bad_rows(self._desk, self._delivery, n, one, self._broken) for n, one in over.items()],
                what=f"the delivery of table {self._delivery.schema.name}",
            )


def write_parquet(desk: Desk, query: str, folder: Path, *, ordered: bool = True) -> None:
    """Writes a query's rows to a staged folder; `ordered` keeps the query's order."""
    desk.run(
        f"COPY ({query}) TO {literal(str(part_path(folder, 0)))} (FORMAT parquet, COMPRESSION {COMPRESSION}, "
        f"COMPRESSION_LEVEL {COMPRESSION_LEVEL}, ROW_GROUP_SIZE {ROW_GROUP_ROWS}, "
        f"DICTIONARY_SIZE_LIMIT {DICTIONARY_VALUES_MAX})",
        ordered=ordered,
    )
