"""Opens the engine that a workspace asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cultiva.engine.port import Engine
from cultiva.kit.errors import CultivaError, did_you_mean

MEMORY_SHARE = 0.6
"""Share of the machine's memory that an engine takes unless told otherwise."""
ENGINES = ("duckdb", "spark")
"""The engines there are."""


class EngineChoice(Protocol):
    """What `[engine]` of cultiva.toml says."""

    @property
    def name(self) -> str:
        """`duckdb` or `spark`."""

    @property
    def threads(self) -> int | None:
        """Threads; None: all cores."""

    @property
    def memory_gb(self) -> float | None:
        """Memory limit; None: 60 % of the machine's."""

    @property
    def spill(self) -> str:
        """Folder for what does not fit in memory."""

    @property
    def master(self) -> str:
        """Spark's master."""

    @property
    def options(self) -> Mapping[str, str]:
        """Further settings of Spark."""


def open_engine(choice: EngineChoice, *, root: Path = Path()) -> Engine:
    """Opens an engine; close it after use.

    Args:
        choice: Which one, and how much of the machine it may take.
        root: The workspace; a relative spill folder lies in it.

    Raises:
        CultivaError: if there is no such engine, or it cannot be started here.
    """
    spill = root / choice.spill
    if choice.name == "duckdb":
        _limit_polars(choice.threads, spill)
        from cultiva.engine.duckdb import DuckDBEngine

        memory_gb = choice.memory_gb or round(machine_memory_gb() * MEMORY_SHARE, 1)
        return DuckDBEngine(threads=choice.threads, memory_gb=memory_gb, spill=spill)
    if choice.name == "spark":
        from cultiva.engine.spark import SparkEngine

        return SparkEngine(master=choice.master, options=choice.options, spill=spill, threads=choice.threads)
    raise CultivaError(
        "there is no such engine",
        code="engine.unknown",
        seen=choice.name,
        allowed=", ".join(ENGINES),
        hint=did_you_mean(choice.name, ENGINES) or "choose one in cultiva.toml, [engine] name",
    )


def machine_memory_gb() -> float:
    """Memory of this machine, or of the container it is, in GB."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        physical = min(physical, int(text))
    return physical / 1e9


def _limit_polars(threads: int | None, spill: Path) -> None:
    """Polars reads these once, when it is first imported: so this module imports it late. What is set stays set."""
    if threads:
        os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
    os.environ.setdefault("POLARS_TEMP_DIR", str(spill))
