"""Parquet files are read where they lie, typed; a footer that cannot be read stops the run."""

from __future__ import annotations

from collections.abc import Sequence

from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.faults import broken, reading
from cultiva.insight.sources.files import DeliveredFile
from cultiva.insight.sources.sql import FILE, ROW, ident, literal, literals, trimmed

_MAGIC = b"PAR1"


def parquet_columns(desk: Desk, file: DeliveredFile) -> dict[str, str]:
    """Names and DuckDB types of one file's columns, from its footer.

    Raises:
        Faults: if the file is empty, cut off or no Parquet.
    """
    size = file.path.stat().st_size
    if size == 0:
        raise broken(file.shown, "empty_file", "a file of the delivery is empty", seen="0 bytes",
                     allowed="a Parquet file", hint="ask for the file again")  # fmt: skip
    with file.path.open("rb") as stream:
        begins = stream.read(4) == _MAGIC
        stream.seek(-min(4, size), 2)
        ends = stream.read(4) == _MAGIC
    if not (begins and ends):
        raise broken(
            file.shown,
            "truncated" if begins else "not_parquet",
            "a Parquet file is cut off" if begins else "a file is not Parquet",
            seen=f"{size} bytes that do not {'end' if begins else 'begin'} with PAR1",
            allowed="a whole Parquet file",
            hint="ask for the file again; nothing of it was taken" if begins else "set format: {kind: csv}",
        )
    with reading(file.shown):
        return desk.columns(f"SELECT * FROM read_parquet({literal(str(file.path))}, hive_partitioning = false)")


def parquet_query(files: Sequence[DeliveredFile], columns: dict[str, str]) -> str:
    """SQL of all files as one table, texts cleaned, with where each row stood."""
    paths = literals(str(file.path) for file in files)
    selected = ", ".join(
        f"{trimmed(ident(name))} AS {ident(name)}" if kind == "VARCHAR" else ident(name)
        for name, kind in columns.items()
    )
    return (
        f"SELECT {selected}, list_position([{paths}], __path)::INTEGER - 1 AS {FILE}, "
        f"file_row_number + 1 AS {ROW} "
        f"FROM read_parquet([{paths}], union_by_name = true, filename = '__path', file_row_number = true, "
        "hive_partitioning = false)"
    )
