"""An adviser of the small bank with a few tasks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from tests.api.banks import NOW
from tests.console.desks import ConsoleUnderTest, Window

from cultiva.engine.parquet import part_files
from cultiva.execution.access.roles import Role
from cultiva.execution.tasks.records import Draft
from cultiva.execution.tasks.service import Tasks
from cultiva.loop.desk import desk, refresh_staff
from cultiva.loop.recipients import refresh

SCRIPT = "您好，请问是{name}吗？"


@dataclass
class Shift:
    """One adviser, with customers of the branch."""

    console: ConsoleUnderTest
    staff_id: str
    branch_id: str
    customers: Sequence[tuple[int, str]]
    """Id and name."""
    made: int = field(default=0)

    @property
    def tasks(self) -> Tasks:
        """The queue, seen by the bank itself."""
        return desk(self.console.parts)

    def window(self, role: Role = Role.ADVISER, **more: Any) -> Window:
        """The adviser's window, which has seen a light page and knows its token from there."""
        found = self.console.as_role(role, **(more or {"staff_id": self.staff_id}))
        if not found.csrf:
            token = re.search(r'name="csrf" content="([0-9a-f]+)"', found.http.get("/account").text)
            assert token is not None
            found.csrf = token[1]
        return found

    def task(self, place: int = 0, *, at: datetime = NOW, **more: Any) -> str:
        """Makes a task about one of the customers: a follow-up, which needs no consent."""
        customer_id, name = self.customers[place]
        self.made += 1
        fields = {"kind": "follow_up", "branch_id": self.branch_id, "staff_id": self.staff_id, "worth": 10.0}
        texts = {"reason": f"reason {self.made}", "script": SCRIPT.format(name=name), "number": self.made}
        return self.tasks.create([Draft(customer_id=customer_id, **{**fields, **texts, **more})], at)[0]

    def changes(self, task_id: str) -> int:
        """How much has happened to a task, as its form says it."""
        return self.tasks.task(task_id).changes

    def colleagues(self) -> list[str]:
        """Other advisers of the branch."""
        found = self.tasks.people(NOW, branch=self.branch_id, role="adviser")
        return [one.staff_id for one, _ in found if one.staff_id != self.staff_id]

    def elsewhere(self) -> tuple[str, str]:
        """An adviser of another branch, and the branch."""
        found = self.tasks.people(NOW, role="adviser")
        return next((one.staff_id, one.branch_id) for one, _ in found if one.branch_id != self.branch_id)


def shift_of(console: ConsoleUnderTest) -> Shift:
    """The first adviser of the bank, with three of the branch's customers whose names are longer than a letter."""
    parts, on = console.parts, console.parts.newest_date()
    refresh_staff(parts, on, NOW - timedelta(days=30))
    first = next(one for one, _ in desk(parts).people(NOW, role="adviser"))
    rows = pl.scan_parquet(part_files(parts.lake.files_current("customer", on)), hive_partitioning=False)
    here = (pl.col("branch_id") == first.branch_id) & (pl.col("name").str.len_chars() > 1)
    found = rows.filter(here).sort("customer_id").head(6).select("customer_id", "name").collect()
    refresh(parts, found["customer_id"].to_list(), on)
    return Shift(console, first.staff_id, first.branch_id, found.rows())
