"""Scoring: what the loop claims beside what is true. The only place outside of the bank that reads its truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import product

import numpy as np
import polars as pl

from cultiva.contracts.readout import Readout, StrategyReview
from cultiva.definitions.products import Product, levels_of, variant_name
from cultiva.definitions.workspace import Workspace
from cultiva.loop.parts import Parts
from cultiva.loop.pricing import evidence_inputs
from cultiva.loop.reviewing import reviews_of
from cultiva.loop.shows import scan
from cultiva.review.design import PROGRAMME, TREATED
from cultiva.simbank.service import LivingBank
from cultiva.simbank.truth.oracle import oracle_worth
from cultiva.simbank.truth.prices import true_prices
from cultiva.simbank.truth.reading import read_identity, read_totals, read_twin
from cultiva.simbank.truth.record import LIVED
from cultiva.simbank.truth.twins import UNTOUCHED, without
from cultiva.strategy.pricing.evidence import eligible_customers

RECORD = ["source_system", "source_id"]


@dataclass(frozen=True)
class WeekTruth:
    """One week of the bank beside its twin that nobody touched."""

    until: date
    """Last day of the week."""
    touches: int
    cost: float
    """Of touches carried out and benefits taken up, beyond those that the twin took up too."""
    incremental: float
    """True contribution beyond the twin's, before cost, in money."""
    opt_outs: int
    """Beyond the twin's."""
    left: int
    """Customers who left, beyond the twin's."""
    complaints: int
    """Beyond the twin's."""
    fatigue: float
    """Mean fatigue of the customers."""


@dataclass(frozen=True)
class Comparison:
    """One strategy: the readout's claim beside the truth."""

    strategy: str
    label: str
    customers: int
    """Whom it could touch, with results."""
    effect: float | None
    """Claimed money per customer since enrolment, before cost."""
    low: float | None
    """Lower end of the readout's interval that holds for one look."""
    high: float | None
    truth: float
    """True money per customer since enrolment, before cost: the bank less its twin without this strategy's touches."""
    cost: float
    """Of the strategy, in all."""
    verdict: str

    @property
    def covers(self) -> bool | None:
        """Whether the interval holds the truth; None where there is no interval."""
        if self.low is None or self.high is None:
            return None
        return self.low <= self.truth <= self.high


def true_worths(bank: LivingBank, workspace: Workspace) -> pl.DataFrame:
    """The true effect of touching each party record today, per strategy, offer and channel.

    Returns:
        Columns source_system, source_id, strategy, offer, channel, effect (money before the cost of the touch, over the
        world's horizon), response (0: what a benefit costs is in the effect already), model.
    """
    offers = {one.name: place for place, one in enumerate(bank.naming.offers)}
    channels = {one.name: place for place, one in enumerate(bank.naming.channels)}
    worth = oracle_worth(
        bank.world, bank.nature, bank.state, offers=[*offers.values()], channels=[*channels.values()], week=bank.week
    )
    records, found = _people(bank), []
    costs = {one.name: one.unit_cost for one in workspace.policy.channels}
    for one in workspace.strategies.values():
        for offer, channel in product(one.offers, one.channels):
            carried = workspace.offers[offer].channels
            if not carried or channel in carried:
                net = worth[:, offers[offer], channels[channel]]
                customers = pl.DataFrame({"customer": np.arange(len(bank)), "effect": net + costs[channel]})
                names = {"strategy": one.name, "offer": offer, "channel": channel, "model": "oracle"}
                named = customers.with_columns(
                    response=pl.lit(0.0), **{key: pl.lit(name) for key, name in names.items()}
                )
                found.append(records.join(named, on="customer").drop("customer"))
    return pl.concat(found)


def _people(bank: LivingBank) -> pl.DataFrame:
    """The bank's number of the customer behind every party record."""
    found = pl.DataFrame(pl.from_arrow(read_identity(bank.folder)))
    return found.with_columns(pl.col(RECORD).cast(pl.String))


