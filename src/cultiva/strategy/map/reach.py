"""Reach: whom strategies touched lately and what that cost, whom they have in their experiments, and who wants whom.

Each answer is one grouped aggregate; what comes back has a row per strategy and kind of customer, not per customer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cultiva.contracts.decision import Fate
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Files
from cultiva.strategy.map.axes import Axes
from cultiva.strategy.map.population import METRIC, bits, rows_where, word_columns, words

if TYPE_CHECKING:
    import ibis

NOT_DONE = "not_done"
"""Status of a contact that nobody attempted: it costs nothing."""
FAILED = "failed"
"""Status of one that was attempted and did not take place: it costs, and touched nobody."""
UNWANTED = (Fate.SUPPRESSED, Fate.NOT_ELIGIBLE, Fate.NOT_APPLICABLE, Fate.UNSUITABLE, Fate.NO_CONSENT)
"""Fates of candidates whom the strategy's own definition or the contact policy rules out: it is not after them."""
PRICE = "decimal(18, 4)"
"""Type of unit costs while they are added up, so that sums do not depend on the order of rows."""
TREATED, CONTROLS = "treated", ("held_out", "held_out_global")
"""Arms of an experiment as the lake table `exposure` names them."""


@dataclass(frozen=True)
class Reach:
    """One row per strategy and kind of customer that it touched, or that takes part in its experiment."""

    strategy: NDArray[np.str_]
    stage: NDArray[np.str_]
    tier: NDArray[np.str_]
    groups: NDArray[np.bool_]
    """Rows x groups."""
    customers: NDArray[np.int64]
    contacts: NDArray[np.int64]
    """Touches; 1 per customer for experiments."""
    contact_cost: NDArray[np.float64]
    """Money for the channels."""
    offer_cost: NDArray[np.float64]
    """Money for the offers, were every customer touched to take one up, the dearest."""

    def of_tier(self, tier: str) -> Reach:
        """The rows of one value tier."""
        return rows_where(self, self.tier == tier)


@dataclass(frozen=True)
class Rivalry:
    """Customers for whom the same strategies are after the same thing."""

    thing: str
    """An offer, or an exclusive group of offers."""
    wanted_by: tuple[str, ...]
    """Strategies that would propose it, in the order of the axes."""
    won_by: tuple[str, ...]
    """Those of them that do today."""
    customers: int
    tier: str = ""
    """Their value tier; empty: none, or any."""


@dataclass(frozen=True)
class Levels:
    """The metric of a strategy's objective, as it stands today on one side of its experiment."""

    strategy: str
    treated: bool
    customers: int
    mean: float
    variance: float
    tier: str = ""
    """Their value tier; empty: none, or any."""


def touches(engine: Engine, files: Mapping[str, Files], workspace: Workspace, on: date) -> ibis.Table | None:
    """Who was touched by which strategy lately: what the contact history says, and proposals it does not know yet.

    Args:
        engine: Where sets are computed.
        files: `proposals` (decisions of the window), `contact`, `identity_map`.
        workspace: Its map's window, and unit costs.
        on: Business date, the last day of the window.

    Returns:
        One row per customer and strategy: contacts, contact_cost, offer_cost. None if there is nothing to read.
    """
    import ibis

    parts = []
    columns = ("customer_id", "strategy", "channel", "offer", "done")
    known = _recorded(engine, files, workspace, on) if files["contact"] else None
    if files["proposals"]:
        decided = engine.scan(files["proposals"])
        own = decided.filter(decided.fate == Fate.CHOSEN.value).mutate(done=ibis.literal(True)).select(*columns)
        parts.append(own if known is None else own.anti_join(known, ["customer_id", "strategy", "offer"]))
    if known is not None:
        parts.append(known.filter(known.attempted).select(*columns))
    if not parts:
        return None
    every = parts[0] if len(parts) == 1 else parts[0].union(parts[1])
    every = every.filter(every.strategy.isin(list(workspace.strategies)))
    channels = {one.name: one.unit_cost for one in workspace.policy.channels}
    offers = {one.name: one.unit_cost for one in workspace.offers.values()}
    nothing = ibis.literal(0).cast(PRICE)
    costed = every.mutate(
        by_channel=_price(every.channel, channels),
        by_offer=ibis.ifelse(every.done, _price(every.offer, offers), nothing),
    )
    return costed.group_by("customer_id", "strategy").aggregate(
        contacts=costed.done.sum().cast("int64"),
        contact_cost=costed.by_channel.sum().cast("float64"),
        offer_cost=costed.by_offer.max().cast("float64"),
    )


