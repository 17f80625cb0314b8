"""What peers reach: an exact quantile of current value among customers with the same peer tags.

Cells of peers are formed from all peer tags; where a cell is too small, the last tag is dropped, and so on,
down to everybody. The quantile q of n values is the ceil(q x n)-th smallest: a value that some peer really has,
the same on every engine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cultiva.contracts.types import DataType
from cultiva.definitions.value import Potential
from cultiva.engine.port import Engine, Files, Written
from cultiva.engine.types import STORED
from cultiva.kit.errors import CultivaError
from cultiva.kit.money import to_major

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

PEER_VALUE = "peer_value"
"""Column of the result: the quantile of the customer's peers."""
CELLS_MAX = 100_000
"""Most different combinations of peer tags; more would mean that the tags are no groups."""
NULL_MARK = "\x1f"
"""Stands for null in the key of a cell."""
BUCKETS_PER_ROOT = 16.0
"""How fine the first count is: at 10,000 in money a bucket is some 0.8 % wide."""
PEER_TYPES = (DataType.TEXT, DataType.BOOLEAN, DataType.INTEGER)
"""Types whose text form is the same on every engine."""

CellKey = tuple[str, ...]
"""The values of the peer tags as texts."""


@dataclass(frozen=True)
class Cell:
    """The peers of one combination of tags."""

    key: CellKey
    """Values of the peer tags kept; empty: everybody."""
    size: int
    """Customers in it."""
    rank: int
    """Which value from below is the quantile, from 1."""


def rank_of(quantile: float, size: int) -> int:
    """Which of `size` values in ascending order is the quantile.

    Examples:
        >>> rank_of(0.8, 10), rank_of(0.8, 11), rank_of(0.0, 5), rank_of(1.0, 5)
        (8, 9, 1, 5)
    """
    # Through Decimal, because 0.8 * 10 must not become 8.000000000000002 and then 9.
    exact = (Decimal(repr(quantile)) * size).to_integral_value(rounding=ROUND_CEILING)
    return min(size, max(1, int(exact)))


def choose_cells(sizes: Mapping[CellKey, int], potential: Potential) -> dict[CellKey, Cell]:
    """For every combination of peer tags the cell that stands for its peers.

    Args:
        sizes: Customers by combination of all peer tags.
        potential: Peer tags, smallest cell, quantile.

    Returns:
        Combination -> its cell; the key of a cell is a prefix of the combination.
    """
    totals: Counter[CellKey] = Counter()
    for key, size in sizes.items():
        for length in range(len(key) + 1):
            totals[key[:length]] += size
    return {key: _cell(key, totals, potential) for key in sizes}


def _cell(key: CellKey, totals: Mapping[CellKey, int], potential: Potential) -> Cell:
    lengths = range(len(key), -1, -1)
    length = next((n for n in lengths if totals[key[:n]] >= potential.peers_min), 0)
    size = totals[key[:length]]
    return Cell(key=key[:length], size=size, rank=rank_of(potential.quantile, size))


def peer_values(engine: Engine, profile: Files, potential: Potential, folder: Path) -> Written:
    """Writes for every customer the quantile of current value among peers.

    Args:
        engine: Where sets are computed.
        profile: Columns customer_id, current_value and the peer tags.
        potential: How peers are formed.
        folder: The new folder: customer_id, peer_value.

    Raises:
        CultivaError: if the peer tags have too many different values.
    """
    table = _keyed(engine.scan(profile), potential.peers)
    cells = choose_cells(_sizes(engine, table, potential), potential)
    numbers = {cell: number for number, cell in enumerate(sorted(set(cells.values()), key=lambda cell: cell.key))}
    placed = table.inner_join(_codes(engine, cells, numbers, len(potential.peers)), _names(len(potential.peers)))
    placed = placed.select("customer_id", "cell")
    values = _quantiles(engine, table, numbers)
    reached = _small(engine, [(n, to_major(cents)) for n, cents in values.items()], ("cell", PEER_VALUE))
    joined = placed.inner_join(reached, "cell").select("customer_id", PEER_VALUE)
    return engine.write(joined, folder, sort_by=("customer_id",))


def check_peers(peers: Sequence[str], types: Mapping[str, DataType]) -> None:
    """Refuses peer tags whose text form is not the same on every engine.

    Raises:
        CultivaError: names the tag and its type.
    """
    for peer in peers:
        if types[peer] not in PEER_TYPES:
            raise CultivaError(
                "a peer tag has a type that cannot form groups",
                code="profile.peer_type",
                seen=f"{peer} is a {types[peer]}",
                allowed="text, boolean or integer tags with few values",
                hint="use a tiering of it, or an expression tag that gives a band",
            )


def _keyed(table: ibis.Table, peers: Sequence[str]) -> ibis.Table:
    """Per customer one text per peer tag, `peer_1` to `peer_n`, never null; cents; bucket."""
    import ibis

    mark = ibis.literal(NULL_MARK)
    keys = {f"peer_{n}": ibis.coalesce(_as_text(table[peer]), mark) for n, peer in enumerate(peers, 1)}
    cents = _cents(table["current_value"])
    return table.select("customer_id", cents=cents, bucket=_bucket(cents), **keys)


