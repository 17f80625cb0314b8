"""A real NATS server with JetStream for tests: the one at CULTIVA_NATS_URL, else one of our own.

A test that asks for it and is not given one fails; it is never skipped.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers.programs import Program

GIVEN = "CULTIVA_NATS_URL"
"""Environment variable with the address of a running server, e.g. nats://127.0.0.1:4222."""


def nats_program(folder: Path) -> Program:
    """A server of our own, not started yet, with its data in a folder."""
    return Program("nats-server", ["-js", "-a", "127.0.0.1", "-p", "{port}", "-sd", "{folder}/data"], folder)


@pytest.fixture(scope="session")
def nats_url() -> Iterator[str]:
    """The address of a running server; ours is killed and removed at the end."""
    if given := os.environ.get(GIVEN):
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="cultiva-nats-"))
    program = nats_program(folder)
    try:
        program.start()
        yield f"nats://127.0.0.1:{program.port}"
    finally:
        program.kill()
        shutil.rmtree(folder, ignore_errors=True)
