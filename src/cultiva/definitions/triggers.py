"""Triggers: what has just happened to a customer, and what is to be done about it at once.

Meaning, over the events of one customer in the order in which they happened (equal instants: by message id):

- An event of `on` for which `when` is true is a beginning. It falls due at once, or when `then_not.within` and
  `debounce` are both over.
- It comes to nothing if an event of `then_not` happens from then on until just before the end of that time, or if
  another beginning follows before `debounce` is over.
- Of the others, in the order in which they fall due, one fires unless the last one that fired did so less than
  `again_after` ago.

What the plan, a play, or a decision would have to ask (consent, suppressions, contact budget, holdouts) is asked of
what a trigger starts, too.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from cultiva.definitions.base import Definition, Model, Name, RuleText

DAY, HOUR, MINUTE = 86_400, 3_600, 60
SERVICE = "service"
"""Kind of offer that is no marketing."""


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[
    tuple[Name, ...],
    Field(min_length=1),
    BeforeValidator(_listed),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
    ),
]
"""One name, or several."""


class Length(Model):
    """A length of time as it passes."""

    days: float = Field(default=0, ge=0, le=90)
    """Times 24 hours."""
    hours: float = Field(default=0, ge=0, le=24 * 90)
    """Hours."""
    minutes: float = Field(default=0, ge=0, le=60 * 24 * 90)
    """Minutes."""
    seconds: float = Field(default=0, ge=0, le=60 * 60 * 24)
    """Seconds."""

    @property
    def total(self) -> int:
        """All of it in microseconds."""
        return round((self.days * DAY + self.hours * HOUR + self.minutes * MINUTE + self.seconds) * 1_000_000)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.total == 0:
            raise ValueError("a length of time has days, hours, minutes or seconds that are not all 0")
        return self


class ThenNot(Model):
    """What would have to happen for nothing to be done."""

    event: Names
    """Events, any of which will do."""
    within: Length
    """How long it is waited for, from the beginning on."""
    where: RuleText = "true"
    """Which of these events: over their own `event.` names only."""
    same: tuple[Name, ...] = ()
    """Properties in which it must be equal to the beginning, e.g. the number of the application."""


class StartPlay(Model):
    """The customer enters the play of a strategy that is live."""

    strategy: Name
    """Which; without a launch of it that is live nothing is started."""
    channel: Name | None = None
    """Decided channel; None: the first of the launch that is open to the customer."""
    offer: Name | None = None
    """Decided offer; None: the first of the launch without a risk level for which the customer is eligible."""


class MakeTask(Model):
    """A person is asked to do something: a task on the workbench."""

    kind: Name
    """A kind of task of the workbench."""
    channel: Name | None = None
    """How the customer is contacted: consent, suppressions and the contact budget are asked. None: for a service."""
    service: bool = False
    """Something done for the customer, no marketing: it is done whatever the customer refuses."""
    offer: Name | None = None
    """What is proposed."""
    strategy: Name | None = None
    """Whose holdout is left alone, and where its results count; None: none but the global holdout."""
    reason: str = Field(min_length=1)
    """What is read; `{tag}` and `{event.property}` are filled with the customer's values."""
    script: str = ""
    """What to say, filled likewise."""

    @model_validator(mode="after")
    def _contact_or_service(self) -> Self:
        if self.channel is None and not self.service:
            raise ValueError("a task that is no service names the channel over which the customer is contacted")
        return self


class FeedPlacement(Model):
    """The next decision for a slot of the app has a further candidate, until it expires."""

    placement: Name
    """A slot."""
    strategy: Name
    """Whose offer it is."""
    offer: Name | None = None
    """One of the strategy's; None: the decision's choice."""


KINDS = ("play", "task", "placement")
"""What a trigger can do; each is a field, and a trigger does exactly one."""


class Doing(Model):
    """What is done; exactly one kind is given."""

    play: StartPlay | None = None
    """A play is started."""
    task: MakeTask | None = None
    """A task is made."""
    placement: FeedPlacement | None = None
    """A slot of the app is fed."""
    worth: RuleText = "0"
    """Expected worth in money, over event and profile: what the contact budget and lists are ranked by."""

    @property
    def kind(self) -> str:
        """Which of the kinds it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def strategy(self) -> str | None:
        """The strategy that it belongs to."""
        found = self.play or self.task or self.placement
        return found.strategy if found is not None else None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"a trigger does exactly one of {', '.join(KINDS)}, not {' and '.join(given) or 'none'}")
        return self


class Trigger(Definition):
    """Something that happens, and what is done about it at once."""

    on: Names
    """Events, any of which may begin it."""
    when: RuleText = "true"
    """Which of them, judged when the event comes in: over `event.name`, `event.channel`, `event.at`, the event's
    properties as `event.amount`, and every column of the profile as it is then."""
    then_not: ThenNot | None = None
    """A and then not B within T; None: it is not waited for anything."""
    still: RuleText = "true"
    """Judged again when it fires: over the profile."""
    debounce: Length | None = None
    """Of beginnings that follow each other faster, the last one counts, so much later. None: each counts."""
    again_after: Length | None = None
    """How long after it fired it may fire again for the same customer; None: every time."""
    expires_after: Length = Length(days=1)
    """When it is found later than so long after it fell due, it is noted and nothing is started."""
    does: Doing
    """What is done."""
    active: bool = True
    """Whether it listens at all."""

    @property
    def wait(self) -> int:
        """Microseconds from a beginning until it falls due; 0: at once."""
        return max(self.then_not.within.total if self.then_not else 0, self.debounce.total if self.debounce else 0)
