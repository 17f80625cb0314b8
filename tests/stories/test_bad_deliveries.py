"""A delivery with too many bad rows stops the day, harms nothing, and the mended delivery runs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.cli.commands import cultiva, done
from tests.stories.workspaces import DAY, content, published

from cultiva.store import RunState, open_store

pytestmark = pytest.mark.xdist_group("cli")

BEFORE = DAY - timedelta(days=1)
INVALID = 2


def test_a_day_stopped_by_bad_rows_leaves_yesterday_as_it_was_and_runs_when_mended(tmp_path: Path) -> None:
    root = tmp_path / "bank"
    done("init", root, "--customers", 200)
    done("run", root, "--date", BEFORE)
    yesterday, lists = content(root), sorted(path.name for path in (root / "lists").iterdir())
    good = (root / "data" / "account.csv").read_text()
    head, *lines = good.splitlines()
    column = head.replace('"', "").split(",").index("opened_on")
    broken = [_without(line, column) if number % 2 else line for number, line in enumerate(lines)]
    (root / "data" / "account.csv").write_text("\n".join([head, *broken]) + "\n")

    stopped = cultiva("run", root, "--date", DAY)
    assert stopped.code == INVALID
    assert "opened_on" in stopped.err
    assert "account.csv" in stopped.err
    assert "bad_rows_max" in stopped.err
    assert "Traceback" not in stopped.err
    assert content(root) == yesterday
    assert sorted(path.name for path in (root / "lists").iterdir()) == lists
    store = open_store("sqlite:///.cultiva/store.db", root)
    run = store.runs.newest(DAY)
    assert run is not None
    assert (run.state, run.step("sources") is not None) == (RunState.FAILED, True)
    store.close()
    assert done("count", root, "true", "--json").data["date"] == str(BEFORE)

    (root / "data" / "account.csv").write_text(good)
    done("run", root, "--date", DAY)
    assert {key: one for key, one in content(root).items() if key[1] == BEFORE} == yesterday
    assert ("profile", DAY) in published(root)


def _without(line: str, column: int) -> str:
    """The line with one field made unreadable."""
    fields = line.split(",")
    return ",".join([*fields[:column], "not a date", *fields[column + 1 :]])
