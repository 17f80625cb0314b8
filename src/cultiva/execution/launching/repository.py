"""Launches, judgements and halts in the store."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping
from datetime import datetime
from sys import intern
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from cultiva.execution.launching.launches import (
    OVER,
    Halt,
    Judgement,
    Launch,
    State,
    Submission,
    Waiting,
)
from cultiva.execution.tables import APPROVAL, DELIVERY, HALT, JOURNEY, LAUNCH, TASK
from cultiva.store.database import insert_missing

AT_A_TIME = 50_000
"""Rows fetched together."""
BIG = ("explanation",)
"""Columns that a list of launches does without."""


def attempts_over(connection: Connection, one: Submission) -> int:
    """How many equal submissions are over."""
    same = (
        (LAUNCH.c.strategy == one.strategy)
        & (LAUNCH.c.version == one.version)
        & (LAUNCH.c.business_date == one.business_date)
        & (LAUNCH.c.enrols == one.enrols)
        & LAUNCH.c.state.in_(OVER)
    )
    return connection.scalar(select(func.count()).select_from(LAUNCH).where(same)) or 0


def add(connection: Connection, one: Submission, launch_id: str, author: str, at: datetime) -> bool:
    """Writes a submitted launch; False: it is there already."""
    row = {
        "launch_id": launch_id,
        "strategy": one.strategy,
        "version": one.version,
        "workspace_version": one.workspace_version,
        "business_date": one.business_date,
        "enrols": one.enrols,
        "state": State.SUBMITTED,
        "author": author,
        "cost": one.cost,
        "body": dict(one.body),
        "explanation": dict(one.explanation),
        "per_minute_max": None,
        "created": at,
        "changed": at,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(LAUNCH).values(row))
    except IntegrityError:  # it is there, or was written by another one at the same moment
        return False
    return True


def get(connection: Connection, launch_id: str, *, for_change: bool = False) -> Launch | None:
    """One launch; held until the end of the transaction if it is to be changed."""
    asked = select(LAUNCH).where(LAUNCH.c.launch_id == launch_id)
    row = connection.execute(asked.with_for_update() if for_change else asked).one_or_none()
    return None if row is None else _launch(row)


def ids_like(connection: Connection, beginning: str, most: int) -> list[str]:
    """Ids that begin so."""
    asked = select(LAUNCH.c.launch_id).where(LAUNCH.c.launch_id.startswith(beginning, autoescape=True))
    return list(connection.scalars(asked.order_by(LAUNCH.c.launch_id).limit(most)))


def listed(connection: Connection, *, states: Collection[State], strategy: str | None) -> list[Launch]:
    """Launches without explanation, the newest first.

    Args:
        connection: Reading.
        states: Only in these; empty: in all.
        strategy: Only of this one.
    """
    columns = [column for column in LAUNCH.columns if column.name not in BIG]
    asked = select(*columns).order_by(LAUNCH.c.created.desc(), LAUNCH.c.launch_id)
    if states:
        asked = asked.where(LAUNCH.c.state.in_(states))
    if strategy is not None:
        asked = asked.where(LAUNCH.c.strategy == strategy)
    return [_launch(row) for row in connection.execute(asked)]


def hold_strategy(connection: Connection, launch_id: str) -> list[Launch]:
    """All launches of a launch's strategy that are not over, held: of two that go live at once, the second sees the
    first. Held in one order, before anything else is: nobody waits in a circle.
    """
    strategy = select(LAUNCH.c.strategy).where(LAUNCH.c.launch_id == launch_id).scalar_subquery()
    columns = [column for column in LAUNCH.columns if column.name not in BIG]
    asked = select(*columns).where((LAUNCH.c.strategy == strategy) & LAUNCH.c.state.not_in(OVER))
    return [_launch(row) for row in connection.execute(asked.order_by(LAUNCH.c.launch_id).with_for_update())]


def set_state(connection: Connection, launch: Launch, state: State, at: datetime) -> bool:
    """Changes the state, if it still is what it was."""
    mine = (LAUNCH.c.launch_id == launch.launch_id) & (LAUNCH.c.state == launch.state)
    return connection.execute(update(LAUNCH).where(mine).values(state=state, changed=at)).rowcount == 1


def set_throttle(connection: Connection, launch_id: str, per_minute_max: int | None, at: datetime) -> None:
    """Changes the throttle."""
    mine = LAUNCH.c.launch_id == launch_id
    connection.execute(update(LAUNCH).where(mine).values(per_minute_max=per_minute_max, changed=at))


def judgements(connection: Connection, launch_id: str) -> list[Judgement]:
    """What was said of a launch, the oldest first."""
    asked = select(APPROVAL).where(APPROVAL.c.launch_id == launch_id).order_by(APPROVAL.c.at, APPROVAL.c.approver)
    return [Judgement(**row._asdict()) for row in connection.execute(asked)]


def add_judgement(connection: Connection, one: Judgement) -> None:
    """Writes what somebody has said."""
    connection.execute(
        insert(APPROVAL).values(
            launch_id=one.launch_id,
            approver=one.approver,
            version=one.version,
            role=one.role,
            approved=one.approved,
            remark=one.remark,
            at=one.at,
        )
    )


def halts(connection: Connection) -> dict[str, Halt]:
    """Emergency stops in force, by scope."""
    rows = connection.execute(select(HALT).order_by(HALT.c.scope))
    return {row.scope: Halt(row.scope, row.reason, row.actor, row.at) for row in rows}


def set_halt(connection: Connection, one: Halt) -> Halt:
    """Sets an emergency stop, unless there is one of that scope; gives the one in force, held."""
    row = {"scope": one.scope, "reason": one.reason, "actor": one.actor, "at": one.at}
    while True:  # one that was being lifted at this moment may be gone once it can be held
        insert_missing(connection, HALT, [row])
        found = hold_halt(connection, one.scope)
        if found is not None:
            return found


def hold_halt(connection: Connection, scope: str) -> Halt | None:
    """The stop of that scope, held."""
    row = connection.execute(select(HALT).where(HALT.c.scope == scope).with_for_update()).one_or_none()
    return None if row is None else Halt(row.scope, row.reason, row.actor, row.at)


def remove_halt(connection: Connection, scope: str) -> None:
    """Takes an emergency stop away."""
    connection.execute(delete(HALT).where(HALT.c.scope == scope))


def people_in(connection: Connection, launch_id: str) -> tuple[array[int], list[str]]:
    """Customers on their way through a launch's play, and the offer decided for each; eight bytes each per side."""
    mine = (JOURNEY.c.launch_id == launch_id) & (JOURNEY.c.state == "active")
    asked = select(JOURNEY.c.customer_id, JOURNEY.c.offer).where(mine).execution_options(yield_per=AT_A_TIME)
    ids, offers = array("q"), list[str]()
    for customer_id, offer in connection.execute(asked):
        ids.append(customer_id)
        offers.append(intern(offer))
    return ids, offers


