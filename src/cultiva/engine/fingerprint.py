"""The content hash of a Parquet folder: the same for the same rows, whatever their order, files and engine.

Every cell becomes 64 bits of its canonical form, mixed with a seed of its column's name and type; a row is the
sum of its cells, mixed again twice; the table is the two sums of its rows, modulo 2**64. Sums do not depend on
order, so row groups are hashed in parallel. It guards against error, not against an adversary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cultiva.contracts.types import DataType
from cultiva.engine.types import type_of_arrow

BATCH_ROWS = 32_768
"""Rows hashed at a time: small enough to stay in a core's cache."""

CODED_BYTES_MAX = 2
"""Texts that take at most so many bytes a row, uncompressed, are numbers into a small dictionary."""

Words = npt.NDArray[np.uint64]

_NULL = np.uint64(0x6A09E667F3BCC909)
_FIRST = np.uint64(0xBB67AE8584CAA73B)
_SECOND = np.uint64(0x3C6EF372FE94F82B)


@numba.njit(inline="always")
def _mix(word: Any) -> Any:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): each bit depends on all bits."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def _add_words(rows: Any, words: Any, present: Any, seed: Any) -> None:
    """Adds one column's cells to the rows; `present` is empty if no cell is null."""
    for i in range(len(rows)):
        missing = len(present) > 0 and not present[i]
        rows[i] += _mix((_NULL if missing else words[i]) ^ seed)


@numba.njit(cache=True, nogil=True)
def _hash_bytes(data: Any, offsets: Any, out: Any) -> None:
    """FNV-1a of each slice of bytes, with its length."""
    for i in range(len(out)):
        word = np.uint64(0xCBF29CE484222325)
        for j in range(offsets[i], offsets[i + 1]):
            word = (word ^ np.uint64(data[j])) * np.uint64(0x100000001B3)
        out[i] = word ^ np.uint64(offsets[i + 1] - offsets[i])


@numba.njit(cache=True, nogil=True)
def _hash_lists(items: Any, offsets: Any, out: Any) -> None:
    """The hash of each slice of hashes, in order."""
    for i in range(len(out)):
        word = np.uint64(offsets[i + 1] - offsets[i])
        for j in range(offsets[i], offsets[i + 1]):
            word = _mix(word * np.uint64(0x9E3779B97F4A7C15) + items[j])
        out[i] = word


@numba.njit(cache=True, nogil=True)
def _sum_rows(rows: Any) -> Any:
    first, second = np.uint64(0), np.uint64(0)
    for i in range(len(rows)):
        first += _mix(rows[i] ^ _FIRST)
        second += _mix(rows[i] ^ _SECOND)
    return first, second


def fingerprint(parts: Sequence[Path], *, threads: int) -> str:
    """The content hash of Parquet files read as one table, 32 hexadecimal digits.

    Args:
        parts: The files; their order does not matter.
        threads: How many row groups are hashed at once.

    Raises:
        CultivaError: if a column has a type that the lake does not store.
    """
    footers = [(part, pq.read_metadata(part)) for part in parts]
    groups = [(part, footer, group) for part, footer in footers for group in range(footer.num_row_groups)]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        sums = list(pool.map(lambda place: _hash_group(*place), groups))
    first = sum(one for one, _ in sums) % 2**64
    second = sum(two for _, two in sums) % 2**64
    return f"{first:016x}{second:016x}"


def _hash_group(part: Path, footer: pq.FileMetaData, group: int) -> tuple[int, int]:
    first = second = 0
    with pq.ParquetFile(part, metadata=footer, read_dictionary=_coded(footer, group)) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group], use_threads=False):
            one, two = hash_batch(batch)
            first, second = first + one, second + two
    return first, second


def _coded(footer: pq.FileMetaData, group: int) -> list[str]:
    """Texts with so few values that the file holds little beside their numbers: each value is hashed once."""
    columns = (footer.row_group(group).column(place) for place in range(footer.num_columns))
    return [
        column.path_in_schema
        for column in columns
        if column.physical_type == "BYTE_ARRAY"
        and column.total_uncompressed_size <= CODED_BYTES_MAX * column.num_values
    ]


