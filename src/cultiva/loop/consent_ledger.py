"""The ledger of consent: every word that was ever said, by whom and through what, and what it comes to now.

The bank's own records are read from every date that the lake keeps, what was said since from the store. Nothing is
overwritten: a word that is taken back stays where it is, and another one follows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from cultiva.contracts.sight import Sight
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Files
from cultiva.execution.recipients.people import EVERY_CHANNEL, ConsentWord, Recipient, judge
from cultiva.execution.recipients.service import Recipients
from cultiva.insight.identity.keys import PARTY_KEY
from cultiva.insight.track import unknown_customer
from cultiva.kit.sheet import Sheet
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import sees

BANK = "bank"
"""Through the bank's own records."""
WORD = ("channel", "granted", "at", "evidence")


@dataclass(frozen=True)
class Ledger:
    """What a customer has said about being contacted."""

    customer_id: int
    on: date
    """Business date of the bank's records that count."""
    words: tuple[ConsentWord, ...]
    """Every word, the oldest first."""
    open: Mapping[str, bool]
    """Channel of the contact policy -> whether it is open now."""

    def sheets(self) -> tuple[Sheet, Sheet]:
        """The words, and what they come to."""
        columns = ("at", "channel", "granted", "through", "by", "evidence", "recorded")
        rows = tuple(
            (one.at, one.channel, one.granted, one.through, one.actor, one.evidence, one.recorded) for one in self.words
        )
        said = Sheet(f"consent of customer {self.customer_id}: every word", columns, rows)
        return said, Sheet(f"now, records of {self.on}", ("channel", "open"), tuple(sorted(self.open.items())))


def ledger_of(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> Ledger:
    """Every word of a customer.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        sight: Of whoever asks.

    Raises:
        CultivaError: if there is no such customer in sight.
    """
    if not sees(parts, customer_id, sight):
        raise unknown_customer(str(customer_id))
    recorded = list(_recorded(parts, customer_id, on))
    since = Recipients(parts.store.database).ledger(customer_id)
    words = sorted([*recorded, *since], key=lambda one: (one.at, not one.granted, one.channel))
    channels = [one.name for one in parts.workspace.policy.channels]
    granted = _granted(parts, customer_id, on)
    known = Recipient(customer_id, parts.workspace.settings.timezone, "zh", channels=granted, business_date=on)
    return Ledger(customer_id, on, tuple(words), {name: _is_open(known, name, since) for name in channels})


def _is_open(known: Recipient, channel: str, since: list[ConsentWord]) -> bool:
    """As at the moment of sending: the newest word on the channel or on all; of the same instant the refusal."""
    mine = [one for one in since if one.channel in (channel, EVERY_CHANNEL)]
    word = max(mine, key=lambda one: (one.at, not one.granted), default=None)
    return judge(known, channel, word=word, standing=False, oldest=date.min) is None


def _recorded(parts: Parts, customer_id: int, on: date) -> Iterator[ConsentWord]:
    """Words of the bank's records, each with the first business date that has it."""
    zone, known = ZoneInfo(parts.workspace.settings.timezone), set[tuple[object, ...]]()
    for snapshot in parts.store.snapshots.history("consent", on):
        for row in words_on(parts, customer_id, snapshot.business_date).select(WORD).sort("at", "channel").iter_rows():
            if row not in known:
                known.add(row)
                channel, granted, at, evidence = row
                first = datetime.combine(snapshot.business_date, datetime.min.time(), zone)
                yield ConsentWord(
                    customer_id, channel, granted, at.replace(tzinfo=zone), evidence or "", "", BANK, recorded=first
                )


def _granted(parts: Parts, customer_id: int, on: date) -> tuple[str, ...]:
    """Channels that the records of a date leave open; where several records of one person differ, a refusal wins."""
    rows = words_on(parts, customer_id, on)
    found = rows.group_by("channel").agg(pl.col("granted").all()).filter("granted")
    return tuple(sorted(found["channel"]))


def words_on(parts: Parts, customer_id: int, on: date) -> pl.DataFrame:
    """channel, granted, at, evidence: the bank's records about a customer as of a date, for the policy's purpose."""
    files, mapping = parts.lake.files_latest("consent", on), parts.lake.files_latest("identity_map", on)
    if not files or not mapping:
        return pl.DataFrame(
            schema={"channel": pl.String, "granted": pl.Boolean, "at": pl.Datetime, "evidence": pl.String}
        )
    mine = _scan(mapping).filter(pl.col("customer_id") == customer_id)
    asked = _scan(files).filter(pl.col("purpose") == parts.workspace.policy.consent.purpose)
    return asked.join(mine, on=list(PARTY_KEY), how="semi").select(WORD).collect()


def _scan(files: Files) -> pl.LazyFrame:
    return pl.scan_parquet(part_files(files), hive_partitioning=False)
