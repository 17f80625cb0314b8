from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pyroaring import BitMap
from tests.insight.bank import smallbank

from cultiva.contracts.types import DataType
from cultiva.definitions.base import Label
from cultiva.definitions.document import read_document
from cultiva.definitions.segments import Clusters, MicroSegmentation, Segment
from cultiva.definitions.tags import Tag
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.groups.division import divide
from cultiva.insight.groups.memberships import Memberships, find_members
from cultiva.insight.groups.microsegments import make_microsegments
from cultiva.kit.errors import CultivaError

ON = date(1994, 3, 30)
TYPES = {"aum": "money", "logins": "integer", "has_loan": "boolean", "region": "text", "born": "date"}
SAVERS = MicroSegmentation(
    name="savers",
    label=Label(zh="储蓄细分", en="Savers"),
    segment="people",
    tags=("aum", "logins", "has_loan"),
    clusters=Clusters(minimum=2, maximum=5),
    rule_accuracy_min=0.9,
)


def workspace() -> Workspace:
    tags = {
        name: Tag(name=name, label=Label(zh=name, en=name), type=DataType(kind), column=name)
        for name, kind in TYPES.items()
    }
    people = Segment(name="people", label=Label(zh="个人", en="People"), rule="customer_id % 10 <> 0")
    value = smallbank().value.model_copy(update={"tierings": ()})
    return replace(
        smallbank(), tags=tags, segments={"people": people}, micro_segmentations={"savers": SAVERS}, value=value
    )


def plant(folder: Path, *, rows: int = 3_000, seed: int = 0) -> dict[int, int]:
    """Three kinds of customers: rich and quiet, poor and digital, poor borrowers; who is which."""
    random = np.random.default_rng(seed)
    kind = np.random.default_rng(99).choice(3, rows, p=[0.2, 0.5, 0.3])
    aum = np.where(kind == 0, random.normal(90_000, 4_000, rows), random.normal(5_000, 1_500, rows))
    logins = np.where(kind == 1, random.poisson(30, rows), random.poisson(2, rows))
    known = random.random(rows) < 0.98
    frame = pl.DataFrame(
        {
            "customer_id": pl.Series(range(1, rows + 1), dtype=pl.Int64),
            "aum": pl.Series(np.round(aum, 2)).cast(pl.Decimal(18, 2)),
            "logins": pl.Series(logins, dtype=pl.Int64),
            "has_loan": pl.Series(kind == 2),
            "region": pl.Series(np.where(random.random(rows) < 0.5, "north", "south")),
            "stage": pl.Series(["growing"] * rows),
        }
    ).with_columns(aum=pl.when(pl.Series(known)).then("aum"))
    write_arrow(frame.to_arrow(), folder)
    return {number + 1: int(kind[number]) for number in range(rows) if (number + 1) % 10}


@pytest.fixture
def planted(duckdb_engine: Engine, tmp_path: Path) -> Callable[[int], tuple[GroupDay, Memberships, dict[int, int]]]:
    def make(seed: int) -> tuple[GroupDay, Memberships, dict[int, int]]:
        kinds = plant(tmp_path / f"profile-{seed}", seed=seed)
        day = GroupDay(duckdb_engine, [tmp_path / f"profile-{seed}"], only_columns(workspace()), ON)
        return day, find_members(day), kinds

    return make


def only_columns(found: Workspace) -> Workspace:
    """The planted profile has no columns of the value model and no date of birth."""
    return replace(found, tags={name: tag for name, tag in found.tags.items() if name != "born"})


