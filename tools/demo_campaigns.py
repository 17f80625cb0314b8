"""Gives a demonstration bank something to see: launches in every state, messages, answers, tasks, an emergency stop.

It does what people and workers would do on the morning after the newest run, through the same doors: strategies are put
forward, judged by others, let go and carried out, one round of a worker at a time. Nothing of it hangs on the clock, so
that two banks that are the same before are the same after. Done once; a bank that has launches is left alone.

    python -m tools.demo_campaigns demo/loop/workspace
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import select

from cultiva import bootstrap
from cultiva.contracts.decision import Fate
from cultiva.contracts.delivery import Message, Provider, Receipt, Report, Sent
from cultiva.execution.channels.service import open_providers
from cultiva.execution.content.links import KEY_VARIABLE
from cultiva.execution.dispatch.records import Lane
from cultiva.execution.dispatch.service import Dispatcher
from cultiva.execution.launching.launches import Enrols, Launch, Person
from cultiva.execution.tables import DELIVERY
from cultiva.execution.tasks.records import Absence, Logged
from cultiva.kit.errors import CultivaError
from cultiva.loop import campaigns, stopping
from cultiva.loop.desk import desk
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.loop.work.service import Worker

AUTHOR, LEAD, COMPLIANCE, DUTY = Person("周敏"), Person("林涛"), Person("何静"), Person("许杰")
"""Who puts forward, who approves, who looks at investments, who is on duty."""
KEYS = "demo:6c656164732d6e6f77686572652d6f66-d656d6f"
"""Signs links of a demonstration where the environment has no keys."""
TESTERS = (
    'testers:\n  - { name: 李娜, addresses: { sms: "13800000000", app: tester-1 } }\n'
    '  - { name: 王磊, addresses: { sms: "13800000001" } }\n'
)
NO_TESTERS = "testers: []"


@dataclass(frozen=True)
class Scene:
    """What becomes of one strategy's launch."""

    strategy: str
    until: str
    """submitted, seconded, rejected, approved, live, paused or stopped."""
    enrols: Enrols = "once"
    remark: str = ""


SCENES = (
    Scene("wealth_upgrade", "live"),
    Scene("deposit_maturity", "live", "daily"),
    Scene("honeymoon_second_product", "live", "daily"),
    Scene("car_owner_card", "live"),
    Scene("merchant_growth", "live", "daily"),
    Scene("pension_day_visit", "live"),
    Scene("payroll_day", "paused", "daily", "代发到账有延迟，先等一等"),
    Scene("dormant_wake_up", "stopped", remark="短信中的利率已过期"),
    Scene("promoter_referral", "rejected", remark="推荐奖励的预算还没有批下来"),
    Scene("family_protection", "approved"),
    Scene("money_arrived", "seconded"),
    Scene("loan_pick_up", "submitted"),
    Scene("valuable_retention", "submitted", "daily"),
)
ANSWERS = (("clicked", 7), ("opened", 3), ("opted_out", 61))
"""Kind of report, and of how many delivered messages one gets it."""
RESULTS = ("interested", "no_answer", "call_back", "refused", "interested")
"""What comes of the first calls of a list, in turn."""


class Careless:
    """A provider that now and then refuses, or does not say what became of a message; which, hangs on its key."""

    repeats_safely = False
    traceable = False

    def __init__(self, inner: Provider) -> None:
        self._inner = inner

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """See `contracts.delivery.Provider`."""
        fates = {one.key: _fate(one.key) for one in messages}
        told = [
            Receipt(key, fate, problem="number not in service" if fate is Sent.REFUSED else "connection lost")
            for key, fate in fates.items()
            if fate is not Sent.ACCEPTED
        ]
        return [*told, *self._inner.send([one for one in messages if fates[one.key] is Sent.ACCEPTED])]

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        """Cannot tell."""
        return [Receipt(key, Sent.UNKNOWN, problem="no record") for key in keys]

    def poll(self) -> Sequence[Report]:
        """Reports are taken by `_answers`."""
        return ()

    def close(self) -> None:
        """Gives the connection back."""
        self._inner.close()


