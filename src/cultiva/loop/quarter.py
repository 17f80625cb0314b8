"""The next quarter if customers went on coming as they do: what other holdouts and more hands would change.

It plans nothing anew: whoever enrolled in the last weeks stands for whoever will, with the effect and the cost that the
review has measured. `cultiva simulate` flies the whole loop instead; this answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.contracts.readout import StrategyReview, Verdict
from cultiva.engine.parquet import part_files
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan

WEEKS, WINDOW = 13, timedelta(weeks=4)
"""Of a quarter; and of the past that stands for it."""
USUAL = 1.96
"""Half the width of a 95 % interval, in standard errors."""
SEEN = 2.8
"""Standard errors that an effect must have to be seen in four of five cases (1.96 + 0.84)."""


@dataclass(frozen=True)
class Base:
    """What the last weeks say of one strategy."""

    strategy: str
    weekly: float
    """Customers enrolled a week, on both sides."""
    by_hand: float
    """Share of those touched whom a person speaks to."""
    waiting: float
    """Customers without hands free for each who had them, in the newest plan."""
    effect: float | None
    """Money per customer over the horizon, before cost."""
    se: float | None
    spread: float | None
    """Standard deviation of the money of one customer, what was to be expected taken out."""
    cost: float
    """Money per customer open to the strategy."""
    holdout: float
    verdict: Verdict


@dataclass(frozen=True)
class WhatIf:
    """What is different in the next quarter."""

    holdout: float | None = None
    """Share left alone; None: every strategy's own."""
    hands: float = 1.0
    """Contacts by people, as a share of today's."""
    stop_losers: bool = False
    """Whether strategies with the verdict to stop end."""


@dataclass(frozen=True)
class Outlook:
    """One strategy in the next quarter."""

    strategy: str
    enrolled: float
    alone: float
    incremental: float | None
    """Expected money of those open to it, before cost; None: nothing is known of its effect."""
    low: float | None
    high: float | None
    cost: float
    smallest: float | None
    """Smallest effect per customer that would be seen at the end; None: nobody is left alone."""

    @property
    def net(self) -> float | None:
        """Incremental less cost."""
        return None if self.incremental is None else self.incremental - self.cost


def bases(parts: Parts, on: date, reviews: Sequence[StrategyReview]) -> tuple[Base, ...]:
    """What the last weeks say of every strategy that runs.

    Args:
        parts: Of the workspace.
        on: Business date of a run that reviewed.
        reviews: Its reviews.
    """
    enrolled, hands = _enrolled(parts, on), _hands(parts, on)
    weeks = WINDOW / timedelta(weeks=1)
    found = []
    for one in reviews:
        defined = parts.workspace.strategies.get(one.strategy)
        if defined is None or not defined.active:
            continue
        new, by_hand = enrolled.get(one.strategy, (0, 0.0))
        found.append(_base(one, new / weeks, by_hand, hands.get(one.strategy, 0.0), defined.holdout))
    return tuple(found)


def _base(one: StrategyReview, weekly: float, by_hand: float, waiting: float, holdout: float) -> Base:
    main = one.main()
    known = main is not None and main.effect is not None and main.se is not None
    treated = main.customers_treated if main is not None else 0
    spread = None
    if main is not None and main.se is not None and min(treated, main.customers_control) > 0:
        spread = main.se / (1 / treated + 1 / main.customers_control) ** 0.5
    return Base(
        strategy=one.strategy,
        weekly=weekly,
        by_hand=by_hand,
        waiting=waiting,
        effect=main.effect if main is not None and known else None,
        se=main.se if main is not None and known else None,
        spread=spread,
        cost=one.cost / treated if treated else 0.0,
        holdout=holdout,
        verdict=one.recommendation.verdict,
    )


def outlook(base: Base, what: WhatIf) -> Outlook:
    """One strategy in the next quarter, with what is different.

    Fewer hands touch fewer; more hands touch those who had to wait for them, and no more.

    Examples:
        >>> base = Base("a", 100.0, 1.0, 0.0, 10.0, 2.0, 100.0, 3.0, 0.1, Verdict.KEEP)
        >>> found = outlook(base, WhatIf(holdout=0.2, hands=0.5))
        >>> round(found.enrolled), round(found.alone), round(found.incremental), round(found.cost)
        (650, 130, 5200, 1560)
    """
    ends = what.stop_losers and base.verdict is Verdict.STOP
    hands = min(what.hands, 1 + base.waiting)
    enrolled = 0.0 if ends else base.weekly * WEEKS * (1 - base.by_hand + base.by_hand * hands)
    holdout = base.holdout if what.holdout is None else what.holdout
    alone = enrolled * holdout
    treated = enrolled - alone
    effect, half = base.effect, USUAL * (base.se or 0.0)
    smallest = None
    if base.spread is not None and alone > 0 and treated > 0:
        smallest = SEEN * base.spread * (1 / treated + 1 / alone) ** 0.5
    return Outlook(
        strategy=base.strategy,
        enrolled=enrolled,
        alone=alone,
        incremental=None if effect is None else effect * treated,
        low=None if effect is None else (effect - half) * treated,
        high=None if effect is None else (effect + half) * treated,
        cost=base.cost * treated,
        smallest=smallest,
    )


def _enrolled(parts: Parts, on: date) -> Mapping[str, tuple[int, float]]:
    """By strategy: customers enrolled in the window, and the share of those treated whom a person speaks to."""
    files = parts.lake.files_current("exposure", on)
    if not files:
        return {}
    human = [one.name for one in parts.workspace.policy.channels if one.kind == "human"]
    rows = pl.scan_parquet(part_files(files), hive_partitioning=False)
    recent = rows.filter((pl.col("enrolled_on") > on - WINDOW) & pl.col("arm").is_in(["treated", "held_out"]))
    by_hand = pl.col("channel").is_in(human).fill_null(value=False).filter(pl.col("arm") == "treated").mean()
    found = recent.group_by("strategy").agg(pl.len().alias("n"), by_hand.fill_null(0.0).alias("by_hand")).collect()
    return {row["strategy"]: (row["n"], row["by_hand"]) for row in found.iter_rows(named=True)}


def _hands(parts: Parts, on: date) -> Mapping[str, float]:
    """By strategy: proposals without hands free for each that had them, in the plan of the day."""
    files = parts.lake.files_current("decisions", on)
    if not files:
        return {}
    fate = pl.col("fate")
    counted = (
        scan(files)
        .group_by("strategy")
        .agg(waiting=(fate == Fate.NO_CAPACITY.value).sum(), chosen=(fate == Fate.CHOSEN.value).sum())
    )
    rows = counted.collect().iter_rows(named=True)
    return {row["strategy"]: row["waiting"] / row["chosen"] for row in rows if row["chosen"]}
