"""History again: each event counts once, and a lost log is rebuilt with its marks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from tests.fakes.catalogue import MemoryCatalogue
from tests.fakes.memory_log import MemoryLog
from tests.insight.events.samples import NOW, Known, started, workspace

from cultiva.contracts.moments import Moment, read_moment
from cultiva.contracts.snapshots import Snapshot
from cultiva.engine.lake import Lake
from cultiva.execution.anteroom.service import StoredAnteroom
from cultiva.insight.events.message import Sender
from cultiva.insight.events.service import Intake
from cultiva.kit.errors import CultivaError
from cultiva.loop.live.archive import deliver
from cultiva.loop.live.replaying import Replayed, replay_archive, replay_file
from cultiva.store import open_store

FIRST, SECOND = date(2026, 11, 23), date(2026, 11, 24)

NOON = "2026-11-23T12:00:00+08:00"


class Place:
    """A workspace folder with a lake, a log and an intake."""

    def __init__(self, root: Path) -> None:
        self.store = open_store("sqlite:///store.db", root)
        self.catalogue = MemoryCatalogue()
        lake = Lake(root / "lake", self.catalogue)
        settings = workspace(source_system="core")
        self.parts: Any = SimpleNamespace(workspace=settings, root=root, lake=lake)
        self.new_log()

    def new_log(self) -> None:
        """The log is lost, or another one is used from now on."""
        self.log = MemoryLog()
        anteroom = StoredAnteroom(self.store.database)
        self.intake = Intake(self.parts.workspace, Known(), self.log, anteroom=anteroom)

    def publish(self, table: str, on: date, rows: Sequence[dict[str, Any]]) -> None:
        folder = self.parts.lake.stage(table, on, run_id="r")
        pl.DataFrame(rows).write_parquet(folder / "part-0.parquet")
        path = str(folder.relative_to(self.parts.lake.root))
        self.catalogue.publish([Snapshot(table, on, path, len(rows), 1, "x", "r")])

    def replay(self, path: Path) -> Replayed:
        return replay_file(self.parts, self.intake, path, at=NOW)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.store.close()


def written(path: Path, messages: Sequence[dict[str, Any]]) -> Path:
    text = "\n".join(json.dumps(one) for one in messages) + "\n\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["old.jsonl", "old.jsonl.gz"])
def test_messages_of_long_ago_are_taken_once(place: Place, tmp_path: Path, name: str) -> None:
    old = started(1, timestamp="2019-05-01T10:00:00+08:00")
    path = written(tmp_path / name, [old, started(2), started(3, event="?")])
    done = place.replay(path)
    assert (done.read, done.new, done.quarantined, done.reasons) == (3, 2, 1, {"unknown_event": 1})
    assert place.log.moments[0].at == datetime(2019, 5, 1, 2, tzinfo=UTC)
    again = place.replay(path)
    assert (again.new, again.repeated) == (0, 2)


def test_what_a_run_has_published_is_left_out(place: Place, tmp_path: Path) -> None:
    place.publish("event", FIRST, [{"event_id": "m1"}, {"event_id": "other"}])
    place.publish("event", SECOND, [{"event_id": "m2", "more": 1}])
    done = place.replay(written(tmp_path / "e.jsonl", [started(number) for number in (1, 2, 3)]))
    assert (done.read, done.published, done.new) == (3, 2, 1)
    assert [one.message_id for one in place.log.moments] == ["m3"]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_table_of_events_is_read_as_the_lake_keeps_it(place: Place, tmp_path: Path, suffix: str) -> None:
    row = {
        "event_id": "e1", "source_system": "core", "source_id": "C2", "at": datetime(2020, 1, 1, 0, 30),
        "name": "loan_started", "channel": "branch", "properties": '{"product": "L1"}',
    }  # fmt: skip
    frame = pl.DataFrame([row])
    path = tmp_path / f"events.{suffix}"
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    assert place.replay(path).new == 1
    (found,) = place.log.moments
    assert (found.customer_id, found.channel, found.properties) == (2, "branch", {"product": "L1"})
    assert (found.at, found.day) == (datetime(2019, 12, 31, 16, 30, tzinfo=UTC), date(2020, 1, 1))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.jsonl", b"{}\n[1]\n"),
        ("e.jsonl", b"{"),
        ("e.jsonl", b"\xff\xfe\x00"),
        ("e.jsonl.gz", b"{}"),
        ("e.jsonl.gz", gzip.compress(b"{}\n" * 9, mtime=0)[:-9]),
        ("e.csv", b"a,b\n1,2\n"),
        ("e.csv", b"event_id,source_system,source_id,at,name\ne1,core,C1,yesterday,loan_started\n"),
        ("e.parquet", b"not parquet"),
        ("e.txt", b"?"),
        ("missing.csv", None),
    ],
)
def test_a_file_that_is_not_one_is_said(place: Place, tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CultivaError) as caught:
        place.replay(tmp_path / name)
    assert caught.value.code == "events.unreadable"
    assert place.log.moments == []


def lines(log: MemoryLog) -> list[list[tuple[str, Moment | None]]]:
    """Each partition: marks, and moments but for when they were received."""
    return [
        [(one.mark, None if one.mark else _without_receipt(read_moment(one.record.body))) for one in line]
        for line in log.lines
    ]


def _without_receipt(moment: Moment) -> Moment:
    import msgspec

    return msgspec.structs.replace(moment, received=NOW)


def test_a_lost_log_is_rebuilt_with_its_marks(place: Place) -> None:
    """Every partition is again what it was up to the newest run; what came after it must be sent again."""
    app = Sender("app")
    place.intake.take([started("a", timestamp=NOON), started("b", userId="C2")], app, NOW)  # b is of the next day
    deliver(place.parts, place.log, FIRST)
    place.publish("identity_map", FIRST, [{"customer_id": 1, "source_system": "core", "source_id": "C1"}])
    place.intake.take([started("c"), started("d", userId="C2")], app, NOW)
    deliver(place.parts, place.log, SECOND)
    before = lines(place.log)
    place.intake.take([started("e")], app, NOW)
    place.new_log()
    done = replay_archive(place.parts, place.intake, place.log, FIRST, at=NOW)
    assert (done.new, done.dates) == (4, {"2026-11-23": "2 events, marked", "2026-11-24": "2 events, marked"})
    assert lines(place.log) == before
    again = replay_archive(place.parts, place.intake, place.log, FIRST, at=NOW)
    assert (again.read, set(again.dates.values())) == (0, {"left out: the log has mark 2026-11-24"})


def test_only_runs_from_a_date_on_are_rebuilt(place: Place) -> None:
    place.intake.take([started("a", timestamp=NOON)], Sender("app"), NOW)
    deliver(place.parts, place.log, FIRST)
    place.publish("identity_map", FIRST, [{"customer_id": 1, "source_system": "core", "source_id": "C1"}])
    place.intake.take([started("b")], Sender("app"), NOW)
    deliver(place.parts, place.log, SECOND)
    place.new_log()
    done = replay_archive(place.parts, place.intake, place.log, SECOND, at=NOW)
    assert ([one.message_id for one in place.log.moments], list(done.dates)) == (["mb"], ["2026-11-24"])
