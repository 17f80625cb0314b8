"""Advances a launch in a process of its own, which kills itself after so many changes."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from itertools import count
from pathlib import Path

from sqlalchemy import event
from tests.execution.plays.small import DAYS, LAUNCH_ID, graph
from tests.execution.plays.test_advance import PLAIN, WAVES

from cultiva.execution.plays import advancing
from cultiva.execution.plays.service import Plays
from cultiva.execution.plays.world import Running
from cultiva.store.database import Database

FEW = 300
"""Moves in a transaction, so that there are some before and some after the kill."""

if __name__ == "__main__":
    url, root, at, last = sys.argv[1:5]
    advancing.WORTH_A_COMMIT = FEW
    database, changes = Database(url, Path(root)), count(1)

    @event.listens_for(database.engine, "after_cursor_execute")
    def die(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("UPDATE", "INSERT", "WITH")) and next(changes) == int(last):
            os.kill(os.getpid(), signal.SIGKILL)

    door = Plays(database, DAYS)
    door.advance(Running(LAUNCH_ID, graph(WAVES)), datetime.fromisoformat(at), world=PLAIN)
