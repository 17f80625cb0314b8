"""A slow, obvious interpreter of plays: one person after the other, one step after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cultiva.execution.plays.draws import PRIME, number
from cultiva.execution.plays.expressions import row_id
from cultiva.execution.plays.graph import Graph, Kind, Node
from cultiva.execution.plays.timing import Days, Delay, date_moment


@dataclass
class Person:
    """One customer in a play."""

    customer: int
    zone: str
    channel: str
    offer: str
    step: int
    entered: datetime
    since: datetime
    wave: datetime
    due: datetime
    state: str = "active"
    reason: str = ""


@dataclass
class Walker:
    """Walks everybody; what is asked of others is asked for one person."""

    launch_id: str
    graph: Graph
    days: Days
    horizon: Callable[[str, datetime], datetime]
    holds: Callable[[str, int], bool]
    date: Callable[[str, int], object]
    grants: Callable[[str, datetime], bool]
    reachable: Callable[[int, str, str], bool]
    people: dict[int, Person] = field(default_factory=dict)
    signals: list[tuple[int, str, datetime]] = field(default_factory=list)
    deliveries: dict[str, tuple[int, str, str, str]] = field(default_factory=dict)
    tasks: dict[str, tuple[int, str, str, str]] = field(default_factory=dict)
    touches: dict[str, str] = field(default_factory=dict)
    gifts: set[str] = field(default_factory=set)

    def enrol(self, customer: int, zone: str, channel: str, at: datetime) -> None:
        """Somebody enters."""
        node = self.graph.nodes[self.graph.start]
        due = self._end(node.delay, zone, at) if node.kind in (Kind.WAIT, Kind.WAIT_FOR) else at
        self.people[customer] = Person(customer, zone, channel, "deposit", node.number, at, at, at, due)
        if node.kind is Kind.END:
            self.people[customer].state, self.people[customer].reason = "done", node.reason

    def advance(self, at: datetime) -> None:
        """Everybody goes as far as they can."""
        for person in self.people.values():
            self._hear(person, at)
            while person.state == "active" and person.due <= at:
                if self._leaves(person, at, by_rule=True):
                    break
                if not self._go(person, self.graph.nodes[person.step], at):
                    break

    def _hear(self, person: Person, at: datetime) -> None:
        if self._leaves(person, at, by_rule=False):
            return
        for node in self.graph.nodes:
            waits = person.state == "active" and person.step == node.number and node.kind is Kind.WAIT_FOR
            if waits and (answer := self._answer(person, node, at)) is not None:
                self._to(person, dict(node.on)[answer], at)

    def _leaves(self, person: Person, at: datetime, *, by_rule: bool) -> bool:
        if person.state != "active":
            return False
        said = {name for who, name, when in self.signals if who == person.customer and person.entered < when <= at}
        found = [name for name in self.graph.exits if name in said]
        if by_rule:
            found += [reason for reason, rule in self.graph.exit_rules if self.holds(rule, person.customer)]
        if found:
            person.state, person.reason, person.since, person.due = "exited", found[0], at, at
            self._call_off(person)
        return bool(found)

    def _call_off(self, person: Person) -> None:
        for kept in (self.deliveries, self.tasks):
            for key, row in kept.items():
                if row[0] == person.customer:
                    kept[key] = (*row[:3], "cancelled")
        for key in self.touches:
            if key in self.deliveries or key in self.tasks:
                row = self.deliveries.get(key) or self.tasks[key]
                if row[0] == person.customer:
                    self.touches[key] = "released"

    def _answer(self, person: Person, node: Node, at: datetime) -> str | None:
        wanted = [name for name, _ in node.on]
        found = [(when, name) for who, name, when in self.signals
                 if who == person.customer and name in wanted and person.wave < when <= at]  # fmt: skip
        return min(found)[1] if found else None

    def _go(self, person: Person, node: Node, at: datetime) -> bool:
        """One move; False: the person stays for now."""
        if node.kind in (Kind.SEND, Kind.TASK):
            return self._touch(person, node, at)
        if node.kind is Kind.WAIT_DATE:
            day = self.date(node.date_tag, person.customer)
            assert node.delay is not None
            when = date_moment(day, node.days_before, node.delay.wall, person.zone) if day is not None else at  # type: ignore[arg-type]
            if when > at:
                person.due = when
                return False
        self._to(person, self._next(person, node, at), at)
        return True

    def _next(self, person: Person, node: Node, at: datetime) -> int:
        if node.kind is Kind.WAIT_FOR and (answer := self._answer(person, node, at)) is not None:
            return dict(node.on)[answer]
        if node.kind is Kind.SPLIT:
            hashed = (node.factor * number(self.launch_id, person.customer) + node.summand) % PRIME
            return next(to for end, to in node.ways if hashed < end)
        if node.kind is Kind.BRANCH:
            return next((to for rule, to in node.arms if self.holds(rule, person.customer)), node.next)
        if node.kind is Kind.GRANT:
            self.gifts.add(row_id(self.launch_id, node.name, person.customer, 1))
        return node.next

    def _touch(self, person: Person, node: Node, at: datetime) -> bool:
        channel, offer = node.channel or person.channel, node.offer or person.offer
        key = row_id(self.launch_id, node.name, person.customer, 1)
        if not self.reachable(person.customer, channel, offer):
            self._to(person, node.refused, at)
            return True
        if not self.grants(key, at):
            if person.since <= at - timedelta(days=node.patience_days):
                self._to(person, node.refused, at)
                return True
            person.due = self.horizon(person.zone, at + timedelta(days=1))
            return False
        by_people = node.kind is Kind.TASK or channel in self.graph.human_channels
        kept, state = (self.tasks, "open") if by_people else (self.deliveries, "queued")
        kept[key] = (person.customer, node.name, channel, state)
        self.touches[key] = "reserved"
        person.wave = at
        self._to(person, node.next, at)
        return True

    def _to(self, person: Person, step: int, at: datetime) -> None:
        node = self.graph.nodes[step]
        person.step, person.since, person.due = step, at, at
        if node.kind is Kind.END:
            person.state, person.reason = "done", node.reason
        elif node.kind in (Kind.WAIT, Kind.WAIT_FOR):
            person.due = self._end(node.delay, person.zone, at)
            if node.kind is Kind.WAIT_FOR and self._answer(person, node, at) is not None:
                person.due = at

    def _end(self, delay: Delay | None, zone: str, at: datetime) -> datetime:
        assert delay is not None
        return delay.end(self.days, zone, at)
