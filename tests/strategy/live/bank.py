"""A small bank with everything that can decide a fate, as the night's plan reads it and as live decisions do."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from tests.strategy.conftest import ON, Person, lay_out_bank, offer, strategy, workspace
from tests.strategy.live.trained import written
from tests.strategy.pricing.templates import template

from cultiva.contracts.types import DataType
from cultiva.definitions.arbitration import Arbitration, Lever
from cultiva.definitions.base import Label
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.policy import Cap, Consent
from cultiva.definitions.review import Health, RankBy, Review
from cultiva.definitions.strategies import Capacity
from cultiva.definitions.variants import expanded
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files, rows_in
from cultiva.engine.port import Engine
from cultiva.strategy.live.paper import Paper
from cultiva.strategy.live.service import Ask, Decided, Known, LiveDesk, Now
from cultiva.strategy.models.scoring import pin
from cultiva.strategy.ranking import read_learnt
from cultiva.strategy.service import PlanInputs, plan

TYPES = {"aum": DataType.MONEY, "wants_fund": DataType.BOOLEAN, "stage": DataType.TEXT, "value_tier": DataType.TEXT}
LABEL = Label(zh="字", en="text")
LEARNT = {"strategy": pl.String, "offer": pl.String, "cell": pl.String, "effect": pl.Float64, "cost": pl.Float64,
          "response": pl.Float64, "share": pl.Float64}  # fmt: skip
NOON = datetime(1994, 3, 30, 4, tzinfo=UTC)
LOCAL = NOON.astimezone(ZoneInfo("Asia/Shanghai"))


def space(*, scarce: bool = False) -> Workspace:
    """Seven strategies over products, benefits, a service, a template with six prices; every kind of rule and draw."""
    offers = (
        offer("bond", risk_level="R2", eligible="aum > 50", prior_worth=3.0, holdout=0.1),
        offer("risky", risk_level="R4", category="fund"),
        offer("gift", kind=OfferKind.BENEFIT, unit_cost=4.0, applicable="wants_fund", group="gifts"),
        offer("card", kind=OfferKind.BENEFIT, unit_cost=2.0, group="gifts", channels=("sms", "app")),
        offer("check", kind=OfferKind.SERVICE, eligible="aum < 900"),
    )
    per = Capacity(per="adviser") if scarce else None
    found = workspace(
        strategy("a", offers=("risky", "bond"), rank="aum / 40", holdout=0.2, capacity=per),
        strategy("b", offers=("gift", "card"), channels=("sms", "call"), rank="2 + aum / 200",
                 stages=("mature", "new")),
        strategy("c", offers=("check",), channels=("call", "app"), rank="1", eligible="wants_fund is not null"),
        strategy("d", offers=("card",), channels=("app", "sms"), rank="aum / 100 - 3", holdout=0.3,
                 holdout_by="adviser"),
        strategy("e", offers=("cash_loan",), channels=("sms", "app"), rank="4", audience="aum > 30"),
        strategy("f", offers=("bond", "card", "gift"), channels=("sms",), rank="1.5", eligible="not complaining",
                 holdout_by="branch", holdout=0.2),
        strategy("g", offers=("gift",), channels=("app",), rank="2", stages=("old",)),
        offers=offers,
        caps=(Cap(scope="customer", days=7, contacts_max=2), Cap(scope="customer", days=30, contacts_max=4),
              Cap(scope="channel", channel="sms", days=7, contacts_max=1),
              Cap(scope="offer", days=30, contacts_max=1), Cap(scope="household", days=7, contacts_max=3)),
        consent=Consent(required=False),
        global_holdout=0.05,
    )  # fmt: skip
    review = Review(rank_by=RankBy.EFFECT, exploration=0.15, health=Health(rules=0.1, propensity=0.1, random=0.1))
    levers = (
        Lever(name="push", label=LABEL, kind="business", offers=("gift", "bond"), when="aum > 200", factor=1.25),
        Lever(name="near", label=LABEL, kind="context", channels=("call",), when="wants_fund", add=0.75, factor=0.5),
    )
    product = template(exploration=0.4, groups=("stage",))
    made = replace(
        found, review=review, arbitration=Arbitration(levers=levers, touches_per_day_max=2),
        products={product.name: product},
    )  # fmt: skip
    return expanded(made)


def people(count: int, seed: int = 3) -> list[Person]:
    """Customers who differ in everything."""
    rng = random.Random(seed)

    def one(number: int) -> Person:
        days = [
            ON - timedelta(days=rng.choice((1, 2, 5, 6, 7, 8, 29, 30, 31))) for _ in range(rng.choice((0, 0, 1, 2, 4)))
        ]
        touched = tuple(
            (day, rng.choice(("call", "sms")), rng.choice(("bond", "card", "gift", "other"))) for day in days
        )
        return Person(
            number,
            aum=round(rng.choice((0.0, 1.0, 1.0, 1.0)) * rng.lognormvariate(5, 1.5), 2),
            stage=rng.choice(("mature", "new", "old")),
            complaining=rng.choice((False,) * 8 + (True, None)),
            wants_fund=rng.choice((True, False, None)),
            rating=rng.choice(("C1", "C2", "C3", "C4", "C5", None)),
            rated_on=rng.choice((date(1994, 1, 1), date(1993, 3, 29), date(1993, 3, 30), None)),
            born=rng.choice((date(1960, 1, 1), date(1928, 3, 30), date(1928, 3, 31), date(1927, 1, 1), None)),
            branch=rng.choice(("B1", "B2", None)),
            adviser=rng.choice(("A1", "A2", "A3", None)),
            consent={name: rng.random() < 0.8 for name in ("call", "sms", "app") if rng.random() < 0.8},
            household=number if number % 5 else None,  # alone, so that no customer shares room with another
            touched=touched,
        )

    return [one(number) for number in range(1, count + 1)]


def learnt() -> pl.DataFrame:
    """What review has learnt: of one strategy by cell, of another on the whole, shares of the offers of a third."""
    rows = [
        ("b", "", "new|basic", 9.0, 2.0, 0.1, None), ("b", "", "", 5.0, 2.0, 0.2, None),
        ("d", "", "", 1.0, 1.5, 0.3, None), ("f", "card", "", None, None, None, 0.5),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=LEARNT, orient="row")


def learnt_of_touches() -> pl.DataFrame:
    """The same, and what single touches of three strategies bring: proven, ended, and without evidence yet."""
    rows = [
        ("a", "", 1.0, "open", None, None, 0.6, None), ("a", "bond", 1.0, "open", 0.6, 0.0, 1.0, 0.25),
        ("b", "", 2.5, "proven", None, None, 1.0, None), ("b", "gift", 1.0, "proven", 7.0, 0.3, 1.0, 3.0),
        ("b", "card", 1.0, "ended", -4.0, 0.1, 1.0, 40.0), ("d", "", 3.0, "ended", None, None, 0.9, None),
    ]  # fmt: skip
    names = ("strategy", "offer", "contacts", "stage", "per_touch", "taken_per_touch", "reach", "per_touch_se")
    known = [dict(zip(names, row, strict=True)) | {"cell": ""} for row in rows]
    told = learnt().filter(~((pl.col("offer") == "") & (pl.col("cell") == "") & (pl.col("strategy") != "c")))
    more = pl.DataFrame(known).with_columns(effect=pl.lit(5.0), cost=pl.lit(2.0), response=pl.lit(0.2))
    ways = pl.DataFrame([
        {"strategy": "(all)", "offer": "", "cell": "", "stage": "", "reach": 1.0, "channel": name, "times": times}
        for name, times in (("call", 1.9), ("sms", 0.6))
    ])  # fmt: skip
    return pl.concat([told, more, ways], how="diagonal_relaxed")


@dataclass(frozen=True)
class Night:
    """A plan, and what it was made of."""

    engine: Engine
    workspace: Workspace
    people: list[Person]
    inputs: PlanInputs
    decisions: pl.DataFrame
    prices: list[dict[str, Any]]

    def live(self) -> LiveDesk:
        """The live desk of the same day, from the same tables."""
        known = Known(
            read_learnt(self.engine, self.inputs.learnt), {"cash_loan": {"new": 0.066}},
            pin(self.inputs.models, self.workspace) if self.inputs.models else None, self.prices,
            {"A1": 1, "A2": 1, "A3": 1}, customers=rows_in(self.inputs.profile),
        )  # fmt: skip
        return LiveDesk(self.workspace, known, ON)


def night(
    engine: Engine, folder: Path, space: Workspace, everybody: list[Person], *, models: bool,
    known: pl.DataFrame | None = None,
) -> Night:  # fmt: skip
    """Plans a day.

    Args:
        engine: Where.
        folder: New folder.
        space: The workspace.
        everybody: Its customers.
        models: Whether single candidates are scored.
        known: What review has learnt; None: `learnt`.
    """
    inputs = lay_out_bank(folder, everybody, {"A1": 5, "A2": 5, "A3": 5})
    (folder / "learnt").mkdir()
    (learnt() if known is None else known).write_parquet(folder / "learnt" / "part-0.parquet")
    (folder / "ladder").mkdir()
    ladder = pl.DataFrame({"product": ["cash_loan"], "group": ["new"], "price": [0.066]})
    ladder.write_parquet(folder / "ladder" / "part-0.parquet")
    inputs = replace(inputs, learnt=[folder / "learnt"], ladders=[folder / "ladder"])
    if models:
        inputs = replace(inputs, models=written(space, TYPES, folder / "model"))
    plan(engine, inputs, space, ON, folder / "decisions", prices=folder / "price")
    prices = pl.concat([pl.read_parquet(part) for part in part_files([folder / "price"])]).to_dicts()
    return Night(engine, space, everybody, inputs, pl.read_parquet(folder / "decisions" / "*.parquet"), prices)


def row_of(one: Person) -> dict[str, Any]:
    """A profile, as the hot store has it."""
    return {"customer_id": one.id, "aum": one.aum, "stage": one.stage, "value_tier": "basic",
            "complaining": one.complaining, "wants_fund": one.wants_fund}  # fmt: skip


def paper_of(one: Person) -> Paper:
    """What decisions know of them beside the profile."""
    return Paper(
        ON, one.rating, one.rated_on, one.born, one.branch, one.adviser, one.household, one.consent, one.touched
    )


def decide(desk: LiveDesk, one: Person, *, ask: Ask | None = None, now: Now | None = None, **more: Any) -> Decided:
    """A live decision."""
    given = {"at": NOON, "local": LOCAL, "spent": {}, **more}
    return desk.decide(one.id, row_of(one), paper_of(one), now=now or Now(), ask=ask or Ask(), **given)
