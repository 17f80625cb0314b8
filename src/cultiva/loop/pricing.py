"""Prices of a business date: the step that logs quotes and learns ladders, and what people read of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cultiva.contracts.snapshots import Snapshot
from cultiva.definitions.products import Product, value_text, variant_name
from cultiva.engine.port import Written
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.numbers import settled
from cultiva.loop.inputs import mergers
from cultiva.loop.parts import Parts
from cultiva.loop.steps import Step, StepContext
from cultiva.loop.titles import STEPS
from cultiva.store import StepResult
from cultiva.strategy.pricing.evidence import EvidenceInputs
from cultiva.strategy.pricing.market import least_role
from cultiva.strategy.pricing.quotes import QuoteInputs, write_quotes
from cultiva.strategy.pricing.service import Priced, price, write_ladders

QUOTES, LADDERS = "price_quote", "price_ladder"
"""Lake tables."""


def price_steps(parts: Parts, on: date) -> tuple[Step, ...]:
    """The step that learns prices, where the workspace has templates."""
    if not parts.workspace.products:
        return ()
    return (Step("pricing", STEPS["pricing"], ("plan",), _Pricing(parts, on).run),)


@dataclass(frozen=True)
class _Pricing:
    parts: Parts
    on: date

    def run(self, context: StepContext) -> StepResult:
        """Today's quotes join the log; the ladders are learnt from those whose time to answer is over."""
        lake, engine, workspace = self.parts.lake, self.parts.engine, self.parts.workspace
        quotes, ladders = (lake.stage(name, self.on, run_id=context.run_id) for name in (QUOTES, LADDERS))
        inputs = QuoteInputs(
            decisions=lake.files_current("decisions", self.on),
            profile=lake.files_current("profile", self.on),
            previous=lake.files_before(QUOTES, self.on),
            mergers=mergers(self.parts, self.on),
        )
        logged = write_quotes(engine, inputs, workspace, self.on, quotes)
        found = [
            one
            for product in workspace.products.values()
            if (one := price(engine, evidence_inputs(self.parts, self.on, [quotes]), workspace, product, self.on))
            is not None
        ]
        learnt = write_ladders(found, ladders)
        moved = sum(rung.place != one.market.listed for one in found for rung in one.optimum.rungs)
        outputs = (self._snapshot(QUOTES, quotes, logged, context), self._snapshot(LADDERS, ladders, learnt, context))
        return StepResult(outputs, rows=logged.rows, detail={"templates": len(found), "groups_off_list": moved})

    def _snapshot(self, table: str, folder: Path, written: Written, context: StepContext) -> Snapshot:
        return self.parts.lake.snapshot(table, self.on, folder, written, run_id=context.run_id)


def evidence_inputs(parts: Parts, on: date, quotes: list[Path]) -> EvidenceInputs:
    """What the cells of a day are counted from."""
    lake = parts.lake
    return EvidenceInputs(quotes, lake.files_current("holding", on), lake.files_current("profile", on))


def priced_of(parts: Parts, on: date, product: str | None = None) -> list[Priced]:
    """The prices of a business date, of all templates or of one.

    Raises:
        CultivaError: if the workspace has no templates, or none of that name, or nobody may have one.
    """
    workspace = parts.workspace
    asked = list(workspace.products.values()) if product is None else [_product(parts, product)]
    if not asked:
        raise CultivaError(
            "the workspace has no priced product",
            code="loop.no_product",
            kind=ErrorKind.NOT_FOUND,
            seen=workspace.settings.name,
            allowed="templates in products/*.yaml",
            hint="see docs/guides/price.md",
        )
    inputs = evidence_inputs(parts, on, parts.lake.files_current(QUOTES, on))
    found = [one for each in asked if (one := price(parts.engine, inputs, workspace, each, on)) is not None]
    if not found:
        raise CultivaError(
            "nobody may have the product",
            code="loop.no_customers",
            kind=ErrorKind.NOT_FOUND,
            seen=", ".join(one.name for one in asked),
            allowed="a template for which some customer is eligible",
            hint="look at eligible in products/",
        )
    return found


def _product(parts: Parts, name: str) -> Product:
    products = parts.workspace.products
    if name not in products:
        raise CultivaError(
            "there is no such priced product",
            code="loop.no_product",
            kind=ErrorKind.NOT_FOUND,
            seen=name,
            allowed=", ".join(products) or "none; templates are in products/*.yaml",
            hint=did_you_mean(name, products) or "cultiva price WORKSPACE shows all",
        )
    return products[name]


def data(on: date, found: Sequence[Priced]) -> dict[str, Any]:
    """Everything as JSON-like data."""
    return {"date": on, "products": [_data(one) for one in found]}


def _data(one: Priced) -> dict[str, Any]:
    market, optimum, trial = one.market, one.optimum, one.trial
    gain = [settled(number) for number in optimum.gain]
    return {
        "product": one.product.name,
        "parameter": one.product.pricing.parameter,
        "list_price": market.levels[market.listed],
        "levels": list(market.levels),
        "ladder": [
            {
                **{name: settled(value) if isinstance(value, float) else value for name, value in asdict(rung).items()},
                "price": market.levels[rung.place],
                "best_price": market.levels[rung.best],
                "offer": variant_name(one.product, market.levels[rung.place]),
                "customers": int(market.customers[place]),
                "granted_by": least_role(one.product, market.levels[rung.place]).role,
            }
            for place, rung in enumerate(optimum.rungs)
        ],
        "curve": curve_rows(one),
        "gain": {"expected": gain[0], "low": gain[1], "high": gain[2]},
        "trial": {**asdict(trial), "gain": settled(trial.gain), "se": settled(trial.se), "interval": trial.interval},
        "differences": [asdict(each) for each in one.differences],
        "protected": [asdict(each) for each in one.impacts],
        "waiting": one.evidence.waiting,
    }


def curve_rows(one: Priced) -> list[dict[str, Any]]:
    """Every group and level: what was seen, what is believed, and what it brings."""
    market, optimum = one.market, one.optimum
    counts, mean, (low, high) = market.counts, optimum.curves.mean, optimum.curves.interval
    worth, (worth_low, worth_high) = optimum.contribution, optimum.contribution_interval
    unit = one.product.priced
    assert unit is not None
    return [
        {
            "group": group,
            "price": level,
            "shown": value_text(unit.unit, level),
            "quoted": int(counts.quoted[g, j]),
            "taken": int(counts.taken[g, j]),
            "take_up": settled(float(mean[g, j])),
            "low": settled(float(low[g, j])),
            "high": settled(float(high[g, j])),
            "margin": settled(float(market.margins[g, j])),
            "contribution": settled(float(worth[g, j])),
            "contribution_low": settled(float(worth_low[g, j])),
            "contribution_high": settled(float(worth_high[g, j])),
            "listed": j == market.listed,
            "chosen": j == optimum.rungs[g].place,
            "role": least_role(one.product, level).role,
        }
        for g, group in enumerate(counts.groups)
        for j, level in enumerate(market.levels)
    ]
