"""A small workbench, its people, and a calendar of weekdays, as tests of tasks use them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from cultiva.definitions.calendar import BankCalendar
from cultiva.definitions.workbench import Workbench
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.tasks.records import Draft, StaffRow

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""10:00 in Shanghai."""
DAY = date(2026, 11, 23)
_LABEL = {"zh": "一", "en": "one"}


def _named(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "label": _LABEL, **more}


BENCH = Workbench.model_validate(
    {
        "roles": [
            _named("adviser", staff_roles=["adviser"], personal=True),
            _named("wealth", staff_roles=["wealth_adviser"]),
            _named("remote", staff_roles=["remote_adviser"], whole_bank=True, in_hand_max=2),
            _named("lobby", staff_roles=["lobby_manager"], counter=True),
            _named("manager", staff_roles=["branch_manager"], manages=True),
        ],
        "kinds": [
            _named(
                "call",
                role="adviser",
                channels=["phone"],
                due_days=3,
                at_counter=True,
                escalation=[
                    {"unless": "accepted", "business_days": 2},
                    {"unless": "done", "business_days": 1, "to": "manager"},
                ],
                expires_days=10,
                attempts_max=2,
            ),
            _named("remote_call", role="remote", due_days=1, results=["reached", "no_answer", "refused"]),
            _named("visit", role="lobby", channels=["branch"], at_counter=True),
            _named("upgrade", role="wealth", answer_days=2),
            _named("paper", role="adviser", contact=False, due_days=0),
        ],
        "results": [
            _named("reached", signals=["reached"]),
            _named("interested", signals=["reached", "interested"], follow_up={"kind": "paper", "days": 2}),
            _named("refused", signals=["reached", "refused"]),
            _named("converted", signals=["reached", "converted"], amount=True),
            _named("wrong_number", signals=["wrong_number"], contact=False),
            _named("call_back", signals=["reached"], then="call_back"),
            _named("no_answer", contact=False, then="try_again"),
        ],
    }
)
STAFF = (
    StaffRow("A1", "B1", "adviser", 3),
    StaffRow("A2", "B1", "adviser", 60),
    StaffRow("A3", "B2", "adviser", 60),
    StaffRow("W1", "B1", "wealth_adviser", 40),
    StaffRow("R1", "B9", "remote_adviser", 150),
    StaffRow("L1", "B1", "lobby_manager", 100),
    StaffRow("L2", "B2", "lobby_manager", 100),
    StaffRow("M1", "B1", "branch_manager", 10),
)
CALENDAR = Calendar(BankCalendar(), zone="Asia/Shanghai")


def later(**span: float) -> datetime:
    return MONDAY + timedelta(**span)


def draft(customer_id: int = 17, **more: Any) -> Draft:
    """A call of A1's customer at branch B1."""
    fields = {"kind": "call", "branch_id": "B1", "adviser_id": "A1", "worth": 10.0, "touch_id": f"t{customer_id}"}
    return Draft(customer_id=customer_id, **{**fields, "launch_id": "L", "step": "s", "channel": "phone", **more})
