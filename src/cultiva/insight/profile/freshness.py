"""How new the facts are: the newest day of a table, from the footers of its files where they say it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from cultiva.engine.parquet import part_files
from cultiva.engine.port import Files


def newest_day(files: Files, time: str) -> date | None:
    """The newest day of a column of dates or timestamps; None if there is none.

    Args:
        files: Folders of a table.
        time: The column.
    """
    import pyarrow.parquet as pq

    found: list[Any] = []
    for part in part_files(files):
        metadata = pq.read_metadata(part)
        column = metadata.schema.to_arrow_schema().get_field_index(time)
        groups = [metadata.row_group(number).column(column) for number in range(metadata.num_row_groups)]
        if all(group.statistics is not None and group.statistics.has_min_max for group in groups):
            found += [group.statistics.max for group in groups]
        else:  # a group of nulls only has no largest value, and some writers leave it out
            found.append(_largest(part, time))
    days = [_day(moment) for moment in found if moment is not None]
    return max(days, default=None)


def _largest(part: Any, time: str) -> Any:
    import polars as pl

    return pl.scan_parquet(part).select(pl.col(time).max()).collect(engine="streaming").item()


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
