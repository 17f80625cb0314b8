"""Plays: the steps of a strategy, from the first wave to the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Literal, Self

from pydantic import Field, model_validator

from cultiva.definitions.base import Model, Name, RuleText

END = "end"
"""The end that every play has without writing it."""
STANDARD_SIGNALS: Mapping[str, str] = {
    "delivered": "the provider has handed the message over",
    "opened": "the customer opened it",
    "clicked": "the customer followed its link",
    "replied": "the customer wrote back",
    "bounced": "the address does not exist or is full",
    "failed": "it could not be sent",
    "converted": "the customer did what the strategy is for",
    "opted_out": "the customer refused further messages",
    "complaint": "the customer complained",
    "reached": "a person spoke to the customer",
    "interested": "the customer wants to know more",
    "refused": "the customer said no",
    "no_answer": "nobody answered the call",
    "call_back": "the customer wants to be called later",
    "wrong_number": "the number is somebody else's",
}
"""What any play can wait for; the workspace's events and the signals of its workbench's results come on top."""
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
"""A day of the week."""


class Span(Model):
    """A length of time: business days, or days, hours and minutes as they pass."""

    business_days: int | None = Field(default=None, gt=0, le=260)
    """Business days of the bank's calendar; the local time of day stays."""
    days: float = Field(default=0, ge=0, le=400)
    """Times 24 hours."""
    hours: float = Field(default=0, ge=0)
    """Hours."""
    minutes: float = Field(default=0, ge=0)
    """Minutes."""

    @property
    def seconds(self) -> int:
        """Days, hours and minutes in seconds."""
        return round(self.days * 86_400 + self.hours * 3_600 + self.minutes * 60)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.business_days is None) == (self.seconds == 0):
            raise ValueError("a span is either business_days, or days, hours and minutes that are not all 0")
        return self


class Wait(Model):
    """Nothing happens until then: for a span, until a time of a weekday, or until a date of the customer's."""

    business_days: int | None = Field(default=None, gt=0, le=260)
    """Business days of the bank's calendar; the local time of day stays."""
    days: float = Field(default=0, ge=0, le=400)
    """Times 24 hours."""
    hours: float = Field(default=0, ge=0)
    """Hours."""
    minutes: float = Field(default=0, ge=0)
    """Minutes."""
    until: Weekday | None = None
    """The first such day and time on the customer's clock."""
    until_date: Name | None = None
    """A date tag; a customer without the date goes on at once."""
    days_before: int = Field(default=0, ge=-366, le=366)
    """Days before that date; negative: after it."""
    at: time = time(9, 0)
    """Time of that day on the customer's clock."""

    @property
    def span(self) -> Span | None:
        """The length of time; None where it is until a moment."""
        if self.until is not None or self.until_date is not None:
            return None
        return Span(business_days=self.business_days, days=self.days, hours=self.hours, minutes=self.minutes)

    @property
    def takes_time(self) -> bool:
        """Whether it surely takes time: a weekday or a date may be now."""
        return self.until is None and self.until_date is None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        lasting = bool(self.days or self.hours or self.minutes)
        ways = (self.business_days is not None, lasting, self.until is not None, self.until_date is not None)
        if sum(ways) != 1:
            raise ValueError(
                "a wait is exactly one of: business_days; days, hours and minutes; until a weekday; until_date"
            )
        return self


class WaitFor(Model):
    """Waits for an answer to the last wave; the first that comes decides."""

    on: dict[Name, Name] = Field(min_length=1)
    """Outcome or event -> step that follows it."""
    within: Span
    """How long it is waited for."""
    timeout: Name | None = None
    """Step where no answer comes: the next wave for those who did not respond; None: the next step."""


class Send(Model):
    """A wave over a channel that a machine serves."""

    channel: Name | None = None
    """Which; None: the one decided for the customer; where that is a person's, it becomes a task."""
    offer: Name | None = None
    """One of the strategy's offers; None: the one decided for the customer."""
    content: Name | None = None
    """What is said; None: the content that fits offer, channel and strategy."""
    patience_days: int | None = Field(default=None, ge=0, le=90)
    """Days on which it is tried again while the contact budget refuses; None: the play's."""
    refused: Name | None = None
    """Step where patience ends without a touch; None: the next step."""


