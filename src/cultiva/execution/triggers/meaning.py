"""Which beginnings fire: a pure function of what happened, whatever the order in which it came in.

Instants and lengths are whole microseconds. See `definitions/triggers.py` for the meaning in words.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

CROWD = 24
"""From so many on, what cannot change anything any more is looked for and let go."""


NO_VALUES = msgspec.Raw(b"\x80")
"""Nothing is kept."""


class Beginning(msgspec.Struct, array_like=True):
    """An event that began a trigger."""

    at: int
    """When it happened."""
    message_id: str
    key: str = ""
    """Its values of the properties that must be the same."""
    fired: bool = False
    dropped: bool = False
    """`still` was not true when it would have fired."""
    event: str = ""
    kept: msgspec.Raw = NO_VALUES
    """What the rule saw, until it fires: name -> value."""

    @property
    def order(self) -> tuple[int, str]:
        """Its place among others."""
        return self.at, self.message_id


Ending = tuple[int, str, str]
"""An event that lets beginnings come to nothing: when, key, message."""


class Memory(msgspec.Struct, array_like=True):
    """What one trigger remembers of one customer."""

    meaning: str = ""
    """Of the trigger when this was written."""
    anchor: int | None = None
    """When the last firing fell due that nothing can change any more."""
    timer: int | None = None
    """When it wants to be reminded."""
    seen: list[Beginning] = []
    """In order."""
    ends: list[Ending] = []
    """In order."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The lengths of time of a trigger; 0: none."""

    within: int
    quiet: int
    """Of debounce."""
    again: int
    wait: int
    """From a beginning until it falls due: the longer one of `within` and `quiet`."""


def standing(memory: Memory, terms: Terms) -> Iterator[Beginning]:
    """Beginnings that have not come to nothing, in order."""
    seen = memory.seen
    if not terms.quiet:
        for one in seen:
            if not one.dropped and not (terms.within and memory.ends and is_ended(one, memory.ends, terms.within)):
                yield one
        return
    for index, one in enumerate(seen):
        follower = seen[index + 1] if index + 1 < len(seen) else None
        if follower is not None and follower.at < one.at + terms.quiet:
            continue
        if not one.dropped and not (terms.within and is_ended(one, memory.ends, terms.within)):
            yield one


def is_ended(one: Beginning, ends: Sequence[Ending], within: int) -> bool:
    """Whether what a beginning waits for has happened in time."""
    for index in range(bisect_left(ends, (one.at,)), len(ends)):
        at, key, message_id = ends[index]
        if at >= one.at + within:
            return False
        if key == one.key and message_id != one.message_id:
            return True
    return False


def firing(memory: Memory, terms: Terms, until: float) -> Iterator[Beginning]:
    """Those that fire of what falls due up to an instant, in order."""
    last = memory.anchor
    for one in standing(memory, terms):
        due = one.at + terms.wait
        if due > until:
            break
        if last is None or not terms.again or due >= last + terms.again:
            last = due
            yield one


def forget(memory: Memory, terms: Terms, horizon: int) -> None:
    """Lets go of what no event of the horizon or later can change, or be changed by.

    Args:
        memory: Is changed.
        terms: Of the trigger.
        horizon: Nothing that happened before it is heard any more.
    """
    past = memory.seen and memory.seen[0].at + terms.wait <= horizon
    chosen = {one.message_id for one in firing(memory, terms, horizon)} if past else ()
    while memory.seen and memory.seen[0].at + terms.wait <= horizon:
        first = memory.seen[0]
        if first.message_id in chosen and not first.fired:
            break  # its timer has not rung yet
        if first.fired:
            memory.anchor = first.at + terms.wait
        del memory.seen[0]
    if memory.ends and memory.ends[0][0] < horizon - terms.wait:
        memory.ends = [one for one in memory.ends if one[0] >= horizon - terms.wait]
    if memory.anchor is not None and memory.anchor + terms.again <= horizon:
        memory.anchor = None
    if len(memory.ends) > CROWD:
        memory.ends = thinned(memory.ends, terms.within)
    if len(memory.seen) > CROWD:
        memory.seen = _fewer(memory, terms)


def thinned(ends: Sequence[Ending], within: int) -> list[Ending]:
    """Without those between two others of the same key less than `within` apart: what they end, one of the two does."""
    by_key: dict[str, list[Ending]] = {}
    for one in ends:
        kept = by_key.setdefault(one[1], [])
        if len(kept) > 1 and one[0] - kept[-2][0] < within:
            kept.pop()
        kept.append(one)
    return sorted(one for kept in by_key.values() for one in kept)


def _fewer(memory: Memory, terms: Terms) -> list[Beginning]:
    """Without beginnings that are at an end for good and that no other one needs to be at an end.

    Without a debounce they concern no other one. With one, each lets those before it come to nothing: one between two
    that are closer than that is not needed.
    """
    alive = {one.message_id for one in standing(memory, terms)}
    kept: list[Beginning] = []
    for one in memory.seen:
        last = kept[-1] if kept else None
        if last is not None and last.message_id not in alive and not last.fired:
            between = len(kept) > 1 and one.at - kept[-2].at < terms.quiet
            if between or not terms.quiet:
                kept.pop()
        kept.append(one)
    return kept
