"""Recording: what is written survives kill -9, each decision stands there once, a disk that fails stops decisions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cultiva.loop.live.recording import (
    FOLDER,
    CandidateRecord,
    DecisionRecord,
    Recorder,
    _append,
    days_recorded,
    read_records,
)

DAY = date(2024, 5, 2)
VICTIM = """
import sys, time
from pathlib import Path
from tests.loop.live.test_recording import record
from cultiva.loop.live.recording import Recorder
recorder, number = Recorder(Path(sys.argv[1]), "victim"), 0
while True:
    for _ in range(20):
        recorder.put(record(number))
        number += 1
    print(recorder.written, flush=True)
    time.sleep(0.001)
"""


def record(number: int) -> DecisionRecord:
    candidate = CandidateRecord("a", "gold", "sms", "chosen", 1.5, None, None, None, 1.0, True, "prior")
    return DecisionRecord(
        f"d{number}", datetime(2024, 5, 2, 4, tzinfo=UTC), DAY, number, "banner", "", "app", {"page": "首页"},
        "2024-05-01", "v", (), "effect", (), False, {"texts": 1.0}, [candidate],
    )  # fmt: skip


def test_decisions_of_many_threads_stand_there_once(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "one")

    def work(begin: int) -> None:
        for number in range(begin, begin + 500):
            assert recorder.put(record(number))
            if number % 97 == 0:
                recorder.flush()

    threads = [threading.Thread(target=work, args=(begin,)) for begin in range(0, 2000, 500)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    recorder.close()
    assert recorder.written == 2000 and recorder.refused == 0
    found = list(read_records(tmp_path, DAY))
    assert sorted(one.customer_id for one in found) == list(range(2000))
    assert found[0] == record(found[0].customer_id)
    assert days_recorded(tmp_path) == [DAY]


def test_a_full_queue_takes_nothing_more_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "_write", _full_disk)
    recorder = Recorder(tmp_path, "one", most=3)
    assert [recorder.put(record(number)) for number in range(5)] == [True, True, True, False, False]
    assert recorder.full and recorder.refused == 2
    monkeypatch.undo()
    recorder.close()
    assert [one.customer_id for one in read_records(tmp_path, DAY)] == [0, 1, 2], "it is written when the disk is back"


class Small:
    """A file on a disk that becomes full in the middle of a write."""

    def __init__(self, path: Path, room: int) -> None:
        self._file, self.room = path.open("ab", buffering=0), room

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise OSError("no space left on device")
        part = min(self.room, len(data))
        self.room -= part
        return self._file.write(data[:part])


def test_a_disk_that_becomes_full_leaves_no_half_of_a_batch(tmp_path: Path) -> None:
    small = Small(tmp_path / "part", 30)
    _append(small, b"x" * 20)
    with pytest.raises(OSError, match="no space"):
        _append(small, b"y" * 20)
    assert (tmp_path / "part").read_bytes() == b"x" * 20
    small.room = 100
    _append(small, b"z" * 20)
    assert (tmp_path / "part").read_bytes() == b"x" * 20 + b"z" * 20


def _full_disk(_recorder: Recorder) -> None:
    raise OSError("no space left on device")


def test_after_kill_9_everything_that_was_written_is_there_and_the_torn_end_is_left_out(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert victim.stdout is not None
    written = 0
    until = time.monotonic() + 60
    while written < 400 and time.monotonic() < until:
        written = int(victim.stdout.readline())
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    (path,) = (tmp_path / FOLDER).glob("*/*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"decision_id":"d99')  # as if it had been killed in the middle of a line
    found = [one.customer_id for one in read_records(tmp_path, DAY)]
    assert found == list(range(len(found))) and len(found) >= written >= 400
