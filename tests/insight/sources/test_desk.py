"""The desk leaves nothing behind: neither after an error, nor after a process that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cultiva.definitions.workspace import EngineSettings, Settings
from cultiva.insight.sources.desk import open_desk

SETTINGS = Settings(name="bank", engine=EngineSettings(threads=1, memory_gb=1))
HOLD = """
import sys, time
from pathlib import Path
from cultiva.definitions.workspace import Settings
from cultiva.insight.sources.desk import open_desk
with open_desk(Settings(name="bank"), Path(sys.argv[1])) as desk:
    (desk.folder / "staged").write_text("rows")
    time.sleep(60)
"""


def folders(root: Path) -> list[Path]:
    return list((root / ".cultiva/spill").glob("*/staged"))


def test_staged_files_go_away_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_desk(SETTINGS, tmp_path) as desk:
        (desk.folder / "staged").write_text("rows")
        _ = 1 / 0
    assert folders(tmp_path) == []


def test_what_a_killed_process_left_is_swept_and_what_runs_is_left_alone(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)])
    try:
        deadline = time.monotonic() + 60
        while not folders(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        with open_desk(SETTINGS, tmp_path):
            assert len(folders(tmp_path)) == 1
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with open_desk(SETTINGS, tmp_path):
        assert folders(tmp_path) == []