def _recorded(engine: Engine, files: Mapping[str, Files], workspace: Workspace, on: date) -> ibis.Table:
    """Contacts of the window under the customer's id, with whether anybody attempted them and whether they took place.

    A proposal that nobody attempted is known too, so that it is not taken for one that the history has yet to show.
    """
    import ibis

    contact, ids = engine.scan(files["contact"]), engine.scan(files["identity_map"])
    day = contact["at"].date()
    since = on - timedelta(days=workspace.map.touched_days)
    within = contact.filter((day > ibis.literal(since)) & (day <= ibis.literal(on)) & contact.strategy.notnull())
    keyed = within.inner_join(ids, ["source_system", "source_id"])
    status = keyed.status.fill_null(ibis.literal(""))
    return keyed.select(
        "customer_id", "strategy", "channel", "offer",
        attempted=status != NOT_DONE, done=status.notin([NOT_DONE, FAILED]),
    )  # fmt: skip


def _price(column: ibis.Value, costs: Mapping[str, float]) -> ibis.Value:
    import ibis

    named = [(column == name, ibis.literal(cost).cast(PRICE)) for name, cost in costs.items() if cost]
    nothing = ibis.literal(0).cast(PRICE)
    return ibis.cases(*named, else_=nothing) if named else nothing


def reach_of(engine: Engine, rows: ibis.Table, customers: ibis.Table, axes: Axes) -> Reach:
    """Rows per customer and strategy, counted by the customers' kinds.

    Args:
        engine: Where sets are computed.
        rows: customer_id, strategy, contacts, contact_cost, offer_cost.
        customers: `population.base`, laid out.
        axes: Groups.
    """
    keys = ["stage", "tier", *word_columns("g", len(axes.groups))]
    joined = rows.inner_join(customers.select("customer_id", *keys), "customer_id")
    sums = {name: joined[name].sum() for name in ("contacts", "contact_cost", "offer_cost")}
    counted = joined.group_by(["strategy", *keys]).aggregate(customers=(joined.contacts > 0).sum(), **sums)
    found = engine.fetch(counted.order_by(["strategy", *keys]))
    return Reach(
        strategy=np.array(found["strategy"].to_pylist(), dtype=np.str_),
        stage=np.array(found["stage"].to_pylist(), dtype=np.str_),
        tier=np.array(found["tier"].to_pylist(), dtype=np.str_),
        groups=bits(found, "g", len(axes.groups)),
        customers=found["customers"].to_numpy().astype(np.int64),
        contacts=found["contacts"].to_numpy().astype(np.int64),
        contact_cost=found["contact_cost"].to_numpy().astype(np.float64),
        offer_cost=found["offer_cost"].to_numpy().astype(np.float64),
    )


def enrolled(engine: Engine, exposure: Files, strategies: Sequence[str]) -> ibis.Table | None:
    """Those whom a strategy could touch since its experiment began, as rows of `reach_of`. None without experiments."""
    import ibis

    if not exposure:
        return None
    table = engine.scan(exposure)
    mine = table.filter((table.arm == TREATED) & table.strategy.isin(list(strategies)))
    none = ibis.literal(0.0, "float64").cast("!float64")
    return mine.select("customer_id", "strategy", contacts=ibis.literal(1, "int64"), contact_cost=none, offer_cost=none)


def levels(engine: Engine, exposure: Files, customers: ibis.Table, workspace: Workspace) -> list[Levels]:
    """Today's level of every objective's metric on both sides of its experiment.

    Returns:
        At most two entries per strategy and value tier; means and variances of the metric over customers who are
        still there.
    """
    import ibis

    metrics = {
        name: f"{METRIC}{one.objective.metric}"
        for name, one in workspace.strategies.items()
        if f"{METRIC}{one.objective.metric}" in customers.columns
    }
    if not exposure or not metrics:
        return []
    table = engine.scan(exposure)
    mine = table.filter(table.arm.isin([TREATED, *CONTROLS]) & table.strategy.isin(list(metrics)))
    joined = mine.select("customer_id", "strategy", "arm").inner_join(customers, "customer_id")
    value = ibis.cases(*[(joined.strategy == name, joined[column]) for name, column in metrics.items()])
    sides = joined.mutate(value=value, treated=joined.arm == TREATED)
    sides = sides.filter(sides.value.notnull())
    found = sides.group_by("strategy", "treated", "tier").aggregate(
        n=sides.count(), mean=sides.value.mean(), variance=sides.value.var(how="sample")
    )
    return [
        Levels(row["strategy"], row["treated"], row["n"], row["mean"], row["variance"] or 0.0, row["tier"])
        for row in engine.fetch(found.order_by(["strategy", "treated", "tier"])).to_pylist()
    ]


