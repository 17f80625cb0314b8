"""The page of a flight."""

from __future__ import annotations

import json
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cultiva.loop.simulation.scoring import Comparison, WeekTruth
from cultiva.loop.simulation.setup import Policy
from cultiva.loop.simulation.telling import Scored, write_flight

DAY = date(1994, 4, 6)


class Page(HTMLParser):
    """Cells of the table, and what else there is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "td":
            self.cells[-1] += data.strip()


def claim(strategy: str, label: str, effect: float | None, truth: float) -> Comparison:
    low, high = (None, None) if effect is None else (effect - 1, effect + 1)
    return Comparison(strategy, label, 100, effect, low, high, truth, cost=50.0, verdict="keep")


@pytest.fixture
def scored() -> Scored:
    weeks = tuple(WeekTruth(DAY + timedelta(7 * n), 10, 20.0, 100.0 * n, 0, 0, 0, 0.1) for n in range(3))
    rows = (
        claim("programme", "全部 & <b>", 2.0, 2.5),
        claim("retain", "挽留", 5.0, 1.0),
        claim("new", "新策略", None, 0.0),
    )
    return Scored("ordinary", Policy.LOOP, 1000, 30, weeks, rows)


@pytest.mark.parametrize(("language", "title", "verdict"), [("zh", "飞行模拟", "保持"), ("en", "Flight", "keep")])
def test_the_page_tells_every_claim_beside_the_truth(
    scored: Scored, tmp_path: Path, language: str, title: str, verdict: str
) -> None:
    (written,) = write_flight(scored, tmp_path, language)
    text = written.read_text(encoding="utf-8")
    page = Page(text)
    assert f"<title>{title} · ordinary · loop</title>" in text
    assert page.tags.count("svg") == 2
    assert page.tags.count("b") == 0, "labels are texts, not HTML"
    assert page.cells[1] == "全部 & <b>"
    columns = len(page.cells) // 3
    assert page.cells[columns - 1] == verdict
    assert page.cells[columns + 3 : columns + 8] == ["+5.00", "+4.00", "+6.00", "+1.00", "✗"]
    assert page.cells[2 * columns + 3 : 2 * columns + 6] == ["–", "–", "–"]


def test_its_data_are_beside_it(scored: Scored, tmp_path: Path) -> None:
    write_flight(scored, tmp_path, "en")
    found = json.loads((tmp_path / "flight.json").read_text(encoding="utf-8"))
    assert (found["incremental"], found["cost"], found["net"]) == (300.0, 60.0, 240.0)
