"""Features: which columns of a profile models read, and how a row becomes numbers, in training as in scoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import CUSTOMER_ID, platform_columns
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.models.boosting import Numbers

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

NUMERIC = (DataType.INTEGER, DataType.NUMBER, DataType.MONEY, DataType.BOOLEAN, DataType.DATE, DataType.TIMESTAMP)
LEVELS_MAX = 40
"""Values of a text beyond these are taken as one; a text with more is a name rather than a trait."""
LEVEL_ROWS_MIN = 20
"""Rows that a value needs to be one of its own."""
KNOWN_SHARE = 0.5
"""A text of whose rows fewer have a value of their own is left out."""
ACTION = ("strategy", "offer", "channel", "offer_kind", "offer_category")
"""What is proposed, beside what is known of the customer."""
ACTION_PREFIX = "of_"
"""Begins the names of the action's features."""
ACTION_FEATURES = frozenset(f"{ACTION_PREFIX}{name}" for name in ACTION)
TAG_PREFIX = "f_"
"""Begins the columns of tags in tables that have other columns too: a bank may have a tag `channel`."""
OFFER_TRAITS = ("offer_kind", "offer_category")
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Offers:
    """What offers have in common, so that a new one is judged by those like it."""

    kind: Mapping[str, str]
    category: Mapping[str, str]

    @classmethod
    def of(cls, workspace: Workspace) -> Offers:
        """The workspace's."""
        offers = workspace.offers.items()
        return cls({name: one.kind.value for name, one in offers}, {name: one.category or "" for name, one in offers})

    def traits(self, offer: str) -> tuple[str, str]:
        """Kind and category; empty for an offer that is not known."""
        return self.kind.get(offer, ""), self.category.get(offer, "")


