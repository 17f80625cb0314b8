from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from tests.insight.delivery import Row, deliver

from cultiva.engine.parquet import write_arrow
from cultiva.insight.track import TrackFiles, TrackKind, find_customer, track
from cultiva.kit.errors import CultivaError

MAPPING = [
    {"source_system": "card", "source_id": "x", "customer_id": 7},
    {"source_system": "core", "source_id": "a", "customer_id": 7},
    {"source_system": "core", "source_id": "x", "customer_id": 8},
]
HOLDING = [
    {"customer_id": 7, "account_id": "A1", "role": "owner"},
    {"customer_id": 7, "account_id": "A2", "role": "joint"},
    {"customer_id": 8, "account_id": "A2", "role": "owner"},
]


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2024, 1, day, hour)


def written(folder: Path, rows: Sequence[Row]) -> list[Path]:
    write_arrow(pa.Table.from_pylist([dict(row) for row in rows]), folder)
    return [folder]


def facts_of(system: str, source_id: str, **cells: Any) -> Row:
    return {"source_system": system, "source_id": source_id, **cells}


@pytest.fixture
def files(tmp_path: Path) -> TrackFiles:
    event = [
        facts_of("core", "a", event_id="e1", at=at(3), name="loan_started", channel="app", properties='{"amount": 5}'),
        facts_of("core", "x", event_id="e2", at=at(3), name="of_another_customer"),
    ]
    contact = [
        facts_of("card", "x", touch_id="c1", at=at(2), channel="sms", strategy="welcome", offer="gift", status="sent")
    ]
    transaction = [
        {"transaction_id": "t2", "account_id": "A1", "at": at(5), "amount": Decimal("-20.50"), "kind": "cash"},
        {"transaction_id": "t3", "account_id": "A2", "at": at(5), "amount": Decimal(1)},
    ]
    earlier = [
        {"transaction_id": "t1", "account_id": "A1", "at": at(1), "amount": Decimal(100), "channel": "branch",
         "counterparty_account": "B9", "merchant_id": "M1"},
    ]  # fmt: skip
    outcome = [facts_of("core", "a", outcome_id="o1", at=at(5), name="loan_taken", amount=Decimal(5000))]
    answer = [
        facts_of("core", "a", answer_id="s1", survey="nps", touchpoint="branch", at=at(6), score=9, text="kind staff")
    ]
    return TrackFiles(
        mapping=written(tmp_path / "mapping", MAPPING),
        holding=written(tmp_path / "holding", HOLDING),
        facts={
            "event": deliver(tmp_path, "event", event),
            "contact": deliver(tmp_path, "contact", contact),
            "transaction": [
                *deliver(tmp_path, "transaction", earlier),
                *deliver(tmp_path, "transaction", transaction),
            ],
            "outcome": deliver(tmp_path, "outcome", outcome),
            "survey_answer": deliver(tmp_path, "survey_answer", answer),
        },
    )


def test_everything_of_one_customer_is_there_in_order(files: TrackFiles) -> None:
    rows = track(files, 7)
    shown = [(row.at, row.kind, row.channel, row.what, row.amount, row.detail) for row in rows]
    assert shown == [
        (at(1), "transaction", "branch", "transaction", Decimal("100.00"), "account A1, with B9, merchant M1"),
        (at(2), "contact", "sms", "welcome / gift", None, "sent"),
        (at(3), "event", "app", "loan_started", None, '{"amount": 5}'),
        (at(5), "transaction", None, "cash", Decimal("-20.50"), "account A1"),
        (at(5), "outcome", None, "loan_taken", Decimal("5000.00"), ""),
        (at(6), "survey_answer", None, "nps", None, "branch, score 9: kind staff"),
    ]


def test_the_same_source_id_in_two_systems_is_two_people(files: TrackFiles) -> None:
    assert [row.what for row in track(files, 8)] == ["of_another_customer", "transaction"]


def test_rows_after_the_day_do_not_count(files: TrackFiles) -> None:
    assert max(row.at for row in track(files, 7, upto=date(2024, 1, 3))) == at(3)


def test_tables_that_the_bank_does_not_have_are_left_out(files: TrackFiles) -> None:
    only_events = TrackFiles(files.mapping, [], {"event": files.facts["event"], "transaction": [], "contact": []})
    assert [row.kind for row in track(only_events, 7)] == [TrackKind.EVENT]
    assert track(only_events, 99) == ()


def test_columns_of_the_banks_own_that_came_later_do_not_hurt(files: TrackFiles, tmp_path: Path) -> None:
    row = facts_of("core", "a", event_id="e9", at=at(9), name="called", region="north")
    wider = written(tmp_path / "wider", [row])
    files = TrackFiles(files.mapping, files.holding, {"event": [*files.facts["event"], *wider]})
    assert [row.what for row in track(files, 7)] == ["loan_started", "called"]


@pytest.mark.parametrize(("text", "expected"), [("7", 7), ("card:x", 7), ("core:x", 8)])
def test_a_customer_is_found_by_id_or_source_id(files: TrackFiles, text: str, expected: int) -> None:
    assert find_customer(files.mapping, text) == expected


@pytest.mark.parametrize("text", ["9", "x", "core:b", "card:", "", "99999999999999999999", "²"])
def test_a_customer_that_is_not_there_is_said_so(files: TrackFiles, text: str) -> None:
    with pytest.raises(CultivaError, match="no such customer"):
        find_customer(files.mapping, text)


def test_few_row_groups_are_read(tmp_path: Path) -> None:
    # A hundred row groups sorted by account; one whose pages are cut off can only be read by who needs it.
    rows = pl.DataFrame({"account_id": [f"A{n:06}" for n in range(10_000)]}).with_columns(
        transaction_id=pl.col("account_id"), at=pl.lit(at(1)), amount=pl.lit(1).cast(pl.Decimal(18, 2)),
        kind=pl.lit(None, pl.String), channel=pl.lit(None, pl.String),
        counterparty_account=pl.lit(None, pl.String), merchant_id=pl.lit(None, pl.String),
    )  # fmt: skip
    folder = tmp_path / "transaction"
    folder.mkdir()
    part = folder / "part-00000.parquet"
    rows.write_parquet(part, row_group_size=100)
    _spoil_first_group(part)
    mapping = written(tmp_path / "mapping", [{"source_system": "core", "source_id": "a", "customer_id": 1}])
    held = [{"customer_id": 1, "account_id": "A009999", "role": "owner"}]
    spoilt = [{"customer_id": 1, "account_id": "A000000", "role": "owner"}]
    good = TrackFiles(mapping, written(tmp_path / "held", held), {"transaction": [folder]})
    bad = TrackFiles(mapping, written(tmp_path / "spoilt", spoilt), {"transaction": [folder]})
    assert len(track(good, 1)) == 1
    with pytest.raises(pl.exceptions.PolarsError):
        track(bad, 1)


def _spoil_first_group(part: Path) -> None:
    """Overwrites the pages of the first row group's columns."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(part)
    group = metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    content = bytearray(part.read_bytes())
    for column in columns:
        first = column.dictionary_page_offset or column.data_page_offset
        content[first : first + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    part.write_bytes(bytes(content))