def true_curve(parts: Parts, bank: LivingBank, template: Product, on: date) -> pl.DataFrame:
    """The true chance that a quote today would be taken up in time, by group and price.

    Args:
        parts: The simulation's workspace.
        bank: The bank.
        template: Each customer is quoted over the first permitted channel of the strategy that offers it.
        on: Business date.

    Returns:
        Columns group, price, true.
    """
    levels = levels_of(template)
    names = [variant_name(template, level) for level in levels]
    offers = [one.name for one in bank.naming.offers]
    channels = [one.name for one in bank.naming.channels]
    strategy = next(one for one in parts.workspace.strategies.values() if names[0] in one.offers)
    able = eligible_customers(parts.engine, evidence_inputs(parts, on, []), parts.workspace, template, on)
    records = scan(parts.lake.files_current("identity_map", on))
    numbers = records.join(_people(bank).lazy(), on=RECORD).group_by("customer_id").agg(pl.col("customer").min())
    asked = pl.DataFrame(pl.from_arrow(parts.engine.fetch(able.select("customer_id", "group"))))
    rows = asked.join(numbers.collect(), on="customer_id").sort("customer")
    who, places = rows["customer"].to_numpy(), np.array([channels.index(name) for name in strategy.channels])
    found = true_prices(
        bank.world,
        bank.nature,
        bank.state,
        who=who,
        offers=[offers.index(name) for name in names],
        channel=places[bank.state.consent[np.ix_(who, places)].argmax(axis=1)],
        week=bank.week,
        weeks=template.pricing.window_days // 7,
    )
    wide = pl.DataFrame(found.take_up, schema=[str(level) for level in levels]).with_columns(rows["group"])
    long = wide.group_by("group").mean().unpivot(index="group", variable_name="price", value_name="true")
    return long.with_columns(pl.col("price").cast(pl.Float64))


def week_truths(bank: LivingBank) -> tuple[WeekTruth, ...]:
    """What every week was truly worth, oldest first; empty before the first week."""
    totals = pl.DataFrame(pl.from_arrow(read_totals(bank.folder)))
    if totals.is_empty():
        return ()
    by_bank = {(row["business_date"], row["bank"]): row for row in totals.iter_rows(named=True)}
    days = sorted({day for day, _ in by_bank})
    return tuple(_week(day, by_bank[day, LIVED], by_bank.get((day, UNTOUCHED), by_bank[day, LIVED])) for day in days)


def _week(day: date, lived: dict[str, float], twin: dict[str, float]) -> WeekTruth:
    def beyond(name: str) -> float:
        return lived[name] - twin[name]

    return WeekTruth(
        until=day,
        touches=int(lived["touches"]),
        cost=beyond("touch_cost") + beyond("offer_cost"),
        incremental=beyond("contribution"),
        opt_outs=int(beyond("opt_outs")),
        left=int(beyond("left")),
        complaints=int(beyond("complaints")),
        fatigue=lived["fatigue"],
    )


def comparisons(parts: Parts, bank: LivingBank, on: date) -> tuple[Comparison, ...]:
    """Every strategy's readout of a business date beside the truth; the whole programme first."""
    enrolled = _enrolled(parts, bank, on)
    return tuple(
        _compared(one, bank, enrolled.filter(pl.col("strategy") == one.strategy), parts.workspace.settings.language)
        for one in reviews_of(parts, on)
        if one.strategy == PROGRAMME or one.strategy in parts.workspace.strategies
    )


def _enrolled(parts: Parts, bank: LivingBank, on: date) -> pl.DataFrame:
    """strategy, customer (the bank's number), enrolled_on of everyone who could be touched."""
    exposure = scan(parts.lake.files_current("exposure", on)).filter(pl.col("arm") == TREATED)
    records = scan(parts.lake.files_current("identity_map", on))
    numbers = records.join(_people(bank).lazy(), on=RECORD).group_by("customer_id").agg(pl.col("customer").min())
    return exposure.join(numbers, on="customer_id").select("strategy", "customer", "enrolled_on").collect()


def _compared(one: StrategyReview, bank: LivingBank, enrolled: pl.DataFrame, language: str) -> Comparison:
    main: Readout | None = one.main()
    words = one.recommendation
    return Comparison(
        strategy=one.strategy,
        label=one.label.zh if language == "zh" else one.label.en,
        customers=main.customers_treated if main else 0,
        effect=main.effect if main else None,
        low=main.low if main else None,
        high=main.high if main else None,
        truth=_true_mean(bank, one.strategy, enrolled),
        cost=one.cost,
        verdict=words.verdict.value,
    )


def _true_mean(bank: LivingBank, strategy: str, enrolled: pl.DataFrame) -> float:
    """True money per enrolled customer, each since its own enrolment."""
    money = read_twin(bank.folder, UNTOUCHED if strategy == PROGRAMME else without(strategy))
    weeks = money.lived.astype(np.float64) - money.twin
    total, count = 0.0, 0
    for since, members in enrolled.group_by("enrolled_on"):
        counted = np.array([day > since[0] for day in money.days])
        if counted.any():
            total += float(weeks[np.ix_(counted, members["customer"].to_numpy())].sum())
            count += members.height
    return total / count if count else 0.0
