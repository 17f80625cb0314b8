"""Unknown fates and dead letters in the store, and what a person says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Connection, Row, func, literal_column, select, update

from cultiva.execution.audit import service as audit
from cultiva.execution.audit.chain import Entry
from cultiva.execution.dispatch.records import Letter, Resolution, State
from cultiva.execution.tables import DELIVERY, RECEIPT, TOUCH
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.masking import mask_email, mask_phone
from cultiva.store.database import Database

ALLOWED: Mapping[State, Mapping[Resolution, State]] = {
    State.UNKNOWN: {
        Resolution.ARRIVED: State.SENT,
        Resolution.SEND_AGAIN: State.QUEUED,
        Resolution.GIVE_UP: State.FAILED,
    },
    State.DEAD: {Resolution.SEND_AGAIN: State.QUEUED, Resolution.GIVE_UP: State.FAILED},
}
"""What may be said of a letter, and what becomes of it."""
_LETTER = literal_column("delivery.state in ('dead', 'unknown')", Boolean)  # as the index of few rows says it


class Letters:
    """The operator's desk.

    Args:
        database: Where the rows lie.
        release: Called with the touch of a delivery that is given up, within that transaction.
    """

    def __init__(self, database: Database, release: Callable[[Connection, Sequence[str], datetime], None]) -> None:
        self._database = database
        self._release = release

    def of(self, state: State, *, limit: int, after: str = "") -> list[Letter]:
        """Letters by id; the next page begins after the last one's id."""
        asked = select(DELIVERY).where(_LETTER, DELIVERY.c.state == state, DELIVERY.c.delivery_id > after)
        with self._database.reading() as connection:
            return [_letter(row) for row in connection.execute(asked.order_by(DELIVERY.c.delivery_id).limit(limit))]

    def unmatched(self, since: datetime) -> int:
        """Reports since a moment that belong to no delivery of ours."""
        asked = select(func.count()).where(RECEIPT.c.delivery_id == "", RECEIPT.c.received >= since)
        with self._database.reading() as connection:
            return connection.scalars(asked.select_from(RECEIPT)).one()

    def resolve(self, delivery_id: str, said: Resolution, *, actor: str, remark: str, at: datetime) -> State:
        """Does what a person has decided; the evidence keeps who and why.

        Raises:
            CultivaError: if there is no such delivery, or its state does not allow this.
        """
        with self._database.writing() as connection:
            mine = DELIVERY.c.delivery_id == delivery_id
            row = connection.execute(select(DELIVERY).where(mine).with_for_update()).one_or_none()
            becomes = _becomes(row, said, delivery_id)
            assert row is not None
            clue = {
                "at": at.isoformat(timespec="seconds"),
                "kind": "resolved",
                "said": f"{said}: {remark}",
                "by": actor,
            }
            changed: dict[str, Any] = {"state": becomes, "evidence": [*(row.evidence or []), clue], "changed": at}
            if becomes is State.QUEUED:
                changed |= {"attempts": 0, "due": at, "lease": "", "leased_until": None}
                _reserve_again(connection, row.touch_id, at)
            connection.execute(update(DELIVERY).where(mine).values(**changed))
            if becomes is State.FAILED and row.touch_id and row.state == State.UNKNOWN:
                self._release(connection, [row.touch_id], at)
            detail = {"said": said.value, "was": row.state, "becomes": becomes.value, "remark": remark}
            audit.write(connection, Entry(at, actor, "delivery.resolved", f"delivery:{delivery_id}", detail))
        return becomes


def _reserve_again(connection: Connection, touch_id: str, at: datetime) -> None:
    """The touch of a dead letter was given back; it asks for room again, which the budget judges at sending."""
    back = (TOUCH.c.touch_id == touch_id) & (TOUCH.c.state == "released")
    connection.execute(update(TOUCH).where(back).values(state="reserved", expires=None, changed=at))


def _becomes(row: Row[Any] | None, said: Resolution, delivery_id: str) -> State:
    if row is None:
        raise CultivaError(
            "there is no such delivery",
            code="dispatch.no_delivery",
            kind=ErrorKind.NOT_FOUND,
            seen=delivery_id,
            allowed="the id of a delivery",
            hint="take it from the list of unknown fates or of dead letters",
        )
    allowed = ALLOWED.get(State(row.state), {})
    if said not in allowed:
        raise CultivaError(
            "this cannot be said of the delivery",
            code="dispatch.not_open",
            kind=ErrorKind.CONFLICT,
            seen=f"{said} of a delivery that is {row.state}",
            allowed=", ".join(allowed) or "nothing: only unknown fates and dead letters are decided by people",
            hint="look at the delivery again: a late report may have settled it",
        )
    return allowed[said]


def _letter(row: Row[Any]) -> Letter:
    mask = mask_email if "@" in row.address else mask_phone
    return Letter(
        delivery_id=row.delivery_id,
        launch_id=row.launch_id,
        step=row.step,
        customer_id=row.customer_id,
        channel=row.channel,
        provider=row.provider,
        address=mask(row.address),
        state=State(row.state),
        attempts=row.attempts,
        problem=row.problem,
        evidence=list(row.evidence or []),
        changed=row.changed,
    )
