"""Which earlier touches count: what the history shows, and our own proposals that it does not show yet."""

from __future__ import annotations

from datetime import date

import polars as pl
from tests.strategy.conftest import Desk, Person, strategy, workspace

from cultiva.contracts.decision import Fate
from cultiva.definitions.policy import Cap


def test_an_old_contact_does_not_hide_a_newer_proposal_of_the_same_offer(quick_desk: Desk) -> None:
    space = workspace(strategy("a"), caps=(Cap(scope="customer", days=7, contacts_max=1),))
    proposed = quick_desk.decide(space, [Person(1)]).with_columns(
        business_date=pl.lit(date(1994, 3, 28)), strategy=pl.lit("old")
    )
    before = Person(1, touched=((date(1994, 3, 1), "call", "fund"),))
    assert quick_desk.fates(space, [before], past=proposed) == {(1, "a"): Fate.CAPPED}
    twice = workspace(strategy("a"), caps=(Cap(scope="customer", days=7, contacts_max=2),))
    shown = Person(1, touched=((date(1994, 3, 29), "call", "fund"),))
    assert quick_desk.fates(twice, [shown], past=proposed) == {(1, "a"): Fate.CHOSEN}, "one touch, not two"


def test_proposals_to_an_id_that_was_merged_away_count_for_the_one_that_lives_on(quick_desk: Desk) -> None:
    space = workspace(strategy("a"), caps=(Cap(scope="customer", days=7, contacts_max=1),))
    proposed = quick_desk.decide(space, [Person(1), Person(7)]).with_columns(business_date=pl.lit(date(1994, 3, 29)))
    retired = proposed.filter(pl.col("customer_id") == 7)
    people = [Person(1), Person(2)]
    assert set(quick_desk.fates(space, people, past=retired).values()) == {Fate.CHOSEN}
    found = quick_desk.fates(space, people, past=retired, mergers={7: 2})
    assert found == {(1, "a"): Fate.CHOSEN, (2, "a"): Fate.CAPPED}
