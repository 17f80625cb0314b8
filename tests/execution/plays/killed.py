"""Advances a launch in a process of its own, to be killed."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from tests.execution.plays.small import DAYS, LAUNCH_ID, graph
from tests.execution.plays.test_advance import PLAIN, WAVES

from cultiva.execution.plays.service import Plays
from cultiva.execution.plays.world import Running
from cultiva.store.database import Database

if __name__ == "__main__":
    url, root, at = sys.argv[1:4]
    door = Plays(Database(url, Path(root)), DAYS)
    print("ready", flush=True)
    door.advance(Running(LAUNCH_ID, graph(WAVES)), datetime.fromisoformat(at), world=PLAIN)
    print("done", flush=True)
