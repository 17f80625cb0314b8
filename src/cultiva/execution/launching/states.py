"""The state machine of a launch: what can be done in which state, and what it leads to."""

from __future__ import annotations

from enum import StrEnum

from cultiva.execution.launching.launches import State
from cultiva.kit.errors import CultivaError, ErrorKind


class Act(StrEnum):
    """What a person does to a launch."""

    APPROVE = "approve"
    """Says yes to a version; leads on once everybody needed has."""
    REJECT = "reject"
    """Says no."""
    LAUNCH = "launch"
    """Lets it go out."""
    PAUSE = "pause"
    """Holds it for a while."""
    RESUME = "resume"
    """Goes on after a pause."""
    STOP = "stop"
    """Breaks it off for good; also takes back what was not yet approved or launched."""
    FINISH = "finish"
    """Says that it is done."""


MOVES: dict[tuple[State, Act], State] = {
    (State.SUBMITTED, Act.APPROVE): State.APPROVED,
    (State.SUBMITTED, Act.REJECT): State.REJECTED,
    (State.SUBMITTED, Act.STOP): State.STOPPED,
    (State.APPROVED, Act.LAUNCH): State.LIVE,
    (State.APPROVED, Act.STOP): State.STOPPED,
    (State.LIVE, Act.PAUSE): State.PAUSED,
    (State.LIVE, Act.STOP): State.STOPPED,
    (State.LIVE, Act.FINISH): State.FINISHED,
    (State.PAUSED, Act.RESUME): State.LIVE,
    (State.PAUSED, Act.STOP): State.STOPPED,
    (State.PAUSED, Act.FINISH): State.FINISHED,
}
"""(state, act) -> next state; what is not here is refused."""
PAST = {
    Act.APPROVE: "approved",
    Act.REJECT: "rejected",
    Act.LAUNCH: "launched",
    Act.PAUSE: "paused",
    Act.RESUME: "resumed",
    Act.STOP: "stopped",
    Act.FINISH: "finished",
}
"""How the audit calls it when it was done."""


def possible(state: State) -> tuple[Act, ...]:
    """What can be done in a state.

    Examples:
        >>> [str(one) for one in possible(State.PAUSED)], possible(State.STOPPED)
        (['resume', 'stop', 'finish'], ())
    """
    return tuple(act for found, act in MOVES if found is state)


def moved(state: State, act: Act, *, shown: str) -> State:
    """The state that an act leads to.

    Args:
        state: As it is.
        act: What is to be done.
        shown: The launch, as the error names it.

    Raises:
        CultivaError: a conflict, if it cannot be done in this state.
    """
    found = MOVES.get((state, act))
    if found is not None:
        return found
    acts = ", ".join(possible(state))
    raise CultivaError(
        f"a launch that is {state} cannot be {PAST[act]}",
        code="launching.wrong_state",
        kind=ErrorKind.CONFLICT,
        seen=f"{shown} is {state}",
        allowed=f"when {state}: {acts}" if acts else f"nothing; {state} is the end",
        hint="cultiva launches WORKSPACE shows where each one stands" if acts else "submit it again",
    )
