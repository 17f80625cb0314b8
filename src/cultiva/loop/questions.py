"""Questions that people ask between runs: how many, who is this, why, what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import polars as pl

from cultiva.contracts.decision import Decision, Fate
from cultiva.engine.parquet import part_files
from cultiva.insight.groups import audience
from cultiva.insight.track import TrackFiles, TrackKind, TrackRow
from cultiva.insight.track import track as behaviour
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import say
from cultiva.loop.inputs import group_day, views_of
from cultiva.loop.modelling import models_in_use
from cultiva.loop.parts import Parts
from cultiva.rules import Explanation
from cultiva.strategy.words import sentence


@dataclass(frozen=True)
class CountAnswer:
    """How many customers a condition is true for."""

    rule: str
    count: int
    customers: int
    """All customers of that profile."""
    on: date
    """The profile's business date."""

    @property
    def share(self) -> float:
        """Of all customers."""
        return self.count / self.customers if self.customers else 0.0

    def data(self) -> dict[str, Any]:
        """As JSON-like data."""
        return {"rule": self.rule, "count": self.count, "customers": self.customers, "date": self.on}


def count(parts: Parts, text: str, on: date) -> CountAnswer:
    """Counts the customers for whom a condition is true, exactly.

    Args:
        parts: Of the workspace.
        text: A condition over the profile.
        on: Business date of a profile.

    Raises:
        CultivaError: if the rule has faults, with their places.
    """
    work = parts.root / parts.workspace.settings.engine.spill / f"count-{uuid4().hex}"
    found = audience.count(group_day(parts, on), text, work, events=views_of(parts.lake, on).get("event"))
    snapshot = parts.store.snapshots.current("profile", on)
    assert snapshot is not None, "the profile of that date is published"
    return CountAnswer(text, found, snapshot.rows, on)


def track(parts: Parts, customer_id: int, on: date, *, last: int) -> Sheet:
    """Everything that a customer did and lived through up to a date, newest last.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        last: How many of the newest rows.
    """
    rows = track_rows(parts, customer_id, on)
    return Sheet(
        title=f"customer {customer_id} up to {on}",
        columns=("at", "kind", "channel", "what", "amount", "detail"),
        rows=tuple((one.at, one.kind.value, one.channel, one.what, one.amount, one.detail) for one in rows[-last:]),
        note=f"{len(rows)} rows in all" if len(rows) > last else "",
    )


def track_rows(parts: Parts, customer_id: int, on: date) -> tuple[TrackRow, ...]:
    """Everything that a customer did and lived through up to a date, oldest first.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
    """
    lake = parts.lake
    files = TrackFiles(
        mapping=lake.files_current("identity_map", on),
        holding=lake.files_current("holding", on),
        facts={kind: lake.files_history(kind, on) for kind in TrackKind},
    )
    return behaviour(files, customer_id, upto=on)


@dataclass(frozen=True)
class MembershipAnswer:
    """Whether a customer is in a segment, and why."""

    customer_id: int
    segment: str
    member: bool
    on: date
    explanation: Explanation


def membership(parts: Parts, customer_id: int, segment: str, on: date) -> MembershipAnswer:
    """Why a customer is in a segment or not, on the profile of a business date.

    Raises:
        CultivaError: if there is no such segment or customer.
    """
    name = checked_segment(parts, segment)
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


def decisions_of(parts: Parts, customer_id: int, on: date, *, reasons: bool = True) -> Told:
    """What was decided about a customer, and why.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        reasons: Whether the models are asked for their reasons, which takes a moment.
    """
    files = parts.lake.files_current("decisions", on)
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
