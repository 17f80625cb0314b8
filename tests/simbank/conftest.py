"""A small sample bank, written once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cultiva.simbank.sample import SampleCounts, write_sample


@dataclass(frozen=True)
class Sample:
    """A written sample bank and a way to ask it."""

    folder: Path
    counts: SampleCounts

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query in which `{name}` stands for a file."""
        return duckdb.sql(query.format_map(_Files(self.folder))).fetchall()


class _Files(dict[str, str]):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __missing__(self, name: str) -> str:
        text = self._folder / f"{name}.csv"
        return f"read_csv('{text}', all_varchar=true)" if text.exists() else f"'{self._folder / name}.parquet'"


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    return Sample(folder, write_sample(folder, customers=2_000))
