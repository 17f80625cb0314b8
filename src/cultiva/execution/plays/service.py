"""The door of plays: people enter, move on set at a time, leave, and change versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from cultiva.execution.plays import repository as journeys
from cultiva.execution.plays.advancing import BATCH, Advancing
from cultiva.execution.plays.draws import number, part
from cultiva.execution.plays.graph import Graph, Kind
from cultiva.execution.plays.migration import Migration, passages
from cultiva.execution.plays.stepping import Stepping
from cultiva.execution.plays.timing import Days, Moment, moment_of
from cultiva.execution.plays.versions import repository as kept
from cultiva.execution.plays.world import Enrolment, Moves, Running, World
from cultiva.execution.tables import PARTITIONS
from cultiva.store.database import Database

TOGETHER = 20_000
"""People who enter in one transaction."""
HANDS = 4
"""Parts that one process moves at the same time where the store lets several write at once."""
WORTH_HANDS = 4 * HANDS
"""So many parts with somebody due are worth a connection per hand."""
EVERY_PART = range(PARTITIONS)
"""All customers."""


class Plays:
    """Everybody's way through the plays of all launches.

    Args:
        database: The store.
        days: The bank's calendar.
    """

    def __init__(self, database: Database, days: Days) -> None:
        self.database, self.days = database, days

    def enrol(self, launch: Running, rows: Iterable[Enrolment], at: datetime) -> int:
        """Lets customers enter a play; whoever is in it already, or may not come again yet, stays as they are.

        Returns:
            How many entered.
        """
        entered, left = 0, iter(rows)
        while some := list(islice(left, TOGETHER)):
            with self.database.writing() as connection:
                kept.keep(connection, launch.launch_id, launch.graph, {row.zone for row in some}, at)
                entered += self._enter(connection, launch, some, at)
        return entered

    def _enter(self, connection: Connection, launch: Running, rows: Sequence[Enrolment], at: datetime) -> int:
        """Those who may, part by part: who will be moved together lie together."""
        graph, known = launch.graph, {row.customer_id: row for row in rows}
        before = journeys.last_entries(connection, launch.launch_id, list(known))
        may = (row for key, row in known.items() if key not in before or _may_return(graph, before[key], at))
        new = sorted((part(row.customer_id), row.customer_id, row) for row in may)
        if not new:
            return 0
        first, people = graph.nodes[graph.start], [row for _, _, row in new]
        over = first.kind is Kind.END
        same = {
            "launch_id": launch.launch_id, "version": graph.version, "step": graph.start, "entered": at, "since": at,
            "wave": at, "state": "done" if over else "active", "reason": first.reason if over else "",
        }  # fmt: skip
        columns = {name: [getattr(row, name) for row in people] for name in (one.name for one in fields(Enrolment))}
        columns |= {
            "part": [mine for mine, _, _ in new],
            "entry": [before[row.customer_id].entry + 1 if row.customer_id in before else 1 for row in people],
            "draw": [number(launch.launch_id, row.customer_id) for row in people],
        }
        journeys.enter(connection, columns, same, self._first_due(graph, sorted({row.zone for row in people}), at))
        return len(new)

    def _first_due(self, graph: Graph, zones: Sequence[str], at: datetime) -> Moment:
        first = graph.nodes[graph.start]
        lasting = first.kind in (Kind.WAIT, Kind.WAIT_FOR) and first.delay is not None
        return moment_of(first.delay, self.days, zones, at) if lasting and first.delay else Moment(at)

    def advance(
        self,
        launch: Running,
        at: datetime,
        *,
        world: World,
        batch: int = BATCH,
        parts: Sequence[int] = EVERY_PART,
    ) -> Moves:
        """Moves everybody on who is due, has answered, or has a reason to leave.

        A statement per step and some parts, in short transactions each of which checks that the launch is live; done
        twice it moves nobody twice.

        Args:
            launch: Which.
            at: Now.
            world: What is asked of others.
            batch: People for whom the budget is asked in one transaction.
            parts: Parts of the customers; several processes may share the work, or overlap.
        """
        moves = Moves()
        steppings = self._steppings(launch.launch_id, at, world, moves)
        if not steppings:
            return moves
        whole = Advancing(self.database, steppings, batch, set(parts))
        whole.hear()
        busy = sorted({part for _, part in whole.due()})
        if self.database.has_many_writers and len(busy) >= WORTH_HANDS:
            self._by_many_hands(launch.launch_id, busy, whole, at=at)
        elif busy:
            whole.to_rest()
        if not self.database.has_many_writers:
            self._tidy()
        return moves

    def _by_many_hands(self, launch_id: str, busy: Sequence[int], whole: Advancing, *, at: datetime) -> None:
        """The same by several hands, each with parts of its own and a connection of its own."""
        world = whole.steppings[0].world.for_many_hands()
        hands = []
        for some in (busy[first::HANDS] for first in range(HANDS)):
            steppings = self._steppings(launch_id, at, world, Moves())
            hands.append(Advancing(self.database, steppings, whole.batch, whole.left & set(some)))
        with ThreadPoolExecutor(HANDS, thread_name_prefix="plays") as pool:
            done = [pool.submit(one.to_rest) for one in hands]
        for one, hand in zip(done, hands, strict=True):
            one.result()
            whole.moves.merge(hand.moves)

    def _tidy(self) -> None:
        with self.database.reading() as connection:
            journeys.leave_room(connection)

    def sweep(self, launch: Running, at: datetime, *, world: World, parts: Sequence[int] = EVERY_PART) -> Moves:
        """Checks the exit rules for everybody in the play, due or not; after every night's new profile."""
        moves = Moves()
        for one in self._steppings(launch.launch_id, at, world, moves):
            for number_of_part in parts if one.graph.exit_rules else ():
                with self.database.writing() as connection:
                    if _ours(connection, launch.launch_id, number_of_part):
                        one.leave(connection, one.everywhere([number_of_part]))
        return moves

    def standing(self, launch: Running) -> list[tuple[str, str, str, str, int]]:
        """Version, step, state, reason and people: where everybody of a launch is."""
        with self.database.reading() as connection:
            graphs = {graph.version: graph for graph, _ in kept.versions(connection, launch.launch_id)}
            rows = journeys.standing(connection, launch.launch_id)
        return sorted((v, graphs[v].nodes[step].name, state, reason, n) for v, step, state, reason, n in rows)

    def plan_migration(self, launch: Running, steps: Mapping[str, str] | None = None) -> Migration:
        """Says how many people of older versions would go where in the version of `launch`; nothing is changed.

        Args:
            launch: With the new play.
            steps: Old step -> new step, where names differ; whoever stands at a step without one stays.
        """
        with self.database.reading() as connection:
            graphs = {graph.version: graph for graph, _ in kept.versions(connection, launch.launch_id)}
            standing = kept.in_flight(connection, launch.launch_id)
        given = steps or {}
        found = passages(graphs, launch.graph, given, standing)
        return Migration(launch.launch_id, launch.graph, tuple(sorted(given.items())), found)

    def migrate(self, plan: Migration, at: datetime) -> Migration:
        """Moves people as planned; whoever has come to a step of which the plan says nothing stays.

        Returns:
            What was done, with the numbers of people who moved.
        """
        with self.database.writing() as connection:
            found = {graph.version: (graph, zones) for graph, zones in kept.versions(connection, plan.launch_id)}
            zones = {zone for _, some in found.values() for zone in some}
            kept.keep(connection, plan.launch_id, plan.target, zones, at)
        for version in sorted({one.version for one in plan.passages}):
            steps = self._mapped(plan, found[version][0], sorted(zones), at)
            for number_of_part in EVERY_PART if steps else ():
                self._transfer(plan, version, number_of_part, steps)
        return self.plan_migration(Running(plan.launch_id, plan.target), dict(plan.steps))

    def _transfer(
        self, plan: Migration, version: str, part: int, steps: Mapping[int, tuple[int, Moment | None]]
    ) -> None:
        with self.database.writing() as connection:
            journeys.wait_for_part(connection, plan.launch_id, part)
            kept.transfer(connection, plan.launch_id, part, source=version, target=plan.target.version, steps=steps)

    def _mapped(
        self, plan: Migration, old: Graph, zones: Sequence[str], at: datetime
    ) -> dict[int, tuple[int, Moment | None]]:
        """Old step -> new step, and when those are due anew whose wait is another now."""
        found: dict[int, tuple[int, Moment | None]] = {}
        for one in plan.passages:
            source, target = old.node(one.step), plan.target.node(one.to) if one.to else None
            if one.version == old.version and source is not None and target is not None:
                same = (source.kind, source.delay) == (target.kind, target.delay)
                lasting = target.kind in (Kind.WAIT, Kind.WAIT_FOR) and target.delay is not None
                anew = moment_of(target.delay, self.days, zones, at) if lasting and target.delay else Moment(at)
                found[source.number] = (target.number, None if same else anew)
        return found

    def _steppings(self, launch_id: str, at: datetime, world: World, moves: Moves) -> list[Stepping]:
        with self.database.reading() as connection:
            found = kept.versions(connection, launch_id)
        return [Stepping(launch_id, graph, zones, at, self.days, world, moves) for graph, zones in found]


def _may_return(graph: Graph, last: Any, at: datetime) -> bool:
    if graph.reentry_days is None or last.state == "active":
        return False
    return bool(last.since + timedelta(days=graph.reentry_days) <= at)


def _ours(connection: Connection, launch_id: str, part: int) -> bool:
    return bool(journeys.take_parts(connection, launch_id, [part])) and journeys.is_live(connection, launch_id)
