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

YOUNG_MAX = 50_000
"""So many new objects are looked through for garbage (Python: 700); 10 MB at most wait for it."""
OLDER = 10
"""So many searches of a generation before the next older one is searched too, as Python's own."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """For a while garbage is searched for seldom, and never among what is there already."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, OLDER, OLDER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
