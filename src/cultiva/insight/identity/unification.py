"""Unifies the party records of one business date: links them, gives customers their ids, says what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from cultiva.definitions.sources import Identity
from cultiva.engine.port import Engine, Files, Written
from cultiva.insight.identity import keys
from cultiva.insight.identity.linkage import UNKNOWN, Clusters, KeyGroups, Verdict, link
from cultiva.insight.identity.succession import Succession, succeed
from cultiva.store.records import IdentityChange, IdentityChangeKind

if TYPE_CHECKING:
    import ibis

UNLINKED = "no rule links them any more"
"""Reason of a split whose parts do not contradict each other."""


@dataclass(frozen=True)
class Deliveries:
    """What is read."""

    party: Files
    """Party records as of the business date."""
    previous: Files
    """The newest identity map before the business date; none in the first run."""
    newest: Files
    """The newest identity map of all: newcomers whom it knows (from a former run of this date) keep their ids."""


@dataclass(frozen=True)
class Folders:
    """Where it writes: new lake folders."""

    mapping: Path
    """`identity_map`: (source_system, source_id, customer_id)."""
    conflicts: Path
    """`identity_conflict`: links that were refused, and why."""


@dataclass(frozen=True)
class Unification:
    """What came of it."""

    mapping: Written
    conflicts: Written
    changes: tuple[IdentityChange, ...]
    """Merges and splits, for the store."""
    records: int
    """Party records delivered."""
    customers: int
    """Customers that they make."""
    newcomers: int
    """Customers who got a new id."""
    refused: Mapping[str, int]
    """Refused links by reason."""


def unify(
    engine: Engine,
    identity: Identity,
    deliveries: Deliveries,
    folders: Folders,
    *,
    business_date: date,
    allocate: Callable[[int], int],
) -> Unification:
    """Makes customers of party records.

    Args:
        engine: Where sets are computed; the kernel runs on the driver.
        identity: Rules, conflicts and limits.
        deliveries: What is read.
        folders: Where the results go.
        business_date: The day, for the changes.
        allocate: Reserves so many new ids for good and gives the first; asked again in the same run, gives the same.

    Returns:
        What was written and what changed.

    Raises:
        CultivaError: if identity names a column that party records do not have.
    """
    party = engine.scan(deliveries.party)
    keys.check_columns(identity, party.columns)
    with keys.numbered(party).cache() as numbers:
        count = int(numbers.count().execute())
        with keys.keyed(party, numbers, identity).cache() as records:
            groups, shared = keys.key_groups(engine, records, identity.rules, cluster_max=identity.cluster_max)
            codes = keys.conflict_codes(engine, records, identity.conflicts, count)
        clusters = link(groups, codes, cluster_max=identity.cluster_max)
        previous = _mapping(engine, deliveries.previous)
        before = keys.known_ids(engine, numbers, previous, count)
        newest = None if deliveries.newest == deliveries.previous else _mapping(engine, deliveries.newest)
        succession = succeed(clusters.head, before, keys.known_ids(engine, numbers, newest, count))
        ids = succession.completed(allocate(succession.newcomers))
        changes = _changes(identity, clusters, succession, ids, business_date)
        assigned = engine.load(pa.table({"record": np.arange(count, dtype=np.int32), "customer_id": ids}))
        refusals = _refusals(identity, clusters, groups, shared)
        mapping = numbers.join(assigned, "record").select(*keys.PARTY_KEY, "customer_id")
        if previous is not None:
            mapping = mapping.union(_vanished(engine, numbers, previous, succession))
        return Unification(
            mapping=engine.write(mapping, folders.mapping, sort_by=keys.PARTY_KEY),
            conflicts=_write_conflicts(engine, numbers, refusals, folders.conflicts),
            changes=changes,
            records=count,
            customers=int((clusters.head == np.arange(count)).sum()),
            newcomers=succession.newcomers,
            refused=dict(sorted(Counter(refusals["reason"].to_pylist()).items())),
        )


def _mapping(engine: Engine, files: Files) -> ibis.Table | None:
    return engine.scan(files) if files else None


def _changes(
    identity: Identity, clusters: Clusters, succession: Succession, ids: Any, business_date: date
) -> tuple[IdentityChange, ...]:
    merges, splits = succession.merges, succession.splits
    rules = clusters.link_rules(merges.from_records, merges.to_records)
    columns = clusters.differences(splits.heads, splits.keepers)
    merged = [
        IdentityChange(
            kind=IdentityChangeKind.MERGE,
            business_date=business_date,
            from_ids=(int(survivor), int(retired)),
            to_ids=(int(survivor),),
            reason=identity.rules[rule].name,
        )
        for retired, survivor, rule in zip(merges.from_ids, merges.to_ids, rules, strict=True)
    ]
    split = [
        IdentityChange(
            kind=IdentityChangeKind.SPLIT,
            business_date=business_date,
            from_ids=(int(left),),
            to_ids=tuple(sorted({int(ids[keeper]), int(ids[head])})),
            reason=UNLINKED if column == UNKNOWN else f"they differ in {identity.conflicts[column]}",
        )
        for left, head, keeper, column in zip(splits.from_ids, splits.heads, splits.keepers, columns, strict=True)
    ]
    return (*merged, *split)


def _vanished(engine: Engine, numbers: ibis.Table, previous: ibis.Table, succession: Succession) -> ibis.Table:
    """Records that were known and are not delivered today: they keep their id, or follow it into a merge."""
    merges = succession.merges
    retired = engine.load(pa.table({"customer_id": merges.from_ids, "survivor": merges.to_ids}))
    absent = previous.anti_join(numbers, list(keys.PARTY_KEY)).left_join(retired, "customer_id")
    return absent.select(*keys.PARTY_KEY, customer_id=absent.survivor.fill_null(absent.customer_id))


def _refusals(identity: Identity, clusters: Clusters, groups: KeyGroups, shared: keys.SharedKeys) -> pa.Table:
    """Links refused, with records by number; a link that another rule has made after all is none."""
    names = np.array([*(rule.name for rule in identity.rules), ""], dtype=object)
    columns = np.array([*identity.conflicts, None], dtype=object)
    reasons = np.array([verdict.name.lower() for verdict in Verdict], dtype=object)
    rows = np.flatnonzero(clusters.head[groups.first] != clusters.head[groups.record])
    first, record = groups.first[rows], groups.record[rows]
    nobody = np.full(len(shared.rule), UNKNOWN, dtype=np.int32)
    return pa.table(
        {
            "rule": pa.array(np.concatenate([names[groups.rule[rows]], names[shared.rule]]), pa.string()),
            "reason": pa.array(
                np.concatenate([reasons[clusters.verdict[rows]], reasons[nobody * 0 + Verdict.SHARED_KEY]]), pa.string()
            ),
            "column": pa.array(np.concatenate([columns[clusters.column[rows]], columns[nobody]]), pa.string()),
            "record": np.concatenate([first, shared.first]),
            "other": np.concatenate([record, nobody]),
            "records": np.concatenate([np.full(len(rows), 2, np.int64), shared.members.astype(np.int64)]),
        }
    )


def _write_conflicts(engine: Engine, numbers: ibis.Table, refusals: pa.Table, folder: Path) -> Written:
    loaded = engine.load(refusals)
    others = numbers.select(other=numbers.record, other_system=numbers.source_system, other_id=numbers.source_id)
    named = loaded.join(numbers, "record").left_join(others, "other")
    columns: Sequence[str] = (
        "rule", "reason", "column", *keys.PARTY_KEY, "other_system", "other_id", "records",
    )  # fmt: skip
    order = ("rule", "source_system", "source_id", "other_system", "other_id")
    return engine.write(named.select(*columns), folder, sort_by=order)
