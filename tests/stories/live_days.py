"""A generated bank whose days are lived twice: event by event through the live side, and at night from the lake."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import polars as pl

from cultiva import bootstrap
from cultiva.contracts.moments import HotRecord, Moment, write_hot, write_moment
from cultiva.definitions.live import LiveSettings
from cultiva.definitions.packs import init_workspace
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.execution.triggers.counting import EVENTS as EVENTS_COUNTED
from cultiva.execution.triggers.counting import count_firings
from cultiva.execution.triggers.records import Firing, Withdrawal
from cultiva.execution.triggers.service import Triggers
from cultiva.insight.groups.memberships import read_members
from cultiva.insight.live.service import Live
from cultiva.loop import service
from cultiva.loop.daily import daily_plan
from cultiva.loop.live.comparing import Compared, compare, rows_at_mark
from cultiva.loop.live.handling import Meaning
from cultiva.loop.live.nightly import with_live_events
from cultiva.loop.live.parity import LiveParts
from cultiva.loop.live.publishing import Published, publish
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.simbank.sample import DEFAULT_UNTIL, write_sample
from cultiva.stream import open_hot, open_log
from cultiva.stream.port import HotStore, Log, Record
from cultiva.stream.working import PartitionWorker

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
    expression: "days_since_event('parcel_sent',
                                  due > date '1994-04-02' or at_hour < timestamp '1994-04-02 03:00:00')" }
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
SMALL_PARTS = (
    "contact_policy.yaml",
    "events.yaml",
    "lifecycle.yaml",
    "lists",
    "micro",
    "segments",
    "tags",
    "value.yaml",
)
PACK_PARTS = ("identity.yaml", "cultiva.toml", "sources/accounts.yaml")
SOURCES = """
inputs:
  - { name: party_core, file: "${data}/party_core.csv" }
  - { name: event, file: "${data}/event.parquet", format: { kind: parquet } }
tables:
  - table: party
    name: core
    from: party_core
    columns: { source_system: source_system, source_id: source_id, party_type: party_type, name: name,
               birth_date: birth_date, id_type: id_type, id_number_hash: id_number_hash, phone: phone, email: email,
               region_code: region_code, opened_on: opened_on }
  - table: event
    name: all_channels
    bad_rows_few: 10
    from: event
    columns: { event_id: event_id, source_system: source_system, source_id: source_id, at: at, name: name,
               channel: channel, properties: properties }
"""
AT = datetime(1994, 3, 31, tzinfo=UTC)
"""Before all timers; profiles do not depend on the worker's instant."""
DOES = {"placement": {"placement": "banner", "strategy": "any"}}
TERMS: Mapping[str, Mapping[str, Any]] = {
    "light": {"when": "event.weight < 0.25 and event.pieces > 0", "again_after": {"hours": 30}},
    "crowd": {"when": "event.channel = 'app'", "debounce": {"hours": 2}},
    "gone": {"then_not": {"event": "app_opened", "within": {"days": 2}}, "again_after": {"hours": 1}},
}
TRIGGERS: Mapping[str, Mapping[str, Any]] = {
    name: {"name": name, "label": {"zh": "寄件", "en": "Parcel"}, "on": "parcel_sent", "does": DOES, **terms}
    for name, terms in TERMS.items()
}
TO = ["西河", "east", "[box]", None]


