"""Who owns which partition: workers share them evenly, and what a dead one held is free when its time is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cultiva.stream.port import Owned


@dataclass(frozen=True, slots=True)
class Held:
    """A partition as the store has it."""

    partition: int
    owner: str
    """Empty: nobody."""
    fence: int
    until: datetime


def share(
    held: Sequence[Held], worker: str, at: datetime, *, lease: timedelta, wanted: int
) -> tuple[list[Owned], list[Held]]:
    """What a worker keeps or takes, and what it gives up.

    Args:
        held: All partitions in order.
        worker: Who asks.
        at: Now.
        lease: How long what it gets is its own.
        wanted: How many it should have.
    """
    mine = [one for one in held if one.owner == worker]
    free = [one for one in held if one.owner != worker and (not one.owner or one.until <= at)]
    taken = free[: max(0, wanted - len(mine))]
    kept = [Owned(one.partition, one.fence, at + lease) for one in mine[:wanted]]
    kept += [Owned(one.partition, one.fence + 1, at + lease) for one in taken]
    return sorted(kept, key=lambda one: one.partition), mine[wanted:]


def fair_share(workers: Sequence[str], worker: str, partitions: int) -> int:
    """How many partitions a worker should have, so that all are owned and nobody has two more than another.

    Examples:
        >>> [fair_share(["a", "b", "c"], one, 16) for one in "abc"]
        [6, 5, 5]
    """
    rank = sorted(workers).index(worker)
    each, rest = divmod(partitions, len(workers))
    return each + (rank < rest)
