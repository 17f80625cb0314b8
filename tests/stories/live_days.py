"""A generated bank whose days are lived twice: event by event through the live side, and at night from the lake."""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from cultiva import bootstrap
from cultiva.contracts.moments import Moment, read_hot, read_moment, write_hot, write_moment
from cultiva.definitions.packs import init_workspace
from cultiva.definitions.sources import FileFormat, Input
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.insight.groups.memberships import read_members
from cultiva.insight.live.service import Live
from cultiva.loop import service
from cultiva.loop.daily import daily_plan
from cultiva.loop.live.comparing import Compared, compare, rows_at_mark
from cultiva.loop.live.publishing import Published, publish
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.simbank.sample import write_sample
from cultiva.stream.port import Change, HotStore, Log, Logged, Record

STEPS = ("sources", "identity", "customer", "holding", "profile", "segments")
"""The part of the main job that makes profiles and segments."""
EVENTS = """
- name: parcel_sent
  label: { zh: 寄件, en: Parcel sent }
  owner: digital
  properties: { weight: number, pieces: integer, express: boolean, to: text, due: date, at_hour: timestamp, fee: money }
"""
TAGS = """
- { name: parcels_ever, label: { zh: 寄件次数, en: Parcels ever }, type: integer,
    aggregate: { table: event, function: count, where: name = 'parcel_sent' } }
- { name: last_channel, label: { zh: 最近渠道, en: Latest channel }, type: text,
    aggregate: { table: event, function: latest, value: channel } }
- { name: channels_7d, label: { zh: 渠道数, en: Channels in a week }, type: integer,
    aggregate: { table: event, function: count_distinct, value: channel, window_days: 7 } }
- { name: mean_hour, label: { zh: 平均时段, en: Mean of one third }, type: number,
    aggregate: { table: event, function: average, value: "case when channel = 'app' then 0.1 else 1 / 3 end",
                 window_days: 3 } }
- { name: event_fees, label: { zh: 事件费用, en: Fees of events }, type: money,
    aggregate: { table: event, function: sum, value: "case when name = 'parcel_sent' then 1.205 else -0.335 end" } }
- { name: first_seen, label: { zh: 首次, en: First seen }, type: timestamp,
    aggregate: { table: event, function: min, value: at } }
- { name: first_channel, label: { zh: 渠道, en: Least channel }, type: text,
    aggregate: { table: event, function: min, value: channel, window_days: 2 } }
- { name: heavy, label: { zh: 重量, en: Weight }, type: number,
    expression: "event_sum('parcel_sent', 'weight', 5) + event_sum('parcel_sent', 'weight', 2, express)" }
- { name: pieces, label: { zh: 件数, en: Pieces }, type: number, expression: "event_sum('parcel_sent', 'pieces', 30)" }
- { name: parcel_fees, label: { zh: 运费, en: Fees }, type: money,
    expression: "event_sum('parcel_sent', 'fee', 4, to like '%河%' or to is null)" }
- { name: parcel_age, label: { zh: 距上次, en: Days since }, type: integer,
    expression: "days_since_event('parcel_sent', due > date '1994-04-02' or at_hour < timestamp '1994-04-02 03:00:00')" }
- { name: recent_value, label: { zh: 近期, en: Recent }, type: money, expression: "heavy * 1.15 + event_fees / 7" }
"""
SEGMENTS = """
- { name: parcel_people, label: { zh: 寄件人, en: Parcel people }, rule: "heavy > 1.5 and parcel_age < 3" }
- { name: app_only, label: { zh: 仅应用, en: App only }, rule: "last_channel = 'app' and not segment('parcel_people')" }
"""
STAGE = """
  - { name: parcels, label: { zh: 寄件期, en: Parcels }, rule: "parcels_ever >= 4 and pieces > 5" }
"""
NAMES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "app_opened": [{}],
    "product_viewed": [{"product": "credit_card"}, {"product": "fund"}],
    "loan_started": [{"product": "car", "amount": 12000.5}, {"amount": 0.1}],
    "loan_submitted": [{"product": "car", "amount": 12000.5}],
    "complaint_opened": [{"topic": "fees"}],
    "complaint_closed": [{"solved": True}],
    "car_service_used": [{"service": "wash"}],
    "child_account_viewed": [{"age": 7.0}],
}
TO = ["西河", "east", "[box]", None]


