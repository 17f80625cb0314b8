"""From a plan to an approved launch on the command line, against polars over what the run published."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import insert
from tests.cli.commands import cultiva, done
from tests.cli.test_refusals import demand_four_parts
from tests.stories.workspaces import DAY, store_of, table

from cultiva.execution.tables import JOURNEY
from cultiva.loop.campaign_words import BREAKS, STATES
from cultiva.store.columns import UtcDateTime
from cultiva.strategy.map.forecast import ORDER

pytestmark = pytest.mark.xdist_group("cli")
FORBIDDEN, CONFLICT, NOT_FOUND = 5, 4, 3
STRATEGY, RIVAL, INVESTMENTS = "family_protection", "car_owner_card", "wealth_upgrade"
AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def planned(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bank with a tester."""
    root = tmp_path_factory.mktemp("campaigns") / "mybank"
    shutil.copytree(bank, root)
    rules = root / "approval.yaml"
    text = rules.read_text("utf-8")
    testers = 'testers: [{ name: 李娜, addresses: { app: "13812345678", wecom: lina } }] #'
    rules.write_text(text.replace("testers: [] #", testers), "utf-8")
    return root


@pytest.fixture
def root(planned: Path, tmp_path: Path) -> Path:
    """A bank that a test may change."""
    copy = tmp_path / "mybank"
    shutil.copytree(planned, copy)
    return copy


def submitted(root: Path, strategy: str = STRATEGY, *more: object) -> str:
    return str(done("submit", root, strategy, "--author", "Chen", *more, "--json").data["launch_id"])


def live(root: Path, strategy: str = STRATEGY, *more: object) -> str:
    name = submitted(root, strategy, *more)
    done("approve", root, name, "--by", "Li", "--role", "executive")
    return str(done("launch", root, name, "--by", "Chen", "--json").data["launch_id"])


@pytest.fixture(scope="module")
def told(planned: Path) -> Any:
    """One launch explained, as data."""
    return done("explain", planned, submitted(planned), "--json").data


@pytest.fixture(scope="module")
def decided(planned: Path) -> pl.DataFrame:
    return table(planned, "decisions", DAY)


def test_the_funnel_is_what_the_plan_has_decided_down_to_who_is_reached(
    planned: Path, told: Any, decided: pl.DataFrame
) -> None:
    mine = decided.filter(pl.col("strategy") == STRATEGY)
    funnel = {one["step"]: one for one in told["explanation"]["funnel"]}
    assert funnel["customers"]["left"] == table(planned, "profile", DAY).height
    assert funnel["audience"]["left"] == mine["customer_id"].n_unique()
    order = {fate.value: place for place, fate in enumerate(ORDER)}
    last = (
        mine.with_columns(place=pl.col("fate").replace_strict(order)).group_by("customer_id").agg(pl.col("place").max())
    )
    left = funnel["audience"]["left"]
    for place, fate in enumerate(list(order)[:-1]):
        lost = last.filter(pl.col("place") == place).height
        left -= lost
        assert (funnel[fate]["lost"], funnel[fate]["left"]) == (lost, left), fate
    chosen = mine.filter(pl.col("fate") == "chosen")
    assert left == told["explanation"]["customers"] == chosen["customer_id"].n_unique() > 0


def test_cost_channels_load_and_holdout_are_those_of_the_plan(planned: Path, told: Any, decided: pl.DataFrame) -> None:
    found, unit = told["explanation"], {"app": 0.01, "sms": 0.05, "wecom": 0.8, "phone": 6.0, "branch": 12.0}
    chosen = decided.filter(pl.col("fate") == "chosen")
    mine = chosen.filter(pl.col("strategy") == STRATEGY)
    first = sum(unit[channel] for channel in mine["channel"])
    assert found["cost"]["first_wave"] == found["cost"]["contacts"] == pytest.approx(first)
    assert told["launch"]["cost"] == round(found["cost"]["run"], 2) == found["cost"]["planned"]
    for one in found["channels"]:
        both = chosen.filter(pl.col("channel") == one["channel"])
        number = both.filter(pl.col("strategy") == STRATEGY).height
        assert (one["customers"], one["others"]) == (number, both.height - number)
    human = chosen.filter(pl.col("channel").is_in(["wecom", "phone", "branch"]))
    own = human.filter(pl.col("strategy") == STRATEGY)
    assert found["load"]["contacts"] == own.height
    assert found["load"]["without_adviser"] == own["adviser_id"].null_count()
    for one in found["load"]["busiest"]:
        assert one["contacts"] + one["others"] == human.filter(pl.col("adviser_id") == one["adviser"]).height
    for fate in ("held_out", "held_out_global"):
        held = decided.filter((pl.col("strategy") == STRATEGY) & (pl.col("fate") == fate))
        compared = held.filter(pl.col("exposed"))["customer_id"].n_unique()
        expected = {"customers": held["customer_id"].n_unique(), "compared": compared}
        assert found["held_out"][fate] == expected


