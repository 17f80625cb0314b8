"""The guide's figures about the simulated bank and the real one are those that the tool computes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tools.realism import Shape, berka_shape, pictures, simulated_shapes, table

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "realism.md"
DATA = Path(os.environ.get("CULTIVA_DATA", ROOT.parent / "shared" / "data")) / "berka"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> list[Shape]:
    return simulated_shapes(tmp_path_factory.mktemp("realism"))


@pytest.mark.data
def test_the_guide_says_what_is_computed(simulated: list[Shape]) -> None:
    """To the digit for Berka and the history; lived weeks follow the ordinary world's figures, so they may move a bit.

    When this fails: `.venv/bin/python -m tools.realism ../shared/data/berka docs/guides/pictures`, and its table.
    """
    if not DATA.exists():
        pytest.skip(f"the public data sets are not at {DATA}")
    guide = GUIDE.read_text(encoding="utf-8")
    said = [line for line in guide.splitlines() if line.startswith("|")]
    computed = table([berka_shape(DATA), *simulated])
    assert len(said) == len(computed)
    for told, found in zip(said[2:], computed[2:], strict=True):
        *known, told_lived = _cells(told)
        *facts, found_lived = _cells(found)
        assert known == facts
        assert _number(told_lived) == pytest.approx(_number(found_lived), rel=0.05, abs=3.0 if "%" in told else 0.2)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _number(cell: str) -> float:
    return float(cell.replace(",", "").rstrip("%"))


def test_the_guide_shows_its_pictures(simulated: list[Shape]) -> None:
    history = simulated[0]
    shares = {"realism-gaps.svg": history.gaps, "realism-months.svg": history.months}
    for name in pictures(simulated):
        kept = (GUIDE.parent / "pictures" / name).read_text(encoding="utf-8")
        assert all(f">{bank}</text>" in kept for bank in ("Berka", "history", "lived weeks"))
        assert all(f">{share:.0%}</text>" in kept for share in shares.get(name, ()))
        assert f"(pictures/{name})" in GUIDE.read_text(encoding="utf-8")


def test_the_lived_weeks_are_like_the_history(simulated: list[Shape]) -> None:
    history, lived = simulated
    assert lived.per_month == pytest.approx(history.per_month, rel=0.25)
    assert lived.balances == pytest.approx(history.balances, rel=0.25)
    assert lived.months[0] == pytest.approx(history.months[0], abs=0.04)
    assert max(abs(a - b) for a, b in zip(lived.gaps, history.gaps, strict=True)) < 0.2
