"""Answers: outcomes are taken once, however often they are reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cultiva.execution.answers import repository
from cultiva.execution.answers.linked import Linked
from cultiva.execution.answers.outcome import Outcome
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database

AHEAD_MAX = timedelta(minutes=5)
"""So far another system's clock may go ahead of ours."""


class Taken(StrEnum):
    """What became of a report."""

    NEW = "new"
    """Written down now."""
    KNOWN = "known"
    """Reported before, with the same content."""


class Answers:
    """What customers did, as other systems report it.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, outcomes: Sequence[Outcome], *, at: datetime) -> list[Taken]:
        """Writes outcomes down, all or none; plays that wait for them go on.

        Args:
            outcomes: In any order; the same one may come twice.
            at: The present instant.

        Returns:
            What became of each, in their order.

        Raises:
            CultivaError: if an id was used before for another outcome, or one lies ahead.
        """
        _check_times(outcomes, at)
        asked = _by_signal(outcomes)
        with self._database.writing() as connection:
            before = repository.known(connection, sorted(asked))
            repository.add(connection, {name: one for name, one in asked.items() if name not in before}, at)
            after = repository.known(connection, sorted(asked))  # another copy may have been quicker with one of them
            for name, one in asked.items():
                _check_same(one, after[name])
        seen: set[str] = set(before)
        return [_taken(one.signal_id, seen) for one in outcomes]

    def linked(self, delivery_id: str) -> Linked | None:
        """The message that a link belongs to; None if there is none."""
        with self._database.reading() as connection:
            return repository.linked(connection, delivery_id)


def _taken(name: str, seen: set[str]) -> Taken:
    known = name in seen
    seen.add(name)
    return Taken.KNOWN if known else Taken.NEW


def _by_signal(outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    for one in outcomes:
        _check_same(found.setdefault(one.signal_id, one), one)
    return found


def _check_same(one: Outcome, other: Outcome) -> None:
    if one != other:
        raise CultivaError(
            "this id was used for another outcome",
            code="answers.id_used",
            kind=ErrorKind.CONFLICT,
            seen=one.outcome_id,
            allowed="one id per outcome, the same content whenever it is repeated",
            hint="give the other outcome an id of its own; a correction is an outcome too",
        )


def _check_times(outcomes: Sequence[Outcome], at: datetime) -> None:
    latest = max((one.at for one in outcomes), default=at)
    if latest > at + AHEAD_MAX:
        raise CultivaError(
            "an outcome lies in the future",
            code="answers.ahead",
            seen=latest.astimezone(UTC).isoformat(timespec="seconds"),
            allowed=f"up to {(at + AHEAD_MAX).astimezone(UTC).isoformat(timespec='seconds')}",
            hint="see to the reporter's clock and time zone",
        )