@dataclass
class Heard:
    """Stands for what triggers do outside: keeps which firings stand."""

    standing: dict[str, Firing] = field(default_factory=dict)
    withdrawn: int = 0

    def carry_out_all(self, found: Sequence[Firing | Withdrawal], at: datetime) -> None:
        for one in found:
            if isinstance(one, Withdrawal):
                self.withdrawn += 1
                del self.standing[one.firing_id]
            else:
                self.standing[one.firing_id] = one


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
    heard: Heard = field(default_factory=Heard)
    sent: list[Moment] = field(default_factory=list)
    """Everything that came in, each once."""
    repeated: int = 0
    """Records that the log had already."""
    owners: dict[tuple[str, str], int] = field(default_factory=dict)
    """The identity map that the intake knows."""

    @property
    def side(self) -> LiveParts:
        return LiveParts(self.live, self.log, self.hot)

    @property
    def zone(self) -> ZoneInfo:
        return self.live.zone

    def night(self, on: date) -> None:
        """The run of a date: the mark, the delivery of what stands before it, the steps."""
        parts = with_live_events(self.parts, on)
        plan = tuple(step for step in daily_plan(parts, on) if step.name in STEPS)
        service.run(self.parts, on, steps=plan)
        work(self)

    def publish(self, on: date, *, whole: bool = False) -> Published:
        """The intake knows the new identity map, then the night is published."""
        self.know(on)
        return publish(self.parts, self.live, self.hot, self.log, on, whole=whole)

    def know(self, on: date) -> None:
        """Takes up the identity map of a run."""
        mapping = scan(self.parts.lake.files_current("identity_map", on))
        rows = mapping.select("source_system", "source_id", "customer_id").collect().iter_rows()
        self.owners = {(system, number): customer for system, number, customer in rows}

    def day(self, on: date, events: int) -> None:
        """A day's events: late ones, out of order, some twice."""
        drawn = self.drawn(on, events, "day")
        for start in range(0, len(drawn), 50):
            batch = drawn[start : start + 50]
            self.send([*batch, *self.random.sample(batch, min(8, len(batch)))])
            work(self)

    def drawn(self, on: date, events: int, name: str) -> list[Moment]:
        """Events that come in on a day, in no order."""
        drawn = [self._event(on, f"{on}-{name}-{number}") for number in range(events)]
        self.random.shuffle(drawn)
        return drawn

    def changed(self, on: date) -> frozenset[int]:
        """Customers who were merged or split that night."""
        found = [one for one in self.parts.store.identity.changes(upto=on) if one.business_date == on]
        return frozenset(number for one in found for number in (*one.from_ids, *one.to_ids))

    def replace(self, customer: int, seen: bytes | None, record: HotRecord) -> None:
        """Puts a record into the hot store."""
        assert self.hot.put({customer: (seen, write_hot(record))}) == []

    def send(self, moments: Iterable[Moment]) -> None:
        """Into the log; what is there already is not taken again."""
        given = list(moments)
        taken = self.log.append([Record(one.message_id, one.customer_id, write_moment(one)) for one in given])
        self.sent += [one for one, new in zip(given, taken, strict=True) if new]
        self.repeated += taken.count(False)

    def _event(self, on: date, message_id: str) -> Moment:
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
            message_id=message_id,
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

    def firings(self, until: datetime, *, skip: frozenset[int] = frozenset()) -> tuple[int, int]:
        """Firings counted over all events at once; and how many do not stand that should, or stand that should not."""
        rows = [
            (one.customer_id, one.message_id, one.name, one.at, one.channel, json_of(one.properties), "{}")
            for one in self.sent
        ]
        events = pl.DataFrame(rows, schema=EVENTS_COUNTED, orient="row")
        counted = count_firings(events, with_triggers(self.parts.workspace), until).fired
        names = ("trigger", "customer_id", "message_id", "due")
        expected = {row for row in counted.select(names).iter_rows() if row[1] not in skip}
        found = {tuple(getattr(one, name) for name in names) for one in self.heard.standing.values()}
        found = {one for one in found if one[1] not in skip}
        return len(expected), len(found ^ expected)

    def compare(self, on: date, *, skip: frozenset[int] = frozenset()) -> Compared:
        """The live profiles at the mark of a date with the night's of that date."""
        profile = scan(self.parts.lake.files_current("profile", on)).collect()
        profile = profile.filter(~pl.col("customer_id").is_in(sorted(skip)))
        members = dict(read_members(self.parts.lake.files_current("memberships", on)).segments)
        rows = rows_at_mark(self.live, self.hot, profile["customer_id"].to_list(), on)
        return compare(self.live, rows, profile, members, on=on)


def work(bank: LiveBank, at: datetime = AT) -> None:
    """A worker that reads every partition to its end, and lets timers ring that are due."""
    meaning = Meaning(bank.live, Triggers(with_triggers(bank.parts.workspace)), cast("Any", bank.heard))
    worker = PartitionWorker(bank.log, bank.hot, meaning, name="story", lease=timedelta(minutes=1), batch=40)
    with closing(worker):
        while not worker.round(at).idle:
            pass
    assert not meaning.troubles


