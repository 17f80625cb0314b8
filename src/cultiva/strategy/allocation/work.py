"""Work spread over threads: kernels that release the interpreter's lock, each called for fixed pieces of branches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

from cultiva.strategy.allocation.layout import Packed
from cultiva.strategy.allocation.problem import Longs

PIECES = 64
"""Pieces of work that threads share, at most."""
WORTH_A_PIECE = 8_000
"""Candidates below which work is not cut."""


def pieces(packed: Packed, which: Longs) -> Longs:
    """Where each piece of some branches begins, and the end; does not depend on threads, so sums do not."""
    rows = packed.first[packed.branch_first]
    sizes = np.append(0, np.cumsum(np.diff(rows)[which] + 1))
    count = int(min(PIECES, len(which), 1 + sizes[-1] // WORTH_A_PIECE))
    wanted = np.linspace(0, sizes[-1], count + 1)
    cuts: Longs = np.unique(np.searchsorted(sizes, wanted).clip(0, len(which)))
    return cuts


def spread(kernel: Callable[..., None], cuts: Longs, room: Callable[[], Any], *arguments: Any) -> None:
    """Calls a kernel for every piece: (number, begin, end), room to work that no other thread has, and the arguments.

    Kernels allocate nothing: compiled without numba's counting of references (`_nrt=False`), which would be most of
    their work, since several threads count the same arrays.
    """
    threads = min(numba.get_num_threads(), len(cuts) - 1)

    own = threading.local()

    def one(piece: tuple[int, int, int]) -> None:
        if not hasattr(own, "room"):
            own.room = room()
        kernel(piece, own.room, *arguments)

    if threads <= 1:
        for piece in _each(cuts):
            one(piece)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(one, _each(cuts)):
            pass


def _each(cuts: Longs) -> Iterator[tuple[int, int, int]]:
    for number in range(len(cuts) - 1):
        yield number, int(cuts[number]), int(cuts[number + 1])