@dataclass
class LiveBank:
    """A bank, its workspace, its log and its hot store.

    Args: see the fields.
    """

    parts: Parts
    live: Live
    log: Log
    hot: HotStore
    random: random.Random
    sent: list[Moment] = field(default_factory=list)
    """Everything that came in, each once."""
    delivered: set[str] = field(default_factory=set)
    owners: dict[tuple[str, str], int] = field(default_factory=dict)
    """The identity map that the intake knows."""

    @property
    def zone(self) -> ZoneInfo:
        return self.live.zone

    def night(self, on: date) -> Parts:
        """The run of a date: the mark, the delivery of what stands before it, the steps."""
        self.log.mark(on.isoformat())
        parts = self._with_events(on)
        plan = tuple(step for step in daily_plan(parts, on) if step.name in STEPS)
        service.run(parts, on, steps=plan)
        return parts

    def publish(self, on: date) -> Published:
        """The intake knows the new identity map, then the night is published."""
        mapping = scan(self.parts.lake.files_current("identity_map", on))
        rows = mapping.select("source_system", "source_id", "customer_id").collect().iter_rows()
        self.owners = {(system, number): customer for system, number, customer in rows}
        return publish(self.parts, self.live, self.hot, self.log, on)

    def _with_events(self, on: date) -> Parts:
        """What came in and is not delivered yet, without what is of a later day, as a delivery of its own."""
        fresh = [one for one in self.sent if one.message_id not in self.delivered and one.day <= on]
        self.delivered |= {one.message_id for one in fresh}
        if not fresh:
            return self.parts
        path = self.parts.root / "came-in" / on.isoformat() / "event.parquet"
        path.parent.mkdir(parents=True)
        delivery_of(fresh, self.zone).write_parquet(path)
        given = Input(
            name="came_in_event", file=path.relative_to(self.parts.root).as_posix(), format=FileFormat(kind="parquet")
        )
        names = ("event_id", "source_system", "source_id", "at", "name", "channel", "properties")
        mapping = TableMapping(
            table="event", name="came_in", **{"from": "came_in_event"}, columns={n: n for n in names}
        )
        sources = self.parts.workspace.sources
        both = sources.model_copy(update={"inputs": (*sources.inputs, given), "tables": (*sources.tables, mapping)})
        return replace(self.parts, workspace=replace(self.parts.workspace, sources=both))

    def day(self, on: date, events: int) -> None:
        """A day's events: late ones, out of order, some twice."""
        drawn = [self._event(on, number) for number in range(events)]
        self.random.shuffle(drawn)
        for start in range(0, len(drawn), 50):
            batch = drawn[start : start + 50]
            self.send([*batch, *self.random.sample(batch, min(5, len(batch)))])
            work(self)

    def send(self, moments: Iterable[Moment]) -> None:
        """Into the log; what is there already is not taken again."""
        given = list(moments)
        records = [Record(one.message_id, one.customer_id, write_moment(one)) for one in given]
        taken = self.log.append(records)
        self.sent.extend(one for one, new in zip(given, taken, strict=True) if new)

    def _event(self, on: date, number: int) -> Moment:
        name = self.random.choice([*NAMES, "parcel_sent", "parcel_sent", "parcel_sent"])
        late = self.random.choice([0] * 8 + [1, 2, 6])
        day = on - timedelta(days=late)
        seconds = self.random.choice([0, 1, 86_399, 5_400, 9_000, self.random.randrange(86_400)])
        local = datetime.combine(day, time()) + timedelta(
            seconds=seconds, microseconds=self.random.choice([0, 999_999])
        )
        at = local.replace(tzinfo=self.zone, fold=self.random.choice([0, 1])).astimezone(UTC)
        (system, source_id), customer = self.random.choice(self.known)
        return Moment(
            message_id=f"{on}-{number}",
            customer_id=customer,
            name=name,
            at=at,
            day=at.astimezone(self.zone).date(),
            received=at,
            source_system=system,
            source_id=source_id,
            channel=self.random.choice(["app", "web", ""]),
            properties=self._parcel(day) if name == "parcel_sent" else self.random.choice(NAMES[name]),
        )

    def _parcel(self, day: date) -> dict[str, Any]:
        draw = self.random
        return {
            "weight": draw.choice([0.1, 0.2, 0.3, 1e-7, 1.1, 3.333333333, -0.7, 1e15]),
            "pieces": draw.randrange(-2, 9),
            "express": draw.random() < 0.5,
            "to": draw.choice(TO),
            "due": (day + timedelta(days=draw.randrange(5))).isoformat(),
            "at_hour": f"{day}T02:30:00.5" if draw.random() < 0.5 else None,
            "fee": draw.choice([1.005, 0.125, 19.99, 2.675]),
        }

    @property
    def known(self) -> list[tuple[tuple[str, str], int]]:
        return sorted(self.owners.items())

    def compare(self, on: date, *, skip: frozenset[int] = frozenset()) -> Compared:
        """The live profiles at the mark of a date with the night's of that date."""
        profile = scan(self.parts.lake.files_current("profile", on)).collect()
        profile = profile.filter(~pl.col("customer_id").is_in(sorted(skip)))
        members = read_members(self.parts.lake.files_current("memberships", on)).segments
        rows = rows_at_mark(self.live, self.hot, profile["customer_id"].to_list(), on)
        return compare(self.live, rows, profile, members, on=on)


