"""History into the log again, as an ordinary operation: files of events, or what earlier runs were delivered.

An event counts once, however often it is replayed: the log knows it by its message id, and what a run has published
already is left out, because it is in the night's profile.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from cultiva.insight.events.message import Parcel, Sender
from cultiva.insight.events.service import Intake
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.live.archive import FOLDER, HELD, PART
from cultiva.loop.parts import Parts
from cultiva.stream.port import Log

AT_ONCE = 2_000
"""Messages in one parcel."""
NEEDED = ("event_id", "source_system", "source_id", "at", "name")
"""Columns of a table of events, as in the canonical table; channel and properties may be there."""
REPLAY = Sender("replay")
Message = Mapping[str, Any]


@dataclass
class Replayed:
    """What a replay did."""

    read: int = 0
    new: int = 0
    """In the log now."""
    repeated: int = 0
    """In the log before."""
    published: int = 0
    """Left out: a run has published them already."""
    waiting: int = 0
    quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    dates: dict[str, str] = field(default_factory=dict)
    """Business date of an archived delivery -> what became of it."""


def replay_file(parts: Parts, intake: Intake, path: Path, *, at: datetime) -> Replayed:
    """Replays a file: Segment messages line by line (.jsonl, .jsonl.gz), or a table of events (.parquet, .csv).

    Raises:
        CultivaError: if it cannot be read as one.
    """
    done = Replayed()
    known = _published(parts, _ids(parts, path))
    _take(intake, _messages(parts, path), done, at=at, known=known)
    return done


def replay_archive(parts: Parts, intake: Intake, log: Log, since: date, *, at: datetime) -> Replayed:
    """Rebuilds a log that was lost or is new: what stood before the marks of runs from a date on, and the marks.

    Deliveries whose place is in front of a mark that the log has are left out: the log has them, or can have them no
    more in their place.
    """
    done = Replayed()
    for folder in sorted(one for one in (parts.root / FOLDER).glob("????-??-??") if one.name >= since.isoformat()):
        newest = max((name for part in range(log.partitions) for _, name in log.marks(part)), default="")
        if newest >= folder.name:
            done.dates[folder.name] = f"left out: the log has mark {newest}"
            continue
        before = done.new
        for path in (*sorted(folder.glob(PART)), folder / HELD):
            _take(intake, _messages(parts, path), done, at=at, known=frozenset())
        log.mark(folder.name)
        done.dates[folder.name] = f"{done.new - before} events, marked"
    return done


def _take(intake: Intake, messages: Iterator[Message], done: Replayed, *, at: datetime, known: frozenset[str]) -> None:
    for some in _some(messages, AT_ONCE):
        done.read += len(some)
        wanted = [one for one in some if one.get("messageId") not in known]
        done.published += len(some) - len(wanted)
        parcel = Parcel([msgspec.json.encode(one) for one in wanted], REPLAY, at, replayed=True)
        taken = intake.take_all([parcel])[0]
        for name in ("new", "repeated", "waiting", "quarantined"):
            setattr(done, name, getattr(done, name) + getattr(taken, name))
        for reason, count in taken.reasons.items():
            done.reasons[reason] = done.reasons.get(reason, 0) + count


def _some(messages: Iterator[Message], count: int) -> Iterator[list[Message]]:
    batch: list[Message] = []
    for one in messages:
        batch.append(one)
        if len(batch) == count:
            yield batch
            batch = []
    if batch:
        yield batch


def _published(parts: Parts, ids: Sequence[str]) -> frozenset[str]:
    """Which of these events a run has published."""
    folders = [parts.lake.folder(one) for one in parts.lake.catalogue.history("event", date.max)]
    files = sorted(path for folder in folders for path in folder.glob("*.parquet"))
    if not files or not ids:
        return frozenset()
    history = pl.scan_parquet(files, missing_columns="insert", extra_columns="ignore").select("event_id")
    asked = pl.LazyFrame({"event_id": ids})
    return frozenset(history.join(asked, on="event_id", how="semi").collect()["event_id"])


def _ids(parts: Parts, path: Path) -> list[str]:
    return [str(one["messageId"]) for one in _messages(parts, path) if one.get("messageId")]


def _messages(parts: Parts, path: Path) -> Iterator[Message]:
    if ".jsonl" in path.suffixes:
        yield from _lines(path)
        return
    yield from _table(path, ZoneInfo(parts.workspace.settings.timezone))


def _lines(path: Path) -> Iterator[Message]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as lines:
        try:
            yield from (_object(path, number, line) for number, line in enumerate(lines, start=1) if line.strip())
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise _unreadable(path, type(error).__name__, "a whole .gz file") from error


def _object(path: Path, number: int, line: bytes) -> Message:
    try:
        found = json.loads(line)
    except ValueError:  # no UTF-8, or no JSON
        found = None
    if not isinstance(found, dict):
        raise _unreadable(path, f"line {number}", "one JSON object on each line")
    return found


def _table(path: Path, zone: ZoneInfo) -> Iterator[Message]:
    try:
        frame = pl.read_csv(path, infer_schema=False) if path.suffix == ".csv" else pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(path, type(error).__name__, ".jsonl, .jsonl.gz, .csv or .parquet") from error
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise _unreadable(path, f"columns {', '.join(frame.columns)}", f"columns {', '.join(NEEDED)}")
    for row in frame.iter_rows(named=True):
        yield _message(path, row, zone)


def _message(path: Path, row: Mapping[str, Any], zone: ZoneInfo) -> Message:
    """A row of the canonical table as the sender would have written it; times of the lake are the bank's local ones."""
    try:
        at = datetime.fromisoformat(row["at"]) if isinstance(row["at"], str) else row["at"]
        properties = json.loads(row.get("properties") or "{}")
    except ValueError as error:
        raise _unreadable(path, f"event {row['event_id']}", "`at` in ISO 8601, `properties` a JSON object") from error
    context = {"source_system": row["source_system"]} | ({"channel": row["channel"]} if row.get("channel") else {})
    return {
        "type": "track",
        "event": row["name"],
        "messageId": row["event_id"],
        "userId": row["source_id"],
        "timestamp": (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat(),
        "properties": properties,
        "context": context,
    }


def _unreadable(path: Path, seen: str, allowed: str) -> CultivaError:
    return CultivaError(
        "a file of events cannot be read",
        code="events.unreadable",
        kind=ErrorKind.INVALID,
        seen=f"{path.name}: {seen}",
        allowed=allowed,
        hint="see docs/guides/events.md for what a file may hold",
    )
