"""The door of the contact budget: room is reserved when a touch is planned and confirmed when it is sent.

Every call is one transaction, or part of the caller's. Whoever decides on a customer has locked the customer and the
household first, so two senders never see the same room. A caller's transaction calls the budget once, with its whole
batch, and before it changes deliveries or tasks: then no two transactions wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from cultiva.definitions.policy import Cap, ContactPolicy
from cultiva.execution.budget import repository
from cultiva.execution.budget.contest import Settlement, settle
from cultiva.execution.budget.room import Room, reach
from cultiva.execution.budget.touches import Refusal, Touch, TouchRequest, TouchState, Verdict
from cultiva.store.database import Database

AT_A_TIME = 5000
"""Reservations that `expire` ends in one transaction."""
_RESERVED = (TouchState.RESERVED,)
_SAME_DAY: Mapping[str, date] = {}
_GONE = {
    TouchState.RELEASED: Refusal.RELEASED,
    TouchState.EXPIRED: Refusal.EXPIRED,
    TouchState.OUTBID: Refusal.OUTBID,
}


class Budget:
    """The contact budget of a bank.

    Args:
        database: Where touches lie.
        caps: The policy's caps.
        free_channels: Channels whose use counts against no cap (`touch: false` in the policy).
    """

    def __init__(self, database: Database, caps: Sequence[Cap], *, free_channels: Collection[str] = ()) -> None:
        self._database = database
        self._caps = tuple(caps)
        self._free = frozenset(free_channels)
        self._by_household = any(cap.scope == "household" for cap in self._caps)

    @classmethod
    def of(cls, database: Database, policy: ContactPolicy) -> Budget:
        """The budget under a policy."""
        free = [channel.name for channel in policy.channels if not channel.touch]
        return cls(database, policy.caps, free_channels=free)

    def reserve(self, connection: Any, requests: Sequence[TouchRequest], at: datetime) -> Sequence[Verdict]:
        """Keeps room for touches; the most valuable go first, and may push out reservations that are worth less.

        A touch that is reserved or confirmed already is granted and stays as it is; one that was given back, has run
        out or was outbid may be asked for again. Reservations pushed out become `outbid`, their waiting deliveries and
        tasks are cancelled. What is refused leaves no row.

        Args:
            connection: The caller's writing transaction (`Database.writing`); None: one of its own.
            requests: Any number, of any customers; of two with the same id the first counts.
            at: The present instant.

        Returns:
            One verdict per request, in their order.
        """
        asked = {one.touch_id: self._as_counted(one) for one in reversed(requests)}
        verdicts = self._hopeless(list(asked.values())) if connection is None else {}
        left = [asked[name] for name in dict.fromkeys(one.touch_id for one in requests) if name not in verdicts]
        if left:
            with self._transaction(connection) as mine:
                verdicts |= self._reserve(mine, left, at)
        return [verdicts[one.touch_id] for one in requests]

    def confirm(
        self,
        touch_ids: Sequence[str],
        at: datetime,
        *,
        days: Mapping[str, date] = _SAME_DAY,
        connection: Any = None,
    ) -> Sequence[Verdict]:
        """Turns reservations into touches for good, just before they are sent; whatever is in doubt is refused.

        Checked again: that the touch is known, still reserved and has not run out, and that the caps of today leave
        room on the day of sending beside everything that is confirmed or worth more. What was confirmed before is
        granted again, so a repeated sending finds the same answer. What is refused for want of room becomes `outbid`
        and its work is cancelled.

        Args:
            touch_ids: Which touches.
            at: The present instant.
            days: The customer's local day of sending, where it may differ from the day planned.
            connection: The caller's writing transaction; None: one of its own.

        Returns:
            One verdict per touch, in their order; only those granted may be sent.
        """
        with self._transaction(connection) as mine:
            verdicts = self._confirm(mine, list(dict.fromkeys(touch_ids)), at, days)
        return [verdicts[one] for one in touch_ids]

    def release(
        self,
        touch_ids: Collection[str],
        at: datetime,
        state: TouchState | str = TouchState.RELEASED,
        *,
        confirmed: bool = False,
        connection: Any = None,
    ) -> int:
        """Gives room back.

        Args:
            touch_ids: Which touches; those that take no room stay as they are.
            at: The present instant.
            state: What becomes of them: released or expired.
            confirmed: Whether confirmed ones are given back too: only where it is certain that nothing was sent.
            connection: The caller's writing transaction; None: one of its own.

        Returns:
            How many were given back.
        """
        only = (TouchState.RESERVED, TouchState.CONFIRMED) if confirmed else _RESERVED
        with self._transaction(connection) as mine:
            self._lock_owners(mine, touch_ids)
            return len(repository.change(mine, touch_ids, TouchState(state), at, only=only))

    def expire(self, at: datetime) -> int:
        """Ends reservations that have run out, some thousand in a transaction; returns how many."""
        total = 0
        while True:
            with self._database.writing() as connection:
                found = repository.overdue(connection, at, AT_A_TIME)
                repository.change(connection, found, TouchState.EXPIRED, at, only=_RESERVED)
                repository.cancel_work(connection, found, at, TouchState.EXPIRED.value)
            total += len(found)
            if len(found) < AT_A_TIME:
                return total

    def record(self, touches: Sequence[TouchRequest], at: datetime, *, connection: Any = None) -> None:
        """Counts touches that have happened elsewhere; caps do not stop what is done. Known ones are confirmed."""
        done = {one.touch_id: Touch(self._as_counted(one), TouchState.CONFIRMED) for one in touches}
        with self._transaction(connection) as mine:
            self._lock(mine, [touch.request for touch in done.values()])
            repository.put(mine, list(done.values()), at)

    def near(self, customer_ids: Collection[int], day: date) -> list[TouchRequest]:
        """Touches of customers that count and can share a stretch of a cap with a day; reads only."""
        if not self._caps:
            return []
        with self._database.reading() as connection:
            found = repository.counted(connection, customers=customer_ids, homes=(), days=reach(self._caps, [day]))
        return [touch.request for touch in found]

    def _hopeless(self, asked: Sequence[TouchRequest]) -> dict[str, Verdict]:
        """Refusals that need no lock: what is confirmed fills the cap already, whoever else asks."""
        counting = [one for one in asked if not one.exempt]
        if not counting or not self._caps:
            return {}
        with self._database.reading() as connection:
            known = repository.by_id(connection, [one.touch_id for one in counting])
            found = self._counted(connection, counting)
        room = Room(self._caps, (one.request for one in found if one.state is TouchState.CONFIRMED))
        capped = {one.touch_id: room.binding(one) for one in counting if one.touch_id not in known}
        return {name: Verdict(name, Refusal.CAPPED, cap) for name, cap in capped.items() if cap is not None}

    def _reserve(self, connection: Any, asked: Sequence[TouchRequest], at: datetime) -> dict[str, Verdict]:
        self._lock(connection, asked)
        known = repository.by_id(connection, [one.touch_id for one in asked])
        verdicts = {name: Verdict(name) for name, touch in known.items() if touch.is_live(at)}
        fresh = [one for one in asked if one.touch_id not in verdicts]
        late = {one.touch_id for one in fresh if one.expires is not None and one.expires <= at}
        verdicts |= {name: Verdict(name, Refusal.EXPIRED) for name in late}
        fresh = [one for one in fresh if one.touch_id not in late]
        verdicts |= {one.touch_id: Verdict(one.touch_id) for one in fresh if one.exempt}
        settled = self._settle(connection, [one for one in fresh if not one.exempt], at)
        verdicts |= {one.touch_id: one for one in settled.verdicts}
        self._push_out(connection, settled.outbid, at)
        granted = [Touch(one, TouchState.RESERVED) for one in fresh if verdicts[one.touch_id].granted]
        repository.put(connection, granted, at)
        return verdicts

    def _confirm(
        self, connection: Any, touch_ids: Sequence[str], at: datetime, days: Mapping[str, date]
    ) -> dict[str, Verdict]:
        self._lock_owners(connection, touch_ids)
        known = repository.by_id(connection, touch_ids, locked=True)  # as it is now that nobody else decides
        verdicts = {name: _standing(name, known.get(name), at) for name in touch_ids}
        due = [name for name in touch_ids if verdicts[name].granted and known[name].state is TouchState.RESERVED]
        moved = {
            name: replace(known[name].request, counts_on=days.get(name, known[name].request.counts_on)) for name in due
        }
        settled = self._settle(connection, [one for one in moved.values() if not one.exempt], at)
        verdicts |= {one.touch_id: one for one in settled.verdicts}
        lost = {name for name in due if not verdicts[name].granted}
        over = {name for name in touch_ids if name in known and known[name].state in _RESERVED and name not in due}
        self._push_out(connection, {*settled.outbid, *lost}, at)
        repository.change(connection, over, TouchState.EXPIRED, at, only=_RESERVED)
        repository.confirm(connection, {name: one.counts_on for name, one in moved.items() if name not in lost}, at)
        return verdicts

    def _settle(self, connection: Any, asked: Sequence[TouchRequest], at: datetime) -> Settlement:
        """The contest of requests, or of reservations about to be confirmed, with everything else that counts."""
        if not asked or not self._caps:
            return settle(self._caps, fixed=(), held=(), asked=asked)
        found = self._counted(connection, asked)
        over = {touch.request.touch_id for touch in found if not touch.is_live(at)}
        repository.change(connection, over, TouchState.EXPIRED, at, only=_RESERVED)
        mine = {one.touch_id for one in asked} | over
        others = [touch for touch in found if touch.request.touch_id not in mine]
        return settle(
            self._caps,
            fixed=(touch.request for touch in others if touch.state is TouchState.CONFIRMED),
            held=(touch.request for touch in others if touch.state is TouchState.RESERVED),
            asked=asked,
        )

    def _counted(self, connection: Any, asked: Sequence[TouchRequest]) -> list[Touch]:
        """Touches that share a cap with those asked for."""
        return repository.counted(
            connection,
            customers={one.customer_id for one in asked},
            homes={one.home for one in asked} if self._by_household else set(),
            days=reach(self._caps, (one.counts_on for one in asked)),
        )

    def _push_out(self, connection: Any, touch_ids: Collection[str], at: datetime) -> None:
        pushed = repository.change(connection, touch_ids, TouchState.OUTBID, at, only=_RESERVED)
        repository.cancel_work(connection, pushed, at, TouchState.OUTBID.value)

    def _lock(self, connection: Any, touches: Collection[TouchRequest]) -> None:
        homes = {one.home for one in touches} if self._by_household else set[int]()
        repository.lock(connection, homes | {one.customer_id for one in touches})

    def _lock_owners(self, connection: Any, touch_ids: Collection[str]) -> None:
        if repository.locks_rows(connection):
            self._lock(connection, [touch.request for touch in repository.by_id(connection, touch_ids).values()])

    def _as_counted(self, request: TouchRequest) -> TouchRequest:
        return replace(request, exempt=True) if request.channel in self._free else request

    @contextmanager
    def _transaction(self, connection: Any) -> Iterator[Any]:
        if connection is not None:
            yield connection
            return
        with self._database.writing() as mine:
            yield mine


def _standing(name: str, touch: Touch | None, at: datetime) -> Verdict:
    """What may be said of a touch about to be sent before caps are looked at."""
    if touch is None:
        return Verdict(name, Refusal.UNKNOWN)
    if touch.state in _GONE:
        return Verdict(name, _GONE[touch.state])
    if touch.state is TouchState.RESERVED and touch.is_over(at):
        return Verdict(name, Refusal.EXPIRED)
    return Verdict(name)
