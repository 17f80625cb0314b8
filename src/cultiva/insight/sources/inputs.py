"""The inputs of a workspace as relations that SQL can read, each staged once and shared by all mappings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from cultiva.definitions.sources import FileFormat, Input
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.insight.sources.database import stage_query
from cultiva.insight.sources.delimited import stage_delimited
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.faults import broken, first_line, reading
from cultiva.insight.sources.files import DeliveredFile, Window, find_files
from cultiva.insight.sources.parquetfile import parquet_columns, parquet_query
from cultiva.insight.sources.sql import FILE, ROW, ident, literal, literals, trimmed
from cultiva.kit.errors import Fault, Faults, did_you_mean


@dataclass(frozen=True)
class Relation:
    """One input, or the result of a SELECT, as a view."""

    view: str
    """Name of the view; beside the columns it has `__file` and `__row`."""
    columns: Mapping[str, str]
    """Name -> DuckDB type; texts are trimmed and never empty."""
    files: tuple[str, ...] = ()
    """Files by their number, as shown to people."""
    file_columns: tuple[tuple[str, ...], ...] = ()
    """The columns of each file."""
    inputs: tuple[str, ...] = ()
    """Inputs it is made of, whose rejected records are its own."""
    form: FileFormat = field(default_factory=FileFormat)
    """How its numbers are written."""
    nul: bool = False
    """Whether its texts may have NUL characters."""
    dated: bool = False
    """Whether it was made for one business date, so that a row years after it cannot be right."""

    @property
    def quoted(self) -> str:
        """The view as SQL writes it."""
        return ident(self.view)


class Inputs:
    """Stages inputs on demand.

    Args:
        desk: Where they are staged.
        sources: What the workspace declares.
        root: The folder that paths start from.
        variables: Values for `${var}` in paths.
    """

    def __init__(self, desk: Desk, sources: Iterable[Input], root: Path, variables: Mapping[str, str]) -> None:
        self._desk = desk
        self._root = root
        self._variables = variables
        self._inputs = {source.name: source for source in sources}
        self._staged: dict[tuple[object, ...], Relation] = {}

    def relation(self, name: str, window: Window, columns: Sequence[str] | None) -> Relation:
        """An input as a relation.

        Args:
            name: The input's name.
            window: Business dates read.
            columns: Columns that are needed; None: all files must have the same ones.

        Raises:
            Faults: if it cannot be read or a file lacks a column.
        """
        source = self._input(name)
        if source.query is not None:
            relation = self._cached((name, window), lambda: self._query(source, window))
        else:
            files = find_files(str(source.file), self._root, self._variables, window)
            stage = self._parquet if source.format.kind == "parquet" else self._text
            relation = self._cached((name, tuple(files)), lambda: stage(source, files, columns or ()))
        _check_columns(relation, columns, source.name)
        return relation

    def select(self, mapping: TableMapping, window: Window) -> Relation:
        """The result of a mapping's SELECT, staged, so that every later step sees the same rows.

        Raises:
            Faults: if it is not one SELECT, names something unknown, or fails.
        """
        sql = (mapping.select or "").strip().rstrip(";")
        used = sorted(_tables_read(self._desk, mapping, sql) & set(self._inputs))
        relations = {name: self.relation(name, window, None) for name in used}
        for name, relation in relations.items():
            body = f"SELECT * EXCLUDE ({FILE}, {ROW}) FROM {relation.quoted}"
            self._desk.run(f"CREATE OR REPLACE TEMP VIEW {ident(name)} AS {body}")
        path = self._desk.new_path("parquet")
        columns = self._run_select(mapping, sql, path)
        nul = any(relation.nul for relation in relations.values())
        dated = any(relation.dated for relation in relations.values())
        return self._unordered(path, Relation("", columns, inputs=tuple(used), nul=nul, dated=dated))

    def _run_select(self, mapping: TableMapping, sql: str, path: Path) -> dict[str, str]:
        try:
            self._desk.run(f"COPY ({sql}\n) TO {literal(str(path))} (FORMAT parquet, COMPRESSION snappy)")
        except duckdb.Error as error:
            unknown_table = isinstance(error, duckdb.CatalogException)
            allowed = f"the inputs {', '.join(self._inputs)}" if unknown_table else "a SELECT that DuckDB runs"
            raise _bad_select(mapping, first_line(error), allowed) from error
        return self._desk.columns(f"SELECT * FROM read_parquet({literal(str(path))})")

    def _input(self, name: str) -> Input:
        if name not in self._inputs:
            raise broken(
                "sources/",
                "unknown_input",
                "a mapping reads an input that does not exist",
                seen=name,
                allowed=", ".join(self._inputs),
                hint=did_you_mean(name, self._inputs),
            )
        return self._inputs[name]

    def _cached(self, key: tuple[object, ...], stage: Callable[[], Relation]) -> Relation:
        if key not in self._staged:
            self._staged[key] = stage()
        return self._staged[key]

    def _query(self, source: Input, window: Window) -> Relation:
        path = stage_query(self._desk, source, self._root, window)
        columns = self._desk.columns(f"SELECT * FROM read_parquet({literal(str(path))})")
        shown = f"query of {source.name}"
        return self._unordered(
            path,
            Relation(
                "",
                columns,
                (shown,),
                (tuple(columns),),
                (source.name,),
                source.format,
                nul=True,
                dated=":date" in (source.query or ""),
            ),
        )

    def _text(self, source: Input, files: Sequence[DeliveredFile], columns: Sequence[str]) -> Relation:
        staged = [stage_delimited(self._desk, source, file, n, columns) for n, file in enumerate(files)]
        paths = literals(str(one.path) for one in staged)
        merged = ", ".join(ident(name) for name in _union(one.columns for one in staged))
        query = (
            f"SELECT {merged}, {FILE}, file_row_number + 1 AS {ROW} "
            f"FROM read_parquet([{paths}], union_by_name = true, file_row_number = true, hive_partitioning = false)"
        )
        shape = Relation(
            "",
            dict.fromkeys(_union(one.columns for one in staged), "VARCHAR"),
            tuple(file.shown for file in files),
            tuple(one.columns for one in staged),
            (source.name,),
            source.format,
            nul=any(one.nul for one in staged),
            dated=any(file.on for file in files),
        )
        return self._view(query, shape)

    def _parquet(self, source: Input, files: Sequence[DeliveredFile], columns: Sequence[str]) -> Relation:
        """Texts in Parquet are searched for NUL characters too: nothing has looked at them before."""
        del columns
        found = [parquet_columns(self._desk, file) for file in files]
        paths = literals(str(file.path) for file in files)
        with reading(source.name):
            merged = self._desk.columns(
                f"SELECT * FROM read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
            )
        shape = Relation(
            "",
            merged,
            tuple(file.shown for file in files),
            tuple(tuple(one) for one in found),
            (source.name,),
            source.format,
            nul=True,
            dated=any(file.on for file in files),
        )
        return self._view(parquet_query(files, merged), shape)

    def _unordered(self, path: Path, shape: Relation) -> Relation:
        """A staged file whose order means nothing: its rows have no number."""
        selected = ", ".join(
            f"{trimmed(ident(name))} AS {ident(name)}" if kind == "VARCHAR" else ident(name)
            for name, kind in shape.columns.items()
        )
        rows = f"SELECT {selected}, 0::INTEGER AS {FILE}, NULL::BIGINT AS {ROW}"
        return self._view(f"{rows} FROM read_parquet({literal(str(path))})", shape)

    def _view(self, query: str, shape: Relation) -> Relation:
        named = replace(shape, view=self._desk.new_name())
        self._desk.run(f"CREATE TEMP VIEW {named.quoted} AS {query}")
        return named


def _union(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))


def _check_columns(relation: Relation, columns: Sequence[str] | None, name: str) -> None:
    needed = tuple(relation.columns) if columns is None else columns
    faults = [
        Fault(
            file,
            1,
            0,
            "sources.missing_column",
            f"input {name} lacks a column" if columns is not None else f"the files of input {name} differ in a column",
            seen=column,
            allowed=", ".join(there),
            hint=did_you_mean(column, there) or "ask for a file with this column, or mend the mapping",
        )
        for file, there in zip(relation.files, relation.file_columns, strict=True)
        for column in needed
        if column not in there
    ]
    if faults:
        raise Faults(faults, what=f"input {name}")


def _tables_read(desk: Desk, mapping: TableMapping, sql: str) -> set[str]:
    """Names of the tables that a SELECT reads, from DuckDB's own parse of it."""
    parsed = json.loads(desk.rows(f"SELECT json_serialize_sql({literal(sql)}::VARCHAR)")[0][0])
    if parsed["error"]:
        raise _bad_select(mapping, parsed["error_message"], "one SELECT in DuckDB's SQL")
    if len(parsed["statements"]) != 1:
        raise _bad_select(mapping, f"{len(parsed['statements'])} statements", "one SELECT")
    return set(_base_tables(parsed))


def _base_tables(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield str(node["table_name"])
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _base_tables(child)


def _bad_select(mapping: TableMapping, seen: str, allowed: str) -> Exception:
    return broken(
        f"sources/ mapping {mapping.name}",
        "bad_select",
        "the SELECT of a mapping failed",
        seen=seen,
        allowed=allowed,
        hint="mend the SELECT; its tables are the workspace's inputs, their texts are trimmed and never empty",
    )
