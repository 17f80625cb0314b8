"""A small living bank for tests: offers, channels, and touches of a week."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cultiva.simbank.living import ChannelTerms, OfferTerms
from cultiva.simbank.service import LivingBank, found_bank

OFFERS = (
    OfferTerms("term_deposit", "product", "deposit", 0.0),
    OfferTerms("consumer_loan", "product", "loan", 0.0),
    OfferTerms("credit_card", "product", "card", 0.0),
    OfferTerms("wealth_product", "product", "wealth", 0.0),
    OfferTerms("phone_top_up", "benefit", None, 3.0),
    OfferTerms("harvest_guide", "content", None, 0.0),
    OfferTerms("check_up", "service", None, 0.0),
)
CHANNELS = (
    ChannelTerms("app", False, 0.01),
    ChannelTerms("sms", False, 0.05),
    ChannelTerms("phone", True, 6.0),
    ChannelTerms("branch", True, 12.0),
)
STRATEGIES = ("first", "second")
FIRST_DAY = date(2024, 6, 28)
CUSTOMERS = 1_500


def found(folder: Path, *, seed: int = 5, customers: int = CUSTOMERS, world: str = "ordinary") -> LivingBank:
    """A bank on the first day."""
    return found_bank(
        folder, world, customers=customers, seed=seed, first_day=FIRST_DAY,
        offers=OFFERS, channels=CHANNELS, strategies=STRATEGIES,
    )  # fmt: skip


def touches(week: int, *, rows: int = 500, customers: int = CUSTOMERS) -> Any:
    """Touches of a week, some of customers by the id of the app."""
    rng = np.random.default_rng([9, week])
    who = rng.choice(customers, rows, replace=False)
    by_app = rng.random(rows) < 0.2
    app_ids = (who * 7_919 + 17) % 10**8
    return pa.table({
        "source_system": np.where(by_app, "app", "core").tolist(),
        "source_id": [f"A{a:08d}" if app else f"C{c:08d}" for c, a, app in zip(who, app_ids, by_app, strict=True)],
        "strategy": [STRATEGIES[n] for n in rng.integers(0, 2, rows)],
        "offer": [OFFERS[n].name for n in rng.integers(0, len(OFFERS), rows)],
        "channel": [CHANNELS[n].name for n in rng.integers(0, len(CHANNELS), rows)],
    })  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    """What is in every file of a delivery."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
