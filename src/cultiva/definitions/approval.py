"""Approval: who may let a launch go, up to which amount, and what takes more than one person.

The author of a launch never approves it; no setting changes that.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cultiva.definitions.base import Definition, Label, Model, Name


class ApprovalRole(Definition):
    """People who may approve, up to a limit."""

    cost_max: float | None = Field(default=None, ge=0)
    """Most planned cost in money of a launch that they may approve; None: any."""
    customers_max: int | None = Field(default=None, ge=0)
    """Most customers; None: any number."""
    channels: tuple[Name, ...] = ()
    """Channels of the launches that they may approve; empty: all."""
    only_beside: bool = False
    """Whether it is never enough alone: it judges something else than the amount, e.g. compliance."""
    members: tuple[str, ...] = ()
    """Who has this role, as `--by` names them, and as users of the console are called; empty: whoever says so, in the
    console whoever may approve at all. A bank that relies on limits names them."""


class Demand(Definition):
    """Launches for which one approval is not enough. What is given must all be so; nothing given: every launch."""

    cost_over: float | None = Field(default=None, ge=0)
    """Planned cost in money above this."""
    customers_over: int | None = Field(default=None, ge=0)
    """More customers than this."""
    channels: tuple[Name, ...] = ()
    """Launches with one of these channels."""
    offers: tuple[Name, ...] = ()
    """Launches with one of these offers."""
    strategies: tuple[Name, ...] = ()
    """These strategies."""
    approvals: int = Field(default=1, ge=1, le=5)
    """How many people have to approve."""
    role: Name | None = None
    """One of them at least in this role."""

    @model_validator(mode="after")
    def _demands_something(self) -> Self:
        if self.approvals == 1 and self.role is None:
            raise ValueError("a demand needs approvals of 2 or more, or a role")
        return self


class Tester(Model):
    """Somebody of the bank who gets test messages before anyone approves."""

    name: str = Field(min_length=1)
    """Who."""
    addresses: dict[Name, str] = Field(min_length=1)
    """Channel -> number, address or user id."""


ANYBODY = ApprovalRole(name="approver", label=Label(zh="审批人", en="Approver"))
"""The one role of a workspace without the file: a second person, any amount."""


class Approval(Model):
    """`approval.yaml`; without the file any second person approves any launch as `approver`."""

    roles: tuple[ApprovalRole, ...] = Field(default=(ANYBODY,), min_length=1)
    """Who may approve what."""
    demands: tuple[Demand, ...] = ()
    """What takes more than one approval."""
    second_person: tuple[Literal["lift", "resume"], ...] = ("lift",)
    """What takes another person than who did the opposite: to lift an emergency stop, to resume what was paused."""
    testers: tuple[Tester, ...] = ()
    """Who gets test messages."""

    @model_validator(mode="after")
    def _enough_people(self) -> Self:
        if all(role.only_beside for role in self.roles):
            raise ValueError("one role at least must be enough alone; all are only_beside")
        for demand in self.demands:
            known = [role for role in self.roles if role.name == demand.role]
            people = {member.strip().casefold() for role in self.roles for member in role.members}
            open_to_all = any(not role.members for role in self.roles)
            if demand.role is not None and not known:
                names = ", ".join(role.name for role in self.roles)
                raise ValueError(f"demand '{demand.name}' names the role '{demand.role}'; there are: {names}")
            if not open_to_all and len(people) < demand.approvals:
                raise ValueError(
                    f"demand '{demand.name}' takes {demand.approvals} people, the roles have {len(people)}"
                )
        return self

    def role(self, name: str) -> ApprovalRole | None:
        """The role of that name, if there is one."""
        return next((one for one in self.roles if one.name == name), None)
