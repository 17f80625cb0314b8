"""Spill folders: one for every process, so that what a killed one has left can be told from work and removed.

What does not fit in memory can be many times the lake; a process that is killed cannot take it away.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
from functools import cache
from pathlib import Path
from uuid import uuid4

from cultiva.kit.processes import Process, surely_dead, this_process


@cache
def own_spill(parent: Path) -> Path:
    """This process's folder; it goes when the process ends, those of dead processes of this machine go now.

    It stays as long as the process, since Polars keeps to the first one it is told.

    Args:
        parent: The workspace's spill folder, absolute.
    """
    owner = this_process()
    for folder in parent.glob(f"{_machine(owner)}-*"):
        if surely_dead(_owner(folder.name, owner.machine)):
            shutil.rmtree(folder, ignore_errors=True)
    own = parent / f"{_machine(owner)}-{owner.pid}-{owner.born}-{uuid4().hex[:8]}"
    own.mkdir(parents=True)
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own


def _machine(owner: Process) -> str:
    """Processes of other machines may share the folder, and cannot be told dead from here."""
    return hashlib.md5(owner.machine.encode(), usedforsecurity=False).hexdigest()[:8]


def _owner(name: str, machine: str) -> Process:
    _, pid, born, _ = name.split("-")
    return Process(machine=machine, pid=int(pid), born=born)
