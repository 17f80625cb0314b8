"""Messages over WeCom: tasks that an employee confirms, their results, and reminders.

Accepted means that the task has been created. The platform has no key of ours and cannot be asked by one: a task whose
answer never came stays unknown, and a person looks into the employee's list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cultiva.contracts.delivery import Message, Overdue, Provider, Receipt, Report, Sent
from cultiva.definitions.providers import ProviderSettings, WecomSettings
from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.web import Web
from cultiva.execution.channels.wecom.api import Outcome, WecomApi
from cultiva.execution.channels.wecom.results import message_reports, moment_reports, reference_of
from cultiva.execution.channels.wecom.tasks import (
    CUSTOMERS_MAX,
    GROUPS_MAX,
    Task,
    groups_of,
    may_remind,
    message_body,
    moment_body,
    problem_of,
    task_of,
)
from cultiva.kit.clock import Clock, seconds


def open_wecom(settings: ProviderSettings, *, root: Path, clock: Clock) -> Provider:
    """Access to WeCom; see `service.open_provider`."""
    return Wecom(settings, root=root, clock=clock)


class Wecom:
    """See `contracts.delivery.Provider`."""

    repeats_safely = False
    traceable = False

    def __init__(self, settings: ProviderSettings, *, root: Path, clock: Clock) -> None:
        own: WecomSettings = settings.section()
        self._own = own
        self._clock = clock
        self._web = Web(timeout_seconds=settings.timeout_seconds / 2)  # a message may need a token first
        self._api = WecomApi(
            self._web,
            revealed(settings.url, root=root),
            corp_id=own.corp_id,
            secret=revealed(own.secret, root=root),
            seconds=seconds,
        )
        self._told: set[str] = set()
        self._polled: float | None = None
        self._jobs: set[str] = set()
        self._waiting: dict[str, datetime] = {}
        self._reminded: dict[str, list[datetime]] = {}

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        moment = self._own.mode == "moments"
        refused = {message.key: problem_of(task_of(message), message.address, moment=moment) for message in messages}
        receipts = [Receipt(key, Sent.REFUSED, problem=problem) for key, problem in refused.items() if problem]
        most = GROUPS_MAX if self._own.mode == "group" else CUSTOMERS_MAX
        for task, members in groups_of((one for one in messages if not refused[one.key]), most=most):
            receipts += self._created(task, members)
        return receipts

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        return [Receipt(key, Sent.UNKNOWN, problem="WeCom cannot be asked by our key") for key in keys]

    def poll(self) -> Sequence[Report]:
        if self._polled is not None and seconds() - self._polled < self._own.results_every_seconds:
            return []
        self._polled = seconds()
        self._waiting.clear()
        new = [report for report in self._reports(self._clock()) if report.report_id not in self._told]
        self._told |= {report.report_id for report in new}
        return new

    def close(self) -> None:
        self._web.close()

    def overdue(self) -> Sequence[Overdue]:
        after = self._own.remind_after_hours
        if after is None:
            return []
        waited = {task: (self._clock() - since) / timedelta(hours=after) for task, since in self._waiting.items()}
        number = {task: min(int(times), self._own.reminders_max) for task, times in waited.items()}
        return [Overdue(task, which) for task, which in sorted(number.items()) if which >= 1]

    def remind(self, reference: str) -> Receipt:
        """Reminds the employees who have not confirmed a task; at most three times in 24 hours.

        Args:
            reference: Of any message of the task.
        """
        task_id, now = reference.partition("/")[0], self._clock()
        earlier = self._reminded.setdefault(task_id, [])
        if not may_remind(earlier, now):
            return Receipt(reference, Sent.LATER, problem="reminded three times within 24 hours")
        found = self._api.asked("externalcontact/remind_groupmsg_send", {"msgid": task_id})
        if found.good:
            earlier.append(now)
        return _receipt(reference, found, task_id)

    def _created(self, task: Task, members: Sequence[Message]) -> Iterator[Receipt]:
        """One task for all its customers."""
        if self._own.mode == "moments":
            found = self._api.asked("externalcontact/add_moment_task", moment_body(task))
            task_id = str(found.data.get("jobid", ""))
            if found.good:
                self._jobs.add(task_id)
        else:
            body = message_body(task, [one.address for one in members], group=self._own.mode == "group")
            found = self._api.asked("externalcontact/add_msg_template", body)
            task_id = str(found.data.get("msgid", ""))
        failed = set(found.data.get("fail_list") or ())
        for message in members:
            if found.good and message.address in failed:
                yield Receipt(message.key, Sent.REFUSED, problem="not this employee's customer, or over the quota")
            else:
                yield _receipt(message.key, found, reference_of(task_id, message.address))

    def _reports(self, now: datetime) -> Iterator[Report]:
        if self._own.mode == "moments":
            for job in sorted(self._jobs):
                yield from moment_reports(self._api, job, at=now)
        else:
            yield from message_reports(
                self._api, chat_type=self._own.mode, days=self._own.results_days, at=now, waiting=self._waiting
            )


def _receipt(key: str, found: Outcome, reference: str) -> Receipt:
    if found.good:
        return Receipt(key, Sent.ACCEPTED, reference=reference)
    return Receipt(key, found.sent, problem=found.problem, retry_after=found.retry_after)
