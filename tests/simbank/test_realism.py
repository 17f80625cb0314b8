"""The guide's figures about the simulated bank and the real one are those that the tool computes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tools.realism import Shape, berka_shape, pictures, simulated_shapes, table

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CULTIVA_DATA", ROOT.parent / "shared" / "data")) / "berka"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> list[Shape]:
    return simulated_shapes(tmp_path_factory.mktemp("realism"))


@pytest.mark.data
def test_the_guide_says_what_is_computed(simulated: list[Shape]) -> None:
    if not DATA.exists():
        pytest.skip(f"the public data sets are not at {DATA}")
    guide = (ROOT / "docs" / "guides" / "realism.md").read_text(encoding="utf-8")
    shapes = [berka_shape(DATA), *simulated]
    assert "\n".join(table(shapes)) in guide
    for name, picture in pictures(shapes).items():
        assert (ROOT / "docs" / "guides" / "pictures" / name).read_text(encoding="utf-8") == picture
        assert f"pictures/{name}" in guide


def test_the_lived_weeks_are_like_the_history(simulated: list[Shape]) -> None:
    history, lived = simulated
    assert lived.per_month == pytest.approx(history.per_month, rel=0.25)
    assert lived.balances == pytest.approx(history.balances, rel=0.25)
    assert lived.months[0] == pytest.approx(history.months[0], abs=0.04)
    assert max(abs(a - b) for a, b in zip(lived.gaps, history.gaps, strict=True)) < 0.2
