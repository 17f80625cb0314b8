"""Lists that people take out: limited, watermarked, masked as their sight says, each with a line of the audit."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4
from zoneinfo import ZoneInfo

from cultiva.contracts.decision import Fate
from cultiva.contracts.sight import Sight
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import Audit
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.exports import Taken, decision_rows, segment_rows
from cultiva.loop.parts import Parts

if TYPE_CHECKING:
    import pyarrow as pa

SEGMENT, DECISIONS = "segment", "decisions"
WATERMARK = b"cultiva.watermark"
"""Name under which a Parquet file's metadata hold the watermark."""
_FORMULA = r"^[=+\-@\t\r]"
"""Texts that a spreadsheet would take for a formula."""


class FileFormat(StrEnum):
    """How a list is written."""

    CSV = "csv"
    """The watermark, a header, the rows; UTF-8 with a mark, as spreadsheets read it."""
    PARQUET = "parquet"
    """With the watermark in its metadata."""


@dataclass(frozen=True)
class Taker:
    """Who takes a list out."""

    user_id: str
    name: str
    sight: Sight
    """Rows out of it are never in a list; personal values are masked unless it shows them."""
    login: str = ""
    """As the audit knows them; empty: by name."""


@dataclass(frozen=True)
class Handout:
    """A list as it is handed to a person."""

    number: str
    """Stands in the watermark, the file's name and the audit: whoever finds the file finds who took it out."""
    file_name: str
    watermark: str
    rows: int
    content: bytes
    fingerprint: str
    """SHA-256 of the content, as in the audit."""


def segment_handout(
    parts: Parts, segment: str, tags: Sequence[str], on: date, *, taker: Taker, file_format: FileFormat = FileFormat.CSV
) -> Handout:
    """The members of a segment in sight with chosen tags.

    Args:
        parts: Of the workspace.
        segment: Its name.
        tags: Beside `customer_id`.
        on: Business date of a run.
        taker: Who takes it out.
        file_format: How it is written.

    Raises:
        CultivaError: if there is no such segment or tag, or the list is too long.
    """
    taken = segment_rows(parts, segment, tags, on, sight=taker.sight, masked=True)
    detail: dict[str, object] = {"segment": segment, "date": str(on), "tags": list(tags)}
    return _handed(parts, taken, taker, _About(SEGMENT, f"{segment}-{on}", detail), file_format)


def decisions_handout(
    parts: Parts,
    on: date,
    *,
    taker: Taker,
    strategy: str | None = None,
    fate: Fate | None = None,
    file_format: FileFormat = FileFormat.CSV,
) -> Handout:
    """The decisions of a business date about customers in sight.

    Args:
        parts: Of the workspace.
        on: Business date of a run.
        taker: Who takes it out.
        strategy: Only of this one.
        fate: Only those.
        file_format: How it is written.

    Raises:
        CultivaError: if nothing was decided then, or the list is too long.
    """
    taken = decision_rows(parts, on, sight=taker.sight, strategy=strategy, fate=fate)
    detail: dict[str, object] = {"date": str(on), "strategy": strategy, "fate": fate and fate.value}
    return _handed(parts, taken, taker, _About(DECISIONS, f"decisions-{on}", detail), file_format)


@dataclass(frozen=True)
class _About:
    """What a list is."""

    kind: str
    title: str
    detail: dict[str, object]


def _handed(parts: Parts, taken: Taken, taker: Taker, about: _About, file_format: FileFormat) -> Handout:
    """Writes a list; it is handed out only when the audit has its line."""
    at, number = parts.clock(), uuid4().hex[:12]
    batches = list(_limited(taken, parts.workspace.settings.console.export_rows_max))
    rows = sum(batch.num_rows for batch in batches)
    mark = _watermark(parts, taker, about, number, at)
    content = (_csv if file_format is FileFormat.CSV else _parquet)(taken.schema, batches, mark)
    fingerprint = hashlib.sha256(content).hexdigest()
    detail = {
        **about.detail, "user": taker.user_id, "format": file_format.value, "rows": rows, "sha256": fingerprint,
        "personal": taker.sight.personal, "whole_bank": taker.sight.whole_bank,
    }  # fmt: skip
    entry = Entry(at, taker.login or taker.name, f"export.{about.kind}", f"export:{number}", detail)
    Audit(parts.store.database).write(entry)
    return Handout(number, f"{about.title}-{number}.{file_format.value}", mark, rows, content, fingerprint)


def _limited(taken: Taken, rows_max: int) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in taken.batches:
        rows += batch.num_rows
        if rows > rows_max:
            raise CultivaError(
                "the list is too long to be taken out",
                code="loop.export_too_long",
                kind=ErrorKind.FORBIDDEN,
                seen=f"more than {rows_max:,} rows",
                allowed=f"{rows_max:,} rows: export_rows_max of [console]",
                hint="take a smaller group; whole tables go to other systems by the API",
            )
        yield batch


def _watermark(parts: Parts, taker: Taker, about: _About, number: str, at: datetime) -> str:
    """Who took what out when; both languages, since a file is read by whoever finds it."""
    local = at.astimezone(ZoneInfo(parts.workspace.settings.timezone)).isoformat(sep=" ", timespec="seconds")
    bank = parts.workspace.settings.name
    who = " ".join(taker.name.split())
    return f"{bank} · 内部资料 confidential · {about.title} · {who} ({taker.user_id}) · {local} · {number}"


def _csv(schema: pa.Schema, batches: Sequence[pa.RecordBatch], mark: str) -> bytes:
    from pyarrow import csv as arrow_csv

    sink, first = io.BytesIO(), io.StringIO()
    csv.writer(first, lineterminator="\n").writerow([f"# {mark}"])
    sink.write(b"\xef\xbb\xbf" + first.getvalue().encode())
    with arrow_csv.CSVWriter(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(_without_formulas(batch))
    return sink.getvalue()


def _without_formulas(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A text that a spreadsheet would calculate begins with an apostrophe."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def plain(column: pa.Array) -> pa.Array:
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            return column
        quoted = pc.binary_join_element_wise(pa.scalar("'", column.type), column, pa.scalar("", column.type))
        return pc.if_else(pc.match_substring_regex(column, _FORMULA), quoted, column)

    return pa.RecordBatch.from_arrays([plain(column) for column in batch.columns], schema=batch.schema)


def _parquet(schema: pa.Schema, batches: Sequence[pa.RecordBatch], mark: str) -> bytes:
    import pyarrow.parquet as pq

    marked, sink = schema.with_metadata({WATERMARK: mark.encode()}), io.BytesIO()
    with pq.ParquetWriter(sink, marked, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch.cast(marked))
    return sink.getvalue()