def waiting(connection: Connection, launch_id: str) -> Waiting:
    """What of a launch is on its way."""

    def count(table: Table, *states: str) -> int:
        mine = (table.c.launch_id == launch_id) & table.c.state.in_(states)
        return connection.scalar(select(func.count()).select_from(table).where(mine)) or 0

    return Waiting(
        deliveries=count(DELIVERY, "queued"),
        leaving=count(DELIVERY, "sending"),
        tasks=count(TASK, "open", "accepted"),
        people=count(JOURNEY, "active"),
    )


def counts(connection: Connection) -> dict[State, int]:
    """Launches by state."""
    rows = connection.execute(select(LAUNCH.c.state, func.count()).group_by(LAUNCH.c.state))
    return {State(state): count for state, count in rows}


def stopped_since(connection: Connection, moment: datetime) -> list[str]:
    """Launches that were broken off at or after a moment."""
    late = (LAUNCH.c.state == State.STOPPED) & (LAUNCH.c.changed >= moment)
    return list(connection.scalars(select(LAUNCH.c.launch_id).where(late).order_by(LAUNCH.c.launch_id)))


def states(connection: Connection) -> Mapping[str, State]:
    """Where every launch stands."""
    rows = connection.execute(select(LAUNCH.c.launch_id, LAUNCH.c.state).order_by(LAUNCH.c.launch_id))
    return {row.launch_id: State(row.state) for row in rows}


def _launch(row: Row[Any]) -> Launch:
    told = row._asdict()
    return Launch(**{**told, "state": State(told["state"])})
