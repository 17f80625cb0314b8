from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.insight.bank import ON, deliveries, smallbank, write
from tests.insight.slow_profile import slow_profile

from cultiva.contracts.types import DataType
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.insight.profile import catalogue
from cultiva.insight.profile.catalogue import NO_SOURCE, TagFacts, fresh_on, write_catalogue
from cultiva.insight.profile.columns import Origin, ProfileColumn
from cultiva.insight.profile.freshness import newest_day
from cultiva.insight.profile.inputs import ProfileInputs
from cultiva.insight.profile.service import ProfileFolders, describe_profile, make_profile


@pytest.fixture(scope="module")
def made(duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[ProfileInputs, list[Path]]:
    root = tmp_path_factory.mktemp("catalogue")
    inputs = write(deliveries(200), root / "in")
    make_profile(duckdb_engine, inputs, smallbank(), ON, root / "profile")
    return inputs, [root / "profile"]


def read(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["tag"]: row for row in pl.read_parquet(part_files([folder])).to_dicts()}


def run(engine: Engine, made: tuple[ProfileInputs, list[Path]], root: Path, before: Path | None = None) -> Path:
    inputs = replace(made[0], previous_catalogue=[before] if before else ())
    folders = ProfileFolders(root / "transitions", root / "grid", root / "catalogue")
    describe_profile(engine, made[1], inputs, smallbank(), ON, folders)
    return folders.catalogue


def test_the_catalogue_says_what_plain_python_counts(
    duckdb_engine: Engine, made: tuple[ProfileInputs, list[Path]], tmp_path: Path
) -> None:
    said = read(run(duckdb_engine, made, tmp_path))
    rows = slow_profile(deliveries(200), ON)
    for tag in ("aum", "age", "region", "is_adult", "stage", "average_amount"):
        known = [row[tag] for row in rows if row[tag] is not None]
        assert (said[tag]["customers"], said[tag]["known"]) == (200, len(known)), tag
        assert said[tag]["coverage"] == round(len(known) / 200, 6)
        assert (said[tag]["distinct"], said[tag]["distinct_exact"]) == (len(set(known)), True)
    amounts = [row["aum"] for row in rows]
    assert (said["aum"]["minimum"], said["aum"]["maximum"]) == (str(min(amounts)), str(max(amounts)))
    assert said["aum"]["mean"] == pytest.approx(float(sum(amounts)) / 200, rel=1e-8)
    stages = Counter(row["stage"] for row in rows)
    assert dict(json.loads(said["stage"]["top"])) == stages
    assert not any(tag.startswith(("ev_", "in_list_")) for tag in said)


def test_a_tag_without_a_source_says_so(
    duckdb_engine: Engine, made: tuple[ProfileInputs, list[Path]], tmp_path: Path
) -> None:
    said = read(run(duckdb_engine, made, tmp_path))
    assert {tag for tag, row in said.items() if row["status"] == NO_SOURCE} == {
        "complaints", "value_surveys", "score", "previous_stage",
    }  # fmt: skip
    assert said["complaints"]["known"] == 0


def test_personal_values_are_not_shown(
    duckdb_engine: Engine, made: tuple[ProfileInputs, list[Path]], tmp_path: Path
) -> None:
    row = read(run(duckdb_engine, made, tmp_path))["name"]
    assert (row["personal"], row["top"], row["sketch"], row["minimum"]) == (True, "[]", None, None)
    assert row["known"] > 0


def test_owner_tables_and_freshness_reach_through_expressions(
    duckdb_engine: Engine, made: tuple[ProfileInputs, list[Path]], tmp_path: Path
) -> None:
    said = read(run(duckdb_engine, made, tmp_path))
    opened = max(row["opened_on"] for row in deliveries(200).holdings)
    moved = max(row["at"].date() for row in deliveries(200).transactions)
    assert (said["aum"]["owner"], said["aum"]["tables"], said["aum"]["fresh_on"]) == ("wealth", "holding", opened)
    assert said["monthly_aum"]["tables"] == "holding"
    assert said["stage"]["tables"] == "holding, party, survey_answer, transaction"
    assert said["inflow_30d"]["fresh_on"] == moved
    assert said["age"]["fresh_on"] == ON


def test_change_against_the_last_run_is_measured(
    duckdb_engine: Engine, made: tuple[ProfileInputs, list[Path]], tmp_path: Path
) -> None:
    first = run(duckdb_engine, made, tmp_path / "one")
    shifted = pl.read_parquet(part_files(made[1])).with_columns(
        aum=pl.col("aum") * 3 + 1000, age=pl.when(pl.col("customer_id") > 50).then("age")
    )
    write_arrow(shifted.with_columns(pl.col("aum").cast(pl.Decimal(18, 2))).to_arrow(), tmp_path / "shifted")
    again = read(run(duckdb_engine, made, tmp_path / "two", first))
    moved = read(run(duckdb_engine, (made[0], [tmp_path / "shifted"]), tmp_path / "three", first))
    assert again["aum"]["stability_index"] == again["aum"]["coverage_change"] == 0
    assert moved["aum"]["stability_index"] > 0.25
    assert moved["age"]["coverage_change"] < -0.2
    assert moved["region"]["stability_index"] == 0
    assert read(first)["aum"]["stability_index"] is None


def test_a_large_bank_is_told_from_a_sample_but_counted_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "SAMPLE", 500)
    rows = pl.DataFrame({"customer_id": range(1, 20_001)}).with_columns(x=pl.col("customer_id") % 100)
    write_arrow(rows.to_arrow(), tmp_path / "profile")
    facts = [TagFacts(ProfileColumn("x", DataType.INTEGER, Origin.COLUMN), "", None)]
    write_catalogue([tmp_path / "profile"], facts, (), tmp_path / "catalogue")
    said = read(tmp_path / "catalogue")["x"]
    assert (said["known"], said["minimum"], said["maximum"], said["mean"]) == (20_000, "0", "99", 49.5)
    assert said["distinct_exact"] is False
    shares = json.loads(said["sketch"])["shares"]
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert all(abs(share - 0.1) < 0.05 for share in shares)


def test_a_column_is_as_fresh_as_its_stalest_table() -> None:
    column = ProfileColumn("x", DataType.NUMBER, Origin.EXPRESSION, frozenset(("a", "b")))
    early, late = date(1994, 1, 1), date(1994, 2, 1)
    assert fresh_on(column, {"a": early, "b": late}) == early
    assert fresh_on(column, {"a": early}) == early
    assert fresh_on(column, {"a": early, "b": None}) is None
    assert fresh_on(column, {}) is None


def test_the_newest_day_is_found_with_and_without_footers(tmp_path: Path) -> None:
    moments = [datetime.fromisoformat("1994-03-01T23:59") + timedelta(days=n) for n in (3, 0, 9)]
    frame = pl.DataFrame({"at": moments})
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    frame.write_parquet(tmp_path / "with" / "part-00000.parquet")
    frame.write_parquet(tmp_path / "without" / "part-00000.parquet", statistics=False)
    assert newest_day([tmp_path / "with"], "at") == newest_day([tmp_path / "without"], "at") == date(1994, 3, 10)
    (tmp_path / "empty").mkdir()
    frame.head(0).write_parquet(tmp_path / "empty" / "part-00000.parquet")
    assert newest_day([tmp_path / "empty"], "at") is None
