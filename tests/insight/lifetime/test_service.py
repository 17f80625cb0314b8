"""Lifetime value of the small bank: the same on every engine, and what plain Python makes of the same rows."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.insight.bank import ON, Deliveries, deliveries, smallbank, write

from cultiva.definitions.base import Label
from cultiva.definitions.value import Component, Lifetime
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine
from cultiva.insight.lifetime.service import LifetimeFacts, make_lifetime
from cultiva.insight.lifetime.survival import EDGES_DAYS, STEP_DAYS, STEPS, Watched, hazards
from cultiva.insight.profile.inputs import ViewRows

TEXT = Label(zh="字", en="text")
SPREAD, COST, WEEK, WINDOW = 0.0173, 0.333, 7, 365
PARTS = ("deposits", "averages", "servicing", "surveys", "purchases")


def component(name: str, **aggregate: Any) -> Component:
    return Component.model_validate({"name": name, "label": TEXT, "aggregate": {"function": "sum", **aggregate}})


def workspace(**asked: Any) -> Workspace:
    """The small bank, which wants lifetime value; card payments are purchases."""
    small = smallbank()
    components = (
        component("deposits", table="holding", value="balance * spread", where="category = 'deposit'"),
        component("averages", table="holding", value="average_balance_365d * spread"),
        component("servicing", table="transaction", value="-unit_cost", window_days=365),
        component("surveys", table="survey_answer", value="-unit_cost"),
        component("cards", table="transaction", value="abs(amount) * 0.01", where="kind = 'card'", window_days=365),
    )
    given = {"purchases": ("cards",), "repeaters_min": 5, "group_by": "party_type", "window_days": WINDOW, **asked}
    lifetime = Lifetime.model_validate({"horizon_months": 24, "discount_rate": 0.1, **given})
    value = small.value.model_copy(update={"components": components, "lifetime": lifetime})
    return replace(small, value=value)


def bank_of(customers: int) -> Deliveries:
    """The small bank with closings that have a day, and averages."""
    bank = deliveries(customers, seed=4)
    rows = []
    for number, row in enumerate(bank.holdings):
        closed = max(row["opened_on"], ON - timedelta(days=number % 500))
        average = {"average_balance_365d": row["balance"], "average_balance_30d": row["balance"]}
        rows.append({**row, **average, "closed_on": None if row["is_open"] else closed})
    return replace(bank, holdings=rows)


def made(engine: Engine, bank: Deliveries, tmp_path: Path, **asked: Any) -> tuple[LifetimeFacts, list[dict[str, Any]]]:
    inputs = write(bank, tmp_path / "bank")
    facts = make_lifetime(engine, inputs, workspace(**asked), ON, tmp_path / "score_lifetime")
    found = pl.read_parquet(part_files([tmp_path / "score_lifetime"]))
    assert not (tmp_path / "score_lifetime-parts").exists()
    return facts, found.to_dicts()


def cents(amount: float) -> Decimal:
    return Decimal(repr(amount)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def test_every_engine_finds_what_plain_python_finds(engine: Engine, duckdb_engine: Engine, tmp_path: Path) -> None:
    bank = bank_of(300)
    facts, found = made(engine, bank, tmp_path)
    again, _ = made(duckdb_engine, bank, tmp_path / "again")
    assert facts.written.fingerprint == again.written.fingerprint
    assert facts.purchases is not None
    assert facts.spending is not None
    assert [row["customer_id"] for row in found] == [person["customer_id"] for person in bank.customers]
    years, survivals = plain_factors(bank)
    for row, person in zip(found, bank.customers, strict=True):
        assert row["score"] == sum(row[f"part_{name}"] for name in PARTS)
        check_stay(row, person, bank, years, survivals)
        check_purchases(row, plain_history(bank, person["customer_id"]), facts)
    assert sum(row["part_purchases"] > 0 for row in found) > 20
    assert any(row["survival"] == 0 and row["score"] == 0 for row in found)


def owned(bank: Deliveries, customer_id: int) -> list[dict[str, Any]]:
    return [row for row in bank.of("holdings", customer_id) if row["role"] == "owner"]


def tenure_of(bank: Deliveries, customer_id: int) -> tuple[int, int, bool] | None:
    """Days since the first account (until the last one closed), when watching began, whether still there."""
    rows = owned(bank, customer_id)
    if not rows:
        return None
    opened = max((ON - row["opened_on"]).days for row in rows)
    stays = any(row["is_open"] for row in rows)
    gone = 0 if stays else min((ON - row["closed_on"]).days for row in rows)
    return opened - gone, max(opened - WINDOW, 0), stays


def band_of(day: float) -> int:
    return max(band for band, edge in enumerate(EDGES_DAYS) if day >= edge)


def plain_factors(bank: Deliveries) -> tuple[dict[tuple[str, int], float], dict[tuple[str, int], float]]:
    """Discounted years and survival by (party type, step), day by day."""
    import numpy as np

    parties = sorted({row["party_type"] for row in bank.customers})
    left, days = np.zeros((len(parties), len(EDGES_DAYS))), np.zeros((len(parties), len(EDGES_DAYS)))
    for person in bank.customers:
        known, group = tenure_of(bank, person["customer_id"]), parties.index(person["party_type"])
        if known is None:
            continue
        tenure, entry, stays = known
        for day in range(entry, tenure):
            days[group, band_of(day)] += 1
        gone = 0 if stays else min((ON - row["closed_on"]).days for row in owned(bank, person["customer_id"]))
        left[group, band_of(tenure)] += not stays and gone < WINDOW
    per_day = hazards(Watched(left, days))
    years, survivals = {}, {}
    fine = 10
    for group, party in enumerate(parties):
        for step in range(STEPS):
            total, worth = 0.0, 0.0
            for tick in range(730 * fine):
                at = (step + 0.5) * STEP_DAYS + (tick + 0.5) / fine
                hazard = float(per_day[group, band_of(at)]) / fine
                worth += math.exp(-total - hazard / 2) * 1.1 ** (-(tick + 0.5) / fine / 365) / fine / 365
                total += hazard
            years[party, step], survivals[party, step] = worth, math.exp(-total)
            if (step + 1) * STEP_DAYS > 430:  # nobody in the small bank is older
                break
    return years, survivals


def check_stay(row: dict[str, Any], person: dict[str, Any], bank: Deliveries, years: Any, survivals: Any) -> None:
    known = tenure_of(bank, person["customer_id"])
    if known is None or not known[2]:
        assert (row["score"], row["survival"]) == (0, 0)
        return
    tenure = known[0]
    place = person["party_type"], tenure // STEP_DAYS
    assert row["survival"] == pytest.approx(survivals[place], rel=1e-3)
    held = [one for one in bank.of("holdings", person["customer_id"]) if one["is_open"]]
    deposits = sum(cents(float(one["balance"]) * SPREAD) for one in held if one["category"] == "deposit")
    assert float(row["part_deposits"]) == pytest.approx(float(deposits) * years[place], rel=1e-3, abs=0.011)
    averages = 0.0
    for one in held:
        days = (ON - one["opened_on"]).days + 1
        averages += float(one["balance"]) * max(365 / days, 1.0) * SPREAD
    assert float(row["part_averages"]) == pytest.approx(averages * years[place], rel=1e-3, abs=0.05)
    moved = [one for one in moves(bank, person["customer_id"]) if (ON - one["at"].date()).days < 365]
    span = max(min(tenure + 1, 365), 30)
    expected = float(-cents(COST) * len(moved)) * 365 / span * years[place]
    assert float(row["part_servicing"]) == pytest.approx(expected, rel=1e-3, abs=0.011)
    assert row["part_surveys"] == 0  # there are none


def moves(bank: Deliveries, customer_id: int) -> list[dict[str, Any]]:
    accounts = {row["account_id"] for row in owned(bank, customer_id)}
    return [row for row in bank.transactions if row["account_id"] in accounts and row["at"].date() <= ON]


def plain_history(bank: Deliveries, customer_id: int) -> tuple[int, int, int, Decimal] | None:
    """x, t_x, T in weeks, and what repeat purchases were worth."""
    weeks: dict[int, Decimal] = defaultdict(Decimal)
    for row in moves(bank, customer_id):
        if row["kind"] == "card":
            weeks[(ON - row["at"].date()).days // WEEK] += cents(abs(float(row["amount"])) * 0.01)
    if not weeks:
        return None
    first, last = max(weeks), min(weeks)
    return (
        len(weeks) - 1,
        first - last,
        first,
        sum((worth for week, worth in weeks.items() if week != first), Decimal()),
    )


def check_purchases(row: dict[str, Any], history: Any, facts: LifetimeFacts) -> None:
    if history is None:
        assert (row["p_alive"], row["expected_purchases"], row["part_purchases"]) == (None, None, 0)
        return
    x, t_x, t, worth = history
    model, level = facts.purchases, facts.spending
    assert model is not None
    assert level is not None
    odds = 0.0
    if x:
        odds = model.a / (model.b + x - 1) * ((model.alpha + t) / (model.alpha + t_x)) ** (model.r + x)
    assert row["p_alive"] == pytest.approx(1 / (1 + odds), rel=1e-9)
    mean = level.p * (level.gamma + float(worth)) / (level.p * x + level.q - 1)
    assert float(row["purchase_worth"]) == pytest.approx(mean, abs=0.006)
    if row["survival"] > 0:
        bound = row["expected_purchases"] * mean
        assert bound / 1.1**2 - 0.01 <= float(row["part_purchases"]) <= bound + 0.01


def test_too_few_repeat_customers_are_no_forecast(duckdb_engine: Engine, tmp_path: Path) -> None:
    bank = bank_of(120)
    facts, found = made(duckdb_engine, bank, tmp_path, repeaters_min=10_000)
    assert facts.purchases is None
    assert "10,000 are the least" in facts.notes[0]
    assert {"part_cards", "part_purchases", "p_alive"} <= set(found[0])
    assert any(row["part_cards"] > 0 for row in found)
    assert all(row["part_purchases"] == 0 and row["p_alive"] is None for row in found)


def test_a_bank_without_accounts_or_transactions_has_no_lifetime_value(duckdb_engine: Engine, tmp_path: Path) -> None:
    bank = bank_of(20)
    inputs = replace(write(bank, tmp_path / "bank"), views={"transaction": ViewRows([])})
    facts = make_lifetime(duckdb_engine, inputs, workspace(), ON, tmp_path / "made")
    found = pl.read_parquet(part_files([tmp_path / "made"]))
    assert facts.written.rows == 20
    assert found["score"].to_list() == [Decimal("0.00")] * 20


def test_without_a_discount_and_without_anybody_leaving_a_year_counts_once_per_year(
    duckdb_engine: Engine, tmp_path: Path
) -> None:
    bank = bank_of(60)
    staying = replace(bank, holdings=[{**row, "is_open": True, "closed_on": None} for row in bank.holdings])
    _, found = made(duckdb_engine, staying, tmp_path, discount_rate=0.0, group_by=None)
    for row in found:
        held = [one for one in staying.of("holdings", row["customer_id"]) if one["category"] == "deposit"]
        yearly = float(sum(cents(float(one["balance"]) * SPREAD) for one in held))
        if tenure_of(staying, row["customer_id"]) is not None:
            # Half a customer is taken to have left among all watched days, so that nobody is immortal.
            assert float(row["part_deposits"]) == pytest.approx(2 * yearly, rel=0.05, abs=0.011)
