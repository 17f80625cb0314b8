"""Exports: a segment with chosen tags, or the decisions of a date, streamed as CSV or Parquet."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from fastapi import Path, Query
from fastapi.responses import StreamingResponse

from cultiva.api.customers import On
from cultiva.api.desk import Desk
from cultiva.api.guard import Caller, OurDesk, needs, router
from cultiva.contracts.decision import Fate
from cultiva.execution.access.keys import ApiKey, Scope
from cultiva.loop import exports as loop_exports
from cultiva.loop.exports import Taken

if TYPE_CHECKING:
    import pyarrow as pa

routes = router("/exports", "exports")


class Format(StrEnum):
    """How an export is written."""

    CSV = "csv"
    """UTF-8 with a header; null is nothing, text is quoted."""
    PARQUET = "parquet"
    """Parquet, zstd."""


MEDIA = {Format.CSV: "text/csv; charset=utf-8", Format.PARQUET: "application/vnd.apache.parquet"}
_FILE = {
    "description": "The file, streamed.",
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    },
}


class _Sink(io.RawIOBase):
    """Keeps what a writer wrote until it is taken away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """What has come since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _options(*statuses: int) -> dict[str, object]:
    told = needs(Scope.EXPORTS, *statuses)
    return {**told, "responses": {**told["responses"], 200: _FILE}, "response_class": StreamingResponse}


@routes.get("/segments/{segment}", **_options(404))  # type: ignore[arg-type]
def segment(
    segment: Annotated[str, Path(max_length=200, description="Name of a segment.", examples=["payroll"])],
    desk: OurDesk,
    caller: Caller,
    file_format: Annotated[Format, Query(alias="format", description="csv or parquet.")] = Format.CSV,
    tags: Annotated[
        list[str] | None, Query(max_length=200, description="Tags beside customer_id; personal ones need `personal`.")
    ] = None,
    on: On = None,
) -> StreamingResponse:
    """The members of a segment with chosen tags, sorted by customer; the audit keeps who took them out."""
    day = desk.day(on)
    taken = loop_exports.segment_rows(desk.parts, segment, tags or [], day, sight=caller.sight)
    detail = {"date": str(day), "tags": tags or [], "format": file_format.value, "personal": caller.sight.personal}
    desk.audit("export.segment", f"segment:{segment}", caller, detail)
    ended = _Ended(desk, caller, f"segment:{segment}")
    return _file(taken, file_format, f"{segment}-{day}", ended)


@routes.get("/decisions", **_options(404))  # type: ignore[arg-type]
def decisions(
    desk: OurDesk,
    caller: Caller,
    file_format: Annotated[Format, Query(alias="format", description="csv or parquet.")] = Format.CSV,
    strategy: Annotated[str | None, Query(max_length=200, description="Only those of this strategy.")] = None,
    fate: Annotated[Fate | None, Query(description="Only those with this fate.")] = None,
    on: On = None,
) -> StreamingResponse:
    """The decisions of a business date, sorted by customer; the audit keeps who took them out."""
    day = desk.day(on)
    taken = loop_exports.decision_rows(desk.parts, day, sight=caller.sight, strategy=strategy, fate=fate)
    detail = {"date": str(day), "strategy": strategy, "fate": fate and fate.value, "format": file_format.value}
    desk.audit("export.decisions", f"decisions:{day}", caller, detail)
    return _file(taken, file_format, f"decisions-{day}", _Ended(desk, caller, f"decisions:{day}"))


@dataclass
class _Ended:
    """Counts what goes out; when all of it has, the audit keeps how much it was and its fingerprint."""

    desk: Desk
    caller: ApiKey
    subject: str
    rows: int = 0

    def counted(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            self.rows += batch.num_rows
            yield batch

    def sealed(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
            yield piece
        self.desk.audit("export.ended", self.subject, self.caller, {"rows": self.rows, "sha256": digest.hexdigest()})


def _file(taken: Taken, file_format: Format, name: str, ended: _Ended) -> StreamingResponse:
    taken = Taken(taken.schema, ended.counted(taken.batches))
    pieces = ended.sealed(csv_pieces(taken) if file_format is Format.CSV else parquet_pieces(taken))
    headers = {"Content-Disposition": f'attachment; filename="{name}.{file_format}"'}
    return StreamingResponse(pieces, media_type=MEDIA[file_format], headers=headers)


def csv_pieces(taken: Taken) -> Iterator[bytes]:
    """A CSV file, a batch at a time."""
    from pyarrow import csv

    sink = _Sink()
    with csv.CSVWriter(sink, taken.schema) as writer:
        yield sink.take()
        for batch in taken.batches:
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


def parquet_pieces(taken: Taken) -> Iterator[bytes]:
    """A Parquet file, a batch at a time; its footer comes last."""
    import pyarrow.parquet as pq

    sink = _Sink()
    with pq.ParquetWriter(sink, taken.schema, compression="zstd") as writer:
        for batch in taken.batches:
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()
