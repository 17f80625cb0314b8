"""Python's search for cyclic garbage, made rare while a workspace is open.

A run keeps half a million objects (modules, parsed rules, Ibis expressions) and makes millions that die at once: with
Python's own thresholds the collector walks the living ones hundreds of times. Measured on eight weeks of 20,000
simulated customers: about a tenth of the processor time of all steps. What is not in a cycle is freed at once all the
same.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

YOUNG_MAX = 50_000
"""So many new objects are looked through for garbage (Python: 700); 10 MB at most wait for it."""
OLDER = 10
"""So many searches of a generation before the next older one is searched too, as Python's own."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """For a while garbage is searched for seldom, and never among what is there already.

    The collector is the whole process's: of all who ask for this, in whatever threads and however they overlap, the
    first changes it and the last puts back what the first found.
    """
    _ASKED.enter()
    try:
        yield
    finally:
        _ASKED.leave()


@dataclass
class _Asked:
    """How many ask for rare searches at this moment."""

    count: int = 0
    usual: tuple[int, int, int] = (0, 0, 0)
    lock: Lock = field(default_factory=Lock)

    def enter(self) -> None:
        with self.lock:
            if self.count == 0:
                self.usual = gc.get_threshold()
                gc.freeze()
                gc.set_threshold(YOUNG_MAX, OLDER, OLDER)
            self.count += 1

    def leave(self) -> None:
        with self.lock:
            self.count -= 1
            if self.count == 0:
                gc.set_threshold(*self.usual)
                gc.unfreeze()


_ASKED = _Asked()
