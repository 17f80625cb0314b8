"""The commands of the desk: `tasks`, `task ...`, `arrive`, `absence`, `staff`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import Commands, JsonOption, SetOption, WorkspaceArgument
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.masking import mask_name
from cultiva.kit.words import Words

if TYPE_CHECKING:
    from cultiva.execution.tasks.records import Absence, Listed, Task
    from cultiva.execution.tasks.service import Tasks
    from cultiva.loop.desk_sheets import DeskWords
    from cultiva.loop.parts import Parts

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="Id of a task, as `cultiva tasks` shows it.")]
CustomerArgument = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help="A customer id, or SYSTEM:ID as a source system calls the customer.")
]
StaffOption = Annotated[str, typer.Option("--staff", metavar="ID", help="Who does it.")]
RemarkOption = Annotated[str, typer.Option(help="For the history; no personal data.")]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="MOMENT", help="The present moment, e.g. 2026-11-23T10:00, in the bank's time; now if left out."
    ),
]
task = typer.Typer(
    cls=Commands, name="task", help="Do something with a task.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("tasks")(tasks)
    app.add_typer(task)
    app.command("arrive")(arrive)
    app.command("absence")(absence)
    app.command("staff")(staff)


@dataclass(frozen=True)
class _Desk:
    """The desk, opened for one command."""

    parts: Parts
    tasks: Tasks
    words: DeskWords
    at: datetime


@contextmanager
def _desk(workspace: Path, set_: list[str] | None, at: str | None) -> Iterator[_Desk]:
    from cultiva.loop.desk import desk, moment
    from cultiva.loop.desk_sheets import DeskWords

    with opened(workspace, set_) as parts:
        found = desk(parts)
        when = parts.clock() if at is None else moment(parts, at)
        yield _Desk(parts, found, DeskWords(parts, found.workbench), when)


def tasks(  # noqa: PLR0913, PLR0917  (ways to ask for a list; all but the workspace have a default)
    workspace: WorkspaceArgument,
    staff_id: Annotated[str | None, typer.Option("--staff", metavar="ID", help="This person's list.")] = None,
    role: Annotated[str | None, typer.Option(help="This role's queue.")] = None,
    branch: Annotated[str | None, typer.Option(help="With --role: only this branch.")] = None,
    limit: Annotated[int, typer.Option(help="Most tasks shown.", min=1)] = 20,
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show somebody's list or a role's queue, in the order in which it should be done."""
    from cultiva.loop.desk import one_of

    with _desk(workspace, set_, at) as desk:
        one_of(staff_id, role)
        if staff_id is not None:
            title = Words(f"{staff_id} 的任务", f"tasks of {staff_id}")
            found = desk.tasks.ranked(staff_id, desk.at, limit=limit)
        else:
            assert role is not None, "one of both is there"
            title = Words(f"{role} 队列", f"queue of {role}")
            found = desk.tasks.queue(role, desk.at, branch=branch, limit=limit)
        if json_:
            show_json([_listed_data(one) for one in found])
        else:
            show_sheet(desk.words.list_sheet(title, found))


def _listed_data(one: Listed) -> dict[str, object]:
    more = {"place": one.place, "late": one.late, "promised_now": one.promised_now, "fits_week": one.fits_week}
    return {**more, "lies": one.lies, **_data(one.task)}


def _data(found: Task) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(found), "standing": found.standing}


def _tell(desk: _Desk, found: Task, *, as_json: bool) -> None:
    if as_json:
        show_json(_data(found))
        return
    place = found.staff_id or f"{found.role} {found.branch_id}"
    show_line(f"{found.task_id}: {desk.words.standing(found)}, {place}, {desk.words.clock(found.due)}")


@task.command("show")
def show(
    workspace: WorkspaceArgument, task_id: TaskArgument, set_: SetOption = None, json_: JsonOption = False
) -> None:
    """Show a task with its script and its history."""
    with _desk(workspace, set_, None) as desk:
        found, events = desk.tasks.task(task_id), desk.tasks.history(task_id)
        if json_:
            show_json({**_data(found), "history": events})
            return
        lines, history = desk.words.task_lines(
            found, events, desk.tasks.names({found.staff_id, *(one.actor for one in events)})
        )
        for line in lines:
            show_line(line)
        show_sheet(history)


