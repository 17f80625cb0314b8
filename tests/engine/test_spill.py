"""What does not fit in memory lies in a folder of the process's own, which does not outlive it for long."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from cultiva.engine.spill import own_spill

HOLDS = """
import sys
from pathlib import Path
from cultiva.engine.spill import own_spill
own = own_spill(Path(sys.argv[1]))
(own / "part.tmp").write_text("much")
print(own, flush=True)
sys.stdin.read()
"""


def holder(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """A living process with a spill folder, and the folder; it ends when its input does."""
    pipe = subprocess.PIPE
    child = subprocess.Popen([sys.executable, "-c", HOLDS, str(parent)], stdin=pipe, stdout=pipe, text=True)
    assert child.stdout is not None
    return child, Path(child.stdout.readline().strip())


def test_one_process_has_one_folder_in_one_workspace(tmp_path: Path) -> None:
    own = own_spill(tmp_path / "one")
    assert own.is_dir()
    assert own_spill(tmp_path / "one") == own
    assert own_spill(tmp_path / "other").parent == tmp_path / "other"


def test_it_goes_when_the_process_ends(tmp_path: Path) -> None:
    child, folder = holder(tmp_path)
    assert (folder / "part.tmp").exists()
    child.communicate()
    assert child.returncode == 0
    assert not folder.exists()


def test_that_of_a_killed_process_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    living, kept = holder(tmp_path)
    dead, lost = holder(tmp_path)
    dead.send_signal(signal.SIGKILL)
    dead.communicate()
    assert (lost / "part.tmp").exists()
    own_spill(tmp_path)
    assert not lost.exists()
    assert (kept / "part.tmp").exists()
    living.communicate()


def test_that_of_another_machine_stays(tmp_path: Path) -> None:
    (tmp_path / "00000000-1-1-aaaaaaaa").mkdir()
    own_spill(tmp_path)
    assert (tmp_path / "00000000-1-1-aaaaaaaa").is_dir()
