"""What is joined to the customers beside the aggregates: lists, external tables, scores, the stage before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.types import DataType
from cultiva.definitions.segments import Segment
from cultiva.definitions.tags import External, Tag
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine, Files
from cultiva.engine.types import STORED
from cultiva.insight.profile.casts import typed_text
from cultiva.insight.profile.plan import PREVIOUS_STAGE, external_name, list_name, score_name
from cultiva.kit.errors import CultivaError, ErrorKind

if TYPE_CHECKING:
    import ibis
    import polars as pl

SOURCE_KEY = ["source_system", "source_id"]
"""How a source system names a customer."""


def write_lists(
    root: Path,
    segments: Sequence[Segment],
    identity_map: Files,
    folder: Path,
    *,
    mergers: Mapping[int, int] | None = None,
) -> None:
    """Writes one row per customer on any list: customer_id and one boolean per list segment.

    Args:
        root: The workspace's folder.
        segments: List segments.
        identity_map: For lists that name a source's own ids.
        folder: The new folder.
        mergers: Retired customer id -> the id that lives on: old lists still name the former.

    Raises:
        CultivaError: if a file is absent, cannot be read or has neither of the two forms.
    """
    import polars as pl

    marks = [
        _listed(root, segment, identity_map).select("customer_id", on=pl.lit(segment.name)) for segment in segments
    ]
    listed = pl.concat(marks).with_columns(pl.col("customer_id").cast(pl.Int64))
    found = listed.with_columns(pl.col("customer_id").replace(dict(mergers or {}))).unique()
    flags = [(pl.col("on") == segment.name).any().alias(list_name(segment.name)) for segment in segments]
    frame = found.filter(pl.col("customer_id").is_not_null()).group_by("customer_id").agg(flags).sort("customer_id")
    write_arrow(frame.to_arrow(), folder)


def _listed(root: Path, segment: Segment, identity_map: Files) -> pl.DataFrame:
    import polars as pl

    assert segment.list is not None, "only list segments are read"
    path = root / segment.list
    if not path.is_file():
        raise _bad_list(segment, f"no file {segment.list}")
    rows = _rows_of(path, segment)
    if "customer_id" in rows.columns:
        return _numbered(rows)
    if not set(SOURCE_KEY) <= set(rows.columns):
        raise _bad_list(segment, f"columns {', '.join(rows.columns)}")
    ids = pl.scan_parquet(part_files(identity_map)) if identity_map else _no_ids()
    named = rows.lazy().select(pl.col(*SOURCE_KEY).str.strip_chars())
    return ids.join(named, on=SOURCE_KEY, how="semi").select("customer_id").collect()


def _rows_of(path: Path, segment: Segment) -> pl.DataFrame:
    """A list's rows as texts; blanks around the names of columns do not count, as when definitions are checked."""
    import polars as pl

    try:
        rows = pl.read_csv(path, infer_schema=False)
        return rows.rename(str.strip)
    except pl.exceptions.PolarsError as error:
        raise _bad_list(segment, f"{segment.list}: {str(error).splitlines()[0]}") from error


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """The ids of a list; tables in which a cell is empty are often saved with 12.0 for 12. What is no id is nobody."""
    import polars as pl

    text = pl.col("customer_id").str.strip_chars().str.replace(r"\.0*$", "")
    return rows.select(customer_id=text.cast(pl.Int64, strict=False))


def _no_ids() -> pl.LazyFrame:
    import polars as pl

    return pl.LazyFrame(schema={"source_system": pl.String, "source_id": pl.String, "customer_id": pl.Int64})


def _bad_list(segment: Segment, seen: str) -> CultivaError:
    return CultivaError(
        f"the list of segment {segment.name} cannot be read",
        code="profile.bad_list",
        kind=ErrorKind.INVALID,
        seen=seen,
        allowed="a CSV file with a header: customer_id, or source_system and source_id",
        hint="mend the file, or the segment's `list`",
    )


@dataclass(frozen=True)
class ExternalTag:
    """A tag and where it is found."""

    name: str
    type: DataType
    external: External


def external_tags(tags: Mapping[str, Tag]) -> dict[str, list[ExternalTag]]:
    """External tags by input."""
    found: dict[str, list[ExternalTag]] = {}
    for tag in tags.values():
        if tag.external is not None:
            found.setdefault(tag.external.input, []).append(ExternalTag(tag.name, tag.type, tag.external))
    return found


def write_externals(
    engine: Engine, files: Files, tags: Sequence[ExternalTag], identity_map: Files, folder: Path
) -> list[Path]:
    """Writes the tags of one input, one row per customer; of several rows the largest value counts.

    Args:
        engine: Where sets are computed.
        files: The input's rows as delivered.
        tags: Tags that read this input.
        identity_map: For inputs that name a source's own ids.
        folder: Its name begins the names of the new folders.

    Returns:
        One folder for each way in which the tags name the customer.

    Raises:
        CultivaError: if a tag reads a column that the input does not have.
    """
    table = engine.scan(files)
    by_key: dict[tuple[str, str | None], list[ExternalTag]] = {}
    for tag in tags:
        by_key.setdefault((tag.external.key, tag.external.source_system), []).append(tag)
    folders = []
    for number, ((key, system), members) in enumerate(by_key.items()):
        keyed = _with_customer(engine, table, key, system, identity_map)
        values = {external_name(tag.name): _typed(keyed, tag).max() for tag in members}
        folders.append(folder.with_name(f"{folder.name}-{number}"))
        engine.write(keyed.group_by("customer_id").aggregate(**values), folders[-1], sort_by=("customer_id",))
    return folders


def _with_customer(engine: Engine, table: ibis.Table, key: str, system: str | None, identity_map: Files) -> ibis.Table:
    import ibis

    if key not in table.columns:
        raise _no_column(key, table.columns)
    if key == "customer_id":
        typed = table.mutate(customer_id=typed_text(table[key].cast("string"), DataType.INTEGER))
        return typed.filter(typed["customer_id"].notnull())
    ids = engine.scan(identity_map).select("customer_id", map_system="source_system", map_id="source_id")
    source = ibis.literal(system) if system is not None else table["source_system"]
    marked = table.drop("customer_id") if "customer_id" in table.columns else table
    marked = marked.mutate(map_system=source, map_id=table[key].cast("string"))
    return marked.inner_join(ids, ["map_system", "map_id"])


def _typed(table: ibis.Table, tag: ExternalTag) -> ibis.Value:
    if tag.external.column not in table.columns:
        raise _no_column(tag.external.column, table.columns)
    column = table[tag.external.column]
    if column.type().is_string():
        return typed_text(column, tag.type)
    return column.cast(STORED[tag.type].ibis)


def _no_column(name: str, columns: Sequence[str]) -> CultivaError:
    return CultivaError(
        "an external tag reads a column that its input does not have",
        code="profile.no_column",
        seen=name,
        allowed=", ".join(columns),
        hint="mend the tag's `external`, or the input",
    )


def write_scores(engine: Engine, model: str, files: Files, folder: Path) -> None:
    """Writes a model's scores under the name that the profile joins: customer_id, score."""
    table = engine.scan(files)
    engine.write(table.select("customer_id", **{score_name(model): table["score"]}), folder, sort_by=("customer_id",))


def write_previous_stage(engine: Engine, previous: Files, folder: Path) -> None:
    """Writes the stage of the last profile under the name that the profile joins."""
    table = engine.scan(previous)
    engine.write(table.select("customer_id", **{PREVIOUS_STAGE: table["stage"]}), folder, sort_by=("customer_id",))
