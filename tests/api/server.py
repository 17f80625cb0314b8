"""A real server: `cultiva serve` in processes of its own, on a real socket."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

SECONDS = 60.0


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    address: str = ""
    lines: list[str] = field(default_factory=list)
    """Everything that it has logged."""

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Log entries; a line that is not JSON is a fault."""
        return [json.loads(line) for line in list(self.lines)]

    def end(self) -> int:
        """Tells it to end, and gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


@contextmanager
def serving(root: Path, *, workers: int = 1) -> Iterator[Server]:
    """`cultiva serve` over a workspace, until the end of the block."""
    start = [sys.executable, "-c", "from cultiva.cli.main import entry; entry()"]
    start += ["serve", str(root), "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(start, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    server, found = Server(process), Queue[str]()
    threading.Thread(target=_read, args=(server, found), daemon=True).start()
    try:
        server.address = found.get(timeout=SECONDS)
        yield server
    except Empty:
        raise AssertionError("the server did not start:\n" + "\n".join(server.lines)) from None
    finally:
        if process.poll() is None:
            server.end()


def _read(server: Server, found: Queue[str]) -> None:
    assert server.process.stderr is not None
    for line in server.process.stderr:
        server.lines.append(line.strip())
        match = re.search(r"running on (http://[\d.]+:\d+)", line)
        if match:
            found.put(match[1])
