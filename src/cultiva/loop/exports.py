"""Sets taken out of the lake a batch at a time: the members of a segment with chosen tags, and decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate
from cultiva.contracts.sight import Sight
from cultiva.engine.parquet import part_files
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.masking import HIDDEN
from cultiva.loop.parts import Parts
from cultiva.loop.questions import members_of
from cultiva.loop.seeing import seen
from cultiva.loop.shows import read

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_A_TIME = 65_536
"""Rows in a batch: some MB."""
KEY = "customer_id"


@dataclass(frozen=True)
class Taken:
    """What is taken out: its columns, and its rows as they are asked for."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


def segment_rows(
    parts: Parts, segment: str, columns: Sequence[str], on: date, *, sight: Sight, masked: bool = False
) -> Taken:
    """The members of a segment who are in sight, one row each, sorted by customer.

    Args:
        parts: Of the workspace.
        segment: Its name.
        columns: Tags beside `customer_id`.
        on: Business date of a run.
        sight: Of whoever takes them out; it says whether personal tags may be taken out.
        masked: Whether personal tags that may not be taken out are masked; else they are refused.

    Raises:
        CultivaError: if there is no such segment or tag, or a tag is personal and may not be taken out.
    """
    import pyarrow as pa

    hidden = _check_tags(parts, columns, on, personal=sight.personal, masked=masked)
    ids = pa.array(members_of(parts, segment, on, sight=sight), pa.int64())
    taken = _taken(parts, "profile", (KEY, *columns), on, lambda batch: _among(batch, ids))
    return _masked(taken, hidden) if hidden else taken


def decision_rows(parts: Parts, on: date, *, sight: Sight, strategy: str | None, fate: Fate | None) -> Taken:
    """Decisions of a business date about customers in sight, of one strategy and fate or of all.

    Args:
        parts: Of the workspace.
        on: Business date of a run.
        sight: Of whoever takes them out.
        strategy: Its name; None: all.
        fate: What became of the candidate; None: all.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = None if sight.whole_bank else pa.array(seen(parts, sight), pa.int64())

    def chosen(batch: pa.RecordBatch) -> pa.RecordBatch:
        batch = batch if ids is None else _among(batch, ids)
        for name, value in (("strategy", strategy), ("fate", fate)):
            if value is not None:
                batch = batch.filter(pc.equal(batch[name], str(value)))
        return batch

    return _taken(parts, "decisions", None, on, chosen)


def _taken(
    parts: Parts,
    table: str,
    columns: Sequence[str] | None,
    on: date,
    chosen: Callable[[pa.RecordBatch], pa.RecordBatch],
) -> Taken:
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = part_files(parts.lake.files_current(table, on))
    if not files:
        raise CultivaError(
            "nothing has been published for that day",
            code="loop.not_published",
            kind=ErrorKind.NOT_FOUND,
            seen=f"{table} of {on}",
            allowed="the business date of a finished run",
            hint=f"cultiva run {parts.root} --date {on}",
        )
    whole = pq.read_schema(files[0])
    schema = whole if columns is None else pa.schema([whole.field(name) for name in columns])

    def batches() -> Iterator[pa.RecordBatch]:
        for path in files:
            with pq.ParquetFile(path) as opened:
                for batch in opened.iter_batches(ROWS_AT_A_TIME, columns=schema.names):
                    yield chosen(batch.select(schema.names)).cast(schema)

    return Taken(schema.remove_metadata(), (batch for batch in batches() if batch.num_rows))


def _among(batch: pa.RecordBatch, ids: pa.Array) -> pa.RecordBatch:
    import pyarrow.compute as pc

    return batch.filter(pc.is_in(batch[KEY], ids))


def _masked(taken: Taken, hidden: Sequence[str]) -> Taken:
    """The same rows; what is known of a personal tag is three asterisks."""
    import pyarrow as pa
    import pyarrow.compute as pc

    fields = [pa.field(one.name, pa.string()) if one.name in hidden else one for one in taken.schema]
    schema = pa.schema(fields)

    def covered(batch: pa.RecordBatch) -> pa.RecordBatch:
        nothing, mask = pa.scalar(None, pa.string()), pa.scalar(HIDDEN * 3)
        columns = [
            pc.if_else(pc.is_valid(batch[one.name]), mask, nothing) if one.name in hidden else batch[one.name]
            for one in schema
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    return Taken(schema, (covered(batch) for batch in taken.batches))


def _check_tags(parts: Parts, columns: Sequence[str], on: date, *, personal: bool, masked: bool) -> list[str]:
    """The tags that are personal and are masked."""
    known = {row["tag"]: row["personal"] for row in read(parts, "catalogue", on).to_dicts()}
    for name in columns:
        if name not in known or name == KEY:
            raise CultivaError(
                "there is no such tag to take out",
                code="loop.no_tag",
                seen=name,
                allowed=f"{len(known)} tags of that day's profile",
                hint=did_you_mean(name, known) or "cultiva show WORKSPACE tags",
            )
        if known[name] and not (personal or masked):
            raise CultivaError(
                "this tag is personal data",
                code="loop.personal_tag",
                kind=ErrorKind.FORBIDDEN,
                seen=name,
                allowed="tags that are not personal",
                hint="leave it out, or use a key with the scope `personal`",
            )
    if len(set(columns)) < len(columns):
        raise CultivaError(
            "a tag is named twice",
            code="loop.tag_twice",
            seen=", ".join(columns),
            allowed="each tag once",
            hint="name it once",
        )
    return [name for name in columns if known[name] and not personal]
