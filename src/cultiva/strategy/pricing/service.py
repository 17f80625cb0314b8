"""Pricing of a day: every template's ladder from what its price cells have shown, kept for the plan to quote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cultiva.definitions.products import Product, variant_name
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine, Written
from cultiva.kit.numbers import settled
from cultiva.strategy.pricing.evidence import Evidence, EvidenceInputs, evidence
from cultiva.strategy.pricing.fairness import Difference, Impact, differences, impacts
from cultiva.strategy.pricing.market import Market, market_of
from cultiva.strategy.pricing.optimum import Optimum, optimise
from cultiva.strategy.pricing.trial import Trial, tried


@dataclass(frozen=True)
class Priced:
    """All about the prices of one template."""

    product: Product
    evidence: Evidence
    optimum: Optimum
    trial: Trial
    """What the learnt prices are worth on customers from whom they were not learnt."""
    differences: tuple[Difference, ...]
    """Why groups pay differently."""
    impacts: tuple[Impact, ...]
    """What that means for those whom the law protects."""

    @property
    def market(self) -> Market:
        """The ladder and its margins."""
        return self.optimum.market


def price(engine: Engine, inputs: EvidenceInputs, workspace: Workspace, product: Product, on: date) -> Priced | None:
    """Prices one template; None where nobody may have it and nobody was ever quoted.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Its value model, fairness and rules.
        product: The template.
        on: Business date.
    """
    found = evidence(engine, inputs, workspace, product, on)
    if not len(found.customers):
        return None
    steps = workspace.fairness.spread_max
    market = market_of(workspace, product, found.halves, found.customers, steps=None if steps is None else int(steps))
    optimum = optimise(market)
    return Priced(product, found, optimum, tried(market), differences(optimum), impacts(optimum, found.protected))


def write_ladders(found: Iterable[Priced], folder: Path) -> Written:
    """Writes the lake table `price_ladder`: one row per template and group."""
    import pyarrow as pa

    rows = [
        {
            "product": one.product.name,
            "group": rung.group,
            "offer": variant_name(one.product, one.market.levels[rung.place]),
            "price": one.market.levels[rung.place],
            "why": rung.why.value,
            "gain": settled(rung.gain),
            "gain_low": settled(rung.gain_low),
            "gain_high": settled(rung.gain_high),
        }
        for one in found
        for rung in one.optimum.rungs
    ]
    kinds = dict.fromkeys(("product", "group", "offer"), pa.string()) | {"price": pa.float64(), "why": pa.string()}
    kinds |= dict.fromkeys(("gain", "gain_low", "gain_high"), pa.float64())
    return write_arrow(pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items()))), folder)
