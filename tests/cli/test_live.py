"""`cultiva live` folds in what has come in, and says so when something does not answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.cli.commands import cultiva, done
from tests.servers.programs import free_port
from tests.servers.stores import SQLITE

from cultiva.contracts.moments import Moment, write_moment
from cultiva.definitions.live import LiveSettings
from cultiva.execution.tables import FIRING
from cultiva.store import open_store
from cultiva.stream import Record, open_hot, open_log, partition_of

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
LATER = "2026-11-23T10:05:00+08:00"
OPENED = """
- name: opened
  label: { zh: 打开, en: Opened }
  on: app_opened
  does: { placement: { placement: app_home_banner, strategy: dormant_wake_up } }
"""


@pytest.fixture
def workspace(fresh: Path, tmp_path: Path) -> Path:
    """A bank of its own, with two events in its log."""
    root = tmp_path / "bank"
    shutil.copytree(fresh, root)
    put(root, 1, 2)
    return root


def put(root: Path, *customers: int) -> None:
    """Each has opened the app."""
    moments = [Moment(f"m{number}", number, "app_opened", AT, AT.date(), AT) for number in customers]
    with closing(open_log(LiveSettings(), root)) as log:
        log.append([Record(one.message_id, one.customer_id, write_moment(one)) for one in moments])


def test_it_folds_in_what_has_come_in_and_stops_when_it_is_idle(workspace: Path) -> None:
    printed = done("live", workspace, "--until-idle", "--at", LATER, "--json")
    rounds = [json.loads(f"{{{one}") for one in "".join(printed.out.split()).split("{")[1:]]
    assert sum(one["records"] for one in rounds) == 2
    assert rounds[-1]["partitions"] == 16
    with closing(open_hot(LiveSettings(), workspace)) as hot:
        assert None not in hot.get([1, 2])
        assert {hot.position(partition_of(one, 16)) for one in (1, 2)} <= {1, 2}
        assert hot.claim("next", AT, AT - AT, wanted=16)  # it has given its partitions up
    assert "nothing to do" in done("live", workspace, "--once", "--at", LATER).out


class Pauses:
    """Somebody at work on the files while the command has nothing to do, who tells it to stop when that is done."""

    def __init__(self, *done: Callable[[], None]) -> None:
        self._left = list(done)

    def is_set(self) -> bool:
        return not self._left

    def wait(self, _: float) -> None:
        self._left.pop(0)()


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def test_a_trigger_that_is_defined_meanwhile_fires_and_a_faulty_file_changes_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    triggers = workspace / "triggers.yaml"
    text = triggers.read_text(encoding="utf-8")
    pauses = Pauses(
        lambda: write(triggers, text + OPENED),
        lambda: put(workspace, 3),
        lambda: write(triggers, text + "- name: half a trig"),
        lambda: put(workspace, 4),
        lambda: None,
    )
    monkeypatch.setattr("cultiva.cli.live.told_to_stop", lambda: pauses)
    monkeypatch.setattr("cultiva.loop.following.seconds", count(0, 10).__next__)  # every look is due
    done("live", workspace, "--at", LATER)
    with closing(open_store(SQLITE, workspace)) as store, store.database.reading() as connection:
        fired = connection.execute(select(FIRING.c.trigger, FIRING.c.customer_id)).all()
    assert sorted(map(tuple, fired)) == [("opened", 3), ("opened", 4)]


def test_a_server_that_does_not_answer_is_an_error_with_a_way_out(workspace: Path) -> None:
    hot = f"redis://somebody:secret@127.0.0.1:{free_port()}/0"
    printed = cultiva("live", workspace, "--once", "--set", f"live.hot={hot}")
    assert printed.code == 6
    assert "[live] hot in cultiva.toml" in printed.err
    assert "secret" not in printed.err
