"""The log keeps its promises, in a file and on a server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cultiva.definitions.live import LiveSettings
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.stream import Log, Logged, Record, nats_link, open_log, partition_of


def record(number: int, *, customer: int | None = None) -> Record:
    """A record with a name and a body of its own."""
    return Record(f"message {number} 消息", number % 7 if customer is None else customer, f"body {number}".encode())


def everything(log: Log, partition: int, *, limit: int = 1_000) -> list[Logged]:
    """All that a partition holds, read bit by bit."""
    found: list[Logged] = []
    while some := log.read(partition, after=found[-1].position if found else 0, limit=limit):
        found += some
    return found


@pytest.fixture
def log(live_settings: LiveSettings, tmp_path: Path) -> Iterator[Log]:
    with closing(open_log(live_settings, tmp_path)) as opened:
        yield opened


def test_records_come_back_in_order_each_in_its_customers_partition(log: Log) -> None:
    written = [record(number) for number in range(200)]
    assert log.append(written) == [True] * 200
    for partition in range(log.partitions):
        expected = [one for one in written if partition_of(one.customer_id, log.partitions) == partition]
        found = everything(log, partition, limit=17)
        assert [one.record for one in found] == expected
        assert [one.position for one in found] == sorted({one.position for one in found})
        assert log.end(partition) == max((one.position for one in found), default=0)


def test_a_record_of_a_known_name_is_not_written_again(log: Log) -> None:
    assert log.append([record(1), record(2), record(1)]) == [True, True, False]
    assert log.append([record(3), record(2)]) == [True, False]
    assert sum(len(everything(log, one)) for one in range(log.partitions)) == 3


def test_an_empty_partition_ends_at_nought(log: Log) -> None:
    assert log.end(0) == 0
    assert log.read(0, after=0, limit=10) == []
    assert log.append([]) == []


def test_one_can_read_from_anywhere_again_and_again(log: Log) -> None:
    log.append([record(number, customer=5) for number in range(50)])
    partition = partition_of(5, log.partitions)
    found = everything(log, partition)
    for start in (30, 0, 49, 10, 11, 50):
        after = found[start - 1].position if start else 0
        assert log.read(partition, after=after, limit=4) == found[start : start + 4]
    log.append([record(50, customer=5)])
    assert log.read(partition, after=found[-1].position, limit=4)[0].record == record(50, customer=5)


def test_a_mark_stands_once_in_every_partition_between_what_came_before_and_after(log: Log) -> None:
    log.append([record(number) for number in range(60)])
    places = log.mark("2026-11-23")
    log.append([record(number) for number in range(60, 120)])
    assert log.mark("2026-11-23") == places
    later = log.mark("a name, with dots. and 空格")
    before: list[bytes] = []
    for partition in range(log.partitions):
        assert log.marks(partition) == [
            (places[partition], "2026-11-23"),
            (later[partition], "a name, with dots. and 空格"),
        ]
        found = everything(log, partition)
        standing = {one.position: one.mark for one in found if one.mark}
        assert standing == dict(log.marks(partition))
        before += [one.record.body for one in found if one.position < places[partition]]
    assert sorted(int(body.split()[1]) for body in before) == list(range(60))


def test_many_who_write_at_once_lose_nothing_and_are_each_told_what_was_new(log: Log) -> None:
    answers: dict[int, list[bool]] = {}

    def write(writer: int) -> None:
        for first in range(0, 40, 10):
            mine = [record(1_000 * writer + first + one) for one in range(10)]
            shared = record(9_000 + first)
            answers[100 * writer + first] = log.append([*mine, shared])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer[:10] == [True] * 10 for answer in answers.values())
    assert sum(answer[10] for answer in answers.values()) == 4  # one of six is told that its copy is the new one
    assert sum(len(everything(log, one)) for one in range(log.partitions)) == 6 * 40 + 4


def test_what_one_process_writes_another_reads(live_settings: LiveSettings, tmp_path: Path) -> None:
    with closing(open_log(live_settings, tmp_path)) as one, closing(open_log(live_settings, tmp_path)) as other:
        partition = partition_of(5, one.partitions)
        one.append([record(1, customer=5)])
        assert [found.record for found in everything(other, partition)] == [record(1, customer=5)]
        assert other.append([record(1, customer=5), record(2, customer=5)]) == [False, True]
        assert len(everything(one, partition)) == 2
        assert other.mark("x") == one.mark("x")


def test_it_is_all_there_when_it_is_opened_again(live_settings: LiveSettings, tmp_path: Path) -> None:
    with closing(open_log(live_settings, tmp_path)) as log:
        log.append([record(number) for number in range(20)])
        places = log.mark("day")
        before = [everything(log, one) for one in range(log.partitions)]
    with closing(open_log(live_settings, tmp_path)) as log:
        assert [everything(log, one) for one in range(log.partitions)] == before
        assert log.mark("day") == places
        assert log.append([record(3), record(20)]) == [False, True]


def test_another_number_of_partitions_is_refused(live_settings: LiveSettings, tmp_path: Path) -> None:
    open_log(live_settings, tmp_path).close()
    other = live_settings.model_copy(update={"partitions": live_settings.partitions + 1})
    with pytest.raises(CultivaError) as caught:
        open_log(other, tmp_path)
    assert caught.value.code == "stream.other_partitions"


def test_an_address_of_nothing_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CultivaError) as caught:
        open_log(LiveSettings(log="kafka://user:secret@host"), tmp_path)
    assert caught.value.code == "stream.bad_address"
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_without_its_password(
    free_address: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_link, "ANSWER_SECONDS", 0.3)
    with pytest.raises(CultivaError) as caught:
        open_log(LiveSettings(log=free_address("nats")), Path())
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_address_may_name_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = LiveSettings(log="sqlite:///${env:CULTIVA_TEST_LIVE}/log.db")
    monkeypatch.delenv("CULTIVA_TEST_LIVE", raising=False)
    with pytest.raises(CultivaError) as caught:
        open_log(settings, tmp_path)
    assert caught.value.code == "stream.no_variable"
    monkeypatch.setenv("CULTIVA_TEST_LIVE", "elsewhere")
    open_log(settings, tmp_path).close()
    assert (tmp_path / "elsewhere" / "log.db").is_file()


def test_the_file_lets_go_of_what_is_older_than_it_is_kept(tmp_path: Path) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    settings = LiveSettings(partitions=3, keep_days=5)
    with closing(open_log(settings, tmp_path, clock=lambda: now)) as log:
        for day in range(10):
            log.append([record(100 * day + number) for number in range(30)])
            now += timedelta(days=1)
            log.mark(f"day {day}")
        kept = [one for partition in range(3) for one in everything(log, partition)]
        assert {one.record.body.split()[1][:-2] or b"0" for one in kept if not one.mark} == {
            b"5",
            b"6",
            b"7",
            b"8",
            b"9",
        }
        assert len([one for one in kept if not one.mark]) == 150
        assert log.append([record(1), record(901)]) == [True, False]  # a name is known as long as its record is kept
        assert [len(log.marks(one)) for one in range(3)] == [10, 10, 10]


def test_records_of_erased_customers_are_gone_and_the_others_keep_their_places(log: Log) -> None:
    log.append([record(number, customer=number % 3) for number in range(60)])
    log.mark("2026-11-23")
    before = {partition: everything(log, partition) for partition in range(log.partitions)}
    assert log.erase([1, 99]) == 20
    for partition, lines in before.items():
        kept = [one for one in lines if one.mark or one.record.customer_id != 1]
        assert everything(log, partition, limit=7) == kept
        assert log.end(partition) == lines[-1].position
    assert log.erase([1, 99]) == 0
    assert log.erase([]) == 0
