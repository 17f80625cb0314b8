"""Launches: what goes out, what was said of it, its test messages, and how it is held, let go on, or stopped.

The person who acts is the key: two who must not be the same need keys of two names.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from cultiva.api.desk import Desk
from cultiva.api.guard import Caller, IdempotencyKey, OurDesk, Seeing, acting, needs, router
from cultiva.api.masked import masked_json
from cultiva.api.money import to_text
from cultiva.api.outcomes import ShortText
from cultiva.api.paging import PAGE_DEFAULT, Cursor, Limit, cut, read_cursor
from cultiva.api.shapes import Page, Shape
from cultiva.execution.access.keys import Scope
from cultiva.execution.launching.launches import Enrols, Launch, State
from cultiva.execution.launching.states import Act, possible
from cultiva.kit.masking import mask_email, mask_phone
from cultiva.loop import campaigns, stopping, trials
from cultiva.loop.lineage import customer_meant
from cultiva.loop.seeing import explanation_in_sight

routes = router("/launches", "launches")
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


class ConsequencesShape(Shape):
    """What of a launch is on its way, and would be taken back if it were stopped now."""

    launch_id: str
    deliveries: int
    """Messages queued: cancelled, their touches given back."""
    leaving: int
    """Messages that are with their provider at this moment: they go out."""
    tasks: int
    """Tasks that are not at an end: cancelled, their reservations given back."""
    people: int
    """Customers on their way through the play: they go no further."""


class TestSendRequest(Shape):
    """Test messages of a launch go to the testers of approval.yaml."""

    customer: str | None = Field(default=None, min_length=1, max_length=200, examples=["51"])
    """Whose values are shown, masked: a customer id, or SYSTEM:ID; left out: one of those chosen."""


class TestSendShape(Shape):
    """A test message in the outbox."""

    delivery_id: str
    channel: str
    provider: str
    address: str
    """The tester's; masked unless the key has the scope `personal`."""


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
    found = sorted(desk.launches.all(states=() if state is None else (state,), strategy=strategy), key=_place)
    after = read_cursor(cursor, query, list)
    page, rest = cut([one for one in found if after is None or _place(one) > after], limit, query, _place)
    return Page[LaunchShape](items=[_launch(one) for one in page], next_cursor=rest)


def _place(one: Launch) -> list[float | str]:
    """Where it stands among the others, the newest first: also when it has left the list since."""
    return [-one.created.timestamp(), one.launch_id]


@routes.get("/{launch}", **needs(Scope.STRATEGIES, 404))
def launch(launch: LaunchId, desk: OurDesk, sight: Seeing) -> LaunchStoryShape:
    """One launch with its explanation and what was said of it."""
    found = desk.launches.one(launch)
    said = [
        JudgementShape(approver=one.approver, role=one.role, approved=one.approved, remark=one.remark, at=one.at)
        for one in desk.launches.judgements(found.launch_id)
    ]
    told = explanation_in_sight(desk.parts, found.explanation, sight)
    return LaunchStoryShape(
        launch=_launch(found),
        customers=found.customers,
        channels=list(found.channels),
        offers=list(found.offers),
        explanation={name: masked_json(name, value) for name, value in told.items()},
        judgements=said,
    )


@routes.post("", status_code=201, **needs(Scope.LAUNCHES, 404, once=True))
def submit(asked: SubmitRequest, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> LaunchShape:
    """Put a strategy forward; the key is its author, who cannot approve it."""
    day = desk.day(asked.business_date)
    with desk.engine() as parts:
        return _launch(campaigns.submit(parts, asked.strategy, day, enrols=asked.enrols, author=acting(caller)))


@routes.post("/{launch}/judgements/{verdict}", **needs(Scope.LAUNCHES, 404, once=True))
def judge(
    launch: LaunchId, verdict: VerdictName, said: JudgeRequest, desk: OurDesk, caller: Caller, _key: IdempotencyKey
) -> LaunchShape:
    """Approve or reject a launch in a role; never one's own."""
    found, person = desk.launches.one(launch), acting(caller)
    if verdict is Verdict.REJECT:
        return _launch(desk.launches.reject(found.launch_id, person, said.role, desk.now(), remark=said.remark))
    version = _version(desk, found)
    return _launch(
        desk.launches.approve(found.launch_id, person, said.role, desk.now(), remark=said.remark, version=version)
    )


@routes.post("/{launch}/throttle", **needs(Scope.LAUNCHES, 404, once=True))
def throttle(launch: LaunchId, asked: Throttle, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> LaunchShape:
    """Limit how fast a launch sends."""
    return _launch(desk.launches.throttle(launch, asked.per_minute_max, acting(caller), desk.now()))


@routes.get("/{launch}/consequences", **needs(Scope.STRATEGIES, 404, 409))
def consequences(launch: LaunchId, desk: OurDesk) -> ConsequencesShape:
    """What a stop of the launch would take back now; ask before it is stopped."""
    found, waiting = stopping.would_stop(desk.parts, launch)
    return ConsequencesShape(launch_id=found.launch_id, **asdict(waiting))


@routes.post("/{launch}/test-sends", status_code=201, **needs(Scope.LAUNCHES, 404, once=True))
def send_tests(
    launch: LaunchId, asked: TestSendRequest, desk: OurDesk, sight: Seeing, _key: IdempotencyKey
) -> list[TestSendShape]:
    """Send test messages of a launch to the testers of approval.yaml, with nobody's personal data in them."""
    found = desk.launches.one(launch)
    with desk.engine() as parts:
        who = None
        if asked.customer is not None:
            who = customer_meant(parts, asked.customer, found.business_date, sight=sight).customer_id
        sent = trials.send_trials(parts, found.launch_id, desk.now(), sight=sight, customer_id=who)
    return [
        TestSendShape(
            delivery_id=one.delivery_id,
            channel=one.channel,
            provider=one.provider,
            address=one.address if sight.personal else (mask_email if "@" in one.address else mask_phone)(one.address),
        )
        for one in sent
    ]


@routes.post("/{launch}/{act}", **needs(Scope.LAUNCHES, 404, once=True))
def act(
    launch: LaunchId, act: ActName, why: ActRequest, desk: OurDesk, caller: Caller, _key: IdempotencyKey
) -> LaunchShape:
    """Let an approved launch go, pause, resume, stop or finish it; the audit keeps by whom and what was taken back."""
    desks, by, now = desk.launches, acting(caller), desk.now()
    if act is PlainAct.LAUNCH:
        found = desks.one(launch)
        return _launch(desks.go_live(found.launch_id, by, now, version=_version(desk, found)))
    if act is PlainAct.STOP:
        return _launch(stopping.stop(desk.parts, launch, by, now, remark=why.remark)[0])
    does = {PlainAct.PAUSE: desks.pause, PlainAct.RESUME: desks.resume, PlainAct.FINISH: desks.finish}[act]
    return _launch(does(launch, by, now, remark=why.remark))


def _version(desk: Desk, found: Launch) -> str:
    """The version of the launch's strategy as it stands now; one that nothing has if it is gone."""
    return campaigns.current_version(desk.parts, found.strategy) or "gone"


def _launch(one: Launch) -> LaunchShape:
    same = ("launch_id", "strategy", "version", "business_date", "enrols", "state", "author", "per_minute_max",
            "created", "changed")  # fmt: skip
    return LaunchShape(
        **{name: getattr(one, name) for name in same}, possible=list(possible(one.state)), cost=to_text(one.cost)
    )
