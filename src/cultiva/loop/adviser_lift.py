"""What an adviser's customers, a branch's, the bank's brought in beyond those who were left alone.

The strategies' own holdouts are drawn at random within every adviser's customers, so each adviser has some who are left
alone. They are few: a single adviser's lift is rarely sure, and then it is said that it is not. All strategies are
pooled: from every customer's contribution since enrolment what had to be expected is taken out (regression on the
contribution before, within the strategy: Deng, Xu, Kohavi, Walker 2013), and then what those whom the strategy left
alone brought on average. Intervals are Welch's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from cultiva.contracts.decision import offer_experiment
from cultiva.definitions.review import CONTRIBUTION
from cultiva.engine.parquet import part_files
from cultiva.loop.inputs import mergers
from cultiva.loop.parts import Parts

FEWEST = 20
"""Customers on either side without whom nothing is said, as in the review."""
PROGRAMME, TREATED, HELD_OUT = "(all)", "treated", "held_out"
KEY = ("strategy", "customer_id")


@dataclass(frozen=True)
class Lift:
    """What some customers brought in beyond those left alone."""

    customers: int
    """Open to the strategies, once for each strategy."""
    alone: int
    """Left alone."""
    effect: float | None
    """Money per customer, before cost; None: too few to say."""
    low: float | None
    """Lower end of the interval."""
    high: float | None
    """Upper end."""

    @property
    def total(self) -> float | None:
        """The effect times the customers open to the strategies."""
        return None if self.effect is None else self.effect * self.customers

    @property
    def sure(self) -> bool:
        """Whether the interval says which way it goes."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


NOBODY = Lift(0, 0, None, None, None)
"""Of whom no strategy had."""


@dataclass(frozen=True)
class Lifts:
    """Of everybody at once."""

    on: date
    confidence: float
    advisers: Mapping[str, Lift]
    """By staff id."""
    branches: Mapping[str, Lift]
    bank: Lift


def lifts(parts: Parts, on: date) -> Lifts:
    """Of every adviser, every branch and the bank, as of a business date; a minute of work at a large bank.

    Args:
        parts: Of the workspace.
        on: Business date of a run.
    """
    confidence = parts.workspace.review.confidence
    files = parts.lake.files_current("exposure", on)
    found = parts.lake.files_history("performance", on)
    if not files or not found:
        return Lifts(on, confidence, {}, {}, NOBODY)
    rows = residuals(_results(parts, on, _exposed(parts, on)))
    advisers, branches = (_lifts_by(rows, name, confidence) for name in ("adviser_id", "branch_id"))
    bank = _lifts_by(rows.with_columns(everybody=pl.lit("")), "everybody", confidence)
    return Lifts(on, confidence, advisers, branches, bank.get("", NOBODY))


def _exposed(parts: Parts, on: date) -> pl.LazyFrame:
    """Customers of single strategies, treated or left alone by the strategy's own draw, before the date."""
    rows = pl.scan_parquet(part_files(parts.lake.files_current("exposure", on)), hive_partitioning=False)
    covariate = f"x_{parts.workspace.review.covariate}"
    before = pl.col(covariate) if covariate in rows.collect_schema().names() else pl.lit(0.0)
    single = (pl.col("strategy") != PROGRAMME) & ~pl.col("strategy").str.starts_with(offer_experiment(""))
    kept = rows.filter(single & pl.col("arm").is_in([TREATED, HELD_OUT]) & (pl.col("enrolled_on") < on))
    columns = (*KEY, "enrolled_on", "branch_id", "adviser_id")
    return kept.select(*columns, treated=pl.col("arm") == TREATED, x=before.fill_null(0.0).cast(pl.Float64))


def _results(parts: Parts, on: date, rows: pl.LazyFrame) -> pl.DataFrame:
    """With what each brought in from the day after enrolment for the horizon: `y`."""
    files = part_files(parts.lake.files_history("performance", on))
    done = pl.scan_parquet(files, hive_partitioning=False).select("customer_id", "business_date", CONTRIBUTION)
    merged = mergers(parts, on)
    if merged:
        done = done.with_columns(pl.col("customer_id").replace(merged))
    horizon = timedelta(days=parts.workspace.review.horizon_days)
    joined = rows.select(*KEY, "enrolled_on").join(done, on="customer_id")
    day, begin = pl.col("business_date"), pl.col("enrolled_on")
    within = joined.filter((day > begin) & (day <= begin + horizon))
    sums = within.group_by(KEY).agg(y=pl.col(CONTRIBUTION).sum().cast(pl.Float64))
    return rows.join(sums, on=list(KEY), how="left").with_columns(pl.col("y").fill_null(0.0)).collect()


def residuals(rows: pl.DataFrame) -> pl.DataFrame:
    """What nobody had to expect of each customer: `r`; strategies where nobody was left alone drop out.

    Args:
        rows: strategy, treated, x, y.
    """
    both = rows.filter((~pl.col("treated")).any().over("strategy"))
    slope = pl.cov("x", "y").over("strategy") / pl.col("x").var().over("strategy")
    usual = pl.when(slope.is_finite()).then(slope).otherwise(0.0).fill_null(0.0)
    left = both.with_columns(r=pl.col("y") - usual * pl.col("x"))
    alone = pl.col("r").filter(~pl.col("treated")).mean().over("strategy")
    return left.with_columns(r=pl.col("r") - alone)


def _lifts_by(rows: pl.DataFrame, name: str, confidence: float) -> dict[str, Lift]:
    """By the values of a column."""
    treated, value = pl.col("treated"), pl.col("r")
    found = (
        rows.filter(pl.col(name).is_not_null())
        .group_by(name)
        .agg(
            customers=treated.sum(),
            alone=(~treated).sum(),
            mean=value.filter(treated).mean(),
            mean_alone=value.filter(~treated).mean(),
            spread=value.filter(treated).var(),
            spread_alone=value.filter(~treated).var(),
        )
    )
    return {str(row[name]): lift_of(row, confidence) for row in found.iter_rows(named=True)}


def lift_of(row: Mapping[str, Any], confidence: float) -> Lift:
    """Welch's interval for the difference of two means; nothing where either side has fewer than `FEWEST`.

    Args:
        row: customers, alone, mean, mean_alone, spread, spread_alone (variances).
        confidence: Of the interval.
    """
    from scipy.stats import t

    many, few = int(row["customers"]), int(row["alone"])
    if min(many, few) < FEWEST:
        return Lift(many, few, None, None, None)
    effect = row["mean"] - row["mean_alone"]
    one, two = row["spread"] / many, row["spread_alone"] / few
    if one + two <= 0:
        return Lift(many, few, effect, effect, effect)
    freedom = (one + two) ** 2 / (one**2 / (many - 1) + two**2 / (few - 1))
    half = float(t.ppf((1 + confidence) / 2, freedom)) * (one + two) ** 0.5
    return Lift(many, few, effect, effect - half, effect + half)
