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


def publish_papers(parts: Parts, hot: HotStore, on: date) -> PapersPublished:
    """Puts a paper into the record of every customer of a business date; a paper that is the same is not written.

    Args:
        parts: Of the workspace.
        hot: Where records are kept.
        on: Business date of a finished run.
    """
    done = PapersPublished()
    folder = parts.root / FOLDER / f"{on.isoformat()}.{uuid4().hex[:8]}"
    try:
        for made in papers_of(parts, on, folder):
            done.customers += len(made)
            _put(hot, made, done)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return done


def papers_of(parts: Parts, on: date, folder: Path) -> Iterator[dict[int, bytes]]:
    """The papers of a date, some thousand at a time, in the order of the customers.

    Args:
        parts: Of the workspace.
        on: Business date of a finished run.
        folder: New folder for what is put together; the caller removes it.
    """
    longest = max((cap.days for cap in parts.workspace.policy.caps), default=0)
    collect(parts.engine, plan_inputs(parts, on), parts.workspace, folder, since=on - timedelta(days=longest))
    facts = _sorted(folder / FACTS)
    consent = _lists(folder / CONSENT, "consent", ("channel", "granted"))
    touches = _lists(folder / TOUCHES, "touches", ("touched_on", "channel", "offer"))
    whole = facts.join(consent, on="customer_id", how="left").join(touches, on="customer_id", how="left")
    rows = whole.sort("customer_id").collect(engine="streaming")
    homes = _homes(rows)
    for batch in rows.iter_slices(AT_A_TIME):
        yield {row["customer_id"]: ENCODER.encode(_paper(row, homes, on)) for row in batch.iter_rows(named=True)}


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
