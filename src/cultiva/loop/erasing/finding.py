"""Who is meant by an order to erase: everything by which lake and store know these people, for all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from cultiva.contracts.erased import (
    ACCOUNT,
    AGAINST,
    CUSTOMER,
    EMAIL,
    PHONE,
    SOURCE,
    SOURCE_ID,
    VISITOR,
    Tombstone,
    Tombstones,
    digest_of,
    rule_kind,
)
from cultiva.engine.parquet import part_files
from cultiva.execution.erasure.people import People
from cultiva.insight.identity.keys import PARTY_KEY
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.erasing.treatment import homes_in
from cultiva.loop.parts import Parts

KEY = list(PARTY_KEY)
ID = "customer_id"


@dataclass(frozen=True)
class Found:
    """Who is meant."""

    people: People
    stones: Tombstones
    """What is kept of them."""


def find(parts: Parts, customers: Sequence[int], key: str) -> Found:
    """Everything by which some customers are known.

    Args:
        parts: Of the workspace.
        customers: Their numbers, as the newest run gives them.
        key: With which tombstones are made.

    Raises:
        CultivaError: if one of them is unknown to the newest run.
    """
    records = _records(parts, customers)
    party = _history(parts, "party").join(records.lazy(), on=KEY, how="semi").unique().collect()
    people = People(
        customers=tuple(_numbers(parts, customers, records)),
        sources=tuple((row[0], row[1]) for row in records.select(KEY).unique().sort(KEY).iter_rows()),
        accounts=tuple(_accounts(parts, records)),
        visitors=tuple(_visitors(parts, records)),
        phones=_own(parts, records, party, "phone"),
        emails=_own(parts, records, party, "email"),
    )
    homes = _homes(parts, people.customers)
    people = replace(people, homes=tuple(sorted(homes.items())))
    return Found(people, Tombstones(key, frozenset(_stones(parts, people, party, key))))


def follow(pairs: Sequence[tuple[str, str]], key: str) -> Tombstones:
    """Tombstones of ids under which erased people came again."""
    return Tombstones(key, frozenset(_of_sources(pairs, key)))


def _records(parts: Parts, customers: Sequence[int]) -> pl.DataFrame:
    """source_system, source_id, customer_id: the party records of the customers, by the newest run."""
    mapping = _scan(parts, "identity_map", parts.newest_date())
    found = mapping.filter(pl.col(ID).is_in(sorted(set(customers)))).select(*KEY, ID).collect()
    unknown = sorted(set(customers) - set(found[ID]))
    if unknown:
        raise CultivaError(
            "there is no such customer in the newest run",
            code="erasure.no_customer",
            kind=ErrorKind.NOT_FOUND,
            seen=", ".join(map(str, unknown[:10])),
            allowed="customers of the newest run, each by the number that lives on",
            hint="a number that was merged away: cultiva show names the one that lives on; one that was erased is gone",
        )
    return found


def _numbers(parts: Parts, customers: Sequence[int], records: pl.DataFrame) -> list[int]:
    """Theirs, and those that their records had before and that nobody else has now."""
    before = _history(parts, "identity_map").join(records.lazy().select(KEY), on=KEY, how="semi").select(ID).unique()
    others = _scan(parts, "identity_map", parts.newest_date()).filter(~pl.col(ID).is_in(sorted(set(customers))))
    former = set(before.join(others.select(ID), on=ID, how="anti").collect()[ID])
    merged = {
        one
        for change in parts.store.identity.changes()
        if change.kind == "merge" and change.to_ids and change.to_ids[0] in customers
        for one in change.from_ids
    }
    alive = set(others.select(ID).filter(pl.col(ID).is_in(sorted(merged))).unique().collect()[ID]) if merged else set()
    return sorted({*customers, *former, *(merged - alive)})


def _accounts(parts: Parts, records: pl.DataFrame) -> list[str]:
    """Accounts that nobody but these people has ever held, as far back as the lake goes."""
    holders = _history(parts, "holder")
    theirs = holders.join(records.lazy(), on=KEY, how="semi").select("account_id").unique()
    shared = holders.join(records.lazy(), on=KEY, how="anti").select("account_id").unique()
    return sorted(theirs.join(shared, on="account_id", how="anti").collect()["account_id"])


def _visitors(parts: Parts, records: pl.DataFrame) -> list[str]:
    from cultiva.execution.anteroom.service import StoredAnteroom

    pairs = {(row[0], row[1]) for row in records.select(KEY).iter_rows()}
    return StoredAnteroom(parts.store.database).visitors_of(pairs)


def _homes(parts: Parts, customers: Sequence[int]) -> dict[int, int | None]:
    files = parts.lake.files_latest("household")
    if not files:
        return {}
    rows = pl.scan_parquet(part_files(files), hive_partitioning=False)
    return homes_in(rows.filter(pl.col("household_id").is_in(list(customers))).collect().to_arrow(), customers)


def _stones(parts: Parts, people: People, party: pl.DataFrame, key: str) -> set[Tombstone]:
    found = _of_sources(people.sources, key)
    single = {ACCOUNT: people.accounts, VISITOR: people.visitors, PHONE: people.phones, EMAIL: people.emails,
              CUSTOMER: [str(one) for one in people.customers]}  # fmt: skip
    found |= {Tombstone(kind, digest_of(key, kind, [one])) for kind, values in single.items() for one in values}
    for rule in parts.workspace.identity.rules:
        found |= _of_rule(party, rule.on, key)
    return found


def _of_sources(pairs: Sequence[tuple[str, str]], key: str) -> set[Tombstone]:
    both = {Tombstone(SOURCE, digest_of(key, SOURCE, pair)) for pair in pairs}
    return both | {Tombstone(SOURCE_ID, digest_of(key, SOURCE_ID, [source_id])) for _, source_id in pairs}


def _of_rule(party: pl.DataFrame, columns: Sequence[str], key: str) -> set[Tombstone]:
    """What a rule of identity compares, of every record in which it is complete."""
    if not set(columns) <= set(party.columns):
        return set()
    kind, found = rule_kind(columns), set()
    documents = {digest_of(key, AGAINST, [one]) for one in _texts(party, AGAINST)} or {""}
    for row in party.select([pl.col(name).cast(pl.String).str.strip_chars() for name in columns]).unique().iter_rows():
        if all(row):
            found |= {Tombstone(kind, digest_of(key, kind, row), one) for one in documents}
    return found


def _own(parts: Parts, records: pl.DataFrame, party: pl.DataFrame, column: str) -> tuple[str, ...]:
    """Their telephone numbers or e-mail addresses, but for those that somebody who stays has too."""
    mine = _texts(party, column)
    files = parts.lake.files_latest("party")
    if not mine or not files:
        return mine
    others = pl.scan_parquet(part_files(files), hive_partitioning=False).join(records.lazy(), on=KEY, how="anti")
    cleaned = others.select(pl.col(column).str.strip_chars()).filter(pl.col(column).is_in(list(mine)))
    return tuple(sorted(set(mine) - set(cleaned.collect()[column])))


def _texts(party: pl.DataFrame, column: str) -> tuple[str, ...]:
    """Values of a column, trimmed, without empty ones."""
    if column not in party.columns:
        return ()
    return tuple(sorted({one.strip() for one in party[column].drop_nulls() if one.strip()}))


def _scan(parts: Parts, table: str, on: date) -> pl.LazyFrame:
    return pl.scan_parquet(part_files(parts.lake.files_current(table, on)), hive_partitioning=False)


def _history(parts: Parts, table: str) -> pl.LazyFrame:
    """All dates of a table that the lake keeps, the columns by which people are known."""
    files = parts.lake.files_history(table, date.max)
    wanted: dict[str, Any] = {
        "party": [*KEY, "id_number_hash", "phone", "email", "birth_date", "party_type", "name", "address"],
        "holder": [*KEY, "account_id"],
        "identity_map": [*KEY, ID],
    }
    if not files:
        return pl.LazyFrame(schema=dict.fromkeys(wanted[table], pl.String))
    whole = pl.scan_parquet(
        part_files(files), hive_partitioning=False, missing_columns="insert", extra_columns="ignore"
    )
    return whole if table == "party" else whole.select(wanted[table])