def main(root: Path) -> None:
    """Does it.

    Args:
        root: A workspace with at least one run.
    """
    os.environ.setdefault(KEY_VARIABLE, KEYS)
    _name_testers(root / "approval.yaml")
    with bootstrap.opened(root) as parts:
        if campaigns.launches_of(parts).all():
            sys.stdout.write("the bank has launches already\n")
            return
        for line in play(parts):
            sys.stdout.write(f"{line}\n")


def morning(parts: Parts) -> datetime:
    """Half past nine on the day after the newest run: the instant at which all of it begins."""
    day = parts.newest_date() + timedelta(days=1)
    return datetime.combine(day, time(9, 30), ZoneInfo(parts.workspace.settings.timezone))


def chosen_for(parts: Parts) -> frozenset[str]:
    """Strategies that the newest plan has chosen somebody for."""
    decisions = scan(parts.lake.files_current("decisions", parts.newest_date()))
    chosen = decisions.filter(pl.col("fate") == Fate.CHOSEN.value).select(pl.col("strategy").unique())
    return frozenset(chosen.collect()["strategy"])


def play(parts: Parts) -> Iterator[str]:
    """Everything, in order; a line for each part.

    Args:
        parts: Of a workspace without launches.
    """
    at = morning(parts)
    before = at - timedelta(hours=15)
    held = replace(parts, clock=lambda: before)
    reached = chosen_for(parts)
    found = [(scene, put_forward(held, scene)) for scene in SCENES if scene.strategy in reached]
    yield f"{len(found)} launches put forward"
    for place, (scene, launch) in enumerate(found):
        judge(held, scene, launch, before + timedelta(minutes=5 * place))
    with closing(Worker(replace(parts, clock=lambda: at), "demo")) as worker:
        _be_careless(parts, worker)
        rounds(worker, at)
        yield f"{_answers(parts, worker, at + timedelta(minutes=20))} reports of providers"
        for scene, launch in found:
            end(held, scene, launch, at + timedelta(minutes=30))
        rounds(worker, at + timedelta(hours=3))
    yield f"{work(parts, at + timedelta(minutes=40))} tasks taken up"
    campaigns.launches_of(parts).halt(
        "strategy:dormant_wake_up", "短信中的利率已过期", DUTY, at + timedelta(minutes=32)
    )
    yield f"it is {at + timedelta(hours=3):%Y-%m-%d %H:%M} in the bank"


def put_forward(parts: Parts, scene: Scene) -> Launch:
    """A strategy becomes a launch, as the newest plan has it."""
    return campaigns.submit(parts, scene.strategy, parts.newest_date(), enrols=scene.enrols, author=AUTHOR)


def judge(parts: Parts, scene: Scene, launch: Launch, at: datetime) -> None:
    """Others say yes or no, as far as the scene goes; then it is let go."""
    desk_, name = campaigns.launches_of(parts), launch.launch_id
    if scene.until == "submitted":
        return
    if scene.until == "rejected":
        desk_.reject(name, LEAD, "campaign_lead", at, remark=scene.remark)
        return
    role = "campaign_lead" if launch.money <= 50_000 else "executive"
    desk_.approve(name, LEAD, role, at, remark="同意", version=launch.version)
    if scene.until == "seconded":
        return
    if not desk_.missing(desk_.one(name)).nothing:
        desk_.approve(name, COMPLIANCE, "compliance", at + timedelta(minutes=2), version=launch.version)
    if scene.until != "approved":
        desk_.go_live(name, AUTHOR, at + timedelta(minutes=3), version=launch.version)


def rounds(worker: Worker, at: datetime) -> None:
    """Everything that is due at an instant."""
    for _ in range(60):
        if worker.round(at).idle:
            return


def end(parts: Parts, scene: Scene, launch: Launch, at: datetime) -> None:
    """What is held or broken off while it goes out."""
    if scene.until == "paused":
        campaigns.launches_of(parts).pause(launch.launch_id, DUTY, at, remark=scene.remark)
    if scene.until == "stopped":
        stopping.stop(parts, launch.launch_id, DUTY, at, remark=scene.remark)


