"""Questions that people ask between runs: how many, who is this, why, what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import uuid4

import polars as pl
from pyroaring import BitMap

from cultiva.contracts.decision import Decision, Fate
from cultiva.contracts.sight import SMALL, Sight
from cultiva.engine.parquet import part_files
from cultiva.insight.groups import audience
from cultiva.insight.track import TrackFiles, TrackKind, TrackRow
from cultiva.insight.track import track as behaviour
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import say
from cultiva.loop.customers import day_members
from cultiva.loop.inputs import group_day, views_of
from cultiva.loop.modelling import models_in_use
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import customers_of, sees, those_in_sight
from cultiva.rules import Explanation
from cultiva.strategy.words import sentence


@dataclass(frozen=True)
class CountAnswer:
    """How many customers a condition is true for."""

    rule: str
    count: int
    customers: int
    """All customers of that profile who are in sight."""
    on: date
    """The profile's business date."""
    hidden: bool = False
    """Whether the count is not told, since it would speak of fewer than `SMALL` people; `count` and `share` are 0."""

    @property
    def share(self) -> float:
        """Of all customers."""
        return self.count / self.customers if self.customers else 0.0

    @property
    def said(self) -> str:
        """The count as it is shown to people."""
        return f"<{SMALL}" if self.hidden else f"{self.count:,}"

    def data(self) -> dict[str, Any]:
        """As JSON-like data."""
        return {"rule": self.rule, "count": self.count, "customers": self.customers, "date": self.on}


def count(parts: Parts, text: str, on: date, *, sight: Sight) -> CountAnswer:
    """Counts the customers in sight for whom a condition is true, exactly.

    Who sees customers is told the exact number of them, as each could be looked at one by one. Who sees none and may
    see totals is told a number over the whole bank, and none that would speak of fewer than `SMALL` people.

    Args:
        parts: Of the workspace.
        text: A condition over the profile.
        on: Business date of a profile.
        sight: Of whoever asks.

    Raises:
        CultivaError: if the rule has faults, with their places.
    """
    work = parts.root / parts.workspace.settings.engine.spill / f"count-{uuid4().hex}"
    day, events = group_day(parts, on), views_of(parts.lake, on).get("event")
    snapshot = parts.store.snapshots.current("profile", on)
    assert snapshot is not None, "the profile of that date is published"
    if sight.whole_bank:
        return CountAnswer(text, audience.count(day, text, work, events=events), snapshot.rows, on)
    if sight.nobody and sight.totals:
        found, customers = audience.count(day, text, work, events=events), snapshot.rows
        hidden = found < SMALL or customers - found < SMALL
        return CountAnswer(text, 0 if hidden else found, customers, on, hidden=hidden)
    everybody = those_in_sight(parts, customers_of(parts, on), sight)
    return CountAnswer(text, len(audience.members(day, text, work, events=events) & everybody), len(everybody), on)


def track(parts: Parts, customer_id: int, on: date, *, last: int, sight: Sight) -> Sheet:
    """Everything that a customer did and lived through up to a date, newest last.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        last: How many of the newest rows.
        sight: Of whoever asks.
    """
    rows = track_rows(parts, customer_id, on, sight=sight)
    return Sheet(
        title=f"customer {customer_id} up to {on}",
        columns=("at", "kind", "channel", "what", "amount", "detail"),
        rows=tuple((one.at, one.kind.value, one.channel, one.what, one.amount, one.detail) for one in rows[-last:]),
        note=f"{len(rows)} rows in all" if len(rows) > last else "",
    )


