"""A real Redis for tests: the one at CULTIVA_REDIS_URL, else one of our own.

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

GIVEN = "CULTIVA_REDIS_URL"
"""Environment variable with the address of a running server, e.g. redis://127.0.0.1:6379/0."""


def redis_program(folder: Path) -> Program:
    """A server of our own, not started yet: it writes every change down and forces that to disk once a second."""
    arguments = ["--bind", "127.0.0.1", "--port", "{port}", "--dir", "{folder}", "--save", ""]
    return Program("redis-server", [*arguments, "--appendonly", "yes", "--appendfsync", "everysec"], folder)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a running server; ours is killed and removed at the end."""
    if given := os.environ.get(GIVEN):
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="cultiva-redis-"))
    program = redis_program(folder)
    try:
        program.start()
        yield f"redis://127.0.0.1:{program.port}/0"
    finally:
        program.kill()
        shutil.rmtree(folder, ignore_errors=True)
