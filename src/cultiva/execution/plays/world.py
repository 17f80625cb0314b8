"""What plays are handed: the launch, the calendar's answers, the profile's answers, the contact budget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.plays.graph import Graph

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")
Ids = NDArray[np.int64]
"""Customers, shape (n,)."""
Horizon = Callable[[str, datetime], datetime]
"""(zone, at) -> first moment from then on at which something may go out."""
Holds = Callable[[str, Ids], NDArray[np.bool_]]
"""(rule, customers) -> for whom it holds, shape (n,); null counts as no."""
Dates = Callable[[str, Ids], NDArray[Any]]
"""(tag, customers) -> dates as datetime64[D], shape (n,); NaT: the customer has none."""
Reserve = Callable[[Connection, Sequence[TouchRequest], datetime], Collection[str]]
"""Asks the contact budget within the transaction; the ids of the touches that are granted."""


def _nobody(rule: str, ids: Ids) -> NDArray[np.bool_]:
    return np.zeros(len(ids), dtype=bool)


def _no_dates(tag: str, ids: Ids) -> NDArray[Any]:
    return np.full(len(ids), "NaT", dtype="datetime64[D]")


def _at_once(zone: str, at: datetime) -> datetime:
    return at


@dataclass(frozen=True)
class World:
    """What advancing asks of others; each is a function of a whole set, or of a zone."""

    horizon: Horizon = _at_once
    """When a message may go out: quiet hours, holidays, trading days."""
    holds: Holds = _nobody
    """Rules of branches and exits, over the newest profile."""
    dates: Dates = _no_dates
    """Date tags, over the newest profile."""
    reserve: Reserve | None = None
    """The contact budget; None: there is none, and every touch is written as reserved."""
    carriers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Channel -> provider and its kind (smtp, sms_http, ...), by which addresses are chosen."""

    def for_many_hands(self) -> World:
        """The same for several threads: what is asked outside the store is asked by one of them at a time."""
        lock = Lock()
        return replace(
            self,
            horizon=_one_at_a_time(self.horizon, lock),
            holds=_one_at_a_time(self.holds, lock),
            dates=_one_at_a_time(self.dates, lock),
        )


def _one_at_a_time(asked: Callable[_Asked, _Answer], lock: Lock) -> Callable[_Asked, _Answer]:
    def ask(*given: _Asked.args, **named: _Asked.kwargs) -> _Answer:
        with lock:
            return asked(*given, **named)

    return ask


@dataclass(frozen=True)
class Enrolment:
    """A customer who enters a play."""

    customer_id: int
    zone: str
    """IANA name."""
    channel: str
    """Decided."""
    offer: str
    """Decided."""
    worth: float = 0.0
    """Expected, in money."""


@dataclass(frozen=True)
class Running:
    """A launch that plays are advanced for."""

    launch_id: str
    graph: Graph
    """The play that newcomers enter."""


@dataclass
class Moves:
    """What one round of advancing did."""

    steps: dict[str, int] = field(default_factory=dict)
    """Step -> people who left it for the next."""
    exits: dict[str, int] = field(default_factory=dict)
    """Reason -> people who left the play."""
    waves: dict[str, int] = field(default_factory=dict)
    """Step -> touches granted."""
    refused: dict[str, int] = field(default_factory=dict)
    """Step -> touches that the budget refused; tried again or given up."""
    closed: dict[str, int] = field(default_factory=dict)
    """Step -> people whom the channel may not or cannot reach; they went on."""

    @property
    def transitions(self) -> int:
        """People times steps."""
        return sum(self.steps.values()) + sum(self.exits.values())

    def add(self, what: dict[str, int], name: str, count: int) -> None:
        """Counts."""
        if count:
            what[name] = what.get(name, 0) + count

    def merge(self, other: Moves) -> None:
        """Counts what another one has counted."""
        for one in fields(self):
            for name, count in getattr(other, one.name).items():
                self.add(getattr(self, one.name), name, count)
