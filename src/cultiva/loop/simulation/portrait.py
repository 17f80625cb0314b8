"""A portrait of a bank: the few numbers by which two banks are compared, from canonical tables that every bank has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from cultiva.kit.words import Words
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.simbank.typical import CATEGORIES, OWED, RECENT_DAYS

DAYS_PER_YEAR = 365.25
MONTHS = RECENT_DAYS / 30
APP = "app"
"""Channel of what customers do in the app."""
AGES = (30, 45, 60)
"""Where bands of age end."""
AGE_MAX = 200
TIMES = (0.2, 5.0, 25.0)
"""Assets are compared by the share of customers above so many times the own bank's median."""


@dataclass(frozen=True)
class Measure:
    """One share: of those of whom it is known."""

    name: str
    words: Words
    of: pl.Expr
    """Who counts, true or false."""
    among: pl.Expr
    """Of whom it is known, true or false."""
    reads: str
    """The column that must be there."""


@dataclass(frozen=True)
class Portrait:
    """What was measured; what a bank does not know is left out or None."""

    on: date
    customers: int
    shares: Mapping[str, float]
    """By name of the measure."""
    aum: float | None
    """Median assets of those who have any, in money."""
    inflow: float | None
    """Median money coming in per month, of persons with any."""
    transactions: float | None
    """Per customer with an open account and month."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """Share of every lifecycle stage."""

    @property
    def holders(self) -> float:
        """Customers with an open account."""
        return self.customers * self.shares.get("open", 1.0)


def measures(unit: float | None) -> tuple[Measure, ...]:
    """All measures; assets are counted in a unit of money, the own bank's median."""
    col, always, person = (
        pl.col,
        pl.col("organisation").is_not_null(),
        ~pl.col("organisation") & pl.col("age").is_not_null(),
    )
    found = [Measure("organisation", Words("机构客户", "organisations"), col("organisation"), always, "organisation")]
    for low, high in zip((0, *AGES), (*AGES, AGE_MAX), strict=True):
        words = Words(f"个人客户：{low}–{high - 1}岁", f"persons aged {low} to {high - 1}")
        if high == AGE_MAX:
            words = Words(f"个人客户：{low}岁及以上", f"persons aged {low} and older")
        within = person & (col("age") >= low) & (col("age") < high)
        found.append(Measure(f"age_{low}", words, within, person, "age"))
    since, held = col("tenure").is_not_null(), col("open")
    found += [
        Measure("new", Words("开户不满一年", "with the bank for less than a year"), col("tenure") < 1, since, "tenure"),
        Measure("loyal", Words("开户五年以上", "with the bank for five years"), col("tenure") >= 5, since, "tenure"),
        Measure("open", Words("有未销账户", "with an open account"), col("open"), always, "open"),
        Measure("app", Words("其中：近90天用过手机银行", "of these: used the app in 90 days"), col("app"), held, "app"),
        Measure(
            "moved",
            Words("其中：近90天有动账", "of these: moved money in 90 days"),
            col("transactions") > 0,
            held,
            "transactions",
        ),
    ]
    for name in CATEGORIES:
        holds = f"holds_{name}"
        found.append(Measure(holds, Words(f"其中：持有 {name}", f"of these: hold {name}"), col(holds), held, holds))
    for factor in TIMES if unit else ():
        words = Words(f"资产高于本行中位数{factor:g}倍", f"assets above {factor:g} x the own median")
        above = col("aum") > factor * (unit or 0.0)
        found.append(Measure(f"aum_{factor:g}", words, above, col("aum") > 0, "aum"))
    return tuple(found)


def portrait(parts: Parts, on: date, *, unit: float | None = None) -> Portrait:
    """Measures a bank on a business date that was run.

    Args:
        parts: The opened workspace.
        on: Business date of a published profile.
        unit: Median assets of the bank that it is compared with; None: its own.
    """
    people = customers_frame(parts, on).collect(engine="streaming")
    return replace(portrayed(people, on, unit=unit), stages=_stages(parts, on))


def portrayed(people: pl.DataFrame, on: date, *, unit: float | None = None) -> Portrait:
    """Measures a table of customers with the columns of `draw_typical`, or some of them; without the stages."""
    aum = _median(people, "aum", pl.col("aum") > 0)
    inflow = _median(people, "inflow", (pl.col("inflow") > 0) & ~pl.col("organisation"))
    moved = people.filter("open")["transactions"].mean() if "transactions" in people.columns else None
    return Portrait(
        on=on,
        customers=people.height,
        shares=_shares(people, measures(unit or aum)),
        aum=aum,
        inflow=None if inflow is None else inflow / MONTHS,
        transactions=float(moved) / MONTHS if isinstance(moved, int | float) else None,
    )


