"""Does the day say what the night says? A sample of customers, asked both ways, in production.

After a run and before it is published, the live profiles as they stood at the run's mark are compared with what the
night's set operations make of the lake's events. At any other time the events since the last mark are taken from the
log. Either way everything but events is as the last published night knew it: what the bank has delivered since is no
difference. Customers merged or split that night are compared from the next day on.
"""

from __future__ import annotations

import json
import shutil
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

import polars as pl
import structlog

from cultiva.contracts.moments import Moment, read_hot, read_moment
from cultiva.engine.lake import Lake
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Lookup
from cultiva.insight.identity.keys import PARTY_KEY
from cultiva.insight.live.control import write_control
from cultiva.insight.live.records import Base, Held, read_held
from cultiva.insight.live.row import LiveRow
from cultiva.insight.live.service import Live
from cultiva.insight.profile.inputs import ViewRows
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import draw
from cultiva.loop.live.comparing import Compared, before_mark, compare
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.stream.port import HotStore, Log, partition_of

FOLDER = ".cultiva/live/parity"
SAMPLE = 1_000
"""Customers compared unless said otherwise."""
READ = 5_000
"""Records read at a time."""
MARKS = 100
"""More marks than this do not stand one after the other."""
TRIES = 5
"""Times that a partition is looked at anew because a worker was at it."""


@dataclass(frozen=True)
class LiveParts:
    """What the live side consists of."""

    live: Live
    log: Log
    hot: HotStore


def parity(parts: Parts, side: LiveParts, *, now: datetime, sample: int = SAMPLE) -> Compared:
    """Compares a sample and raises the alarm in the log if there is a difference.

    Args:
        parts: Of the workspace.
        side: The live side.
        now: Aware; decides which day is today, and nothing else.
        sample: How many customers.

    Raises:
        CultivaError: if no night has been published.
    """
    newest = parts.newest_date()
    folder = parts.root / FOLDER / uuid4().hex[:8]
    try:
        found = _compared(parts, side, _chosen(parts, newest, sample), (newest, now), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    logger = structlog.get_logger()
    told = {"date": str(found.on), "customers": found.customers, "compared": found.compared}
    if found.differences:
        logger.error("live profiles differ from the night", differences=found.differences, **told)
    else:
        logger.info("live profiles agree with the night", **told)
    return found


def _chosen(parts: Parts, on: date, sample: int) -> list[int]:
    """Customers drawn for the date: others every day."""
    ids = scan(parts.lake.files_current("customer", on)).select("customer_id").collect()["customer_id"].to_list()
    changed = {
        number
        for one in parts.store.identity.changes(upto=on)
        if one.business_date == on
        for number in (*one.from_ids, *one.to_ids)
    }
    drawn = sorted((number for number in ids if number not in changed), key=lambda one: draw(f"parity:{on}", one))
    return sorted(drawn[:sample])


def _compared(
    parts: Parts, side: LiveParts, chosen: Sequence[int], when: tuple[date, datetime], folder: Path
) -> Compared:
    newest, now = when
    held, places = _at_rest(side, chosen, newest)
    if not held:
        raise _behind(newest)
    if not any(one.label for one in held.values()):
        raise _nothing_published(newest)
    published = max(one.label for one in held.values()) >= newest.isoformat()
    on = max(side.live.day_of(now), newest) if published else newest
    known = newest if published else _before(parts.lake, newest)
    if published:
        extra = _came_in(side, held, places, on)
    else:
        held, extra = {customer: before_mark(one, newest.isoformat()) for customer, one in held.items()}, []
    rows = {customer: side.live.row_on(one, on, customer_id=customer) for customer, one in held.items()}
    bases = {customer: row.base for customer, row in rows.items() if row.known}
    events = _events(parts, newest, known, extra, folder)
    return _against(parts, side.live, rows, (bases, events, on), folder)


def _against(
    parts: Parts,
    live: Live,
    rows: Mapping[int, LiveRow],
    asked: tuple[Mapping[int, Base], ViewRows, date],
    folder: Path,
) -> Compared:
    bases, events, on = asked
    control = write_control(parts.engine, live.program, bases, events, on, folder / "control")
    return compare(live, rows, control.frame(), control.members, on=on)


def _at_rest(side: LiveParts, chosen: Sequence[int], newest: date) -> tuple[dict[int, Held], dict[int, int]]:
    """Records, and the position that each partition stood at when they were read.

    Partitions that somebody is at all the time, or that have not been read up to the mark, are left out.
    """
    held: dict[int, Held] = {}
    places: dict[int, int] = {}
    by_partition: dict[int, list[int]] = {}
    for customer in chosen:
        by_partition.setdefault(partition_of(customer, side.log.partitions), []).append(customer)
    for partition, customers in by_partition.items():
        for _ in range(TRIES):
            before = side.hot.position(partition)
            states = side.hot.get(customers)
            if side.hot.position(partition) == before and _has_read(side.log, partition, before, newest):
                places[partition] = before
                held |= {c: read_held(read_hot(s).profile) for c, s in zip(customers, states, strict=True)}
                break
    return held, places


def _has_read(log: Log, partition: int, position: int, on: date) -> bool:
    """Whether everything before the run's mark has been read: nothing but marks stands between."""
    mark = next((place for place, name in log.marks(partition) if name == on.isoformat()), 0)
    if position >= mark:
        return True
    between = [one for one in log.read(partition, after=position, limit=MARKS) if one.position < mark]
    return len(between) < MARKS and all(one.mark for one in between)


def _came_in(side: LiveParts, held: Mapping[int, Held], places: Mapping[int, int], on: date) -> list[Moment]:
    """What the records have that the lake does not, from the log."""
    found: list[Moment] = []
    for partition, end in places.items():
        own = {number: one for number, one in held.items() if partition_of(number, side.log.partitions) == partition}
        found += _of_partition(side.log, partition, own, end)
    return [moment for moment in found if moment.day <= on]


def _of_partition(log: Log, partition: int, held: Mapping[int, Held], end: int) -> Iterator[Moment]:
    """Moments of these customers, up to a position, that count beside their base."""
    marks = log.marks(partition)
    places, names = [place for place, _ in marks], ["", *(name for _, name in marks)]
    first = date.fromordinal(max(1, min(one.day for one in held.values()))).isoformat()
    after = max((place for place, name in marks if name < first), default=0)
    while after < end and (read := log.read(partition, after=after, limit=READ)):
        after = read[-1].position
        for one in read:
            record = None if one.mark or one.position > end else held.get(one.record.customer_id)
            if record is not None:
                moment = read_moment(one.record.body)
                label = names[bisect_left(places, one.position)]
                if label >= record.label or moment.day.toordinal() > record.day:
                    yield moment


def _events(parts: Parts, newest: date, known: date, extra: Iterable[Moment], folder: Path) -> ViewRows:
    """The lake's events and those that came in since, named by the identity map that the day knows."""
    files = parts.lake.files_history("event", newest)
    mapping = Lookup(parts.lake.files_current("identity_map", known), PARTY_KEY)
    moments = list(extra)
    if not moments:
        return ViewRows(files, mapping)
    schema = scan(files).collect_schema() if files else None
    frame = _frame(moments, parts.workspace.settings.timezone)
    if schema is not None:
        missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in frame.columns]
        frame = frame.with_columns(missing).select(schema.names()).cast(schema)
    write_arrow(frame.to_arrow(), folder / "came-in")
    return ViewRows([*files, folder / "came-in"], mapping)


