"""Answers and reasons to leave, as conditions over journeys; and up to when signals have been listened to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Subquery, and_, case, func, literal, or_, select, union_all

from cultiva.execution.plays.expressions import LAUNCH_DIGITS, id_prefix, ids_of, launch_of, read_ids
from cultiva.execution.tables import CONSENT_CHANGE, JOURNEY, PLAY_EAR, PLAY_VERSION, SIGNAL, STANDSTILL
from cultiva.store.database import put_all

OPTED_OUT, COMPLAINT = "opted_out", "complaint"
"""Exits that are read from more than signals."""
COMPLAINTS = ("complaint", "complaint_opened")
"""Signals that are a complaint."""
AGAIN = timedelta(hours=1)
"""Signals received up to so long before are listened to once more: a transaction may commit after a later one."""
WORDS_AGAIN = timedelta(days=2)
"""The same for consent and standstills, which tell when they were given and not when they were written."""
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anything was heard."""
J = JOURNEY.c


@dataclass(frozen=True)
class Ear:
    """Listens for one launch at one moment; every condition is over journeys."""

    launch_id: str
    at: datetime

    def first_answer(self, names: Sequence[str]) -> ColumnElement[str]:
        """Name of the first answer to the last wave; NULL: none has come."""
        mine = and_(self._said(names), SIGNAL.c.at > J.wave)
        asked = select(SIGNAL.c.name).where(mine).order_by(SIGNAL.c.at, SIGNAL.c.name).limit(1)
        return asked.correlate(JOURNEY).scalar_subquery()

    def answered(self, names: Sequence[str]) -> ColumnElement[bool]:
        """Whether an answer to the last wave has come."""
        return select(literal(1)).where(self._said(names), SIGNAL.c.at > J.wave).correlate(JOURNEY).exists()

    def reasons(self, names: Sequence[str]) -> list[tuple[ColumnElement[bool], str]]:
        """Conditions on which somebody leaves, in order, with the reasons."""
        return [(self._left(name), name) for name in names]

    def _left(self, name: str) -> ColumnElement[bool]:
        if name == OPTED_OUT:
            return or_(self._since_entry((name,), of_any_touch=True), self._opted_out())
        if name == COMPLAINT:
            return or_(self._since_entry(COMPLAINTS, of_any_touch=True), self._complains())
        return self._since_entry((name,), of_any_touch=False)

    def _since_entry(self, names: Sequence[str], *, of_any_touch: bool) -> ColumnElement[bool]:
        said = self._said(names, of_any_touch=of_any_touch)
        return select(literal(1)).where(said, SIGNAL.c.at > J.entered).correlate(JOURNEY).exists()

    def _said(self, names: Sequence[str], *, of_any_touch: bool = False) -> ColumnElement[bool]:
        """Signals of the customer; of those that answer a touch only the ones that answer this launch's."""
        said = and_(SIGNAL.c.customer_id == J.customer_id, SIGNAL.c.name.in_(list(names)), SIGNAL.c.at <= self.at)
        if of_any_touch:
            return said
        digits = id_prefix(self.launch_id, "")[:LAUNCH_DIGITS]
        return and_(said, or_(SIGNAL.c.touch_id == "", launch_of(SIGNAL.c.touch_id) == digits))

    def _opted_out(self) -> ColumnElement[bool]:
        word = CONSENT_CHANGE.c
        said = and_(word.customer_id == J.customer_id, word.granted.is_(False), word.at > J.entered, word.at <= self.at)
        channel = or_(word.channel == "*", word.channel == J.channel)
        return select(literal(1)).where(said, channel).correlate(JOURNEY).exists()

    def _complains(self) -> ColumnElement[bool]:
        still = STANDSTILL.c
        said = and_(still.customer_id == J.customer_id, still.lifted.is_(None), still.at <= self.at)
        return select(literal(1)).where(said, still.name.like("%complaint%")).correlate(JOURNEY).exists()