def track_rows(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> tuple[TrackRow, ...]:
    """Everything that a customer did and lived through up to a date, oldest first; nothing of who is out of sight.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        sight: Of whoever asks.
    """
    if not sees(parts, customer_id, sight):
        return ()
    lake = parts.lake
    files = TrackFiles(
        mapping=lake.files_current("identity_map", on),
        holding=lake.files_current("holding", on),
        facts={kind: lake.files_history(kind, on) for kind in TrackKind},
    )
    return behaviour(files, customer_id, upto=on)


@dataclass(frozen=True)
class SegmentSize:
    """How large a segment is, for whoever asks."""

    customers: int
    """Members in sight."""
    share: float
    """Of all customers in sight."""


def segment_sizes(parts: Parts, on: date, *, sight: Sight) -> dict[str, SegmentSize]:
    """How many customers in sight are in each segment of a business date.

    Who sees totals gets those of the bank; a segment whose size would speak of fewer than `SMALL` people is left out.
    """
    known = day_members(tuple(parts.lake.files_current("memberships", on)))
    sums = sight.nobody and sight.totals
    chosen = known.everybody if sums else those_in_sight(parts, known.everybody, sight)
    found = {name: len(members & chosen) for name, members in known.segments.items()}
    every = max(1, len(chosen))
    told = {name: size for name, size in found.items() if not sums or SMALL <= size <= every - SMALL}
    return {name: SegmentSize(size, size / every) for name, size in told.items()}


def members_of(parts: Parts, segment: str, on: date, *, sight: Sight) -> BitMap:
    """The members of a segment who are in sight, in order.

    Raises:
        CultivaError: if there is no such segment.
    """
    files = parts.lake.files_current("memberships", on)
    known = audience.audience(files, checked_segment(parts, segment), on).members
    return those_in_sight(parts, BitMap(cast("Iterable[int]", known)), sight)


@dataclass(frozen=True)
class MembershipAnswer:
    """Whether a customer is in a segment, and why."""

    customer_id: int
    segment: str
    member: bool
    on: date
    explanation: Explanation


def membership(parts: Parts, customer_id: int, segment: str, on: date, *, sight: Sight) -> MembershipAnswer:
    """Why a customer is in a segment or not, on the profile of a business date.

    Raises:
        CultivaError: if there is no such segment, or no such customer in sight.
    """
    name = checked_segment(parts, segment)
    if not sees(parts, customer_id, sight):
        raise audience.no_customer(customer_id)
    explanation = audience.why(group_day(parts, on), customer_id, name)
    return MembershipAnswer(customer_id, name, explanation.value is True, on, explanation)


@dataclass(frozen=True)
class Told:
    """Decisions about one customer, in words."""

    customer_id: int
    on: date
    decisions: tuple[tuple[Decision, str], ...]
    """Each with its sentence, chosen first."""
    reasons: Mapping[str, tuple[str, ...]]
    """What moved the foreseen effect of a proposal most, in words, the strongest first; by `proposal_key`."""


def decisions_of(parts: Parts, customer_id: int, on: date, *, sight: Sight, reasons: bool = True) -> Told:
    """What was decided about a customer, and why; nothing about who is out of sight.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        sight: Of whoever asks.
        reasons: Whether the models are asked for their reasons, which takes a moment.
    """
    files = parts.lake.files_current("decisions", on) if sees(parts, customer_id, sight) else ()
    rows = _rows_of(files, customer_id)
    language = parts.workspace.settings.language
    decisions = [decision_of(row) for row in rows]
    order = list(Fate)
    decisions.sort(key=lambda one: (order.index(one.fate), one.strategy))
    said = tuple((one, sentence(one, parts.workspace, language=language)) for one in decisions)
    return Told(customer_id, on, said, _reasons(parts, decisions, on) if reasons else {})


def proposal_key(decision: Decision) -> str:
    """Names a proposal to one customer."""
    return f"{decision.strategy}/{decision.offer}/{decision.channel}"


def _reasons(parts: Parts, decisions: Sequence[Decision], on: date) -> dict[str, tuple[str, ...]]:
    """The models' reasons for the candidates that they scored; asks the models of the plan once more."""
    scored = [one for one in decisions if one.channel and one.worth_by not in (None, "prior", "learnt")]
    files = models_in_use(parts, on)
    if not scored or not files:
        return {}
    import pyarrow as pa

    from cultiva.strategy.models.service import explain, in_words, pin

    engine, language = parts.engine, parts.workspace.settings.language
    keys = ("customer_id", "strategy", "offer", "channel")
    columns = {name: [getattr(one, name) for one in scored] for name in keys}
    asked = engine.load(pa.table({**columns, "prior_effect": pa.array([one.effect for one in scored], pa.float64())}))
    profile = engine.scan(parts.lake.files_current("profile", on))
    with TemporaryDirectory(dir=parts.root, prefix=".why-") as folder:
        mine = profile.filter(profile.customer_id == scored[0].customer_id)
        explain(engine, asked, mine, pin(files, parts.workspace), on=on, folder=Path(folder) / "reasons")
        rows = engine.fetch(engine.scan([Path(folder) / "reasons"])).to_pylist()
    return {
        f"{row['strategy']}/{row['offer']}/{row['channel']}": tuple(
            say(one, language) for one in in_words(row["reasons"], parts.workspace)
        )
        for row in rows
    }


def _rows_of(files: Sequence[Any], customer_id: int) -> list[dict[str, Any]]:
    if not files:
        return []
    found = pl.scan_parquet(part_files(files)).filter(pl.col("customer_id") == customer_id)
    return found.collect().to_dicts()


def decision_of(row: Mapping[str, Any]) -> Decision:
    """A row of the lake table `decisions`."""
    return Decision(**{**row, "fate": Fate(row["fate"])})


def checked_segment(parts: Parts, name: str) -> str:
    """The name of a segment of the workspace.

    Raises:
        CultivaError: if there is none of that name.
    """
    known = parts.workspace.segments
    if name not in known:
        raise CultivaError(
            "there is no such segment",
            code="loop.no_segment",
            kind=ErrorKind.NOT_FOUND,
            seen=name,
            allowed=f"one of {len(known)} segments",
            hint=did_you_mean(name, known) or "cultiva show WORKSPACE segments",
        )
    return name
