"""What `advance` measures, in a process of its own: people through a play of five steps, by us or by DBOS.

The play: a message, a wait of a day, a random split, an answer that is waited for, a second message to those who gave
none. A tenth answers. Ours writes a touch, an outgoing message and the new place of everybody; the peer records its
steps. Nobody really waits: our time is an argument, the peer's sleeps are left out, so that only moving on is measured.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

STEPS = ("app: send", "pause: wait a day", "lots: split", "answer: wait_for", "message: send")
TRANSITIONS = 5
"""Moves of everybody, the last into the end."""
START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
ANSWERS = 10
"""Every so many-th person answers: that one takes four moves."""
LEAVES = 10
"""Where everybody answers, every so many-th has a reason to leave."""
ZONE = "Asia/Shanghai"
LAUNCH_ID = "bench"


def cultiva(url: str, people: int, *, budget: bool = False) -> dict[str, Any]:
    """Enrols, then advances day by day, as `cultiva work` does; with a budget, every message asks for room."""
    from sqlalchemy import func, select

    from cultiva.definitions.calendar import BankCalendar
    from cultiva.execution.calendar.service import Calendar
    from cultiva.execution.plays.service import Plays
    from cultiva.execution.plays.world import Enrolment, Running, World
    from cultiva.execution.tables import DELIVERY
    from cultiva.store import open_store

    store = open_store(url, Path.cwd())
    launch = Running(LAUNCH_ID, _graph())
    _prepare(store, people)
    door = Plays(store.database, Calendar(BankCalendar(), zone=ZONE))
    began = time.perf_counter()
    door.enrol(launch, (Enrolment(one, ZONE, "app", "deposit", 1.0) for one in range(1, people + 1)), START)
    enrolling = time.perf_counter() - began
    _settle(store)
    reserve = _reserve(store) if budget else None
    world = World(carriers={"app": ("push", "apprise"), "sms": ("gate", "sms_http")}, reserve=reserve)
    moves, seconds, used = [], [], []
    for days in (0, 1, 2, 4):
        if days == 2:
            _answer(store, people, START + timedelta(days=2))
        began, before = time.perf_counter(), _cpu_seconds(store)
        moves.append(door.advance(launch, START + timedelta(days=days), world=world).transitions)
        seconds.append(time.perf_counter() - began)
        used.append(_cpu_seconds(store) - before)
    again = time.perf_counter()
    nothing = door.advance(launch, START + timedelta(days=4), world=world).transitions
    again = time.perf_counter() - again
    with store.database.reading() as connection:
        deliveries = connection.execute(select(func.count()).select_from(DELIVERY)).scalar()
    expected = people * TRANSITIONS - people // ANSWERS
    assert (sum(moves), nothing) == (expected, 0), (moves, nothing, expected)
    assert deliveries == 2 * people - people // ANSWERS, deliveries
    return {
        "people": people,
        "transitions": sum(moves),
        "deliveries": deliveries,
        "seconds": round(sum(seconds), 2),
        "transitions_per_second": round(sum(moves) / sum(seconds)),
        "cpu_seconds": round(sum(used), 2),
        "transitions_per_cpu_second": round(sum(moves) / sum(used)),
        "by_round": [
            {"moves": m, "seconds": round(s, 2), "cpu_seconds": round(u, 2)}
            for m, s, u in zip(moves, seconds, used, strict=True)
        ],
        "idle_round_seconds": round(again, 3),
        "enrolled_per_second": round(people / enrolling),
    }


def hearing(url: str, people: int) -> dict[str, Any]:
    """Everybody waits for an answer and gives one, a LEAVES-th of them a reason to leave; nobody else is due."""
    from cultiva.definitions.calendar import BankCalendar
    from cultiva.execution.calendar.service import Calendar
    from cultiva.execution.plays.service import Plays
    from cultiva.execution.plays.world import Enrolment, Running, World
    from cultiva.store import open_store

    store = open_store(url, Path.cwd())
    launch = Running(LAUNCH_ID, _graph(STEPS[3:]))
    _prepare(store, people)
    door = Plays(store.database, Calendar(BankCalendar(), zone=ZONE))
    door.enrol(launch, (Enrolment(one, ZONE, "app", "deposit", 1.0) for one in range(1, people + 1)), START)
    at, rounds = START + timedelta(hours=3), []
    _answer(store, people, at, every=1)
    _settle(store)
    for minutes in (0, 1, 180):
        began, before = time.perf_counter(), _cpu_seconds(store)
        moved = door.advance(launch, at + timedelta(minutes=minutes), world=World())
        took, used = time.perf_counter() - began, _cpu_seconds(store) - before
        rounds.append({"moves": moved.transitions, "seconds": round(took, 2), "cpu_seconds": round(used, 2)})
    assert [one["moves"] for one in rounds] == [people, 0, 0], rounds
    return {
        "people": people,
        "heard_per_second": round(people / rounds[0]["seconds"]),
        "heard_per_cpu_second": round(people / rounds[0]["cpu_seconds"]),
        "rounds": dict(zip(("first", "a_minute_later", "three_hours_later"), rounds, strict=True)),
    }


def _reserve(store: Any) -> Any:
    """The contact budget, with room for both messages of everybody."""
    from cultiva.definitions.policy import Cap
    from cultiva.execution.budget.service import Budget

    budget = Budget(store.database, [Cap(scope="customer", days=7, contacts_max=2)])
    return lambda connection, asked, at: [one.touch_id for one in budget.reserve(connection, asked, at) if one.granted]


def with_budget(url: str, people: int) -> dict[str, Any]:
    """The same, asking the contact budget."""
    return cultiva(url, people, budget=True)


def _graph(steps: Sequence[str] = STEPS) -> Any:
    from cultiva.definitions.base import Label
    from cultiva.definitions.plays import Play, PlayStep, Portion, Send, Span, Wait, WaitFor
    from cultiva.definitions.policy import Channel, ContactPolicy
    from cultiva.definitions.strategies import Objective, Strategy
    from cultiva.definitions.workspace import Workspace
    from cultiva.execution.plays.compiling import compiled

    text = Label(zh="词", en="word")
    known = (
        PlayStep(name="app", send=Send(channel="app")),
        PlayStep(name="pause", wait=Wait(days=1)),
        PlayStep(name="lots", split=(Portion(share=0.5, then="answer"), Portion(share=0.5, then="answer"))),
        PlayStep(name="answer", wait_for=WaitFor(on={"clicked": "end"}, within=Span(days=2), timeout="message")),
        PlayStep(name="message", send=Send(channel="sms")),
    )
    wanted = {one.partition(":")[0] for one in steps}
    play = Play(steps=tuple(one for one in known if one.name in wanted))
    strategy = Strategy(
        name="bench", label=text, objective=Objective(metric="aum"), audience="true", offers=("deposit",),
        channels=("app",), rank="1", play=play,
    )  # fmt: skip
    channels = tuple(Channel(name=name, label=text, kind="message") for name in ("app", "sms"))
    workspace = SimpleNamespace(policy=ContactPolicy(channels=channels), offers={}, workbench=None)
    return compiled(strategy, cast(Workspace, workspace))


def _prepare(store: Any, people: int) -> None:
    """The launch, and what is known of everybody."""
    from sqlalchemy import insert, literal, select, text

    from cultiva.execution.tables import LAUNCH, RECIPIENT

    launch = {"launch_id": LAUNCH_ID, "strategy": "bench", "version": "v", "workspace_version": "w", "enrols": "once",
              "business_date": date(2026, 3, 1), "author": "a", "cost": 0, "body": {}, "explanation": {},
              "state": "live", "created": START, "changed": START}  # fmt: skip
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :people)"
    columns = (
        "customer_id, household_id, zone, language, name, phone, email, handles, channels, suppressed_by, business_date"
    )
    values = (
        "i, i / 2, 'Asia/Shanghai', 'zh', 'n', '138' || i, 'c' || i || '@example.com', '{}', '[\"app\", \"sms\"]', '', "
        "CAST('2026-03-01' AS DATE)"
    )
    if store.database.engine.dialect.name == "sqlite":
        values = values.replace("CAST('2026-03-01' AS DATE)", "'2026-03-01'")
    with store.database.writing() as connection:
        connection.execute(insert(LAUNCH), [launch])
        connection.execute(
            text(f"{numbers} INSERT INTO recipient ({columns}) SELECT {values} FROM n"), {"people": people}
        )
    with store.database.reading() as connection:
        assert connection.execute(select(literal(1)).where(RECIPIENT.c.customer_id == people)).scalar() == 1


def _answer(store: Any, people: int, at: datetime, *, every: int = ANSWERS) -> None:
    """Every so many-th person clicks, where those are all of them every LEAVES-th converts instead."""
    from sqlalchemy import insert

    from cultiva.execution.tables import SIGNAL

    rows = [
        {"signal_id": f"s{one}", "customer_id": one, "at": at - timedelta(hours=1), "amount": None,
         "name": "converted" if every == 1 and one % LEAVES == 0 else "clicked",
         "touch_id": "", "source": "bench", "detail": {}, "received": at}
        for one in range(every, people + 1, every)
    ]  # fmt: skip
    with store.database.writing() as connection:
        connection.execute(insert(SIGNAL), rows)


def _cpu_seconds(store: Any) -> float:
    """User and system time so far of this process, and of the server where there is one, on this machine."""
    import psutil

    used = time.process_time()
    if not store.database.has_many_writers:
        return used
    with store.database.reading() as connection:
        folder = connection.exec_driver_sql("show data_directory").scalar_one()
    server = psutil.Process(int((Path(folder) / "postmaster.pid").read_text().split()[0]))
    ended = server.cpu_times()
    used += ended.children_user + ended.children_system
    for one in [server, *server.children()]:
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            used += times.user + times.system
    return used


def _settle(store: Any) -> None:
    """Statistics after a bulk load, as autovacuum would make them."""
    with store.database.writing() as connection:
        connection.exec_driver_sql("ANALYZE")


def dbos(url: str, people: int) -> dict[str, Any]:
    """One durable workflow per person; a step that is done is recorded and not repeated after a crash."""
    from dbos import DBOS, DBOSConfig

    config: DBOSConfig = {
        "name": "advance",
        "system_database_url": url,
        "log_level": "ERROR",
        "run_admin_server": False,
    }
    DBOS(config=config)

    @DBOS.step()
    def send(customer: int, channel: str) -> str:
        return f"{channel}:{customer}"

    @DBOS.step()
    def pause(customer: int) -> int:
        return customer

    @DBOS.step()
    def lots(customer: int) -> int:
        return customer % 2

    @DBOS.step()
    def answer(customer: int) -> bool:
        return customer % ANSWERS == 0

    @DBOS.workflow()
    def play(customer: int) -> int:
        send(customer, "app")
        pause(customer)
        lots(customer)
        if not answer(customer):
            send(customer, "sms")
        return customer

    DBOS.launch()
    play(0)
    began = time.perf_counter()
    with ThreadPoolExecutor(32) as pool:
        done = sum(1 for _ in pool.map(play, range(1, people + 1)))
    seconds = time.perf_counter() - began
    DBOS.destroy()
    moves = people * TRANSITIONS - people // ANSWERS
    assert done == people
    return {
        "people": people,
        "transitions": moves,
        "seconds": round(seconds, 2),
        "transitions_per_second": round(moves / seconds),
    }


if __name__ == "__main__":
    print(
        json.dumps(
            {"cultiva": cultiva, "with_budget": with_budget, "hearing": hearing, "dbos": dbos}[sys.argv[1]](
                sys.argv[2], int(sys.argv[3])
            )
        )
    )
