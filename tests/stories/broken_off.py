"""Five months of loan applications (BPI Challenge 2012) replayed at high speed through the live path.

Every application is a customer of its own: the data do not say who applied. What the bank's system wrote becomes
events; log, hot store, folding, triggers and effects are those of a live bank. See ../shared/data for the data.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

import cultiva.packs
from cultiva.contracts.moments import Moment, write_moment
from cultiva.definitions.events import EventType
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.records import StaffRow
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.triggers.effects import Effects
from cultiva.execution.triggers.service import Triggers
from cultiva.insight.live.service import Live
from cultiva.loop.live.handling import Meaning
from cultiva.store import Store
from cultiva.stream.embedded_hot import EmbeddedHotStore
from cultiva.stream.embedded_log import EmbeddedLog
from cultiva.stream.port import Record
from cultiva.stream.working import PartitionWorker

DATA = Path(os.environ.get("CULTIVA_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILE = DATA / "bpi2012_loan_applications" / "bpic2012_events.parquet"
ZONE = "Europe/Amsterdam"
PARTITIONS = 4
NAMES: Mapping[str, str] = {
    "A_SUBMITTED": "application_submitted",
    "A_PREACCEPTED": "application_preaccepted",
    "A_ACCEPTED": "application_completed",
    "A_APPROVED": "application_approved",
    "A_CANCELLED": "application_cancelled",
    "A_DECLINED": "application_declined",
    "O_SENT": "offer_sent",
    "O_SENT_BACK": "offer_returned",
}
"""What the bank's system wrote -> the event."""
CLOSED = ("application_cancelled", "application_declined")
TRIGGERS: tuple[Mapping[str, Any], ...] = (
    {
        "name": "application_broken_off",
        "label": {"zh": "申请中断", "en": "Application broken off"},
        "on": "application_preaccepted",
        "when": "event.amount >= 2000",
        "then_not": {"event": ["application_completed", *CLOSED], "within": {"days": 3}, "same": ["application"]},
        "expires_after": {"days": 5},
        "does": {
            "worth": "0.02 * least(event.amount, 50000)",
            "task": {
                "kind": "remote_call", "channel": "phone", "strategy": "loan_pick_up", "offer": "consumer_loan",
                "reason": "三天前预批 {event.amount} 元贷款（{event.application}），资料未补齐。",
            },
        },
    },
    {
        "name": "offer_unanswered",
        "label": {"zh": "合同未回", "en": "Offer unanswered"},
        "on": "offer_sent",
        "then_not": {"event": ["offer_returned", *CLOSED], "within": {"days": 14}, "same": ["application"]},
        "debounce": {"days": 1},
        "again_after": {"days": 30},
        "expires_after": {"days": 5},
        "does": {
            "worth": "0.02 * least(event.amount, 50000)",
            "task": {
                "kind": "remote_call", "channel": "phone", "strategy": "loan_pick_up", "offer": "consumer_loan",
                "reason": "{event.amount} 元贷款合同已寄出两周，未寄回。",
            },
        },
    },
)  # fmt: skip


@dataclass(frozen=True)
class Replayed:
    """How the replay went."""

    events: int
    seconds: float
    timers: int
    troubles: int
    until: datetime
    """The last look of the worker."""

    @property
    def per_second(self) -> float:
        """Events from the log to profile, triggers and effects, in one process."""
        return self.events / self.seconds


def applications(*, before: datetime | None = None, until: datetime | None = None) -> pl.DataFrame:
    """What happened, in order: `application`, `amount`, `at` (UTC), `name`, `number` (of the row).

    Args:
        before: Only applications submitted before then: aware; None: all.
        until: Only what happened before then; None: everything.
    """
    rows = pl.read_parquet(FILE).filter(pl.col("lifecycle:transition") == "COMPLETE")
    named = rows.select(
        number=pl.int_range(pl.len()),
        application=pl.col("case:concept:name").cast(pl.Int64),
        amount=pl.col("case:AMOUNT_REQ").cast(pl.Float64),
        at=pl.col("time:timestamp"),
        name=pl.col("concept:name").replace_strict(NAMES, default=None),
    ).drop_nulls("name")
    if before is not None:
        first = pl.col("at").min().over("application")
        named = named.filter(first < before)
    if until is not None:
        named = named.filter(pl.col("at") < until)
    return named.sort("at", "number")


