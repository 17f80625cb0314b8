"""From the analysis table to readouts: which metrics, for which groups, and in the words of the contract."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cultiva.contracts.decision import offer_experiment
from cultiva.contracts.readout import Contrast, Readout
from cultiva.definitions.review import CONTRIBUTION
from cultiva.engine.port import Engine, Files
from cultiva.review.carryover import carry_overs
from cultiva.review.design import CARRIED, PROGRAMME, SOLD, ReviewDesign
from cultiva.review.measure import (
    Check,
    CheckName,
    Design,
    Estimand,
    Kind,
    Measured,
    Measurement,
    MetricDesign,
    Standing,
    measure,
)
from cultiva.review.panel import COST, NET, slice_strategy

MONEY = "money"
"""Unit of the metrics that are added up."""
ALL, CELL = "all", "cell"
"""Dimensions: the whole; the values of all groups together."""
CONTRASTS = {
    Estimand.OFFERED: Contrast.ITT,
    Estimand.REACHED: Contrast.COMPLIER,
    Estimand.TRIMMED: Contrast.TRIMMED,
}
"""The contract's word for whose change it is."""


def measured(engine: Engine, panel: Files, design: ReviewDesign, how: Design) -> Measurement:
    """All metrics for the whole of every strategy, and the money for its groups.

    Args:
        engine: Reads the panel twice.
        panel: The analysis table.
        design: The workspace as review sees it.
        how: What both readings have in common; its metrics and dimensions are replaced.
    """
    whole = measure(engine, panel, replace(how, metrics=_metrics(design), dimensions=()))
    if not whole.effects:
        return whole
    money = tuple(one for one in _metrics(design) if one.name == CONTRIBUTION)
    groups = measure(engine, panel, replace(how, metrics=money, dimensions=dimensions(design), reached=None))
    within = tuple(one for one in groups.effects if one.dimension and (one.dimension != CARRIED or one.group))
    differing = tuple(
        one
        for one in groups.checks
        if one.name is CheckName.HETEROGENEITY and not one.subject.endswith(f"by {CARRIED}")
    )
    return Measurement((*whole.effects, *within), (*whole.checks, *differing, *carry_overs(within, design)))


def shares_of_control(design: ReviewDesign) -> dict[str, float]:
    """What share of the customers compared each draw leaves alone."""
    shares = {one.name: one.holdout for one in design.workspace.strategies.values() if 0 < one.holdout < 1}
    shares |= {offer_experiment(name): share for name, share in design.offer_holdouts.items() if share < 1}
    everywhere = design.workspace.policy.global_holdout
    if 0 < everywhere < 1:
        shares[PROGRAMME] = everywhere
    usual = 1 - sum(share for _, share in design.slices)
    return shares | {slice_strategy(name.value): share / (share + usual) for name, share in design.slices}


def dimensions(design: ReviewDesign) -> tuple[tuple[str, ...], ...]:
    """Groups within which the contribution is measured."""
    groups = tuple(f"group_{name}" for name in design.groups)
    cells = (groups,) if len(groups) > 1 else ()
    return (*((name,) for name in groups), *cells, ("offer",), ("channel",), ("wave",), ("branch_id",), (CARRIED,))


def _metrics(design: ReviewDesign) -> tuple[MetricDesign, ...]:
    known = set(design.covariates)

    def covariate(name: str | None) -> str | None:
        return name if name in known else None

    main = covariate(design.workspace.review.covariate)
    kinds = {"share": Kind.SHARE}
    further = tuple(
        MetricDesign(one.name, kinds.get(one.unit, Kind.MEAN), covariate(one.covariate)) for one in design.metrics
    )
    return (
        MetricDesign(CONTRIBUTION, covariate=main, trimmed=True),
        MetricDesign(NET, covariate=main),
        MetricDesign(COST),
        MetricDesign(SOLD, covariate=main),
        *further,
    )


def readouts(effects: Iterable[Measured], design: ReviewDesign) -> tuple[Readout, ...]:
    """Effects as readouts; nothing is said of groups that nobody is in, and of those reached where nobody was."""
    units = {one.name: one.unit for one in design.metrics}
    return tuple(
        _readout(one, units.get(one.metric, MONEY))
        for one in effects
        if one.treated.customers + one.control.customers
        and (one.estimand is not Estimand.REACHED or one.treated.reached)
    )


def _readout(one: Measured, unit: str) -> Readout:
    effect, always = one.effect, one.always
    total = effect.value * one.treated.customers if unit == MONEY and effect.value is not None else None
    if one.estimand is Estimand.REACHED and total is not None:
        total *= one.treated.reached or 0.0
    return Readout(
        strategy=one.strategy,
        dimension=dimension_name(one.dimension),
        group=one.group,
        metric=one.metric,
        unit=unit,
        contrast=CONTRASTS[one.estimand],
        customers_treated=one.treated.customers,
        customers_control=one.control.customers,
        mean_treated=one.treated.mean,
        mean_control=one.control.mean,
        effect=effect.value,
        se=effect.se,
        low=effect.low,
        high=effect.high,
        always_low=always.low,
        always_high=always.high,
        p_value=one.p_adjusted if one.p_adjusted is not None else effect.p_value,
        shrunk=one.shrunk.value,
        shrunk_se=one.shrunk.se,
        total=total,
        reason=effect.reason,
    )


def dimension_name(columns: str) -> str:
    """The contract's name of a dimension of the analysis table."""
    if "|" in columns:
        return CELL
    if columns.startswith("group_"):
        return f"group:{columns.removeprefix('group_')}"
    return {"": ALL, "branch_id": "branch"}.get(columns, columns)


def alarms(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Checks that found something."""
    return tuple(one for one in checks if one.standing in (Standing.NOTICE, Standing.ALARM))
