"""Finding out how a file that nobody has described is written."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from pathlib import Path

from cultiva.definitions.sources import FileFormat
from cultiva.insight.sources.faults import broken
from cultiva.insight.sources.files import DeliveredFile
from cultiva.insight.sources.textfile import first_records, likely_encoding, sample_of

DELIMITERS = ",;\t|\x01^~"
"""Delimiters tried, the likelier first."""
_RECORDS = 200
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def sniff_format(path: Path, *, shown: str = "") -> FileFormat:
    """How a file seems to be written.

    Args:
        path: CSV (plain, .gz, .zst) or Parquet.
        shown: As the reader has typed it; the path if left out.

    Raises:
        Faults: if it cannot be unpacked, is empty, or holds no text.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        return FileFormat(kind="parquet")
    sample = sample_of(DeliveredFile(path, shown or str(path)))
    _require_text(shown or str(path), sample)
    encoding = likely_encoding(sample)
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    head = decoder.decode(sample)
    base = FileFormat.model_validate({"encoding": encoding})
    best = max(DELIMITERS, key=lambda mark: _fit(head, base.model_copy(update={"delimiter": mark})))
    form = base.model_copy(update={"delimiter": best})
    return form if _has_header(head, form) else _without_header(head, form)


def _require_text(shown: str, sample: bytes) -> None:
    encoding = likely_encoding(sample)
    if not sample.strip():
        message, seen = "the file is empty", "no line"
    elif b"\0" in sample and encoding != "utf-16":
        message, seen = "the file is no text", "bytes of zero"
    else:
        return
    allowed = "a CSV file with a line of names and at least one row, or Parquet"
    hint = "ask for the file again, or name another one; Parquet files end in .parquet"
    raise broken(shown, "no_text", message, seen=seen, allowed=allowed, hint=hint)


def _records(head: str, form: FileFormat) -> list[list[str]]:
    """Records at the beginning; the last one of a sample may be cut and is left out."""
    try:
        found = first_records(head, form, _RECORDS + 1)
    except csv.Error:
        return []
    return found[:-1] if len(found) > 1 and not head.endswith("\n") else found


def _fit(head: str, form: FileFormat) -> tuple[float, int]:
    """How well a delimiter fits: share of records with the commonest number of fields, then that number."""
    widths = Counter(len(record) for record in _records(head, form))
    if not widths:
        return 0.0, 0
    width, times = widths.most_common(1)[0]
    return (times / widths.total(), width) if width > 1 else (0.0, width)


def _has_header(head: str, form: FileFormat) -> bool:
    """Names are there, distinct, and no numbers."""
    records = _records(head, form)
    first = [field.strip() for field in records[0]] if records else []
    return bool(first) and all(first) and len(set(first)) == len(first) and not any(map(_NUMBER.fullmatch, first))


def _without_header(head: str, form: FileFormat) -> FileFormat:
    width = len(_records(head, form)[0])
    return form.model_copy(update={"header": False, "columns": tuple(f"column_{n}" for n in range(1, width + 1))})
