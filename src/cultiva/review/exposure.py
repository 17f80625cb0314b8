"""Exposure: who takes part in which experiment since when, on which side, and what was known of them then.

The log is cumulative and each run writes it anew: what the run before knew, with merged customers brought together, and
those who enter today. An enrolment is never changed afterwards: whatever becomes of the customer, the comparison is of
those who could be touched with those who could not (intention to treat).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.decision import GLOBAL_HOLDOUT, HEALTH_SLICES, Fate, holdout_draw, offer_experiment, ramp_draw
from cultiva.definitions.review import CONTRIBUTION
from cultiva.definitions.workspace import Workspace
from cultiva.engine.columns import with_columns
from cultiva.engine.draws import ibis_draw, ibis_slices, ibis_unit
from cultiva.engine.port import Engine, Files, Written
from cultiva.review.design import (
    CLUSTER,
    HELD_OUT,
    HELD_OUT_GLOBAL,
    HELD_OUT_OFFER,
    MIXED,
    PROGRAMME,
    TREATED,
    WAITING,
    ReviewDesign,
)
from cultiva.review.mergers import merged

if TYPE_CHECKING:
    import ibis

ARMS = {Fate.CHOSEN: TREATED, Fate.HELD_OUT: HELD_OUT, Fate.HELD_OUT_GLOBAL: HELD_OUT_GLOBAL}
"""The side on which an exposed candidate stands."""
KEY = ("strategy", "customer_id")


@dataclass(frozen=True)
class ExposureInputs:
    """What the exposures of a day are made of."""

    decisions: Files
    """The day's decisions."""
    profile: Files
    """The day's profile."""
    customer: Files
    """The day's customers, for branch and adviser."""
    performance: Files = ()
    """The day's performance: what customers brought in in the period before they enrol."""
    previous: Files = ()
    """The exposures of the run before; empty at the first run."""
    mergers: Mapping[int, int] = field(default_factory=dict)
    """Retired customer id -> the id it was merged into, all that are known."""


def write_exposures(engine: Engine, inputs: ExposureInputs, workspace: Workspace, on: date, folder: Path) -> Written:
    """Writes the lake table `exposure`, sorted by strategy and customer_id.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Its review, holdouts and health experiments.
        on: Business date.
        folder: New folder.

    Returns:
        What was written: `ReviewDesign.exposure_columns`; one row per strategy and customer, one per customer for the
        whole programme (`design.PROGRAMME`), and one per customer and offer with a holdout (`offer_experiment`).
    """
    design = ReviewDesign(workspace)
    known = _known(engine, inputs, design)
    entering = _of_strategies(engine, inputs, design, on).union(_of_programme(engine, inputs, design, on))
    if design.offer_holdouts:
        entering = entering.union(_of_offers(engine, inputs, design, on))
    if workspace.review.ramp is not None:
        known = _waited(known, entering)
    fresh = entering.anti_join(known, list(KEY)).select(*known.columns)
    return engine.write(known.union(fresh), folder, sort_by=KEY)


def _known(engine: Engine, inputs: ExposureInputs, design: ReviewDesign) -> ibis.Table:
    """Earlier enrolments under the ids that live on: a customer's own before one that came by a merger."""
    import ibis

    columns = design.exposure_columns
    names = [column.name for column in columns]
    earlier = engine.scan(inputs.previous, columns=columns)
    if not inputs.previous or not inputs.mergers:
        return earlier
    moved = merged(engine, earlier, inputs.mergers)
    same = ibis.window(group_by=list(KEY))
    order = [moved.was_retired, moved.enrolled_on, moved.arm]
    placed = moved.mutate(
        sides=moved.arm.min().over(same) != moved.arm.max().over(same),
        place=ibis.row_number().over(ibis.window(group_by=list(KEY), order_by=order)),
    )
    arm = ibis.ifelse(placed.sides, MIXED, placed.arm)
    return placed.filter(placed.place == 0).mutate(arm=arm).select(*names)


def _waited(known: ibis.Table, entering: ibis.Table) -> ibis.Table:
    """Without those who wait no longer: they enrol on a side of the strategy today."""
    over = entering.filter(entering.arm != WAITING).select(*KEY).distinct()
    waiting = known.arm == WAITING
    return known.filter(~waiting).union(known.filter(waiting).anti_join(over, list(KEY)).select(*known.columns))


def _of_strategies(engine: Engine, inputs: ExposureInputs, design: ReviewDesign, on: date) -> ibis.Table:
    import ibis

    decided = engine.scan(inputs.decisions)
    exposed = _foremost(decided.filter(decided.exposed), by=KEY)
    waits = (exposed.fate == Fate.HELD_OUT.value) & exposed.decided_by.startswith(ramp_draw("")).fill_null(False)
    arm = ibis.ifelse(waits, WAITING, _arm(exposed))
    if design.offer_holdouts:
        by_offer = _left_by_offer(exposed, design) & (exposed.fate != Fate.HELD_OUT_GLOBAL.value) & ~waits
        arm = ibis.ifelse(by_offer, HELD_OUT_OFFER, arm)
    return _enrolled(engine, exposed.mutate(arm=arm, **{CLUSTER: _cluster(exposed, design)}), inputs, design, on)