def test_the_effect_names_its_source_and_interval(told: Any, decided: pl.DataFrame) -> None:
    one, customers = told["explanation"]["effect"], told["explanation"]["customers"]
    assert one["source"] == "prior" and one["low"] < one["per_customer"] < one["high"]
    assert one["total"] == pytest.approx(one["per_customer"] * customers, rel=1e-4)
    mine = decided.filter((pl.col("strategy") == STRATEGY) & (pl.col("fate") == "chosen"))
    by = {part["source"]: part for part in one["by_source"]}
    assert by["prior"]["customers"] == mine.height
    assert by["prior"]["effect"] == pytest.approx(mine["effect"].sum(), rel=1e-4)


def test_sample_customers_are_masked_and_from_the_plan(planned: Path, told: Any, decided: pl.DataFrame) -> None:
    names = dict(table(planned, "customer", DAY).select("customer_id", "name").iter_rows())
    samples = told["explanation"]["samples"]
    assert {one["fate"] for one in samples} >= {"chosen"}
    text = str(samples)
    for one in samples:
        name = names[one["customer_id"]]
        assert one["name"] == name[:1] + "*" * (len(name) - 1) and name not in text
        rows = decided.filter((pl.col("customer_id") == one["customer_id"]) & (pl.col("strategy") == STRATEGY))
        assert one["fate"] in rows["fate"]
        assert one["reason"] if one["fate"] == "chosen" else not one["reason"]
        assert one["decision"]["zh"] and one["decision"]["en"]


def test_test_messages_go_to_named_people_over_the_channels_of_the_plan(
    planned: Path, told: Any, decided: pl.DataFrame
) -> None:
    mine = decided.filter((pl.col("strategy") == STRATEGY) & (pl.col("fate") == "chosen"))
    sends = told["explanation"]["tests"]
    pairs = {(offer, channel) for offer, channel in mine.select("offer", "channel").iter_rows()}
    reachable = {pair for pair in pairs if pair[1] in ("app", "wecom")}
    assert {(one["offer"], one["channel"]) for one in sends} == reachable
    assert len({one["delivery_id"] for one in sends}) == len(sends) == len(reachable)
    assert "13812345678" not in str(told), "the number itself is nobody's business but the sender's"
    assert all(one["tester"] == "李娜" and one["content"] for one in sends)


def test_the_explanation_is_printed_in_both_languages(planned: Path, tmp_path: Path) -> None:
    name = submitted(planned)
    text = done("explain", planned, name[:8]).out
    assert all(
        word in text for word in ("客户漏斗", "成本", "预期效果", "对照组", "样例客户", "测试发送", "还需 1 人审批")
    )
    english = tmp_path / "bank"
    shutil.copytree(planned, english)
    settings = english / "cultiva.toml"
    settings.write_text(settings.read_text("utf-8").replace('language = "zh"', 'language = "en"'), "utf-8")
    text = done("explain", english, name).out
    assert all(word in text for word in ("who is left after every filter", "prior of the offers", "1 more to approve"))
    assert "漏斗" not in text


def test_a_launch_goes_from_submission_to_its_end(root: Path) -> None:
    name = live(root)
    for command, state in (("pause", "paused"), ("resume", "live"), ("finish", "finished")):
        assert done(command, root, name, "--by", "Li", "--json").data["state"] == state
    assert STATES_ZH["finished"] in done("launches", root).out
    lines = done("audit", root, "--subject", f"launch:{name}", "--json").data
    actions = [one["entry"]["action"].partition(".")[2] for one in lines]
    assert actions == ["submitted", "approved", "launched", "paused", "resumed", "finished"]
    assert [one["entry"]["actor"] for one in lines[:3]] == ["Chen", "Li", "Chen"]
    verified = done("audit", root, "--verify", "--json").data
    assert verified["whole"] and verified["lines"] == len(lines) and verified["unaudited"] == {}