def with_triggers(workspace: Workspace) -> Workspace:
    """The workspace with triggers that no pack has; what they would do does not matter here."""
    return replace(workspace, triggers={name: Trigger.model_validate(one) for name, one in TRIGGERS.items()})


def made_bank(root: Path, *, customers: int, timezone: str) -> Path:
    """A workspace of the starter pack over a generated delivery, with tags of every kind from events."""
    init_workspace(root)
    _with_parcels(root, timezone)
    write_sample(root / "data", customers=customers, transactions_per_customer=8, seed=3)
    return root


def small_bank(root: Path, *, customers: int, timezone: str) -> Path:
    """The same with few tags and few tables, so that a night takes little time."""
    pack, small = root.with_name("pack"), Path(__file__).parents[1] / "insight" / "smallbank"
    init_workspace(pack)
    root.mkdir()
    for name in SMALL_PARTS:
        (shutil.copytree if (small / name).is_dir() else shutil.copy)(small / name, root / name)
    for name in PACK_PARTS:
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(pack / name, root / name)
    tags = (root / "tags" / "all.yaml").read_text(encoding="utf-8")
    (root / "tags" / "all.yaml").write_text(re.sub(r"(?m)^- name: rating\n(  .*\n)+", "", tags), encoding="utf-8")
    (root / "sources" / "all.yaml").write_text(SOURCES, encoding="utf-8")
    _with_parcels(root, timezone)
    write_sample(root / "data", customers=customers, transactions_per_customer=8, seed=3)
    for name in ("party_core", "account"):
        _stand_still(root / "data" / f"{name}.csv")
    return root


def _stand_still(path: Path) -> None:
    """Leaves out what begins after the sample's last day: it would come in with the nights, and no day knows of it."""
    header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    place = next(csv.reader([header])).index("opened_on")
    kept = [row for row in rows if next(csv.reader([row]))[place] <= DEFAULT_UNTIL.isoformat()]
    path.write_text("".join([header, *kept]), encoding="utf-8")


def _with_parcels(root: Path, timezone: str) -> None:
    _append(root / "events.yaml", EVENTS)
    (root / "tags" / "parcels.yaml").write_text(TAGS, encoding="utf-8")
    (root / "segments" / "parcels.yaml").write_text(SEGMENTS, encoding="utf-8")
    lifecycle = root / "lifecycle.yaml"
    text = lifecycle.read_text(encoding="utf-8").replace("stages:\n", f"stages:{STAGE}", 1)
    assert "parcels" in text
    lifecycle.write_text(re.sub(r"(?m)^order:.*\n?", "", text), encoding="utf-8")
    settings = re.sub(r"(?m)^timezone.*\n", "", (root / "cultiva.toml").read_text(encoding="utf-8"))
    (root / "cultiva.toml").write_text(f'timezone = "{timezone}"\n{settings}', encoding="utf-8")


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


@contextmanager
def living(root: Path, *, seed: int = 1) -> Iterator[LiveBank]:
    """The bank, opened."""
    overrides = {"engine.threads": "2", "engine.memory_gb": "1", "live.partitions": "4", "live.enabled": "true"}
    with bootstrap.opened(root, overrides=overrides) as parts, bootstrap.live(parts.workspace) as (log, hot):
        yield LiveBank(parts, Live(parts.workspace), log, hot, random.Random(seed))


def json_of(properties: Mapping[str, Any]) -> str:
    """Properties as the delivery has them."""
    return json.dumps(dict(properties), ensure_ascii=False)


@contextmanager
def beside(bank: LiveBank, settings: LiveSettings) -> Iterator[LiveBank]:
    """The same bank with a log and a hot store of its own: the same events come in, the same nights are published."""
    with closing(open_log(settings, bank.parts.root)) as log, closing(open_hot(settings, bank.parts.root)) as hot:
        yield replace(bank, log=log, hot=hot, heard=Heard(), sent=[], repeated=0)


def merge_two(party: str) -> str:
    """The delivery of party records with two persons' documents and birth dates the same."""
    rows = list(csv.DictReader(io.StringIO(party)))
    one, other = [row for row in rows if row["party_type"] == "person" and row["birth_date"]][3:5]
    other.update({name: one[name] for name in ("id_type", "id_number_hash", "birth_date")})
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()