def hash_batch(batch: pa.RecordBatch) -> tuple[int, int]:
    """The two sums over the rows of one batch."""
    rows = np.zeros(batch.num_rows, dtype=np.uint64)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        words, kind = _words(name, column)
        _add_words(rows, words, _present(column), _seed(name, kind))
    one, two = _sum_rows(rows)
    return int(one), int(two)


def _seed(name: str, kind: str) -> np.uint64:
    digest = hashlib.md5(f"{name}:{kind}".encode(), usedforsecurity=False).digest()
    return np.uint64(int.from_bytes(digest[:8], "little"))


def _present(column: pa.Array) -> npt.NDArray[np.bool_]:
    if not column.null_count:
        return np.empty(0, dtype=np.bool_)
    return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False))


def _words(name: str, column: pa.Array) -> tuple[Words, str]:
    """The canonical 64 bits of every cell, whatever stands where a cell is null; and the type's name."""
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return _bytes_words(column.cast(pa.large_binary())), "binary"
    kind = type_of_arrow(name, column.type)
    return _WORDS[kind](column), kind.value


def _whole_words(column: pa.Array, steps: Sequence[pa.DataType] = (pa.int64(),)) -> Words:
    for step in steps:
        column = column.cast(step)
    return np.frombuffer(column.buffers()[1], dtype=np.uint64, count=len(column), offset=column.offset * 8)


def _number_words(column: pa.Array) -> Words:
    values = np.asarray(column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False), dtype=np.float64)
    canonical = values + 0.0  # -0.0 becomes 0.0
    canonical[np.isnan(canonical)] = np.nan
    return canonical.view(np.uint64)


def _money_words(column: pa.Array) -> Words:
    # 128-bit little-endian; 18 digits fit the low half, the high half repeats the sign.
    low_and_high = np.frombuffer(column.buffers()[1], dtype=np.uint64, count=2 * len(column), offset=column.offset * 16)
    return np.ascontiguousarray(low_and_high[::2])


def _bytes_words(column: pa.Array) -> Words:
    out = np.empty(len(column), dtype=np.uint64)
    _, offsets, data = column.buffers()
    places = np.frombuffer(offsets, dtype=np.int64, count=len(column) + 1, offset=column.offset * 8)
    _hash_bytes(np.frombuffer(data or b"", dtype=np.uint8), places, out)
    return out


def _text_words(column: pa.Array) -> Words:
    if pa.types.is_dictionary(column.type) and 0 < len(column.dictionary) < len(column):
        return _text_words(column.dictionary)[column.indices.fill_null(0).to_numpy(zero_copy_only=False)]
    return _bytes_words(column.cast(pa.large_string()))


def _list_words(column: pa.Array) -> Words:
    lists = column.cast(pa.large_list(pa.large_string()))
    out = np.empty(len(lists), dtype=np.uint64)
    places = np.asarray(lists.offsets.to_numpy(), dtype=np.int64)
    items = _bytes_words(lists.values)
    items[~_all_present(lists.values)] = _NULL
    _hash_lists(items, places, out)
    return out


def _all_present(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False))


_WORDS: dict[DataType, Callable[[pa.Array], Words]] = {
    DataType.BOOLEAN: partial(_whole_words, steps=(pa.uint8(), pa.int64())),
    DataType.INTEGER: _whole_words,
    DataType.NUMBER: _number_words,
    DataType.MONEY: _money_words,
    DataType.TEXT: _text_words,
    DataType.DATE: partial(_whole_words, steps=(pa.date32(), pa.int32(), pa.int64())),
    DataType.TIMESTAMP: partial(_whole_words, steps=(pa.timestamp("us"), pa.int64())),
    DataType.LIST: _list_words,
}
