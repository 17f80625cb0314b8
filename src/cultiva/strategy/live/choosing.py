"""Choosing: the best set of one customer's candidates at the prices, within the room that is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cultiva.strategy.live.candidates import Candidate

NODES = 20_000
"""Sets looked at before the best one so far is taken."""


@dataclass(frozen=True)
class Room:
    """What a set has to keep to."""

    touches: int
    """Most touches in all."""
    channels: Mapping[str, int]
    """Most touches over each channel."""
    slots: int | None = None
    """Most candidates, touches or not; None: as many as there are."""
    pulled: bool = False
    """Whether the customer has come of their own accord: then nothing is a touch."""


def choose(
    candidates: Sequence[Candidate],
    touches: Sequence[bool],
    groups: Mapping[str, str],
    room: Room,
    *,
    in_money: bool = True,
) -> list[int]:
    """Places of those who get in, best first: of a strategy one, of a group of offers one.

    Where money ranks it is the set that is worth most, by branch and bound; elsewhere one after another gets in.

    Args:
        candidates: In the order in which ties are broken.
        touches: For each whether it uses the contact budget.
        groups: Offer -> its group.
        room: What is left.
        in_money: Whether money ranks.
    """
    order = [place for place, one in enumerate(candidates) if one.net > 0 or (not in_money and one.charge == 0)]
    order.sort(key=lambda place: -candidates[place].net)
    search = _Search(candidates, touches, groups, room, order)
    found = search.best() if in_money else search.in_turn()
    return sorted(found, key=lambda place: -candidates[place].net)


class _Search:
    """One search."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        touches: Sequence[bool],
        groups: Mapping[str, str],
        room: Room,
        order: Sequence[int],
    ) -> None:
        self._order, self._room = order, room
        self._net = [candidates[place].net for place in order]
        self._touch = [touches[place] for place in order]
        self._channel = [candidates[place].channel for place in order]
        self._strategy = [candidates[place].strategy for place in order]
        self._group = [groups.get(candidates[place].offer, candidates[place].offer) for place in order]
        self._best: list[int] = []
        self._value = 0.0
        self._nodes = 0

    def best(self) -> list[int]:
        """The best set, as places of candidates."""
        if self._order:
            self._deeper(0, [], 0.0, 0)
        return [self._order[at] for at in self._best]

    def in_turn(self) -> list[int]:
        """Those who get in one after another, as places of candidates."""
        mine: list[int] = []
        for at in range(len(self._order)):
            if self._fits(at, mine, sum(1 for one in mine if self._touch[one])):
                mine.append(at)
        return [self._order[at] for at in mine]

    def _bound(self, begin: int, value: float, touches: int, size: int) -> float:
        """No set that goes on from here is worth more: what conflicts is not looked at."""
        left, slots = self._room.touches - touches, len(self._net) if self._room.slots is None else self._room.slots
        slots -= size
        for at in range(begin, len(self._net)):
            if slots <= 0:
                break
            if not self._touch[at]:
                value += self._net[at]
                slots -= 1
            elif left > 0:
                value += self._net[at]
                left -= 1
                slots -= 1
        return value

    def _deeper(self, begin: int, mine: list[int], value: float, touches: int) -> None:
        if value > self._value * (1 + 1e-12):
            self._best, self._value = list(mine), value
        self._nodes += 1
        for at in range(begin, len(self._net)):
            if self._nodes > NODES or self._bound(at, value, touches, len(mine)) <= self._value * (1 + 1e-12):
                return
            if self._fits(at, mine, touches):
                mine.append(at)
                self._deeper(at + 1, mine, value + self._net[at], touches + self._touch[at])
                mine.pop()

    def _fits(self, at: int, mine: Sequence[int], touches: int) -> bool:
        room = self._room
        if room.slots is not None and len(mine) >= room.slots:
            return False
        if self._touch[at]:
            over = sum(1 for one in mine if self._touch[one] and self._channel[one] == self._channel[at])
            if touches >= room.touches or over >= room.channels.get(self._channel[at], room.touches):
                return False
        return all(self._strategy[one] != self._strategy[at] and self._group[one] != self._group[at] for one in mine)