def rivalries(
    engine: Engine, decisions: Files, customers: ibis.Table, axes: Axes, workspace: Workspace
) -> list[Rivalry]:
    """Who is after the same customers with the same offer, or with offers of one exclusive group.

    A strategy is after a customer if nothing in its definition or in the contact policy rules the customer out:
    chosen, held out, or lost to others or to limits. One row per customer, thing and strategy, so that bits add up.
    """
    import ibis

    if not decisions:
        return []
    table = engine.scan(decisions)
    wanted = table.filter(table.fate.notin([fate.value for fate in UNWANTED]) & table.strategy.isin(axes.strategies))
    wanted = wanted.inner_join(customers.select("customer_id", "tier"), "customer_id")
    thing = _thing(wanted.offer, workspace)
    strategies = len(axes.strategies)
    chosen = (wanted.fate == Fate.CHOSEN.value).name("won")
    keys = ["customer_id", "tier", "thing"]
    once = wanted.select("customer_id", "tier", "strategy", chosen, thing=thing).group_by([*keys, "strategy"])
    each = once.aggregate(won=ibis._.won.max())
    flags = words("w", [each.strategy == name for name in axes.strategies])
    won = words("c", [(each.strategy == name) & each.won for name in axes.strategies])
    each = each.select(*keys, "strategy", **flags, **won)
    names = [*word_columns("w", strategies), *word_columns("c", strategies)]
    per = each.group_by(keys).aggregate(
        first=each.strategy.min(), last=each.strategy.max(), **{name: each[name].sum() for name in names}
    )
    per = per.filter(per["first"] != per["last"])
    found = engine.fetch(per.group_by(["tier", "thing", *names]).aggregate(customers=per.count()))
    return list(_told(found, axes))


def pooled(levels: Iterable[Levels]) -> list[Levels]:
    """Levels of every tier made one per strategy and side.

    Examples:
        >>> parts = [Levels("a", True, 2, 1.0, 2.0, "low"), Levels("a", True, 2, 5.0, 2.0, "top")]
        >>> [(one.customers, one.mean, round(one.variance, 3)) for one in pooled(parts)]  # of 0, 2, 4, 6
        [(4, 3.0, 6.667)]
    """
    sides: dict[tuple[str, bool], list[Levels]] = {}
    for one in levels:
        sides.setdefault((one.strategy, one.treated), []).append(one)
    return [_one_level(found) for found in sides.values()]


def _one_level(parts: Sequence[Levels]) -> Levels:
    count = sum(one.customers for one in parts)
    mean = sum(one.customers * one.mean for one in parts) / count
    squares = sum((one.customers - 1) * one.variance + one.customers * (one.mean - mean) ** 2 for one in parts)
    return Levels(parts[0].strategy, parts[0].treated, count, mean, squares / (count - 1) if count > 1 else 0.0)


def _thing(offer: ibis.Value, workspace: Workspace) -> ibis.Value:
    """The exclusive group of an offer, or the offer itself."""
    import ibis

    named = [(offer == one.name, ibis.literal(one.group)) for one in workspace.offers.values() if one.group]
    return ibis.cases(*named, else_=offer) if named else offer


def _told(found: Any, axes: Axes) -> list[Rivalry]:
    wanted, won = bits(found, "w", len(axes.strategies)), bits(found, "c", len(axes.strategies))
    tiers, things, counts = (found[name].to_pylist() for name in ("tier", "thing", "customers"))
    names = np.array(axes.strategies, dtype=np.str_)
    return [
        Rivalry(thing, tuple(map(str, names[wanted[row]])), tuple(map(str, names[won[row]])), int(counts[row]), tier)
        for row, (tier, thing) in enumerate(zip(tiers, things, strict=True))
    ]
