"""Worlds are files: what they leave out is ordinary, and their faults are named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cultiva.kit.errors import CultivaError, Faults
from cultiva.simbank.world import World, load_world, world_names


def test_the_packaged_worlds_are_there_and_differ() -> None:
    wanted = {
        "ordinary", "no_effect", "contact_hurts", "one_group", "strong_fatigue", "seasonal", "drifting",
        "heavy_tails", "strong_referral", "sleeping_dogs",
    }  # fmt: skip
    assert wanted <= set(world_names())
    read = {name: load_world(name) for name in world_names()}
    assert all(world.name == name and world.description for name, world in read.items())
    figures = [world.model_dump_json(exclude={"name", "description"}) for world in read.values()]
    assert len(set(figures)) == len(figures)


def test_what_a_file_leaves_out_is_as_in_the_ordinary_world(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nkinds:\n  persuadable: { lift: 3 }\ncategories:\n  benefit: { activity: 0.5 }\n")
    mine, usual = load_world(path), World(name="usual")
    assert mine.kinds.persuadable.lift == 3
    assert mine.kinds.persuadable.share == usual.kinds.persuadable.share
    assert mine.category("benefit").activity == 0.5
    assert mine.category("benefit").push == usual.category("benefit").push > 0
    assert mine.category("loan") == usual.category("loan")


def test_all_faults_are_listed_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("name: wrong\nfatigue:\n  stay: 0.5\n  opt_out: 3\nresponse: { household: much }\n")
    with pytest.raises(Faults) as caught:
        load_world(path)
    found = {(fault.line, fault.seen) for fault in caught.value.faults}
    assert found == {(3, "stay"), (4, "3"), (5, "much")}
    assert "stays" in str(caught.value)


def test_figures_that_do_not_fit_together_are_faults(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(
        "name: odd\nkinds:\n  persuadable: { share: 0.9 }\nsells: { x: P_TREM }\n"
        "effect_only: { archetypes: [villagr] }\namounts: { tail: 0.9 }\n"
    )
    with pytest.raises(Faults) as caught:
        load_world(path)
    text = str(caught.value)
    assert [fault.line for fault in caught.value.faults] == [3, 4, 5, 6]
    assert "P_TERM" in text
    assert "villager" in text


def test_a_world_that_does_not_exist_has_a_hint() -> None:
    with pytest.raises(CultivaError, match="no such world") as caught:
        load_world("seasonl")
    assert "seasonal" in caught.value.hint
