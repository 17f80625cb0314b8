"""What is done to the rows of a lake table when people are erased; said by what columns are called.

So a table that is added later is treated as soon as it names people as all others do. Rows about a person go; rows
about somebody else that mention the person stay without the mention.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyroaring import BitMap

from cultiva.engine.rewriting import Treated
from cultiva.execution.erasure.people import People
from cultiva.insight.groups.memberships import bitmap_bytes

PAIRS = (
    ("source_system", "source_id"),
    ("from_system", "from_id"),
    ("to_system", "to_id"),
    ("other_system", "other_id"),
)
"""Columns that name a party record."""
REFERRER = ("referrer_system", "referrer_id")
BETWEEN = "\0"
"""Between the parts of a pair."""
SAMPLES = ("entered_sample", "left_sample")
BITMAP = "bitmap"

Mask = Callable[[pa.RecordBatch], pa.Array]
Mend = Callable[[pa.RecordBatch], tuple[pa.Array, pa.Array]]
"""Rows -> the new column, and which rows have changed."""


@dataclass(frozen=True)
class Erasing:
    """The treatment of one table. See `engine.rewriting.Treatment`."""

    people: People
    table: str
    """Name of the lake table."""
    names: tuple[str, ...]
    """Its columns."""
    homes: Mapping[int, int | None]
    """Households that bear an erased number -> the number they get."""

    @property
    def columns(self) -> Sequence[str]:
        """Columns that say whether a row is concerned."""
        used = {name for columns, _ in self._masks for name in columns} | set(self._mends)
        helpers = {"referrer_system"} if "referrer_id" in self._mends else set()
        return [name for name in self.names if name in used | helpers]

    @property
    def idle(self) -> bool:
        """Whether nothing in the table could name a person."""
        return not self.columns

    def concerns(self, rows: pa.RecordBatch) -> int:
        """How many of these rows are concerned."""
        found = [mask(rows) for _, mask in self._masks]
        found += [mend(rows)[1] for mend in self._mends.values()]
        return _count(_any(found, rows.num_rows))

    def apply(self, rows: pa.RecordBatch) -> Treated:
        """What is left of whole rows."""
        out = _any([mask(rows) for _, mask in self._masks], rows.num_rows)
        kept = rows.filter(pc.invert(out))
        changes = []
        for name, mend in self._mends.items():
            column, changed = mend(kept)
            place = kept.schema.get_field_index(name)
            kept = kept.set_column(place, kept.schema.field(place), column.cast(kept.schema.field(place).type))
            changes.append(changed)
        return Treated(kept, _count(out), _count(_any(changes, kept.num_rows)))

    @cached_property
    def _masks(self) -> list[tuple[tuple[str, ...], Mask]]:
        """Which rows are about a person: the columns looked at, and the look."""
        people, names = self.people, set(self.names)
        pairs = [BETWEEN.join(one) for one in people.sources]
        found: list[tuple[tuple[str, ...], Mask]] = [(pair, _pair(pair, pairs)) for pair in PAIRS if set(pair) <= names]
        single: dict[str, Iterable[object]] = {"customer_id": people.customers, "account_id": people.accounts}
        if "source_system" not in names:
            single["source_id"] = [source_id for _, source_id in people.sources]
        if "source_id" not in names and "customer_id" not in names:
            single |= {"phone": people.phones, "email": people.emails}
        found += [((name,), _single(name, values)) for name, values in single.items() if name in names]
        if self.table == "quarantine":
            found.append((("key", "value"), self._quarantined))
        return found

    @cached_property
    def _mends(self) -> dict[str, Mend]:
        """Columns of others' rows that may mention a person."""
        known: dict[str, Mend] = {
            "counterparty_account": _emptied(
                "counterparty_account", _single("counterparty_account", self.people.accounts)
            ),
            "referrer_id": _emptied("referrer_id", _pair(REFERRER, [BETWEEN.join(one) for one in self.people.sources])),
            "household_id": self._rehomed,
            BITMAP: self._without_members,
            **({"size": self._sized} if BITMAP in self.names else {}),
            **{name: self._without_samples(name) for name in SAMPLES},
        }
        return {name: mend for name, mend in known.items() if name in self.names}

    def _quarantined(self, rows: pa.RecordBatch) -> pa.Array:
        """Rows put aside whose key or value names a person; few, so one by one."""
        sources = {"/".join(one) for one in self.people.sources}
        single = {*self.people.accounts, *(source_id for _, source_id in self.people.sources)}
        told = zip(rows["key"].to_pylist(), rows["value"].to_pylist(), strict=True)
        return pa.array([_names_any(key, sources, single) or value in single for key, value in told], pa.bool_())

    def _rehomed(self, rows: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        column = rows["household_id"]
        changed = pc.is_in(column, value_set=pa.array(list(self.homes), pa.int64()).cast(column.type))
        if not _count(changed):
            return column, changed
        new = [self.homes.get(one, one) for one in column.to_pylist()]
        return pa.array(new, column.type), changed

    def _without_members(self, rows: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        gone = BitMap(one for one in self.people.customers if 0 <= one < 2**32)
        bitmaps = [BitMap.deserialize(one) for one in rows[BITMAP].to_pylist()]
        changed = [bool(one & gone) for one in bitmaps]
        return pa.array([bitmap_bytes(one - gone) for one in bitmaps], pa.large_binary()), pa.array(changed, pa.bool_())

    def _sized(self, rows: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        """How many members are left, from the bitmap as it is or as it will be."""
        gone = BitMap(one for one in self.people.customers if 0 <= one < 2**32)
        sizes = pa.array([len(BitMap.deserialize(one) - gone) for one in rows[BITMAP].to_pylist()], pa.int64())
        return sizes, pc.not_equal(sizes, rows["size"])

    def _without_samples(self, name: str) -> Mend:
        gone = set(self.people.customers)

        def mend(rows: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
            before = rows[name].to_pylist()
            after = [
                one if one is None else json.dumps([id_ for id_ in json.loads(one) if id_ not in gone])
                for one in before
            ]
            changed = [a is not None and json.loads(a) != json.loads(b) for a, b in zip(after, before, strict=True)]
            return pa.array(after, pa.large_string()), pa.array(changed, pa.bool_())

        return mend


def homes_in(households: pa.Table, customers: Iterable[int]) -> dict[int, int | None]:
    """Households that bear an erased number -> the smallest number that is left in each; None: nobody is.

    Args:
        households: customer_id, household_id.
        customers: Who is erased.
    """
    gone = set(customers)
    found: dict[int, int | None] = {}
    rows = zip(households["customer_id"].to_pylist(), households["household_id"].to_pylist(), strict=True)
    for customer, home in sorted(rows):
        if home in gone:
            found.setdefault(home, None)
            if customer not in gone and found[home] is None:
                found[home] = customer
    return found


def _names_any(key: str | None, sources: set[str], single: set[str]) -> bool:
    """Whether a quarantined key names a party record or an account; its parts are separated by a slash."""
    parts = (key or "").split("/")
    return any(part in single for part in parts) or any(one in sources for one in _neighbours(parts))


def _neighbours(parts: Sequence[str]) -> Iterator[str]:
    return (f"{one}/{other}" for one, other in pairwise(parts))


def _single(name: str, values: Iterable[object]) -> Mask:
    wanted = list(values)

    def mask(rows: pa.RecordBatch) -> pa.Array:
        column = rows[name]
        texts = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        known: list[Any] = [str(one) for one in wanted] if texts else wanted
        return pc.is_in(column, value_set=pa.array(known, column.type))

    return mask


def _pair(columns: tuple[str, ...], wanted: Sequence[str]) -> Mask:
    def mask(rows: pa.RecordBatch) -> pa.Array:
        texts = [rows[name].cast(pa.string()) for name in columns]
        return pc.is_in(pc.binary_join_element_wise(*texts, BETWEEN), value_set=pa.array(wanted, pa.string()))

    return mask


def _emptied(name: str, mask: Mask) -> Mend:
    def mend(rows: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        changed = mask(rows)
        return pc.if_else(changed, pa.scalar(None, rows[name].type), rows[name]), changed

    return mend


def _any(masks: Sequence[pa.Array], rows: int) -> pa.Array:
    found = pa.array([False] * rows, pa.bool_())
    for mask in masks:
        found = pc.or_(found, pc.fill_null(mask, False))
    return found


def _count(mask: pa.Array) -> int:
    return int(pc.sum(mask).as_py() or 0)
