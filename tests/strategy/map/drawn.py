"""Drawn banks for the map: random customers with groups, audiences, touches; and a workspace that says the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from tests.strategy.conftest import ON, TEXT, offer, strategy, tag, workspace

from cultiva.contracts.decision import Fate
from cultiva.contracts.types import DataType
from cultiva.definitions.lifecycle import Lifecycle, Stage
from cultiva.definitions.map import MapGroup, StrategyMap
from cultiva.definitions.segments import Segment
from cultiva.definitions.strategies import Objective
from cultiva.definitions.value import Band, Tiering
from cultiva.definitions.workspace import Workspace

STAGES, TIERS = ("new", "growing", "lost"), ("basic", "top")
GROUPS = ("young", "rich", "nobody")
MONEY = pl.Decimal(18, 2)


def map_workspace() -> Workspace:
    """Three groups that overlap, four strategies (one a draft, two sharing an offer, two an exclusive group)."""
    space = workspace(
        strategy("a", audience="rich", stages=("growing", "lost"), offers=("fund", "gift")),
        strategy("b", audience="age < 40", offers=("gift",), channels=("sms",)),
        strategy("c", audience="rich and age < 40", tiers=("top",), offers=("loan_low",), budget=100.0),
        strategy("d", audience="age >= 60", offers=("loan_high",), active=False),
        strategy("e", audience="age < 30", offers=("loan_high",)),
        offers=(
            offer("gift", unit_cost=5.0),
            offer("loan_low", group="loan"),
            offer("loan_high", group="loan"),
        ),
    )
    tags = (
        tag("aum", DataType.MONEY), tag("age", DataType.INTEGER), tag("rich", DataType.BOOLEAN),
        tag("complaining", DataType.BOOLEAN), tag("wants_fund", DataType.BOOLEAN),
    )  # fmt: skip
    rules = {"young": "age < 30", "rich": "rich", "nobody": "age < 0"}
    channels = tuple(
        one.model_copy(update={"unit_cost": {"call": 6.0, "sms": 0.05}.get(one.name, 0.0)})
        for one in space.policy.channels
    )
    bands = tuple(Band.model_validate({"name": n, "label": TEXT, "from": f}) for n, f in (("basic", None), ("top", 50)))
    tiering = Tiering(name="value_tier", label=TEXT, of="aum", bands=bands)
    return replace(
        space,
        tags={one.name: one for one in tags},
        segments={name: Segment(name=name, label=TEXT, rule=rule) for name, rule in rules.items()},
        lifecycle=Lifecycle(stages=tuple(Stage(name=name, label=TEXT, rule="true") for name in STAGES)),
        value=space.value.model_copy(update={"tierings": (tiering,)}),
        map=StrategyMap(groups=tuple(MapGroup(segment=name) for name in GROUPS), touched_days=30),
        policy=space.policy.model_copy(update={"channels": channels}),
    )


def aimed(space: Workspace, name: str, **objective: Any) -> Workspace:
    """The workspace with another objective for a strategy."""
    one = space.strategies[name].model_copy(update={"objective": Objective(**objective)})
    return replace(space, strategies={**space.strategies, name: one})


def people(number: int, seed: int) -> pl.DataFrame:
    """A profile of random customers; some answers are missing."""
    rng = np.random.default_rng(seed)
    cents = rng.integers(-5_000, 500_000, (2, number))
    known, ages = rng.random(number), rng.integers(18, 80, number)
    return pl.DataFrame(
        {
            "customer_id": np.arange(1, number + 1),
            "stage": rng.choice(STAGES, number),
            "value_tier": rng.choice(TIERS, number, p=(0.8, 0.2)),
            "age": [None if draw < 0.05 else int(age) for draw, age in zip(known, ages, strict=True)],
            "rich": [None if draw < 0.05 else bool(draw < 0.4) for draw in rng.random(number)],
            "aum": [Decimal(int(cent)).scaleb(-2) for cent in cents[0]],
            "current_value": [Decimal(int(cent)).scaleb(-2) for cent in cents[0]],
            "potential_value": [Decimal(max(int(cent), 0)).scaleb(-2) for cent in cents[1]],
        },
        schema_overrides={"aum": MONEY, "current_value": MONEY, "potential_value": MONEY, "age": pl.Int64},
    )  # fmt: skip


def audiences(profile: pl.DataFrame) -> dict[str, pl.Series]:
    """Who is in which strategy's audience, in polars."""
    age, rich, stage, tier = (pl.col(name) for name in ("age", "rich", "stage", "value_tier"))
    rules = {
        "a": rich & stage.is_in(["growing", "lost"]),
        "b": age < 40,
        "c": rich & (age < 40) & (tier == "top"),
        "d": age >= 60,
        "e": age < 30,
    }
    return {name: profile.select(rule.fill_null(value=False).alias(name))[name] for name, rule in rules.items()}


