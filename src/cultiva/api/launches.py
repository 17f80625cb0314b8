"""Launches: what goes out, what was said of it, and how it is held, let go on, or stopped; emergency stops.

The person who acts is the key: two who must not be the same need keys of two names.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from cultiva.api.desk import Desk
from cultiva.api.guard import Caller, IdempotencyKey, OurDesk, needs, router
from cultiva.api.masked import masked_json
from cultiva.api.money import to_text
from cultiva.api.outcomes import ShortText
from cultiva.api.paging import PAGE_DEFAULT, Cursor, Limit, cut, read_cursor
from cultiva.api.shapes import Page, Shape
from cultiva.execution.access.keys import ApiKey, Scope
from cultiva.execution.launching.launches import Enrols, Halt, Launch, Person, State
from cultiva.execution.launching.states import Act, possible
from cultiva.loop import campaigns

routes = router("/launches", "launches")
halts = router("/halts", "launches")
LaunchId = Annotated[str, Path(max_length=40, description="Id of a launch.", examples=["9d2f63c01a7be845"])]


class PlainAct(StrEnum):
    """What a key may do to a launch."""

    LAUNCH = "launch"
    """Let an approved one go out."""
    PAUSE = "pause"
    """Hold it; people keep their place."""
    RESUME = "resume"
    """Go on after a pause."""
    STOP = "stop"
    """Break it off for good."""
    FINISH = "finish"
    """Say that it is done."""


class Verdict(StrEnum):
    """What a second person says."""

    APPROVE = "approve"
    """Yes, in a role."""
    REJECT = "reject"
    """No; one no is enough."""


class SubmitRequest(Shape):
    """A strategy is put forward as the plan of a business date has it."""

    strategy: str = Field(min_length=1, max_length=200, examples=["car_owner_card"])
    enrols: Enrols = "once"
    """once: who was chosen on that date; daily: who is chosen by each day's plan from then on."""
    business_date: date | None = None
    """Left out: the newest run."""


class JudgeRequest(Shape):
    """A judgement in a role of approval.yaml."""

    role: str = Field(min_length=1, max_length=63, examples=["campaign_lead"])
    remark: ShortText = ""


ActName = Annotated[PlainAct, Path(description="What to do.")]
VerdictName = Annotated[Verdict, Path(description="What is said.")]


class LaunchShape(Shape):
    """A strategy put forward, approved, and carried out."""

    launch_id: str
    strategy: str
    version: str
    """Of everything that was approved; its content's hash."""
    business_date: date
    """Of the plan that was explained."""
    enrols: str
    """once, or daily."""
    state: State
    possible: list[Act]
    """What can be done in this state."""
    author: str
    cost: str
    """Planned, money."""
    per_minute_max: int | None
    """Throttle over all channels; null: none."""
    created: datetime
    changed: datetime


class JudgementShape(Shape):
    """What a second person said."""

    approver: str
    role: str
    approved: bool
    remark: str
    at: datetime


class LaunchStoryShape(Shape):
    """A launch with its explanation and what was said of it."""

    launch: LaunchShape
    customers: int
    """How many it was explained with."""
    channels: list[str]
    offers: list[str]
    explanation: dict[str, object]
    """What approvers read; what looks personal is masked."""
    judgements: list[JudgementShape]
    """The oldest first."""


class ActRequest(Shape):
    """Why it is done."""

    remark: ShortText = ""


class Throttle(Shape):
    """How fast a launch may send."""

    per_minute_max: int | None = Field(ge=1, le=1_000_000, examples=[600])
    """Messages a minute over all channels; null: as many as providers take."""


class HaltShape(Shape):
    """An emergency stop in force."""

    scope: str
    reason: str
    actor: str
    at: datetime


class HaltRequest(Shape):
    """Stop everything within a scope at once."""

    scope: str = Field(min_length=1, max_length=200, examples=["channel:sms"])
    """`all`, `channel:<name>` or `strategy:<name>`."""
    reason: str = Field(min_length=1, max_length=1000, examples=["wrong rate in the text"])


