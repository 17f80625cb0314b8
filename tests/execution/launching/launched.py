"""A bank's rules of approval, submissions, and people, for tests of launching."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from cultiva.definitions.approval import Approval, ApprovalRole, Demand
from cultiva.definitions.base import Label
from cultiva.execution.launching.launches import Person, Submission

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
LABEL = Label(zh="某", en="Some")
AUTHOR, LI, WANG, ZHAO = (Person(name) for name in ("Chen", "Li", "Wang", "Zhao"))
RULES = Approval(
    roles=(
        ApprovalRole(name="lead", label=LABEL, cost_max=1000, customers_max=500),
        ApprovalRole(name="head", label=LABEL, cost_max=20_000, members=("Wang", "Zhao")),
        ApprovalRole(name="executive", label=LABEL),
        ApprovalRole(name="compliance", label=LABEL, only_beside=True),
    ),
    demands=(
        Demand(name="large", label=LABEL, cost_over=5000, approvals=2),
        Demand(name="funds", label=LABEL, offers=("fund",), role="compliance"),
    ),
    second_person=("lift", "resume"),
)
"""Roles with limits, a demand by amount, and one by offer."""


def later(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def submission(strategy: str = "welcome", cost: float = 100, **other: Any) -> Submission:
    """A submission; `customers`, `offers`, `channels` and `note` go where they belong."""
    body = {
        "strategy": {"name": strategy, "note": other.get("note", "")},
        "offers": {name: {"name": name} for name in other.get("offers", ("gift",))},
        "channels": {name: {"name": name} for name in other.get("channels", ("sms", "app"))},
    }
    return Submission(
        strategy=strategy,
        workspace_version="w1",
        business_date=other.get("day", date(2026, 11, 22)),
        enrols=other.get("enrols", "once"),
        cost=round(cost * 100),
        body=body,
        explanation={"customers": other.get("customers", 10)},
    )
