"""Holding a lease while a long piece of work goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from cultiva.kit.clock import Clock
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.processes import this_process
from cultiva.store import Lease, Store

RENEWAL_SECONDS = 10.0
"""How often the lease is renewed: several times within its term, so that one late renewal does no harm."""


@contextmanager
def held(name: str, *, store: Store, clock: Clock) -> Iterator[Lease]:
    """Holds a lease, renewed by a thread of its own, and gives it back at the end, come what may.

    A killed process cannot give it back; the store then takes it from the dead one as soon as someone asks.

    Args:
        name: What is leased.
        store: Where.
        clock: Tells the present instant.

    Raises:
        CultivaError: a conflict, if a living process has it.
    """
    lease = store.leases.acquire(name, this_process(), at=clock())
    over = threading.Event()
    renewal = threading.Thread(target=_renew, args=(lease, store, clock, over), name=f"lease {name}", daemon=True)
    renewal.start()
    try:
        yield lease
    finally:
        over.set()
        renewal.join()
        store.leases.release(lease)


def _renew(lease: Lease, store: Store, clock: Clock, over: threading.Event) -> None:
    log = structlog.get_logger()
    while not over.wait(RENEWAL_SECONDS):
        try:
            store.leases.renew(lease, at=clock())
        except CultivaError as error:
            # The work's next write is refused if the lease is lost; if the store is down for a moment, try again.
            log.warning("lease_not_renewed", lease=lease.name, reason=error.message)
            if error.kind is ErrorKind.CONFLICT:
                return
