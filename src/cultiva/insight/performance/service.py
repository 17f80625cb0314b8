"""Writes the performance of a day: one row per customer with what came in and what was done since the last run."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.tables import ACCOUNT
from cultiva.definitions.workspace import Workspace
from cultiva.engine.aggregates import columns_read
from cultiva.engine.port import Engine, Files, Written
from cultiva.insight.performance.plan import HOLDING, PerformancePlan, Period, performance_plan
from cultiva.insight.profile.inputs import ProfileInputs
from cultiva.insight.views.balances import average_balances, average_name
from cultiva.insight.views.holding import Worth, money_steps

if TYPE_CHECKING:
    import ibis

AVERAGES = ("average_balance_30d", "average_balance_90d", "average_balance_365d")
"""Columns of the holding view that stand for the period's average here."""


@dataclass(frozen=True)
class PerformanceInputs:
    """What the performance of a day reads."""

    seen: ProfileInputs
    """What the profile is made of: customers, and the rows of every view."""
    profile: Files
    """The day's profile, for metrics that are tags."""
    account: Files
    """Accounts as delivered."""
    worth: Worth
    """Where balances come from."""


def make_performance(
    engine: Engine, inputs: PerformanceInputs, workspace: Workspace, period: Period, folder: Path
) -> Written:
    """Writes the lake table `performance`, sorted by customer_id.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: A checked workspace.
        period: The days that count.
        folder: New folder; one beside it, with `-parts` added, holds the parts meanwhile.

    Returns:
        What was written: customer_id, business_date, since, days, contribution, `component_<name>`,
        `category_<product category>`, `metric_<name>`, and `level_<metric>` for metrics that are tags.
    """
    plan = performance_plan(workspace, [name for name, rows in inputs.seen.views.items() if rows.files], period)
    work = folder.with_name(folder.name + "-parts")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        parts = [*_aggregates(engine, inputs, plan, period, work), *_levels(engine, inputs.profile, plan, work)]
        steps = [plan.first, {"contribution": plan.contribution}]
        return engine.assemble(inputs.seen.customer, parts, steps, folder, keep=plan.keep)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _aggregates(
    engine: Engine, inputs: PerformanceInputs, plan: PerformancePlan, period: Period, work: Path
) -> list[list[Path]]:
    found = []
    for view, columns in plan.passes.items():
        rows, folder, read = inputs.seen.views[view], work / f"view-{view}", columns_read(columns)
        files = rows.files if view != HOLDING else _holdings(engine, inputs, period, read, work / "holding")
        engine.aggregate(files, columns, folder, through=rows.through, where=plan.within.get(view))
        found.append([folder])
    return found


def _holdings(engine: Engine, inputs: PerformanceInputs, period: Period, read: frozenset[str], folder: Path) -> Files:
    """The day's holdings with every average balance taken over the period, in the columns that are read."""
    files = inputs.seen.views[HOLDING].files
    if not read & frozenset(AVERAGES):
        return files
    whole, others = engine.scan(files), sorted(read - {"customer_id", "account_id"})
    known = average_name(period.days)
    if known in whole.columns:
        replaced = {name: whole[known] for name in AVERAGES if name in read}
        engine.write(whole.mutate(**replaced).select("customer_id", "account_id", *others), folder)
        return [folder]
    held = whole.select("customer_id", "account_id", *others)
    accounts = engine.scan(inputs.account, columns=ACCOUNT.columns)
    steps, _ = money_steps(engine, inputs.worth)
    averages = average_balances(steps, accounts, period.on, period.days)
    engine.write(_averaged(held, averages.rename(period_account="account_id")), folder)
    return [folder]


def _averaged(held: ibis.Table, averages: ibis.Table) -> ibis.Table:
    joined = held.left_join(averages, held.account_id == averages.period_account)
    average = joined.average_balance.fill_null(0)
    replaced = [name for name in AVERAGES if name in held.columns]
    return joined.mutate(**dict.fromkeys(replaced, average)).select(*held.columns)


def _levels(engine: Engine, profile: Files, plan: PerformancePlan, work: Path) -> list[list[Path]]:
    if not plan.levels or not profile:
        return []
    table = engine.scan(profile)
    columns = {level: table[tag] for level, tag in plan.levels.items()}
    engine.write(table.select("customer_id", **columns), work / "levels", sort_by=("customer_id",))
    return [[work / "levels"]]
