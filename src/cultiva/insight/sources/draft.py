"""`cultiva profile SOURCE`: looks at a source that nobody has mapped yet, and drafts its mapping."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from cultiva.contracts.tables import CANONICAL
from cultiva.contracts.types import Column, DataType, TableSchema
from cultiva.definitions.sources import FileFormat, Input
from cultiva.definitions.workspace import Settings
from cultiva.insight.sources.database import tables_of
from cultiva.insight.sources.desk import open_desk
from cultiva.insight.sources.faults import broken
from cultiva.insight.sources.files import Window
from cultiva.insight.sources.guess import CONSTANTS, Guess, guess_table
from cultiva.insight.sources.hints import COLUMN_HINTS
from cultiva.insight.sources.inputs import Inputs
from cultiva.insight.sources.measure import ColumnProfile, measure_columns
from cultiva.insight.sources.sniff import sniff_format
from cultiva.kit.errors import did_you_mean

_SYNONYMS = {"m": "male", "f": "female", "男": "male", "女": "female", "p": "person", "c": "organisation"}
_SYNONYMS |= {"个人": "person", "对公": "organisation", "企业": "organisation", "owner": "owner", "主": "owner"}
_PERSONAL = ("name", "phone", "email", "address", "birth_date", "id_number_hash")


@dataclass(frozen=True)
class DraftedMapping:
    """A first mapping of a source, and what it rests on."""

    text: str
    """A file for `sources/`."""
    columns: tuple[ColumnProfile, ...]
    """The source's columns; values that seem personal are not shown."""
    table: str
    """The canonical table proposed, or the source's own name."""


_NAMELESS = "source"
"""Name of an input whose file has no Latin letter in its name, if nothing is known of what is in it."""


def draft_mapping(source: str, *, on: date, root: Path | None = None) -> DraftedMapping:
    """Looks at a source and drafts its mapping.

    Args:
        source: Path of a CSV (plain, .gz, .zst) or Parquet file, or `URL#table` of a SQL database.
        on: A business date, for `:date` in queries.
        root: The folder that a relative path starts from; None: the working folder.

    Raises:
        CultivaError: if the source cannot be read.
    """
    folder = root or Path.cwd()
    spec = _database_input(source, folder) if "://" in source else _file_input(source, folder)
    settings = Settings(name="profile")
    with open_desk(settings, folder) as desk:
        relation = Inputs(desk, [spec], folder, {}).relation(spec.name, Window(on, date.min), None)
        profiles = measure_columns(desk, relation, settings.timezone)
    guess = guess_table(spec.name, profiles)
    if guess and spec.name == _NAMELESS:
        spec = spec.model_copy(update={"name": guess.schema.name})
    found = {profile.name: canonical for canonical, profile in guess.columns.items()} if guess else {}
    columns = tuple(_discreet(replace(profile, guess=found.get(profile.name))) for profile in profiles)
    text = "\n".join([*_input_lines(spec), "", *_table_lines(spec, guess, profiles)]) + "\n"
    return DraftedMapping(text, columns, _table_name(spec, guess))


def _file_input(source: str, root: Path) -> Input:
    path = root / source
    if path.is_dir():
        raise broken(
            source, "folder", "this is a folder", seen=source, allowed="one CSV or Parquet file, or URL#table",
            hint="name one of its files",
        )  # fmt: skip
    if not path.is_file():
        there = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        raise broken(
            source,
            "missing_file",
            "there is no such file",
            seen=source,
            allowed="a CSV or Parquet file, or URL#table",
            hint=did_you_mean(path.name, there) or "check the path",
        )
    return Input(name=_name(path.name.split(".")[0]), file=source, format=sniff_format(path, shown=source))


def _database_input(source: str, root: Path) -> Input:
    url, _, table = source.partition("#")
    spec = Input(name=_name(table or "database"), url=url, query="SELECT 1")
    tables = tables_of(spec, root)
    if table not in tables:
        raise broken(
            spec.name,
            "no_table",
            "a table of the database is needed" if not table else "the database has no such table",
            seen=table or "no #table after the address",
            allowed=", ".join(tables) or "the database has no tables",
            hint=did_you_mean(table, tables) or "write URL#table",
        )
    return spec.model_copy(update={"query": f"SELECT * FROM {tables[table]}"})


def _name(text: str) -> str:
    """A name that definitions allow.

    Examples:
        >>> _name("Trans-2024 交易"), _name("交易")
        ('trans_2024', 'source')
    """
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:63]
    return plain if re.match(r"[a-z]", plain) else f"{_NAMELESS}_{plain}".strip("_")[:63]


def _discreet(profile: ColumnProfile) -> ColumnProfile:
    if profile.guess in _PERSONAL or profile.looks_like in _PERSONAL or _named_personal(profile.name):
        return replace(profile, minimum=None, maximum=None, values=())
    return profile


