"""Effects by weeks since enrolment, beside the same worked out with the customers themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.review.bank import DAY, PROFILE, WEEK, bank, brought, decided, known
from tests.review.conftest import Story, folders_in

from cultiva.engine.port import Engine
from cultiva.review import novelty
from cultiva.review.design import ReviewDesign
from cultiva.review.panel_inputs import PanelInputs
from cultiva.review.service import review
from cultiva.review.statistics.differences import Roles, difference
from cultiva.review.statistics.moments import Moments, Pair

MANY, WEEKS = 480, 5
FADING = (40.0, 30.0, 20.0, 10.0, 0.0)
STEADY = (20.0,) * WEEKS
SPACE = bank(groups=("stage",), horizon_days=56)


class Lives:
    """Customers who enrol on one day; money of every week by hand, with what the touch adds in each."""

    def __init__(self, adds: tuple[float, ...]) -> None:
        rng = np.random.default_rng(5)
        self.worth = rng.normal(100, 20, MANY + 1).round(2)
        self.treated = np.arange(MANY + 1) % 2 == 1
        luck = rng.normal(0, 5, (MANY + 1, WEEKS)) + self.worth[:, None]
        self.money = (luck + np.outer(self.treated, adds)).round(2)

    def inputs(self, engine: Engine, root: Path) -> PanelInputs:
        """A run every week."""
        ids = range(1, MANY + 1)
        fates = {True: "chosen", False: "held_out"}
        story = Story(
            people=[known(n, current_value=self.worth[n]) for n in ids],
            decisions=[decided(n, fates[bool(self.treated[n])]) for n in ids],
            performance={DAY + week * WEEK: [self.row(n, week) for n in ids] for week in range(1, WEEKS + 1)},
            profile=PROFILE_OF_DOUBLES,
        )
        return story.inputs(engine, root, SPACE)

    def row(self, n: int, week: int) -> dict[str, Any]:
        return brought(n, DAY + week * WEEK, float(self.money[n, week - 1]))

    def effect(self, week: int) -> Any:
        sides = [
            Moments.of(np.column_stack([self.money[1:, week], self.worth[1:]])[self.treated[1:] == side])
            for side in (True, False)
        ]
        return difference(Pair(sides[0], sides[1]), Roles(covariate=1))


PROFILE_OF_DOUBLES = [
    type(one)(one.name, type(one.type).NUMBER) if one.name == "current_value" else one for one in PROFILE
]


def flags(engine: Engine, folder: Path, adds: tuple[float, ...]) -> list[Any]:
    inputs = Lives(adds).inputs(engine, folder)
    return list(novelty.novelties(engine, inputs, ReviewDesign(SPACE), DAY + WEEKS * WEEK))


def test_an_effect_that_fades_is_flagged_in_both_languages(engine: Engine, tmp_path: Path) -> None:
    (found,) = flags(engine, tmp_path, FADING)
    assert (found.strategy, found.name, found.standing) == ("a", "novelty", "notice")
    assert "fades" in found.sentence.en and "5 weeks" in found.sentence.en
    assert "逐周减弱" in found.sentence.zh and "5 周" in found.sentence.zh


def test_one_that_comes_late_grows_and_a_steady_one_is_not_flagged(duckdb_engine: Engine, tmp_path: Path) -> None:
    (found,) = flags(duckdb_engine, tmp_path / "late", FADING[::-1])
    assert "grows" in found.sentence.en
    assert flags(duckdb_engine, tmp_path / "steady", STEADY) == []


def test_every_week_is_what_the_customers_say(
    duckdb_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    whole = novelty.weekly

    def watched(*given: Any, **more: Any) -> Any:
        seen.append(whole(*given, **more))
        return seen[-1]

    monkeypatch.setattr(novelty, "weekly", watched)
    lives = Lives(FADING)
    list(
        novelty.novelties(duckdb_engine, lives.inputs(duckdb_engine, tmp_path), ReviewDesign(SPACE), DAY + WEEKS * WEEK)
    )
    (weeks,) = seen
    assert len(weeks) == WEEKS
    for week, one in enumerate(weeks):
        expected = lives.effect(week)
        assert (one.value, one.se) == (pytest.approx(expected.value), pytest.approx(expected.se))


def test_too_few_weeks_say_nothing(duckdb_engine: Engine, tmp_path: Path) -> None:
    inputs = Lives(FADING).inputs(duckdb_engine, tmp_path)
    assert not list(novelty.novelties(duckdb_engine, inputs, ReviewDesign(SPACE), DAY + 3 * WEEK))


def test_the_review_carries_the_flag(duckdb_engine: Engine, tmp_path: Path) -> None:
    folders = folders_in(tmp_path / "out")
    inputs = Lives(FADING).inputs(duckdb_engine, tmp_path / "in")
    found = review(duckdb_engine, inputs, SPACE, DAY + WEEKS * WEEK, folders)
    assert [one.strategy for one in found.reviews for flag in one.flags if flag.name == "novelty"] == ["a"]
