"""Who is a customer since when, who left, and how long anybody watched: set operations over what customers own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cultiva.engine.port import Engine, Files
from cultiva.insight.lifetime.survival import EDGES_DAYS, STEP_DAYS, STEPS, Watched, hazards, staying
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    import ibis

GROUPS_MAX = 1_000
"""Most values of the column that divides customers."""
_ENDLESS = 2**31


@dataclass(frozen=True)
class Watching:
    """What is watched."""

    on: date
    """The last day."""
    window_days: int
    """Days up to it on which leaving is seen."""
    group_by: str | None
    """Column of the customers' table that divides them."""


def tenures(engine: Engine, customer: Files, holding: Files, watching: Watching) -> ibis.Table:
    """One row per customer who ever owned an account.

    Returns:
        customer_id, party (the group), stays, tenure (days until today, or until the last account closed), entry
        (tenure at which watching began), leaves (whether the end of tenure was watched).
    """
    import ibis

    held = engine.scan(holding)
    held = held.filter(held.role == "owner")
    today = ibis.literal(watching.on)
    since = held.mutate(
        opened=today.delta(held.opened_on, unit="day").cast("int64"),
        closed=today.delta(held.closed_on, unit="day").cast("int64"),
    )
    found = since.group_by("customer_id").aggregate(
        opened=since.opened.max(), closed=since.closed.min(), stays=since.is_open.any()
    )
    gone = found.closed.fill_null(0)
    tenure = ibis.ifelse(found.stays, found.opened, ibis.greatest(found.opened - gone, 0))
    rows = found.select(
        "customer_id",
        "stays",
        tenure=tenure,
        entry=ibis.greatest(found.opened - watching.window_days, 0),
        leaves=~found.stays & (gone < watching.window_days),
    )
    people = engine.scan(customer)
    party = ibis.literal("") if watching.group_by is None else people[watching.group_by].cast("string").fill_null("")
    return people.select("customer_id", party=party).inner_join(rows, "customer_id")


def factors(engine: Engine, found: ibis.Table, horizon_days: float, discount_rate: float) -> ibis.Table:
    """What a yearly amount is worth: party, step (of tenure), years (discounted), survival.

    Args:
        engine: Where sets are computed.
        found: As `tenures` gives it.
        horizon_days: How far one looks.
        discount_rate: Per year.
    """
    import pyarrow as pa

    names, watched = watch(engine, found)
    ahead = staying(hazards(watched), horizon_days, discount_rate)
    columns = {
        "party": pa.array([name for name in names for _ in range(STEPS)], pa.large_string()),
        "step": pa.array(np.tile(np.arange(STEPS, dtype=np.int64), len(names))),
        "years": pa.array(ahead.years.ravel()),
        "survival": pa.array(ahead.survival.ravel()),
    }
    return engine.load(pa.table(columns))


def watch(engine: Engine, found: ibis.Table) -> tuple[list[str], Watched]:
    """Groups in order, and what was watched of each.

    Raises:
        CultivaError: if the groups are too many.
    """
    import ibis

    counted = {}
    for number, (begin, end) in enumerate(pairwise((*EDGES_DAYS, _ENDLESS))):
        span = ibis.least(found.tenure, end) - ibis.greatest(found.entry, begin)
        counted[f"days_{number}"] = ibis.greatest(span, 0).sum().cast("!int64")
        counted[f"left_{number}"] = (found.leaves & (found.tenure >= begin) & (found.tenure < end)).sum()
    rows = sorted(engine.fetch(found.group_by("party").aggregate(**counted)).to_pylist(), key=lambda row: row["party"])
    if len(rows) > GROUPS_MAX:
        raise CultivaError(
            "the column that divides customers by how they leave has too many values",
            code="lifetime.too_many_groups",
            seen=f"{len(rows):,} values",
            allowed=f"at most {GROUPS_MAX:,}",
            hint="choose another column for `lifetime: group_by` in value.yaml, e.g. party_type",
        )
    bands = range(len(EDGES_DAYS))
    left, days = (
        np.array([[float(row[f"{what}_{number}"] or 0) for number in bands] for row in rows]).reshape(-1, len(bands))
        for what in ("left", "days")
    )
    return [row["party"] for row in rows], Watched(left, days)


def step_of(tenure: ibis.Value) -> ibis.Value:
    """The step of tenure, as in the table of factors."""
    import ibis

    whole = ((tenure - tenure % STEP_DAYS) / STEP_DAYS).round().cast("int64")
    return ibis.least(whole, STEPS - 1)
