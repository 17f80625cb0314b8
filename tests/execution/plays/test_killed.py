"""Killed in the middle of a round, and gone on with: nobody is lost, nobody is moved twice; nor by two at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.execution.plays.small import DAY, LAUNCH_ID, START, enrolments, live, plays, recipients, rows
from tests.execution.plays.test_advance import PLAIN, WAVES

from cultiva.execution.tables import DELIVERY, JOURNEY, TASK, TOUCH
from cultiva.store import Store

ROOT = Path(__file__).parents[3]
PEOPLE = range(1, 1501)
KILLS = (2, 11, 24)
"""Changes after which somebody dies; all but the first after some transactions."""


def test_killed_in_the_middle_and_gone_on_with(store: Store, store_url: str, tmp_path: Path) -> None:
    launch, door = live(store, WAVES), plays(store)
    recipients(store, PEOPLE)
    door.enrol(launch, enrolments(PEOPLE), START)
    for day in (0, 3, 5):
        for last in KILLS:
            at = str(START + day * DAY)
            command = [sys.executable, "-m", "tests.execution.plays.killed", store_url, str(tmp_path), at, str(last)]
            assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
        door.advance(launch, START + day * DAY, world=PLAIN)
    assert len(rows(store.database, DELIVERY, "delivery_id")) == 2 * len(PEOPLE)
    assert len(rows(store.database, TASK, "task_id")) == len(PEOPLE)
    assert len(rows(store.database, TOUCH, "touch_id")) == 3 * len(PEOPLE)
    assert set(rows(store.database, JOURNEY, "launch_id", "state")) == {(LAUNCH_ID, "done")}


def test_two_at_once_move_everybody_once(store: Store) -> None:
    launch, door = live(store, WAVES), plays(store)
    people = range(1, 501)
    recipients(store, people)
    door.enrol(launch, enrolments(people), START)
    moved = 0
    for day in (0, 3, 5):
        with ThreadPoolExecutor(3) as pool:
            rounds = [pool.submit(plays(store).advance, launch, START + day * DAY, world=PLAIN) for _ in range(3)]
            moved += sum(one.result().transitions for one in rounds)
        moved += door.advance(launch, START + day * DAY, world=PLAIN).transitions  # parts that were busy
    assert moved == 5 * len(people)
    assert len(rows(store.database, DELIVERY, "delivery_id")) == 2 * len(people)
