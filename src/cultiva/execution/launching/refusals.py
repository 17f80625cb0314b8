"""Why something is not done to a launch, in four parts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cultiva.execution.launching.launches import OVER, Halt, Launch
from cultiva.execution.launching.states import PAST, Act
from cultiva.kit.errors import CultivaError, ErrorKind

MOST_PER_MINUTE = 1_000_000
"""Most messages a minute that a throttle may say."""


def no_launch(name: str, like: Sequence[str]) -> CultivaError:
    """There is no launch of that name, or there are several."""
    return CultivaError(
        "several launches begin so" if like else "there is no such launch",
        code="launching.no_launch",
        kind=ErrorKind.NOT_FOUND,
        seen=name or "nothing",
        allowed=", ".join(like) or "the id of a launch, or its first characters",
        hint="cultiva launches WORKSPACE",
    )


def submitted_by_other(launch: Launch) -> CultivaError:
    """Somebody else has put forward the very same."""
    return CultivaError(
        "the very same has been submitted by somebody else",
        code="launching.submitted_by_other",
        kind=ErrorKind.CONFLICT,
        seen=f"{launch.launch_id} by {launch.author}",
        allowed="one submission of a version, day and way to enrol until it is over",
        hint="approve that one, or have its author take it back",
    )


def changed(launch: Launch, version: str) -> CultivaError:
    """The strategy is not what was submitted any more."""
    return CultivaError(
        "the strategy has changed since it was submitted",
        code="launching.changed",
        kind=ErrorKind.CONFLICT,
        seen=f"{launch.strategy} is {version} now",
        allowed=f"{launch.version}, as submitted and explained",
        hint="submit it again: an approval is of a version; or take the change back",
    )


def tampered(launch: Launch) -> CultivaError:
    """What is in the store is not what was submitted."""
    return CultivaError(
        "the body of this launch is not what was submitted",
        code="launching.tampered",
        kind=ErrorKind.CONFLICT,
        seen=f"{launch.launch_id}, whose body has another content hash",
        allowed=f"{launch.version}",
        hint="stop it, find out who changed the store (cultiva audit --verify), submit it again",
    )


def halted(launch: Launch, act: Act, halt: Halt) -> CultivaError:
    """An emergency stop is in force."""
    return CultivaError(
        f"an emergency stop is in force; nothing can be {PAST[act]} that it concerns",
        code="launching.halted",
        kind=ErrorKind.CONFLICT,
        seen=f"{halt.scope}, by {halt.actor} at {halt.at:%Y-%m-%d %H:%M} UTC: {halt.reason}",
        allowed=f"{launch.strategy} once it is lifted",
        hint="cultiva lift WORKSPACE, with the same --channel or --strategy",
    )


def runs_already(launch: Launch, other: Launch) -> CultivaError:
    """Another launch of the strategy would reach the same people."""
    return CultivaError(
        "another launch of this strategy runs already and would reach the same people",
        code="launching.runs_already",
        kind=ErrorKind.CONFLICT,
        seen=f"{other.launch_id}, {other.enrols}, of {other.business_date}, is {other.state}",
        allowed="one daily launch of a strategy, or one for each business date",
        hint=f"stop or finish {other.launch_id} before {launch.launch_id}",
    )


def not_halted(scope: str, halts: Collection[str]) -> CultivaError:
    """There is no emergency stop of that scope."""
    return CultivaError(
        "there is no such emergency stop",
        code="launching.not_halted",
        kind=ErrorKind.NOT_FOUND,
        seen=scope,
        allowed=", ".join(halts) or "none is in force",
        hint="name it by the --channel or --strategy that it was set with",
    )


def demand_throttle(launch: Launch, per_minute_max: int | None) -> None:
    """Demands that a throttle makes sense.

    Raises:
        CultivaError: if the launch is over, or the number is none.
    """
    if launch.state in OVER:
        raise CultivaError(
            f"a launch that is {launch.state} sends nothing",
            code="launching.wrong_state",
            kind=ErrorKind.CONFLICT,
            seen=f"{launch.launch_id} is {launch.state}",
            allowed="a launch that is not over",
            hint="cultiva launches WORKSPACE",
        )
    if per_minute_max is not None and not 1 <= per_minute_max <= MOST_PER_MINUTE:
        raise CultivaError(
            "not a number of messages a minute",
            code="launching.bad_throttle",
            seen=per_minute_max,
            allowed=f"1 to {MOST_PER_MINUTE:,}, or none at all",
            hint="to hold it altogether: cultiva pause",
        )
