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


def test_who_knows_every_effect_explores_nothing(setup: Setup) -> None:
    """Else the yardstick would lose money where silence is best."""
    oracle = prepared(replace(setup, policy=Policy.ORACLE)).review
    assert (oracle.exploration, oracle.ramp) == (0.0, None)


def test_the_loop_begins_on_a_ramp_and_a_banks_own_definitions_are_flown_as_they_are(setup: Setup) -> None:
    loop = prepared(replace(setup, policy=Policy.LOOP)).review
    assert loop.exploration > 0
    assert loop.ramp is not None
    own = replace(setup, policy=Policy.LOOP, definitions=setup.workspace, folder=setup.folder.with_name("own"))
    text = setup.workspace / "review.yaml"
    text.write_text(text.read_text().replace("ramp: {}", "ramp: { sure: 0.75 }"))
    found = prepared(own).review.ramp
    assert found is not None
    assert found.sure == 0.75
