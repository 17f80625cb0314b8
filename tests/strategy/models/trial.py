"""Randomised worlds with a known effect, as the lake would have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tests.strategy.conftest import offer, strategy, tag, workspace

from cultiva.contracts.types import DataType
from cultiva.definitions.models import Models
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import write_arrow

DAY = date(1994, 3, 2)
TYPES = {
    "age": DataType.INTEGER,
    "wealth": DataType.MONEY,
    "digital": DataType.BOOLEAN,
    "joined_on": DataType.DATE,
    "job": DataType.TEXT,
}
Effect = Callable[[dict[str, Any]], Any]


def space(**models: Any) -> Workspace:
    """Two strategies over two funds and a card, with tags of every kind."""
    offers = (
        offer("fund", category="fund", prior_worth=5.0),
        offer("bond", category="fund", prior_worth=5.0),
        offer("card", category="card", prior_worth=5.0),
    )
    found = workspace(
        strategy("a", offers=("fund",), holdout=0.3), strategy("b", offers=("card",), holdout=0.3), offers=offers
    )
    tags = {name: tag(name, kind) for name, kind in TYPES.items()}
    given = {"rows_min": 1000, "promotion": {"held_back": 0.25}, **models}
    return replace(found, tags=tags, models=Models.model_validate(given))


def people(count: int, seed: int = 1) -> dict[str, Any]:
    """Customers with their tags."""
    draw = np.random.default_rng(seed)
    return {
        "customer_id": np.arange(1, count + 1),
        "age": draw.integers(18, 90, count),
        "wealth": np.round(draw.lognormal(9, 1, count), 2),
        "digital": draw.random(count) < 0.5,
        "joined_on": np.datetime64("1994-01-01") - draw.integers(0, 3000, count),
        "job": draw.choice(["clerk", "farmer", "doctor", "teacher"], count),
    }


@dataclass
class World:
    """A randomised world on disk."""

    panel: list[Path]
    features: list[Path]
    known: dict[str, Any]
    truth: Any
    """Effect of each customer, in money over the horizon."""
    more: dict[str, Any] = field(default_factory=dict)


def world(
    root: Path,
    effect: Effect,
    *,
    count: int = 8000,
    seed: int = 1,
    share: float = 0.3,
    noise: float = 20.0,
    planted: Callable[[dict[str, Any], Any, Any], dict[str, Any]] | None = None,
    known_on: date = DAY,
    days: float = 84.0,
) -> World:
    """Lets half of the customers enrol in strategy a, half in b, and writes panel and feature log.

    `planted` changes the logged tags, knowing who was treated and what came of it.
    """
    draw, known = np.random.default_rng(seed + 1), people(count, seed)
    left_alone = draw.random(count) < share
    truth = np.asarray(effect(known), dtype=float)
    base = 0.002 * known["wealth"] + 10 * known["digital"]
    money = base + draw.normal(0, noise, count) + np.where(left_alone, 0.0, truth)
    chance = 0.05 + 0.3 * known["digital"]
    taken = ~left_alone & (draw.random(count) < chance)
    first = known["customer_id"] % 2 == 0
    days_back = timedelta(0)
    enrolled = [DAY - days_back] * count
    panel = pa.table({
        "strategy": np.where(first, "a", "b").tolist(),
        "customer_id": known["customer_id"],
        "offer": np.where(first, "fund", "card").tolist(),
        "channel": ["call"] * count,
        "arm": np.where(left_alone, "control", "treated").tolist(),
        "control_share": np.full(count, share),
        "assigned_share": np.ones(count),
        "enrolled_on": pa.array(enrolled, pa.date32()),
        "days": np.full(count, days),
        "contribution": money,
        "cost": np.where(left_alone, 0.0, 1.0),
        "taken": taken.astype(float),
        "touched": (~left_alone).astype(float),
    })  # fmt: skip
    write_arrow(panel, root / "panel")
    tags = {**known, **(planted(known, left_alone, money) if planted else {})}
    log_features_by_hand(root / "features", tags, enrolled, known_on)
    return World([root / "panel"], [root / "features"], known, truth, {"money": money, "left_alone": left_alone})


def profile_table(known: dict[str, Any]) -> pa.Table:
    """Tags as the profile has them."""
    return pa.table({
        "customer_id": known["customer_id"],
        "age": pa.array(known["age"], pa.int64()),
        "wealth": pa.array(np.round(known["wealth"], 2), pa.float64()).cast(pa.decimal128(18, 2), safe=False),
        "digital": pa.array(known["digital"]),
        "joined_on": pa.array(known["joined_on"].astype("datetime64[D]")),
        "job": pa.array(list(known["job"])),
    })  # fmt: skip


def log_features_by_hand(folder: Path, tags: dict[str, Any], enrolled: list[date], known_on: date) -> None:
    table = profile_table(tags)
    table = table.append_column("enrolled_on", pa.array(enrolled, pa.date32()))
    write_arrow(table.append_column("known_on", pa.array([known_on] * len(table), pa.date32())), folder)


def candidates_of(known: dict[str, Any], strategy: str = "a", offer: str = "fund", prior: float = 5.0) -> pa.Table:
    """Every customer as a candidate of one strategy."""
    count = len(known["customer_id"])
    return pa.table({
        "customer_id": known["customer_id"],
        "strategy": [strategy] * count,
        "offer": [offer] * count,
        "channel": ["call"] * count,
        "prior_effect": np.full(count, prior),
    })  # fmt: skip
