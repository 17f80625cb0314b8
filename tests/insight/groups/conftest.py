"""A small bank's profile on two days, made once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.insight.bank import ON, Deliveries, deliveries, later, smallbank, write

from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.profile.inputs import ProfileInputs
from cultiva.insight.profile.service import make_profile


@dataclass(frozen=True)
class Day:
    """One business date of the bank."""

    on: date
    bank: Deliveries
    inputs: ProfileInputs
    profile: list[Path]

    def group_day(self, engine: Engine) -> GroupDay:
        return GroupDay(engine, self.profile, smallbank(), self.on)

    def rows(self) -> list[dict[str, Any]]:
        return pl.read_parquet(part_files(self.profile)).to_dicts()


@pytest.fixture(scope="session")
def days(duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> list[Day]:
    """Two business dates, ten days apart; on the second nothing new has happened."""
    root = tmp_path_factory.mktemp("bank")
    bank = deliveries(300)
    found: list[Day] = []
    for number, (on, rows) in enumerate(((ON, bank), (ON + timedelta(days=10), later(bank, 10)))):
        folder = root / str(number)
        inputs = write(rows, folder / "in", previous=found[-1].profile if found else ())
        make_profile(duckdb_engine, inputs, smallbank(), on, folder / "profile")
        found.append(Day(on, rows, inputs, [folder / "profile"]))
    return found
