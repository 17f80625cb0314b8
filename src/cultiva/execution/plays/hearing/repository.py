"""Answers and reasons to leave, as conditions over journeys; and up to when signals have been listened to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, literal, or_, select

from cultiva.execution.plays.draws import part
from cultiva.execution.plays.expressions import LAUNCH_DIGITS, id_prefix, launch_of
from cultiva.execution.tables import CONSENT_CHANGE, JOURNEY, PLAY_EAR, SIGNAL, STANDSTILL
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


def heard_until(connection: Connection, launch_id: str, parts: Sequence[int]) -> datetime:
    """Up to when all of the parts have been listened to."""
    asked = select(PLAY_EAR.c.part, PLAY_EAR.c.heard).where(PLAY_EAR.c.launch_id == launch_id)
    found = {row.part: row.heard for row in connection.execute(asked)}
    return min((found.get(one, NEVER) for one in parts), default=NEVER)


def hear(connection: Connection, launch_id: str, parts: Iterable[int], at: datetime) -> None:
    """Notes that parts have been listened to."""
    put_all(connection, PLAY_EAR, [{"launch_id": launch_id, "part": one, "heard": at} for one in parts])


def speakers(connection: Connection, names: Sequence[str], since: datetime) -> dict[int, list[int]]:
    """Customers of whom something has been heard since, by part."""
    queries = [select(SIGNAL.c.customer_id).where(SIGNAL.c.received >= since - AGAIN, SIGNAL.c.name.in_(list(names)))]
    if OPTED_OUT in names:
        words = CONSENT_CHANGE.c
        queries.append(select(words.customer_id).where(words.at >= since - WORDS_AGAIN, words.granted.is_(False)))
    if COMPLAINT in names:
        queries.append(select(STANDSTILL.c.customer_id).where(STANDSTILL.c.at >= since - WORDS_AGAIN))
    found: dict[int, list[int]] = defaultdict(list)
    for customer in sorted({row.customer_id for query in queries for row in connection.execute(query)}):
        found[part(customer)].append(customer)
    return found
