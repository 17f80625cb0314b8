"""Hooks: what other rooms do when something happens to a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from cultiva.execution.tasks.records import Task

Confirming = Callable[[Connection, Task, datetime], object]
"""Counts a contact that a task has brought in the contact budget, within the transaction; again changes nothing."""
Releasing = Callable[[Sequence[str], datetime], object]
"""Gives uses of the contact budget back that are still reserved, by id."""
Forbidding = Callable[[Connection, int, str], str]
"""Why a customer may not be reached over a channel now, e.g. consent withdrawn; empty: nothing is against it."""


def _uncounted(_connection: Connection, _task: Task, _at: datetime) -> object:
    return None


def _unreleased(_touch_ids: Sequence[str], _at: datetime) -> object:
    return None


def _allowed(_connection: Connection, _customer_id: int, _channel: str) -> str:
    return ""


@dataclass(frozen=True)
class Hooks:
    """What other rooms do when something happens to a task."""

    confirm: Confirming = _uncounted
    """The customer was spoken to. It comes before any task is locked, as the contact budget wants it."""
    release: Releasing = _unreleased
    """Tasks ended without a contact; what was confirmed before stays so. It comes after the transaction: if it is lost
    with the process, the reservation runs out by itself."""
    forbidden: Forbidding = _allowed
    """Asked before somebody takes up a contact; fails closed."""