STATES_ZH: Mapping[str, str] = {str(state): words.zh for state, words in STATES.items()}


def test_what_people_may_not_do_is_refused_with_four_parts(root: Path) -> None:
    name = submitted(root, INVESTMENTS)
    own = cultiva("approve", root, name, "--by", "chen", "--role", "executive")
    assert own.code == FORBIDDEN
    demand_four_parts(own.err, "Chen"[1:], "a second person")
    early = cultiva("launch", root, name, "--by", "Li")
    assert early.code == CONFLICT
    demand_four_parts(early.err, "submitted")
    assert cultiva("approve", root, name, "--by", "Li", "--role", "leed").code == NOT_FOUND
    assert done("approve", root, name, "--by", "Li", "--role", "campaign_lead", "--json").data["state"] == "submitted"
    assert "compliance" in done("explain", root, name).out
    done("approve", root, name, "--by", "Wang", "--role", "compliance")
    done("halt", root, "--reason", "wrong rate", "--by", "Li")
    halted = cultiva("launch", root, name, "--by", "Chen")
    assert halted.code == CONFLICT
    demand_four_parts(halted.err, "wrong rate", "cultiva lift")
    assert cultiva("lift", root, "--by", "li").code == FORBIDDEN
    done("lift", root, "--by", "Wang")
    assert done("launch", root, name, "--by", "Chen", "--json").data["state"] == "live"


def test_above_the_limit_of_the_role_it_is_refused(root: Path) -> None:
    rules = root / "approval.yaml"
    rules.write_text(rules.read_text("utf-8").replace("cost_max: 50000\n", "cost_max: 0.01\n"), "utf-8")
    name = submitted(root)
    refused = cultiva("approve", root, name, "--by", "Li", "--role", "campaign_lead")
    assert refused.code == FORBIDDEN
    demand_four_parts(refused.err, "at most 0.01", "product_head or executive")


def test_a_changed_strategy_needs_a_new_run_and_a_new_submission(root: Path) -> None:
    name = submitted(root)
    needs = root / "strategies" / "needs.yaml"
    text = needs.read_text("utf-8")
    needs.write_text(text.replace("channels: [app, wecom]", "channels: [wecom, app]", 1), "utf-8")
    refused = cultiva("approve", root, name, "--by", "Li", "--role", "executive")
    assert refused.code == CONFLICT
    demand_four_parts(refused.err, "has changed", "submit it again")
    assert "须重新提交" in done("explain", root, name).out
    again = cultiva("submit", root, STRATEGY, "--author", "Chen")
    assert again.code == CONFLICT
    demand_four_parts(again.err, f"strategy {STRATEGY}", "cultiva run")
    needs.write_text(text, "utf-8")
    assert done("approve", root, name, "--by", "Li", "--role", "executive", "--json").data["state"] == "approved"


def test_a_segment_that_says_who_is_meant_is_part_of_what_is_approved(root: Path) -> None:
    name = submitted(root)
    for path in (root / "segments").glob("*.yaml"):
        text = path.read_text("utf-8")
        if "name: families_with_children" in text:
            head, tail = text.split("name: families_with_children", 1)
            path.write_text(
                f"{head}name: families_with_children{tail.replace('rule: ', 'rule: age > 20 and ', 1)}", "utf-8"
            )
    refused = cultiva("approve", root, name, "--by", "Li", "--role", "executive")
    assert refused.code == CONFLICT and "has changed" in refused.err


EMPTY = {
    column.name: AT if isinstance(column.type, UtcDateTime) else column.type.python_type()
    for column in JOURNEY.columns
    if not column.nullable
}
"""A journey without anything of interest."""


