"""CSV files become staged Parquet with every field as cleaned text; records that cannot be read are kept aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cultiva.definitions.sources import FileFormat, Input
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.faults import broken, reading
from cultiva.insight.sources.files import DeliveredFile
from cultiva.insight.sources.sql import FILE, cleaned, ident, idents, literal, literals
from cultiva.insight.sources.textfile import UNDECODABLE, TextFile, first_records, prepare

FIELDS, ENCODING = "fields", "encoding"
"""The contracts that a record has as many fields as the header, and that it is text."""
_DELIMITERS = ",;\t|\x01^~"
_ROW_FAULTS = ("MISSING COLUMNS", "TOO MANY COLUMNS")
"""Parser errors that concern one record; after any other one the rest of the file cannot be trusted."""


@dataclass(frozen=True)
class StagedText:
    """One CSV file as Parquet."""

    path: Path
    """The Parquet file."""
    columns: tuple[str, ...]
    """Its columns."""
    nul: bool
    """Whether the text has NUL characters."""


def stage_delimited(desk: Desk, source: Input, file: DeliveredFile, number: int, expected: Sequence[str]) -> StagedText:
    """Stages one CSV file; records that cannot be split into fields or are no text go to the desk's `rejected`.

    Args:
        desk: Where the work is done.
        source: The input that the file belongs to.
        file: The file.
        number: Its number within the input.
        expected: Columns that mappings read, for a better message if the delimiter is wrong.

    Raises:
        Faults: if the file as a whole cannot be read.
    """
    text = prepare(file, source.format, desk.new_path("csv"))
    names = _names(text, source.format, file, expected)
    staged = desk.new_path("parquet")
    with reading(file.shown):
        accepted = desk.run(_copy(names, source.format, text, number, staged), ordered=True)
    _keep_rejects(desk, source, file, number, _Parsed(accepted, text.ended))
    if text.undecodable:
        staged = _without_undecodable(desk, source, file, number, StagedText(staged, names, text.nul))
    if text.copied:
        text.path.unlink()
    return StagedText(staged, names, text.nul)


@dataclass(frozen=True)
class _Parsed:
    accepted: int
    ended: bool


def _copy(names: Sequence[str], form: FileFormat, text: TextFile, number: int, staged: Path) -> str:
    trimmed = ", ".join(f"{cleaned(ident(name))} AS {ident(name)}" for name in names)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    options = (
        f"auto_detect = false, header = {literal(form.header)}, delim = {literal(form.delimiter)}, "
        f"quote = {literal(form.quote)}, escape = {literal(form.quote)}, columns = {{{columns}}}, strict_mode = true, "
        "store_rejects = true, rejects_table = 'rejects_of_file', rejects_scan = 'scan_of_file'"
    )
    return (
        f"COPY (SELECT {number}::INTEGER AS {FILE}, {_with_nulls(names, form)} FROM (SELECT {trimmed} "
        f"FROM read_csv({literal(str(text.path))}, {options}))) "
        f"TO {literal(str(staged))} (FORMAT parquet, COMPRESSION snappy)"
    )


def _with_nulls(names: Sequence[str], form: FileFormat) -> str:
    nulls = literals(null.strip() for null in form.nulls if null.strip())
    if not nulls:
        return ", ".join(ident(name) for name in names)
    return ", ".join(f"CASE WHEN {ident(n)} IN ({nulls}) THEN NULL ELSE {ident(n)} END AS {ident(n)}" for n in names)


def _names(text: TextFile, form: FileFormat, file: DeliveredFile, expected: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns, from the header or the format."""
    records = first_records(text.head, form, 1)
    first = [field.strip() for field in records[0]] if records else []
    names = first if form.header else list(form.columns)
    if len(first) == 1 and len(expected) > 1:
        _check_delimiter(first[0], form, file)
    if len(first) != len(names):
        raise broken(
            file.shown,
            "wrong_width",
            "the first record has another number of fields than format.columns names",
            seen=f"{len(first)} fields",
            allowed=f"{len(names)} fields: {', '.join(names)}",
            hint="list the columns of the file in format.columns, or mend format.delimiter",
            line=1,
        )
    named = [name or f"column_{place}" for place, name in enumerate(names, start=1)]
    _check_distinct(named, file)
    return tuple(named)


