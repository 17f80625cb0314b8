"""What party records have in common, found as set operations on the engine and handed over as whole numbers.

Texts stay with the engine. Records are numbered densely in the order of (source_system, source_id); what the
kernel needs of them comes to the driver as 32-bit numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from cultiva.definitions.sources import Identity, MatchRule
from cultiva.engine.port import Engine
from cultiva.insight.identity.linkage import UNKNOWN, Ints, KeyGroups
from cultiva.insight.identity.succession import Ids
from cultiva.kit.errors import CultivaError, did_you_mean

if TYPE_CHECKING:
    import ibis

PARTY_KEY = ("source_system", "source_id")
"""What names a party record."""


@dataclass(frozen=True)
class SharedKeys:
    """Keys that more records share than one customer may have; they tell nobody apart."""

    rule: Ints
    """Rank of the rule."""
    first: Ints
    """The smallest record."""
    members: Ints
    """How many share it."""


def check_columns(identity: Identity, columns: Sequence[str]) -> None:
    """Sees to it that every column that identity speaks of is in the party table.

    Raises:
        CultivaError: if one is not.
    """
    for name in (*(name for rule in identity.rules for name in rule.on), *identity.conflicts):
        if name not in columns:
            raise CultivaError(
                "identity names a column that party records do not have",
                code="identity.unknown_column",
                seen=name,
                allowed=", ".join(sorted(columns)),
                hint=did_you_mean(name, columns) or "map the column in sources/, or take it out of identity",
            )


def numbered(party: ibis.Table) -> ibis.Table:
    """(record, source_system, source_id): dense from 0 in the order of the two."""
    import ibis

    number = ibis.row_number().over(ibis.window(order_by=list(PARTY_KEY)))
    return party.select(*PARTY_KEY, record=number.cast("int32"))


def keyed(party: ibis.Table, numbers: ibis.Table, identity: Identity) -> ibis.Table:
    """(record, every column that identity speaks of); texts trimmed, empty ones null."""
    columns = dict.fromkeys((*(name for rule in identity.rules for name in rule.on), *identity.conflicts))
    joined = party.join(numbers, list(PARTY_KEY))
    return joined.select(joined.record, *[_cleaned(joined[name]).name(name) for name in columns])


def key_groups(
    engine: Engine, records: ibis.Table, rules: Sequence[MatchRule], *, cluster_max: int
) -> tuple[KeyGroups, SharedKeys]:
    """The groups of records that agree on a rule's key, rule by rule.

    A key that more records share than one customer may have is no group but a `SharedKeys` row.
    """
    found = [engine.fetch(_groups(records, rule, cluster_max)) for rule in rules]
    parts = [_columns(table, ("first", "record", "members")) for table in found]
    rule = np.concatenate([_empty(), *(np.full(len(part[0]), rank, np.int32) for rank, part in enumerate(parts))])
    first, record, members = (np.concatenate([_empty(), *(part[i] for part in parts)]) for i in range(3))
    usable = members <= cluster_max
    groups = KeyGroups.ordered(rule[usable], first[usable], record[usable])
    shared = np.flatnonzero(~usable)
    shared = shared[np.lexsort((first[shared], rule[shared]))]
    return groups, SharedKeys(rule[shared], first[shared], members[shared])


def conflict_codes(engine: Engine, records: ibis.Table, columns: Sequence[str], count: int) -> Ints:
    """Per record and conflict column the smallest record with the same value, `UNKNOWN` for null."""
    import ibis

    codes = np.full((count, len(columns)), UNKNOWN, dtype=np.int32)
    for at, name in enumerate(columns):
        known = records.filter(records[name].notnull())
        pairs = known.select(known.record, code=known.record.min().over(ibis.window(group_by=name)))
        record, code = _columns(engine.fetch(pairs), ("record", "code"))
        codes[record, at] = code
    return codes


def known_ids(engine: Engine, numbers: ibis.Table, mapping: ibis.Table | None, count: int) -> Ids:
    """Per record the customer id that a former mapping gave it, 0 if none."""
    ids = np.zeros(count, dtype=np.int64)
    if mapping is not None:
        table = engine.fetch(numbers.join(mapping, list(PARTY_KEY)).select("record", "customer_id"))
        ids[table["record"].to_numpy()] = table["customer_id"].to_numpy()
    return ids


def _groups(records: ibis.Table, rule: MatchRule, cluster_max: int) -> ibis.Table:
    complete = records.filter([records[name].notnull() for name in rule.on])
    groups = complete.group_by(list(rule.on)).aggregate(first=complete.record.min(), members=complete.count())
    groups = groups.filter(groups.members > 1)
    rows = complete.join(groups, list(rule.on)).select("first", "record", "members")
    return rows.filter((rows.members <= cluster_max) | (rows.record == rows.first))


def _cleaned(value: ibis.Value) -> ibis.Value:
    return value.strip().nullif("") if value.type().is_string() else value


def _columns(table: pa.Table, names: Sequence[str]) -> list[Any]:
    return [table[name].to_numpy().astype(np.int32) for name in names]


def _empty() -> Ints:
    return np.empty(0, dtype=np.int32)
