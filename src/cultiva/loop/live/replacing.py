"""Records of the hot store, compared and replaced: workers go on meanwhile, and nothing of theirs is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.stream.port import HotStore

TRIES = 20
"""Times that a record is tried anew because a worker was faster."""

Renewed = Callable[[int, bytes | None], bytes | None]
"""Customer and record -> the record as it should be; None if nothing in it is new."""


class Replaced(NamedTuple):
    """Counts of records."""

    written: int
    same: int


def replace_records(hot: HotStore, customers: Sequence[int], renewed: Renewed) -> Replaced:
    """Compares and replaces the records of some customers until each is as it should be.

    Args:
        hot: Where records are kept.
        customers: Whose, some thousand at most.
        renewed: Makes a record new; is asked again with what a worker has written meanwhile.

    Raises:
        CultivaError: if workers are faster every time; what has been written stays.
    """
    left, written, same = list(customers), 0, 0
    for _ in range(TRIES):
        if not left:
            break
        states = hot.get(left)
        changes: dict[int, tuple[bytes | None, bytes]] = {}
        for customer, state in zip(left, states, strict=True):
            new = renewed(customer, state)
            if new is not None:
                changes[customer] = (state, new)
        same += len(left) - len(changes)
        left = hot.put(changes) if changes else []
        written += len(changes) - len(left)
    if left:
        raise _overtaken(len(left))
    return Replaced(written, same)


def _overtaken(count: int) -> CultivaError:
    return CultivaError(
        "records of the hot store change faster than they can be replaced",
        code="live.overtaken",
        kind=ErrorKind.CONFLICT,
        seen=f"{count} customers after {TRIES} tries",
        allowed="a worker that is done with a customer between two tries",
        hint="publish again: what has been written stays",
    )
