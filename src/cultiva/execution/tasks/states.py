"""The states of a task, and every way from one to another; whatever is not written here does not happen."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from cultiva.kit.errors import CultivaError, ErrorKind


class State(StrEnum):
    """As it stands in the table."""

    OPEN = "open"
    """Nobody has taken it up."""
    ACCEPTED = "accepted"
    """Somebody is at it."""
    DONE = "done"
    """It has a result."""
    CANCELLED = "cancelled"
    """It is no longer wanted."""
    EXPIRED = "expired"
    """It was left lying for too long."""


class Stage(IntEnum):
    """How far an offer to somebody else has got (`offer_stage`)."""

    NONE = 0
    """It is offered to nobody."""
    RECEIVER = 1
    """Handed over; the receiver has not answered."""
    MANAGER = 2
    """The receiver did not answer in time; the branch manager finds somebody."""
    COUNTER = 3
    """The customer came by; it lies at the counter for a while."""


class Standing(StrEnum):
    """Where a task stands: its state, and for an open one where it lies."""

    QUEUED = "queued"
    """In a role's queue."""
    ASSIGNED = "assigned"
    """On somebody's list, not taken up."""
    OFFERED = "offered"
    """On its way to somebody else, until a deadline; then it goes back."""
    ACCEPTED = "accepted"
    """Somebody is at it."""
    DONE = "done"
    """It has a result."""
    CANCELLED = "cancelled"
    """It is no longer wanted."""
    EXPIRED = "expired"
    """It was left lying for too long."""


class Action(StrEnum):
    """What happens to a task; `task_event.action`."""

    CREATED = "created"
    """A play or a person made it."""
    ACCEPTED = "accepted"
    """Somebody took it up."""
    TAKEN_OVER = "taken_over"
    """Somebody took it up in place of a person who is away."""
    DECLINED = "declined"
    """The receiver does not want a hand-over; it goes back to the sender."""
    TRANSFERRED = "transferred"
    """Given to somebody else of the same work, or to the queue."""
    HANDED_OVER = "handed_over"
    """Offered to another role or person, to be accepted in time."""
    PASSED_ON = "passed_on"
    """Not accepted in time: to the branch manager."""
    SENT_BACK = "sent_back"
    """Not accepted by then either: back to where it was."""
    ARRIVED = "arrived"
    """The customer came by: to the counter, at once."""
    NOTED_ARRIVAL = "noted_arrival"
    """The customer came by while somebody was at it already."""
    TRIED = "tried"
    """No answer; tried again on another day."""
    PROMISED = "promised"
    """The customer is to be called at a moment."""
    LOGGED = "logged"
    """It has its result."""
    FOLLOWED_UP = "followed_up"
    """Another task came of it."""
    ESCALATED = "escalated"
    """Left lying beyond the service level."""
    RETURNED = "returned"
    """Whoever had it has left the bank: to the queue."""
    CANCELLED = "cancelled"
    """A play or a manager took it back."""
    EXPIRED = "expired"
    """Given up."""


_LYING = frozenset({Standing.QUEUED, Standing.ASSIGNED})
_OPEN = _LYING | {Standing.OFFERED}
_LIVE = _OPEN | {Standing.ACCEPTED}
_ALL = frozenset(Standing)


def _ways(froms: frozenset[Standing], tos: frozenset[Standing]) -> dict[Standing, frozenset[Standing]]:
    return dict.fromkeys(froms, tos)


def _one(standing: Standing) -> frozenset[Standing]:
    return frozenset({standing})


MOVES: Mapping[Action, Mapping[Standing, frozenset[Standing]]] = {
    Action.ACCEPTED: _ways(_OPEN, _one(Standing.ACCEPTED)),
    Action.TAKEN_OVER: _ways(_LIVE, _one(Standing.ACCEPTED)),
    Action.DECLINED: _ways(_one(Standing.OFFERED), _LYING),
    Action.TRANSFERRED: _ways(_LIVE, _LYING),
    Action.HANDED_OVER: _ways(_LYING | {Standing.ACCEPTED}, _one(Standing.OFFERED)),
    Action.PASSED_ON: _ways(_one(Standing.OFFERED), _one(Standing.OFFERED)),
    Action.SENT_BACK: _ways(_one(Standing.OFFERED), _LYING),
    Action.ARRIVED: _ways(_LYING, _one(Standing.OFFERED)),
    Action.NOTED_ARRIVAL: {one: _one(one) for one in (Standing.ACCEPTED, Standing.OFFERED)},
    Action.TRIED: _ways(_one(Standing.ACCEPTED), _one(Standing.ACCEPTED)),
    Action.PROMISED: _ways(_one(Standing.ACCEPTED), _one(Standing.ACCEPTED)),
    Action.LOGGED: _ways(_one(Standing.ACCEPTED), _one(Standing.DONE)),
    Action.FOLLOWED_UP: {one: _one(one) for one in (Standing.ACCEPTED, Standing.DONE)},
    Action.ESCALATED: _ways(_LYING | {Standing.ACCEPTED}, _one(Standing.QUEUED)),
    Action.RETURNED: _ways(frozenset({Standing.ASSIGNED, Standing.ACCEPTED, Standing.OFFERED}), _OPEN),
    Action.CANCELLED: _ways(_LIVE, _one(Standing.CANCELLED)),
    Action.EXPIRED: _ways(_LIVE, _one(Standing.EXPIRED)),
}
"""Action -> standing before -> standings it may lead to. `created` has no before: it leads to queued or assigned."""
ENDED = frozenset({Standing.DONE, Standing.CANCELLED, Standing.EXPIRED})
"""From these no action leads back."""


def standing_of(state: State, staff_id: str, stage: Stage) -> Standing:
    """Where a task stands.

    Examples:
        >>> standing_of(State.OPEN, "", Stage.NONE).value, standing_of(State.OPEN, "E1", Stage.NONE).value
        ('queued', 'assigned')
    """
    if state is not State.OPEN:
        return Standing(state.value)
    if stage is not Stage.NONE:
        return Standing.OFFERED
    return Standing.ASSIGNED if staff_id else Standing.QUEUED


def require_move(before: Standing, action: Action, after: Standing) -> None:
    """Lets only those moves pass that `MOVES` names.

    Args:
        before: Where the task stands.
        action: What is to happen.
        after: Where it would stand then.

    Raises:
        CultivaError: if the action is not possible now.
    """
    ways = MOVES.get(action, {})
    if before not in ways:
        raise CultivaError(
            "the task does not allow this now",
            code="task.not_now",
            kind=ErrorKind.CONFLICT,
            seen=f"{action.value}, the task is {before.value}",
            allowed=", ".join(sorted(one.value for one in ways)) or "nothing",
            hint="look at the task again: somebody may have been quicker",
        )
    assert after in ways[before], f"{action} led from {before} to {after}"