@dataclass(frozen=True)
class Encoding:
    """How rows become numbers."""

    numbers: tuple[str, ...]
    """Columns that are numbers, true or false, or days since a date."""
    levels: Mapping[str, tuple[str, ...]]
    """Column of text -> the values that have a number, by their place; others are missing."""

    @property
    def names(self) -> tuple[str, ...]:
        """The matrix's columns."""
        return (*self.numbers, *self.levels)

    @property
    def tags(self) -> tuple[str, ...]:
        """Columns that come from the profile."""
        return tuple(name for name in self.names if name not in ACTION_FEATURES)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Places of the columns that are texts."""
        return tuple(range(len(self.numbers), len(self.names)))

    def without(self, names: frozenset[str]) -> Encoding:
        """The same without some columns."""
        numbers = tuple(name for name in self.numbers if name not in names)
        return Encoding(numbers, {name: known for name, known in self.levels.items() if name not in names})

    def matrix(self, table: pa.Table | pa.RecordBatch) -> Numbers:
        """Rows as numbers; shape (rows, len(names)); NaN is missing."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = np.empty((table.num_rows, len(self.names)), dtype=np.float64)
        for place, name in enumerate(self.numbers):
            found[:, place] = _plain(table[column_of(name)])
        for place, (name, known) in enumerate(self.levels.items(), start=len(self.numbers)):
            codes = pc.index_in(table[column_of(name)].cast(pa.string()), value_set=pa.array(known, pa.string()))
            found[:, place] = _plain(codes)
        return found

    def as_data(self) -> dict[str, Any]:
        """As JSON-like data; the order of the columns is kept."""
        return {"numbers": list(self.numbers), "levels": [[name, list(known)] for name, known in self.levels.items()]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Encoding:
        """Back from `as_data`."""
        return cls(tuple(data["numbers"]), {name: tuple(known) for name, known in data["levels"]})


def column_of(feature: str) -> str:
    """Under which name a table has a feature.

    Examples:
        >>> column_of("channel"), column_of("of_channel")
        ('f_channel', 'of_channel')
    """
    return feature if feature in ACTION_FEATURES else f"{TAG_PREFIX}{feature}"


def _plain(column: Any) -> Numbers:
    import pyarrow as pa

    doubles = column.cast(pa.float64()).fill_null(float("nan"))
    return np.asarray(doubles.to_numpy() if isinstance(column, pa.ChunkedArray) else doubles.to_numpy(False))


def usable(workspace: Workspace) -> dict[str, DataType]:
    """Columns of the profile that models may use, as `models.yaml` says, with their types."""
    models = workspace.models
    columns = {**{name: tag.type for name, tag in workspace.tags.items()}, **platform_columns(workspace)}
    personal = {name for name, tag in workspace.tags.items() if tag.personal or tag.score is not None}
    wanted = models.include or tuple(name for name in columns if name not in personal)
    barred = {CUSTOMER_ID, *models.exclude, *ACTION_FEATURES}
    return {
        name: columns[name]
        for name in wanted
        if name in columns and name not in barred and (columns[name] in NUMERIC or columns[name] is DataType.TEXT)
    }


def feature_columns(
    profile: ibis.Table, columns: Mapping[str, DataType], on: ibis.Value, *, take: Mapping[str, str] | None = None
) -> dict[str, ibis.Value]:
    """Columns of a profile as models read them, named by `column_of`: doubles and texts; a date is the days since it.

    Args:
        profile: Has the columns; one that it lacks is missing everywhere.
        columns: Their types.
        on: The day of the profile.
        take: Column -> name under which the profile has it, where that is another.
    """
    import ibis

    found: dict[str, ibis.Value] = {}
    for name, kind in columns.items():
        at = (take or {}).get(name, name)
        if at not in profile.columns:
            found[column_of(name)] = ibis.null("string" if kind is DataType.TEXT else "float64")
        elif kind is DataType.TEXT:
            found[column_of(name)] = profile[at].cast("string")
        elif kind in (DataType.DATE, DataType.TIMESTAMP):
            found[column_of(name)] = on.delta(profile[at].cast("date"), unit="day").cast("float64")
        elif kind is DataType.BOOLEAN:
            found[column_of(name)] = profile[at].cast("int64").cast("float64")
        else:
            found[column_of(name)] = profile[at].cast("float64")
    return found


def encoding_of(table: pa.Table, columns: Mapping[str, DataType]) -> Encoding:
    """Learns which values texts have, and leaves out columns that say nothing.

    Args:
        table: Training rows: the columns, and `of_strategy` and the like.
        columns: The profile's columns with their types.
    """
    import pyarrow.compute as pc

    numbers = []
    for name, kind in columns.items():
        if kind is not DataType.TEXT and pc.count_distinct(table[column_of(name)]).as_py() > 1:
            numbers.append(name)
    texts = [name for name, kind in columns.items() if kind is DataType.TEXT]
    levels = {name: _levels(table, name) for name in (*texts, *(f"{ACTION_PREFIX}{one}" for one in ACTION))}
    return Encoding(tuple(numbers), {name: known for name, known in levels.items() if len(known) > 1})


def _levels(table: pa.Table, name: str) -> tuple[str, ...]:
    """The commonest values, in order of their names; none if most rows have none of them."""
    import pyarrow.compute as pc

    counted = pc.value_counts(table[column_of(name)].drop_null()).to_pylist()
    common = sorted((one for one in counted if one["counts"] >= LEVEL_ROWS_MIN), key=lambda one: -one["counts"])
    kept = common[:LEVELS_MAX]
    if sum(one["counts"] for one in kept) < KNOWN_SHARE * table.num_rows:
        return ()
    return tuple(sorted(one["values"] for one in kept))


def with_action(table: pa.Table | pa.RecordBatch, offers: Offers) -> pa.Table:
    """Rows with the features of what is proposed: `of_strategy`, ..., `of_offer_category`.

    Args:
        table: Has strategy, offer, channel.
        offers: What offers have in common.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pa.table(table) if isinstance(table, pa.Table) else pa.Table.from_batches([table])
    for name in ("strategy", "offer", "channel"):
        found = found.append_column(f"{ACTION_PREFIX}{name}", found[name].cast(pa.string()))
    for name, known in zip(OFFER_TRAITS, (offers.kind, offers.category), strict=True):
        which = pc.index_in(found["offer"].cast(pa.string()), value_set=pa.array(list(known), pa.string()))
        values = pc.take(pa.array(list(known.values()), pa.string()), which)
        found = found.append_column(f"{ACTION_PREFIX}{name}", values)
    return found


def offers_data(offers: Offers) -> dict[str, Any]:
    """As JSON-like data."""
    return asdict(offers)
