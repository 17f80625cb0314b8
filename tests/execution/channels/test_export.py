"""Files that another system takes away: whole or not there, each key once, whoever dies when."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.execution.channels.conftest import Open, text

from cultiva.contracts.delivery import Sent
from cultiva.execution.channels import export


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.csv"))


def test_a_batch_becomes_one_file_and_a_key_is_exported_once(opened: Open, tmp_path: Path) -> None:
    provider = opened("file", "out", file={"byte_order_mark": True})
    batch = [text("a", said='您好, "x"\nzwei'), text("b")]
    assert {one.sent for one in provider.send(batch)} == {Sent.ACCEPTED}
    other = opened("file", "out")
    receipts = other.send([text("b"), text("c")])
    assert [one.sent for one in receipts] == [Sent.ACCEPTED] * 2
    names = [path.name for path in _files(tmp_path / "out")]
    assert len(names) == 2
    assert {one.reference for one in receipts} == set(names), "b lies in the first file"
    rows = [
        row
        for path in _files(tmp_path / "out")
        for row in csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig")))
    ]
    assert sorted(row["key"] for row in rows) == ["a", "b", "c"]
    assert next(row["text"] for row in rows if row["key"] == "a") == '您好, "x"\nzwei'


def test_a_file_that_was_taken_away_is_not_written_again(opened: Open, tmp_path: Path) -> None:
    opened("file", "out").send([text("a")])
    _files(tmp_path / "out")[0].unlink()
    provider = opened("file", "out")
    assert provider.look_up(["a", "z"])[0].sent is Sent.ACCEPTED
    assert provider.look_up(["z"])[0].sent is Sent.ABSENT
    assert provider.send([text("a")])[0].sent is Sent.ACCEPTED
    assert _files(tmp_path / "out") == []


def test_whoever_comes_next_finishes_what_a_dead_worker_kept(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(export.Export, "_appear", dies)
        opened("file", "out").send([text("a")])
    assert _files(tmp_path / "out") == []
    assert opened("file", "out").look_up(["a"])[0].sent is Sent.ACCEPTED
    assert len(_files(tmp_path / "out")) == 1
    kept = json.loads(next((tmp_path / "out" / ".sent").glob("*.json")).read_text())
    assert "text" not in kept, "what is kept of a finished batch are its keys"


def test_a_disk_that_fails_leaves_the_fate_open(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    assert opened("file", "out").send([text("a")])[0].sent is Sent.UNKNOWN
