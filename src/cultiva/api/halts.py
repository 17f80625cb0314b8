"""Emergency stops: set by one, lifted by another."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from cultiva.api.guard import Caller, IdempotencyKey, OurDesk, acting, needs, router
from cultiva.api.outcomes import ShortText
from cultiva.api.shapes import Shape
from cultiva.execution.access.keys import Scope
from cultiva.execution.launching.launches import Halt
from cultiva.loop import campaigns

routes = router("/halts", "launches")


class HaltShape(Shape):
    """An emergency stop."""

    scope: str
    reason: str
    actor: str
    """Who set it."""
    at: datetime


class HaltRequest(Shape):
    """Stop everything within a scope at once."""

    scope: str = Field(min_length=1, max_length=200, examples=["channel:sms"])
    """`all`, `channel:<name>` or `strategy:<name>`."""
    reason: str = Field(min_length=1, max_length=1000, examples=["wrong rate in the text"])


class LiftRequest(Shape):
    """Lift the emergency stop of a scope."""

    scope: str = Field(min_length=1, max_length=200, examples=["channel:sms"])
    """The scope with which it was set."""
    reason: ShortText = ""
    """Why it may go on."""


@routes.get("", **needs(Scope.STRATEGIES))
def halted(desk: OurDesk) -> list[HaltShape]:
    """Emergency stops in force."""
    return [_halt(one) for _, one in sorted(desk.launches.halts().items())]


@routes.post("", status_code=201, **needs(Scope.LAUNCHES, 404, once=True))
def halt(asked: HaltRequest, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> HaltShape:
    """Stop everything within a scope at once; nothing more is sent in it until it is lifted."""
    scope = campaigns.known_scope(desk.parts, asked.scope)
    return _halt(desk.launches.halt(scope, asked.reason, acting(caller), desk.now()))


@routes.post("/lift", **needs(Scope.LAUNCHES, 404, once=True))
def lift(asked: LiftRequest, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> HaltShape:
    """Lift an emergency stop. Where approval.yaml demands a second person, its key needs another name."""
    return _halt(desk.launches.lift(asked.scope, acting(caller), desk.now(), reason=asked.reason))


def _halt(one: Halt) -> HaltShape:
    return HaltShape(scope=one.scope, reason=one.reason, actor=one.actor, at=one.at)
