"""Requests and budgets for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from cultiva.definitions.policy import Cap
from cultiva.execution.budget.touches import TouchRequest

AT = datetime(2026, 6, 1, 1, tzinfo=UTC)
"""The instant at which tests begin."""
DAY = date(2026, 6, 1)
"""Its day in Shanghai."""
HOUR = timedelta(hours=1)
TWO_A_WEEK = Cap(scope="customer", days=7, contacts_max=2)
ONE_A_DAY = Cap(scope="customer", days=1, contacts_max=1)


def ask(touch_id: str, customer: int = 1, **changes: object) -> TouchRequest:
    """A request worth 1 for today, with changes."""
    given: dict[str, object] = {
        "touch_id": touch_id, "customer_id": customer, "household_id": None, "channel": "sms", "offer": "card",
        "strategy": "s", "launch_id": "l", "step": "one", "worth": 1.0, "counts_on": DAY,
    }  # fmt: skip
    return TouchRequest(**(given | changes))  # type: ignore[arg-type]


def later(days: int) -> date:
    """A day so many days after today."""
    return DAY + timedelta(days=days)