def _check_delimiter(line: str, form: FileFormat, file: DeliveredFile) -> None:
    likely = max(_DELIMITERS, key=line.count)
    if line.count(likely):
        raise broken(
            file.shown,
            "wrong_delimiter",
            "a file has one column where several are expected: the delimiter is wrong",
            seen=f"no {form.delimiter!r} in the first line, but {line.count(likely)} times {likely!r}",
            allowed="the delimiter that the file uses",
            hint=f"set format: {{delimiter: {likely!r}}}",
            line=1,
        )


def _check_distinct(names: Sequence[str], file: DeliveredFile) -> None:
    twice = [name for name, times in Counter(name.lower() for name in names).items() if times > 1]
    if twice:
        raise broken(
            file.shown,
            "duplicate_column",
            "a header names a column twice",
            seen=", ".join(twice),
            allowed="every name once, whatever its case",
            hint="ask for a file with distinct names, or give header: false and format.columns",
            line=1,
        )


def _keep_rejects(desk: Desk, source: Input, file: DeliveredFile, number: int, parsed: _Parsed) -> None:
    """Moves what the parser refused to `rejected`; stops if the rest of the file cannot be trusted."""
    fatal = desk.rows(
        "SELECT line, error_type::VARCHAR, error_message FROM rejects_of_file "
        f"WHERE error_type::VARCHAR NOT IN ({literals(_ROW_FAULTS)}) ORDER BY line LIMIT 1"
    )
    last, refused = desk.rows("SELECT max(line), count(DISTINCT line) FROM rejects_of_file")[0]
    header = int(source.format.header)
    ends_refused = refused and last == parsed.accepted + refused + header
    if (fatal or ends_refused) and not parsed.ended:
        raise _cut_off(file, fatal[0][0] if fatal else last)
    if fatal:
        raise _unparsable(file, *fatal[0])
    desk.run(
        f"INSERT INTO rejected SELECT {literal(source.name)}, {number}, {literal(file.shown)}, line - {header}, "
        f"{literal(FIELDS)}, min(error_message), row_number() OVER (ORDER BY line) FROM rejects_of_file GROUP BY line"
    )
    desk.run("DROP TABLE rejects_of_file")
    desk.run("DROP TABLE scan_of_file")


def _without_undecodable(desk: Desk, source: Input, file: DeliveredFile, number: int, staged: StagedText) -> Path:
    """Moves records with bytes that are no text to `rejected`, and counts all records there anew."""
    mine = f"input = {literal(source.name)} AND file = {number}"
    rows = f"SELECT * FROM read_parquet({literal(str(staged.path))}, file_row_number = true)"
    marked = f"contains(concat_ws('', {idents(staged.columns)}), {literal(UNDECODABLE)})"
    reason = literal(f"text in {source.format.encoding}: bytes in the record are none")
    passed = f"SELECT record - place AS passed, max(place) AS place FROM rejected WHERE {mine} GROUP BY ALL"
    desk.run(
        f"INSERT INTO rejected SELECT {literal(source.name)}, {number}, {literal(file.shown)}, "
        f"row + coalesce(r.place, 0), {literal(ENCODING)}, {reason}, NULL "
        f"FROM (SELECT file_row_number + 1 AS row FROM ({rows}) WHERE {marked}) AS found "
        f"ASOF LEFT JOIN ({passed}) AS r ON found.row > r.passed"
    )
    desk.run(
        "UPDATE rejected SET place = counted.place FROM (SELECT record AS known, row_number() OVER (ORDER BY record) "
        f"AS place FROM rejected WHERE {mine}) AS counted WHERE {mine} AND record = counted.known"
    )
    kept = desk.new_path("parquet")
    desk.run(
        f"COPY (SELECT * EXCLUDE (file_row_number) FROM ({rows}) WHERE NOT {marked}) "
        f"TO {literal(str(kept))} (FORMAT parquet, COMPRESSION snappy)",
        ordered=True,
    )
    staged.path.unlink()
    return kept


def _cut_off(file: DeliveredFile, line: int) -> Exception:
    return broken(
        file.shown,
        "truncated",
        "a file is cut off: its last record is not complete and has no line end",
        seen=f"a broken last record, number {line}",
        allowed="whole records to the end",
        hint="ask for the file again; nothing of it was taken",
        line=line,
    )


def _unparsable(file: DeliveredFile, line: int, kind: str, message: str) -> Exception:
    return broken(
        file.shown,
        "unparsable",
        "a file cannot be split into records",
        seen=f"{message} ({kind.lower()})",
        allowed="quotes that open and close around a field, doubled within it",
        hint="mend format.quote or format.delimiter, or ask for a file with well-formed quotes",
        line=line,
    )
