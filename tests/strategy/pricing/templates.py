"""A template, a workspace around it, and made-up markets, for the tests of pricing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cultiva.definitions.base import Label
from cultiva.definitions.empty import NO_LIFECYCLE, NO_POLICY, NO_VALUE
from cultiva.definitions.products import Authority, Parameter, Pricing, Product, Unit
from cultiva.definitions.review import Review
from cultiva.definitions.sources import Identity, SourceFile
from cultiva.definitions.workspace import Settings, Workspace
from cultiva.strategy.pricing.market import Market, Sales
from cultiva.strategy.pricing.response import Counts, Floats, Ints

LABEL = Label(zh="现金贷", en="Cash loan")
LEVELS = (0.084, 0.078, 0.072, 0.066, 0.060, 0.054)
LISTED = 0.072
MARGIN = "amount * (rate - ftp_loan_rate - 0.015) * horizon_days / 365"


def template(**changes: Any) -> Product:
    """A loan whose rate is the price, six levels; changes are to its pricing."""
    rate = Parameter(
        name="rate", label=LABEL, unit=Unit.RATE, value=LISTED, floor=LEVELS[-1], ceiling=LEVELS[0], step=0.006
    )
    roles = [("adviser", 0.066), ("branch_manager", 0.060), ("head_office", 0.054)]
    authority = tuple(Authority(role=role, label=LABEL, limit=limit) for role, limit in roles)
    pricing = Pricing(
        parameter="rate", better="lower", groups=("aum_tier",), margin=MARGIN, amount=40_000.0,
        authority=authority, granted_by="head_office",
    )  # fmt: skip
    return Product(
        name="cash_loan", label=LABEL, kind="product", category="loan", parameters=(rate,),  # type: ignore[arg-type]
        pricing=pricing.model_copy(update=changes),
    )  # fmt: skip


def workspace(product: Product) -> Workspace:
    """A workspace with nothing but a template."""
    return Workspace(
        root=Path(), settings=Settings(name="bank"), sources=SourceFile(), identity=Identity(), events={}, tags={},
        segments={}, micro_segmentations={}, lifecycle=NO_LIFECYCLE,
        value=NO_VALUE.model_copy(update={"parameters": {"ftp_loan_rate": 0.026}}),
        offers={}, strategies={}, policy=NO_POLICY, review=Review(horizon_days=84), products={product.name: product},
    )  # fmt: skip


def margins(groups: int, *, amount: float = 40_000.0) -> Floats:
    """What a take-up brings at every level, the same for all groups."""
    one = amount * (np.array(LEVELS) - 0.026 - 0.015) * 84 / 365
    return np.tile(one, (groups, 1))


def market(take_up: Floats, quoted: int, *, seed: int = 1, product: Product | None = None, **changes: Any) -> Market:
    """A market in which every cell of each half was quoted to so many customers."""
    rng = np.random.default_rng(seed)
    names = tuple(f"group {place}" for place in range(take_up.shape[0]))

    def half() -> Sales:
        n: Ints = np.full(take_up.shape, quoted, dtype=np.int64)
        return Sales(Counts(names, LEVELS, n, rng.binomial(n, take_up)), np.zeros(len(names)))

    found = Market(product or template(), (half(), half()), np.full(len(names), 10_000), margins(len(names)))
    return replace(found, **changes)


def take_ups(starts: list[float], rises: list[float], bend: float = 0.7) -> Floats:
    """True take-up of groups: log odds at the worst price, and how much they rise to the best."""
    path = np.linspace(0, 1, len(LEVELS)) ** bend
    odds = np.array(starts)[:, None] + np.array(rises)[:, None] * path
    found: Floats = 1 / (1 + np.exp(-odds))
    return found