def test_conflicts_are_the_people_and_offers_of_other_launches(root: Path, decided: pl.DataFrame) -> None:
    chosen = decided.filter(pl.col("fate") == "chosen")
    people = {name: set(chosen.filter(pl.col("strategy") == name)["customer_id"]) for name in (STRATEGY, RIVAL)}
    rival = live(root, RIVAL)
    name = submitted(root)
    found = done("explain", root, name, "--json").data["conflicts_now"]
    both = people[STRATEGY] & people[RIVAL]
    assert [one["customers"] for one in found if one["launch_id"] == rival] == ([len(both)] if both else [])
    mine = chosen.filter(pl.col("strategy") == STRATEGY).sort("customer_id").head(3)
    store = store_of(root)
    rows = [
        {**EMPTY, "launch_id": rival, "customer_id": customer, "state": state, "offer": offer}
        for customer, state, offer in (
            (mine["customer_id"][0], "active", mine["offer"][0]),
            (mine["customer_id"][1], "active", "nothing"),
            (mine["customer_id"][2], "done", mine["offer"][2]),
        )
    ]
    with store.database.writing() as connection:
        connection.execute(insert(JOURNEY), rows)
    store.close()
    found = done("explain", root, name, "--json").data["conflicts_now"]
    assert [(one["launch_id"], one["customers"], one["same_offer"]) for one in found] == [(rival, 2, 1)]
    assert done("explain", root, rival, "--json").data["conflicts_now"] == [], "a launch that waits is no conflict yet"
    assert RIVAL in done("explain", root, name).out


def test_a_daily_launch_is_judged_by_a_month_of_its_cost(root: Path) -> None:
    once = done("submit", root, STRATEGY, "--author", "Chen", "--json").data
    daily = done("submit", root, STRATEGY, "--daily", "--author", "Chen", "--json").data
    assert daily["cost"] == pytest.approx(30 * once["cost"], abs=0.3) and daily["launch_id"] != once["launch_id"]


def test_a_strategy_that_is_not_in_the_plan_cannot_be_submitted(root: Path) -> None:
    assert cultiva("submit", root, "family_protectoin").code == NOT_FOUND
    assert cultiva("submit", root, STRATEGY, "--date", "1994-03-29").code == NOT_FOUND
    nobody = cultiva("submit", root, "money_arrived", "--author", "Chen")
    assert nobody.code == CONFLICT
    demand_four_parts(nobody.err, "nobody")


def test_a_changed_line_of_the_audit_is_named(root: Path) -> None:
    name = live(root)
    anchor = done("audit", root, "--verify", "--json").data["anchor"]
    assert anchor.startswith("3:") and done("audit", root, "--anchor", anchor).code == 0
    with sqlite3.connect(root / ".cultiva" / "store.db") as connection:
        connection.executescript("drop trigger audit_no_update; drop trigger audit_no_delete")
        connection.execute("update audit set actor = 'Wang' where number = 2")
        connection.execute("update launch set state = 'finished'")
    found = cultiva("audit", root, "--verify")
    assert found.code == 1 and "第 2 行" in found.out and BREAKS_ZH["content"] in found.out and name in found.out
    with sqlite3.connect(root / ".cultiva" / "store.db") as connection:
        connection.execute("delete from audit where number > 1")
    assert cultiva("audit", root, "--verify", "--anchor", anchor).code == 1
    assert cultiva("audit", root, "--anchor", "3:x").code == 2


BREAKS_ZH = {str(one): words.zh for one, words in BREAKS.items()}


def test_halts_are_of_what_exists(root: Path) -> None:
    assert cultiva("halt", root, "--channel", "fax", "--reason", "x").code == NOT_FOUND
    assert cultiva("halt", root, "--channel", "sms", "--strategy", STRATEGY, "--reason", "x").code == 2
    assert cultiva("halt", root, "--reason", " ").code == 2
    done("halt", root, "--channel", "sms", "--reason", "通道故障", "--by", "Li")
    assert "channel:sms: 通道故障" in done("launches", root).out
    assert cultiva("launches", root, "--state", "alive").code == 2
    assert "没有紧急停发" in done("lift", root, "--channel", "sms", "--by", "Wang").out


def test_slowing_a_launch_down_is_said_and_taken_back(root: Path) -> None:
    name = submitted(root)
    assert done("throttle", root, name, "--per-minute", 600, "--json").data["per_minute_max"] == 600
    assert done("throttle", root, name, "--json").data["per_minute_max"] is None
