"""What the next plan learns: drawn towards what was believed, and shared among offers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.review.bank import bank
from tests.review.test_verdict import readout

from cultiva.contracts.readout import Readout, Verdict
from cultiva.review.beliefs import Belief
from cultiva.review.counts import Counts
from cultiva.review.learning import Learnt, Lessons, learnt_of, spread


def counts(**more: Any) -> Counts:
    return Counts(**{"customers": 80, "control": 20, "touched": 40, "taken": 10, "cost": 160, "days": 2800, **more})


def lessons(*readouts: Readout, scale: float = 1.0) -> Lessons:
    """Strategy `b` with the offers card and gift, and two cells."""
    parts = {
        ("b", "", ""): counts(),
        ("b", "card", ""): counts(customers=60, cost=150),
        ("b", "gift", ""): counts(customers=20, cost=10),
        ("b", "", "young"): counts(touched=0, taken=0),
        ("b", "", "old"): counts(customers=1, control=0),
    }
    prior = Belief(10.0, 20.0)
    offers = {"card": Belief(12.0, 24.0), "gift": Belief(8.0, 16.0)}
    return Lessons("b", bank().strategies["b"].offers, prior, offers, scale, readouts, "group:stage", parts)


def rows(known: Lessons, exploration: float = 0.1) -> dict[tuple[str, str], Learnt]:
    return {(row.offer, row.cell): row for row in learnt_of(known, Verdict.KEEP, exploration=exploration)}


def test_what_was_measured_precisely_outweighs_the_prior_and_what_was_not_does_not() -> None:
    sure = rows(lessons(readout(50.0, 0.1)))["", ""].effect
    unsure = rows(lessons(readout(50.0, 2000.0)))["", ""].effect
    assert sure == pytest.approx(50.0, abs=0.01)
    assert unsure == pytest.approx(10.0, abs=0.01)


def test_effects_so_far_are_projected_to_the_horizon() -> None:
    assert rows(lessons(readout(50.0, 0.1), scale=3.0))["", ""].effect == pytest.approx(150.0, abs=0.1)


def test_a_cell_that_cannot_be_measured_is_believed_to_be_like_the_whole() -> None:
    young = readout(None, None, dimension="group:stage", group="young", shrunk=80.0, shrunk_se=0.1)
    old = readout(None, None, dimension="group:stage", group="old")
    found = rows(lessons(readout(50.0, 0.1), young, old))
    assert found["", "young"].effect == pytest.approx(80.0, abs=0.01)
    assert found["", "old"].effect == found["", ""].effect


def test_cost_and_response_are_per_customer_and_thin_cells_borrow_the_mean_response() -> None:
    found = rows(lessons())
    assert (found["", ""].cost, found["card", ""].cost, found["gift", ""].cost) == (2.0, 2.5, 0.5)
    assert found["", ""].response == found["", "young"].response == 0.25


def test_an_offer_starts_from_its_own_prior_and_shares_add_up_with_a_floor() -> None:
    found = rows(lessons())
    assert (found["card", ""].effect, found["gift", ""].effect) == (12.0, 8.0)
    better = rows(lessons(readout(None, None, dimension="offer", group="card", shrunk=90.0, shrunk_se=0.5)))
    shares = [better[name, ""].share for name in ("card", "gift")]
    assert sum(share for share in shares if share is not None) == pytest.approx(1.0)
    assert shares[0] == pytest.approx(0.9, abs=0.01)
    assert shares[1] == pytest.approx(0.1, abs=0.01)


def test_nothing_is_learnt_where_nobody_has_results() -> None:
    known = lessons()
    nobody = Lessons(known.strategy, known.names, known.prior, known.priors, 1.0, (), "group:stage", {})
    assert list(learnt_of(nobody, Verdict.WAIT, exploration=0.1)) == []


def test_few_customers_make_the_guess_as_unsure_as_their_interval_is_wide() -> None:
    wide = readout(10.0, 1.0, low=-30.0, high=50.0)
    assert spread(wide) == pytest.approx(40 / 1.96)
    assert spread(readout(10.0, 1.0, low=9.0, high=11.0)) == 1.0
    assert spread(readout(None, None)) is None
