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
from cultiva.contracts.moments import Moment, read_hot, write_moment
from cultiva.definitions.events import EventType
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.tags import Tag
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.records import StaffRow
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.triggers.effects import Effects
from cultiva.execution.triggers.service import Triggers
from cultiva.insight.live.records import read_held
from cultiva.insight.live.row import LiveRow
from cultiva.insight.live.service import Live
from cultiva.loop.live.handling import Meaning
from cultiva.store import Store
from cultiva.strategy.live.paper import Paper
from cultiva.strategy.live.service import Ask, Known, LiveDesk, Now
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
ORDINARY: Mapping[str, Any] = {
    "party_type": "person", "age": 40, "open_complaint": False, "collections_accounts": 0, "frozen_accounts": 0,
    "estate_accounts": 0, "refusals_90d": 0, "contacts_30d": 0, "stage": "growing", "value_tier": "standard",
}  # fmt: skip
"""What the data do not say of an applicant, as far as suppressions ask for it."""
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
    asked = Tag.model_validate(
        {"name": "requested_amount", "label": {"zh": "申请金额", "en": "Amount applied for"}, "type": "number",
         "expression": "event_sum('application_preaccepted', 'amount', 30)"}
    )  # fmt: skip
    call = found.strategies["loan_pick_up"].model_copy(
        update={"audience": "requested_amount >= 2000", "rank": "0.02 * least(requested_amount, 50000)"}
    )
    return replace(
        found,
        settings=found.settings.model_copy(update={"timezone": ZONE}),
        events={**found.events, **events},
        offers={**found.offers, "consumer_loan": loan},
        tags={**found.tags, "requested_amount": asked},
        strategies={**found.strategies, "loan_pick_up": call},
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


def proposals(folder: Path, workspace: Workspace, due: Mapping[int, datetime]) -> pl.DataFrame:
    """What decide proposes to applicants at the instant when their application counts as broken off.

    Of the people the data say nothing but what they applied for; for the rest they are ordinary (`ORDINARY`).

    Args:
        folder: As the replay has left it.
        workspace: From `loan_bank`.
        due: Application -> instant.

    Returns:
        `application`; and for the call and for the slot `..._fate` of the loan, `..._first` (strategy proposed, empty:
        none) and `..._worth` of the proposal, in money.
    """
    live, hot, day = Live(workspace), EmbeddedHotStore(folder / "hot.db", partitions=PARTITIONS), None
    slot = workspace.placements.named("app_home_banner")
    consent = {one.name: True for one in workspace.policy.channels}
    found = []
    for application, at in sorted(due.items(), key=lambda one: one[1]):
        today = live.day_of(at)
        if day != today:
            desk, paper = LiveDesk(workspace, Known(), today), Paper(today - timedelta(days=1), consent=consent)
            day = today
        held = read_held(read_hot(hot.get([application])[0]).profile)
        row = _Applicant(live.row_on(held, today, customer_id=application))
        told: dict[str, Any] = {"application": application}
        for name, ask in (("call", Ask(channel="phone")), ("slot", Ask(slot))):
            decided = desk.decide(
                application, row, paper, now=Now(), ask=ask, at=at, local=at.astimezone(live.zone), spent={}
            )
            loan = next(one for one in decided.candidates if one.strategy == "loan_pick_up")
            first = decided.chosen[0] if decided.chosen else None
            told[f"{name}_fate"] = loan.fate.value
            told[f"{name}_first"] = "" if first is None else first.strategy
            told[f"{name}_worth"] = None if first is None else first.rank_value
        found.append(told)
    hot.close()
    return pl.DataFrame(found).sort("application")


class _Applicant(dict[str, Any]):
    """An applicant's live profile; what nobody knows is as of an ordinary customer."""

    def __init__(self, row: LiveRow) -> None:
        super().__init__()
        self._row = row

    def __missing__(self, name: str) -> Any:
        value = self._row[name]
        return ORDINARY.get(name) if value is None else value


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
