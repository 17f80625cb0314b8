"""A bank of hand-made tables: who was decided about, what they brought in, who was contacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from tests.strategy.conftest import TEXT, offer, strategy, workspace

from cultiva.contracts.tables import CONTACT, OUTCOME
from cultiva.contracts.types import Column, DataType
from cultiva.definitions.review import Metric, Review
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import write_arrow
from cultiva.engine.types import STORED
from cultiva.strategy.service import DECISION_TYPES

DAY = date(1994, 3, 2)
WEEK = timedelta(days=7)
Row = dict[str, Any]


def metric(name: str, unit: str = "share", **given: Any) -> Metric:
    return Metric.model_validate({"name": name, "label": TEXT, "unit": unit, **given})


def bank(**review: Any) -> Workspace:
    """Strategy `a` (fund, which sells funds and costs 5 once taken) and `b`, with holdouts; four metrics."""
    space = workspace(
        strategy("a", offers=("fund",), holdout=0.5),
        strategy("b", offers=("card", "gift"), holdout=0.5),
        offers=(offer("card", category="card"), offer("gift")),
        global_holdout=0.5,
    )
    offers = {**space.offers, "fund": offer("fund", category="fund", unit_cost=5.0, prior_worth=10.0)}
    channels = tuple(
        one.model_copy(update={"unit_cost": {"call": 10.0, "sms": 1.0}.get(one.name, 0.0)})
        for one in space.policy.channels
    )
    given = {
        "metrics": (
            metric("conversion", aggregate={"table": "outcome", "function": "count"}),
            metric("fees", "money", aggregate={"table": "transaction", "function": "sum", "value": "-amount"}),
            metric("aum", "money", tag="aum", covariate="aum"),
            metric("upset", tag="complaining", better="less"),
        ),
        "covariate": "current_value",
        "horizon_days": 28,
    }
    policy = space.policy.model_copy(update={"channels": channels})
    return replace(space, offers=offers, policy=policy, review=Review(**{**given, **review}))


ID = Column("customer_id", DataType.INTEGER)
DECISION = [Column(name, kind) for name, kind in DECISION_TYPES.items()]
PROFILE = [
    ID,
    Column("stage", DataType.TEXT),
    Column("value_tier", DataType.TEXT),
    Column("current_value", DataType.MONEY),
    Column("aum", DataType.MONEY),
]
CUSTOMER = [ID, Column("branch_id", DataType.TEXT), Column("adviser_id", DataType.TEXT)]
IDENTITY = [Column("source_system", DataType.TEXT), Column("source_id", DataType.TEXT), ID]
PERFORMANCE = [
    ID,
    Column("business_date", DataType.DATE),
    *(Column(name, DataType.MONEY) for name in ("contribution", "category_fund", "category_card", "metric_fees")),
    Column("metric_conversion", DataType.INTEGER),
    Column("level_aum", DataType.MONEY),
    Column("level_upset", DataType.BOOLEAN),
]


def put(folder: Path, rows: Sequence[Row], columns: Sequence[Column]) -> list[Path]:
    """Writes rows as a lake folder."""
    arrays = {one.name: pa.array([row.get(one.name) for row in rows], STORED[one.type].arrow) for one in columns}
    write_arrow(pa.table(arrays), folder)
    return [folder]


def decided(customer_id: int, fate: str = "chosen", **more: Any) -> Row:
    """One decision of strategy `a`, exposed unless said otherwise."""
    usual = {"strategy": "a", "offer": "fund", "channel": "call", "ranked_by": "rules", "assigned_share": 1.0}
    placed = {"branch_id": "B1", "adviser_id": "A1", "exposed": True}
    return {**usual, **placed, "customer_id": customer_id, "fate": fate, **more}


def known(customer_id: int, **more: Any) -> Row:
    """One profile row."""
    usual = {"stage": "mature", "value_tier": "basic", "current_value": 100, "aum": 1000}
    return {**usual, "customer_id": customer_id, **more}


def brought(customer_id: int, on: date, contribution: float, **more: Any) -> Row:
    """One performance row."""
    usual = {"category_fund": 0, "category_card": 0, "metric_fees": 0, "metric_conversion": 0, "level_aum": 1000}
    row = {"customer_id": customer_id, "business_date": on, "contribution": _money(contribution), "level_upset": False}
    return {**usual, **row, **more}


def _money(amount: float) -> Any:
    from decimal import Decimal

    return Decimal(f"{amount:.2f}")


def contact(customer_id: int, day: date, channel: str = "call", status: str | None = "delivered", **more: Any) -> Row:
    """One contact."""
    named = {
        "touch_id": f"{customer_id}-{day}-{channel}-{status}",
        "source_system": "core",
        "source_id": f"P{customer_id}",
    }
    said = {"channel": channel, "status": status, "strategy": "a", "offer": "fund"}
    return {**named, **said, "at": datetime.combine(day, time(10)), **more}


def identities(ids: Sequence[int]) -> list[Row]:
    """One party record per customer."""
    return [{"source_system": "core", "source_id": f"P{one}", "customer_id": one} for one in ids]


def outcome(customer_id: int, day: date) -> Row:
    """Something taken up."""
    named = {"outcome_id": f"{customer_id}-{day}", "source_system": "core", "source_id": f"P{customer_id}"}
    return {**named, "at": datetime.combine(day, time(11)), "name": "product_opened"}


CONTACTS, OUTCOMES = list(CONTACT.columns), list(OUTCOME.columns)
