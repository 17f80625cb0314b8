"""The command `map` on a small generated bank: against polars over what the run published, and the page."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.cli.commands import cultiva, done
from tests.stories.workspaces import DAY, table

from cultiva.insight.groups.memberships import read_members

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture(scope="module")
def mapped(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bank with a draft strategy and a budget; no test changes it."""
    root = tmp_path_factory.mktemp("map") / "mybank"
    shutil.copytree(bank, root)
    (root / "strategies" / "drafts.yaml").write_text(DRAFT, encoding="utf-8")
    needs = root / "strategies" / "needs.yaml"
    needs.write_text(
        needs.read_text("utf-8").replace("capacity: { per: adviser }", "budget: 1000\n  capacity: { per: adviser }", 1),
        "utf-8",
    )
    return root


DRAFT = """
- name: villagers_savings
  label: { zh: 乡村储蓄, en: Savings for villagers }
  owner: rural
  objective: { metric: deposit_balance, target: 500 }
  audience: segment('villagers')
  offers: [harvest_guide, term_deposit]
  channels: [sms, app]
  rank: 3
  budget: 40
  active: false
"""


@pytest.fixture(scope="module")
def told(mapped: Path) -> Any:
    """The map as data."""
    return done("map", mapped, "--json").data


def test_cells_are_the_profile_and_the_memberships_of_the_run(mapped: Path, told: Any) -> None:
    profile = table(mapped, "profile", DAY)
    folders = list((mapped / ".cultiva" / "lake" / "memberships").glob("*/*"))
    members = read_members([folder for folder in folders if str(DAY) in str(folder)]).segments
    groups = {name: set(members[name]) for name in told["groups"] if name not in "*-"}
    groups["*"] = set(profile["customer_id"])
    groups["-"] = groups["*"] - set().union(*(inside for name, inside in groups.items() if name != "*"))
    found = {(one["group"], one["stage"], one["tier"]): one for one in told["cells"]}
    for name, inside in groups.items():
        rows = profile.filter(pl.col("customer_id").is_in(list(inside)))
        counted = rows.group_by("stage", "value_tier").agg(pl.len(), pl.col("potential_value").sum())
        cells = {key[1:]: (one["customers"], one["potential"]) for key, one in found.items() if key[0] == name}
        assert cells == {(s, t): (n, pytest.approx(float(money))) for s, t, n, money in counted.iter_rows()}
    assert sum(one["customers"] for one in told["cells"] if one["group"] == "*") == profile.height


def test_audiences_and_their_overlaps_are_those_of_the_plan(mapped: Path, told: Any) -> None:
    decided = table(mapped, "decisions", DAY)
    inside = {name: set(rows["customer_id"]) for (name,), rows in decided.group_by("strategy")}
    places = {one["strategy"]: one for one in told["strategies"]}
    assert {name: one["audience"] for name, one in places.items() if one["active"] and one["audience"]} == {
        name: len(customers) for name, customers in inside.items()
    }
    expected = {(x, y): len(inside[x] & inside[y]) for x, y in combinations(inside, 2) if inside[x] & inside[y]}
    found = {(one["first"], one["second"]): one["both"] for one in told["overlaps"] if not one["planned"]}
    assert {frozenset(pair): both for pair, both in found.items()} == {
        frozenset(pair): both for pair, both in expected.items()
    }


def test_touches_of_the_first_day_are_the_proposals_of_the_plan(mapped: Path, told: Any) -> None:
    chosen = table(mapped, "decisions", DAY).filter(pl.col("fate") == "chosen")
    by_strategy = dict(chosen.group_by("strategy").agg(pl.col("customer_id").n_unique()).iter_rows())
    assert {one["strategy"]: one["touched"] for one in told["strategies"] if one["touched"]} == by_strategy


def test_a_draft_has_its_place_and_covers_nobody(told: Any) -> None:
    places = {one["strategy"]: one for one in told["strategies"]}
    draft = places["villagers_savings"]
    villagers = sum(one["customers"] for one in told["cells"] if one["group"] == "villagers")
    assert (draft["active"], draft["audience"], draft["groups"][0][0]) == (False, villagers, "villagers")
    assert places["wealth_upgrade"]["budget"] == 1000
    gaps = [one for one in told["gaps"] if one["group"] == "villagers"]
    assert sum(one["customers"] for one in gaps) > 0


