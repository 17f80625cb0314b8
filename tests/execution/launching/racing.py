"""Processes that act on the same launch, or the same strategy, at the same moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.execution.launching.launched import AT, RULES

from cultiva.execution.launching.launches import Person
from cultiva.execution.launching.service import Launches
from cultiva.kit.errors import CultivaError
from cultiva.store import open_store

REFUSED = 4


def act(url: str, root: Path, together: Barrier, what: str, launch_id: str, who: str) -> None:
    """Does one thing when all others do theirs; exits with 0 if it was done, 4 if it was refused as it should be."""
    store = open_store(url, root)
    launches, person = Launches(store.database, RULES), Person(who)
    doing: dict[str, Callable[[], object]] = {
        "approve": lambda: launches.approve(launch_id, person, "executive", AT),
        "reject": lambda: launches.reject(launch_id, person, "executive", AT),
        "launch": lambda: launches.go_live(launch_id, person, AT),
        "halt": lambda: launches.halt("channel:sms", "outage", person, AT),
        "lift": lambda: launches.lift("channel:sms", person, AT),
    }
    together.wait()
    try:
        doing[what]()
    except CultivaError as error:
        allowed = ("launching.wrong_state", "launching.runs_already", "launching.not_halted")
        os._exit(REFUSED if error.code in allowed else 1)
    os._exit(0)