def _as_text(column: ibis.Value) -> ibis.Value:
    import ibis

    if column.type().is_boolean():  # engines spell booleans in their own ways
        return ibis.cases((column, "true"), (~column, "false"), else_=ibis.null("string"))
    return column.cast("string")


def _names(count: int) -> list[str]:
    return [f"peer_{n}" for n in range(1, count + 1)]


def _sizes(engine: Engine, table: ibis.Table, potential: Potential) -> dict[CellKey, int]:
    names = _names(len(potential.peers))
    counted = table.group_by(names).aggregate(size=table.count()).limit(CELLS_MAX + 1)
    rows = _rows(engine, counted)
    if len(rows) > CELLS_MAX:
        raise CultivaError(
            "the peer tags of potential value have too many different values",
            code="profile.too_many_cells",
            seen=f"more than {CELLS_MAX:,} combinations of {', '.join(potential.peers)}",
            allowed=f"at most {CELLS_MAX:,}",
            hint="use tags with few values, such as tiers and stages",
        )
    return {tuple(row[name] for name in names): int(row["size"]) for row in rows}


def _codes(engine: Engine, cells: Mapping[CellKey, Cell], numbers: Mapping[Cell, int], peers: int) -> ibis.Table:
    return _small(engine, [(*key, numbers[cell]) for key, cell in cells.items()], (*_names(peers), "cell"))


def _cents(value: ibis.Value) -> ibis.Value:
    return (value.cast("decimal(20, 2)") * 100).cast("int64")


def _bucket(cents: ibis.Value) -> ibis.Value:
    """A whole number that never falls as the cents rise: the fourth root, whose steps are fine everywhere.

    Square roots are rounded correctly by every engine, so the order holds to the last bit.
    """
    size = cents.abs().cast("float64").sqrt().sqrt() * BUCKETS_PER_ROOT
    return (size.floor() * cents.sign().cast("float64")).cast("int64")


def _quantiles(engine: Engine, table: ibis.Table, numbers: Mapping[Cell, int]) -> dict[int, int]:
    """The cents of each cell's rank; two counting passes per number of tags that cells have, and no sort."""
    found: dict[int, int] = {}
    for length in sorted({len(cell.key) for cell in numbers}):
        cells = {number: cell for cell, number in numbers.items() if len(cell.key) == length}
        found |= _select(engine, _within(engine, table, cells, length), cells)
    return found


def _within(engine: Engine, table: ibis.Table, cells: Mapping[int, Cell], length: int) -> ibis.Table:
    """The customers of these cells: cell, cents, bucket."""
    import ibis

    if length == 0:
        return table.select("cents", "bucket", cell=ibis.literal(next(iter(cells)), type="int64"))
    names = _names(length)
    codes = _small(engine, [(*cell.key, number) for number, cell in cells.items()], (*names, "cell"))
    return table.inner_join(codes, names).select("cell", "cents", "bucket")


def _select(engine: Engine, rows: ibis.Table, cells: Mapping[int, Cell]) -> dict[int, int]:
    """Finds each cell's value by counting: first the bucket that holds the rank, then the value in it."""
    counted = _counts(engine, rows, "bucket")
    places = {number: _place(counted[number], cell.rank) for number, cell in cells.items()}
    chosen = _small(engine, [(number, bucket) for number, (bucket, _) in places.items()], ("cell", "bucket"))
    fine = _counts(engine, rows.semi_join(chosen, ["cell", "bucket"]), "cents")
    return {number: _place(fine[number], rank)[0] for number, (_, rank) in places.items()}


def _counts(engine: Engine, rows: ibis.Table, column: str) -> dict[int, dict[int, int]]:
    counted: dict[int, dict[int, int]] = defaultdict(dict)
    for row in _rows(engine, rows.group_by(["cell", column]).aggregate(size=rows.count())):
        counted[row["cell"]][row[column]] = row["size"]
    return counted


def _place(counts: Mapping[int, int], rank: int) -> tuple[int, int]:
    """The value that holds the rank, and the rank within it."""
    for value in sorted(counts):
        if rank <= counts[value]:
            return value, rank
        rank -= counts[value]
    raise AssertionError("a rank is at most the number of values")


def _small(engine: Engine, rows: Sequence[tuple[Any, ...]], columns: tuple[str, ...]) -> ibis.Table:
    """A small table: texts for peers, money for the quantile, else whole numbers."""
    import pyarrow as pa

    cells = zip(*rows, strict=True) if rows else [()] * len(columns)
    types = [_small_type(name) for name in columns]
    arrays = [pa.array(column, type=type_) for column, type_ in zip(cells, types, strict=True)]
    return engine.load(pa.table(dict(zip(columns, arrays, strict=True))))


def _small_type(name: str) -> pa.DataType:
    if name == PEER_VALUE:
        return STORED[DataType.MONEY].arrow
    return STORED[DataType.TEXT if name.startswith("peer_") else DataType.INTEGER].arrow


def _rows(engine: Engine, table: ibis.Table) -> list[dict[str, Any]]:
    return list(engine.backend.to_pyarrow(table).to_pylist())
