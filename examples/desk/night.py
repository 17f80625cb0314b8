"""What a night leaves on the desks of one branch: its people, whom they may call, and the tasks of three plays.

In a bank `cultiva run` and `cultiva work` do this; here it is written down, so that the guide needs no data.

    python examples/desk/night.py mybank
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

from cultiva.definitions.loading import load_workspace
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.records import Draft, StaffRow
from cultiva.execution.tasks.service import Tasks
from cultiva.store import open_store

NIGHT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)  # Monday, 4:00 in Shanghai
DAY = date(2026, 11, 22)
STAFF = (
    StaffRow("E01", "B1", "adviser", 2),
    StaffRow("E02", "B1", "adviser", 60),
    StaffRow("E07", "B1", "wealth_adviser", 40),
    StaffRow("E08", "B1", "lobby_manager", 100),
    StaffRow("E09", "B1", "branch_manager", 20),
)
CUSTOMERS = {101: "王小芳", 102: "李建国", 103: "陈静", 104: "赵敏"}


def say(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{line}\n")


def task(customer_id: int, kind: str, worth: float, reason: str, **more: str) -> Draft:
    """A task as a play asks for it, with the facts filled in."""
    fields = {"branch_id": "B1", "adviser_id": "E01", "launch_id": "launch-1", "channel": "phone", **more}
    touch_id = f"touch-{customer_id}-{kind}"
    return Draft(kind, customer_id, step="call", touch_id=touch_id, worth=worth, reason=reason, **fields)


TASKS = (
    task(101, "call", 320, "200,000 yuan have come in", offer="term_deposit", script="Ms Wang, may I ask ..."),
    task(102, "call", 95, "a deposit matures on 2 December", offer="term_deposit"),
    task(103, "call", 640, "liquid 1.2 million, no fund yet", offer="wealth_product"),
    task(104, "visit", 60, "pension day is on Wednesday", channel="branch", offer="silver_deposit"),
)


def main(root: Path) -> None:
    """Fills the desks."""
    workspace = load_workspace(root)
    assert workspace.workbench is not None, "the starter pack has one"
    store = open_store(workspace.settings.store.url, root)
    people = [
        Recipient(who, "Asia/Shanghai", "zh", name, branch_id="B1", channels=("phone", "branch"), business_date=DAY)
        for who, name in CUSTOMERS.items()
    ]
    Recipients(store.database).put(people)
    tasks = Tasks(store.database, workspace.workbench, Calendar.of(workspace))
    tasks.staff(STAFF, DAY, NIGHT)
    say(f"{len(STAFF)} people, {len(tasks.create(TASKS, NIGHT))} tasks")
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
