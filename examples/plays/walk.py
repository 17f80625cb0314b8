"""A thousand customers go through a play of the starter pack, then it changes: `python walk.py WORKSPACE`."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert

from cultiva.definitions.loading import load_workspace
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.plays.compiling import compiled
from cultiva.execution.plays.service import Plays
from cultiva.execution.plays.world import Enrolment, Running, World
from cultiva.execution.tables import LAUNCH, RECIPIENT, SIGNAL
from cultiva.store import Store, open_store

START, HOUR = datetime(2026, 3, 2, 2, tzinfo=UTC), timedelta(hours=1)
ZONE = "Asia/Shanghai"


def write(store: Store, table: Table, rows: list[dict[str, Any]]) -> None:
    """What other parts of Cultiva write: launches, recipients, answers."""
    with store.database.writing() as connection:
        connection.execute(insert(table), rows)


def launch_row(strategy: str) -> dict[str, Any]:
    """A launch that is live."""
    texts = {"strategy": strategy, "version": "v", "workspace_version": "w", "enrols": "once", "author": "a"}
    rest = {"cost": 0, "body": {}, "explanation": {}, "business_date": date(2026, 3, 1)}
    return {"launch_id": "honeymoon", "state": "live", "created": START, "changed": START, **texts, **rest}


def recipient_row(customer: int) -> dict[str, Any]:
    """A customer whom every channel may reach."""
    texts = {"zone": ZONE, "language": "zh", "name": "", "phone": "1", "email": "", "suppressed_by": ""}
    rest = {"handles": {}, "channels": ["app", "sms", "phone"], "business_date": date(2026, 3, 1)}
    return {"customer_id": customer, **texts, **rest}


def answer_row(customer: int, name: str, at: datetime) -> dict[str, Any]:
    """Something that a customer did."""
    texts = {"signal_id": f"{name}-{customer}", "name": name, "touch_id": "", "source": "app"}
    return {"customer_id": customer, "at": at - HOUR, "received": at, "detail": {}, **texts}


def main(workspace: Path) -> None:
    """Ten days, each round twice; then the migration."""
    bank = load_workspace(workspace)
    store = open_store("sqlite:///walk.db", Path.cwd())
    graph = compiled(bank.strategies["honeymoon_second_product"], bank)
    write(store, LAUNCH, [launch_row(graph.strategy)])
    write(store, RECIPIENT, [recipient_row(one) for one in range(1300)])

    plays, launch = Plays(store.database, Calendar.of(bank)), Running("honeymoon", graph)
    plays.enrol(launch, [Enrolment(one, ZONE, "app", "term_deposit") for one in range(1000)], START)
    for day in (0, 1, 3, 9, 10):
        now = START + timedelta(days=day)
        if day == 1:
            write(store, SIGNAL, [answer_row(one, "clicked", now) for one in range(100)])
            write(store, SIGNAL, [answer_row(one, "converted", now) for one in range(100, 110)])
        moves = plays.advance(launch, now, world=World())
        again = plays.advance(launch, now, world=World())
        print(f"day {day:2}: waves {moves.waves}, exits {moves.exits}, moved again {again.transitions}")
    for _, step, state, reason, people in plays.standing(launch):
        print(f"{people:5} {state} at {step}: {reason}")

    plays.enrol(launch, [Enrolment(one, ZONE, "app", "term_deposit") for one in range(1000, 1300)], now)
    new = bank.strategies["first_contact_welcome"].model_copy(update={"name": graph.strategy})
    plan = plays.plan_migration(Running("honeymoon", compiled(new, bank)), {"app": "hello"})
    for one in plan.passages:
        print(f"{one.people} people at {one.step} would go to {one.to}")
    print(f"left on the old version after it: {plays.migrate(plan, now).staying}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
