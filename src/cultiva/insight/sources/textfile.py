"""Text files as banks send them: compressed, in other encodings, cut off, with mixed line ends.

DuckDB reads a cut-off gzip file without a word and knows no GB18030, so every text file is read through once
before, and copied to plain UTF-8 with one kind of line end where it is anything else.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from cultiva.definitions.sources import FileFormat
from cultiva.insight.sources.faults import broken
from cultiva.insight.sources.files import DeliveredFile

CHUNK_BYTES = 8 * 2**20
"""Bytes read at a time."""
SAMPLE_BYTES = 2**18
"""Bytes of the beginning in which the header and the encoding are looked for."""
ENCODINGS = ("utf-8", "gb18030", "utf-16", "latin-1")
"""Encodings that a mapping may name, in the order in which they are guessed."""
_COMPRESSION = {".gz": "gzip", ".zst": "zstd"}
UNDECODABLE = "\ufdd0"
"""Stands for bytes that the file's encoding does not have: a noncharacter, which no text that is exchanged has."""
UNDECODABLE_SHARE_MAX = 0.05
"""With more lines than this that have such bytes, the file is written in another encoding."""
_MARKS = "cultiva.marks"
_MULTIBYTE_MIN = 8
"""So many characters beyond ASCII that decode as UTF-8 are UTF-8, whatever a mapping says."""


@dataclass(frozen=True)
class TextFile:
    """A text file that DuckDB can read."""

    path: Path
    """UTF-8 with one kind of line end: the file itself, or a copy."""
    copied: bool
    """Whether it is a copy, to be removed when it has been read."""
    head: str
    """The beginning of the text."""
    ended: bool
    """Whether the last line has a line end."""
    nul: bool
    """Whether it has NUL characters."""
    undecodable: bool = False
    """Whether it has `UNDECODABLE` for bytes that are no text."""


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError), "only decoders use this handler"
    return UNDECODABLE, error.end


codecs.register_error(_MARKS, _mark)


@dataclass
class _Survey:
    """What is seen while reading a text through."""

    crlf: int = 0
    lf: int = 0
    cr: int = 0
    nul: bool = False
    last: str = ""
    head: str = ""
    undecodable: int = 0
    """Lines with bytes that are no text, those across two pieces twice."""
    first_undecodable: int = 0
    """The first of them."""

    def see(self, text: str) -> None:
        if UNDECODABLE in text:
            self._see_undecodable(text)
        self.crlf += text.count("\r\n") + (self.last == "\r" and text.startswith("\n"))
        self.lf += text.count("\n")
        self.cr += text.count("\r")
        self.nul = self.nul or "\0" in text
        self.last = text[-1:] or self.last
        if len(self.head) < SAMPLE_BYTES:
            self.head += text[:SAMPLE_BYTES]

    def _see_undecodable(self, text: str) -> None:
        ends = text.replace("\r\n", "\n").replace("\r", "\n")
        if not self.first_undecodable:
            self.first_undecodable = self.lines + ends.count("\n", 0, ends.index(UNDECODABLE)) + 1
        self.undecodable += sum(UNDECODABLE in line for line in ends.split("\n"))

    @property
    def lines(self) -> int:
        """Line ends seen."""
        return self.lf + self.cr - self.crlf

    @property
    def uniform(self) -> bool:
        """Whether all lines end in LF, or all in CRLF."""
        return self.cr == 0 or self.cr == self.crlf == self.lf


def prepare(file: DeliveredFile, form: FileFormat, copy: Path) -> TextFile:
    """Reads a text file through and makes it readable for DuckDB.

    Args:
        file: The file delivered.
        form: What the workspace says of its encoding.
        copy: Where a copy goes if one is needed.

    Bytes that the encoding does not have become `UNDECODABLE`, so that the records that have them can be set aside.

    Raises:
        Faults: if it is empty, cut off, not compressed as its name says, or not in its encoding.
    """
    if file.path.stat().st_size == 0:
        raise _empty(file)
    _check_encoding(file, form)
    must_copy = _compression(file.path) is not None or form.encoding != "utf-8"
    survey = _read_through(file, form, copy if must_copy else None)
    _check_undecodable(file, form, survey)
    if not must_copy and (survey.undecodable or not survey.uniform):
        must_copy = True
        _read_through(file, form, copy)
    if not survey.head.strip("\r\n\ufeff "):
        raise _empty(file)
    path, ended = copy if must_copy else file.path, survey.last in "\r\n"
    return TextFile(path, must_copy, survey.head, ended, survey.nul, bool(survey.undecodable))


def first_records(head: str, form: FileFormat, count: int) -> list[list[str]]:
    """The first records of a text, split as its format says."""
    lines = io.StringIO(head, newline=None)  # whatever ends them
    reader = (
        csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote)
        if form.quote
        else csv.reader(lines, delimiter=form.delimiter, quoting=csv.QUOTE_NONE)
    )
    records: list[list[str]] = []
    for record in reader:
        if record:
            records.append(record)
        if len(records) == count:
            break
    return records


