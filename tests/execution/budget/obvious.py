"""The contact budget once more, slowly and obviously: a list of touches, and every stretch of days counted anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from cultiva.definitions.policy import Cap
from cultiva.execution.budget.touches import TouchRequest


def breaches(caps: Sequence[Cap], touches: Iterable[TouchRequest]) -> list[str]:
    """Every cap that is broken by touches that count, in any stretch of days, for anybody."""
    counted = [one for one in touches if not one.exempt]
    found = []
    for cap in caps:
        for thing in sorted({thing_of(cap, one) for one in counted} - {None}, key=str):
            mine = [one.counts_on for one in counted if thing_of(cap, one) == thing]
            for start in (min(mine) + timedelta(days=index) for index in range((max(mine) - min(mine)).days + 1)):
                stretch = [day for day in mine if start <= day < start + timedelta(days=cap.days)]
                if len(stretch) > cap.contacts_max:
                    found.append(f"{cap.scope} {thing} has {len(stretch)} touches in {cap.days} days from {start}")
    return found


def thing_of(cap: Cap, one: TouchRequest) -> object:
    """What the cap counts the touch with; None: nothing."""
    home = one.customer_id if one.household_id is None else one.household_id
    return {
        "customer": one.customer_id,
        "household": home,
        "channel": (one.customer_id, one.channel) if cap.channel in (None, one.channel) else None,
        "offer": (one.customer_id, one.offer) if one.offer else None,
    }[cap.scope]


@dataclass
class Model:
    """A budget in memory."""

    caps: Sequence[Cap]
    touches: dict[str, TouchRequest] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)

    def live(self, state: str) -> list[TouchRequest]:
        """Touches in a state."""
        return [self.touches[name] for name, mine in self.states.items() if mine == state]

    def reserve(self, asked: Sequence[TouchRequest], at: datetime) -> dict[str, bool]:
        """Hands the room out anew, one after the other by worth."""
        self._end_what_is_over(asked, at)
        unique: dict[str, TouchRequest] = {}
        for one in asked:
            unique.setdefault(one.touch_id, one)
        standing = {name: True for name in unique if self.states.get(name) in ("reserved", "confirmed")}
        fresh = [one for name, one in unique.items() if name not in standing]
        return {**standing, **self._hand_out(fresh, at)}

    def confirm(self, names: Sequence[str], at: datetime, days: Mapping[str, date]) -> dict[str, bool]:
        """Confirms what is reserved, has not run out, and still fits."""
        for name in names:
            if self.states.get(name) == "reserved" and _over(self.touches[name], at):
                self.states[name] = "expired"
        known = [name for name in dict.fromkeys(names) if self.states.get(name) == "reserved"]
        moved = [replace(self.touches[name], counts_on=days.get(name, self.touches[name].counts_on)) for name in known]
        self._end_what_is_over(moved, at)
        for name in known:
            self.states[name] = "asked"
        answers = self._hand_out(moved, at)
        for name in known:
            self.states[name] = "confirmed" if answers[name] else "outbid"
        return {name: self.states.get(name) == "confirmed" for name in names}

    def release(self, names: Sequence[str], *, confirmed: bool) -> None:
        """Gives room back."""
        for name in names:
            if self.states.get(name) in (("reserved", "confirmed") if confirmed else ("reserved",)):
                self.states[name] = "released"

    def expire(self, at: datetime) -> None:
        """Ends what has run out."""
        for name, one in self.touches.items():
            if self.states[name] == "reserved" and _over(one, at):
                self.states[name] = "expired"

    def _hand_out(self, asked: Sequence[TouchRequest], at: datetime) -> dict[str, bool]:
        answers = {}
        kept = self.live("confirmed")
        contest = [(0, one) for one in self.live("reserved")] + [(1, one) for one in asked]
        for rank, one in sorted(contest, key=lambda pair: (-pair[1].worth, pair[0], pair[1].touch_id)):
            fits = one.exempt or not set(breaches(self.caps, [*kept, one])) - set(breaches(self.caps, kept))
            fits = fits and not _over(one, at) if rank else fits
            if fits:
                kept.append(one)
            if rank:
                answers[one.touch_id] = fits
            if rank and fits:
                self.touches[one.touch_id], self.states[one.touch_id] = one, "reserved"
            elif not rank and not fits:
                self.states[one.touch_id] = "outbid"
        return answers

    def _end_what_is_over(self, asked: Sequence[TouchRequest], at: datetime) -> None:
        """Everything that has run out takes no room; whether it is marked yet is looked at nowhere."""
        self.expire(at)


def _over(one: TouchRequest, at: datetime) -> bool:
    return one.expires is not None and one.expires <= at
