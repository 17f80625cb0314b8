"""One task beside its customer: why, what to say, what is known, what may be done now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from cultiva.console.areas.work.rows import (
    called,
    kind_label,
    shown_name,
    shown_text,
    standing_label,
)
from cultiva.console.desk import ConsoleDesk
from cultiva.console.visitor import Visitor
from cultiva.contracts.sight import Sight
from cultiva.definitions.workbench import Result, Workbench
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.recipients.people import Reach
from cultiva.execution.tasks.records import Event, Opened, Person, Task
from cultiva.execution.tasks.states import ENDED, Standing
from cultiva.kit.masking import mask_phone
from cultiva.kit.words import say
from cultiva.loop.briefing import Briefing, briefing, closed, proposal
from cultiva.loop.desk_sheets import ACTIONS
from cultiva.loop.seeing import sees

MORNING = time(10, 0)
"""When a call back on another day is proposed."""


@dataclass(frozen=True)
class Button:
    """A result that can be logged by one click."""

    number: int
    """Key that does the same."""
    name: str
    label: str
    hint: str
    """What the definition says about it."""


@dataclass(frozen=True)
class HistoryLine:
    """One thing that happened to a task."""

    at: datetime
    actor: str
    action: str
    said: str


@dataclass(frozen=True)
class OtherTask:
    """Another open task about the same customer."""

    task_id: str
    kind: str
    standing: str
    due: datetime
    reason: str
    here: bool
    """Whether the visitor can open it here."""


@dataclass(frozen=True)
class Pane:
    """A task with everything that its page shows."""

    task: Task
    name: str
    phone: str
    masked: bool
    """Whether personal data are masked."""
    page: str
    """Address of the customer's page; empty where the customer is out of sight otherwise."""
    kind: str
    standing: str
    closed: str
    """Why the customer may not be contacted now; empty: they may be."""
    strategy: str
    offer: str
    reason: str
    script: str
    due: datetime
    late: bool
    best: tuple[datetime, datetime] | None
    promised: datetime | None
    mine: bool
    """Whether the visitor has accepted it."""
    ended: bool
    result: str
    buttons: tuple[Button, ...]
    amounts: tuple[Button, ...]
    """Results with an amount."""
    call_backs: tuple[Button, ...]
    """Results that promise a call."""
    moments: tuple[datetime, ...]
    """Proposed for a call back, in the bank's time."""
    briefing: Briefing | None
    others: tuple[OtherTask, ...]
    history: tuple[HistoryLine, ...]

    @property
    def offered(self) -> bool:
        """Whether it waits for somebody to accept or decline it."""
        return self.task.standing is Standing.OFFERED


@dataclass(frozen=True)
class Around:
    """What surrounds a task."""

    workbench: Workbench
    person: Person
    """The visitor in the bank's staff table."""
    beside: Sequence[int] = ()
    """Customers of the same list."""


def pane_of(desk: ConsoleDesk, who: Visitor, opened: Opened, around: Around) -> Pane:
    """A task as its page shows it; its own customer is in sight as long as the task is.

    Args:
        desk: Of the console.
        who: Who looks.
        opened: The task, which the queue has shown to them.
        around: What surrounds it.
    """
    return _Filling(desk, who, opened, around).pane()


