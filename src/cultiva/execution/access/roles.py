"""Roles: what each of them may do, whom it sees, and whether it sees personal data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from cultiva.kit.words import Words


class Role(StrEnum):
    """What somebody is to the bank. One person may have several."""

    ANALYST = "analyst"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADVISER = "adviser"
    BRANCH_MANAGER = "branch_manager"
    EXPERIENCE_MANAGER = "experience_manager"
    EXECUTIVE = "executive"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What may be done; every route of the console names the one it needs."""

    ENTER = "enter"
    """Use the console at all: the cockpit, one's own account."""
    CUSTOMERS = "customers"
    """Search customers and open their pages, within one's sight."""
    UNMASK = "unmask"
    """See personal data of one customer, for a reason that is kept."""
    GROUPS = "groups"
    """See groups, count by a rule."""
    DEFINE = "define"
    """Propose changes of definitions: groups, strategies."""
    STRATEGIES = "strategies"
    """See the strategy map, strategies, versions, prices of what is scarce."""
    CAMPAIGNS = "campaigns"
    """See plays, launches, deliveries."""
    SUBMIT = "submit"
    """Put a strategy forward for approval, send tests."""
    APPROVE = "approve"
    """Approve or reject what others put forward."""
    CONDUCT = "conduct"
    """Set live, pause, resume, throttle and stop launches."""
    HALT = "halt"
    """Stop everything, or a channel, at once; lift it again."""
    WORK = "work"
    """One's own tasks: accept, log, call back, hand over."""
    ASSIGN = "assign"
    """Move tasks of one's branch, say who is away."""
    REVIEW = "review"
    """See what strategies were worth."""
    SIMULATE = "simulate"
    """Have the next quarter simulated, which takes a machine for minutes."""
    EXPORT = "export"
    """Take lists out; they are watermarked, limited and audited."""
    CONSENT = "consent"
    """Record what a customer says about being contacted."""
    OPERATE = "operate"
    """See runs, sources, data quality, health."""
    ERASE = "erase"
    """Ask for customers to be erased, and confirm what another has asked for."""
    HOLD = "hold"
    """Forbid to erase a customer, and lift that again."""
    USERS = "users"
    """Make users, give roles, make keys."""
    AUDIT = "audit"
    """Search the audit log."""


ROLES: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        role: frozenset({Right.ENTER, *rights})
        for role, rights in {
            Role.ANALYST: (
                Right.CUSTOMERS, Right.GROUPS, Right.DEFINE, Right.STRATEGIES, Right.CAMPAIGNS, Right.REVIEW,
                Right.SIMULATE, Right.OPERATE,
            ),
            Role.OPERATOR: (
                Right.CUSTOMERS, Right.GROUPS, Right.DEFINE, Right.STRATEGIES, Right.CAMPAIGNS, Right.SUBMIT,
                Right.CONDUCT, Right.HALT, Right.REVIEW, Right.SIMULATE, Right.CONSENT, Right.EXPORT, Right.OPERATE,
            ),
            Role.APPROVER: (
                Right.GROUPS, Right.STRATEGIES, Right.CAMPAIGNS, Right.APPROVE, Right.HALT, Right.REVIEW,
            ),
            Role.ADVISER: (Right.CUSTOMERS, Right.UNMASK, Right.WORK, Right.CONSENT),
            Role.BRANCH_MANAGER: (
                Right.CUSTOMERS, Right.UNMASK, Right.GROUPS, Right.WORK, Right.ASSIGN, Right.CONSENT, Right.REVIEW,
                Right.EXPORT,
            ),
            Role.EXPERIENCE_MANAGER: (
                Right.CUSTOMERS, Right.GROUPS, Right.STRATEGIES, Right.CAMPAIGNS, Right.CONSENT, Right.REVIEW,
                Right.ERASE,
            ),
            Role.EXECUTIVE: (
                Right.GROUPS, Right.STRATEGIES, Right.CAMPAIGNS, Right.REVIEW, Right.SIMULATE,
            ),
            Role.AUDITOR: (
                Right.CUSTOMERS, Right.GROUPS, Right.STRATEGIES, Right.CAMPAIGNS, Right.REVIEW, Right.OPERATE,
                Right.AUDIT, Right.HOLD,
            ),
            Role.ADMINISTRATOR: (Right.OPERATE, Right.USERS, Right.AUDIT, Right.ERASE, Right.HOLD),
        }.items()
    }
)  # fmt: skip
"""Role -> what it may do. Nobody may both put forward and approve by one role; a person with two roles still cannot
approve what is their own."""

BY_ADVISER = frozenset({Role.ADVISER})
"""Roles that see their own customers."""
BY_BRANCH = frozenset({Role.BRANCH_MANAGER})
"""Roles that see the customers of their branch."""
WHOLE_BANK = frozenset({Role.ANALYST, Role.OPERATOR, Role.EXPERIENCE_MANAGER, Role.AUDITOR})
"""Roles that see every customer, masked."""

NAMES: Mapping[Role, Words] = MappingProxyType(
    {
        Role.ANALYST: Words("分析师", "analyst"),
        Role.OPERATOR: Words("运营", "operator"),
        Role.APPROVER: Words("审批人", "approver"),
        Role.ADVISER: Words("客户经理", "adviser"),
        Role.BRANCH_MANAGER: Words("网点负责人", "branch manager"),
        Role.EXPERIENCE_MANAGER: Words("体验经理", "experience manager"),
        Role.EXECUTIVE: Words("高管", "executive"),
        Role.AUDITOR: Words("审计", "auditor"),
        Role.ADMINISTRATOR: Words("管理员", "administrator"),
    }
)


def rights_of(roles: Iterable[Role]) -> frozenset[Right]:
    """Everything that any of some roles may do.

    Examples:
        >>> Right.WORK in rights_of([Role.ADVISER]), rights_of([])
        (True, frozenset())
    """
    return frozenset[Right]().union(*(ROLES[role] for role in roles))
