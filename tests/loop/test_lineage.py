from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import pyarrow as pa
import pytest

from cultiva.contracts.sight import EVERYBODY
from cultiva.definitions.empty import NO_LIFECYCLE, NO_POLICY, NO_VALUE
from cultiva.definitions.sources import Identity, SourceFile
from cultiva.definitions.workspace import Settings, Workspace
from cultiva.engine.lake import Lake
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine
from cultiva.kit.errors import CultivaError
from cultiva.loop.lineage import customer_meant
from cultiva.loop.parts import Parts
from cultiva.store import IdentityChange, IdentityChangeKind, Store

DAY = date(1994, 3, 30)
NOW = datetime(1994, 3, 31, 2, tzinfo=UTC)
MERGE, SPLIT = IdentityChangeKind.MERGE, IdentityChangeKind.SPLIT

Publish = Callable[..., None]


@pytest.fixture
def parts(tmp_path: Path, store: Store) -> Parts:
    workspace = Workspace(
        root=tmp_path, settings=Settings(name="bank"), sources=SourceFile(), identity=Identity(), events={}, tags={},
        segments={}, micro_segmentations={}, lifecycle=NO_LIFECYCLE, value=NO_VALUE, offers={}, strategies={},
        policy=NO_POLICY,
    )  # fmt: skip
    no_engine = cast(Engine, None)
    return Parts(workspace, no_engine, Lake(tmp_path / "lake", store.snapshots), store, lambda: NOW)


@pytest.fixture
def publish(parts: Parts) -> Publish:
    def published(on: date, ids: list[int], *changes: IdentityChange, run_id: str = "run") -> None:
        lake, run = parts.lake, f"{run_id}-{on}"
        folder = lake.stage("identity_map", on, run_id=run)
        names = [f"c{one}" for one in ids]
        columns = {"source_system": ["core"] * len(ids), "source_id": names, "customer_id": ids}
        written = write_arrow(pa.table(columns), folder)
        snapshot = lake.snapshot("identity_map", on, folder, written, run_id=run)
        parts.store.snapshots.publish([snapshot], step="identity", at=NOW)
        parts.store.identity.record(changes, run_id=run, at=NOW)

    return published


def merge(on: date, retired: int, survivor: int) -> IdentityChange:
    return IdentityChange(MERGE, on, from_ids=(survivor, retired), to_ids=(survivor,), reason="id_number_hash")


def test_an_id_that_is_in_use_is_itself(parts: Parts, publish: Publish) -> None:
    publish(DAY, [7, 12])
    assert (
        customer_meant(parts, "12", DAY, sight=EVERYBODY).customer_id,
        customer_meant(parts, "12", DAY, sight=EVERYBODY).notes,
    ) == (12, ())
    assert customer_meant(parts, "core:c7", DAY, sight=EVERYBODY).customer_id == 7


def test_a_merged_id_is_followed_and_said(parts: Parts, publish: Publish) -> None:
    publish(DAY, [7], merge(DAY, 12, 7))
    meant = customer_meant(parts, "12", DAY, sight=EVERYBODY)
    assert (meant.customer_id, meant.notes) == (7, ("customer 12 was merged into 7 on 1994-03-30",))


def test_the_survivor_of_a_merge_has_nothing_to_tell(parts: Parts, publish: Publish) -> None:
    publish(DAY, [7], merge(DAY, 12, 7))
    assert customer_meant(parts, "7", DAY, sight=EVERYBODY).notes == ()


def test_merges_are_followed_from_one_to_the_next(parts: Parts, publish: Publish) -> None:
    tomorrow = DAY + timedelta(days=1)
    publish(DAY, [3, 7], merge(DAY, 12, 7))
    publish(tomorrow, [3], merge(tomorrow, 7, 3))
    meant = customer_meant(parts, "12", tomorrow, sight=EVERYBODY)
    assert meant.customer_id == 3
    assert meant.notes == (
        "customer 12 was merged into 7 on 1994-03-30",
        "customer 7 was merged into 3 on 1994-03-31",
    )
    assert customer_meant(parts, "12", DAY, sight=EVERYBODY).customer_id == 7


def test_before_the_merge_the_id_is_itself(parts: Parts, publish: Publish) -> None:
    yesterday = DAY - timedelta(days=1)
    publish(yesterday, [7, 12])
    publish(DAY, [7], merge(DAY, 12, 7))
    assert customer_meant(parts, "12", yesterday, sight=EVERYBODY).customer_id == 12


def test_a_split_is_told(parts: Parts, publish: Publish) -> None:
    publish(DAY, [4, 11], IdentityChange(SPLIT, DAY, from_ids=(4,), to_ids=(4, 11), reason="they differ"))
    meant = customer_meant(parts, "4", DAY, sight=EVERYBODY)
    assert (meant.customer_id, meant.notes) == (4, ("customer 4 was split into 4 and 11 on 1994-03-30",))
    assert customer_meant(parts, "11", DAY, sight=EVERYBODY).notes == ()


def test_a_customer_of_whom_one_part_was_merged_and_one_went_on(parts: Parts, publish: Publish) -> None:
    split = IdentityChange(SPLIT, DAY, from_ids=(12,), to_ids=(7, 20), reason="they differ")
    publish(DAY, [7, 20], merge(DAY, 12, 7), split)
    meant = customer_meant(parts, "12", DAY, sight=EVERYBODY)
    assert meant.customer_id == 7
    assert set(meant.notes) == {
        "customer 12 was split into 7 and 20 on 1994-03-30",
        "customer 12 was merged into 7 on 1994-03-30",
    }


def test_what_a_rerun_has_taken_back_does_not_count(parts: Parts, publish: Publish) -> None:
    publish(DAY, [7], merge(DAY, 12, 7), run_id="first")
    publish(DAY, [8], merge(DAY, 12, 8), run_id="second")
    assert customer_meant(parts, "12", DAY, sight=EVERYBODY).customer_id == 8


@pytest.mark.parametrize("name", ["99", "core:nobody", "-1", "x", "9" * 30])
def test_who_was_never_there_is_not_found(parts: Parts, publish: Publish, name: str) -> None:
    publish(DAY, [7], merge(DAY, 12, 7))
    with pytest.raises(CultivaError, match="no such customer"):
        customer_meant(parts, name, DAY, sight=EVERYBODY)
