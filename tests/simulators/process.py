"""Starting a simulator in a process of its own, and stopping it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulators.record import entries

ROOT = Path(__file__).parents[2]
"""The project: simulators are started from it."""


@dataclass(frozen=True)
class Simulator:
    """A simulator that runs."""

    port: int
    """Where it speaks its protocol, on 127.0.0.1."""
    http_port: int
    """Where it is asked and told things over HTTP: trace, reports, `/misbehave`; often the same."""
    record: Path
    """What it has accepted."""
    pid: int

    @property
    def http(self) -> str:
        """`http://127.0.0.1:<http_port>`."""
        return f"http://127.0.0.1:{self.http_port}"

    def accepted(self) -> list[dict[str, Any]]:
        """What it has accepted so far."""
        return list(entries(self.record))

    def misbehave(self, **how: Any) -> None:
        """Changes how it misbehaves; nothing: it behaves."""
        self.post("/misbehave", how)

    def tell(self, **report: Any) -> None:
        """Lets it report something: kind, key, reference, address."""
        self.post("/tell", report)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Tells it something over HTTP."""
        request = urllib.request.Request(f"{self.http}{path}", data=json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


@contextmanager
def running(
    name: str, record: Path, *, misbehave: Mapping[str, Any] | None = None, options: Sequence[str] = ()
) -> Iterator[Simulator]:
    """A simulator for as long as the block lasts.

    Args:
        name: Its module in this folder: smtp, sms_http, smpp, wecom, webhook.
        record: File for what it accepts.
        misbehave: See `Misbehaviour`.
        options: Further arguments of its command line.
    """
    command = [sys.executable, "-m", f"tests.simulators.{name}", "--record", str(record)]
    command += ["--misbehave", json.dumps(misbehave or {}), *options]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield Simulator(said["port"], said["http_port"], record, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=10)
        assert process.stdout is not None
        process.stdout.close()
