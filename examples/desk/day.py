"""A day at the desks that `night.py` has filled: what people do, and what the rules make of it.

python examples/desk/day.py mybank
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cultiva.definitions.loading import load_workspace
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.tasks.records import Absence, Task
from cultiva.execution.tasks.service import Tasks
from cultiva.kit.errors import CultivaError
from cultiva.store import open_store


def say(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{line}\n")


def clock(text: str, day: int = 23) -> datetime:
    """A moment in the bank's time; of that Monday unless another day is given."""
    return datetime.fromisoformat(f"2026-11-{day}T{text}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def tell(what: str, action: Callable[[], Task]) -> None:
    """Does something and says what came of it."""
    try:
        found = action()
        say(f"{what}: {found.standing}, {found.staff_id or found.role}")
    except CultivaError as error:
        say(f"{what}: {error.message} ({error.seen})")


def main(root: Path) -> None:
    """Lives the day."""
    workspace = load_workspace(root)
    assert workspace.workbench is not None, "the starter pack has one"
    store = open_store(workspace.settings.store.url, root)
    tasks = Tasks(store.database, workspace.workbench, Calendar.of(workspace))
    of = {task.customer_id: task.task_id for who in (101, 102, 103, 104) for task in tasks.of_customer(who, live=True)}
    tasks.arrive(102, "B1", clock("10:00"), by="E08")
    lobby = [one.task.customer_id for one in tasks.queue("lobby", clock("10:01"), branch="B1")]
    say(f"at the counter: {lobby}")
    tasks.escalate(clock("10:40"))
    tell("nobody had time for 102", lambda: tasks.task(of[102]))
    tell("E02 would like to call 102", lambda: tasks.accept(of[102], "E02", clock("11:00")))
    tasks.absent(Absence("E01", date(2026, 11, 24), date(2026, 11, 24), "E02"))
    tell("on Tuesday E02 stands in", lambda: tasks.accept(of[102], "E02", clock("09:30", day=24)))
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
