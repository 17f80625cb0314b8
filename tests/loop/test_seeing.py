"""Who is in sight: by the newest run, as a set, the same as row by row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from cultiva.contracts.sight import EVERYBODY, NOBODY, Sight
from cultiva.definitions.empty import NO_LIFECYCLE, NO_POLICY, NO_VALUE
from cultiva.definitions.sources import Identity, SourceFile
from cultiva.definitions.workspace import Settings, Workspace
from cultiva.engine.lake import Lake
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine
from cultiva.kit.errors import CultivaError
from cultiva.loop import questions
from cultiva.loop.customers import card, unmask, unmasking_of
from cultiva.loop.lineage import customer_meant
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import condition, explanation_in_sight, sees, those_in_sight
from cultiva.store import IdentityChange, IdentityChangeKind, Store

DAY = date(1994, 3, 30)
NEXT = DAY + timedelta(days=1)
NOW = datetime(1994, 3, 31, 2, tzinfo=UTC)
A1, A2 = Sight(advisers=frozenset({"a1"})), Sight(advisers=frozenset({"a2"}))
B1 = Sight(branches=frozenset({"b1"}))
Home = tuple[str | None, str | None]
Publish = Callable[..., None]

names = st.sampled_from([None, "a", "b", "c"])
sets = st.frozensets(st.sampled_from(["a", "b", "c"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(names, names), max_size=12), sets, sets, st.booleans())
def test_a_scan_sees_what_is_seen_row_by_row(
    rows: list[Home], branches: frozenset[str], advisers: frozenset[str], whole: bool
) -> None:
    sight = Sight(whole_bank=whole, branches=branches, advisers=advisers)
    columns = {"branch_id": [row[0] for row in rows], "adviser_id": [row[1] for row in rows]}
    frame = pl.DataFrame(columns, schema={"branch_id": pl.String, "adviser_id": pl.String}).with_row_index("row")
    found = set(frame.lazy().filter(condition(sight)).select("row").collect()["row"])
    assert found == {place for place, row in enumerate(frame.to_dicts()) if sight.sees(row)}
    assert found == set() or not sight.nobody


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
    """Publishes a run: customers with their branches and advisers."""

    def published(on: date, homes: dict[int, Home], *changes: IdentityChange, run_id: str = "run") -> None:
        ids, run = list(homes), f"{run_id}-{on}"
        mapping = {"source_system": ["core"] * len(ids), "source_id": [f"c{one}" for one in ids], "customer_id": ids}
        party = {
            "customer_id": ids,
            "name": ["n"] * len(ids),
            "branch_id": [home[0] for home in homes.values()],
            "adviser_id": [home[1] for home in homes.values()],
        }
        for table, columns in (
            ("identity_map", mapping),
            ("customer", party),
            ("profile", {"customer_id": ids, "stage": ["mature"] * len(ids)}),
            ("memberships", {"segment": ["*"], "size": [len(ids)], "bitmap": [BitMap(ids).serialize()]}),
        ):
            folder = parts.lake.stage(table, on, run_id=run)
            written = write_arrow(pa.table(columns), folder)
            snapshot = parts.lake.snapshot(table, on, folder, written, run_id=run)
            parts.store.snapshots.publish([snapshot], step=table, at=NOW)
        parts.store.identity.record(changes, run_id=run, at=NOW)

    return published


def test_each_sees_their_own(parts: Parts, publish: Publish) -> None:
    publish(DAY, {7: ("b1", "a1"), 8: ("b1", "a2"), 9: ("b2", None), 10: (None, None)})
    ids = BitMap([7, 8, 9, 10, 11])
    assert those_in_sight(parts, ids, A1) == BitMap([7])
    assert those_in_sight(parts, ids, B1) == BitMap([7, 8])
    assert those_in_sight(parts, ids, Sight(branches=frozenset({"b2"}), advisers=frozenset({"a1"}))) == BitMap([7, 9])
    assert those_in_sight(parts, ids, NOBODY) == BitMap()
    assert those_in_sight(parts, ids, EVERYBODY) == ids
    assert [sees(parts, who, A1) for who in (7, 8, -1, 2**40)] == [True, False, False, False]
    assert sees(parts, -1, EVERYBODY)


def test_whose_a_customer_is_is_what_the_newest_run_says_also_of_earlier_days(parts: Parts, publish: Publish) -> None:
    publish(DAY, {7: ("b1", "a1")})
    assert sees(parts, 7, A1)
    assert card(parts, 7, DAY, sight=A1).facts["adviser_id"] == "a1"
    publish(NEXT, {7: ("b1", "a2")})
    assert not sees(parts, 7, A1)
    for on in (DAY, NEXT):
        with pytest.raises(CultivaError, match="no such customer"):
            card(parts, 7, on, sight=A1)
    assert card(parts, 7, DAY, sight=A2).facts["adviser_id"] == "a1"


def test_a_run_done_again_counts_at_once(parts: Parts, publish: Publish) -> None:
    publish(DAY, {7: ("b1", "a1")})
    assert sees(parts, 7, A1)
    publish(DAY, {7: ("b1", "a2")}, run_id="again")
    assert (sees(parts, 7, A1), sees(parts, 7, A2)) == (False, True)


def test_who_is_out_of_sight_and_who_does_not_exist_are_told_alike(parts: Parts, publish: Publish) -> None:
    publish(DAY, {7: ("b1", "a1"), 8: ("b1", "a2")})
    for hidden, gone in (("8", "99"), ("core:c8", "core:c99")):
        told = []
        for name in (hidden, gone):
            with pytest.raises(CultivaError) as caught:
                customer_meant(parts, name, DAY, sight=A1)
            told.append((caught.value.code, str(caught.value).replace(name, "#")))
        assert told[0] == told[1]
    for who in (8, 99):
        with pytest.raises(CultivaError) as caught:
            card(parts, who, DAY, sight=A1)
        assert caught.value.code == "loop.no_customer"
        assert questions.track_rows(parts, who, DAY, sight=A1) == ()
        assert questions.decisions_of(parts, who, DAY, sight=A1, reasons=False).decisions == ()


def test_a_merge_into_somebody_out_of_sight_does_not_name_them(parts: Parts, publish: Publish) -> None:
    merge = IdentityChange(IdentityChangeKind.MERGE, DAY, from_ids=(8, 12), to_ids=(8,), reason="same")
    publish(DAY, {7: ("b1", "a1"), 8: ("b1", "a2")}, merge)
    assert customer_meant(parts, "12", DAY, sight=A2).customer_id == 8
    with pytest.raises(CultivaError) as caught:
        customer_meant(parts, "12", DAY, sight=A1)
    assert (caught.value.code, caught.value.seen) == ("track.unknown_customer", "12")
    assert "8" not in str(caught.value)


def test_of_a_split_those_in_sight_are_named(parts: Parts, publish: Publish) -> None:
    split = IdentityChange(IdentityChangeKind.SPLIT, DAY, from_ids=(4,), to_ids=(4, 11), reason="they differ")
    publish(DAY, {4: ("b1", "a1"), 11: ("b2", "a2")}, split)
    assert customer_meant(parts, "4", DAY, sight=A1).notes == ()
    both = Sight(advisers=frozenset({"a1", "a2"}))
    for sight in (both, EVERYBODY):
        assert customer_meant(parts, "4", DAY, sight=sight).notes == (
            "customer 4 was split into 4 and 11 on 1994-03-30",
        )


def test_only_customers_in_sight_are_unmasked(parts: Parts, publish: Publish) -> None:
    publish(DAY, {7: ("b1", "a1"), 8: ("b1", "a2")})
    why = "the customer asks for a new card"
    with pytest.raises(CultivaError) as caught:
        unmask(parts, "u1", "Li", 8, why, NOW, sight=A1)
    assert caught.value.code == "loop.no_customer"
    assert unmask(parts, "u1", "Li", 7, why, NOW, sight=A1) == NOW + timedelta(minutes=15)
    found = unmasking_of(parts)
    assert (found.may_see("u1", 7, NOW), found.may_see("u1", 8, NOW)) == (True, False)


def test_the_samples_of_an_explanation_are_those_in_sight(parts: Parts, publish: Publish) -> None:
    publish(DAY, {7: ("b1", "a1"), 8: ("b1", "a2")})
    told = {"customers": 2, "samples": [{"customer_id": 7}, {"customer_id": 8}]}
    assert explanation_in_sight(parts, told, A1) == {"customers": 2, "samples": [{"customer_id": 7}]}
    assert explanation_in_sight(parts, told, EVERYBODY) == told
    assert explanation_in_sight(parts, {"customers": 2}, A1) == {"customers": 2}
