"""The bank that all stories share: what its people have before them, and what workers do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from tests.api.banks import opened
from tests.console.desks import OFTEN, RULES, with_console
from tests.console.review.published import ALL, publish, readout, review_of
from tools.browsing import served
from tools.demo_campaigns import morning, play, rounds

from cultiva.console.app import create_console
from cultiva.contracts.readout import Verdict
from cultiva.execution.access.doors import Doors
from cultiva.execution.tasks.records import Draft
from cultiva.kit.clock import running_from
from cultiva.loop.campaigns import launches_of
from cultiva.loop.demo_users import busiest, demo_users
from cultiva.loop.desk import desk
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.loop.turns import Turns
from cultiva.loop.work.service import Worker

PASSWORD = "green-hill-river-77"
PROVED = timedelta(hours=4)
"""After the morning's run everything of `tools.demo_campaigns` has been done."""
REVIEWED = "wealth_upgrade"


@dataclass
class World:
    """A console that is being served, and the bank behind it."""

    base: str
    parts: Parts
    """With the clock of the console."""
    adviser: str
    """Staff id of the login `adviser`."""
    branch: str
    """Theirs, and that of the login `branch.manager`."""
    _later: list[timedelta]
    _made: int = field(default=0)

    def wait(self, minutes: int) -> None:
        """Lets time pass."""
        self._later[0] += timedelta(minutes=minutes)

    def work(self) -> None:
        """What workers do at this moment."""
        with closing(Worker(self.parts, "stories")) as worker:
            rounds(worker, self.parts.clock())

    def customers(self, *where: pl.Expr) -> list[tuple[int, str]]:
        """Id and name of customers, by id."""
        found = scan(self.parts.lake.files_current("customer", self.parts.newest_date())).filter(*where)
        named = found.filter(pl.col("name").str.len_chars() > 1).sort("customer_id")
        return [(int(one), str(name)) for one, name in named.select("customer_id", "name").collect().iter_rows()]

    def mine(self) -> list[tuple[int, str]]:
        """Customers of the adviser."""
        return self.customers(pl.col("adviser_id") == self.adviser)

    def others(self) -> list[tuple[int, str]]:
        """Customers of other advisers of other branches."""
        return self.customers(pl.col("adviser_id") != self.adviser, pl.col("branch_id") != self.branch)

    def colleagues(self) -> list[str]:
        """Staff ids of other advisers of the branch."""
        found = desk(self.parts).people(self.parts.clock(), branch=self.branch, role="adviser")
        return [one.staff_id for one, _ in found if one.staff_id != self.adviser]

    def task(self, customer_id: int, staff_id: str, reason: str) -> str:
        """Makes a task, which needs no consent."""
        self._made += 1
        wanted = Draft(
            kind="follow_up", customer_id=customer_id, branch_id=self.branch, staff_id=staff_id, worth=10.0,
            reason=reason, script="您好，想和您聊聊到期的存款。", number=self._made,
        )  # fmt: skip
        return desk(self.parts).create([wanted], self.parts.clock())[0]

    def names(self) -> dict[str, str | int]:
        """What stands for the variable parts of addresses: something that is there, of each kind."""
        (live,) = launches_of(self.parts).all(strategy=REVIEWED)
        customer = self.mine()[0][0]
        run = self.parts.store.runs.newest()
        assert run is not None
        return {
            "customer": customer,
            "strategy": REVIEWED,
            "launch": live.launch_id,
            "task": self.task(customer, self.adviser, "a look at the page"),
            "run": run.run_id,
            "user": Doors(self.parts.store.database).find("adviser").user_id,
        }


@dataclass(frozen=True)
class _Reviewed:
    parts: Parts


@contextmanager
def world_of(root: Path) -> Iterator[World]:
    """Serves the console over a bank on the day after its run.

    Args:
        root: A workspace that may be changed.
    """
    with opened(root) as found:
        at = morning(found)
        list(play(replace(found, clock=lambda: at)))
        later, running = [timedelta()], running_from(at + PROVED)

        def clock() -> datetime:
            return running() + later[0]

        settings = {**OFTEN, "cookie_secure": False, "require_second_factor_for": ()}
        parts = replace(with_console(found, **settings), clock=clock)
        _review(parts)
        demo_users(parts, Doors(parts.store.database, RULES), PASSWORD, certain=True)
        adviser, branch = busiest(parts)
        with served(create_console(parts, Turns(parts))) as base:
            yield World(base, parts, adviser, branch, later)


def _review(parts: Parts) -> None:
    """A review of four weeks: the programme, one strategy that pays and one that does not."""
    groups = [readout(REVIEWED, 40.0, dimension="group:stage", group="mature", treated=300, control=30)]
    publish(
        _Reviewed(parts),
        review_of(ALL, 12.5, Verdict.KEEP),
        review_of(REVIEWED, 20.0, Verdict.SCALE, *groups),
        review_of("payroll_day", -7.0, Verdict.STOP),
    )
