"""`cultiva` at once: commands are forked from one process that has imported everything.

A guide types eight commands, and a command takes seconds to import what it needs before it does anything. What a
command reads, writes, prints and leaves as its exit code is that of the console script; that the script itself starts,
and what it imports, is tested in tests/cli/test_start.py. The other end is tests/servers/warm_command.py.

`python -m tests.servers.warm SOCKET` is the process; all processes of a test session share it.
"""

from __future__ import annotations

import array
import atexit
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cultiva.store import Run, StepRecord

ROOT = Path(__file__).parents[2]
COMMAND = Path(__file__).with_name("warm_command.py")
START_SECONDS = 120
REQUEST_BYTES_MAX = 1 << 20
MODULES = (
    "alembic.command",
    "cultiva.bootstrap",
    "cultiva.cli.main",
    "cultiva.definitions.loading",
    "cultiva.loop.day",
    "cultiva.loop.service",
    "ibis.backends.duckdb",
    "pandas",
    "pyarrow.dataset",
    "scipy.stats",
    "sklearn.cluster",
    "tools.kernels",
)
"""What commands import at the latest when they are at work; none of it starts a thread."""


SCREEN = {"COLUMNS": "110", "NO_COLOR": "1"}
"""Variables that libraries read as they are imported."""
LOOK_SECONDS = 0.001
HELD_STEP = "CULTIVA_TESTS_HELD_STEP"
"""Names a step in which a run waits to be killed, when all its work is done."""


@dataclass(frozen=True)
class Warm:
    """Where commands are forked."""

    folder: Path

    @property
    def path(self) -> Path:
        """A folder for the front of PATH, with `cultiva` in it."""
        return self.folder / "bin"

    def begin(self, *arguments: object, held_in: str = "") -> Begun:
        """`cultiva` with these arguments, in this process's folder and environment; it prints into a file.

        Args:
            arguments: Of the command.
            held_in: A step in which a run waits for its end.
        """
        return Begun(self.folder / "socket", [str(one) for one in arguments], {HELD_STEP: held_in} if held_in else {})


class Begun:
    """A command at work in a process of its own: as much of `subprocess.Popen` as there is use for.

    Args:
        place: Where the server listens.
        arguments: Of the command.
        told: Variables beside this process's own.
    """

    def __init__(self, place: Path, arguments: Sequence[str], told: Mapping[str, str]) -> None:
        self.returncode: int | None = None
        self._answers = b""
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(str(place))
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed at the end of the command
        request = {"arguments": arguments, "folder": str(Path.cwd()), "environment": {**os.environ, **told}}
        with Path(os.devnull).open("r+b", buffering=0) as nothing:
            streams = array.array("i", [nothing.fileno(), nothing.fileno(), self._errors.fileno()])
            text = json.dumps(request).encode() + b"\n"
            sent = self._server.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
            self._server.sendall(text[sent:])
        while not self._answers.endswith(b"\n"):
            self._answers += self._server.recv(1)
        self.pid = int(self._answers)
        self._answers = b""

    def poll(self) -> int | None:
        """The exit code; None as long as it is at work."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits until it has ended and nothing is left of its process; the exit code.

        Raises:
            TimeoutExpired: if it is at work longer than so many seconds.
        """
        while self.returncode is None:
            readable, _, _ = select.select([self._server], [], [], timeout)
            if not readable:
                raise subprocess.TimeoutExpired("cultiva", timeout or 0.0)
            found = self._server.recv(64)
            self._answers += found
            if not found:
                self.returncode = int(self._answers or -signal.SIGKILL)
                self._server.close()
                while Path(f"/proc/{self.pid}").exists():
                    time.sleep(LOOK_SECONDS)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for the end; nothing, and what it wrote to its standard error."""
        self.wait(timeout)
        self._errors.seek(0)
        return "", self._errors.read().decode()

    def send_signal(self, number: int) -> None:
        """Sends it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill -9."""
        self.send_signal(signal.SIGKILL)


@contextmanager
def warm_commands(folder: Path) -> Iterator[Warm]:
    """Commands that are forked instead of started.

    Args:
        folder: The same for all processes of one test session.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _state(folder) as state:
        if not state.get("users"):
            state["process"] = _start(folder)
        state["users"] = state.get("users", 0) + 1
    try:
        yield Warm(folder)
    finally:
        with _state(folder) as state:
            state["users"] -= 1
            if not state["users"]:
                os.killpg(state["process"], signal.SIGKILL)


@contextmanager
def _state(folder: Path) -> Iterator[dict[str, Any]]:
    """What the processes know of the server, under a lock; kept if the block succeeds."""
    with (folder / "state.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        state: dict[str, Any] = json.loads(file.read() or "{}")
        yield state
        file.seek(0)
        file.truncate()
        file.write(json.dumps(state))


def _start(folder: Path) -> int:
    """Starts the server and writes the command; the server's process."""
    place, command = folder / "socket", folder / "bin" / "cultiva"
    command.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    text = COMMAND.read_text(encoding="utf-8").replace("SOCKET_OF_THE_SERVER", str(place))
    command.write_text(f"#!{sys.executable} -IS\n{text}", encoding="utf-8")
    command.chmod(0o755)
    with (folder / "output.log").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.warm", str(place)],
            cwd=ROOT,
            env={**os.environ, **SCREEN},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not place.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server of commands did not start: {(folder / 'output.log').read_text()}")
        time.sleep(0.05)
    return process.pid


def serve(place: Path) -> None:
    """Forks a process for every command that comes in."""
    for name in MODULES:
        importlib.import_module(name)
    importlib.import_module("tools.kernels").allocation()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, _bury)  # whoever asked is told by the child itself, or by its end
    with socket.socket(socket.AF_UNIX) as door:
        unfinished = place.with_name("unfinished")
        door.bind(str(unfinished))
        door.listen(64)
        unfinished.rename(place)
        while True:
            client, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _answer(client)
            client.close()


def _bury(_number: int, _frame: object) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _answer(client: socket.socket) -> None:
    """Does one command in this process, which then ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams = _received(client)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    client.sendall(f"{os.getpid()}\n".encode())
    code = 1
    try:
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        code = _exit_code(request["arguments"])
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        client.sendall(f"{code}\n".encode())
        os._exit(code)


def _hold_in(step: str) -> None:
    """From now on a run of this process does a step, and then waits for its end: nothing of the step is visible yet."""
    from cultiva.store.repositories.runs import Runs

    finish = Runs.finish_step

    def held(runs: Runs, run: Run, name: str, *rest: Any, **more: Any) -> StepRecord:
        if name == step:
            threading.Event().wait()
        return finish(runs, run, name, *rest, **more)

    Runs.finish_step = held  # type: ignore[method-assign, assignment]


def _exit_code(arguments: Sequence[str]) -> int:
    from cultiva.cli.main import main

    if HELD_STEP in os.environ:
        _hold_in(os.environ[HELD_STEP])
    sys.argv = [str(Path(sys.executable).with_name("cultiva")), *arguments]
    try:
        return main()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1


def _received(client: socket.socket) -> tuple[Mapping[str, Any], list[int]]:
    """What is asked: arguments, folder, environment; and the three streams."""
    streams = array.array("i")
    room = socket.CMSG_SPACE(3 * streams.itemsize)
    text, beside, _, _ = client.recvmsg(REQUEST_BYTES_MAX, room)
    for _, _, data in beside:
        streams.frombytes(data)
    while not text.endswith(b"\n"):
        text += client.recv(REQUEST_BYTES_MAX)
    return json.loads(text), list(streams)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