@routes.get("", **needs(Scope.STRATEGIES))
def launches(
    desk: OurDesk,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    strategy: Annotated[str | None, Query(max_length=200, description="Only those of this strategy.")] = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Page[LaunchShape]:
    """Launches, the newest first."""
    query = ["launches", state, strategy]
    place = read_cursor(cursor, query, str)
    found = [_launch(one) for one in desk.launches.all(states=() if state is None else (state,), strategy=strategy)]
    ids = [one.launch_id for one in found]
    begin = ids.index(place) + 1 if place in ids else 0
    page, rest = cut(found[begin:], limit, query, lambda one: one.launch_id)
    return Page[LaunchShape](items=page, next_cursor=rest)


@routes.get("/{launch}", **needs(Scope.STRATEGIES, 404))
def launch(launch: LaunchId, desk: OurDesk) -> LaunchStoryShape:
    """One launch with its explanation and what was said of it."""
    found = desk.launches.one(launch)
    said = [
        JudgementShape(approver=one.approver, role=one.role, approved=one.approved, remark=one.remark, at=one.at)
        for one in desk.launches.judgements(found.launch_id)
    ]
    return LaunchStoryShape(
        launch=_launch(found),
        customers=found.customers,
        channels=list(found.channels),
        offers=list(found.offers),
        explanation={name: masked_json(name, value) for name, value in found.explanation.items()},
        judgements=said,
    )


@routes.post("", status_code=201, **needs(Scope.LAUNCHES, 404, once=True))
def submit(asked: SubmitRequest, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> LaunchShape:
    """Put a strategy forward; the key is its author, who cannot approve it."""
    day = desk.day(asked.business_date)
    with desk.engine() as parts:
        return _launch(campaigns.submit(parts, asked.strategy, day, enrols=asked.enrols, author=_person(caller)))


@routes.post("/{launch}/judgements/{verdict}", **needs(Scope.LAUNCHES, 404, once=True))
def judge(
    launch: LaunchId, verdict: VerdictName, said: JudgeRequest, desk: OurDesk, caller: Caller, _key: IdempotencyKey
) -> LaunchShape:
    """Approve or reject a launch in a role; never one's own."""
    found, person = desk.launches.one(launch), _person(caller)
    if verdict is Verdict.REJECT:
        return _launch(desk.launches.reject(found.launch_id, person, said.role, desk.now(), remark=said.remark))
    version = _version(desk, found)
    return _launch(
        desk.launches.approve(found.launch_id, person, said.role, desk.now(), remark=said.remark, version=version)
    )


@routes.post("/{launch}/throttle", **needs(Scope.LAUNCHES, 404, once=True))
def throttle(launch: LaunchId, asked: Throttle, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> LaunchShape:
    """Limit how fast a launch sends."""
    return _launch(desk.launches.throttle(launch, asked.per_minute_max, _person(caller), desk.now()))


@routes.post("/{launch}/{act}", **needs(Scope.LAUNCHES, 404, once=True))
def act(
    launch: LaunchId, act: ActName, why: ActRequest, desk: OurDesk, caller: Caller, _key: IdempotencyKey
) -> LaunchShape:
    """Let an approved launch go, pause, resume, stop or finish it; the audit keeps who did it."""
    desks, person, now = desk.launches, _person(caller), desk.now()
    if act is PlainAct.LAUNCH:
        found = desks.one(launch)
        return _launch(desks.go_live(found.launch_id, person, now, version=_version(desk, found)))
    does = {
        PlainAct.PAUSE: desks.pause,
        PlainAct.RESUME: desks.resume,
        PlainAct.STOP: desks.stop,
        PlainAct.FINISH: desks.finish,
    }[act]
    return _launch(does(launch, person, now, remark=why.remark))


@halts.get("", **needs(Scope.STRATEGIES))
def halted(desk: OurDesk) -> list[HaltShape]:
    """Emergency stops in force."""
    return [_halt(one) for _, one in sorted(desk.launches.halts().items())]


@halts.post("", status_code=201, **needs(Scope.LAUNCHES, 404, once=True))
def halt(asked: HaltRequest, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> HaltShape:
    """Stop everything within a scope at once. Lifting it takes a person at the command line."""
    return _halt(desk.launches.halt(asked.scope, asked.reason, _person(caller), desk.now()))


def _person(caller: ApiKey) -> Person:
    return Person(caller.name, via=f"key {caller.key_id}")


def _version(desk: Desk, found: Launch) -> str:
    """The version of the launch's strategy as it stands now; one that nothing has if it is gone."""
    return campaigns.current_version(desk.parts, found.strategy) or "gone"


def _launch(one: Launch) -> LaunchShape:
    same = ("launch_id", "strategy", "version", "business_date", "enrols", "state", "author", "per_minute_max",
            "created", "changed")  # fmt: skip
    return LaunchShape(
        **{name: getattr(one, name) for name in same}, possible=list(possible(one.state)), cost=to_text(one.cost)
    )


def _halt(one: Halt) -> HaltShape:
    return HaltShape(scope=one.scope, reason=one.reason, actor=one.actor, at=one.at)
