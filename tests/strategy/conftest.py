"""A bank of a few people, each with one thing that decides their fate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cultiva.contracts.decision import Fate
from cultiva.contracts.types import DataType
from cultiva.definitions.base import Label
from cultiva.definitions.lifecycle import Lifecycle, Stage
from cultiva.definitions.offers import Offer, OfferKind
from cultiva.definitions.policy import Cap, Channel, Consent, ContactPolicy, Suppression
from cultiva.definitions.sources import Identity, SourceFile
from cultiva.definitions.strategies import Objective, Strategy
from cultiva.definitions.tags import Tag
from cultiva.definitions.value import Band, Component, Potential, Tiering, Value
from cultiva.definitions.workspace import Settings, Workspace
from cultiva.engine.port import Engine
from cultiva.strategy.service import PlanInputs, plan

ON = date(1994, 3, 30)
TEXT = Label(zh="字", en="text")


def tag(name: str, kind: DataType) -> Tag:
    return Tag(name=name, label=TEXT, type=kind, column=name)


def offer(name: str, **more: Any) -> Offer:
    return Offer(name=name, label=TEXT, kind=more.pop("kind", OfferKind.PRODUCT), **more)


def strategy(name: str, **more: Any) -> Strategy:
    given: dict[str, Any] = {
        "objective": Objective(metric="aum"),
        "audience": "aum > 0",
        "offers": ("fund",),
        "channels": ("call", "sms"),
        "rank": "aum",
        "holdout": 0.0,
    }
    return Strategy(name=name, label=TEXT, **{**given, **more})


def channel(name: str, kind: str, **more: Any) -> Channel:
    return Channel(name=name, label=TEXT, kind=kind, **more)  # type: ignore[arg-type]


def policy(**more: Any) -> ContactPolicy:
    given: dict[str, Any] = {
        "channels": (channel("call", "human"), channel("sms", "message"), channel("app", "placement", touch=False)),
        "consent": Consent(required=True),
        "caps": (Cap(scope="customer", days=7, contacts_max=2),),
        "suppressions": (Suppression(name="complaint", label=TEXT, rule="complaining"),),
        "global_holdout": 0.0,
    }
    return ContactPolicy(**{**given, **more})


def workspace(*strategies: Strategy, offers: tuple[Offer, ...] = (), **policy_given: Any) -> Workspace:
    """A workspace with these strategies, offers and policy."""
    component = {"table": "transaction", "function": "sum", "value": "amount"}
    tiering = Tiering(name="value_tier", label=TEXT, of="aum", bands=(Band(name="basic", label=TEXT),))
    tags = (tag("aum", DataType.MONEY), tag("complaining", DataType.BOOLEAN), tag("wants_fund", DataType.BOOLEAN))
    return Workspace(
        root=Path(),
        settings=Settings(name="tiny"),
        sources=SourceFile(),
        identity=Identity(),
        events={},
        tags={one.name: one for one in tags},
        segments={},
        micro_segmentations={},
        lifecycle=Lifecycle(stages=(Stage(name="mature", label=TEXT, rule="true"),)),
        value=Value(
            components=(Component(name="all", label=TEXT, aggregate=component),),  # type: ignore[arg-type]
            potential=Potential(peers=("stage",)),
            tierings=(tiering,),
        ),
        offers={one.name: one for one in (offer("fund"), *offers)},
        strategies={one.name: one for one in strategies},
        policy=policy(**policy_given),
    )


@dataclass(frozen=True)
class Person:
    """One customer and what is known of them."""

    id: int
    aum: float = 100.0
    stage: str = "mature"
    complaining: bool | None = False
    wants_fund: bool | None = True
    rating: str | None = "C5"
    rated_on: date | None = date(1994, 1, 1)
    born: date | None = date(1960, 1, 1)
    branch: str | None = "B1"
    adviser: str | None = "A1"
    consent: dict[str, bool] = field(default_factory=lambda: {"call": True, "sms": True, "app": True})
    household: int | None = None
    touched: tuple[tuple[date, str, str], ...] = ()
    """(day, channel, offer) of earlier touches."""


def put(folder: Path, name: str, rows: list[dict[str, Any]], schema: dict[str, Any]) -> list[Path]:
    (folder / name).mkdir(parents=True)
    pl.DataFrame(rows, schema=schema).write_parquet(folder / name / "part-0.parquet")
    return [folder / name]


S, D = pl.String, pl.Date


def lay_out_bank(folder: Path, people: list[Person], staff: dict[str, int]) -> PlanInputs:
    """Writes the tables that a plan reads."""
    money = pl.Decimal(18, 2)
    source = [{"source_system": "core", "source_id": str(one.id)} for one in people]
    keys = {"source_system": S, "source_id": S}
    return PlanInputs(
        profile=put(
            folder, "profile",
            [{"customer_id": p.id, "aum": p.aum, "stage": p.stage, "value_tier": "basic",
              "complaining": p.complaining, "wants_fund": p.wants_fund} for p in people],
            {"customer_id": pl.Int64, "aum": money, "stage": S, "value_tier": S, "complaining": pl.Boolean,
             "wants_fund": pl.Boolean},
        ),
        customer=put(
            folder, "customer",
            [{"customer_id": p.id, "name": f"客户{p.id}", "risk_rating": p.rating, "risk_rated_on": p.rated_on,
              "birth_date": p.born, "branch_id": p.branch, "adviser_id": p.adviser} for p in people],
            {"customer_id": pl.Int64, "name": S, "risk_rating": S, "risk_rated_on": D, "birth_date": D,
             "branch_id": S, "adviser_id": S},
        ),
        identity_map=put(
            folder, "identity_map",
            [{**key, "customer_id": p.id} for key, p in zip(source, people, strict=True)],
            {**keys, "customer_id": pl.Int64},
        ),
        consent=put(
            folder, "consent",
            [{**key, "purpose": "marketing", "channel": name, "granted": granted}
             for key, p in zip(source, people, strict=True) for name, granted in p.consent.items()],
            {**keys, "purpose": S, "channel": S, "granted": pl.Boolean},
        ),
        contact=put(
            folder, "contact",
            [{**key, "at": datetime.combine(day, time(9)), "channel": name, "strategy": "old",
              "offer": what, "status": "done"}
             for key, p in zip(source, people, strict=True) for day, name, what in p.touched],
            {**keys, "at": pl.Datetime("us"), "channel": S, "strategy": S, "offer": S, "status": S},
        ),
        staff=put(
            folder, "staff",
            [{"staff_id": name, "contacts_per_week_max": week} for name, week in staff.items()],
            {"staff_id": S, "contacts_per_week_max": pl.Int64},
        ),
        past_decisions=[],
        household=put(
            folder, "household",
            [{"customer_id": p.id, "household_id": p.household} for p in people if p.household is not None],
            {"customer_id": pl.Int64, "household_id": pl.Int64},
        ),
    )  # fmt: skip


class Desk:
    """Plans a day for some people."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder, self.rounds = engine, folder, 0
        self.summary: Mapping[str, Any] = {}

    def decide(
        self,
        space: Workspace,
        people: list[Person],
        *,
        staff: dict[str, int] | None = None,
        past: pl.DataFrame | None = None,
        learnt: pl.DataFrame | None = None,
        worth: pl.DataFrame | None = None,
        prices: pl.DataFrame | None = None,
        mergers: Mapping[int, int] | None = None,
    ) -> pl.DataFrame:
        self.rounds += 1
        here = self.folder / str(self.rounds)
        inputs = replace(lay_out_bank(here, people, staff or {"A1": 100}), mergers=mergers or {})
        if past is not None:
            (here / "past").mkdir()
            past.write_parquet(here / "past" / "part-0.parquet")
            inputs = replace(inputs, past_decisions=[here / "past"])
        for name, table in {"learnt": learnt, "worth": worth, "prices": prices}.items():
            if table is not None:
                (here / name).mkdir()
                table.write_parquet(here / name / "part-0.parquet")
                inputs = replace(inputs, **{name: [here / name]})  # type: ignore[arg-type]
        self.summary = plan(self.engine, inputs, space, ON, here / "decisions").summary
        return pl.read_parquet(here / "decisions" / "*.parquet")

    def fates(self, space: Workspace, people: list[Person], **more: Any) -> dict[tuple[int, str], Fate]:
        """(customer, strategy) -> fate."""
        rows = self.decide(space, people, **more).select("customer_id", "strategy", "fate").iter_rows()
        return {(customer, name): Fate(fate) for customer, name, fate in rows}


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Desk:
    """A desk on every engine."""
    return Desk(engine, tmp_path / "desk")


@pytest.fixture
def quick_desk(duckdb_engine: Engine, tmp_path: Path) -> Desk:
    """A desk on the embedded engine."""
    return Desk(duckdb_engine, tmp_path / "quick")