def work(parts: Parts, at: datetime) -> int:
    """Some people begin their day: they take up what is on top of their list and say what came of most of it."""
    tasks, count = desk(parts), 0
    everybody = [person.staff_id for person, _ in tasks.people(at)]
    for staff_id in everybody[::3]:
        for place, listed in enumerate(tasks.ranked(staff_id, at, limit=4)):
            moment = at + timedelta(minutes=7 * place)
            count += _taken_up(parts, staff_id, listed.task.task_id, place, moment)
    if len(everybody) > 5:
        first: date = at.date()
        tasks.absent(Absence(everybody[4], first, first + timedelta(days=1), everybody[5]))
    return count


def _taken_up(parts: Parts, staff_id: str, task_id: str, place: int, at: datetime) -> int:
    """Accepts one; all but the last are logged. A task that may not be taken up is left."""
    tasks = desk(parts)
    try:
        task = tasks.accept(task_id, staff_id, at)
    except CultivaError:
        return 0
    fitting = {one.name for one in tasks.workbench.results_of(tasks.workbench.kind(task.kind))}  # type: ignore[arg-type]
    result = RESULTS[(int(task_id[:4], 16) + place) % len(RESULTS)]
    if place < 3 and result in fitting:
        call_at = at + timedelta(hours=1 + place) if result == "call_back" else None
        tasks.log(task_id, staff_id, Logged(result, call_at=call_at), at + timedelta(minutes=5))
    return 1


def _be_careless(parts: Parts, worker: Worker) -> None:
    settings = parts.workspace.providers
    used = {one.provider for one in parts.workspace.policy.channels if one.provider is not None}
    opened = open_providers({name: settings[name] for name in sorted(used)}, root=parts.root, clock=parts.clock)
    lanes = {name: Lane(Careless(one), settings[name].batch) for name, one in opened.items()}
    worker.__dict__["dispatcher"] = Dispatcher(parts.store.database, lanes, worker.gates.checks())


def _answers(parts: Parts, worker: Worker, at: datetime) -> int:
    """Providers say who has got what, and what some did with it."""
    asked = select(DELIVERY.c.delivery_id, DELIVERY.c.provider).where(DELIVERY.c.state == "sent")
    with parts.store.database.reading() as connection:
        sent = connection.execute(asked.order_by(DELIVERY.c.delivery_id)).all()
    total = 0
    for provider in sorted({row.provider for row in sent}):
        keys = [row.delivery_id for row in sent if row.provider == provider]
        reports = [one for key in keys for one in _reports(key, at)]
        total += worker.dispatcher.take(provider, reports, at).new
    return total


def _reports(key: str, at: datetime) -> Iterator[Report]:
    number = int(key[:8], 16)
    if number % 23 == 0:
        yield Report(f"{key}-failed", "failed", at - timedelta(minutes=9), key, detail={"problem": "phone is off"})
        return
    if number % 9:
        yield Report(f"{key}-delivered", "delivered", at - timedelta(minutes=number % 10), key)
    for kind, share in ANSWERS:
        if number % 9 and number % share == 0:
            yield Report(f"{key}-{kind}", kind, at + timedelta(minutes=number % 7), key)


def _fate(key: str) -> Sent:
    number = int(key[-8:], 16)
    if number % 89 == 0:
        return Sent.UNKNOWN
    return Sent.REFUSED if number % 37 == 0 else Sent.ACCEPTED


def _name_testers(file: Path) -> None:
    """A starter pack knows nobody who could get test messages."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    told = [TESTERS if line.startswith(NO_TESTERS) else line for line in lines]
    if told != lines:
        file.write_text("".join(told), encoding="utf-8")


def say_morning(root: Path) -> None:
    """Says when the console should be looked at: an hour after everything was done."""
    with bootstrap.opened(root) as parts:
        sys.stdout.write(f"{morning(parts) + timedelta(hours=1):%Y-%m-%dT%H:%M}\n")


if __name__ == "__main__":
    (say_morning if sys.argv[1] == "--morning" else main)(Path(sys.argv[-1]))
