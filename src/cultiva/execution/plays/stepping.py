"""One step of a play for everybody who is due there: who leaves, what is left behind, where they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, not_

from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.plays import repository as journeys
from cultiva.execution.plays.arrivals import repository as arrivals
from cultiva.execution.plays.arrivals.repository import Wave
from cultiva.execution.plays.expressions import among, row_id
from cultiva.execution.plays.graph import WAVES, Graph, Kind, Node
from cultiva.execution.plays.hearing.repository import Ear
from cultiva.execution.plays.repository import Arrival, Place
from cultiva.execution.plays.timing import Days, Delay, Moment, date_moment, gathered, moment_of
from cultiva.execution.plays.world import Ids, Moves, World

DAY = timedelta(days=1)
ACTS = frozenset({*WAVES, Kind.GRANT, Kind.HAND_OVER})
"""Kinds before which is looked once more for a reason to leave; every round begins with looking for everybody."""
TASK_DUE = Delay(business_days=3)
"""When a task should be done that comes of a decided channel."""
Fork = Sequence[tuple[ColumnElement[bool] | None, Arrival]]
"""Conditions with where they lead."""


@dataclass
class Stepping:
    """One version of one launch at one moment."""

    launch_id: str
    graph: Graph
    zones: tuple[str, ...]
    at: datetime
    days: Days
    world: World
    moves: Moves
    _arrivals: dict[int, Arrival] = field(default_factory=dict)
    _waves: dict[int, Wave] = field(default_factory=dict)

    @property
    def ear(self) -> Ear:
        """Listens now."""
        return Ear(self.launch_id, self.at)

    def place(self, parts: Sequence[int], node: Node) -> Place:
        """Where people of this version are."""
        return Place(self.launch_id, self.graph.version, tuple(parts), node)

    def everywhere(self, parts: Sequence[int]) -> ColumnElement[bool]:
        """Everybody of this version in some parts."""
        return and_(self.anywhere, journeys.J.part.in_(parts))

    @property
    def anywhere(self) -> ColumnElement[bool]:
        """Everybody of this version."""
        journey = journeys.J
        mine = and_(journey.launch_id == self.launch_id, journey.state == "active")
        return and_(mine, journey.version == self.graph.version)

    def advance(self, connection: Connection, place: Place, batch: int) -> bool:
        """Moves everybody who is due at a place, or the next of them where a budget has to be asked.

        Returns:
            Whether somebody may be left.
        """
        who, more = place.due(self.at), False
        if place.node.kind in WAVES and self.world.reserve is not None:
            first = journeys.most_worthy(connection, who, batch)
            who, more = and_(who, among(connection, journeys.J.customer_id, first)), len(first) == batch
        self.leave(connection, who, by_signal=place.node.kind in ACTS)
        count = self._step(connection, place.node, who)
        self.moves.add(self.moves.steps, place.node.name, count)
        return more

    def leave(
        self, connection: Connection, who: ColumnElement[bool], *, by_signal: bool = True, by_rule: bool = True
    ) -> None:
        """Ends the journeys of those who have a reason to leave, and calls off what waits for them."""
        reasons = self.ear.reasons(self.graph.exits) if by_signal else []
        left = journeys.leave(connection, who, reasons, self.at)
        for reason, rule in self.graph.exit_rules if by_rule else ():
            ids = self._ids(connection, who)
            gone = ids[self.world.holds(rule, ids)] if len(ids) else ids
            if len(gone):
                chosen = and_(who, among(connection, journeys.J.customer_id, gone.tolist()))
                left += journeys.leave(connection, chosen, [(chosen, reason)], self.at)
        for _, _, _, reason in left:
            self.moves.add(self.moves.exits, reason, 1)
        steps = [node.name for node in self.graph.nodes if node.kind in {*WAVES, Kind.HAND_OVER}]
        for why in sorted({reason for _, _, _, reason in left}):
            made = [row_id(self.launch_id, step, customer, entry)
                    for _, customer, entry, reason in left if reason == why for step in steps]  # fmt: skip
            arrivals.call_off(connection, made, reason=why, at=self.at)

    def answer(self, connection: Connection, ids: Sequence[int]) -> None:
        """Moves those who wait for an answer and of whom one has just been heard."""
        heard = and_(self.anywhere, among(connection, journeys.J.customer_id, ids))
        for node in self.graph.nodes:
            if node.kind is Kind.WAIT_FOR:
                names = [name for name, _ in node.on]
                who = and_(heard, journeys.J.step == node.number, self.ear.answered(names))
                self.moves.add(self.moves.steps, node.name, self._move(connection, who, self._by_answer(node)))

    def _step(self, connection: Connection, node: Node, who: ColumnElement[bool]) -> int:
        if node.kind in WAVES:
            return self._wave(connection, node, who)
        if node.kind is Kind.BRANCH:
            return self._branch(connection, node, who)
        if node.kind is Kind.WAIT_DATE:
            return self._wait_date(connection, node, who)
        if node.kind is Kind.WAIT_FOR:
            return self._wait_for(connection, node, who)
        if node.kind is Kind.GRANT:
            arrivals.give(connection, self._left_behind(node), who)
        if node.kind is Kind.HAND_OVER:
            arrivals.hand_over(connection, self._left_behind(node), who)
        return self._on(connection, node, who)

    def _fork(self, node: Node) -> Fork:
        if node.kind is Kind.SPLIT:
            number = journeys.split_hash(node)
            ways = [(number < end, self._arrival(to)) for end, to in node.ways[:-1]]
            return [*ways, (None, self._arrival(node.ways[-1][1]))]
        return [(None, self._arrival(node.next))]

    def _wait_for(self, connection: Connection, node: Node, who: ColumnElement[bool]) -> int:
        """Those who have answered, then the others: most have not, and are asked about once."""
        answered = and_(who, self.ear.answered([name for name, _ in node.on]))
        moved = self._move(connection, answered, self._by_answer(node))
        return moved + self._move(connection, who, [(None, self._arrival(node.next))])

    def _by_answer(self, node: Node) -> Fork:
        """Of those who have answered; which answer came first is asked only where it makes a difference."""
        if len({to for _, to in node.on}) == 1:
            return [(None, self._arrival(node.on[0][1]))]
        first = self.ear.first_answer([name for name, _ in node.on])
        return [(first == name, self._arrival(to)) for name, to in node.on]

    def _branch(self, connection: Connection, node: Node, who: ColumnElement[bool]) -> int:
        ids, moved = self._ids(connection, who), 0
        for rule, to in node.arms:
            taken = self.world.holds(rule, ids) if len(ids) else np.zeros(0, dtype=bool)
            if taken.any():
                chosen = and_(who, among(connection, journeys.J.customer_id, ids[taken].tolist()))
                moved += self._move(connection, chosen, [(None, self._arrival(to))])
                ids = ids[~taken]
        if len(ids):
            rest = and_(who, among(connection, journeys.J.customer_id, ids.tolist()))
            moved += self._move(connection, rest, [(None, self._arrival(node.next))])
        return moved

    def _wait_date(self, connection: Connection, node: Node, who: ColumnElement[bool]) -> int:
        """Those whose date has come go on; the others are due on it. Whoever has none goes on at once."""
        rows, wall = journeys.people(connection, who), node.delay.wall if node.delay else "09:00"
        ids = np.array([row.customer_id for row in rows], dtype=np.int64)
        dates = self.world.dates(node.date_tag, ids).astype("datetime64[D]") if len(ids) else ids
        later: dict[datetime, list[int]] = {}
        for row, day in zip(rows, dates.tolist(), strict=True):
            when = date_moment(day, node.days_before, wall, row.zone) if day is not None else self.at
            if when > self.at:
                later.setdefault(when, []).append(row.customer_id)
        for when, waiting in later.items():
            chosen = and_(who, among(connection, journeys.J.customer_id, waiting))
            journeys.postpone(connection, chosen, Moment(when))
        return self._move(connection, who, [(None, self._arrival(node.next))])

    def _on(self, connection: Connection, node: Node, who: ColumnElement[bool]) -> int:
        """Moves everybody to the next step; where that is a split, through it at once: one change of each, not two."""
        after = self.graph.nodes[node.next] if node.kind is not Kind.SPLIT else node
        fork = self._fork(after) if after.kind is Kind.SPLIT else self._fork(node)
        moved = self._move(connection, who, fork)
        if after.kind is Kind.SPLIT and after is not node:
            self.moves.add(self.moves.steps, after.name, moved)
        return moved

    def _wave(self, connection: Connection, node: Node, who: ColumnElement[bool]) -> int:
        """The wave to those whom it may reach; the others go on without it."""
        wave, asks = self._left_behind(node), self.world.reserve is not None
        closed, refused = [(None, self._arrival(node.refused))], 0
        if asks:  # nobody is asked about in vain
            skipped = self._move(connection, and_(who, not_(wave.reachable())), closed)
            granted, refused = self._reserved(connection, wave, who)
            who = and_(who, among(connection, journeys.J.customer_id, granted))
        onwards = journeys.changes([(None, self._arrival(node.next))], self.ear, wave=True)
        moved = arrivals.go(connection, wave, who, onwards, reserved=asks)
        if not asks:
            skipped = self._move(connection, who, closed)
        self.moves.add(self.moves.closed, node.name, skipped)
        self.moves.add(self.moves.waves, node.name, moved)
        return moved + skipped + refused

    def _reserved(self, connection: Connection, wave: Wave, who: ColumnElement[bool]) -> tuple[list[int], int]:
        """Customers whose touch is granted, and how many of the others have lost patience and went on."""
        assert self.world.reserve is not None
        rows, counts_on = arrivals.asked_for(connection, wave, who), dict(wave.days)
        requests = [
            TouchRequest(
                row.touch_id, row.customer_id, row.household_id, row.channel, row.offer, self.graph.strategy,
                self.launch_id, wave.node.name, row.worth, counts_on[row.zone], bool(row.exempt),
                wave.ends.of(row.zone),
            )
            for row in rows
        ]  # fmt: skip
        granted = set(self.world.reserve(connection, requests, self.at))
        taken = [row.customer_id for row in rows if row.touch_id in granted]
        refused = [row.customer_id for row in rows if row.touch_id not in granted]
        self.moves.add(self.moves.refused, wave.node.name, len(refused))
        left = and_(who, among(connection, journeys.J.customer_id, refused))
        impatient = and_(left, journeys.J.since <= self.at - wave.node.patience_days * DAY)
        gone = self._move(connection, impatient, [(None, self._arrival(wave.node.refused))]) if refused else 0
        if refused:
            journeys.postpone(connection, left, self._goes(self.at + DAY))
        return taken, gone

    def _move(self, connection: Connection, who: ColumnElement[bool], fork: Fork, *, wave: bool = False) -> int:
        return journeys.move(connection, who, fork, self.ear, wave=wave)

    def _ids(self, connection: Connection, who: ColumnElement[bool]) -> Ids:
        return np.array([row.customer_id for row in journeys.people(connection, who)], dtype=np.int64)

    def _arrival(self, number: int) -> Arrival:
        if number not in self._arrivals:
            node = self.graph.nodes[number]
            now = Moment(self.at)
            due = moment_of(node.delay, self.days, self.zones, self.at) if node.delay and _lasts(node) else now
            names = tuple(name for name, _ in node.on)
            over = node.reason if node.kind is Kind.END else None
            self._arrivals[number] = Arrival(number, due, over, names)
        return self._arrivals[number]

    def _goes(self, at: datetime) -> Moment:
        return gathered([(zone, self.world.horizon(zone, at)) for zone in self.zones], at)

    def _left_behind(self, node: Node) -> Wave:
        if node.number not in self._waves:
            goes, useful = self._goes(self.at), max(1, node.patience_days) * DAY
            ends = replace(goes, everywhere=goes.everywhere + useful,
                           by_zone=tuple((zone, at + useful) for zone, at in goes.by_zone))  # fmt: skip
            local = tuple((zone, self.days.local_day(goes.of(zone), zone)) for zone in self.zones)
            due = moment_of(node.delay or TASK_DUE, self.days, self.zones, self.at)
            self._waves[node.number] = Wave(
                self.launch_id, self.graph, node, self.at, goes, ends, local, due, self.world.carriers
            )
        return self._waves[node.number]


def _lasts(node: Node) -> bool:
    return node.kind in (Kind.WAIT, Kind.WAIT_FOR)
