"""A server program of our own on loopback: started, killed with -9 and started again on the same data and port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

UNPACKED = Path(sys.prefix) / "servers"
"""Where tools/servers.sh unpacks what the machine does not have."""
START_SECONDS = 60


class Program:
    """A server of the tests; its data lie in a folder and survive its death.

    Args:
        name: Of the program, e.g. `redis-server`.
        arguments: For it; `{port}` and `{folder}` are filled in.
        folder: For its data and its log.
    """

    def __init__(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.name = folder, free_port(), name
        self._command = [_path(name), *(one.format(port=self.port, folder=folder) for one in arguments)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it, and waits until it accepts connections."""
        with (self.folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=output, cwd=self.folder, env=_environment(), start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._accepts():
                return
            time.sleep(0.01)
        said = (self.folder / "output.log").read_text()[-3000:]
        raise RuntimeError(f"{self.name} ended or did not start within {START_SECONDS} s; it says:\n{said}")

    def kill(self) -> None:
        """Kill -9: it can put nothing in order."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _path(name: str) -> str:
    folders = [str(UNPACKED / "usr" / "sbin"), str(UNPACKED / "usr" / "bin"), os.environ.get("PATH", ""), "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        raise RuntimeError(f"there is no {name}: bash tools/servers.sh .venv/bin")
    return found


def _environment() -> dict[str, str]:
    """Libraries that were unpacked with the programs, where the machine has none of its own."""
    folders = sorted(str(path) for path in UNPACKED.glob("usr/lib/*-linux-gnu*"))
    given = os.environ.get("LD_LIBRARY_PATH", "")
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join([*folders, *([given] if given else [])])}
