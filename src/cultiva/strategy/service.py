"""The plan of a day: every strategy's candidates, judged, in competition, with one fate each."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate
from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Files, Written
from cultiva.rules import Scope, compile_rule
from cultiva.strategy import competition
from cultiva.strategy.assessment import assessed
from cultiva.strategy.candidates import COLUMNS, candidates, settled
from cultiva.strategy.desk import Papers, lay_out
from cultiva.strategy.offering import drawn_offers
from cultiva.strategy.ranking import Ranking, read_learnt, with_foreseen, with_learnt

if TYPE_CHECKING:
    import ibis

DAYS_PER_WORKING_WEEK = 5
"""Adviser capacity is given per week and spent evenly over its working days."""


@dataclass(frozen=True)
class PlanInputs:
    """What the plan of a day reads; every entry is a list of Parquet folders, empty if the bank has no such table."""

    profile: Files
    customer: Files
    identity_map: Files
    consent: Files
    contact: Files
    staff: Files
    past_decisions: Files
    """Decisions of earlier business dates within the longest cap window."""
    learnt: Files = ()
    """What the last review has learnt."""
    worth: Files = ()
    """What is foreseen for single customers: customer_id, strategy, offer, worth in money after cost."""


def plan(engine: Engine, inputs: PlanInputs, workspace: Workspace, on: date, folder: Path) -> Written:
    """Decides for every candidate of every active strategy and writes the lake table `decisions`.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Its strategies, offers and contact policy.
        on: Business date.
        folder: New folder for the result; a folder beside it, with `-desk` added, holds what is laid out meanwhile.

    Returns:
        What was written: columns `candidates.COLUMNS` and business_date, sorted by customer and strategy.
    """
    work = folder.with_name(folder.name + "-desk")
    shutil.rmtree(work, ignore_errors=True)
    rules = _Rules(profile_scope(workspace), on)
    strategies = [strategy for strategy in workspace.strategies.values() if strategy.active]
    try:
        ranking = Ranking(workspace, read_learnt(engine, inputs.learnt), on)
        desk = lay_out(_papers(engine, inputs, workspace), workspace, on)
        desk = with_learnt(desk, ranking.learnt, workspace.review, engine)
        if inputs.worth:
            desk = with_foreseen(desk, engine.scan(inputs.worth), strategies)
        answered = assessed(desk, strategies, workspace, on=on, rule=rules, ranking=ranking)
        engine.write(answered, work / "desk")
        desk = _with_offers(engine, engine.scan([work / "desk"]), ranking, strategies, work / "offers")
        if not strategies:
            return _write(engine, _no_decisions(desk), on, folder)
        engine.write(_everyone(desk, ranking, strategies), work / "candidates")
        decided = _decide(engine, desk, engine.scan([work / "candidates"]), inputs, ranking, strategies)
        return _write(engine, decided, on, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@dataclass(frozen=True)
class _Rules:
    """Compiles rule texts of one workspace for one day."""

    scope: Scope
    on: date

    def __call__(self, text: str, table: ibis.Table) -> ibis.Value:
        return compile_rule(text, self.scope).form(self.on).ibis(table)


def _papers(engine: Engine, inputs: PlanInputs, workspace: Workspace) -> Papers:
    ids = engine.scan(inputs.identity_map)
    profile = engine.scan(inputs.profile)
    return Papers(
        profile=profile,
        customer=engine.scan(inputs.customer),
        consent=_of_customers(engine, inputs.consent, ids, ("purpose", "channel", "granted"), profile),
        touches=_touches(engine, inputs, ids, profile, workspace),
    )


def _of_customers(
    engine: Engine, files: Files, ids: ibis.Table, columns: tuple[str, ...], profile: ibis.Table
) -> ibis.Table:
    """A table keyed by source ids, keyed by customer instead; no rows if the bank has no such table."""
    if not files:
        return _nothing(profile, columns)
    table = engine.scan(files)
    return table.inner_join(ids, ["source_system", "source_id"]).select("customer_id", *columns)


_TYPES = {"granted": "boolean", "touched_on": "date"}


def _nothing(profile: ibis.Table, columns: tuple[str, ...]) -> ibis.Table:
    """No rows, with the right columns; made from a table of the same backend, as joins demand."""
    import ibis

    empty = profile.filter(ibis.literal(False))
    return empty.select("customer_id", **{name: ibis.null(_TYPES.get(name, "string")) for name in columns})


TOUCH_COLUMNS = ("touched_on", "channel", "strategy", "offer")


def _touches(
    engine: Engine, inputs: PlanInputs, ids: ibis.Table, profile: ibis.Table, workspace: Workspace
) -> ibis.Table:
    """Touches that count: the contact history, and our own proposals that the history does not show yet."""
    recorded = _recorded(engine, inputs, ids, profile)
    touching = [channel.name for channel in workspace.policy.channels if channel.touch]
    if not inputs.past_decisions:
        return recorded.filter(recorded.channel.isin(touching))
    past = engine.scan(inputs.past_decisions)
    own = past.filter(past.fate == "chosen").select(
        "customer_id", "channel", "strategy", "offer", touched_on=past.business_date
    )
    unseen = own.anti_join(recorded, ["customer_id", "strategy", "offer"])
    both = recorded.union(unseen.select(*recorded.columns))
    return both.filter(both.channel.isin(touching))


def _recorded(engine: Engine, inputs: PlanInputs, ids: ibis.Table, profile: ibis.Table) -> ibis.Table:
    if not inputs.contact:
        return _nothing(profile, TOUCH_COLUMNS)
    contact = engine.scan(inputs.contact)
    held = contact.filter(contact.status.isnull() | (contact.status != "failed"))
    keyed = held.inner_join(ids, ["source_system", "source_id"])
    return keyed.select("customer_id", "channel", "strategy", "offer", touched_on=keyed["at"].date()).select(
        "customer_id", *TOUCH_COLUMNS
    )


def _with_offers(
    engine: Engine, desk: ibis.Table, ranking: Ranking, strategies: list[Strategy], folder: Path
) -> ibis.Table:
    """The desk with the offers that are drawn or foreseen, where there are any."""
    drawn = drawn_offers(desk, strategies, ranking)
    if not drawn:
        return desk
    engine.write(desk.select(*desk.columns, **drawn), folder)
    return engine.scan([folder])


def _everyone(desk: ibis.Table, ranking: Ranking, strategies: list[Strategy]) -> ibis.Table:
    """The candidates of all strategies, none of them compared with another."""
    each = [candidates(desk, one, ranking.workspace) for one in strategies]
    return reduce(lambda left, right: left.union(right), each)


def _decide(
    engine: Engine,
    desk: ibis.Table,
    everyone: ibis.Table,
    inputs: PlanInputs,
    ranking: Ranking,
    strategies: list[Strategy],
) -> ibis.Table:
    """The candidates with their fates; only those that nothing stands against are sorted and compete."""
    import ibis

    workspace = ranking.workspace
    living = everyone.filter(everyone.fate == Fate.CHOSEN.value)
    once = competition.for_the_same_offer(living)
    noticed = competition.for_attention(once, desk, workspace)
    human = [channel.name for channel in workspace.policy.channels if channel.kind == "human"]
    week = _week(engine, inputs, desk)
    served = competition.for_hands(noticed, strategies, week, human)
    others = everyone.filter(everyone.fate != Fate.CHOSEN.value).select(*served.columns)
    return settled(served.union(others)).mutate(decided_value=ibis._.decided_value + 0.0)


def _no_decisions(desk: ibis.Table) -> ibis.Table:
    import ibis

    types = {"rank_value": "float64", "decided_value": "float64", "assigned_share": "float64", "exposed": "boolean"}
    empty = desk.filter(ibis.literal(False))
    others = {name: ibis.null(types.get(name, "string")) for name in (*COLUMNS, "exposed") if name != "customer_id"}
    return empty.select("customer_id", **others)


def _week(engine: Engine, inputs: PlanInputs, desk: ibis.Table) -> ibis.Table:
    """adviser_id and contacts_per_day from the staff table; no rows if there is none."""
    import ibis

    if not inputs.staff:
        empty = desk.filter(ibis.literal(False))
        return empty.select(adviser_id=ibis.null("string"), contacts_per_day=ibis.null("int64"))
    staff = engine.scan(inputs.staff)
    per_day = (staff.contacts_per_week_max / DAYS_PER_WORKING_WEEK).ceil().cast("int64")
    return staff.select(adviser_id=staff.staff_id, contacts_per_day=per_day)


def _write(engine: Engine, decided: ibis.Table, on: date, folder: Path) -> Written:
    import ibis

    stamped = decided.select(*COLUMNS, "exposed", business_date=ibis.literal(on))
    return engine.write(stamped, folder, sort_by=("customer_id", "strategy"))


DECISION_TYPES: Mapping[str, DataType] = {
    "customer_id": DataType.INTEGER,
    "strategy": DataType.TEXT,
    "offer": DataType.TEXT,
    "channel": DataType.TEXT,
    "rank_value": DataType.NUMBER,
    "fate": DataType.TEXT,
    "decided_by": DataType.TEXT,
    "decided_value": DataType.NUMBER,
    "branch_id": DataType.TEXT,
    "adviser_id": DataType.TEXT,
    "ranked_by": DataType.TEXT,
    "assigned_share": DataType.NUMBER,
    "exposed": DataType.BOOLEAN,
    "business_date": DataType.DATE,
}
"""Columns of the lake table `decisions`."""
