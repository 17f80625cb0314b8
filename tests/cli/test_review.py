"""The command `review` and the page of a review, on a small bank after one run and after two."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import polars as pl
import pytest
from tests.cli.commands import cultiva, done
from tests.stories.workspaces import DAY, NEXT_DAY, table

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture(scope="module")
def twice(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank a day later."""
    root = tmp_path_factory.mktemp("review") / "mybank"
    shutil.copytree(bank, root)
    done("run", root, "--date", NEXT_DAY)
    return root


def test_after_the_first_run_every_strategy_waits_and_says_why(bank: Path) -> None:
    told = done("review", bank, "--json").data
    assert told["date"] == str(DAY)
    strategies = told["strategies"]
    assert strategies[0]["strategy"] == "(all)"
    assert len(strategies) > 10
    assert {one["recommendation"]["verdict"] for one in strategies} == {"wait"}
    assert all(one["recommendation"]["reason"]["zh"] for one in strategies)
    assert all(one["readouts"] == [] for one in strategies)


def test_the_next_day_money_is_read_out_against_the_holdout(twice: Path) -> None:
    (whole,) = done("review", twice, "--strategy", "(all)", "--json").data["strategies"]
    main = next(one for one in whole["readouts"] if one["metric"] == "contribution" and one["contrast"] == "itt")
    exposed = table(twice, "exposure", DAY).filter(pl.col("strategy") == "(all)")
    arms = dict(exposed.group_by("arm").len().iter_rows())
    assert (main["customers_treated"], main["customers_control"]) == (arms["treated"], arms["held_out_global"])
    done_since = table(twice, "performance", NEXT_DAY).join(exposed, on="customer_id")
    mean = done_since.filter(pl.col("arm") == "treated")["contribution"].cast(pl.Float64).mean()
    assert main["mean_treated"] == pytest.approx(mean)
    assert [one["date"] for one in whole["history"]] == [str(NEXT_DAY)]


def test_exposures_are_the_decisions_that_say_so_and_stay(twice: Path) -> None:
    decided = table(twice, "decisions", DAY).filter(pl.col("exposed"))
    entered = table(twice, "exposure", NEXT_DAY).filter(pl.col("enrolled_on") == DAY, pl.col("strategy") != "(all)")
    keys = ["strategy", "customer_id"]
    assert entered.select(keys).sort(keys).equals(decided.select(keys).sort(keys))
    sides = entered.join(decided.select(*keys, "fate"), on=keys)
    told = {"chosen": "treated", "held_out": "held_out", "held_out_global": "held_out_global"}
    assert sides["arm"].to_list() == [told[fate] for fate in sides["fate"]]
    assert {"treated", "held_out"} <= set(sides["arm"])


def test_the_table_names_every_strategy_and_details_every_metric(twice: Path) -> None:
    text = done("review", twice).out
    assert "全部策略合计" in text and "建议" in text
    details = done("review", twice, "--strategy", "(all)").out
    assert all(word in details for word in ("扣除成本后贡献", "转化", "流失", "生命周期"))


def test_an_unknown_strategy_and_a_day_without_review_are_refused(twice: Path) -> None:
    wrong = cultiva("review", twice, "--strategy", "wealth_upgrad")
    assert wrong.code == 3
    assert "wealth_upgrade" in wrong.err
    assert cultiva("review", twice, "--date", "1990-01-01").code == 3


def test_the_page_has_its_pictures_inside_and_they_are_whole(twice: Path) -> None:
    folder = twice / "reports" / str(NEXT_DAY)
    page = (folder / "review.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    for name in ("forest", "curve", "bridge"):
        picture = (folder / f"review-{name}.svg").read_text(encoding="utf-8")
        assert ET.fromstring(picture).tag.endswith("svg")
        assert "nan" not in picture and "inf" not in picture
        assert picture in page
    assert (folder / "review.json").stat().st_size > 1000
    assert "review.html" in (folder / "run.html").read_text(encoding="utf-8")


def test_the_page_after_the_first_run_says_that_there_is_nothing_yet(bank: Path) -> None:
    page = (bank / "reports" / str(DAY) / "review.html").read_text(encoding="utf-8")
    assert "尚无结果" in page


def test_before_launch_it_says_what_can_be_seen_and_leaves_no_trace(bank: Path) -> None:
    before = sorted(path.name for path in bank.iterdir())
    told = done("review", bank, "--plan", "wealth_upgrade", "--effect", 1e9, "--json").data
    held = table(bank, "decisions", DAY).filter(strategy="wealth_upgrade")
    assert told["pool"] >= held.filter(fate="chosen").height > 0
    assert told["days"] == table(bank, "performance", DAY)["days"].max()
    assert {(one["weeks"], one["holdout"]) for one in told["smallest"]} >= {(2, 0.05), (26, 0.5)}
    assert all(one["weeks"] == 1 for one in told["durations"])
    text = done("review", bank, "--plan", "wealth_upgrade", "--effect", 1).out
    assert "对照 20%" in text and "测出每位客户 1.00 需要多久" in text
    assert sorted(path.name for path in bank.iterdir()) == before
    assert cultiva("review", bank, "--plan", "wealth_upgrad").code == 3
