"""The door of plays: people enter, move on set at a time, leave, and change versions."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, and_

from cultiva.execution.plays import repository as journeys
from cultiva.execution.plays.draws import number, part
from cultiva.execution.plays.expressions import among
from cultiva.execution.plays.graph import Graph, Kind
from cultiva.execution.plays.hearing import repository as hearing
from cultiva.execution.plays.migration import Migration, passages
from cultiva.execution.plays.stepping import Stepping
from cultiva.execution.plays.timing import Days, Moment, moment_of
from cultiva.execution.plays.versions import repository as kept
from cultiva.execution.plays.world import Enrolment, Moves, Running, World
from cultiva.execution.tables import PARTITIONS
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database

BATCH = 5_000
"""People who enter, or for whom the budget is asked, in one transaction."""
WORTH_A_COMMIT = 2_000
"""Moves after which a transaction is closed."""
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
        while some := list(islice(left, BATCH)):
            with self.database.writing() as connection:
                kept.keep(connection, launch.launch_id, launch.graph, {row.zone for row in some}, at)
                new = list(self._newcomers(connection, launch, some, at))
                journeys.enter(connection, new)
            entered += len(new)
        return entered

    def _newcomers(
        self, connection: Connection, launch: Running, rows: Sequence[Enrolment], at: datetime
    ) -> Iterator[dict[str, Any]]:
        graph, known = launch.graph, {row.customer_id: row for row in rows}
        before = journeys.last_entries(connection, launch.launch_id, list(known))
        first = graph.nodes[graph.start]
        ended = (
            {"state": "done", "reason": first.reason} if first.kind is Kind.END else {"state": "active", "reason": ""}
        )
        for row in known.values():
            last = before.get(row.customer_id)
            if last is not None and not _may_return(graph, last, at):
                continue
            yield {
                "launch_id": launch.launch_id, "customer_id": row.customer_id, "entry": last.entry + 1 if last else 1,
                "version": graph.version, "step": graph.start, "part": part(row.customer_id), **ended,
                "draw": number(launch.launch_id, row.customer_id), "zone": row.zone, "channel": row.channel,
                "offer": row.offer, "worth": row.worth, "entered": at, "since": at, "wave": at,
                "due": self._first_due(graph, row.zone, at),
            }  # fmt: skip

    def _first_due(self, graph: Graph, zone: str, at: datetime) -> datetime:
        first = graph.nodes[graph.start]
        lasting = first.kind in (Kind.WAIT, Kind.WAIT_FOR) and first.delay is not None
        return first.delay.end(self.days, zone, at) if lasting and first.delay else at

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

        A statement per step and part, in short transactions each of which checks that the launch is live; done twice
        it moves nobody twice.

        Args:
            launch: Which.
            at: Now.
            world: What is asked of others.
            batch: People for whom the budget is asked in one transaction.
            parts: Parts of the customers; several processes may share the work, or overlap.
        """
        with self.database.engine.connect():  # while one is open, SQLite does not fold its log at every commit
            return self._advance(launch, at, world, batch, parts)

    def _advance(self, launch: Running, at: datetime, world: World, batch: int, parts: Sequence[int]) -> Moves:
        moves = Moves()
        steppings = self._steppings(launch.launch_id, at, world, moves)
        if not steppings:
            return moves
        self._hear(launch.launch_id, steppings, parts, at)
        steps = {node.number for one in steppings for node in one.graph.nodes if node.kind is not Kind.END}
        left, rounds = set(parts), 2 + sum(len(one.graph.nodes) for one in steppings)
        for _ in range(rounds):
            with self.database.reading() as connection:
                places = journeys.due_places(connection, launch.launch_id, steps, sorted(left), at)
            if not places:
                return moves
            self._round(steppings, deque(one for one in places if one[0] in left), left, batch)
        raise CultivaError(
            "a play does not come to rest",
            code="plays.restless",
            kind=ErrorKind.CONFLICT,
            seen=f"launch {launch.launch_id} after {rounds} rounds",
            allowed="circles with a wait for some time",
            hint="check the strategy, launch it again, and tell the maintainers",
        )

    def _round(self, steppings: Sequence[Stepping], places: deque[tuple[int, int]], left: set[int], batch: int) -> None:
        """Visits every place once; places with few people share a transaction, as every commit waits for the disk."""
        moves = steppings[0].moves
        while places:
            with self.database.writing() as connection:
                journeys.make_room(connection)
                before = moves.transitions
                while places and moves.transitions - before < WORTH_A_COMMIT:
                    part, step = places[0]
                    if part not in left or not _ours(connection, steppings[0].launch_id, part):
                        left.discard(part)
                        places.popleft()
                    elif not self._visit(connection, steppings, part, step, batch):
                        places.popleft()

    def _visit(self, connection: Connection, steppings: Sequence[Stepping], part: int, step: int, batch: int) -> bool:
        """Everybody due at the step of a number, in every version; whether somebody may be left."""
        here = [one for one in steppings if step < len(one.graph.nodes)]
        left = [one.advance(connection, one.place(part, one.graph.nodes[step]), batch) for one in here]
        return any(left)

    def _hear(self, launch_id: str, steppings: Sequence[Stepping], parts: Sequence[int], at: datetime) -> None:
        """Lets those leave or go on of whom something has been heard, wherever they wait."""
        exits = {name for one in steppings for name in one.graph.exits}
        waited = {name for one in steppings for node in one.graph.nodes for name, _ in node.on}
        complaints = hearing.COMPLAINTS if hearing.COMPLAINT in exits else ()
        with self.database.reading() as connection:
            since = hearing.heard_until(connection, launch_id, parts)
            said = hearing.speakers(connection, sorted({*exits, *waited, *complaints}), since)
        heard = [one for one in parts if one not in said]
        for one in sorted(set(parts) & said.keys()):
            with self.database.writing() as connection:
                if _ours(connection, launch_id, one):
                    self._hear_part(connection, steppings, one, said[one])
                    heard.append(one)
        with self.database.writing() as connection:
            hearing.hear(connection, launch_id, sorted(heard), at)

    def _hear_part(self, connection: Connection, steppings: Sequence[Stepping], part: int, ids: Sequence[int]) -> None:
        for begin in range(0, len(ids), BATCH):
            some = ids[begin : begin + BATCH]
            for one in steppings:
                who = and_(one.everywhere(part), among(connection, journeys.J.customer_id, some))
                one.leave(connection, who, by_rule=False)
                one.answer(connection, part, some)

    def sweep(self, launch: Running, at: datetime, *, world: World, parts: Sequence[int] = EVERY_PART) -> Moves:
        """Checks the exit rules for everybody in the play, due or not; after every night's new profile."""
        moves = Moves()
        for one in self._steppings(launch.launch_id, at, world, moves):
            for number_of_part in parts if one.graph.exit_rules else ():
                with self.database.writing() as connection:
                    if _ours(connection, launch.launch_id, number_of_part):
                        one.leave(connection, one.everywhere(number_of_part))
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
    return journeys.take_part(connection, launch_id, part) and journeys.is_live(connection, launch_id)
