"""How the lake's Parquet is written and measured, whatever engine writes it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from cultiva.engine.port import Files, Written
from cultiva.engine.types import STORED, type_of_arrow
from cultiva.kit.errors import CultivaError, ErrorKind

COMPRESSION: Literal["zstd"] = "zstd"
"""How pages are compressed."""
COMPRESSION_LEVEL = 1
"""Measured on 1M rows x 36 columns: level 3 takes a quarter longer and saves 5 %."""
ROW_GROUP_ROWS = 122_880
"""Small enough that a range of keys skips most groups, large enough to compress; DuckDB's own size."""

DICTIONARY_VALUES_MAX = 10_000
"""Columns with more values in a row group are written plain by DuckDB: of 20M transactions the write takes 16 s of
processor instead of 21, and the file is 6 % smaller; DuckDB groups by the account 1 s slower, Polars as fast. Of 2.4M
holdings it takes 3.3 s instead of 4.1, in as many bytes."""


def part_path(folder: Path, number: int) -> Path:
    """The path of a folder's n-th file; files in order of their names are in order of the key."""
    return folder / f"part-{number:05d}.parquet"


def part_files(files: Files) -> list[Path]:
    """Every Parquet file of these folders, folder by folder, in order of their names.

    Raises:
        CultivaError: if a folder is not there or holds no Parquet file.
    """
    return [part for folder in files for part in _parts(folder)]


def _parts(folder: Path) -> list[Path]:
    parts = sorted(folder.glob("*.parquet"))
    if not parts:
        raise CultivaError(
            "a snapshot's folder holds no Parquet file",
            code="engine.no_parts",
            kind=ErrorKind.NOT_FOUND,
            seen=folder,
            allowed="a folder that an engine has written and nobody has removed",
            hint="run the business date again; if it stays, the lake was changed by hand",
        )
    return parts


def rows_in(files: Files) -> int:
    """Rows in these folders, from the files' footers."""
    return sum(pq.read_metadata(part).num_rows for part in part_files(files))


def key_span(files: Files, by: str) -> tuple[int, int] | None:
    """The smallest and largest value of a whole-number column, from the files' footers; None if they do not say."""
    lows, highs = [], []
    for part in part_files(files):
        metadata = pq.read_metadata(part)
        column = metadata.schema.to_arrow_schema().get_field_index(by)
        for group in range(metadata.num_row_groups):
            found = metadata.row_group(group).column(column).statistics
            if metadata.row_group(group).num_rows == 0 or (found and found.null_count == found.num_values):
                continue
            if found is None or not found.has_min_max or not isinstance(found.min, int):
                return None
            lows.append(found.min)
            highs.append(found.max)
    return (min(lows), max(highs)) if lows else None


def new_folder(folder: Path) -> Path:
    """Makes a folder for a write; an empty one (staged) may exist already.

    Raises:
        CultivaError: if something is in it: snapshots are never overwritten.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CultivaError(
            "a snapshot's folder is not empty",
            code="engine.folder_taken",
            kind=ErrorKind.CONFLICT,
            seen=folder,
            allowed="a new folder for every write",
            hint="stage a new folder with Lake.stage",
        )
    return folder


def seal(folder: Path, *, threads: int | None = None) -> Written:
    """Says what a finished write has left in a folder.

    Its fingerprint is computed when asked for, by reading every file back: a broken write is found before it is
    published. The files are made durable at the same time.

    Args:
        folder: A folder that a writer has finished.
        threads: Row groups read at once; None: as many as there are cores.
    """
    parts = part_files([folder])
    size_bytes = sum(part.stat().st_size for part in parts)
    return Written(rows_in([folder]), size_bytes, partial(_settle, folder, parts, threads or os.cpu_count() or 1))


def _settle(folder: Path, parts: Sequence[Path], threads: int) -> str:
    from cultiva.engine.fingerprint import fingerprint  # compiles with numba, which only writers need

    with ThreadPoolExecutor(max_workers=1) as pool:
        durable = pool.submit(_make_durable, [*parts, folder, folder.parent])
        content = fingerprint(parts, threads=threads)
        durable.result()
    return content


def write_arrow(table: pa.Table, folder: Path) -> Written:
    """Writes a table made in Python to a new folder, its columns in the types that are stored; binary passes.

    Args:
        table: Small enough for memory.
        folder: A new or empty folder.

    Raises:
        CultivaError: if a column has a type that the lake does not store.
    """
    pq.write_table(
        table.cast(pa.schema([_stored_field(field) for field in table.schema])),
        part_path(new_folder(folder), 0),
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        row_group_size=ROW_GROUP_ROWS,
    )
    return seal(folder)


def _stored_field(field: pa.Field) -> pa.Field:
    if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
        return pa.field(field.name, pa.large_binary())
    return pa.field(field.name, STORED[type_of_arrow(field.name, field.type)].arrow)


def _make_durable(paths: Iterable[Path]) -> None:
    """Waits until the disk has what was written: a published snapshot survives a power cut."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
