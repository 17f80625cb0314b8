"""What people do with a task; every act once, however often its form is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Request, Response

from cultiva.console.areas.work.listing import TaskId, bench_facts
from cultiva.console.areas.work.rows import WorkList, staff_id_of, tasks_for, work_list
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, fragment, is_part
from cultiva.console.words import told
from cultiva.execution.access.roles import Right
from cultiva.execution.tasks.moving import Following, Receiver
from cultiva.execution.tasks.records import Logged
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.tasks.states import Action
from cultiva.kit.errors import CultivaError
from cultiva.loop.desk import minor, moment

routes = router("/work")
Remark = Annotated[str, Form(max_length=500)]
Seen = Annotated[int, Form(ge=0)]
Name = Annotated[str, Form(max_length=63)]
Act = Callable[[Tasks, str], object]
"""Does something as one of the staff."""
Going = Callable[[WorkList], str]
"""Names the task to go on with."""


@dataclass(frozen=True)
class Report:
    """What came of a task, as the form says it."""

    result: Annotated[str, Form(min_length=1, max_length=40)]
    seen: Seen
    remark: Remark = ""
    call_at: Annotated[str, Form(max_length=40)] = ""
    amount: Annotated[str, Form(max_length=20)] = ""


@dataclass(frozen=True)
class Acting:
    """A visitor who does something with a task."""

    request: Request
    task: TaskId
    who: Who
    desk: Ours

    def once(self, seen: int, action: Action, act: Act) -> Act:
        """The same act, unless this person has done it to the task as it was seen."""

        def acting(tasks: Tasks, staff_id: str) -> object:
            after = [one for one in tasks.history(self.task) if one.number == seen + 1]
            done = any(one.actor == staff_id and one.action is action for one in after)
            return None if done else act(tasks, staff_id)

        return acting

    def do(self, act: Act, said: str, *, stay: bool = False) -> Response:
        """Does it and goes on to the next task, or stays; without scripts by the address of the page.

        Raises:
            CultivaError: if it was not possible; to HTMX it is said above the task instead.
        """
        try:
            act(tasks_for(self.desk, self.who), staff_id_of(self.who))
        except CultivaError as error:
            if not is_part(self.request):
                raise
            return self._bench(lambda _: self.task, fault=error)
        going = (lambda _: self.task) if stay else (lambda found: found.after(self.task))
        if not is_part(self.request):
            tasks = tasks_for(self.desk, self.who)
            with tasks.looking() as looking:
                return back(_address(going(work_list(self.desk, self.who, looking))))
        return self._bench(going, said=told(self.who.language, said))

    def _bench(self, going: Going, *, said: str = "", fault: CultivaError | None = None) -> Response:
        """The list and the next task, as they are after what was done."""
        desk = self.desk.at_one_moment()
        try:
            facts = bench_facts(desk, self.who, going)
        except CultivaError:  # it has gone out of sight meanwhile
            facts = bench_facts(desk, self.who, lambda found: found.after(self.task))
        pane = facts["pane"]
        task = "" if pane is None else pane.task.task_id
        more = {"message": said, "fault": fault, "chosen": bool(task)}
        answer = fragment(self.request, self.who, "work/bench.html", **{**facts, **more})
        answer.headers["HX-Push-Url"] = _address(task)
        return answer


Acts = Annotated[Acting, Depends()]


@routes.post("/tasks/{task}/accept", **needs(Right.WORK))
def accept(acting: Acts) -> Response:
    """Takes a task up."""
    now = acting.desk.now()
    return acting.do(lambda tasks, me: tasks.accept(acting.task, me, now), "It is yours.", stay=True)


@routes.post("/tasks/{task}/result", **needs(Right.WORK))
def result(acting: Acts, report: Annotated[Report, Depends()]) -> Response:
    """Writes down what came of it; who had not taken it up does so by that."""

    def act(tasks: Tasks, me: str) -> None:
        tasks.report(acting.task, me, _logged(acting.desk, tasks, acting.task, report), acting.desk.now())

    return acting.do(act, "Written down.")


@routes.post("/tasks/{task}/follow-up", **needs(Right.WORK))
def follow_up(
    acting: Acts, kind: Name, seen: Seen, days: Annotated[int, Form(ge=0, le=365)] = 3, reason: Remark = ""
) -> Response:
    """Makes a task that comes of this one."""
    following, now = Following(kind, days=days, reason=reason, seen=seen), acting.desk.now()
    act = acting.once(seen, Action.FOLLOWED_UP, lambda tasks, me: tasks.follow_up(acting.task, me, following, now))
    return acting.do(act, "A follow-up is on its way.", stay=True)


@routes.post("/tasks/{task}/transfer", **needs(Right.WORK))
def transfer(acting: Acts, seen: Seen, to: Name = "", remark: Remark = "") -> Response:
    """Gives a task to a colleague, or back to the queue."""
    now = acting.desk.now()
    act = acting.once(
        seen, Action.TRANSFERRED, lambda tasks, me: tasks.transfer(acting.task, me, to, now, remark=remark)
    )
    return acting.do(act, "It was passed on.")


@routes.post("/tasks/{task}/hand-over", **needs(Right.WORK))
def hand_over(acting: Acts, seen: Seen, role: Name, to: Name = "", remark: Remark = "") -> Response:
    """Offers a task to another role, which must accept it in time."""
    receiver, now = Receiver(role, to.strip()), acting.desk.now()
    act = acting.once(
        seen, Action.HANDED_OVER, lambda tasks, me: tasks.hand_over(acting.task, me, receiver, now, remark=remark)
    )
    return acting.do(act, "It is offered; it comes back if nobody accepts it in time.")


@routes.post("/tasks/{task}/decline", **needs(Right.WORK))
def decline(acting: Acts, seen: Seen, remark: Remark = "") -> Response:
    """Sends a hand-over back."""
    now = acting.desk.now()
    act = acting.once(seen, Action.DECLINED, lambda tasks, me: tasks.decline(acting.task, me, now, remark=remark))
    return acting.do(act, "It went back to whoever sent it.")


def _logged(desk: ConsoleDesk, tasks: Tasks, task: str, report: Report) -> Logged:
    """The form as a log; the amount counts only with a result that has one, the moment only with one that promises."""
    found = tasks.workbench.result(report.result)
    promises = found is not None and found.then == "call_back"
    amount = _amount(report.amount) if found is not None and found.amount else None
    return Logged(
        result=report.result,
        remark=report.remark,
        call_at=moment(desk.parts, report.call_at) if promises else None,
        amount=amount,
        key=f"console:{task}:{report.seen}",
    )


def _amount(text: str) -> int | None:
    """Money as somebody writes it, in minor units."""
    plain = text.replace(",", "").replace("，", "").strip()
    if not plain:
        return None
    try:
        return minor(float(plain))
    except (ValueError, OverflowError) as error:
        raise CultivaError(
            "the amount cannot be read", code="work.amount", seen=text, allowed="a number, e.g. 50000 or 50,000.00"
        ) from error


def _address(task_id: str) -> str:
    return f"/work/tasks/{task_id}" if task_id else "/work"
