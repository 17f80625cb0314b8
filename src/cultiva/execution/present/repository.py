"""This instant in the store: one statement per customer, by the driver itself, as every decision waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Date,
    DateTime,
    Engine,
    bindparam,
    case,
    delete,
    literal,
    null,
    or_,
    select,
    union_all,
    update,
)

from cultiva.execution.present.facts import Facts, Happened, Reported, Seen
from cultiva.execution.tables import (
    CONSENT_CHANGE,
    IMPRESSION,
    LIVE_CHARGE,
    LIVE_USE,
    PLACEMENT_FEED,
    STANDSTILL,
    TOUCH,
)
from cultiva.kit.hashing import content_hash
from cultiva.store.database import insert_missing, insert_new

WORD, STILL, MINE, HOME, SEEN, FED = "word", "still", "mine", "home", "seen", "fed"
LIVE = ("reserved", "confirmed")
NOWHERE = -1
"""Stands for no household."""


class Statement:
    """The statement about one customer, compiled once for a store."""

    def __init__(self, engine: Engine) -> None:
        compiled = _about().compile(dialect=engine.dialect)
        self._text, self._names = str(compiled), compiled.positiontup
        self._as_text = engine.dialect.name == "sqlite"
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._fixed = {name: _text(value) for name, value in fixed.items()} if self._as_text else fixed

    def ask(self, connection: Any, asked: Mapping[str, Any]) -> Facts:
        """What is known of a customer.

        Args:
            connection: Of the driver.
            asked: customer, home, day (of touches), since (of impressions), now.
        """
        given = dict(self._fixed)
        given.update({name: _text(value) for name, value in asked.items()} if self._as_text else asked)
        cursor = connection.cursor()
        try:
            cursor.execute(self._text, [given[name] for name in self._names] if self._names else given)
            return _facts(cursor.fetchall())
        finally:
            cursor.close()


class UseStatement:
    """What has been used of a day, compiled once for a store."""

    def __init__(self, engine: Engine) -> None:
        asked = select(LIVE_USE.c.resource, LIVE_USE.c.used).where(LIVE_USE.c.day == _asked("day"))
        compiled = asked.compile(dialect=engine.dialect)
        self._text, self._by_place = str(compiled), bool(compiled.positiontup)
        self._as_text = engine.dialect.name == "sqlite"

    def ask(self, connection: Any, day: date) -> dict[str, float]:
        """Resource -> units.

        Args:
            connection: Of the driver.
            day: The bank's day.
        """
        given = _text(day) if self._as_text else day
        cursor = connection.cursor()
        try:
            cursor.execute(self._text, [given] if self._by_place else {"day": given})
            return {name: float(units) for name, units in cursor.fetchall()}
        finally:
            cursor.close()


def add_reports(connection: Connection, reports: Sequence[Reported]) -> list[int]:
    """Keeps reports; one that is known already stays as it is. Gives the places of those that are new."""
    named: dict[str, int] = {}
    for place, one in enumerate(reports):
        named.setdefault(content_hash([one.decision_id, one.strategy, one.offer, one.kind]), place)
    rows = [{**reports[place]._asdict(), "impression_id": name} for name, place in sorted(named.items())]
    return [named[name] for (name,) in insert_new(connection, IMPRESSION, rows)]


def reported(connection: Connection, after: datetime, until: datetime) -> list[Reported]:
    """What was reported after an instant, up to another one, in the order of the customers."""
    columns = [IMPRESSION.c[name] for name in Reported._fields]
    asked = select(*columns).where(IMPRESSION.c.at > after, IMPRESSION.c.at <= until)
    found = connection.execute(asked.order_by(IMPRESSION.c.customer_id, IMPRESSION.c.at, IMPRESSION.c.impression_id))
    return [Reported(*row) for row in found]


def charge(
    connection: Connection, day: date, units: Mapping[str, float], most: Mapping[str, float], at: datetime
) -> str | None:
    """Adds to what is used, in the order of the names; the first resource that has not so much left, None: all had.

    Whoever gets a name undoes the transaction.

    Args:
        connection: A writing transaction.
        day: The bank's day.
        units: Resource -> units.
        most: Resource -> what there is for the day; one that is not named has no limit.
        at: The present instant.
    """
    names = sorted(units)
    insert_missing(connection, LIVE_USE, [{"resource": one, "day": day, "used": 0.0, "changed": at} for one in names])
    for name in names:
        mine = (LIVE_USE.c.resource == name) & (LIVE_USE.c.day == day)
        room = LIVE_USE.c.used + units[name] <= most[name] + 1e-9 if most.get(name, None) is not None else None
        changed = update(LIVE_USE).where(mine if room is None else mine & room)
        done = connection.execute(changed.values(used=LIVE_USE.c.used + units[name], changed=at))
        if not done.rowcount:
            return name
    return None


def note_charge(connection: Connection, touch_id: str, day: date, units: Mapping[str, float]) -> None:
    """Keeps what a touch that is held has been charged, until it is settled."""
    rows = [{"touch_id": touch_id, "resource": name, "day": day, "units": units[name]} for name in sorted(units)]
    insert_missing(connection, LIVE_CHARGE, rows)


def settle_charges(connection: Connection, at: datetime) -> int:
    """Returns what was charged for touches that have lost their room, and forgets what was charged for those done.

    A touch that no cap counts is not reported: what is not given back is done. Of two who settle at once each row is
    one's.

    Args:
        connection: A writing transaction.
        at: The present instant.

    Returns:
        How many touches were given their units back.
    """
    over = (TOUCH.c.state == "expired") | ((TOUCH.c.state == LIVE[0]) & (TOUCH.c.expires <= at))
    ended = TOUCH.c.state.in_(["released", "outbid"]) | (TOUCH.c.state == LIVE[1]) | over
    kept = (TOUCH.c.state == LIVE[1]) | (TOUCH.c.exempt & over)
    found = connection.execute(
        select(*LIVE_CHARGE.c, kept.label("kept"))
        .join(TOUCH, TOUCH.c.touch_id == LIVE_CHARGE.c.touch_id)
        .where(ended)
        .order_by(LIVE_CHARGE.c.touch_id, LIVE_CHARGE.c.resource)
        .with_for_update(of=LIVE_CHARGE, skip_locked=True)
    ).all()
    back: dict[tuple[str, date], float] = {}
    for row in found:
        mine = (LIVE_CHARGE.c.touch_id == row.touch_id) & (LIVE_CHARGE.c.resource == row.resource)
        gone = connection.execute(delete(LIVE_CHARGE).where(mine)).rowcount
        if gone and not row.kept:
            back[row.resource, row.day] = back.get((row.resource, row.day), 0.0) + row.units
    for (name, day), units in sorted(back.items()):
        left = case((LIVE_USE.c.used > units, LIVE_USE.c.used - units), else_=0.0)
        mine = (LIVE_USE.c.resource == name) & (LIVE_USE.c.day == day)
        connection.execute(update(LIVE_USE).where(mine).values(used=left, changed=at))
    return len({row.touch_id for row in found if not row.kept})


def touches_since(connection: Connection, since: date, now: datetime) -> list[Happened]:
    """Touches that take room from a day on, in the order of the customers."""
    t = TOUCH.c
    held = or_(t.state == LIVE[1], t.expires.is_(None), t.expires > now)
    asked = select(
        t.customer_id, t.strategy, t.offer, t.channel, t.counts_on, t.launch_id != "", t.exempt
    ).where(t.counts_on >= since, t.state.in_(LIVE), held)  # fmt: skip
    return [Happened(*row) for row in connection.execute(asked.order_by(t.customer_id, t.touch_id))]


def standing(connection: Connection) -> list[int]:
    """Customers of whom a suppression has begun and was not lifted."""
    asked = select(STANDSTILL.c.customer_id).where(STANDSTILL.c.lifted.is_(None)).distinct()
    return list(connection.scalars(asked.order_by(STANDSTILL.c.customer_id)))


def open_charges(connection: Connection) -> bool:
    """Whether anything was charged that is not settled."""
    return connection.execute(select(LIVE_CHARGE.c.touch_id).limit(1)).first() is not None


def _about() -> Any:
    """All parts have the same columns: what it is, three names, a truth, a day, an instant."""
    customer, home, day, since, now = (_asked(name) for name in ("customer", "home", "day", "since", "now"))
    words = _part(WORD, CONSENT_CHANGE.c.channel, truth=CONSENT_CHANGE.c.granted, at=CONSENT_CHANGE.c.at)
    still = _part(STILL, STANDSTILL.c.name).where(STANDSTILL.c.customer_id == customer, STANDSTILL.c.lifted.is_(None))
    taking = (TOUCH.c.counts_on >= day, TOUCH.c.state.in_([literal(one) for one in LIVE]), TOUCH.c.exempt.is_(False),
              or_(TOUCH.c.state == literal(LIVE[1]), TOUCH.c.expires.is_(None), TOUCH.c.expires > now))  # fmt: skip
    mine = _part(MINE, TOUCH.c.channel, TOUCH.c.offer, day=TOUCH.c.counts_on).where(
        TOUCH.c.customer_id == customer, *taking
    )
    others = _part(HOME, TOUCH.c.channel, TOUCH.c.offer, day=TOUCH.c.counts_on).where(
        TOUCH.c.household_id == home, TOUCH.c.customer_id != customer, *taking
    )
    seen = _part(
        SEEN, IMPRESSION.c.placement, IMPRESSION.c.strategy, IMPRESSION.c.offer, kind=IMPRESSION.c.kind,
        at=IMPRESSION.c.at,
    ).where(IMPRESSION.c.customer_id == customer, IMPRESSION.c.at >= since)  # fmt: skip
    fed = _part(FED, PLACEMENT_FEED.c.placement, PLACEMENT_FEED.c.strategy, PLACEMENT_FEED.c.offer).where(
        PLACEMENT_FEED.c.customer_id == customer, PLACEMENT_FEED.c.expires > now
    )
    return union_all(words.where(CONSENT_CHANGE.c.customer_id == customer), still, mine, others, seen, fed)


def _asked(name: str) -> Any:
    return bindparam(name, None)


def _part(what: str, *names: Any, kind: Any = None, truth: Any = None, day: Any = None, at: Any = None) -> Any:
    blank = literal("")
    first, second, third = [*names, blank, blank, blank][:3]
    return select(
        literal(what).label("what"),
        first.label("first"), second.label("second"), third.label("third"),
        (blank if kind is None else kind).label("kind"),
        (null().cast(Boolean) if truth is None else truth).label("truth"),
        (null().cast(Date) if day is None else day).label("day"),
        (null().cast(DateTime(timezone=True)) if at is None else at).label("at"),
    )  # fmt: skip


def _facts(rows: Sequence[Any]) -> Facts:
    if not rows:
        return Facts({}, (), [], [], [], [])
    found = Facts({}, (), [], [], [], [])
    standing = []
    for what, first, second, third, kind, truth, day, at in rows:
        if what == WORD:
            word = (bool(truth), _instant(at))
            old = found.words.get(first)
            if old is None or (word[1], not word[0]) > (old[1], not old[0]):  # of one instant the refusal
                found.words[first] = word
        elif what == STILL:
            standing.append(first)
        elif what in {MINE, HOME}:
            (found.touches if what == MINE else found.home).append((_day(day), first, second))
        elif what == SEEN:
            found.seen.append(Seen(first, second, third, kind, _instant(at)))
        else:
            found.fed.append((first, second, third))
    return Facts(found.words, tuple(sorted(standing)), found.touches, found.home, found.seen, found.fed)


def _text(value: Any) -> Any:
    """As SQLite keeps it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else value


def _instant(value: Any) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _day(value: Any) -> date:
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value