class Task(Model):
    """A wave that a person carries out: a task on the workbench."""

    channel: Name
    """A channel that people serve."""
    kind: Name | None = None
    """A kind of task of the workbench; None: the first that serves the channel."""
    offer: Name | None = None
    """One of the strategy's offers; None: the one decided for the customer."""
    content: Name | None = None
    """The script; None: the content that fits offer, channel and strategy."""
    due: Span = Span(business_days=3)
    """When it should be done."""
    patience_days: int | None = Field(default=None, ge=0, le=90)
    """Days on which it is tried again while the contact budget refuses; None: the play's."""
    refused: Name | None = None
    """Step where patience ends without a touch; None: the next step."""


class Grant(Model):
    """A benefit is given."""

    offer: Name
    """An offer of kind benefit."""


class HandOver(Model):
    """The customer is handed over to another adviser or tier: a task that must be accepted."""

    to: Name
    """A role of the workbench."""
    kind: Name | None = None
    """A kind of task of the workbench; None: `hand_over`."""
    reason: str = ""
    """What the new adviser reads."""
    due: Span = Span(business_days=2)
    """When it should be accepted."""


class Arm(Model):
    """One way of a branch."""

    rule: RuleText
    """Who takes it; of several the first."""
    then: Name
    """Step that follows."""


class Portion(Model):
    """One way of a random split."""

    share: float = Field(gt=0, le=1)
    """Share of the customers; all shares together are 1."""
    then: Name
    """Step that follows."""


class Ending(Model):
    """The play is over."""

    reason: Name = "completed"
    """Kept with the customer's journey."""


KINDS = ("send", "wait", "wait_for", "branch", "split", "task", "grant", "hand_over", "end")
"""Kinds of step; each is a field of a step, and a step has exactly one."""


class PlayStep(Model):
    """One step; exactly one of its kinds is given."""

    name: Name
    """Unique within the play."""
    send: Send | None = None
    """A message goes out."""
    wait: Wait | None = None
    """Nothing happens for a while."""
    wait_for: WaitFor | None = None
    """An answer is waited for."""
    branch: tuple[Arm, ...] | None = Field(default=None, min_length=1)
    """Rules, the first that holds decides; whom none takes goes to `next`."""
    split: tuple[Portion, ...] | None = Field(default=None, min_length=2)
    """A random draw."""
    task: Task | None = None
    """A person does something."""
    grant: Grant | None = None
    """A benefit is given."""
    hand_over: HandOver | None = None
    """The customer gets another adviser."""
    end: Ending | None = None
    """The play is over."""
    next: Name | None = None
    """Step that follows; None: the one written below, after the last the end."""

    @property
    def kind(self) -> str:
        """Which of the kinds it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            seen = " and ".join(given) or "none"
            raise ValueError(f"a step has exactly one of {', '.join(KINDS)}, not {seen}")
        if self.next is not None and self.kind in ("split", "end"):
            raise ValueError(f"a step of kind {self.kind} has no next")
        return self

    def targets(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Place within the step and name of every step that it names."""
        if self.next is not None:
            yield ("next",), self.next
        for index, arm in enumerate(self.branch or ()):
            yield ("branch", index, "then"), arm.then
        for index, portion in enumerate(self.split or ()):
            yield ("split", index, "then"), portion.then
        if self.wait_for is not None:
            yield from ((("wait_for", "on", name), step) for name, step in self.wait_for.on.items())
            if self.wait_for.timeout is not None:
                yield ("wait_for", "timeout"), self.wait_for.timeout
        for kind in ("send", "task"):
            if (wave := getattr(self, kind)) is not None and wave.refused is not None:
                yield (kind, "refused"), wave.refused


class ExitRule(Model):
    """A condition on which a customer leaves the play."""

    name: Name
    """The reason that is kept."""
    rule: RuleText
    """When; checked every night and before every step."""


class Reentry(Model):
    """A customer may come again."""

    after_days: int = Field(gt=0)
    """Days after the end of the last time."""


class Play(Model):
    """What is done with a customer, step by step."""

    steps: tuple[PlayStep, ...] = Field(min_length=1, max_length=200)
    """Steps in the order in which they are read."""
    start: Name | None = None
    """Where it begins; None: at the first step."""
    exits: tuple[Name | ExitRule, ...] = ("converted", "opted_out", "complaint")
    """What ends it at any moment: outcomes and events by name, and rules."""
    reentry: Literal["never", "always"] | Reentry = "never"
    """Whether somebody who has been through may come again."""
    patience_days: int = Field(default=7, ge=0, le=90)
    """Days on which a wave is tried again while the contact budget refuses."""

    def followers(self) -> dict[str, str]:
        """Step -> the step that follows it where nothing else is said."""
        names = [step.name for step in self.steps]
        below = [*names[1:], END]
        return {step.name: step.next or after for step, after in zip(self.steps, below, strict=True)}