def _shares(people: pl.DataFrame, asked: Sequence[Measure]) -> dict[str, float]:
    known = [one for one in asked if one.reads in people.columns]
    exprs = [(one.of & one.among).sum().cast(pl.Float64).alias(one.name) for one in known]
    exprs += [one.among.sum().alias(f"among_{one.name}") for one in known]
    row = people.select(exprs).row(0, named=True)
    counted = {one.name: row[f"among_{one.name}"] for one in known}
    return {one.name: row[one.name] / counted[one.name] for one in known if counted[one.name]}


def _median(people: pl.DataFrame, column: str, among: pl.Expr) -> float | None:
    if column not in people.columns:
        return None
    found = people.filter(among)[column].median()
    return float(found) if isinstance(found, int | float) else None


def _stages(parts: Parts, on: date) -> dict[str, float]:
    files = parts.lake.files_current("profile", on)
    if not files:
        return {}
    counts = scan(files).group_by("stage").agg(pl.len().alias("customers")).sort("stage").collect()
    total = max(int(counts["customers"].sum()), 1)
    return {str(stage): customers / total for stage, customers in counts.rows()}


def customers_frame(parts: Parts, on: date) -> pl.LazyFrame:
    """One row per customer with the columns of `draw_typical` as far as the bank's tables know them."""
    lake = parts.lake
    years = (pl.lit(on) - pl.col("birth_date")).dt.total_days() / DAYS_PER_YEAR
    organisation = (pl.col("party_type") == "organisation").fill_null(value=False)
    people = scan(lake.files_current("customer", on)).select(
        "customer_id", organisation=organisation, age=pl.when(~organisation).then(years)
    )
    if holding := lake.files_current("holding", on):
        people = _joined(people, _held(scan(holding), on))
    else:  # nobody knows better
        people = people.with_columns(open=pl.lit(value=True))
    owner = lake.files_current("account_owner", on)
    if owner and (rows := lake.files_history("transaction", on)):
        moved = _recent(rows, ("account_id", "amount"), on)
        people = _joined(people, _moved(moved.join(scan(owner).select("account_id", "customer_id"), on="account_id")))
    if rows := lake.files_history("event", on):
        used = _recent(rows, ("source_system", "source_id", "channel"), on).filter(pl.col("channel") == APP)
        records = scan(lake.files_current("identity_map", on))
        users = used.join(records, on=["source_system", "source_id"]).select("customer_id").unique().collect()
        if users.height:  # else the bank's events do not say what is done in the app
            people = _joined(people, users.lazy().with_columns(app=pl.lit(value=True)))
    return people


def _joined(people: pl.LazyFrame, more: pl.LazyFrame) -> pl.LazyFrame:
    """Left-joined; who is not in it has nothing."""
    names = [name for name in more.collect_schema().names() if name not in ("customer_id", "tenure")]
    kinds = more.collect_schema()
    filled = [pl.col(name).fill_null(value=False if kinds[name] == pl.Boolean else 0) for name in names]
    return people.join(more, on="customer_id", how="left").with_columns(filled)


def _recent(files: Sequence[Path], columns: Sequence[str], on: date) -> pl.LazyFrame:
    """Some columns of the facts of the last RECENT_DAYS."""
    until = datetime.combine(on + timedelta(days=1), time())
    within = (pl.col("at") >= until - timedelta(days=RECENT_DAYS)) & (pl.col("at") < until)
    return pl.concat([scan([folder]).filter(within).select(columns) for folder in files])


def _held(holding: pl.LazyFrame, on: date) -> pl.LazyFrame:
    is_open, category = pl.col("is_open"), pl.col("category").fill_null("")
    assets = pl.when(is_open & ~category.is_in(list(OWED))).then(pl.col("balance").cast(pl.Float64))
    return (
        holding.filter(pl.col("role") == "owner")
        .group_by("customer_id")
        .agg(
            ((pl.lit(on) - pl.col("opened_on").min()).dt.total_days() / DAYS_PER_YEAR).alias("tenure"),
            is_open.any().alias("open"),
            assets.sum().alias("aum"),
            *((is_open & (category == name)).any().alias(f"holds_{name}") for name in CATEGORIES),
        )
    )


def _moved(moved: pl.LazyFrame) -> pl.LazyFrame:
    amount = pl.col("amount").cast(pl.Float64)
    inflow = pl.when(amount > 0).then(amount).sum()
    return moved.group_by("customer_id").agg(pl.len().cast(pl.Int64).alias("transactions"), inflow.alias("inflow"))
