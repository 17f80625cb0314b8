"""`cultiva live` folds in what has come in, and says so when something does not answer."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.commands import cultiva, done
from tests.servers.programs import free_port

from cultiva.contracts.moments import Moment, write_moment
from cultiva.definitions.live import LiveSettings
from cultiva.stream import Record, open_hot, open_log, partition_of

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
LATER = "2026-11-23T10:05:00+08:00"


@pytest.fixture
def workspace(fresh: Path, tmp_path: Path) -> Path:
    """A bank of its own, with two events in its log."""
    root = tmp_path / "bank"
    shutil.copytree(fresh, root)
    with closing(open_log(LiveSettings(), root)) as log:
        for number in (1, 2):
            moment = Moment(f"m{number}", number, "app_opened", AT, AT.date(), AT)
            log.append([Record(f"m{number}", number, write_moment(moment))])
    return root


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


def test_a_server_that_does_not_answer_is_an_error_with_a_way_out(workspace: Path) -> None:
    hot = f"redis://somebody:secret@127.0.0.1:{free_port()}/0"
    printed = cultiva("live", workspace, "--once", "--set", f"live.hot={hot}")
    assert printed.code == 6
    assert "[live] hot in cultiva.toml" in printed.err
    assert "secret" not in printed.err
