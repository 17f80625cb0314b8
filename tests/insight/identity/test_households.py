"""Who lives with whom, on every engine."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cultiva.engine.port import Engine
from cultiva.insight.identity.households import PEOPLE_MAX, write_households

S = pl.String


def put(folder: Path, rows: list[tuple[str, str]], names: tuple[str, str] = ("from_id", "to_id")) -> list[Path]:
    folder.mkdir()
    pl.DataFrame(rows, schema=dict.fromkeys(names, S), orient="row").with_columns(
        from_system=pl.lit("core"), to_system=pl.lit("core"), kind=pl.lit("family")
    ).write_parquet(folder / "part-0.parquet")
    return [folder]


def mapping(folder: Path, ids: dict[str, int]) -> list[Path]:
    folder.mkdir()
    pl.DataFrame(
        {"source_system": ["core"] * len(ids), "source_id": list(ids), "customer_id": list(ids.values())}
    ).write_parquet(folder / "part-0.parquet")
    return [folder]


def test_links_of_the_kinds_asked_for_join_whoever_they_reach(engine: Engine, tmp_path: Path) -> None:
    ids = {"a": 31, "b": 12, "c": 45, "d": 7, "e": 9, "e2": 9}
    links = put(tmp_path / "links", [("a", "b"), ("c", "b"), ("b", "a"), ("e", "e2"), ("d", "stranger")])
    boss = put(tmp_path / "work", [("d", "e")])
    pl.read_parquet(boss[0]).with_columns(kind=pl.lit("employer")).write_parquet(boss[0] / "part-0.parquet")
    found = write_households(
        engine, [*links, *boss], mapping(tmp_path / "ids", ids), tmp_path / "out", kinds=("family",)
    )
    assert (found.households, found.refused, found.written.rows) == (1, 0, 3)
    rows = pl.read_parquet(tmp_path / "out" / "*.parquet").rows()
    assert rows == [(12, 12), (31, 12), (45, 12)]  # named by the smallest; 9 is one customer with two records


def test_more_people_than_live_under_a_roof_are_no_household(duckdb_engine: Engine, tmp_path: Path) -> None:
    ids = {f"p{number}": number for number in range(1, 2 * PEOPLE_MAX + 2)}
    crowd = [("p1", f"p{number}") for number in range(2, PEOPLE_MAX + 2)]
    family = [(f"p{PEOPLE_MAX + 2}", f"p{number}") for number in range(PEOPLE_MAX + 3, 2 * PEOPLE_MAX + 2)]
    links = put(tmp_path / "links", crowd + family)
    found = write_households(duckdb_engine, links, mapping(tmp_path / "ids", ids), tmp_path / "out", kinds=("family",))
    assert (found.households, found.refused, found.written.rows) == (1, 1, PEOPLE_MAX)


def test_a_bank_without_relationships_has_no_households(duckdb_engine: Engine, tmp_path: Path) -> None:
    ids = mapping(tmp_path / "ids", {"a": 1})
    found = write_households(duckdb_engine, [], ids, tmp_path / "out", kinds=("family",))
    assert (found.households, found.written.rows) == (0, 0)
    assert pl.read_parquet(tmp_path / "out" / "*.parquet").columns == ["customer_id", "household_id"]