def likely_encoding(sample: bytes) -> str:
    r"""The encoding that the beginning of a file seems to have.

    Examples:
        >>> likely_encoding("编号,姓名\n1,张三\n".encode("gb18030"))
        'gb18030'
    """
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample[:200].count(0) * 3 > len(sample[:200]):
        return "utf-16"
    return next(name for name in ENCODINGS if name != "utf-16" and _decodes(sample, name))


def sample_of(file: DeliveredFile) -> bytes:
    """The first bytes of a file, uncompressed.

    Raises:
        Faults: if it is not compressed as its name says.
    """
    with _opened(file) as stream:
        return _some_bytes(file, stream, SAMPLE_BYTES)


def _read_through(file: DeliveredFile, form: FileFormat, copy: Path | None) -> _Survey:
    survey = _Survey()
    if copy is None:
        for text in _texts(file, form):
            survey.see(text)
        return survey
    with copy.open("w", encoding="utf-8", newline="") as out:
        pending = ""
        for text in _texts(file, form):
            survey.see(text)
            piece = pending + text
            pending = "\r" if piece.endswith("\r") else ""
            out.write(piece[: len(piece) - len(pending)].replace("\r\n", "\n").replace("\r", "\n"))
        out.write("\n" if pending else "")
    return survey


def _texts(file: DeliveredFile, form: FileFormat) -> Iterator[str]:
    """The text in pieces, without a byte order mark."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if form.encoding == "utf-8" else form.encoding)(_MARKS)
    with _opened(file) as stream:
        while True:
            chunk = _some_bytes(file, stream, CHUNK_BYTES)
            yield decoder.decode(chunk, final=not chunk)
            if not chunk:
                return


def _opened(file: DeliveredFile) -> BinaryIO:
    try:
        stream: BinaryIO = pa.input_stream(str(file.path), compression=_compression(file.path))
    except OSError as error:
        raise broken(
            file.shown, "unreadable", "a file cannot be opened", seen=error.strerror or error, allowed="a readable file"
        ) from error
    return stream


def _some_bytes(file: DeliveredFile, stream: BinaryIO, size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        cut = "Truncated" in str(error)
        raise broken(
            file.shown,
            "truncated" if cut else "not_compressed",
            "a compressed file is cut off" if cut else "a compressed file cannot be unpacked",
            seen=error,
            allowed=f"a whole {_compression(file.path)} file",
            hint="ask for the file again; nothing of it was taken",
        ) from error


def _compression(path: Path) -> str | None:
    return _COMPRESSION.get(path.suffix.lower())


def _check_encoding(file: DeliveredFile, form: FileFormat) -> None:
    """GB18030 and Latin-1 decode almost anything: UTF-8 read as one of them would pass as nonsense."""
    sample = sample_of(file)
    likely = likely_encoding(sample)
    mistaken = likely == "utf-16" != form.encoding
    if likely == "utf-8" and form.encoding in ("gb18030", "latin-1"):
        text = codecs.getincrementaldecoder("utf-8")().decode(sample)
        mistaken = sum(not mark.isascii() for mark in text) >= _MULTIBYTE_MIN
    if mistaken:
        raise _wrong_encoding(file, form, 1)


def _check_undecodable(file: DeliveredFile, form: FileFormat, survey: _Survey) -> None:
    """A few lines with bytes that are no text are set aside as bad rows; a header, an end or many are not."""
    if not survey.undecodable:
        return
    if survey.first_undecodable == 1 or survey.undecodable > UNDECODABLE_SHARE_MAX * survey.lines:
        raise _wrong_encoding(file, form, survey.first_undecodable)
    if survey.last == UNDECODABLE:
        raise broken(
            file.shown,
            "truncated",
            "a file is cut off within a character",
            seen=f"bytes at its end that are no {form.encoding}",
            allowed="whole records to the end",
            hint="ask for the file again; nothing of it was taken",
            line=survey.lines + 1,
        )


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _empty(file: DeliveredFile) -> Exception:
    return broken(
        file.shown,
        "empty_file",
        "a file of the delivery is empty",
        seen=f"{file.path.stat().st_size} bytes",
        allowed="a header line at least",
        hint="ask for the file again; a day without rows still has a header",
    )


def _wrong_encoding(file: DeliveredFile, form: FileFormat, line: int) -> Exception:
    likely = likely_encoding(sample_of(file))
    known = likely if likely != form.encoding else ""
    return broken(
        file.shown,
        "wrong_encoding",
        f"a file is not written in {form.encoding}",
        seen=f"bytes that {form.encoding} does not have" + (f"; it looks like {known}" if known else ""),
        allowed=", ".join(ENCODINGS),
        hint=f"set format: {{encoding: {known}}}" if known else "ask for the file again, or repair the line named",
        line=line,
    )