def _named_personal(name: str) -> bool:
    """Whether a column is called like personal data, whatever table it is in."""
    plain = name.strip().lower()
    return any(plain == word for known in _PERSONAL for word in (known, *COLUMN_HINTS.get(known, "").split()))


def _scalar(text: str) -> str:
    """A YAML scalar that is read back as the same text."""
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and text not in _WORDS else _quoted(text)


_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "y", "n", "Y", "N", "True", "False", "Yes", "No", "NULL")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _input_lines(spec: Input) -> Iterator[str]:
    yield "inputs:"
    yield f"  - name: {spec.name}"
    if spec.query is not None:
        yield f"    url: {_quoted(spec.url or '')}  # a password belongs into ${{env:NAME}}"
        yield f"    query: {_quoted(spec.query)}"
        return
    yield f"    file: {_scalar(spec.file or '')}"
    form = _format(spec.format)
    if form:
        yield f"    format: {{ {form} }}"


def _format(form: FileFormat) -> str:
    differing = form.model_dump(exclude_defaults=True)
    written = {
        name: json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
        for name, value in differing.items()
    }
    return ", ".join(f"{name}: {value}" for name, value in written.items())


def _table_name(spec: Input, guess: Guess | None) -> str:
    """The canonical table, or one of the bank's own, which may not have the name of a canonical one."""
    if guess:
        return guess.schema.name
    return f"{spec.name}_source" if spec.name in CANONICAL else spec.name


def _table_lines(spec: Input, guess: Guess | None, profiles: list[ColumnProfile]) -> Iterator[str]:
    yield "tables:"
    yield f"  - table: {_table_name(spec, guess)}"
    yield f"    name: {spec.name}"
    yield f"    from: {spec.name}"
    yield "    columns:"
    if guess is None:
        yield from _own_lines(profiles)
        return
    for canonical, profile in guess.columns.items():
        yield from _column_lines(guess.schema.column(canonical), profile)
    yield from _missing_lines(spec, guess.schema, guess)
    mapped = {profile.name for profile in guess.columns.values()}
    left = [profile.name for profile in profiles if profile.name not in mapped]
    if left:
        yield f"    # not mapped (declare in extra_columns what is worth keeping): {', '.join(left)}"


def _column_lines(column: Column, profile: ColumnProfile) -> Iterator[str]:
    temporal = column.type in (DataType.DATE, DataType.TIMESTAMP)
    if temporal and profile.format:
        yield f"      {column.name}: {{ from: {_scalar(profile.name)}, format: {_quoted(profile.format)} }}"
    elif column.codes and not set(profile.values) <= set(column.codes):
        yield from _code_lines(column, profile)
    else:
        yield f"      {column.name}: {_scalar(profile.name)}"


def _code_lines(column: Column, profile: ColumnProfile) -> Iterator[str]:
    known = {value: _code(value, column.codes) for value in profile.values}
    codes = ", ".join(f"{_quoted(value)}: {code}" for value, code in known.items() if code)
    yield f"      {column.name}: {{ from: {_scalar(profile.name)}, codes: {{ {codes} }} }}"
    unknown = [value for value, code in known.items() if not code]
    if unknown or not profile.values:
        yield f"      #   say which of {', '.join(column.codes)}: {', '.join(map(_quoted, unknown)) or '?'}"


def _code(value: str, codes: tuple[str, ...]) -> str | None:
    plain = value.strip().lower()
    wanted = _SYNONYMS.get(plain, plain)
    return wanted if wanted in codes else None


def _missing_lines(spec: Input, schema: TableSchema, guess: Guess) -> Iterator[str]:
    for column in schema.columns:
        if not column.required or column.name in guess.columns:
            continue
        if column.name in CONSTANTS:
            constant = CONSTANTS[column.name] or spec.name
            yield f"      {column.name}: {{ value: {_quoted(constant)} }}"
        else:
            yield f"      # {column.name}: ?  # required, and not found"


def _own_lines(profiles: list[ColumnProfile]) -> Iterator[str]:
    """A table of the bank's own: no canonical one fits."""
    names = {profile.name: _name(profile.name) for profile in profiles}
    distinct = {name: f"{plain}_{place}" if list(names.values()).count(plain) > 1 else plain
                for place, (name, plain) in enumerate(names.items(), start=1)}  # fmt: skip
    for profile in profiles:
        source = _scalar(profile.name)
        written = f"{{ from: {source}, format: {_quoted(profile.format)} }}" if profile.format else source
        yield f"      {distinct[profile.name]}: {written}"
    yield "    extra_columns:"
    for profile in profiles:
        yield f"      {distinct[profile.name]}: {profile.type.value}"
