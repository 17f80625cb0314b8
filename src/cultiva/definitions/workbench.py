"""Workbench: who does human work, which kinds of task there are, by when, and what each result means."""

from __future__ import annotations

from datetime import time
from typing import Literal, Self

from pydantic import Field, model_validator

from cultiva.definitions.base import Definition, Model, Name


class Hours(Model):
    """A part of the day, in the bank's time zone."""

    start: time
    """Its first moment."""
    end: time
    """The first moment after it."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"hours end after they start, not {self.start:%H:%M} to {self.end:%H:%M}")
        return self


class Role(Definition):
    """People who do the same work and share a queue."""

    staff_roles: tuple[str, ...] = Field(min_length=1)
    """What the staff table calls them; one person may serve several roles."""
    whole_bank: bool = False
    """Whether there is one queue for the whole bank, as for the remote bank; else one per branch."""
    personal: bool = False
    """Whether a task goes to the customer's own adviser, where the customer has one."""
    manages: bool = False
    """Whether they may move all tasks of their branch; hand-overs that nobody accepts come to them."""
    counter: bool = False
    """Whether they meet customers who come by: tasks that can be done at the counter come to them then."""
    contacts_per_week_max: int | None = Field(default=None, ge=0)
    """Most contacts of one person a week; None: as the staff table says."""
    in_hand_max: int = Field(default=40, gt=0)
    """Most tasks that one person has accepted and not finished."""


class Escalation(Model):
    """What happens to a task that is left lying."""

    unless: Literal["accepted", "done"]
    """accepted: nobody has taken it up since it lies where it lies; done: it is not finished since it was due."""
    business_days: int = Field(default=0, ge=0)
    """Business days after that moment."""
    hours: float = Field(default=0.0, ge=0)
    """Hours after that moment, beside the days."""
    to: Name | None = None
    """Role whose queue it goes to; None: the queue of its own role, so that others may take it."""


class TaskKind(Definition):
    """A kind of work."""

    role: Name
    """Who does it."""
    channels: tuple[Name, ...] = ()
    """Human channels of the contact policy that it serves."""
    due_days: int = Field(default=3, ge=0)
    """Business days until it should be done."""
    due_time: time = time(18, 0)
    """Time of that day."""
    best_hours: Hours | None = None
    """When customers are best reached; None: the workbench's."""
    at_counter: bool = False
    """Whether it can be done when the customer comes by."""
    contact: bool = True
    """Whether it counts against the weekly contacts of whoever does it."""
    results: tuple[Name, ...] = ()
    """Results that can be logged; empty: all."""
    escalation: tuple[Escalation, ...] = ()
    """Steps in the order in which they are taken."""
    expires_days: int | None = Field(default=None, ge=0)
    """Business days after it was due when it is given up; None: never."""
    attempts_max: int = Field(default=3, gt=0)
    """Tries without an answer after which it is closed."""
    next_try_days: int = Field(default=1, ge=1)
    """Business days until the next try."""
    answer_days: int = Field(default=2, ge=1)
    """Business days in which a hand-over must be accepted, unless it is handed over with a date."""


class FollowUp(Model):
    """A task that a result brings about."""

    kind: Name
    """Its kind."""
    days: int = Field(default=3, ge=0)
    """Business days until it is due."""


class Result(Definition):
    """What may come of a task."""

    signals: tuple[Name, ...] = ()
    """What plays and the review hear of it, e.g. reached, refused, converted."""
    contact: bool = True
    """Whether the customer was spoken to: then the touch counts against the contact budget."""
    then: Literal["close", "try_again", "call_back"] = "close"
    """The task is finished, tried again on another day, or kept for the moment promised to the customer."""
    amount: bool = False
    """Whether an amount of money belongs to it."""
    follow_up: FollowUp | None = None
    """A task that comes of it."""


class Workbench(Model):
    """Human work (`workbench.yaml`); a workspace without the file has none."""

    roles: tuple[Role, ...] = Field(min_length=1)
    """Who works."""
    kinds: tuple[TaskKind, ...] = Field(min_length=1)
    """Kinds of task."""
    results: tuple[Result, ...] = Field(min_length=1)
    """What can come of a task."""
    best_hours: Hours = Hours(start=time(10, 0), end=time(17, 0))
    """When customers are best reached."""
    counter_minutes: int = Field(default=30, gt=0)
    """How long a task waits at the counter for a customer who came by, before it goes back to where it was."""
    call_back_minutes: int = Field(default=60, gt=0)
    """How long after the promised moment a promised call is late."""
    manager_days: int = Field(default=1, ge=1)
    """Business days in which the branch manager finds somebody for a hand-over, before it goes back to the sender."""

    def role(self, name: str) -> Role | None:
        """A role, None if there is none of that name."""
        return next((one for one in self.roles if one.name == name), None)

    def kind(self, name: str) -> TaskKind | None:
        """A kind of task, None if there is none of that name."""
        return next((one for one in self.kinds if one.name == name), None)

    def result(self, name: str) -> Result | None:
        """A result, None if there is none of that name."""
        return next((one for one in self.results if one.name == name), None)

    def results_of(self, kind: TaskKind) -> tuple[Result, ...]:
        """The results that a task of a kind can have."""
        return tuple(one for one in self.results if not kind.results or one.name in kind.results)

    def kind_for(self, channel: str) -> TaskKind | None:
        """The kind of task that serves a channel: the first that names it; None if none does."""
        return next((one for one in self.kinds if channel in one.channels), None)

    def roles_of(self, staff_role: str) -> frozenset[str]:
        """The roles that somebody serves whom the staff table calls so."""
        return frozenset(one.name for one in self.roles if staff_role in one.staff_roles)

    def manager(self) -> Role | None:
        """The first role that manages; None if there is none."""
        return next((one for one in self.roles if one.manages), None)

    def counter(self) -> Role | None:
        """The first role that stands at the counter; None if there is none."""
        return next((one for one in self.roles if one.counter), None)
