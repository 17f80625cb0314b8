"""The client: one method per path of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter

from cultiva.client import shapes
from cultiva.client.decide import Decisions
from cultiva.client.events import Events
from cultiva.client.transport import Transport

Item = TypeVar("Item", bound=BaseModel)
TIMEOUT_SECONDS = 60.0


class Client:
    """Asks and tells Cultiva over HTTP.

    Args:
        address: Of the API, e.g. `http://127.0.0.1:8000`.
        key: The API key.
        http: An httpx client to use instead, e.g. with a proxy or certificates of one's own; `address` is then its.
    """

    def __init__(self, address: str, key: str, *, http: httpx.Client | None = None, repeats: int = 4) -> None:
        opened = http or httpx.Client(base_url=address, timeout=TIMEOUT_SECONDS)
        self._api = Transport(opened, key, repeats)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections back."""
        self._api.http.close()

    @property
    def events(self) -> Events:
        """What customers do, told as it happens."""
        return Events(self._api)

    @property
    def decide(self) -> Decisions:
        """What customers get now."""
        return Decisions(self._api)

    def ready(self) -> shapes.Ready:
        """Whether store and lake answer."""
        return self._get(shapes.Ready, "/ready")

    def customer(self, customer: int | str, *, on: date | None = None) -> shapes.Customer:
        """Who a customer is; by id or `SYSTEM:ID`."""
        return self._get(shapes.Customer, _of(customer), date=on)

    def profile(self, customer: int | str, *, on: date | None = None) -> shapes.Profile:
        """Every tag of a customer."""
        return self._get(shapes.Profile, f"{_of(customer)}/profile", date=on)

    def track(self, customer: int | str, *, on: date | None = None, page: int = 50) -> Iterator[shapes.Moment]:
        """Everything that a customer did and lived through, newest first; pages are fetched as they are needed."""
        return self._pages(shapes.Moment, f"{_of(customer)}/track", date=on, limit=page)

    def decisions(
        self, customer: int | str, *, on: date | None = None, explain: bool | None = None
    ) -> shapes.Decisions:
        """What was decided about a customer, and why."""
        return self._get(shapes.Decisions, f"{_of(customer)}/decisions", date=on, explain=explain)

    def membership(self, customer: int | str, segment: str, *, on: date | None = None) -> shapes.Membership:
        """Why a customer is in a segment or not."""
        return self._get(shapes.Membership, f"{_of(customer)}/segments/{_part(segment)}", date=on)

    def segments(self, *, on: date | None = None, page: int = 50) -> Iterator[shapes.Segment]:
        """Every segment, by name."""
        return self._pages(shapes.Segment, "/v1/segments", date=on, limit=page)

    def segment(self, segment: str, *, on: date | None = None) -> shapes.Segment:
        """One segment."""
        return self._get(shapes.Segment, f"/v1/segments/{_part(segment)}", date=on)

    def members(self, segment: str, *, on: date | None = None, page: int = 1000) -> Iterator[int]:
        """Who is in a segment, by customer id."""
        for one in self._raw_pages(f"/v1/segments/{_part(segment)}/members", {"date": on, "limit": page}):
            yield from shapes.Page[int].model_validate_json(one).items

    def count(self, rule: str, *, on: date | None = None) -> shapes.Count:
        """How many customers a condition is true for, exactly."""
        body = {"rule": rule, "business_date": on and on.isoformat()}
        return self._post(shapes.Count, "/v1/counts", body, "")

    def strategies(self, *, on: date | None = None, page: int = 50) -> Iterator[shapes.Strategy]:
        """Every strategy, by name."""
        return self._pages(shapes.Strategy, "/v1/strategies", date=on, limit=page)

    def strategy(self, strategy: str, *, on: date | None = None) -> shapes.Strategy:
        """One strategy."""
        return self._get(shapes.Strategy, f"/v1/strategies/{_part(strategy)}", date=on)

    def launches(
        self, *, state: str | None = None, strategy: str | None = None, page: int = 50
    ) -> Iterator[shapes.Launch]:
        """Launches, the newest first."""
        return self._pages(shapes.Launch, "/v1/launches", state=state, strategy=strategy, limit=page)

    def launch(self, launch_id: str) -> shapes.LaunchStory:
        """One launch with its explanation and what was said of it."""
        return self._get(shapes.LaunchStory, f"/v1/launches/{_part(launch_id)}")

    def submit(self, strategy: str, *, enrols: str = "once", on: date | None = None, once: str = "") -> shapes.Launch:
        """Puts a strategy forward; the key is its author."""
        body = {"strategy": strategy, "enrols": enrols, "business_date": on and on.isoformat()}
        return self._post(shapes.Launch, "/v1/launches", body, once)

    def judge(self, launch_id: str, verdict: str, role: str, *, remark: str = "", once: str = "") -> shapes.Launch:
        """Says `approve` or `reject` in a role."""
        path = f"/v1/launches/{_part(launch_id)}/judgements/{_part(verdict)}"
        return self._post(shapes.Launch, path, {"role": role, "remark": remark}, once)

    def act(self, launch_id: str, act: str, *, remark: str = "", once: str = "") -> shapes.Launch:
        """Lets a launch go, pauses, resumes, stops or finishes it.

        Args:
            launch_id: Which.
            act: launch, pause, resume, stop or finish.
            remark: Why.
            once: Idempotency key, if the caller itself may ask again.
        """
        path = f"/v1/launches/{_part(launch_id)}/{_part(act)}"
        return self._post(shapes.Launch, path, {"remark": remark}, once)

    def consequences(self, launch_id: str) -> shapes.Consequences:
        """What a stop of a launch would take back now."""
        return self._get(shapes.Consequences, f"/v1/launches/{_part(launch_id)}/consequences")

    def send_tests(self, launch_id: str, *, customer: int | str | None = None, once: str = "") -> list[shapes.TestSend]:
        """Sends test messages of a launch to the testers, with a customer's values, masked."""
        body = {"customer": None if customer is None else str(customer)}
        sent = self._api.send("POST", f"/v1/launches/{_part(launch_id)}/test-sends", body=body, once=once)
        return TypeAdapter(list[shapes.TestSend]).validate_json(sent)

    def throttle(self, launch_id: str, per_minute_max: int | None, *, once: str = "") -> shapes.Launch:
        """Limits how fast a launch sends; None: as fast as providers take."""
        path = f"/v1/launches/{_part(launch_id)}/throttle"
        return self._post(shapes.Launch, path, {"per_minute_max": per_minute_max}, once)

    def halts(self) -> list[shapes.Halt]:
        """Emergency stops in force."""
        sent = self._api.send("GET", "/v1/halts")
        return TypeAdapter(list[shapes.Halt]).validate_json(sent)

    def halt(self, scope: str, reason: str, *, once: str = "") -> shapes.Halt:
        """Stops everything within `all`, `channel:<name>` or `strategy:<name>` at once."""
        return self._post(shapes.Halt, "/v1/halts", {"scope": scope, "reason": reason}, once)

    def lift(self, scope: str, *, reason: str = "", once: str = "") -> shapes.Halt:
        """Lifts an emergency stop; where policy demands it, with a key of another name than it was set with."""
        return self._post(shapes.Halt, "/v1/halts/lift", {"scope": scope, "reason": reason}, once)

    def tasks(
        self, *, staff: str | None = None, role: str | None = None, branch: str | None = None, page: int = 50
    ) -> Iterator[shapes.Listed]:
        """Somebody's list, or a role's queue, best first."""
        return self._pages(shapes.Listed, "/v1/tasks", staff=staff, role=role, branch=branch, limit=page)

    def task(self, task_id: str) -> shapes.TaskStory:
        """One task and what happened to it."""
        return self._get(shapes.TaskStory, f"/v1/tasks/{_part(task_id)}")

    def accept(self, task_id: str, staff_id: str, *, once: str = "") -> shapes.Task:
        """Takes a task up for somebody."""
        return self._post(shapes.Task, f"/v1/tasks/{_part(task_id)}/accept", {"staff_id": staff_id}, once)

    def log_result(self, task_id: str, report: shapes.ResultReport, *, once: str = "") -> shapes.Task:
        """Logs what came of a task."""
        return self._post(shapes.Task, f"/v1/tasks/{_part(task_id)}/result", report.model_dump(mode="json"), once)

    def transfer(self, task_id: str, staff_id: str, to: str = "", *, remark: str = "", once: str = "") -> shapes.Task:
        """Gives a task to somebody else of the same work; to nobody: back to the queue."""
        body = {"staff_id": staff_id, "to": to, "remark": remark}
        return self._post(shapes.Task, f"/v1/tasks/{_part(task_id)}/transfer", body, once)

    def hand_over(  # noqa: PLR0913  (what a hand-over is)
        self,
        task_id: str,
        staff_id: str,
        role: str,
        to: str = "",
        *,
        answer_by: datetime | None = None,
        remark: str = "",
        once: str = "",
    ) -> shapes.Task:
        """Hands a task over to another role or tier, to be accepted in time."""
        body = {"staff_id": staff_id, "role": role, "to": to, "answer_by": answer_by and answer_by.isoformat(),
                "remark": remark}  # fmt: skip
        return self._post(shapes.Task, f"/v1/tasks/{_part(task_id)}/hand-over", body, once)

    def decline(self, task_id: str, staff_id: str, *, remark: str = "", once: str = "") -> shapes.Task:
        """Sends a hand-over back to where it came from."""
        body = {"staff_id": staff_id, "remark": remark}
        return self._post(shapes.Task, f"/v1/tasks/{_part(task_id)}/decline", body, once)

    def staff(self, *, branch: str | None = None, role: str | None = None, page: int = 50) -> Iterator[shapes.Staff]:
        """Who does tasks, by staff id, with this week's load."""
        return self._pages(shapes.Staff, "/v1/staff", branch=branch, role=role, limit=page)

    def absences(self, *, on: date | None = None) -> list[shapes.Absence]:
        """Who is away, on a day or at all."""
        return TypeAdapter(list[shapes.Absence]).validate_json(self._api.send("GET", "/v1/absences", query={"on": on}))

    def note_absence(self, absence: shapes.Absence, *, once: str = "") -> shapes.Absence:
        """Notes that somebody is away, and who stands in."""
        return self._post(shapes.Absence, "/v1/absences", absence.model_dump(mode="json"), once)

    def take_back_absence(self, staff_id: str, first_day: date, *, once: str = "") -> list[shapes.Absence]:
        """Takes an absence back; gives what the person is still away for."""
        path = f"/v1/absences/{_part(staff_id)}/{first_day.isoformat()}/take-back"
        return TypeAdapter(list[shapes.Absence]).validate_json(self._api.send("POST", path, body=None, once=once))

    def arrive(self, customer: int | str, branch_id: str, *, once: str = "") -> shapes.ArrivalTasks:
        """A customer came by; gives what to talk about."""
        body = {"customer": str(customer), "branch_id": branch_id}
        return self._post(shapes.ArrivalTasks, "/v1/arrivals", body, once)

    def report(self, outcome: shapes.OutcomeReport, *, once: str = "") -> shapes.OutcomeTaken:
        """Reports one outcome.

        Args:
            outcome: What a customer did.
            once: Idempotency key, if the caller itself may report it again.
        """
        return self._post(shapes.OutcomeTaken, "/v1/outcomes", outcome.model_dump(mode="json"), once)

    def report_batch(self, outcomes: Sequence[shapes.OutcomeReport], *, once: str = "") -> list[shapes.OutcomeTaken]:
        """Reports up to 1,000 outcomes; all are taken or none."""
        body = {"outcomes": [one.model_dump(mode="json") for one in outcomes]}
        return self._post(shapes.OutcomesTaken, "/v1/outcomes/batch", body, once).outcomes

    def consents(self, customer: int | str) -> shapes.Consents:
        """What a customer has allowed."""
        return self._get(shapes.Consents, f"{_of(customer)}/consent")

    def change_consent(
        self, customer: int | str, channel: str, *, granted: bool, at: datetime | None = None, evidence: str = ""
    ) -> shapes.Consents:
        """Grants or withdraws consent on one channel."""
        body = {"granted": granted, "at": at and at.isoformat(), "evidence": evidence}
        sent = self._api.send("PUT", f"{_of(customer)}/consent/{_part(channel)}", body=body)
        return shapes.Consents.model_validate_json(sent)

    def withdraw(self, customer: int | str, *, evidence: str = "", once: str = "") -> shapes.Consents:
        """Withdraws every consent of a customer."""
        return self._post(shapes.Consents, f"{_of(customer)}/consent/withdraw", {"evidence": evidence}, once)

    def export_segment(
        self, segment: str, *, tags: Sequence[str] = (), file_format: str = "csv", on: date | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The members of a segment with chosen tags, as the pieces of a file."""
        query = {"format": file_format, "tags": list(tags) or None, "date": on}
        return self._api.stream(f"/v1/exports/segments/{_part(segment)}", query)

    def export_decisions(
        self, *, strategy: str | None = None, fate: str | None = None, file_format: str = "csv", on: date | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The decisions of a date, as the pieces of a file."""
        query = {"format": file_format, "strategy": strategy, "fate": fate, "date": on}
        return self._api.stream("/v1/exports/decisions", query)

    def _get(self, shape: type[Item], path: str, **query: Any) -> Item:
        return shape.model_validate_json(self._api.send("GET", path, query=query))

    def _post(self, shape: type[Item], path: str, body: object, once: str) -> Item:
        return shape.model_validate_json(self._api.send("POST", path, body=body, once=once))

    def _pages(self, shape: type[Item], path: str, **query: Any) -> Iterator[Item]:
        for one in self._raw_pages(path, query):
            yield from shapes.Page[shape].model_validate_json(one).items  # type: ignore[valid-type]

    def _raw_pages(self, path: str, query: Mapping[str, Any]) -> Iterator[bytes]:
        cursor: str | None = None
        while True:
            sent = self._api.send("GET", path, query={**query, "cursor": cursor})
            yield sent
            cursor = shapes.Page[Any].model_validate_json(sent).next_cursor
            if cursor is None:
                return


def _of(customer: int | str) -> str:
    return f"/v1/customers/{_part(str(customer))}"


def _part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe=":")
