"""Descriptions on real customers: who left a bank is older, more often in Germany, and less often active."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from pyroaring import BitMap
from tests.insight.bank import smallbank

from cultiva.contracts.types import DataType
from cultiva.definitions.base import Label
from cultiva.definitions.segments import MicroSegmentation
from cultiva.definitions.tags import Tag
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.groups.describe import describe
from cultiva.insight.groups.division import divide

DATA = Path(os.environ.get("CULTIVA_DATA", Path(__file__).parents[4] / "shared" / "data"))
CHURN = DATA / "bank_customer_churn" / "Churn_Modelling.csv.gz"
TAGS = {
    "age": DataType.INTEGER,
    "balance": DataType.NUMBER,
    "score": DataType.INTEGER,
    "country": DataType.TEXT,
    "gender": DataType.TEXT,
    "is_active": DataType.BOOLEAN,
    "has_card": DataType.BOOLEAN,
}
pytestmark = [pytest.mark.data, pytest.mark.skipif(not CHURN.exists(), reason=f"no {CHURN}")]


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], BitMap, BitMap]:
    raw = pl.read_csv(CHURN)
    frame = raw.select(
        customer_id=pl.col("RowNumber"),
        age="Age",
        balance="Balance",
        score="CreditScore",
        country="Geography",
        gender="Gender",
        is_active=pl.col("IsActiveMember") == 1,
        has_card=pl.col("HasCrCard") == 1,
    )
    folder = tmp_path_factory.mktemp("churn") / "profile"
    write_arrow(frame.to_arrow(), folder)
    left = raw.filter(pl.col("Exited") == 1)["RowNumber"]
    return [folder], BitMap(left.to_list()), BitMap(raw["RowNumber"].to_list())


def test_who_left_is_told_apart_by_age_activity_and_country(customers: tuple[list[Path], BitMap, BitMap]) -> None:
    profile, left, everybody = customers
    assert (len(left), len(everybody)) == (2_037, 10_000)
    traits = {trait.tag: trait for trait in describe(profile, {"left": left}, everybody, list(TAGS))["left"]}
    assert list(traits) == ["age", "country", "is_active", "balance", "gender"]
    assert traits["age"].strength > 0
    assert (traits["country"].value, traits["country"].strength > 0) == ("Germany", True)
    assert traits["is_active"].strength < 0
    assert traits["country"].everywhere == pytest.approx(0.2509)


def test_customers_fall_into_clusters_that_rules_find_again(
    duckdb_engine: Engine, customers: tuple[list[Path], BitMap, BitMap]
) -> None:
    profile, _, everybody = customers
    tags = {name: Tag(name=name, label=Label(zh=name, en=name), type=kind, column=name) for name, kind in TAGS.items()}
    workspace = replace(smallbank(), tags=tags)
    wanted = MicroSegmentation(
        name="kinds", label=Label(zh="客户类型", en="Kinds"), tags=("age", "balance", "is_active", "country")
    )
    found = divide(GroupDay(duckdb_engine, profile, workspace, date(2020, 1, 1)), everybody, wanted)
    assert found is not None
    assert found.accuracy >= 0.85
    assert sum(len(part.members) for part in found.parts) == 10_000
    assert min(found.share(part) for part in found.parts) > 0.01