@dataclass(frozen=True)
class Listening:
    """What the plays of a launch listen for."""

    launch_id: str
    exits: frozenset[str]
    """Reasons to leave, wherever somebody is."""
    answers: frozenset[str]
    """Names that are waited for."""
    steps: tuple[int, ...]
    """Numbers of the steps that wait for them, in any version."""

    @property
    def leaving(self) -> frozenset[str]:
        """Names of signals that are a reason to leave."""
        return self.exits | frozenset(COMPLAINTS if COMPLAINT in self.exits else ())


@dataclass(frozen=True)
class Said:
    """Customers of a part who are in the play and of whom something has been said."""

    leaving: Sequence[int] = ()
    """They may have a reason to leave."""
    answering: Sequence[int] = ()
    """They wait, and may have answered."""

    @property
    def size(self) -> int:
        """How many there are to ask about."""
        return len(self.leaving) + len(self.answering)


def heard_until(connection: Connection, launch_id: str, parts: Sequence[int]) -> datetime:
    """Up to when all of the parts have been listened to; before anybody entered nothing was said to the launch."""
    asked = select(PLAY_EAR.c.part, PLAY_EAR.c.heard).where(PLAY_EAR.c.launch_id == launch_id)
    found = {row.part: row.heard for row in connection.execute(asked)}
    begun = select(func.min(PLAY_VERSION.c.at)).where(PLAY_VERSION.c.launch_id == launch_id)
    first = connection.execute(begun).scalar() or NEVER
    return min((found.get(one, first) for one in parts), default=first)


def hear(connection: Connection, launch_id: str, parts: Iterable[int], at: datetime) -> None:
    """Notes that parts have been listened to."""
    put_all(connection, PLAY_EAR, [{"launch_id": launch_id, "part": one, "heard": at} for one in parts])


def speakers(
    connection: Connection, listening: Listening, since: datetime, parts: Sequence[int] | None = None
) -> dict[int, Said]:
    """Of whom something has been heard since and whom it may move, by part; one statement, a row per part.

    Args:
        connection: A reading transaction.
        listening: For what.
        since: Instant.
        parts: Of these only; None: of all.
    """
    said = _said_since(listening, since)
    mine = and_(J.customer_id == said.c.customer_id, J.launch_id == listening.launch_id, J.state == "active")
    moved = or_(said.c.leaves == 1, J.step.in_(listening.steps)) if listening.answers else said.c.leaves == 1
    asked = select(J.part, said.c.leaves, ids_of(connection, J.customer_id).label("ids")).select_from(
        said.join(JOURNEY, mine)
    )
    asked = asked.where(moved if parts is None else and_(moved, J.part.in_(parts))).group_by(J.part, said.c.leaves)
    both, found = bool(listening.leaving & listening.answers), dict[int, dict[int, list[int]]]()
    for row in connection.execute(asked):
        found.setdefault(row.part, {})[row.leaves] = sorted(read_ids(row.ids))
    return {part: _said(kinds.get(1, []), kinds.get(0, []), both=both) for part, kinds in sorted(found.items())}


def _said(leaving: list[int], answering: list[int], *, both: bool) -> Said:
    """A name may be an answer and a reason to leave."""
    return Said(leaving, sorted({*leaving, *answering}) if both else answering)


def _said_since(listening: Listening, since: datetime) -> Subquery:
    """Customer, and whether what was said may be a reason to leave: as often as something was said."""
    names = sorted(listening.leaving | listening.answers)
    leaves = case((SIGNAL.c.name.in_(sorted(listening.leaving)), 1), else_=0).label("leaves")
    late = since - AGAIN
    queries = [select(SIGNAL.c.customer_id, leaves).where(SIGNAL.c.received >= late, SIGNAL.c.name.in_(names))]
    one, words = literal(1).label("leaves"), CONSENT_CHANGE.c
    if OPTED_OUT in listening.exits:
        said = and_(words.at >= since - WORDS_AGAIN, words.granted.is_(False))
        queries.append(select(words.customer_id, one).where(said))
    if COMPLAINT in listening.exits:
        queries.append(select(STANDSTILL.c.customer_id, one).where(STANDSTILL.c.at >= since - WORDS_AGAIN))
    return union_all(*queries).subquery("said")