def read(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(part_files([folder]))


Planted = Callable[[int], tuple[GroupDay, Memberships, dict[int, int]]]


def test_planted_kinds_of_customers_are_found_again(planted: Planted) -> None:
    day, members, kinds = planted(0)
    found = divide(day, members.segments["people"], SAVERS)
    assert found is not None
    assert len(found.parts) == 3
    assert found.group == BitMap(kinds) == BitMap.union(*(part.members for part in found.parts))
    for part in found.parts:
        inside = [kinds[key] for key in part.members]
        commonest = max(set(inside), key=inside.count)
        assert inside.count(commonest) / len(inside) > 0.95


def test_the_offered_rules_reach_the_accuracy_they_state(planted: Planted) -> None:
    day, members, _ = planted(0)
    found = divide(day, members.segments["people"], SAVERS)
    assert found is not None
    right = sum(len(part.members & part.by_rule) for part in found.parts)
    assert found.accuracy == round(right / len(found.group), 6) >= 0.9
    assert all(part.precision > 0.9 and part.recall > 0.9 for part in found.parts)


def test_clusters_keep_their_numbers_from_run_to_run(planted: Planted, tmp_path: Path) -> None:
    one, members, _ = planted(0)
    two, later, _ = planted(5)
    make_microsegments(one, members, (), tmp_path / "first")
    make_microsegments(two, later, [tmp_path / "first"], tmp_path / "second")
    first, second = read(tmp_path / "first"), read(tmp_path / "second")
    assert first["number"].to_list() == [1, 2, 3]
    for before, after in zip(first.sort("number").to_dicts(), second.sort("number").to_dicts(), strict=True):
        assert before["number"] == after["number"]
        old, new = BitMap.deserialize(before["bitmap"]), BitMap.deserialize(after["bitmap"])
        assert old.jaccard_index(new) > 0.9


def test_the_same_profile_gives_the_same_snapshot(planted: Planted, tmp_path: Path) -> None:
    day, members, _ = planted(0)
    one, two = (make_microsegments(day, members, (), tmp_path / name) for name in ("one", "two"))
    assert one == two


def test_a_cluster_is_said_in_words_and_ready_as_a_segment(planted: Planted, tmp_path: Path) -> None:
    day, members, _ = planted(0)
    make_microsegments(day, members, (), tmp_path / "micro")
    rows = read(tmp_path / "micro").to_dicts()
    rich = max(rows, key=lambda row: float(row["words_en"].count("higher aum")))
    assert "higher aum" in rich["words_en"]
    assert "aum更高" in rich["words_zh"]
    for row in rows:
        document, faults = read_document("micro.yaml", row["yaml"].encode())
        assert document is not None
        assert faults == []
        (taken_over,) = [Segment.model_validate(item) for item in document.data]
        assert taken_over.rule == row["rule"]
        segments = {**day.workspace.segments, taken_over.name: taken_over}
        again = find_members(replace(day, workspace=replace(day.workspace, segments=segments)))
        wrong = again.segments[taken_over.name] ^ BitMap.deserialize(row["bitmap"])
        assert len(wrong) <= 0.1 * len(members.everybody)
        assert row["accurate"]


def test_a_group_too_small_is_not_divided(planted: Planted, tmp_path: Path) -> None:
    day, _, _ = planted(0)
    assert divide(day, BitMap(range(1, 15)), SAVERS) is None


def test_a_group_of_equals_is_not_divided_and_does_not_stop_the_run(planted: Planted, tmp_path: Path) -> None:
    day, members, _ = planted(0)
    equals = SAVERS.model_copy(update={"tags": ("stage",)})
    assert divide(day, members.segments["people"], equals) is None
    alike = replace(day, workspace=replace(day.workspace, micro_segmentations={"savers": equals}))
    assert make_microsegments(alike, members, (), tmp_path / "micro").rows == 0


def test_a_date_cannot_be_clustered_on(planted: Planted, tmp_path: Path) -> None:
    day, members, _ = planted(0)
    dated = pl.read_parquet(part_files(day.profile)).with_columns(born=pl.lit(date(1960, 1, 1)))
    write_arrow(dated.to_arrow(), tmp_path / "dated")
    on_date = replace(day, profile=[tmp_path / "dated"], workspace=workspace())
    with pytest.raises(CultivaError, match="cannot be clustered on"):
        divide(on_date, members.segments["people"], SAVERS.model_copy(update={"tags": ("born",)}))
