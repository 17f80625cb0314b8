"""The command line that all simulators share: `python -m tests.simulators.NAME --record FILE --misbehave JSON`."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.simulators.misbehaviour import Moods, read_misbehaviour
from tests.simulators.record import Record
from tests.simulators.reports import Reports


class Desk:
    """What every simulator works with."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.record = Record(given.record, fsync=given.fsync)
        self.moods = Moods(read_misbehaviour(given.misbehave))
        self.reports = Reports(self.moods)

    def accept(self, key: str, address: str, **more: object) -> str:
        """Records a message and plans the report on it; returns the simulator's own id."""
        kept = more if self.given.keep else {}
        reference = self.record.accept(key, address, **kept)
        self.reports.accepted(key, reference, address)
        return reference


def run(
    start: Callable[[Desk], Awaitable[dict[str, int]]], *, options: Callable[[argparse.ArgumentParser], object]
) -> None:
    """Starts a simulator, prints its ports as JSON on one line, and serves until it is stopped.

    Args:
        start: Opens the sockets; gives their ports.
        options: Adds the simulator's own arguments.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", type=Path, required=True, help="append-only file of accepted messages")
    parser.add_argument("--misbehave", default="{}", help="JSON, see misbehaviour.py")
    parser.add_argument("--fsync", action="store_true", help="write through to the disk before answering")
    parser.add_argument("--keep", action="store_true", help="keep contents in the record too")
    parser.add_argument("--port", type=int, default=0)
    options(parser)
    asyncio.run(_serve(start, Desk(parser.parse_args())))


async def _serve(start: Callable[[Desk], Awaitable[dict[str, int]]], desk: Desk) -> None:
    ports = await start(desk)
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()
