"""The simulators themselves: what is recorded stays, whoever is killed, and a run repeats."""

from __future__ import annotations

import os
import signal
import urllib.request
from pathlib import Path

from tests.execution.channels.conftest import Open, text
from tests.simulators.misbehaviour import Misbehaviour, Moods
from tests.simulators.process import running
from tests.simulators.record import counts

from cultiva.contracts.delivery import Sent


def test_a_killed_simulator_goes_on_with_what_it_had_accepted(opened: Open, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    with running("sms_http", record) as server:
        provider = opened("sms_http", f"{server.http}/messages")
        assert {one.sent for one in provider.send([text(f"k{n}") for n in range(50)])} == {Sent.ACCEPTED}
        os.kill(server.pid, signal.SIGKILL)
    with running("sms_http", record) as server:
        with urllib.request.urlopen(f"{server.http}/messages/k7") as answer:
            assert answer.status == 200
        provider = opened("sms_http", f"{server.http}/messages")
        provider.send([text("k7"), text("k50")])
    assert counts(record) == {f"k{n}": 1 for n in range(51)}


def test_moods_repeat_and_depend_on_the_attempt() -> None:
    def drawn(salt: str) -> list[frozenset[str]]:
        moods = Moods(Misbehaviour(refuse=0.3, busy=0.3, drop_after=0.3, salt=salt))
        return [moods.drawn(f"k{n % 50}") for n in range(500)]

    assert drawn("a") == drawn("a")
    assert drawn("a") != drawn("b")
    assert {mood for one in drawn("a") for mood in one} == {"refuse", "busy", "drop_after"}
    moods = Moods(Misbehaviour(refuse=1, attempts=2))
    assert [bool(moods.drawn("k")) for _ in range(4)] == [True, True, False, False]
