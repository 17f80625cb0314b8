"""The whole main job on DuckDB and on a Spark cluster: the same content, table by table."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.commands import done
from tests.conftest import EngineChoice
from tests.stories.comparing import all_differences
from tests.stories.workspaces import BERKA, DAY, berka_workspace, on_spark, published

from cultiva.engine.port import Engine

CUSTOMERS = 2000
COMPARED = {
    "customer", "identity_map", "account_owner", "holding", "profile", "memberships", "transitions", "grid",
    "decisions",
}  # fmt: skip
"""Tables that the engine's own work makes."""

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture
def spark(spark_engine: Engine, spark_choice: EngineChoice) -> EngineChoice:
    """Settings of the cluster; an engine stays open, so that all runs of this process share one driver."""
    assert spark_engine.name == "spark"
    return spark_choice


def run_on_spark(root: Path, choice: EngineChoice, *options: str) -> None:
    """Runs the day on Spark."""
    done("run", root, "--date", DAY, *options, *on_spark(root, choice.master, choice.options))


def demand_equal(one: Path, other: Path) -> None:
    """Demands that all tables of the day are equal."""
    names = {name for name, _ in published(one)}
    assert names >= COMPARED
    assert all(published(one)[name, DAY].rows for name in COMPARED), "an empty table is equal to any other"
    assert all_differences(one, other) == []


@pytest.mark.data
def test_berka_is_the_same_on_both_engines(spark: EngineChoice, berka: Path, tmp_path: Path) -> None:
    other = berka_workspace(tmp_path / "spark")
    run_on_spark(other, spark, "--set", f"data={BERKA}")
    demand_equal(berka, other)


def test_a_generated_bank_is_the_same_on_both_engines(spark: EngineChoice, tmp_path: Path) -> None:
    one, other = tmp_path / "duckdb", tmp_path / "spark"
    for root in (one, other):
        done("init", root, "--customers", CUSTOMERS)
    done("run", one, "--date", DAY)
    run_on_spark(other, spark)
    demand_equal(one, other)
