"""Branches lie in real districts; links between customers are those of real life."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest

from cultiva.simbank.arrays import NONE
from cultiva.simbank.districts import DISTRICTS, branch_districts
from cultiva.simbank.kinship import counterparts
from cultiva.simbank.population import DAYS_PER_YEAR, Bank, Calendar, Population, draw_population, together

DATA = Path(os.environ.get("CULTIVA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "cn_admin_geo"


@pytest.fixture(scope="module")
def people() -> Population:
    bank = Bank(8_000, Calendar(date(1994, 3, 31)), 40.0)
    return together([draw_population(np.random.default_rng([1, n]), bank, n * 4_000, 4_000) for n in range(2)])


@pytest.mark.data
def test_districts_are_where_the_public_list_has_them() -> None:
    if not DATA.exists():
        pytest.skip(f"the public data sets are not at {DATA}")
    known = {
        code // 10**6: (name, east, north)
        for code, name, east, north in duckdb.sql(
            f"SELECT * FROM read_csv('{DATA / 'cpca_adcodes_lonlat.csv.gz'}')"
        ).fetchall()
    }
    for district in DISTRICTS:
        name, east, north = known[district.code]
        assert district.name == name
        assert (district.longitude, district.latitude) == pytest.approx((east, north), abs=0.12)


def test_rural_branches_are_in_counties_and_a_small_bank_in_one_province() -> None:
    places = [DISTRICTS[place] for place in branch_districts(14, 6)]
    assert [place.rural for place in places] == [True] * 6 + [False] * 8
    assert {place.code // 10_000 for place in places} == {51}
    assert len({place.code for place in (DISTRICTS[n] for n in branch_districts(600, 240))}) == len(DISTRICTS)


def test_parents_are_a_generation_older_and_households_hold_together(people: Population) -> None:
    child = np.flatnonzero(people.parent != NONE)
    years = (people.born[child] - people.born[people.parent[child]]) / DAYS_PER_YEAR
    assert child.size > 500
    assert years.min() >= 20
    assert years.max() <= 40
    assert not people.organisation[child].any()
    assert not people.organisation[people.parent[child]].any()
    assert (people.parent[child] != people.partner[child]).all()
    married = np.flatnonzero(people.partner != NONE)
    alone = (people.parent == NONE)[married] & (people.parent == NONE)[people.partner[married]]
    assert (people.household[married][alone] == people.household[people.partner[married]][alone]).all()
    assert (people.household[people.household] == people.household).all()


def test_links_of_chunks_point_within_the_whole_bank(people: Population) -> None:
    first, second = slice(0, 4_000), slice(4_000, 8_000)
    for links in (people.partner, people.parent, people.employer, people.referrer):
        assert links[first][links[first] != NONE].max() < 4_000 <= links[second][links[second] != NONE].min()


def test_transfers_go_to_kin_as_far_as_there_is_any_and_else_to_few_friends(people: Population) -> None:
    who = np.repeat(np.arange(500), 200)
    chance = np.random.default_rng(0).integers(0, 2**40, who.size)
    other = counterparts(chance, who, (people.partner, people.parent, people.referrer))
    married = people.partner[who] != NONE
    assert (other[married] == people.partner[who][married]).mean() == pytest.approx(1 / 6, abs=0.02)
    friends = [np.unique(other[who == customer]).size for customer in range(500)]
    assert max(friends) <= 6 + 3
