"""Who may say yes or no to a launch, and whose yes is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cultiva.definitions.approval import Approval, ApprovalRole, Demand
from cultiva.execution.launching.launches import Judgement, Launch, Person, plain_name
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean


@dataclass(frozen=True)
class Missing:
    """What is missing before a launch is approved."""

    approvals: int
    """Further people at least."""
    roles: tuple[str, ...]
    """Roles of which one has to be among them."""
    decider: bool
    """Whether none of those who said yes has a role that is enough alone."""
    demands: tuple[str, ...]
    """Names of the demands that apply to the launch."""

    @property
    def nothing(self) -> bool:
        """Whether it is approved."""
        return self.approvals == 0


def demands_on(launch: Launch, approval: Approval) -> tuple[Demand, ...]:
    """The demands that apply to a launch."""
    return tuple(one for one in approval.demands if _applies(one, launch))


def _applies(one: Demand, launch: Launch) -> bool:
    return (
        (one.cost_over is None or launch.money > one.cost_over)
        and (one.customers_over is None or launch.customers > one.customers_over)
        and (not one.channels or not set(one.channels).isdisjoint(launch.channels))
        and (not one.offers or not set(one.offers).isdisjoint(launch.offers))
        and (not one.strategies or launch.strategy in one.strategies)
    )


def missing(launch: Launch, said: Sequence[Judgement], approval: Approval) -> Missing:
    """What is missing, given what was said of this version so far."""
    applying = demands_on(launch, approval)
    yes = {
        plain_name(one.approver): one
        for one in said
        if one.approved and one.version == launch.version and plain_name(one.approver) != plain_name(launch.author)
    }
    have = {one.role for one in yes.values()}
    roles = tuple(dict.fromkeys(one.role for one in applying if one.role is not None and one.role not in have))
    known = [approval.role(name) for name in have]
    decider = all(role is None or role.only_beside for role in known)
    wanted = max([1, *(one.approvals for one in applying)]) - len(yes)
    alone = sum(1 for name in roles if (role := approval.role(name)) is not None and role.only_beside)
    more = max(wanted, len(roles), alone + 1 if decider else 0)
    return Missing(max(more, 0), roles, decider, tuple(one.name for one in applying))


def demand_may_judge(
    launch: Launch, person: Person, role_name: str, approval: Approval, *, said: Sequence[Judgement] = ()
) -> ApprovalRole:
    """The role in which somebody judges a launch.

    Args:
        launch: Which.
        person: Who wants to.
        role_name: In which role.
        approval: The bank's rules.
        said: What was said already.

    Raises:
        CultivaError: forbidden, if they are its author, are not in that role, or it is above the role's limits; a
            conflict, if they have said it already.
    """
    _demand_second_person(launch, person, said)
    role = _role(role_name, approval)
    if role.members and not any(person.is_same(one) for one in role.members):
        raise CultivaError(
            "this person is not in that role",
            code="launching.not_in_role",
            kind=ErrorKind.FORBIDDEN,
            seen=f"{person.name} as {role.name}",
            allowed=f"the {len(role.members)} people whom approval.yaml names for {role.name}",
            hint="ask one of them, or judge in a role of your own",
        )
    _demand_within(launch, role, approval)
    return role


def _demand_second_person(launch: Launch, person: Person, said: Sequence[Judgement]) -> None:
    if person.is_same(launch.author):
        raise CultivaError(
            "nobody judges a launch of their own",
            code="launching.own_launch",
            kind=ErrorKind.FORBIDDEN,
            seen=f"{person.name}, the author of {launch.launch_id}",
            allowed="anybody but the author",
            hint="ask a second person; the author can take it back with cultiva stop",
        )
    if any(person.is_same(one.approver) and one.version == launch.version for one in said):
        raise CultivaError(
            "this person has judged the launch already",
            code="launching.judged_already",
            kind=ErrorKind.CONFLICT,
            seen=person.name,
            allowed="one judgement for each person",
            hint="ask somebody else",
        )


def _role(name: str, approval: Approval) -> ApprovalRole:
    role = approval.role(name)
    if role is None:
        known = [one.name for one in approval.roles]
        raise CultivaError(
            "there is no such role",
            code="launching.no_role",
            kind=ErrorKind.NOT_FOUND,
            seen=name or "no role",
            allowed=", ".join(known),
            hint=did_you_mean(name, known) or "approval.yaml has the roles",
        )
    return role


def _demand_within(launch: Launch, role: ApprovalRole, approval: Approval) -> None:
    others = [one.name for one in approval.roles if one is not role and not (one.only_beside or above(launch, one))]
    over = above(launch, role)
    if over:
        raise CultivaError(
            "the launch is above what this role may judge",
            code="launching.above_limit",
            kind=ErrorKind.FORBIDDEN,
            seen="; ".join(seen for seen, _ in over),
            allowed=f"for {role.name}: " + "; ".join(allowed for _, allowed in over),
            hint=f"ask somebody who is {' or '.join(others)}" if others else "make it smaller: no role is enough",
        )


def above(launch: Launch, role: ApprovalRole) -> list[tuple[str, str]]:
    """Limits of a role that a launch is above: what is seen, what is allowed."""
    found = []
    if role.cost_max is not None and launch.money > role.cost_max:
        found.append((f"a cost of {launch.money:,.2f}", f"at most {role.cost_max:,.2f}"))
    if role.customers_max is not None and launch.customers > role.customers_max:
        found.append((f"{launch.customers:,} customers", f"at most {role.customers_max:,} customers"))
    outside = [name for name in launch.channels if role.channels and name not in role.channels]
    if outside:
        found.append((f"channel {', '.join(outside)}", f"channel {', '.join(role.channels)}"))
    return found
