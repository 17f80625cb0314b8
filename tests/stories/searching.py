"""Searches every file of a workspace for a person: Parquet decoded, databases dumped, everything else byte by byte."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pyroaring import BitMap

DATABASES = ("store.db", "log.db", "hot.db")
AUDIT, LEDGER = "audit", "erasure"


@dataclass(frozen=True)
class Marks:
    """By what a person would be found."""

    number: int
    """Ours."""
    texts: frozenset[str]
    """Ids of source systems, accounts, phone, e-mail, hash of the id number, anonymous ids, name."""

    @property
    def told(self) -> re.Pattern[str]:
        """The number where it says whose something is."""
        return re.compile(rf'"(?:customer_id|household_id)":\s*{self.number}\b')


def traces(root: Path, marks: Marks) -> list[str]:
    """Where a workspace still knows a person; the bank's own files in data/ are not ours."""
    return sorted({found for path in _files(root) for found in _in_file(path, root, marks)})


def _files(root: Path) -> list[Path]:
    return [one for one in sorted(root.rglob("*")) if one.is_file() and one.relative_to(root).parts[0] != "data"]


def _in_file(path: Path, root: Path, marks: Marks) -> Iterator[str]:
    shown = path.relative_to(root).as_posix()
    if not path.exists():
        return  # a log of SQLite, folded into its file by our own look at that
    content = path.read_bytes()
    for text in marks.texts:
        if text.encode() in content:
            yield f"{shown}: {text}"
    if path.suffix == ".parquet":
        yield from (f"{shown}: {one}" for one in _in_table(pl.read_parquet(path, hive_partitioning=False), marks))
    elif path.name in DATABASES:
        yield from (f"{shown}: {one}" for one in _in_database(path, marks))
    elif path.suffix == ".npy":
        yield from (f"{shown}: {marks.number}" for one in _numbers(path) if one == marks.number)
    elif path.suffix == ".csv":
        rows = content.decode(errors="replace").splitlines()
        at = rows[0].removeprefix("\ufeff").split(",").index("customer_id") if "customer_id" in rows[0] else None
        yield from (
            f"{shown}: {line}" for line in rows[1:] if at is not None and line.split(",")[at] == str(marks.number)
        )
    elif marks.told.search(content.decode(errors="replace")):
        yield f"{shown}: {marks.number}"


def _in_table(rows: pl.DataFrame, marks: Marks) -> Iterator[str]:
    for name in rows.columns:
        column = rows[name]
        if name == "bitmap":
            yield from (name for one in column if marks.number in BitMap.deserialize(one))
        elif name in ("customer_id", "household_id"):
            yield from (f"{name} {marks.number}" for one in column.cast(pl.String) if one == str(marks.number))
        elif name.endswith("_sample"):
            yield from (f"{name}" for one in column if one is not None and marks.number in json.loads(one))
        elif column.dtype == pl.String:
            told = marks.texts
            yield from (f"{name}: {one}" for one in column.drop_nulls().unique() if any(text in one for text in told))
            yield from (f"{name}: {one}" for one in column.drop_nulls().unique() if marks.told.search(one))


def _numbers(path: Path) -> list[int]:
    import numpy as np

    return list(map(int, np.load(path))) if path.name == "customer.npy" else []


def _in_database(path: Path, marks: Marks) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in names:
            found = connection.execute(f'select * from "{table}"')
            columns = [one[0] for one in found.description]
            for row in found:
                yield from (
                    f"{table}.{name}" for name, value in zip(columns, row, strict=True) if _is(name, value, marks)
                )


def _is(name: str, value: object, marks: Marks) -> bool:
    if name in ("customer_id", "household_id", "key_id"):
        return value == marks.number
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        return False
    return any(one in text for one in marks.texts) or bool(marks.told.search(text))
