"""Whether a bank's mix is found again from what can be measured of it, and what a mix changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cultiva.loop.simulation.likeness import (
    Likeness,
    fitted,
    likeness_sheet,
    read_likeness,
    write_likeness,
)
from cultiva.loop.simulation.portrait import Portrait, portrayed
from cultiva.simbank.archetypes import ARCHETYPES
from cultiva.simbank.living import ChannelTerms, OfferTerms
from cultiva.simbank.mix import USUAL, USUAL_SHARES, Mix
from cultiva.simbank.population import Bank, Calendar, draw_population
from cultiva.simbank.service import found_bank
from cultiva.simbank.typical import draw_typical

DAY = date(2024, 6, 28)
NAMES = [kind.name for kind in ARCHETYPES]


def mixed(*, wealth: float, income: float, transactions: float, **shares: float) -> Mix:
    """The usual shares but for some, scaled to 1."""
    wanted = np.array([shares.get(name, share) for name, share in zip(NAMES, USUAL_SHARES, strict=True)])
    return Mix(tuple(wanted / wanted.sum()), wealth, income, transactions)


def seen(mix: Mix, *, customers: int = 15_000, seed: int = 99) -> pl.DataFrame:
    """Customers of a mix, as tables would show them: who is what is not among it."""
    drawn = pl.DataFrame(draw_typical(mix, customers=customers, first_day=DAY, seed=seed))
    return drawn.with_columns(pl.col("age", "tenure").fill_nan(None)).drop("archetype")


@pytest.fixture(scope="module")
def elderly() -> tuple[Mix, Portrait]:
    """A rich bank of pensioners and students with few firms."""
    mix = mixed(
        wealth=3.0,
        income=2.0,
        transactions=40.0,
        villager=0.02,
        silver=0.35,
        student=0.15,
        payroll=0.12,
        employer=0.003,
    )
    return mix, portrayed(seen(mix), DAY)


def test_a_mix_is_found_again_from_its_portrait(elderly: tuple[Mix, Portrait]) -> None:
    mix, own = elderly
    found = fitted(own)
    assert sum(found.shares) == pytest.approx(1.0)
    assert min(found.shares) >= 0
    apart = np.abs(np.array(found.shares) - np.array(mix.shares)).sum()
    assert apart < 0.2 * np.abs(np.array(mix.shares) - np.array(USUAL_SHARES)).sum()
    assert found.wealth == pytest.approx(3.0, rel=0.1)
    assert found.income == pytest.approx(2.0, rel=0.1)
    assert found.transactions == pytest.approx(40.0, rel=0.05)


def test_the_bank_that_is_found_looks_like_the_one_that_was_measured(elderly: tuple[Mix, Portrait]) -> None:
    _, own = elderly
    alike = portrayed(seen(fitted(own), seed=5), DAY, unit=own.aum)
    usual = portrayed(seen(USUAL, seed=5), DAY, unit=own.aum)
    assert max(abs(alike.shares[name] - own.shares[name]) for name in own.shares) < 0.03
    assert max(abs(usual.shares[name] - own.shares[name]) for name in own.shares) > 0.15
    assert alike.aum == pytest.approx(own.aum, rel=0.1)
    assert alike.inflow == pytest.approx(own.inflow, rel=0.1)


def test_the_usual_bank_stays_as_usual() -> None:
    found = fitted(portrayed(seen(USUAL), DAY))
    assert np.abs(np.array(found.shares) - np.array(USUAL_SHARES)).sum() < 0.1
    assert found.wealth == pytest.approx(1.0, rel=0.1)
    assert found.income == pytest.approx(1.0, rel=0.1)


def test_what_a_bank_does_not_know_stays_as_usual() -> None:
    people = seen(USUAL).select("organisation", "age").with_columns(open=pl.lit(value=True))
    own = portrayed(people, DAY)
    assert (own.aum, own.inflow, own.transactions) == (None, None, None)
    assert not {"holds_loan", "app", "moved"} & set(own.shares)
    found = fitted(own)
    assert (found.wealth, found.income, found.transactions) == (1.0, 1.0, USUAL.transactions)


def test_factors_change_money_and_nothing_else() -> None:
    def drawn(mix: Mix) -> dict[str, np.ndarray]:
        bank = Bank(2_000, Calendar(DAY), mix.transactions, mix)
        return vars(draw_population(np.random.default_rng(3), bank, 0, 2_000))

    usual, rich = drawn(USUAL), drawn(replace(USUAL, wealth=3.0, income=2.0))
    for name, values in usual.items():
        factor = {"wealth": 3.0, "income": 2.0}.get(name, 1)
        np.testing.assert_allclose(rich[name], values * factor if factor != 1 else values, rtol=1e-12)


def test_no_mix_is_the_usual_mix(tmp_path: Path) -> None:
    offers, channels = (OfferTerms("card", "product", "card", 0.0),), (ChannelTerms("sms", False, 0.05),)
    found = partial(
        found_bank, world="ordinary", customers=300, seed=4, first_day=DAY, offers=offers, channels=channels,
        strategies=("one",),
    )  # fmt: skip
    found(tmp_path / "none")
    found(tmp_path / "usual", mix=USUAL)
    found(tmp_path / "other", mix=replace(USUAL, wealth=2.0))

    def files(name: str) -> dict[str, bytes]:
        folder = tmp_path / name / "deliveries"
        return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    assert files("none") == files("usual")
    assert files("none")["account.csv"] == files("other")["account.csv"]
    assert files("none")["balance.parquet"] != files("other")["balance.parquet"]


def test_a_likeness_is_kept_as_it_was_found(tmp_path: Path, elderly: tuple[Mix, Portrait]) -> None:
    mix, own = elderly
    for like in (Likeness(replace(own, stages={"mature": 0.5}), mix), None):
        write_likeness(tmp_path / "flights" / "likeness.json", like)
        assert read_likeness(tmp_path / "flights" / "likeness.json") == like


def test_the_table_says_where_the_banks_differ() -> None:
    own = Portrait(DAY, 1_000, {"organisation": 0.25, "open": 0.9}, 2_000.0, None, 4.0, {"mature": 0.5})
    simulated = Portrait(DAY, 500, {"organisation": 0.05, "open": 1.0}, 1_000.0, 7.0, 5.0, {"mature": 0.6})
    sheet = likeness_sheet(own, simulated, {"mature": "Mature", "lost": "Lost"}, "en")
    rows = {row[0]: row[1:] for row in sheet.rows}
    assert rows["organisations"] == ("25.0%", "5.0%", "-20.0")
    assert rows["stage: Mature"] == ("50.0%", "60.0%", "+10.0")
    assert rows["stage: Lost"] == ("0.0%", "0.0%", "+0.0")
    assert rows["median assets"] == ("2,000.0", "1,000.0", "-50.0%")
    assert "median money in per month, persons" not in rows
    assert "10.0 points on average" in sheet.note