def members(profile: pl.DataFrame) -> dict[str, pl.Series]:
    """Who is in which row of the map, in polars."""
    young = profile.select((pl.col("age") < 30).fill_null(value=False))["age"]
    rich = profile["rich"].fill_null(value=False)
    everybody = pl.Series([True] * profile.height)
    return {"*": everybody, "young": young, "rich": rich, "nobody": ~everybody, "-": ~(young | rich)}


OFFERS = {"a": ("fund", "gift"), "b": ("gift",), "c": ("loan_low",), "e": ("loan_high",)}


def decisions(profile: pl.DataFrame, seed: int, on: date = ON) -> pl.DataFrame:
    """One candidate per member of an active audience, offer and channel, with random fates."""
    rng, rows = np.random.default_rng(seed), []
    for name, inside in audiences(profile).items():
        for customer in profile.filter(inside)["customer_id"] if name in OFFERS else ():
            for what in OFFERS[name]:
                fate = rng.choice([Fate.CHOSEN, Fate.OUTBID, Fate.HELD_OUT, Fate.NOT_ELIGIBLE, Fate.SUPPRESSED])
                channel = "sms" if name == "b" else str(rng.choice(["call", "sms"]))
                rows.append((customer, name, what, channel, str(fate), on))
    columns = ("customer_id", "strategy", "offer", "channel", "fate", "business_date")
    return pl.DataFrame(rows, schema=columns, orient="row")


def contacts(profile: pl.DataFrame, seed: int) -> pl.DataFrame:
    """A contact history within and before the window, done or not."""
    rng, rows = np.random.default_rng(seed), []
    for customer in profile.sample(fraction=0.5, seed=seed)["customer_id"]:
        back = int(rng.integers(0, 60))
        status = str(rng.choice(["done", "failed", "not_done", "refused"]))
        name = str(rng.choice(["a", "b", "elsewhere"]))
        at = datetime.combine(ON - timedelta(days=back), time(9))
        rows.append(("core", str(customer), at, "call" if name == "a" else "sms", name, "gift", status))
    columns = ("source_system", "source_id", "at", "channel", "strategy", "offer", "status")
    return pl.DataFrame(rows, schema=columns, orient="row")


def identity_map(profile: pl.DataFrame) -> pl.DataFrame:
    ids = profile["customer_id"]
    return pl.DataFrame({"source_system": ["core"] * len(ids), "source_id": ids.cast(pl.String), "customer_id": ids})


def exposure(profile: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Who takes part in which experiment."""
    rng, rows = np.random.default_rng(seed), []
    for name in ("a", "b"):
        for customer in profile.filter(audiences(profile)[name])["customer_id"]:
            rows.append((name, customer, str(rng.choice(["treated", "held_out", "held_out_global", "mixed"]))))
    return pl.DataFrame(rows, schema=("strategy", "customer_id", "arm"), orient="row")


def put(folder: Path, table: pl.DataFrame) -> list[Path]:
    folder.mkdir(parents=True)
    table.write_parquet(folder / "part-0.parquet")
    return [folder]