def loan_bank() -> Workspace:
    """The starter pack with the events and triggers of the story."""
    found = load_workspace(Path(next(iter(cultiva.packs.__path__))) / "retail_bank")
    events = {
        name: EventType.model_validate(
            {"name": name, "label": {"zh": name, "en": name}, "properties": {"amount": "number", "application": "text"},
             "personal": ["application"]}
        )
        for name in NAMES.values()
    }  # fmt: skip
    loan = found.offers["consumer_loan"].model_copy(update={"eligible": "true"})  # who applied may have it
    return replace(
        found,
        settings=found.settings.model_copy(update={"timezone": ZONE}),
        events={**found.events, **events},
        offers={**found.offers, "consumer_loan": loan},
        triggers={one["name"]: Trigger.model_validate(one) for one in TRIGGERS},
    )


def replay(store: Store, folder: Path, rows: pl.DataFrame, workspace: Workspace, *, hours: int = 24) -> Replayed:
    """Replays events day by day: what happened until midnight comes in, then a worker does what is to be done.

    Args:
        store: Empty.
        folder: For the log and the hot store.
        rows: From `applications`.
        workspace: From `loan_bank`.
        hours: From one look of the worker to the next.
    """
    assert workspace.workbench is not None
    tasks = Tasks(store.database, workspace.workbench, Calendar.of(workspace))
    begin, end = rows["at"][0], rows["at"][-1]
    tasks.staff([StaffRow("R1", "B1", "remote_adviser", 500)], begin.date(), begin)
    people = rows["application"].unique().to_list()
    Recipients(store.database).put([_applicant(one, end.date()) for one in people])
    triggers = Triggers(workspace)
    meaning = Meaning(Live(workspace), triggers, Effects(workspace, store.database, triggers, tasks=tasks))
    log = EmbeddedLog(folder / "log.db", partitions=PARTITIONS, keep_days=400)
    hot = EmbeddedHotStore(folder / "hot.db", partitions=PARTITIONS)
    worker = PartitionWorker(log, hot, meaning, name="w", lease=timedelta(days=2), batch=2_000)
    timers, until, began = 0, begin, perf_counter()
    for until, some in _portions(rows, begin, end, timedelta(hours=hours)):
        log.append(some)
        did = worker.round(until)
        while not did.idle:
            timers += did.timers
            did = worker.round(until)
    seconds = perf_counter() - began
    log.close()
    hot.close()
    return Replayed(rows.height, seconds, timers, sum(meaning.troubles.values()), until)


def oracle(rows: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Which applications are broken off, and when it falls due, from the raw rows: `application`, `due`."""
    first = rows.pivot(on="name", index=["application", "amount"], values="at", aggregate_function="min")
    due = pl.col("application_preaccepted") + pl.duration(days=3)
    answered = pl.min_horizontal("application_completed", *CLOSED)
    broken = first.filter(pl.col("amount") >= 2000, due <= until, answered.is_null() | (answered >= due))
    return broken.select("application", due=due).sort("application")


def _portions(
    rows: pl.DataFrame, begin: datetime, end: datetime, step: timedelta
) -> Iterator[tuple[datetime, list[Record]]]:
    zone, until = ZoneInfo(ZONE), begin
    while until <= end:
        until += step
        come_in = rows.filter(pl.col("at").is_between(until - step, until, closed="left"))
        yield until, [_record(row, zone) for row in come_in.iter_rows(named=True)]


def _record(row: Mapping[str, Any], zone: ZoneInfo) -> Record:
    name = f"bpi-{row['number']}"
    one = Moment(
        message_id=name, customer_id=row["application"], name=row["name"], at=row["at"], received=row["at"],
        day=row["at"].astimezone(zone).date(),
        properties={"amount": row["amount"], "application": str(row["application"])},
    )  # fmt: skip
    return Record(name, row["application"], write_moment(one))


def _applicant(application: int, known: Any) -> Recipient:
    return Recipient(application, ZONE, "en", channels=("phone",), branch_id="B1", business_date=known)