def test_the_page_and_its_pictures_are_whole(mapped: Path, told: Any) -> None:
    folder = mapped / "reports" / str(DAY)
    page = (folder / "map.html").read_text(encoding="utf-8")
    for name in ("stages", "strategies", "tiers"):
        picture = (folder / f"map-{name}.svg").read_text(encoding="utf-8")
        assert ET.fromstring(picture).tag.endswith("svg")
        assert "nan" not in picture and picture in page
    assert json.loads((folder / "map.json").read_text("utf-8")) == told
    assert "策略图谱" in page and "乡村储蓄" in page


def test_it_is_printed_in_both_languages(mapped: Path, tmp_path: Path) -> None:
    text = done("map", mapped, "--html", tmp_path / "here" / "grid.html").out
    assert all(word in text for word in ("策略图谱", "空白：没有策略的客户", "冲突", "重叠", "口径"))
    assert (tmp_path / "here" / "grid.html").exists() and (tmp_path / "here" / "grid-stages.svg").exists()
    english = tmp_path / "bank"
    shutil.copytree(mapped, english)
    settings = english / "cultiva.toml"
    settings.write_text(settings.read_text("utf-8").replace('language = "zh"', 'language = "en"'), "utf-8")
    text = done("map", english).out
    assert all(word in text for word in ("Strategy map", "Gaps: customers without a strategy", "How it adds up"))
    assert "策略" not in text


def test_one_strategy_and_one_tier_can_be_looked_at_alone(mapped: Path) -> None:
    text = done("map", mapped, "--strategy", "wealth_upgrade").out
    assert "财富提升" in text and "预算" in text and "1,000 CNY" in text
    alone = done("map", mapped, "--strategy", "wealth_upgrade", "--json").data
    assert [one["strategy"] for one in alone["strategies"]] == ["wealth_upgrade"]
    assert {each["strategy"] for one in alone["cells"] for each in one["presences"]} == {"wealth_upgrade"}
    assert {one["tier"] for one in done("map", mapped, "--tier", "plus", "--json").data["cells"]} == {"plus"}


def test_what_does_not_exist_is_refused_with_what_does(mapped: Path) -> None:
    wrong = cultiva("map", mapped, "--strategy", "wealth_upgrad")
    assert wrong.code == 3 and "wealth_upgrade" in wrong.err
    wrong = cultiva("map", mapped, "--tier", "plsu")
    assert wrong.code == 3 and "plus" in wrong.err
    assert cultiva("map", mapped, "--date", "1990-01-01").code == 3


def test_a_forecast_of_a_draft_says_who_what_it_costs_and_how_long_and_leaves_no_trace(mapped: Path, told: Any) -> None:
    before = sorted(path.name for path in mapped.iterdir())
    seen = done("map", mapped, "--forecast", "villagers_savings", "--json").data
    place = next(one for one in told["strategies"] if one["strategy"] == "villagers_savings")
    assert seen["audience"] == place["audience"] == sum(one["customers"] for one in seen["funnel"])
    chosen = next(one["customers"] for one in seen["funnel"] if one["fate"] == "chosen")
    assert sum(one["customers"] for one in seen["volumes"]) == chosen > 0
    assert {one["offer"] for one in seen["volumes"]} <= {"harvest_guide", "term_deposit"}
    cost = {"sms": 0.05, "app": 0.01}
    assert all(one["channel_cost"] == cost[one["channel"]] for one in seen["volumes"])
    assert (seen["expectation"]["source"], seen["budget"], seen["active"]) == ("prior", 40.0, False)
    weeks = seen["stretches"]
    assert [one["weeks"] for one in weeks] == [1, 4, 8, 12]
    assert all(one["touched"] == round(0.9 * one["enrolled"]) for one in weeks)
    assert all(one["effect_low"] < one["effect"] < one["effect_high"] for one in weeks if one["touched"])
    assert all(one["net"] == pytest.approx(one["effect"] - one["cost"]) for one in weeks)
    assert all(one["before"] != one["after"] for one in seen["displaced"])
    text = done("map", mapped, "--forecast", "villagers_savings").out
    assert all(word in text for word in ("上线前测算 · 乡村储蓄", "首次运行", "月预算 40", "先验"))
    assert sorted(path.name for path in mapped.iterdir()) == before
    assert cultiva("map", mapped, "--forecast", "villagers_saving").code == 3
