"""Rolling caps: how many touches there may be within so many days in a row, whichever days those are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from cultiva.definitions.policy import Cap
from cultiva.execution.budget.touches import TouchRequest

Key = tuple[int, int, str]
"""What one cap counts together: number of the cap, customer or household, channel or offer."""


class Room:
    """Touches that count, and what caps leave beside them. It holds no more than the caps allow.

    A cap of n days holds for every stretch of n days: a touch may stand before others that are planned for later, so
    the stretches to both sides of its day are looked at.

    Args:
        caps: The policy's caps.
        taken: Touches that count, whatever the caps say.
    """

    def __init__(self, caps: Sequence[Cap], taken: Iterable[TouchRequest] = ()) -> None:
        self._caps = caps
        self._days: defaultdict[Key, list[int]] = defaultdict(list)
        for touch in taken:
            self.take(touch)

    def binding(self, touch: TouchRequest) -> Cap | None:
        """The first cap that leaves no room for a touch; None: it fits."""
        day = touch.counts_on.toordinal()
        for key in keys(self._caps, touch):
            cap = self._caps[key[0]]
            if not fits(self._days.get(key, ()), day, cap):
                return cap
        return None

    def take(self, touch: TouchRequest) -> None:
        """Counts a touch."""
        day = touch.counts_on.toordinal()
        for key in keys(self._caps, touch):
            self._days[key].append(day)


def keys(caps: Sequence[Cap], touch: TouchRequest) -> Iterator[Key]:
    """Everything that the caps count of a touch; an exempt one counts nowhere."""
    if touch.exempt:
        return
    for number, cap in enumerate(caps):
        if cap.scope == "customer":
            yield number, touch.customer_id, ""
        elif cap.scope == "household":
            yield number, touch.home, ""
        elif cap.scope == "channel" and cap.channel in (None, touch.channel):
            yield number, touch.customer_id, touch.channel
        elif cap.scope == "offer" and touch.offer:
            yield number, touch.customer_id, touch.offer


def fits(days: Sequence[int], day: int, cap: Cap) -> bool:
    """Whether one more touch leaves every stretch of the cap's days within its maximum.

    Args:
        days: Of the touches counted, as ordinals, in any order.
        day: Of the new one.
        cap: The cap.

    Examples:
        >>> cap = Cap(scope="customer", days=7, contacts_max=2)
        >>> [fits([1, 9], day, cap) for day in (2, 3, 5, 8)]
        [True, True, True, True]
        >>> [fits([1, 6], day, cap) for day in (0, 3, 7, 8)]
        [False, False, False, True]
    """
    near = [other for other in days if abs(other - day) < cap.days]
    if len(near) < cap.contacts_max:
        return True
    starts = [other for other in near if other <= day] + [day]
    return all(sum(start <= other < start + cap.days for other in near) < cap.contacts_max for start in starts)


def reach(caps: Sequence[Cap], days: Iterable[date]) -> tuple[date, date]:
    """The first and last day of touches that can share a stretch with touches of these days."""
    found = sorted(days)
    longest = timedelta(days=max((cap.days for cap in caps), default=1) - 1)
    return found[0] - longest, found[-1] + longest
