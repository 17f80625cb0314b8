"""A customer's past: the stages gone through, and one timeline of everything, the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from cultiva.contracts.decision import Decision, Fate
from cultiva.contracts.sight import Sight
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.records import Task
from cultiva.insight.profile.stages import TIER
from cultiva.kit.masking import mask_text
from cultiva.loop.desk import desk
from cultiva.loop.parts import Parts
from cultiva.loop.person.rows import scanned
from cultiva.loop.questions import decision_of, track_rows
from cultiva.loop.seeing import sees
from cultiva.strategy.words import sentence

RUNS_MAX = 60
"""Runs looked back for stages and decisions."""


class MomentKind(StrEnum):
    """What kind of thing a moment of the timeline is."""

    TRANSACTION = "transaction"
    EVENT = "event"
    CONTACT = "contact"
    OUTCOME = "outcome"
    SURVEY_ANSWER = "survey_answer"
    DECISION = "decision"
    TASK = "task"
    CONSENT = "consent"


@dataclass(frozen=True)
class Moment:
    """Something in a customer's life with the bank."""

    at: datetime
    """In the bank's time, with its zone."""
    kind: MomentKind
    channel: str
    """Empty: none."""
    what: str
    """Name of the event, the transaction's kind, strategy / offer, the task's kind, the channel of a word."""
    amount: Decimal | None = None
    detail: str = ""
    link: str = field(default="", compare=False)
    """Where there is more of it: `task:<id>`; empty: nowhere."""
    timed: bool = True
    """Whether the hour is known."""


@dataclass(frozen=True)
class StageSpell:
    """A time in one stage and tier, as runs saw it."""

    stage: str | None
    tier: str | None
    first: date
    """Business date of the first run that saw it."""
    last: date


def stages_of(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> tuple[StageSpell, ...]:
    """The stages and tiers that runs have seen a customer in, the newest first; nothing of who is out of sight."""
    if not sees(parts, customer_id, sight):
        return ()
    spells: list[StageSpell] = []
    for one in parts.lake.catalogue.history("profile", on)[-RUNS_MAX:]:
        rows = scanned([parts.lake.folder(one)])
        known = [name for name in ("stage", TIER) if name in rows.collect_schema().names()]
        mine = rows.filter(pl.col("customer_id") == customer_id).select(known).collect().to_dicts()
        if not mine:
            continue
        seen = (mine[0].get("stage"), mine[0].get(TIER))
        if spells and (spells[-1].stage, spells[-1].tier) == seen:
            spells[-1] = StageSpell(*seen, spells[-1].first, one.business_date)
        else:
            spells.append(StageSpell(*seen, one.business_date, one.business_date))
    return tuple(reversed(spells))


def timeline(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> tuple[Moment, ...]:
    """Everything that happened between a customer and the bank, the newest first.

    Args:
        parts: Of the workspace; its language is that of the sentences.
        customer_id: Who.
        on: Business date of a run; what has come since from people is there too.
        sight: Of whoever asks; without personal data what looks personal in free texts is masked.
    """
    if not sees(parts, customer_id, sight):
        return ()
    zone = ZoneInfo(parts.workspace.settings.timezone)
    shown = str if sight.personal else mask_text
    moments = [
        *_tracked(parts, customer_id, on, sight, zone),
        *_decided(parts, customer_id, on, zone),
        *_tasks(tasks_of(parts, customer_id, sight=sight), zone),
        *_words(parts, customer_id, zone),
    ]
    told = [Moment(one.at, one.kind, one.channel, one.what, one.amount, shown(one.detail), one.link, one.timed)
            for one in moments]  # fmt: skip
    return tuple(sorted(told, key=lambda one: (one.at, one.kind.value, one.what, one.detail), reverse=True))


def tasks_of(parts: Parts, customer_id: int, *, sight: Sight) -> Sequence[Task]:
    """The tasks about a customer in sight, the newest first; none in a bank without human work."""
    if parts.workspace.workbench is None or not sees(parts, customer_id, sight):
        return ()
    found = desk(parts, sight=sight).of_customer(customer_id)
    return sorted(found, key=lambda one: (one.created, one.task_id), reverse=True)


def _tracked(parts: Parts, customer_id: int, on: date, sight: Sight, zone: ZoneInfo) -> Iterator[Moment]:
    for one in track_rows(parts, customer_id, on, sight=sight):
        at = one.at.replace(tzinfo=zone)
        yield Moment(at, MomentKind(one.kind.value), one.channel or "", one.what, one.amount, one.detail)


def _decided(parts: Parts, customer_id: int, on: date, zone: ZoneInfo) -> Iterator[Moment]:
    """What runs have chosen; why the others were not is told with the newest decisions."""
    folders = [parts.lake.folder(one) for one in parts.lake.catalogue.history("decisions", on)[-RUNS_MAX:]]
    if not folders:
        return
    chosen = (pl.col("customer_id") == customer_id) & (pl.col("fate") == Fate.CHOSEN.value)
    for row in scanned(folders).filter(chosen).collect().to_dicts():
        one = decision_of(_known(row))
        at = datetime.combine(row["business_date"], time(), zone)
        said = sentence(one, parts.workspace, language=parts.workspace.settings.language)
        yield Moment(at, MomentKind.DECISION, one.channel or "", f"{one.strategy} / {one.offer}", None, said, "", False)


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """The row without columns that a decision of today does not have."""
    return {name: value for name, value in row.items() if name in Decision.__dataclass_fields__}


def _tasks(tasks: Sequence[Task], zone: ZoneInfo) -> Iterator[Moment]:
    for one in tasks:
        detail = " · ".join(part for part in (one.result, one.reason) if part)
        at, link = one.created.astimezone(zone), f"task:{one.task_id}"
        yield Moment(at, MomentKind.TASK, one.channel, one.kind, None, detail, link)


def _words(parts: Parts, customer_id: int, zone: ZoneInfo) -> Iterator[Moment]:
    for one in Recipients(parts.store.database).ledger(customer_id):
        what = "granted" if one.granted else "withdrawn"
        yield Moment(one.at.astimezone(zone), MomentKind.CONSENT, one.channel, what, None, one.evidence)
