"""What numba keeps on disk is compiled anew when something that it was made of changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import pytest

from cultiva.kit.compiled import meaning

CALLER = """
from cultiva.kit.compiled import compiled
import levels
from levels import HIGHEST, Kind, added

@compiled(nogil=True)
def clipped(value):
    return min(added(value), HIGHEST) + levels.EXTRA + Kind.SECOND

print(clipped(10), sum(clipped.stats.cache_hits.values()))
"""
LEVELS = """
from enum import IntEnum
from cultiva.kit.compiled import compiled
HIGHEST, EXTRA = {highest}, {extra}
class Kind(IntEnum):
    SECOND = {second}
@compiled()
def added(value):
    return value + {added}
"""
FIRST = {"highest": 12, "extra": 0, "second": 100, "added": 1}


def run(folder: Path) -> list[int]:
    """What the caller finds, and how often its code came from the disk."""
    path = os.pathsep.join([str(folder), *sys.path])
    done = subprocess.run(
        [sys.executable, "-B", "-c", "import caller"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize(("changed", "value", "expected"), [("highest", 5, 105), ("added", 2, 112)])
def test_a_change_in_another_module_is_noticed(tmp_path: Path, changed: str, value: int, expected: int) -> None:
    (tmp_path / "caller.py").write_text(CALLER)
    (tmp_path / "levels.py").write_text(LEVELS.format(**FIRST))
    assert run(tmp_path) == [111, 0]
    assert run(tmp_path) == [111, 1], "nothing has changed: the code comes from the disk"
    (tmp_path / "levels.py").write_text(LEVELS.format(**{**FIRST, changed: value}))
    assert run(tmp_path) == [expected, 0]


def meaning_with(levels: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> str:
    """The meaning of the caller's function, with these numbers in the other module."""
    module = ModuleType("levels")
    module.__dict__["numba"] = numba
    exec(LEVELS.format(**levels).replace("@compiled()", "@numba.njit"), module.__dict__)
    monkeypatch.setitem(sys.modules, "levels", module)
    names: dict[str, Any] = {}
    exec(CALLER.partition("print")[0].replace("@compiled(nogil=True)", ""), names)
    return meaning(names["clipped"])


@pytest.mark.parametrize("changed", FIRST)
def test_everything_that_is_compiled_in_is_part_of_the_meaning(changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = meaning_with(FIRST, monkeypatch)
    assert meaning_with(dict(FIRST), monkeypatch) == first
    assert meaning_with({**FIRST, changed: FIRST[changed] + 1}, monkeypatch) != first
