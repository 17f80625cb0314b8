"""Emergency stops: what they are about, and who may lift them."""

from __future__ import annotations

from cultiva.execution.launching.launches import EVERYTHING, Person
from cultiva.kit.errors import CultivaError, ErrorKind

KINDS = ("channel", "strategy")


def scope_of(channel: str | None, strategy: str | None) -> str:
    """The scope that a channel or a strategy, or neither of them, means.

    Raises:
        CultivaError: if both are given.

    Examples:
        >>> scope_of(None, None), scope_of("sms", None), scope_of(None, "wealth_upgrade")
        ('all', 'channel:sms', 'strategy:wealth_upgrade')
    """
    if channel is not None and strategy is not None:
        raise CultivaError(
            "an emergency stop is of one thing",
            code="launching.two_scopes",
            seen=f"channel {channel} and strategy {strategy}",
            allowed="a channel, a strategy, or neither: everything",
            hint="set two of them",
        )
    if channel is not None:
        return f"channel:{channel}"
    return EVERYTHING if strategy is None else f"strategy:{strategy}"


def checked_scope(scope: str, reason: str) -> str:
    """The scope, if it is one and there is a reason.

    Raises:
        CultivaError: if not.
    """
    kind, _, name = scope.partition(":")
    if scope != EVERYTHING and (kind not in KINDS or not name):
        raise CultivaError(
            "not the scope of an emergency stop",
            code="launching.bad_scope",
            seen=scope or "nothing",
            allowed="all, channel:NAME, strategy:NAME",
            hint="all stops everything",
        )
    if not reason.strip():
        raise CultivaError(
            "an emergency stop needs a reason",
            code="launching.no_reason",
            seen="no reason",
            allowed="a few words for those who will lift it",
            hint="--reason 'wrong price in the text'",
        )
    return scope


def demand_other_person(what: str, person: Person, before: str) -> None:
    """Demands that somebody else undoes it than who did it.

    Raises:
        CultivaError: forbidden, if it is the same person.
    """
    if person.is_same(before):
        raise CultivaError(
            f"it takes a second person to {what} this",
            code="launching.second_person",
            kind=ErrorKind.FORBIDDEN,
            seen=person.name,
            allowed=f"anybody but {before}",
            hint="ask a second person; approval.yaml says under second_person what takes one",
        )
