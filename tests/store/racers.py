"""What processes do that are raced and killed by tests; they are forked from a server that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.store.days import AT

from cultiva.kit.errors import CultivaError
from cultiva.kit.processes import this_process
from cultiva.store import open_store

NAME = "run:1994-03-30"
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.store.racers", "tests.loop.small_plan", "psycopg", "alembic.command"])


def compete(url: str, root: Path, together: Barrier) -> None:
    """Tries to take the lease at the same moment as others; exits with 0 if it got it, 4 if it was refused."""
    store = open_store(url, root)
    together.wait()
    try:
        store.leases.acquire(NAME, this_process(), at=AT)
    except CultivaError as error:
        together.wait()
        os._exit(4 if error.code == "store.leased" else 1)
    together.wait()  # alive until all have tried
    os._exit(0)


def take_and_die(url: str, root: Path) -> None:
    """Takes the lease and is killed."""
    open_store(url, root).leases.acquire(NAME, this_process(), at=AT)
    os.kill(os.getpid(), signal.SIGKILL)


def open_together(url: str, root: Path, together: Barrier) -> None:
    """Opens the store at the same moment as others."""
    together.wait()
    open_store(url, root).close()
