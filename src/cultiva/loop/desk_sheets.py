"""What the desk shows to people: lists, one task with its history, people with their week, absences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from cultiva.definitions.workbench import Workbench
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.tasks.records import Absence, Event, Listed, Load, Person, Task
from cultiva.execution.tasks.states import Action, Standing
from cultiva.kit.masking import mask_name
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts

HEADINGS: Mapping[str, Words] = {
    "place": Words("序号", "place"),
    "task": Words("任务", "task"),
    "customer": Words("客户", "customer"),
    "name": Words("姓名", "name"),
    "kind": Words("类型", "kind"),
    "reason": Words("为什么", "why"),
    "worth": Words("价值", "worth"),
    "best": Words("最佳时间", "best time"),
    "due": Words("截止", "due"),
    "standing": Words("状态", "standing"),
    "lies": Words("所在", "lies in"),
    "branch": Words("网点", "branch"),
    "staff": Words("人员", "staff"),
    "roles": Words("角色", "roles"),
    "contacts": Words("本周触达", "contacts this week"),
    "contacts_max": Words("周上限", "most"),
    "in_hand": Words("在办", "in hand"),
    "first": Words("首日", "first day"),
    "last": Words("末日", "last day"),
    "cover": Words("代岗", "cover"),
    "number": Words("序号", "number"),
    "at": Words("时间", "at"),
    "actor": Words("操作人", "by"),
    "action": Words("动作", "action"),
    "detail": Words("内容", "detail"),
}
"""Columns as people read them."""
STANDINGS: Mapping[Standing, Words] = {
    Standing.QUEUED: Words("待领取", "in the queue"),
    Standing.ASSIGNED: Words("待接受", "to be accepted"),
    Standing.OFFERED: Words("移交中", "offered"),
    Standing.ACCEPTED: Words("办理中", "accepted"),
    Standing.DONE: Words("已完成", "done"),
    Standing.CANCELLED: Words("已撤销", "cancelled"),
    Standing.EXPIRED: Words("已过期", "expired"),
}
"""Where a task stands, in words."""
LIES: Mapping[str, Words] = {
    "own": Words("本人", "own list"),
    "queue": Words("公共队列", "queue"),
    "cover": Words("代岗", "cover"),
    "offered": Words("移交", "hand-over"),
    "counter": Words("厅堂", "counter"),
}
"""Where a task on a list comes from, in words."""
ACTIONS: Mapping[Action, Words] = {
    Action.CREATED: Words("生成", "created"),
    Action.ACCEPTED: Words("接受", "accepted"),
    Action.TAKEN_OVER: Words("代岗接办", "taken over"),
    Action.DECLINED: Words("谢绝移交", "declined"),
    Action.TRANSFERRED: Words("转派", "transferred"),
    Action.HANDED_OVER: Words("移交", "handed over"),
    Action.PASSED_ON: Words("转支行行长", "passed on to the manager"),
    Action.SENT_BACK: Words("退回", "sent back"),
    Action.ARRIVED: Words("到店", "customer arrived"),
    Action.NOTED_ARRIVAL: Words("到店提示", "arrival noted"),
    Action.TRIED: Words("未接通", "tried"),
    Action.PROMISED: Words("约定回电", "call promised"),
    Action.LOGGED: Words("登记结果", "result logged"),
    Action.FOLLOWED_UP: Words("生成跟进", "followed up"),
    Action.ESCALATED: Words("升级", "escalated"),
    Action.RETURNED: Words("退回队列", "back to the queue"),
    Action.CANCELLED: Words("撤销", "cancelled"),
    Action.EXPIRED: Words("过期", "expired"),
}
"""What happened to a task, in words."""
MOMENTS = frozenset({"answer_by", "call_at", "again", "due"})
"""Details of an event that are moments."""
_LIST = ("place", "task", "customer", "name", "kind", "reason", "worth", "best", "due", "standing", "lies")


class DeskWords:
    """The desk in the workspace's language and the bank's time.

    Args:
        parts: Of the workspace.
        bench: Its workbench.
    """

    def __init__(self, parts: Parts, bench: Workbench) -> None:
        self.language = parts.workspace.settings.language
        self._bench = bench
        self._zone = ZoneInfo(Calendar.of(parts.workspace).zone)

    def list_sheet(self, title: Words, found: Sequence[Listed]) -> Sheet:
        """Tasks in the order in which they should be done."""
        late = sum(one.late for one in found)
        full = sum(not one.fits_week for one in found)
        note = Words(
            f"{len(found)} 项任务，{late} 项逾期，{full} 项超出本周额度。",
            f"{len(found)} tasks, {late} late, {full} beyond this week's contacts.",
        )
        return self._sheet(title, _LIST, [self._listed(one) for one in found], note, formats={"worth": ",.0f"})

    def task_lines(
        self, task: Task, events: Sequence[Event], names: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[list[str], Sheet]:
        """One task: what it says line by line, and its history.

        Args:
            task: The task.
            events: What happened to it.
            names: Of the people in it, by staff id; shown masked.
        """

        def called(staff_id: str) -> str:
            return f"{staff_id} {mask_name(names[staff_id])}" if staff_id in names else staff_id

        parts = [self.kind(task.kind), self.standing(task), called(task.staff_id), task.role, task.branch_id]
        lines = [" · ".join(part for part in parts if part), f"{self.word('due')}: {self.clock(task.due)}"]
        lines.append(f"{self.word('best')}: {self._span(task)}")
        if task.answer_by is not None:
            lines.append(
                f"{say(Words('须在此前接受', 'to be accepted by'), self.language)}: {self.clock(task.answer_by)}"
            )
        lines += [f"{self.word('reason')}: {task.reason}"] if task.reason else []
        lines += [f"{say(Words('话术', 'script'), self.language)}: {task.script}"] if task.script else []
        rows = [
            (
                one.number,
                self.clock(one.at),
                called(one.actor),
                say(ACTIONS[one.action], self.language),
                self._said(one.detail),
            )
            for one in events
        ]
        columns = ("number", "at", "actor", "action", "detail")
        return lines, self._sheet(Words("经过", "history"), columns, rows)

    def people_sheet(self, found: Sequence[tuple[Person, Load]]) -> Sheet:
        """Everybody who does tasks, with this week's load."""
        rows = [
            (
                one.staff_id,
                mask_name(one.name),
                one.branch_id,
                self._roles(one),
                load.contacts,
                one.contacts_max,
                load.in_hand,
            )
            for one, load in found
        ]
        columns = ("staff", "name", "branch", "roles", "contacts", "contacts_max", "in_hand")
        return self._sheet(Words("人员与本周工作量", "people and their week"), columns, rows)

    def absence_sheet(self, found: Sequence[Absence]) -> Sheet:
        """Who is away, and who stands in."""
        queue = say(LIES["queue"], self.language)
        rows = [(one.staff_id, one.first_day, one.last_day, one.cover_id or queue) for one in found]
        return self._sheet(Words("缺勤与代岗", "absences and covers"), ("staff", "first", "last", "cover"), rows)

    def standing(self, task: Task) -> str:
        """Where a task stands, with its result."""
        found = say(STANDINGS[task.standing], self.language)
        result = self._bench.result(task.result)
        return f"{found} ({say(result.label, self.language)})" if result is not None else found

    def kind(self, name: str) -> str:
        """A kind of task as people call it."""
        found = self._bench.kind(name)
        return say(found.label, self.language) if found is not None else name

    def word(self, column: str) -> str:
        """A column's heading."""
        return say(HEADINGS[column], self.language)

    def clock(self, at: datetime) -> str:
        """A moment in the bank's time."""
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def _listed(self, one: Listed) -> tuple[Any, ...]:
        task = one.task
        who = (task.customer_id, mask_name(one.customer_name), self.kind(task.kind), task.reason, task.worth)
        when = (self._span(task), self.clock(task.due) + (" !" if one.late else ""))
        return (one.place, task.task_id, *who, *when, self.standing(task), say(LIES[one.lies], self.language))

    def _said(self, detail: Mapping[str, object]) -> str:
        said = {name: value for name, value in detail.items() if value not in ("", None)}
        moments = {name: self.clock(datetime.fromisoformat(str(said[name]))) for name in MOMENTS & said.keys()}
        return ", ".join(f"{name} {value}" for name, value in {**said, **moments}.items())

    def _span(self, task: Task) -> str:
        if task.best_from is None or task.best_to is None:
            kind = self._bench.kind(task.kind)
            hours = (kind.best_hours if kind is not None else None) or self._bench.best_hours
            return f"{hours.start:%H:%M}-{hours.end:%H:%M}"
        begin, end = (one.astimezone(self._zone) for one in (task.best_from, task.best_to))
        return f"{begin:%m-%d %H:%M}-{end:%H:%M}"

    def _roles(self, person: Person) -> str:
        found = [role for role in self._bench.roles if role.name in person.roles]
        return ", ".join(say(role.label, self.language) for role in found)

    def _sheet(
        self,
        title: Words,
        columns: tuple[str, ...],
        rows: Sequence[tuple[Any, ...]],
        note: Words | None = None,
        *,
        formats: Mapping[str, str] | None = None,
    ) -> Sheet:
        headings = {name: self.word(name) for name in columns}
        said = say(note, self.language) if note is not None else ""
        plain = {"customer": "d", "place": "d", "number": "d", **(formats or {})}
        return Sheet(say(title, self.language), columns, tuple(rows), headings=headings, formats=plain, note=said)