def _frame(moments: Sequence[Moment], timezone: str) -> pl.DataFrame:
    text = ("event_id", "source_system", "source_id", "name", "channel", "properties")
    rows = [
        (one.message_id, one.source_system, one.source_id, one.name, one.channel or None, _json(one)) for one in moments
    ]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(text, pl.String), orient="row")
    at = pl.Series("at", [one.at for one in moments], dtype=pl.Datetime("us", "UTC"))
    return frame.with_columns(at.dt.convert_time_zone(timezone).dt.replace_time_zone(None))


def _json(moment: Moment) -> str:
    return json.dumps(dict(moment.properties), ensure_ascii=False, default=str)


def _before(lake: Lake, on: date) -> date:
    before = lake.catalogue.before("identity_map", on)
    if before is None:
        raise _nothing_published(on)
    return before.business_date


def _behind(on: date) -> CultivaError:
    return CultivaError(
        "live profiles cannot be compared: no partition has been read up to the run's mark and is at rest",
        code="live.behind",
        kind=ErrorKind.UNAVAILABLE,
        seen=on,
        allowed="workers that keep up with what comes in",
        hint="cultiva live WORKSPACE --until-idle",
    )


def _nothing_published(on: date) -> CultivaError:
    return CultivaError(
        "there are no live profiles to compare",
        code="live.nothing_published",
        kind=ErrorKind.NOT_FOUND,
        seen=on,
        allowed="a workspace whose night has been published",
        hint="cultiva publish WORKSPACE",
    )
