"""Papers: what live decisions have to know beside the profile goes into the hot store after every run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import polars as pl

from cultiva.contracts.moments import read_hot, write_hot
from cultiva.engine.parquet import part_files
from cultiva.loop.inputs import plan_inputs
from cultiva.loop.live.ledger import KEY, PRINT, Ledger, changed, print_of, published_on
from cultiva.loop.live.replacing import replace_records
from cultiva.loop.parts import Parts
from cultiva.strategy.live.collecting import CONSENT, FACTS, TOUCHES, collect
from cultiva.strategy.live.paper import ENCODER, Paper
from cultiva.stream.port import HotStore

FOLDER = ".cultiva/live/papers"
AT_A_TIME = 2_000
"""Records compared and replaced at a time."""


@dataclass
class PapersPublished:
    """What publishing the papers did."""

    customers: int = 0
    written: int = 0
    """Papers that were new or had changed."""


def publish_papers(parts: Parts, hot: HotStore, on: date, *, whole: bool = False) -> PapersPublished:
    """Puts a paper into the record of every customer of a business date; who has not changed is left alone.

    A paper that is left alone bears the date on which it was written; that everything in it is so on a later date too
    is what the ledger says (`papers_on`).

    Args:
        parts: Of the workspace.
        hot: Where records are kept.
        on: Business date of a finished run.
        whole: Whether everybody's is written, whatever was published last.
    """
    folder = parts.root / FOLDER / f"{on.isoformat()}.{uuid4().hex[:8]}"
    partitions = parts.workspace.settings.live.partitions
    ledger = Ledger(parts.root, hot, "papers", partitions=partitions, meaning=[parts.workspace.version])
    try:
        sheets = _sheets(parts, on, folder)
        now = sheets.prints()
        done = PapersPublished(now.height)
        last = None if whole else ledger.last()
        only = None if last is None else changed(last, now)
        ledger.begin()
        for made in sheets.papers(only):
            _put(hot, made, done)
        ledger.finish(now, on)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return done


def papers_on(parts: Parts, hot: HotStore) -> date | None:
    """Date on which what stands in every paper is so; None: for each its own."""
    return published_on(hot, "papers", partitions=parts.workspace.settings.live.partitions)


def papers_of(parts: Parts, on: date, folder: Path) -> Iterator[dict[int, bytes]]:
    """The papers of a date, some thousand at a time, in the order of the customers.

    Args:
        parts: Of the workspace.
        on: Business date of a finished run.
        folder: New folder for what is put together; the caller removes it.
    """
    yield from _sheets(parts, on, folder).papers(None)


def _sheets(parts: Parts, on: date, folder: Path) -> _Sheets:
    longest = max((cap.days for cap in parts.workspace.policy.caps), default=0)
    collect(parts.engine, plan_inputs(parts, on), parts.workspace, folder, since=on - timedelta(days=longest))
    return _Sheets(folder, on)


@dataclass(frozen=True)
class _Sheets:
    """What papers are put together of."""

    folder: Path
    on: date

    def prints(self) -> pl.DataFrame:
        """A fingerprint of every customer's paper, but for its date: customer_id, print."""
        facts = _sorted(self.folder / FACTS)
        columns = [pl.col(one) for one in facts.collect_schema() if one != KEY]
        touches = _summed(self.folder / TOUCHES, "touches")
        whole = facts.select(KEY, "household_id", print_of(*columns).alias("facts"))
        whole = whole.join(_summed(self.folder / CONSENT, "consent"), on=KEY, how="left").join(
            touches, on=KEY, how="left"
        )
        lone = pl.col("household_id").is_null()
        home = pl.when(lone).then(pl.lit(None, pl.UInt64)).otherwise(pl.col("touches").sum().over("household_id"))
        parts = whole.with_columns(home=home).select(
            KEY, print_of(pl.col("facts", "consent", "touches", "home")).alias(PRINT)
        )
        return parts.collect(engine="streaming")

    def papers(self, only: frozenset[int] | None) -> Iterator[dict[int, bytes]]:
        """Papers, some thousand at a time, in the order of the customers; of some customers, or of all."""
        consent = _lists(self.folder / CONSENT, "consent", ("channel", "granted"))
        touches = _lists(self.folder / TOUCHES, "touches", ("touched_on", "channel", "offer"))
        whole = _sorted(self.folder / FACTS)
        if only is not None:
            whole = _with_homes(whole, only)
        whole = whole.join(consent, on=KEY, how="left").join(touches, on=KEY, how="left")
        rows = whole.sort(KEY).collect(engine="streaming")
        homes = _homes(rows)
        chosen = rows if only is None else rows.filter(pl.col(KEY).is_in(sorted(only)))
        for batch in chosen.iter_slices(AT_A_TIME):
            yield {row[KEY]: ENCODER.encode(_paper(row, homes, self.on)) for row in batch.iter_rows(named=True)}


