"""The desk: where people find their tasks; the queue of human work with what it needs of the other rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cultiva.contracts.sight import EVERYBODY, Sight
from cultiva.contracts.tables import STAFF
from cultiva.execution.budget.service import Budget
from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.hooks import Hooks
from cultiva.execution.tasks.records import Absence, Draft, StaffRow, Task
from cultiva.execution.tasks.service import Tasks
from cultiva.kit.clock import parse_business_date
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import content_hash
from cultiva.loop.parts import Parts
from cultiva.loop.recipients import refresh
from cultiva.loop.seeing import sees

OLDEST_DAYS = 7
"""What is known of a customer may be so many days older than the newest profile."""
MINOR = 100
"""Minor units of money in one."""
SERVICE = "service"
"""Kind of offer that counts against no cap."""


def desk(parts: Parts, *, sight: Sight = EVERYBODY) -> Tasks:
    """The queue of human work of a workspace; contacts count in the contact budget.

    Args:
        parts: Of the workspace.
        sight: Of whoever asks; left out by what the bank itself does: plays, the night, the command line.

    Raises:
        CultivaError: if the workspace has no `workbench.yaml`.
    """
    workspace = parts.workspace
    if workspace.workbench is None:
        raise CultivaError(
            "the workspace has no human work",
            code="task.no_workbench",
            kind=ErrorKind.NOT_FOUND,
            seen=workspace.settings.name,
            allowed="a workspace with workbench.yaml",
            hint="copy it from a starter pack: cultiva init FOLDER --pack retail-bank",
        )
    hooks, calendar = _Hooks(parts).hooks(), Calendar.of(workspace)
    return Tasks(parts.store.database, workspace.workbench, calendar, hooks=hooks, sight=sight, clock=parts.clock)


@dataclass(frozen=True)
class _Hooks:
    """What happens elsewhere when something happens to a task."""

    parts: Parts

    def hooks(self) -> Hooks:
        return Hooks(confirm=self.confirm, release=self.release, forbidden=self.forbidden)

    @property
    def budget(self) -> Budget:
        return Budget.of(self.parts.store.database, self.parts.workspace.policy)

    def confirm(self, connection: Any, task: Task, at: datetime) -> None:
        if task.channel:
            self.budget.record([self.touch(task, at)], at, connection=connection)

    def touch(self, task: Task, at: datetime) -> TouchRequest:
        """The contact as the budget counts it: the touch that was planned, or for a follow-up one of its own."""
        known = Recipients(self.parts.store.database).of([task.customer_id]).get(task.customer_id)
        zone = known.zone if known is not None else Calendar.of(self.parts.workspace).zone
        offer = self.parts.workspace.offers.get(task.offer)
        return TouchRequest(
            touch_id=task.touch_id or content_hash(["task", task.task_id]),
            customer_id=task.customer_id,
            household_id=known.household_id if known is not None else None,
            channel=task.channel,
            offer=task.offer,
            strategy=task.strategy,
            launch_id=task.launch_id,
            step=task.step,
            worth=task.worth,
            counts_on=at.astimezone(ZoneInfo(zone)).date(),
            exempt=offer is not None and offer.kind == SERVICE,
        )

    def release(self, touch_ids: Sequence[str], at: datetime) -> None:
        self.budget.release(touch_ids, at)

    def forbidden(self, _connection: Any, customer_id: int, channel: str) -> str:
        if not channel:
            return ""
        profile = self.parts.store.snapshots.latest("profile", None)
        oldest = profile.business_date - timedelta(days=OLDEST_DAYS) if profile is not None else date.min
        closed = Recipients(self.parts.store.database).closed([(customer_id, channel)], oldest=oldest)
        return "".join(reason.value for reason in closed.values())


def refresh_staff(parts: Parts, on: date, at: datetime) -> int:
    """Takes over the bank's staff table of a business date; tasks of those who have left go back to their queues.

    Args:
        parts: Of the workspace.
        on: Business date of a run.
        at: The present moment.

    Returns:
        How many people there are; 0 where no source feeds the table.
    """
    files = parts.lake.files_latest("staff", on)
    if not files or parts.workspace.workbench is None:
        return 0
    columns = [one for one in STAFF.columns if one.name in StaffRow.__dataclass_fields__]
    table = parts.engine.fetch(parts.engine.scan(files, columns=columns))  # a run before names were has none
    rows = [StaffRow(**{**row, "name": row["name"] or ""}) for row in table.to_pylist()]
    desk(parts).staff(rows, on, at)
    return len(rows)


@dataclass(frozen=True)
class Wish:
    """A task that somebody makes by hand."""

    kind: str
    """A kind of the workbench."""
    reason: str
    """Why."""
    script: str = ""
    """What to say."""
    offer: str = ""
    """What is proposed."""
    worth: float = 0.0
    """Money."""
    staff_id: str | None = None
    """Whose list; None: as the workbench says."""


def make_task(parts: Parts, customer_id: int, wish: Wish, at: datetime, *, sight: Sight = EVERYBODY) -> Task:
    """Makes a task about a customer by hand; one of the same kind that is not at an end is given back instead.

    Args:
        parts: Of the workspace.
        customer_id: Whom.
        wish: What is wanted.
        at: The present moment.
        sight: Of whoever wants it.

    Raises:
        CultivaError: if the kind or offer is unknown, or nothing is known of a customer in sight.
    """
    if not sees(parts, customer_id, sight):
        raise _unknown_customer()
    tasks = desk(parts)
    before = [task for task in tasks.of_customer(customer_id) if task.kind == wish.kind and not task.launch_id]
    open_ones = [task for task in before if task.state.value in ("open", "accepted")]
    if open_ones:
        return open_ones[0]
    refresh(parts, [customer_id], parts.newest_date())
    known = Recipients(parts.store.database).of([customer_id]).get(customer_id)
    if known is None:
        raise _unknown_customer()
    kind = tasks.workbench.kind(wish.kind)
    draft = Draft(
        kind=wish.kind,
        customer_id=customer_id,
        branch_id=known.branch_id or "",
        adviser_id=known.adviser_id or "",
        staff_id=wish.staff_id,
        offer=_offer(parts, wish.offer),
        channel=kind.channels[0] if kind is not None and kind.channels else "",
        worth=wish.worth,
        reason=wish.reason,
        script=wish.script,
        number=len(before) + 1,
    )
    return tasks.task(tasks.create([draft], at)[0])


def _offer(parts: Parts, name: str) -> str:
    if name and name not in parts.workspace.offers:
        from cultiva.execution.tasks.rights import unknown

        raise unknown("offer", name, sorted(parts.workspace.offers))
    return name


def _unknown_customer() -> CultivaError:
    return CultivaError(
        "nothing is known of the customer",
        code="task.unknown_customer",
        kind=ErrorKind.NOT_FOUND,
        seen="a customer id that the newest profile does not have",
        allowed="customers of the newest profile",
        hint="cultiva track WORKSPACE CUSTOMER",
    )


def moment(parts: Parts, text: str) -> datetime:
    """A moment as a person writes it: in the bank's time where it names no zone.

    Raises:
        CultivaError: if it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CultivaError(
            "not a moment",
            code="task.bad_moment",
            seen=text,
            allowed="YYYY-MM-DDTHH:MM, with or without a zone",
            hint="write it like 2026-11-23T10:00",
        ) from error
    zone = ZoneInfo(Calendar.of(parts.workspace).zone)
    return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)


def minor(amount: float | None) -> int | None:
    """Money as a person writes it, in minor units.

    Examples:
        >>> minor(500), minor(19.99), minor(None)
        (50000, 1999, None)
    """
    return None if amount is None else round(amount * MINOR)


def one_of(staff_id: str | None, role: str | None) -> None:
    """Lets either a person or a role be asked for.

    Raises:
        CultivaError: if it is both or neither.
    """
    if (staff_id is None) == (role is None):
        raise CultivaError(
            "whose list?",
            code="task.whose",
            seen="both" if staff_id is not None else "neither",
            allowed="--staff ID or --role ROLE",
            hint="cultiva staff WORKSPACE shows the people and their roles",
        )


def absence_of(staff_id: str, first: str | None, last: str | None, cover: str) -> Absence:
    """An absence as a person writes it.

    Raises:
        CultivaError: if there is no first day, or a day is none.
    """
    begin = parse_business_date(first or "")
    return Absence(staff_id, begin, parse_business_date(last) if last else begin, cover)
