"""The work desk of an ingestion: a DuckDB connection of its own and a folder that goes away afterwards."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cultiva.definitions.workspace import Settings
from cultiva.insight.sources.sql import ident, literal
from cultiva.kit.processes import Process, surely_dead, this_process

MEMORY_SHARE = 0.6
"""Share of the machine's memory taken if the workspace names no limit."""

_OWNER = "owner.json"
"""In a desk's folder: the process that works there."""

_REJECTED = """
CREATE TABLE rejected (
    input VARCHAR, file INTEGER, shown VARCHAR, record BIGINT, rule VARCHAR, reason VARCHAR, place BIGINT
);
COMMENT ON TABLE rejected IS 'records that could not be read; place counts them within a file';
"""


class Desk:
    """Where deliveries are staged and checked.

    Args:
        connection: DuckDB, in memory.
        folder: For staged files; removed by whoever made it.
        threads: Threads in use; None: all cores.
        numbers: Of names and paths; desks that share a folder share them.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        threads: int | None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._connection = connection
        self._numbers = numbers if numbers is not None else count(1)
        self._shared = numbers is not None
        self.folder = folder
        self.threads = threads

    @property
    def cores(self) -> int:
        """Threads that DuckDB works with."""
        return int(self.rows("SELECT current_setting('threads')")[0][0])

    @contextmanager
    def beside(self) -> Iterator[Desk]:
        """A second desk over the same tables for another thread; views and temporary tables are its own.

        What DuckDB keeps in order is one setting for all, so that rows stay in order on both from now on: more memory,
        for small deliveries only.
        """
        self._connection.execute("SET preserve_insertion_order = true")
        self._shared = True
        zone = self.rows("SELECT current_setting('TimeZone')")[0][0]
        with self._connection.cursor() as connection:
            connection.execute(f"SET TimeZone = {literal(zone)}")
            yield Desk(connection, self.folder, self.threads, self._numbers)

    def run(self, sql: str, *, ordered: bool = False) -> int:
        """Runs a statement and gives the rows written, if it writes; `ordered` keeps the order of what it reads."""
        if not self._shared:
            self._connection.execute(f"SET preserve_insertion_order = {literal(ordered)}")
        found = self._connection.execute(sql).fetchall()
        return int(found[0][0]) if found and isinstance(found[0][0], int) else 0

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._connection.execute(sql).fetchall()

    def take(self, name: str, table: pa.Table) -> None:
        """Makes a table of one that was made in Python; desks beside this one see it too."""
        self._connection.register(f"__taken_{name}", table)
        self._connection.execute(f"CREATE TABLE {ident(name)} AS SELECT * FROM {ident(f'__taken_{name}')}")
        self._connection.unregister(f"__taken_{name}")

    def columns(self, sql: str) -> dict[str, str]:
        """Names and DuckDB types of a query's columns."""
        return {row[0]: row[1] for row in self.rows(f"DESCRIBE {sql}")}

    def new_name(self) -> str:
        """A name that no input has."""
        return f"__{next(self._numbers)}"

    def new_path(self, suffix: str) -> Path:
        """A path for a new staged file."""
        return self.folder / f"{next(self._numbers)}.{suffix}"


@contextmanager
def open_desk(settings: Settings, root: Path) -> Iterator[Desk]:
    """A desk with the workspace's limits; its staged files are removed at the end, whatever happens.

    Args:
        settings: Threads, memory, spill folder and time zone are read.
        root: The workspace's folder.
    """
    spill = root / settings.engine.spill
    spill.mkdir(parents=True, exist_ok=True)
    _sweep(spill)
    folder = Path(tempfile.mkdtemp(prefix="ingest-", dir=spill))
    (folder / _OWNER).write_text(json.dumps(asdict(this_process())))
    connection = duckdb.connect(config=_config(settings, folder))
    try:
        connection.execute(f"SET TimeZone = {literal(settings.timezone)}")
        connection.execute(_REJECTED)
        yield Desk(connection, folder, settings.engine.threads)
    finally:
        connection.close()
        shutil.rmtree(folder)


def _sweep(spill: Path) -> None:
    """Removes what killed processes have left: staged files may be as large as the delivery."""
    for owner in spill.glob(f"ingest-*/{_OWNER}"):
        try:
            text = owner.read_text()
        except FileNotFoundError:  # its owner has just finished
            continue
        if text and surely_dead(Process(**json.loads(text))):
            shutil.rmtree(owner.parent, ignore_errors=True)


def _config(settings: Settings, folder: Path) -> dict[str, str | bool | int | float | list[str]]:
    memory_gb = settings.engine.memory_gb or MEMORY_SHARE * _memory_bytes() / 1e9
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_gb:.3f}GB",
        "temp_directory": str(folder / "spill"),
        "autoinstall_known_extensions": False,
    }
    if settings.engine.threads:
        config["threads"] = settings.engine.threads
    return config


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
