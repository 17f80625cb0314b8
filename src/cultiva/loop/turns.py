"""Turns at the engine: its connection takes one question at a time, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.parts import Parts

WAIT_SECONDS = 20.0
"""How long a request waits for the engine; then it is told to come again."""


class Turns:
    """Lets one request of a process at the engine at a time.

    Args:
        parts: Of the workspace.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._engine = Lock()

    @contextmanager
    def engine(self) -> Iterator[Parts]:
        """The parts with the engine to oneself.

        Raises:
            CultivaError: if others need it for too long.
        """
        if not self._engine.acquire(timeout=WAIT_SECONDS):
            raise CultivaError(
                "the engine is busy",
                code="loop.engine_busy",
                kind=ErrorKind.UNAVAILABLE,
                seen=f"{WAIT_SECONDS:.0f} s of waiting",
                allowed="a question at a time per process",
                hint="ask again later, or serve with more workers",
            )
        try:
            yield self._parts
        finally:
            self._engine.release()
