"""What is done to rows when people are erased, by what columns are called."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from cultiva.engine.rewriting import concerned, rewrite
from cultiva.execution.erasure.people import Act, Done, Order, People, people_of
from cultiva.insight.groups.memberships import bitmap_bytes
from cultiva.loop.erasing.certificate import KEPT, certificate_of, readable, seal_of
from cultiva.loop.erasing.treatment import Erasing, homes_in

PEOPLE = People(
    (7, 9), sources=(("core", "C7"), ("app", "A9")), accounts=("acc7",), visitors=("v",), phones=("138",), emails=("m",)
)


def treated(
    table: pa.Table, name: str = "some", homes: dict[int, int | None] | None = None
) -> tuple[pa.Table, int, int]:
    treatment = Erasing(PEOPLE, name, tuple(table.column_names), homes or {})
    done = treatment.apply(table.combine_chunks().to_batches()[0])
    looked = table.select(treatment.columns).combine_chunks().to_batches()[0]
    assert treatment.concerns(looked) >= max(done.removed, done.mended), "whoever only looks sees what would be done"
    assert done.rows.schema == table.schema
    return pa.Table.from_batches([done.rows]), done.removed, done.mended


@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.string(), pa.large_string()])
def test_rows_of_a_number_go_whatever_the_columns_type(kind: pa.DataType) -> None:
    table = pa.table({"customer_id": pa.array([7, 8, None, 79, 9]).cast(kind), "x": range(5)})
    left, removed, _ = treated(table)
    assert left["x"].to_pylist() == [1, 2, 3] and removed == 2


@pytest.mark.parametrize(
    "pair",
    [("source_system", "source_id"), ("from_system", "from_id"), ("to_system", "to_id"), ("other_system", "other_id")],
)
def test_a_party_record_is_named_by_both_its_parts(pair: tuple[str, str]) -> None:
    table = pa.table({pair[0]: ["core", "app", "core", None], pair[1]: ["C7", "C7", "C8", "C7"], "x": range(4)})
    left, removed, _ = treated(table)
    assert left["x"].to_pylist() == [1, 2, 3] and removed == 1


def test_an_own_account_goes_and_a_mention_of_it_is_emptied() -> None:
    table = pa.table({"account_id": ["acc7", "acc8"], "counterparty_account": ["acc8", "acc7"]})
    left, removed, mended = treated(table)
    assert left.to_pylist() == [{"account_id": "acc8", "counterparty_account": None}] and (removed, mended) == (1, 1)


def test_a_lead_goes_by_its_address_and_stays_without_who_sent_it() -> None:
    table = pa.table(
        {
            "lead_id": ["1", "2"],
            "referrer_system": ["core", "core"],
            "referrer_id": ["C1", "C7"],
            "phone": ["138", "139"],
            "email": ["x", None],
        }
    )
    left, removed, mended = treated(table, "lead")
    assert left["lead_id"].to_pylist() == ["2"] and left["referrer_id"].to_pylist() == [None]
    assert (removed, mended) == (1, 1)


def test_members_and_samples_of_segments_forget_them() -> None:
    members = pa.table(
        {
            "segment": ["a", "b"],
            "size": [2, 1],
            "bitmap": pa.array([bitmap_bytes(BitMap(one)) for one in ([7, 8], [8])], pa.large_binary()),
        }
    )
    left, removed, mended = treated(members)
    assert [list(BitMap.deserialize(one)) for one in left["bitmap"].to_pylist()] == [[8], [8]]
    assert left["size"].to_pylist() == [1, 1] and (removed, mended) == (0, 1)
    samples = pa.table({"entered_sample": pa.array(["[7, 8]", "[]", None], pa.large_string()), "size": [5, 0, 0]})
    left, _, mended = treated(samples)
    assert left["entered_sample"].to_pylist() == ["[8]", "[]", None] and mended == 1
    assert left["size"].to_pylist() == [5, 0, 0], "a total says nothing of anybody"


def test_a_household_is_named_by_somebody_who_is_left() -> None:
    table = pa.table({"customer_id": [7, 8, 10, 9, 11, 12], "household_id": [7, 7, 7, 9, 11, 11]})
    homes = homes_in(table, PEOPLE.customers)
    assert homes == {7: 8, 9: None}
    left, removed, mended = treated(table, "household", homes)
    assert left.to_pydict() == {"customer_id": [8, 10, 11, 12], "household_id": [8, 8, 11, 11]}
    assert (removed, mended) == (2, 2)


@pytest.mark.parametrize(
    ("key", "value", "gone"),
    [
        ("core/C7", None, True),
        ("acc1/core/C7", None, True),
        ("core/C77", None, False),
        ("acc7/2026-01-01", None, True),
        ("app/C8", "acc7", True),
        (None, None, False),
    ],
)
def test_the_quarantine_forgets_rows_that_name_them(key: str | None, value: str | None, gone: bool) -> None:
    table = pa.table({"key": pa.array([key], pa.string()), "value": pa.array([value], pa.string())})
    assert treated(table, "quarantine")[1] == gone


def test_a_table_that_names_nobody_is_not_even_looked_at() -> None:
    assert Erasing(PEOPLE, "price", ("resource", "price"), {}).idle
    assert not Erasing(PEOPLE, "x", ("customer_id",), {}).idle


IDS = st.lists(st.integers(1, 12), max_size=40)


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(IDS, min_size=1, max_size=4))
def test_a_snapshot_keeps_the_others_in_their_order_and_parts_untouched(
    parts: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    old, new = (tmp_path_factory.mktemp("snapshot") for _ in range(2))
    for number, ids in enumerate(parts):
        pq.write_table(pa.table({"customer_id": pa.array(ids, pa.int64())}), old / f"part-{number:05}.parquet")
    treatment = Erasing(PEOPLE, "some", ("customer_id",), {})
    removed, _ = rewrite([old], new, treatment)
    assert removed == sum(one in PEOPLE.customers for ids in parts for one in ids)
    for number, ids in enumerate(parts):
        name = f"part-{number:05}.parquet"
        kept = pq.ParquetFile(new / name).read()["customer_id"].to_pylist()
        assert kept == [one for one in ids if one not in PEOPLE.customers]
        assert _same_file(old / name, new / name) == (kept == ids)
    assert concerned(sorted(new.glob("*.parquet")), treatment) == {}


def _same_file(one: Path, other: Path) -> bool:
    return one.stat().st_ino == other.stat().st_ino


@settings(max_examples=30, deadline=None)
@given(st.builds(People, st.tuples(st.integers()), sources=st.tuples(st.tuples(st.text(), st.text())),
                 homes=st.tuples(st.tuples(st.integers(), st.none() | st.integers()))))  # fmt: skip
def test_who_it_is_about_survives_the_journal(people: People) -> None:
    assert people_of(json.loads(json.dumps(people.data()))) == people


def test_the_certificate_is_readable_in_both_languages_and_names_nobody() -> None:
    at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    order = Order("e1", "begun", "Chen Li", "request 17", 2, at, work=PEOPLE.data())
    done = [Done("lake/party/2026-11-22", Act.REMOVED, 2), Done("store/touch", Act.REMOVED, 0)]
    made = certificate_of(order, done, {"source": 2}, at)
    assert made["rows"] == 2 and [one["place"] for one in made["where"]] == ["lake/party/2026-11-22"]
    for language in ("zh", "en"):
        text = readable(made, seal_of(made), language)
        assert seal_of(made) in text and "lake/party/2026-11-22" in text
        assert all(getattr(why, language) in text for _, why in KEPT)
        assert not any(mark in text for mark in ("C7", "A9", "acc7", "138"))