def _foremost(rows: ibis.Table, *, by: tuple[str, str]) -> ibis.Table:
    """Of several rows of a pair the one with the highest rank: nobody is enrolled twice in one experiment."""
    import ibis

    order = [rows.rank_value.desc(nulls_first=False), "strategy", "offer", "channel"]
    placed = rows.mutate(place=ibis.row_number().over(ibis.window(group_by=list(by), order_by=order)))
    return placed.filter(placed.place == 0).drop("place")


def _cluster(exposed: ibis.Table, design: ReviewDesign) -> ibis.Value:
    """The adviser or branch with whom the customer was drawn; null where customers are drawn one by one."""
    import ibis

    holders = {"adviser": exposed.adviser_id, "branch": exposed.branch_id}
    units = {kind: ibis_unit(kind, holder, exposed.customer_id) for kind, holder in holders.items()}
    drawn = [(exposed.strategy == name, units[kind]) for name, kind in design.clustered.items()]
    return ibis.cases(*drawn, else_=ibis.null("string")) if drawn else ibis.null("string")


def _arm(exposed: ibis.Table) -> ibis.Value:
    import ibis

    return ibis.cases(*[(exposed.fate == fate.value, arm) for fate, arm in ARMS.items()], else_=MIXED)


def _left_by_offer(exposed: ibis.Table, design: ReviewDesign) -> ibis.Value:
    """Whether the draw of the offer's holdout falls on the customer, whoever held the customer out first."""
    return reduce(
        or_,
        [
            (exposed.offer == name) & (ibis_draw(holdout_draw(offer_experiment(name)), exposed.customer_id) < share)
            for name, share in design.offer_holdouts.items()
        ],
    )


def _of_offers(engine: Engine, inputs: ExposureInputs, design: ReviewDesign, on: date) -> ibis.Table:
    """Those who were proposed an offer that has a holdout, against those whom it left alone, whatever the strategy.

    Whom a strategy holds out is on neither side: the offer had no say there.
    """
    import ibis

    decided = engine.scan(inputs.decisions)
    exposed = decided.filter(decided.exposed & decided.offer.isin(list(design.offer_holdouts)))
    experiment = ibis.literal(offer_experiment("")) + exposed.offer
    mine = exposed.filter((exposed.fate != Fate.HELD_OUT.value) | (exposed.decided_by == experiment).fill_null(False))
    rows = _foremost(mine.mutate(arm=_arm(mine)), by=("customer_id", "offer"))
    return _enrolled(engine, rows.mutate(strategy=ibis.literal(offer_experiment("")) + rows.offer), inputs, design, on)


def _of_programme(engine: Engine, inputs: ExposureInputs, design: ReviewDesign, on: date) -> ibis.Table:
    import ibis

    everyone = engine.scan(inputs.customer).select("customer_id", "branch_id", "adviser_id")
    review = design.workspace.review
    left_alone = ibis_draw(GLOBAL_HOLDOUT, everyone.customer_id) < design.workspace.policy.global_holdout
    rows = everyone.mutate(
        strategy=ibis.literal(PROGRAMME),
        arm=ibis.ifelse(left_alone, HELD_OUT_GLOBAL, TREATED),
        ranked_by=ibis_slices(HEALTH_SLICES, everyone.customer_id, review.health.slices, review.rank_by.value),
        assigned_share=ibis.literal(1.0).cast("!float64"),
    )
    return _enrolled(engine, rows, inputs, design, on)


def _enrolled(engine: Engine, rows: ibis.Table, inputs: ExposureInputs, design: ReviewDesign, on: date) -> ibis.Table:
    """Rows with what is known of the customer today, in the columns of the log."""
    import ibis

    profile = engine.scan(inputs.profile)

    facts = profile.select(
        profile_id=profile.customer_id,
        **{f"group_{name}": profile[name].cast("string") for name in design.groups if name in profile.columns},
        **{
            f"x_{name}": profile[name].cast("float64")
            for name in design.covariates
            if name in profile.columns and name != CONTRIBUTION
        },
    )
    joined = rows.left_join(facts, rows.customer_id == facts.profile_id).mutate(enrolled_on=ibis.literal(on))
    if CONTRIBUTION in design.covariates and inputs.performance:
        before = engine.scan(inputs.performance)
        daily = before.select(earner_id=before.customer_id, daily=before.contribution.cast("float64") / before.days)
        joined = joined.left_join(daily, joined.customer_id == daily.earner_id)
        joined = joined.mutate(**{f"x_{CONTRIBUTION}": joined.daily})
    return with_columns(joined, design.exposure_columns)
