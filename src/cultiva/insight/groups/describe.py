"""Describes groups from the profile: reads a sample of each and of everybody, once, and compares."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pyroaring import BitMap

from cultiva.contracts.tables import PARTY
from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Files
from cultiva.insight.groups.sample import Ids, positions, spread
from cultiva.insight.groups.traits import Trait, compare, feature_matrix

if TYPE_CHECKING:
    import polars as pl

EVERYBODY_SAMPLE = 20_000
"""Customers who stand for everybody."""
GROUP_SAMPLE = 1_000
"""Customers who stand for one group; a smaller group is taken whole."""
TELLING_TYPES = (DataType.BOOLEAN, DataType.INTEGER, DataType.NUMBER, DataType.MONEY, DataType.TEXT)
"""Types of tags that can set a group apart."""
SILENT = ("customer_id", "previous_stage")
"""Columns that say nothing about a group."""


def telling_tags(workspace: Workspace) -> tuple[str, ...]:
    """The tags that descriptions may speak of: of a type that can be compared, and not personal."""
    return tuple(
        name
        for name, type_ in profile_scope(workspace).names.items()
        if type_ in TELLING_TYPES and name not in SILENT and not is_personal(workspace, name)
    )


def is_personal(workspace: Workspace, tag: str) -> bool:
    """Whether a column of the profile is personal data: declared so, or a personal column of the party record."""
    found = workspace.tags.get(tag)
    if found is None:
        return False
    personal = {column.name for column in PARTY.columns if column.personal}
    return found.personal or found.column in personal


def describe(
    profile: Files,
    groups: Mapping[str, BitMap],
    everybody: BitMap,
    tags: Sequence[str],
    *,
    first: Collection[str] = (),
) -> dict[str, list[Trait]]:
    """What sets each group apart from everybody.

    Args:
        profile: The day's profile.
        groups: Group -> members, all of them within everybody.
        everybody: What they are compared with.
        tags: Tags to look at, from `telling_tags`; those that the profile does not have yet are passed over.
        first: Tags that are told before all others.

    Returns:
        Group -> traits, the most telling first; empty for an empty group or one like everybody.
    """
    import polars as pl

    base = spread(everybody, EVERYBODY_SAMPLE)
    samples = {name: spread(members, GROUP_SAMPLE) for name, members in groups.items() if members}
    wanted = np.unique(np.concatenate([base, *samples.values()]))
    present = pl.scan_parquet(part_files(profile)).collect_schema().names()
    tags = [tag for tag in tags if tag in present]
    frame = read_customers(profile, wanted, tags)
    rows = positions(wanted, base)
    matrix = feature_matrix(frame, tags, rows)
    traits = compare(matrix, rows, {name: positions(wanted, ids) for name, ids in samples.items()}, first=first)
    return {name: traits.get(name, []) for name in groups}


def read_customers(profile: Files, ids: Ids, columns: Sequence[str]) -> pl.DataFrame:
    """The chosen columns of the chosen customers, in the order of their ids."""
    import polars as pl

    chosen = pl.LazyFrame({"customer_id": pl.Series(ids, dtype=pl.Int64)})
    frame = pl.scan_parquet(part_files(profile)).select("customer_id", *columns)
    return frame.join(chosen, on="customer_id", how="semi").sort("customer_id").collect(engine="streaming")
