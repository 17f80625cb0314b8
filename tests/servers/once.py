"""What takes long to make and is the same for everybody is made once in a test session, whatever its processes are.

A bank after its first night is ten seconds of work; every process of pytest-xdist would do it for itself.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


class Once:
    """Makes folders once, and gives copies of them.

    Args:
        folder: The same for all processes of one test session.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copied(self, name: str, make: Callable[[Path], object], target: Path) -> Path:
        """A copy of what has been made under a name; made now if nobody has.

        Args:
            name: The same name is the same content.
            make: Makes it at a path that is not there yet.
            target: Where the copy goes; not there yet.
        """
        shutil.copytree(self.made(name, make), target, symlinks=True)
        return target

    def made(self, name: str, make: Callable[[Path], object]) -> Path:
        """What has been made under a name, which nobody changes; made now if nobody has."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found, whole = self._folder / name, self._folder / f"{name}.made"
            if not whole.exists():
                shutil.rmtree(found, ignore_errors=True)
                make(found)
                whole.touch()
        return found


def shared_folder(factory: pytest.TempPathFactory, worker: str) -> Path:
    """A folder that all processes of a test session have in common."""
    base = factory.getbasetemp()
    return base if worker == "master" else base.parent
