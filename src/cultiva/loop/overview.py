"""The loop on one page: what was found, decided and done, what it was worth, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.contracts.readout import Contrast, StrategyReview, Verdict
from cultiva.execution.dispatch.records import State as DeliveryState
from cultiva.execution.dispatch.repository import counts as delivery_counts
from cultiva.execution.launching.launches import State as LaunchState
from cultiva.execution.tasks.states import State as TaskState
from cultiva.kit.words import Words
from cultiva.loop.campaigns import launches_of
from cultiva.loop.desk import desk as tasks_of
from cultiva.loop.parts import Parts
from cultiva.loop.reviewing import histories_of, programme, reviews_of
from cultiva.loop.shows import read, scan
from cultiva.store.records import RunState
from cultiva.strategy.map.places import StrategyPlace

STALE_DAYS = 2
"""A newest business date so many days back is said to be old."""


@dataclass(frozen=True)
class Found:
    """Insight, of one run."""

    customers: int
    value: float
    """Contribution of twelve months, all customers, in money."""
    groups: int
    entered: int
    """Memberships that began since the run before."""
    left: int
    moved: int
    """Customers in another lifecycle stage than at the run before."""


@dataclass(frozen=True)
class Decided:
    """Strategy, of one run."""

    strategies: int
    """Active ones."""
    candidates: int
    chosen: int
    held_out: int
    expected: float
    """What the chosen are expected to bring beyond what would come anyway, less cost; money."""


@dataclass(frozen=True)
class Worth:
    """Review of the whole programme, in money; None: not measured yet."""

    gross: float | None = None
    """What those who could be touched brought in, effect or not."""
    incremental: float | None = None
    low: float | None = None
    """Of the incremental money; the interval holds however often one looks."""
    high: float | None = None
    cost: float = 0.0
    net: float | None = None
    verdicts: Mapping[Verdict, int] | None = None


@dataclass(frozen=True)
class Curve:
    """Incremental money of the whole programme at every business date so far."""

    days: tuple[date, ...]
    incremental: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


@dataclass(frozen=True)
class Overview:
    """Everything about one finished run that the cockpit shows; the same for everybody."""

    on: date
    found: Found
    decided: Decided
    worth: Worth
    curve: Curve
    targets: tuple[StrategyPlace, ...]
    """Strategies with a target, those that miss it first."""
    quarantined: int
    urgent: tuple[tuple[str, Words, Verdict], ...]
    """Strategies that review says to stop or to change: name, label, verdict."""


@dataclass(frozen=True)
class Doing:
    """Execution, at this moment."""

    launches: Mapping[LaunchState, int]
    deliveries: Mapping[DeliveryState, int]
    tasks: Mapping[TaskState, int]
    halts: tuple[str, ...]
    """Scopes of emergency stops in force."""


@dataclass(frozen=True)
class Freshness:
    """How new what is shown is."""

    run_id: str
    state: RunState
    """Of the newest attempt."""
    ended: datetime | None
    business_date: date
    """Of the newest run; what is shown may be older if it did not finish."""
    days: int
    """From its business date to today."""

    @property
    def old(self) -> bool:
        """Whether the newest business date lies too far back."""
        return self.days > STALE_DAYS


def overview_of(parts: Parts, on: date, places: Sequence[StrategyPlace]) -> Overview:
    """What a finished run found, decided and measured.

    Args:
        parts: Of the workspace.
        on: Business date of the run.
        places: Of the strategies on the map of that date.
    """
    reviews = reviews_of(parts, on) if parts.lake.files_current("verdict", on) else ()
    return Overview(
        on=on,
        found=_found(parts, on),
        decided=_decided(parts, on),
        worth=_worth(reviews),
        curve=_curve(parts, on),
        targets=_targets(places),
        quarantined=_quarantined(parts, on),
        urgent=tuple(
            (one.strategy, one.label, one.recommendation.verdict)
            for one in reviews
            if one.recommendation.verdict in {Verdict.STOP, Verdict.CHANGE} and not one.strategy.startswith("(")
        ),
    )


def doing_of(parts: Parts) -> Doing:
    """What is being done now."""
    launches = launches_of(parts)
    with parts.store.database.reading() as connection:
        sent: dict[DeliveryState, int] = {}
        for (_, state), count in delivery_counts(connection).items():
            sent[state] = sent.get(state, 0) + count
    tasks: dict[TaskState, int] = {}
    if parts.workspace.workbench is not None:
        for (_, standing), count in tasks_of(parts).counts().items():
            tasks[standing] = tasks.get(standing, 0) + count
    return Doing(launches.counts(), sent, tasks, tuple(sorted(launches.halts())))


def freshness_of(parts: Parts) -> Freshness | None:
    """How new what is shown is; None before the first run."""
    run = parts.store.runs.newest()
    if run is None:
        return None
    days = (parts.clock().date() - run.business_date).days
    return Freshness(run.run_id, run.state, run.ended, run.business_date, days)


def _found(parts: Parts, on: date) -> Found:
    grid = read(parts, "grid", on).select(pl.col("customers").sum(), pl.col("current_value").cast(pl.Float64).sum())
    customers, value = grid.row(0)
    sizes = read(parts, "segments", on)
    moves = read(parts, "transitions", on).filter(pl.col("from_stage") != pl.col("to_stage"))
    return Found(
        customers=int(customers),
        value=float(value or 0.0),
        groups=sizes.height,
        entered=int(sizes["entered"].sum() or 0),
        left=int(sizes["left"].sum() or 0),
        moved=int(moves["customers"].sum() or 0),
    )


def _decided(parts: Parts, on: date) -> Decided:
    rows = (
        scan(parts.lake.files_current("decisions", on))
        .group_by("fate")
        .agg(pl.len().alias("count"), pl.col("worth").sum().alias("worth"))
        .collect()
    )
    counted = {fate: (int(count), float(worth or 0.0)) for fate, count, worth in rows.iter_rows()}
    chosen, expected = counted.get(Fate.CHOSEN.value, (0, 0.0))
    return Decided(
        strategies=sum(1 for one in parts.workspace.strategies.values() if one.active),
        candidates=sum(count for count, _ in counted.values()),
        chosen=chosen,
        held_out=sum(count for fate, (count, _) in counted.items() if fate.startswith("held_out")),
        expected=expected,
    )


def _quarantined(parts: Parts, on: date) -> int:
    files = parts.lake.files_current("quarantine", on)
    return int(scan(files).select(pl.len()).collect().item()) if files else 0


def _worth(reviews: Sequence[StrategyReview]) -> Worth:
    whole = programme(reviews)
    if whole is None:
        return Worth()
    main = whole.main("contribution", Contrast.ITT)
    people = main.customers_treated if main is not None else 0
    verdicts: dict[Verdict, int] = {}
    for one in reviews:
        if one is not whole:
            verdicts[one.recommendation.verdict] = verdicts.get(one.recommendation.verdict, 0) + 1
    return Worth(
        gross=whole.gross,
        incremental=whole.incremental,
        low=_times(main.always_low if main else None, people),
        high=_times(main.always_high if main else None, people),
        cost=whole.cost,
        net=whole.net,
        verdicts=verdicts,
    )


def _times(each: float | None, people: int) -> float | None:
    return None if each is None else each * people


def _curve(parts: Parts, on: date) -> Curve:
    rows = next((curve for name, curve in histories_of(parts, on).items() if name.startswith("(all")), [])
    return Curve(
        tuple(day for day, _ in rows),
        tuple(_times(one.effect, one.customers_treated) for _, one in rows),
        tuple(_times(one.always_low, one.customers_treated) for _, one in rows),
        tuple(_times(one.always_high, one.customers_treated) for _, one in rows),
    )


def _targets(places: Sequence[StrategyPlace]) -> tuple[StrategyPlace, ...]:
    order = {"missed": 0, "possible": 1, "reached": 2, "unknown": 3}
    with_target = [one for one in places if one.active and one.progress.target is not None]
    return tuple(sorted(with_target, key=lambda one: (order[one.progress.standing], -one.audience)))
