"""What all pages about launches share: colours of states, and who acts."""

from __future__ import annotations

from collections.abc import Mapping

from cultiva.console.desk import ConsoleDesk
from cultiva.console.visitor import Visitor
from cultiva.execution.launching.launches import Person, State

STATE_TONES: Mapping[State, str] = {
    State.SUBMITTED: "warn",
    State.REJECTED: "bad",
    State.APPROVED: "good",
    State.LIVE: "live",
    State.PAUSED: "warn",
    State.STOPPED: "bad",
    State.FINISHED: "quiet",
}
"""State -> tone of its badge."""


def acting(who: Visitor) -> Person:
    """Who acts on launches: by login, as everywhere; `members` of approval.yaml may name people by login or by name.
    What was put forward under their name, by the command or of old, is theirs as well.
    """
    return Person(who.user.login, called=who.user.name)


def role_names(desk: ConsoleDesk, who: Visitor) -> Mapping[str, str]:
    """What roles of approval.yaml are called."""
    return {one.name: who.say(one.label) for one in desk.parts.workspace.approval.roles}
