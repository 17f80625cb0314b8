"""Who a process is, and whether it still lives: how a crashed owner of a lock is told from a working one."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process of one machine, told apart from a later one with the same number."""

    machine: str
    """Host name, its boot and its space of process numbers: numbers compare only where this is equal."""
    pid: int
    """Process number."""
    born: str
    """When it began, in the machine's own ticks; empty where the system does not say."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.machine.partition('/')[0]}"


def this_process() -> Process:
    """The process that calls."""
    return Process(machine=_machine(), pid=os.getpid(), born=_born(os.getpid()) or "")


def surely_dead(process: Process) -> bool:
    """True if this machine can tell that the process has ended; False if it lives or lives elsewhere."""
    if process.machine != _machine():
        return False
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's: it exists
        return process.born != (_born(process.pid) or process.born)
    born = _born(process.pid)
    return born is None or born != process.born


@cache
def _machine() -> str:
    return "/".join([socket.gethostname(), *(part for part in (_boot(), _number_space()) if part)])


def _boot() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.is_file() else ""


def _number_space() -> str:
    """Containers on one host may share its name and yet count processes each for itself."""
    path = Path("/proc/self/ns/pid")
    return path.readlink().name if path.is_symlink() else ""


def _born(pid: int) -> str | None:
    """Ticks since boot at which a process began; None if it is gone or a zombie, "" where /proc is missing."""
    if not Path("/proc/self/stat").is_file():
        return ""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the command's name, in brackets, may hold anything
    return None if fields[0] in {"Z", "X"} else fields[19]
