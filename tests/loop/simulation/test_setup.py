"""What a flight's workspace is made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cultiva.definitions.review import RankBy
from cultiva.loop.simulation.service import Request
from cultiva.loop.simulation.setup import Policy, Setup, prepared
from cultiva.simbank.world import load_world


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(load_world("ordinary"), Policy.RANDOM, tmp_path / "flight")


def test_the_policy_and_the_language_are_written_into_the_definitions(setup: Setup) -> None:
    found = prepared(replace(setup, language="en"))
    assert found.review.rank_by is RankBy.RANDOM
    assert found.settings.language == "en"


def test_a_flight_that_goes_on_may_be_told_in_another_language(setup: Setup) -> None:
    assert prepared(setup).settings.language == "zh"
    first = (setup.workspace / "review.yaml").read_bytes()
    assert prepared(replace(setup, language="en")).settings.language == "en"
    assert prepared(setup).settings.language == "en"
    assert (setup.workspace / "review.yaml").read_bytes() == first


def test_a_flight_is_told_in_the_language_asked_for_else_in_that_of_the_definitions(setup: Setup) -> None:
    prepared(replace(setup, language="en"))
    asked = Request("ordinary", strategies=setup.workspace)
    assert asked.told_in() == "en"
    assert replace(asked, language="zh").told_in() == "zh"
    assert Request("ordinary").told_in() == "zh"
    assert [one.language for one in Request("ordinary", language="en").setups()] == ["en"]