@task.command("add")
def add(  # noqa: PLR0913, PLR0917  (what a task may say; all but whom it is about and why have a default)
    workspace: WorkspaceArgument,
    customer: CustomerArgument,
    kind: Annotated[str, typer.Option(help="A kind of the workbench.")],
    reason: Annotated[str, typer.Option(help="Why this customer.")],
    script: Annotated[str, typer.Option(help="What to say.")] = "",
    offer: Annotated[str, typer.Option(help="What is proposed.")] = "",
    worth: Annotated[float, typer.Option(help="Money; the list is ranked by it.")] = 0.0,
    staff_id: Annotated[str | None, typer.Option("--staff", metavar="ID", help="Whose list.")] = None,
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Make a task about a customer by hand; plays make theirs by themselves."""
    from cultiva.contracts.sight import EVERYBODY
    from cultiva.loop.desk import Wish, make_task
    from cultiva.loop.lineage import customer_meant

    if not reason.strip() or not (isfinite(worth) and worth >= 0):
        raise CultivaError(
            "a task needs a reason, and money that it is worth",
            code="cli.no_task",
            seen=f"reason {reason!r}, worth {worth:g}",
            allowed="a few words for whoever does it, and 0 or more",
            hint="--reason 'asked about a loan' --worth 200",
        )
    with _desk(workspace, set_, at) as desk:
        who = customer_meant(desk.parts, customer, desk.parts.newest_date(), sight=EVERYBODY).customer_id
        wish = Wish(kind, reason, script, offer, worth, staff_id)
        _tell(desk, make_task(desk.parts, who, wish, desk.at), as_json=json_)


@task.command("accept")
def accept(
    workspace: WorkspaceArgument,
    task_id: TaskArgument,
    staff_id: StaffOption,
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Take a task up; of two who try at once one gets it."""
    with _desk(workspace, set_, at) as desk:
        _tell(desk, desk.tasks.accept(task_id, staff_id, desk.at), as_json=json_)


@task.command("log")
def log(  # noqa: PLR0913, PLR0917
    workspace: WorkspaceArgument,
    task_id: TaskArgument,
    result: Annotated[str, typer.Argument(metavar="RESULT", help="A result of the workbench, e.g. reached.")],
    staff_id: StaffOption,
    remark: RemarkOption = "",
    amount: Annotated[float | None, typer.Option(help="Money, where the result has an amount.")] = None,
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Log what came of a task."""
    from cultiva.execution.tasks.records import Logged
    from cultiva.loop.desk import minor

    with _desk(workspace, set_, at) as desk:
        said = Logged(result, remark=remark, amount=minor(amount))
        _tell(desk, desk.tasks.log(task_id, staff_id, said, desk.at), as_json=json_)


@task.command("call-back")
def call_back(  # noqa: PLR0913, PLR0917
    workspace: WorkspaceArgument,
    task_id: TaskArgument,
    call_at: Annotated[str, typer.Argument(metavar="MOMENT", help="When, e.g. 2026-11-24T18:30.")],
    staff_id: StaffOption,
    remark: RemarkOption = "",
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Promise the customer a call."""
    from cultiva.loop.desk import moment

    with _desk(workspace, set_, at) as desk:
        when = moment(desk.parts, call_at)
        _tell(desk, desk.tasks.call_back(task_id, staff_id, when, desk.at, remark=remark), as_json=json_)


@task.command("follow-up")
def follow_up(  # noqa: PLR0913, PLR0917
    workspace: WorkspaceArgument,
    task_id: TaskArgument,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="A kind of the workbench.")],
    staff_id: StaffOption,
    days: Annotated[int | None, typer.Option(help="Business days until it is due.", min=0)] = None,
    reason: Annotated[str, typer.Option(help="Why; the other task's if left out.")] = "",
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Make a task that comes of another one."""
    from cultiva.execution.tasks.moving import Following

    with _desk(workspace, set_, at) as desk:
        following = Following(kind, days=days, reason=reason)
        _tell(desk, desk.tasks.follow_up(task_id, staff_id, following, desk.at), as_json=json_)


@task.command("transfer")
def transfer(  # noqa: PLR0913, PLR0917
    workspace: WorkspaceArgument,
    task_id: TaskArgument,
    staff_id: StaffOption,
    to: Annotated[str, typer.Option(help="Whose list; the queue if left out.")] = "",
    remark: RemarkOption = "",
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Give a task to a colleague, or back to the queue."""
    with _desk(workspace, set_, at) as desk:
        _tell(desk, desk.tasks.transfer(task_id, staff_id, to, desk.at, remark=remark), as_json=json_)


@task.command("hand-over")
def hand_over(  # noqa: PLR0913, PLR0917
    workspace: WorkspaceArgument,
    task_id: TaskArgument,
    staff_id: StaffOption,
    role: Annotated[str, typer.Option(help="Role that takes it over.")],
    to: Annotated[str, typer.Option(help="Person of it; its queue if left out.")] = "",
    until: Annotated[str | None, typer.Option(help="When it must be accepted; as the kind says.")] = None,
    remark: RemarkOption = "",
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Hand a task over to another role or tier, to be accepted in time."""
    from cultiva.execution.tasks.moving import Receiver
    from cultiva.loop.desk import moment

    with _desk(workspace, set_, at) as desk:
        receiver = Receiver(role, to, answer_by=moment(desk.parts, until) if until else None)
        _tell(desk, desk.tasks.hand_over(task_id, staff_id, receiver, desk.at, remark=remark), as_json=json_)


@task.command("decline")
def decline(  # noqa: PLR0913, PLR0917
    workspace: WorkspaceArgument,
    task_id: TaskArgument,
    staff_id: StaffOption,
    remark: RemarkOption = "",
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Send a hand-over back to where it came from."""
    with _desk(workspace, set_, at) as desk:
        _tell(desk, desk.tasks.decline(task_id, staff_id, desk.at, remark=remark), as_json=json_)


@task.command("escalate")
def escalate(
    workspace: WorkspaceArgument, at: AtOption = None, set_: SetOption = None, json_: JsonOption = False
) -> None:
    """Look at the clock once: what was left lying goes further. `cultiva work` does it all the time."""
    with _desk(workspace, set_, at) as desk:
        found = desk.tasks.escalate(desk.at)
    if json_:
        show_json(found)
        return
    show_line(
        f"escalated {found.escalated}, passed on {found.passed_on}, sent back {found.sent_back}, "
        f"expired {found.expired}"
    )


def arrive(  # noqa: PLR0913, PLR0917
    workspace: WorkspaceArgument,
    customer: CustomerArgument,
    branch: Annotated[str, typer.Option(help="Where the customer is.")],
    staff_id: Annotated[str, typer.Option("--staff", metavar="ID", help="Who noticed it.")] = "system",
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Tell that a customer came by: open tasks go to the counter at once."""
    from cultiva.contracts.sight import EVERYBODY
    from cultiva.loop.lineage import customer_meant

    with _desk(workspace, set_, at) as desk:
        who = customer_meant(desk.parts, customer, desk.parts.newest_date(), sight=EVERYBODY).customer_id
        _require_place(desk, branch, staff_id)
        found = desk.tasks.arrive(who, branch, desk.at, by=staff_id)
        if json_:
            show_json([_data(one) for one in found])
            return
        for one in found:
            _tell(desk, one, as_json=False)
        if not found:
            show_line(f"customer {who} is at {branch}: no open task")


def _require_place(desk: _Desk, branch: str, staff_id: str) -> None:
    """Refuses a branch or a person that the staff table does not have: nobody would see the task there."""
    from cultiva.execution.tasks.records import SYSTEM
    from cultiva.execution.tasks.rights import unknown

    people = [person for person, _ in desk.tasks.people(desk.at)]
    branches, ids = sorted({person.branch_id for person in people if person.branch_id}), [p.staff_id for p in people]
    if branches and branch not in branches:
        raise unknown("branch", branch, branches)
    if ids and staff_id not in (*ids, SYSTEM):
        raise unknown("person", staff_id, ids)


def absence(  # noqa: PLR0913, PLR0917
    workspace: WorkspaceArgument,
    staff_id: Annotated[str | None, typer.Argument(metavar="[STAFF]", help="Who; lists absences if left out.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day; the first.")] = None,
    cover: Annotated[str, typer.Option(help="Who stands in; the role's queue if left out.")] = "",
    back: Annotated[bool, typer.Option("--back", help="Take back the absence that begins on --from.")] = False,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Note that somebody is away and who stands in, or list absences."""
    from cultiva.loop.desk import absence_of

    if (staff_id is None) != (first is None):
        raise _half_an_absence(staff_id)
    with _desk(workspace, set_, None) as desk:
        if staff_id is not None:
            wanted = absence_of(staff_id, first, last, cover)
            if back:
                _take_back(desk, wanted)
            else:
                desk.tasks.absent(wanted)
        found = desk.tasks.absences()
        if json_:
            show_json(found)
        else:
            show_sheet(desk.words.absence_sheet(found))


def _half_an_absence(staff_id: str | None) -> CultivaError:
    return CultivaError(
        "an absence needs a person and a first day",
        code="cli.half_an_absence",
        seen=f"{staff_id} without --from" if staff_id else "--from without STAFF",
        allowed="STAFF with --from, or neither: the list",
        hint="cultiva absence WORKSPACE STAFF --from 2026-11-24",
    )


def _take_back(desk: _Desk, wanted: Absence) -> None:
    if not desk.tasks.back(wanted.staff_id, wanted.first_day):
        raise CultivaError(
            "there is no such absence to take back",
            code="cli.no_absence",
            kind=ErrorKind.NOT_FOUND,
            seen=f"{wanted.staff_id} from {wanted.first_day}",
            allowed="an absence of the list, by its person and first day",
            hint="cultiva absence WORKSPACE lists them",
        )


def staff(
    workspace: WorkspaceArgument,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Take over the staff table of the newest run first.")
    ] = False,
    at: AtOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show who does tasks, with this week's contacts and what is in hand."""
    from cultiva.loop.desk import refresh_staff

    with _desk(workspace, set_, at) as desk:
        if refresh:
            refresh_staff(desk.parts, desk.parts.newest_date(), desk.at)
        found = desk.tasks.people(desk.at)
        if json_:
            masked = [(replace(person, name=mask_name(person.name)), load) for person, load in found]
            show_json([{"person": person, "load": load} for person, load in masked])
        else:
            show_sheet(desk.words.people_sheet(found))