def _with_homes(facts: pl.LazyFrame, only: frozenset[int]) -> pl.LazyFrame:
    """Facts of some customers and of those they live with."""
    mine = pl.col(KEY).is_in(sorted(only))
    homes = facts.filter(mine & pl.col("household_id").is_not_null()).select("household_id").unique().collect()
    return facts.filter(mine | pl.col("household_id").is_in(homes["household_id"].to_list()))


def _summed(folder: Path, name: str) -> pl.LazyFrame:
    """The sum of the fingerprints of each customer's rows: of a set, whatever its order."""
    rows = _sorted(folder)
    columns = [pl.col(one) for one in sorted(rows.collect_schema()) if one != KEY]
    return rows.select(KEY, print_of(*columns).alias(name)).group_by(KEY).agg(pl.col(name).sum())


def _sorted(folder: Path) -> pl.LazyFrame:
    return pl.scan_parquet(part_files([folder]))


def _lists(folder: Path, name: str, columns: tuple[str, ...]) -> pl.LazyFrame:
    """A list of structs per customer, in a fixed order."""
    rows = _sorted(folder).sort("customer_id", *columns)
    return rows.group_by("customer_id", maintain_order=True).agg(pl.struct(columns).alias(name))


def _homes(rows: pl.DataFrame) -> dict[int, list[tuple[int, list[tuple[date, str, str]]]]]:
    """Household -> its members and their touches, of those who live with others."""
    found: dict[int, list[tuple[int, list[tuple[date, str, str]]]]] = {}
    shared = rows.filter(pl.col("household_id").is_not_null() & pl.col("touches").is_not_null())
    for row in shared.select("household_id", "customer_id", "touches").iter_rows(named=True):
        found.setdefault(row["household_id"], []).append((row["customer_id"], _made(row["touches"])))
    return found


def _paper(row: Mapping[str, Any], homes: Mapping[int, list[tuple[int, Any]]], on: date) -> Paper:
    consent: dict[str, bool] = {}
    for word in row["consent"] or ():
        if word["granted"] is not None:  # of several records of one person a refusal wins
            consent[word["channel"]] = consent.get(word["channel"], True) and word["granted"]
    others = [one for who, made in homes.get(row["household_id"], ()) if who != row["customer_id"] for one in made]
    return Paper(
        on, row["risk_rating"], row["risk_rated_on"], row["birth_date"], row["branch_id"], row["adviser_id"],
        row["household_id"], consent, tuple(_made(row["touches"] or ())), tuple(others),
    )  # fmt: skip


def _made(touches: Any) -> list[tuple[date, str, str]]:
    return [(one["touched_on"], one["channel"] or "", one["offer"] or "") for one in touches]


def _put(hot: HotStore, made: Mapping[int, bytes], done: PapersPublished) -> None:
    def renewed(customer: int, state: bytes | None) -> bytes | None:
        record = read_hot(state)
        if bytes(record.decisions) == made[customer]:
            return None
        record.decisions = msgspec.Raw(made[customer])
        return write_hot(record)

    done.written += replace_records(hot, list(made), renewed).written