@dataclass(frozen=True)
class _Filling:
    """Gathers what a page shows."""

    desk: ConsoleDesk
    who: Visitor
    opened: Opened
    around: Around

    @property
    def task(self) -> Task:
        return self.opened.task

    @property
    def workbench(self) -> Workbench:
        return self.around.workbench

    def pane(self) -> Pane:
        task, who, now = self.task, self.who, self.desk.now()
        known, reach = self.known(), self.desk.recipients.reach(task.customer_id)
        names = self.names(known, reach)
        phone = "" if known is None else str(known.who.get("phone") or "")
        personal = who.seeing(task.customer_id).personal
        plain, amounts, promising = self.results()
        strategy, offer = proposal(self.desk.told(who.language), task.strategy, task.offer)
        return Pane(
            task=task,
            name=shown_name(names[0], personal=personal),
            phone=phone if personal else mask_phone(phone) if phone else "",
            masked=not personal,
            page=f"/customers/{task.customer_id}" if sees(self.desk.parts, task.customer_id, who.sight) else "",
            kind=kind_label(who, self.workbench, task.kind),
            standing=standing_label(who, task),
            closed=self.closed(known, reach),
            strategy=strategy,
            offer=offer,
            reason=shown_text(task.reason, *names, personal=personal),
            script=shown_text(task.script, *names, personal=personal),
            due=self.desk.local(task.due),
            late=task.due < now and task.standing not in ENDED,
            best=self.best(),
            promised=None if task.promised is None else self.desk.local(task.promised),
            mine=task.standing is Standing.ACCEPTED and task.staff_id == self.around.person.staff_id,
            ended=task.standing in ENDED,
            result=self.result_label(task.result),
            buttons=plain,
            amounts=amounts,
            call_backs=promising,
            moments=self.moments(now),
            briefing=known,
            others=self.others(names, personal=personal),
            history=self.history(),
        )

    def known(self) -> Briefing | None:
        """What is known of the customer; who has the task sees them, until it is at an end."""
        seen = self.desk.parts.store.snapshots.latest("profile", None)
        if seen is None:
            return None
        parts = self.desk.told(self.who.language)
        sight = self.who.sight if self.task.standing in ENDED else Sight(whole_bank=True)
        on, beside = seen.business_date, self.around.beside
        return briefing(parts, self.task.customer_id, on, sight=sight, beside=beside)

    @staticmethod
    def names(known: Briefing | None, reach: Reach | None) -> tuple[str, str]:
        """The customer's name as execution knows it, which texts were filled with, and as the newest run does."""
        newest = "" if known is None else str(known.who.get("name") or "")
        return (newest if reach is None else reach.who.name), newest

    def closed(self, known: Briefing | None, reach: Reach | None) -> str:
        """Whether the call would be against the customer's wishes; asked again when the task is taken up."""
        kind, task = self.workbench.kind(self.task.kind), self.task
        if known is None or kind is None or not kind.contact or not task.channel or task.standing in ENDED:
            return ""
        return closed(self.desk.told(self.who.language), reach, task.channel, known.on)

    def best(self) -> tuple[datetime, datetime] | None:
        task = self.task
        if task.best_from is None or task.best_to is None:
            return None
        return self.desk.local(task.best_from), self.desk.local(task.best_to)

    def results(self) -> tuple[tuple[Button, ...], tuple[Button, ...], tuple[Button, ...]]:
        """Results by what they need besides a click: nothing, an amount, a moment."""
        bench = self.workbench
        kind = bench.kind(self.task.kind)
        possible = bench.results_of(kind) if kind is not None else bench.results
        plain = [one for one in possible if one.then != "call_back" and not one.amount]
        amounts = [one for one in possible if one.then != "call_back" and one.amount]
        promising = [one for one in possible if one.then == "call_back"]
        first, second = self.buttons(plain, 1), self.buttons(amounts, 1 + len(plain))
        return first, second, self.buttons(promising, 1 + len(plain) + len(amounts))

    def buttons(self, found: list[Result], begin: int) -> tuple[Button, ...]:
        language = self.who.language
        return tuple(
            Button(number, one.name, say(one.label, language), say(one.description, language))
            for number, one in enumerate(found, begin)
        )

    def result_label(self, name: str) -> str:
        found = self.workbench.result(name)
        return name if found is None else say(found.label, self.who.language)

    def moments(self, now: datetime) -> tuple[datetime, ...]:
        """In an hour, the next business day, in a week: what is asked for most."""
        local = self.desk.local(now).replace(second=0, microsecond=0)
        soon = local + timedelta(minutes=75 - local.minute % 15)
        calendar, today = Calendar.of(self.desk.parts.workspace), local.date()
        days = (calendar.add_business_days(today, 1), calendar.add_business_days(today + timedelta(days=6), 1))
        return soon, *(self.at(day) for day in days)

    def at(self, day: date) -> datetime:
        return self.desk.local(datetime.combine(day, MORNING))

    def others(self, names: tuple[str, str], *, personal: bool) -> tuple[OtherTask, ...]:
        return tuple(
            OtherTask(
                one.task_id, kind_label(self.who, self.workbench, one.kind), standing_label(self.who, one),
                self.desk.local(one.due), shown_text(one.reason, *names, personal=personal),
                one.staff_id == self.around.person.staff_id,
            )
            for one in self.opened.others
        )  # fmt: skip

    def history(self) -> tuple[HistoryLine, ...]:
        events = self.opened.history
        names = called(self.opened.names, [one.actor for one in events])
        language = self.who.language
        return tuple(
            HistoryLine(self.desk.local(one.at), names[one.actor], say(ACTIONS[one.action], language), self.said(one))
            for one in reversed(events)
        )

    def said(self, one: Event) -> str:
        """What an event says beyond its name: result, remark, whom it went to, the moment promised."""
        detail = {name: str(value) for name, value in one.detail.items() if value not in ("", None)}
        if "result" in detail:
            detail["result"] = self.result_label(detail["result"])
        if "call_at" in detail:
            detail["call_at"] = f"{self.desk.local(datetime.fromisoformat(detail['call_at'])):%m-%d %H:%M}"
        return " · ".join(detail[name] for name in ("result", "call_at", "to", "reason", "remark") if name in detail)
