"""A round of a play: which steps of which parts are visited in one transaction, and by how many at once.

A transaction moves some twenty thousand people, however few or many are due in a part: with every part of its own, what
a statement costs apart from the people (a look through the recipients, a page of an index written once more, a commit
that waits for the disk) would be paid 64 times a step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, and_

from cultiva.execution.plays import repository as journeys
from cultiva.execution.plays.expressions import among
from cultiva.execution.plays.graph import WAVES, Kind
from cultiva.execution.plays.hearing import repository as hearing
from cultiva.execution.plays.hearing.repository import Listening, Said
from cultiva.execution.plays.stepping import Stepping
from cultiva.execution.plays.world import Moves
from cultiva.execution.tables import PARTITIONS
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database

WORTH_A_COMMIT = 20_000
"""Moves after which a transaction is closed."""
BATCH = 5_000
"""People for whom the budget is asked, or who have been heard of, in one transaction."""
PlaceKey = tuple[int, int]
"""Number of the step, part."""


@dataclass
class Advancing:
    """Some parts of a launch at one moment, moved by one hand."""

    database: Database
    steppings: Sequence[Stepping]
    """One per version; they share their moves."""
    batch: int = BATCH
    """People for whom the budget is asked at once."""
    left: set[int] = field(default_factory=set)
    """Parts that are ours; those that somebody else moves drop out."""

    @property
    def launch_id(self) -> str:
        """Whose people move."""
        return self.steppings[0].launch_id

    @property
    def moves(self) -> Moves:
        """What was done so far."""
        return self.steppings[0].moves

    @property
    def worth_a_commit(self) -> int:
        """Moves after which a transaction is closed: half as many where it keeps every other writer out."""
        return WORTH_A_COMMIT if self.database.has_many_writers else WORTH_A_COMMIT // 2

    def due(self) -> list[PlaceKey]:
        """Where somebody is due, step by step."""
        steps = {node.number for one in self.steppings for node in one.graph.nodes if node.kind is not Kind.END}
        with self.database.reading() as connection:
            found = journeys.due_places(connection, self.launch_id, steps, sorted(self.left), self.steppings[0].at)
        return sorted((step, part) for part, step in found)

    def to_rest(self) -> None:
        """Moves people until nobody is due.

        Raises:
            CultivaError: if that never comes.
        """
        rounds = 2 + sum(len(one.graph.nodes) for one in self.steppings)
        for _ in range(rounds):
            places = self.due()
            if not places:
                return
            self._round(deque(places))
        raise CultivaError(
            "a play does not come to rest",
            code="plays.restless",
            kind=ErrorKind.CONFLICT,
            seen=f"launch {self.launch_id} after {rounds} rounds",
            allowed="circles with a wait for some time",
            hint="check the strategy, launch it again, and tell the maintainers",
        )

    def _round(self, places: deque[PlaceKey]) -> None:
        """Visits every place once."""
        worth = per_part = self.worth_a_commit  # until somebody has been there
        while places:
            with self.database.writing() as connection:
                journeys.make_room(connection)
                before, alone = self.moves.transitions, False
                while places and not alone and (done := self.moves.transitions - before) < worth:
                    alone = self._asks_budget(places[0][0])
                    if alone and done:
                        break
                    step, parts = _taken(places, max(1, (worth - done) // per_part))
                    parts = self._ours(connection, parts)
                    if parts and self._visit(connection, step, parts):
                        places.extendleft((step, part) for part in reversed(parts))
                    per_part = max(1, (self.moves.transitions - before - done) // max(1, len(parts)))

    def _asks_budget(self, step: int) -> bool:
        """Whether a place needs a transaction of its own.

        The budget locks customers and households in order. Asked twice in a transaction, or after deliveries were
        changed, two hands could wait for each other in a circle.
        """
        nodes = [one.graph.nodes[step] for one in self.steppings if step < len(one.graph.nodes)]
        asks = self.steppings[0].world.reserve is not None and any(node.kind in WAVES for node in nodes)
        return asks and self.database.has_many_writers

    def _visit(self, connection: Connection, step: int, parts: Sequence[int]) -> bool:
        """Everybody due at the step of a number, in every version; whether somebody may be left."""
        here = [one for one in self.steppings if step < len(one.graph.nodes)]
        more = [one.advance(connection, one.place(parts, one.graph.nodes[step]), self.batch) for one in here]
        return any(more)

    def _ours(self, connection: Connection, parts: Sequence[int]) -> list[int]:
        """Those of the parts that this transaction alone moves, if the launch is live."""
        taken = journeys.take_parts(connection, self.launch_id, [one for one in parts if one in self.left])
        taken = taken if taken and journeys.is_live(connection, self.launch_id) else []
        self.left -= set(parts) - set(taken)
        return taken

    def hear(self) -> None:
        """Lets those leave or go on of whom something has been heard, wherever they wait."""
        parts, at = sorted(self.left), self.steppings[0].at
        with self.database.reading() as connection:
            since = hearing.heard_until(connection, self.launch_id, parts)
            some = None if len(parts) == PARTITIONS else parts
            said = hearing.speakers(connection, self._listens_for(), since, some)
        silent = [one for one in parts if one not in said]
        heard = [part for some in _together(said, self.worth_a_commit) for part in self._hear(some)]
        with self.database.writing() as connection:
            hearing.hear(connection, self.launch_id, sorted(silent + heard), at)

    def _listens_for(self) -> Listening:
        nodes = [node for one in self.steppings for node in one.graph.nodes if node.kind is Kind.WAIT_FOR]
        return Listening(
            self.launch_id,
            frozenset(name for one in self.steppings for name in one.graph.exits),
            frozenset(name for node in nodes for name, _ in node.on),
            tuple(sorted({node.number for node in nodes})),
        )

    def _hear(self, said: Mapping[int, Said]) -> list[int]:
        """Parts that were ours, of those in which somebody has said something."""
        with self.database.writing() as connection:
            journeys.make_room(connection)
            parts = self._ours(connection, sorted(said))
            leaving = [one for part in parts for one in said[part].leaving]
            answering = [one for part in parts for one in said[part].answering]
            for one in self.steppings:
                if leaving:
                    some = among(connection, journeys.J.customer_id, leaving)
                    one.leave(connection, and_(one.anywhere, some), by_rule=False)
                if answering:
                    one.answer(connection, answering)
        return parts


def _taken(places: deque[PlaceKey], most: int) -> tuple[int, list[int]]:
    """The first step and its next parts, at most so many."""
    step, parts = places[0][0], list[int]()
    while places and places[0][0] == step and len(parts) < most:
        parts.append(places.popleft()[1])
    return step, parts


def _together(said: Mapping[int, Said], most: int) -> Iterator[dict[int, Said]]:
    """Parts in groups of not many more people than are worth a transaction."""
    group: dict[int, Said] = {}
    for part, some in said.items():
        if group and sum(one.size for one in group.values()) + some.size > most:
            yield group
            group = {}
        group[part] = some
    if group:
        yield group
