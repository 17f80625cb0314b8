"""Proposals close gaps with what is open, and never with what is above the rating."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import ibis
import polars as pl
import pytest
from tests.insight.assets.bank import BALANCES, ON, changed, customers, pack, portfolios

from cultiva.definitions.frontier import model_weights
from cultiva.definitions.portfolios import BUCKETS, GAP_COLUMNS, MODEL_COLUMN
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine
from cultiva.insight.assets.advice import Reason, Situation, Standing, advice, standing_of
from cultiva.insight.assets.proposals import COLUMNS, bucket_offers, proposals, proposals_of, totals
from cultiva.insight.assets.service import asset_forms
from cultiva.insight.assets.wording import Wording
from cultiva.insight.profile.levels import levels
from cultiva.strategy.suitability import suitable

LEVELS = {name: pack().offers[name].risk_level for name in bucket_offers(portfolios())}


Desk = Callable[..., ibis.Table]
TYPES: dict[str, Any] = {"asset__risk_rated_on": pl.Date, "asset__birth_date": pl.Date} | dict.fromkeys(
    (*BALANCES.values(), "monthly_income", "loan_balance"), pl.Decimal(18, 2)
)


@pytest.fixture
def desk(duckdb_engine: Engine, tmp_path: Path) -> Desk:
    """Lays out customers with gaps; every offer is open to whom it suits unless said otherwise."""

    def lay_out(count: int, opened: dict[str, bool] | None = None) -> ibis.Table:
        folder = tmp_path / uuid4().hex
        write_arrow(pl.DataFrame(customers(count), schema_overrides=TYPES).to_arrow(), folder)
        return _with_gaps(duckdb_engine.scan([folder]), opened or {})

    return lay_out


def _with_gaps(table: ibis.Table, opened: dict[str, bool]) -> ibis.Table:
    forms = asset_forms(pack(), ON)
    for group in levels({name: form.columns for name, form in forms.items()}):
        table = table.mutate(**{name: forms[name].ibis(table) for name in group})
    facts = {name: table[f"asset__{name}"] for name in ("risk_rating", "risk_rated_on", "birth_date")}
    table = table.mutate(**{f"party_{name}": column for name, column in facts.items()})
    workspace = pack()
    suits = {name: suitable(table, workspace.offers[name], workspace.policy, ON) for name in LEVELS}
    return table.mutate(**{f"open_{name}": fits & opened.get(name, True) for name, fits in suits.items()})


def rows(table: ibis.Table, engine: Engine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = engine.backend.to_pyarrow(table).to_pylist()
    return found


def test_a_proposal_is_the_gap_and_an_open_offer_never_above_the_rating(duckdb_engine: Engine, desk: Desk) -> None:
    table = desk(1000)
    people = {row["customer_id"]: row for row in rows(table, duckdb_engine)}
    found = rows(proposals(table, portfolios()), duckdb_engine)
    assert len(found) > 30
    for row in found:
        person, bucket = people[row["customer_id"]], getattr(portfolios().buckets, row["bucket"])
        level, rating = LEVELS[row["offer"]], person["party_risk_rating"]
        assert level is None or int(level[1]) <= int(rating[1])
        assert person[MODEL_COLUMN] != "unrated" or level is None
        assert row["amount"] == person[GAP_COLUMNS[row["bucket"]]] >= 1000
        names = [one.offer for one in bucket.offers]
        assert row["offer"] == next(name for name in names if person[f"open_{name}"])
        margin = next(one.margin for one in bucket.offers if one.offer == row["offer"])
        assert row["income"] == pytest.approx(row["amount"] * Decimal(str(margin)), abs=Decimal("0.01"))


def test_what_is_given_up_is_what_the_money_above_the_model_earns_today(duckdb_engine: Engine, desk: Desk) -> None:
    table = desk(1000)
    people = {row["customer_id"]: row for row in rows(table, duckdb_engine)}
    for row in rows(proposals(table, portfolios()), duckdb_engine):
        person = people[row["customer_id"]]
        above = {name: max(-float(person[GAP_COLUMNS[name]]), 0.0) for name in BUCKETS}
        earned = sum(above[name] * bucket.margin for name, bucket in portfolios().buckets.items())
        rate = earned / sum(above.values())
        assert float(row["given_up"]) == pytest.approx(float(row["amount"]) * rate, abs=0.011)


def test_one_customer_is_told_what_the_plan_is_told_of_all(duckdb_engine: Engine, desk: Desk) -> None:
    """To the cent, and in the order of the buckets."""
    table = desk(1000)
    planned = {(row["customer_id"], row["bucket"]): row for row in rows(proposals(table, portfolios()), duckdb_engine)}
    told = [
        one
        for row in rows(table, duckdb_engine)
        for one in proposals_of(row, [name for name in LEVELS if row[f"open_{name}"]], portfolios())
    ]
    assert len(told) == len(planned) > 30
    assert [tuple(one[name] for name in COLUMNS) for one in told] == [
        tuple(planned[one["customer_id"], one["bucket"]][name] for name in COLUMNS) for one in told
    ]


def test_where_nothing_is_open_nothing_is_proposed(duckdb_engine: Engine, desk: Desk) -> None:
    closed = desk(100, dict.fromkeys(LEVELS, False))
    assert rows(proposals(closed, portfolios()), duckdb_engine) == []
    without = {name: {**bucket.model_dump(), "offers": []} for name, bucket in portfolios().buckets.items()}
    assert rows(proposals(desk(100), changed(buckets=without)), duckdb_engine) == []


def test_totals_add_up(duckdb_engine: Engine, desk: Desk) -> None:
    found = proposals(desk(200), portfolios())
    single, summed = rows(found, duckdb_engine), rows(totals(found), duckdb_engine)
    assert sum(row["customers"] for row in summed) == len(single)
    assert sum(row["amount"] for row in summed) == sum(row["amount"] for row in single)


def situation(**fields: Any) -> Situation:
    """A customer of 48 with a valid C3, everything liquid."""
    plain: dict[str, Any] = {
        "customer_id": 7, "name": "王**", "model": "c3_middle", "rating": "C3", "rated_on": ON, "age": 48,
        "held": {"liquid": Decimal(200_000), "protection": None, "steady": Decimal(0), "aggressive": Decimal("-5")},
        "needs": (60_000.0, 12_000.0), "passed_over": {"equity_fund": Reason.UNSUITABLE},
        "found": [
            {"bucket": "steady", "offer": "steady_fund", "amount": Decimal("108672.00"),
             "income": Decimal("652.03"), "given_up": Decimal("1521.41")},
        ],
    }  # fmt: skip
    return Situation(**{**plain, **fields})


def test_advice_adds_up_and_says_what_a_proposal_changes() -> None:
    found = advice(situation(), portfolios(), model_weights(portfolios()), standing=Standing.VALID, on=ON)
    assert (
        found.assets
        == Decimal(200_000)
        == sum(one.target for one in found.lines)
        == sum(one.held for one in found.lines)
    )
    assert sum(one.gap for one in found.lines) == 0
    assert found.reserve == Decimal(60_000)
    assert next(one.target for one in found.lines if one.bucket == "protection") == Decimal(12_000)
    assert [one.bucket for one in found.lines if not one.is_open] == ["aggressive"]
    (proposal,) = found.proposals
    assert proposal.net == Decimal("-869.38")
    assert found.now.expected_return < proposal.after.expected_return <= found.then.expected_return + 1e-9
    assert found.now.volatility < proposal.after.volatility


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Standing.VALID),
        ({"rating": None}, Standing.MISSING),
        ({"rated_on": ON.replace(year=1993, day=29)}, Standing.EXPIRED),
        ({"rated_on": ON.replace(day=31)}, Standing.NOT_YET),
        ({"age": None}, Standing.NO_AGE),
        ({"age": 66}, Standing.TOO_OLD),
        ({"model": "unrated"}, Standing.NO_MODEL),
    ],
)
def test_the_page_says_what_suitability_stands_on_in_both_languages(fields: dict[str, Any], expected: Standing) -> None:
    one = situation(**fields)
    standing = standing_of(one, portfolios(), on=ON, valid_days=365, age_max=65)
    assert standing is expected
    found = advice(one, portfolios(), model_weights(portfolios()), standing=standing, on=ON)
    notes = [list(Wording(pack(), language).notes(found)) for language in ("zh", "en")]
    assert len(notes[0]) == len(notes[1]) >= 3
    assert notes[0] != notes[1]