def delivery_of(moments: Sequence[Moment], zone: ZoneInfo) -> pl.DataFrame:
    """Moments as a delivery of events, in the bank's local time."""
    rows = [
        {
            "event_id": one.message_id,
            "source_system": one.source_system,
            "source_id": one.source_id,
            "at": one.at.astimezone(zone).replace(tzinfo=None),
            "name": one.name,
            "channel": one.channel or None,
            "properties": json.dumps(dict(one.properties), ensure_ascii=False),
        }
        for one in moments
    ]
    return pl.DataFrame(rows, schema_overrides={"channel": pl.String}, infer_schema_length=None)


def work(bank: LiveBank) -> None:
    """A worker that reads every partition to its end."""
    at = datetime(2000, 1, 1, tzinfo=UTC)
    for owned in bank.hot.claim("story", at, timedelta(hours=1), wanted=bank.log.partitions):
        while True:
            after = bank.hot.position(owned.partition)
            batch = bank.log.read(owned.partition, after=after, limit=40)
            if not batch:
                break
            before = [name for position, name in bank.log.marks(owned.partition) if position <= after]
            ids = sorted({one.record.customer_id for one in batch if not one.mark})
            seen = dict(zip(ids, bank.hot.get(ids), strict=True))
            records = {customer: read_hot(state) for customer, state in seen.items()}
            for label, moments in _by_label(batch, before[-1] if before else ""):
                for customer, own in moments.items():
                    records[customer].profile = bank.live.fold(records[customer].profile, own, label)
            states = {customer: write_hot(record) for customer, record in records.items()}
            bank.hot.commit(Change(owned.partition, owned.fence, batch[-1].position, states, after=after, seen=seen))


def _by_label(batch: Sequence[Logged], label: str) -> Iterator[tuple[str, dict[int, list[Moment]]]]:
    found: dict[int, list[Moment]] = {}
    for one in batch:
        if one.mark:
            yield label, found
            label, found = one.mark, {}
        else:
            moment = read_moment(one.record.body)
            found.setdefault(moment.customer_id, []).append(moment)
    yield label, found


def made_bank(root: Path, *, customers: int, timezone: str) -> Path:
    """A workspace of the starter pack over a generated delivery, with tags of every kind from events."""
    init_workspace(root)
    write_sample(root / "data", customers=customers, transactions_per_customer=8, seed=3)
    _append(root / "events.yaml", EVENTS)
    (root / "tags" / "parcels.yaml").write_text(TAGS, encoding="utf-8")
    (root / "segments" / "parcels.yaml").write_text(SEGMENTS, encoding="utf-8")
    lifecycle = root / "lifecycle.yaml"
    text = lifecycle.read_text(encoding="utf-8")
    assert "stages:\n" in text
    text = text.replace("stages:\n", f"stages:{STAGE}", 1)
    lifecycle.write_text(re.sub(r"(?m)^order:.*\n", "", text), encoding="utf-8")
    settings = root / "cultiva.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("Asia/Shanghai", timezone), encoding="utf-8")
    return root


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


@contextmanager
def living(root: Path, *, seed: int = 1) -> Iterator[LiveBank]:
    """The bank, opened."""
    overrides = {"engine.threads": "2", "engine.memory_gb": "1", "live.partitions": "4"}
    with bootstrap.opened(root, overrides=overrides) as parts, bootstrap.live(parts.workspace) as (log, hot):
        yield LiveBank(parts, Live(parts.workspace), log, hot, random.Random(seed))


def rewrite(path: Path, change: Mapping[str, Mapping[str, str]]) -> None:
    """Changes cells of a CSV delivery: source_id -> column -> value."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update(change.get(row["source_id"], {}))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
