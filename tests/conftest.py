"""What all tests share: engines, and the servers they need, started on demand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from _pytest.nodeid import coerce_node_id
from hypothesis import settings
from tests.servers.nats import nats_url
from tests.servers.no_skips import NoSkips
from tests.servers.once import Once, shared_folder
from tests.servers.postgres import postgres_server, postgres_url
from tests.servers.redis import redis_url
from tests.servers.spark import DRIVER_OPTIONS, shared_cluster
from tests.servers.stores import postgres_store_url, postgres_tables
from tests.servers.streams import distributed_settings, live_settings
from tests.servers.warm import Warm, warm_commands

from cultiva.engine.open import open_engine
from cultiva.engine.port import Engine

__all__ = [
    "distributed_settings",
    "live_settings",
    "nats_url",
    "postgres_server",
    "postgres_store_url",
    "postgres_tables",
    "postgres_url",
    "redis_url",
]


DRIVERS = {"tests/review/": "spark-review", "tests/engine/": "spark-rooms", "tests/strategy/": "spark-rooms"}
"""Where a test on Spark lies -> the driver it goes to; `spark` has the others."""


@dataclass(frozen=True)
class EngineChoice:
    """What a test's workspace would say about its engine."""

    name: str
    spill: str
    threads: int | None = 2
    memory_gb: float | None = 2
    master: str = ""
    options: dict[str, str] = field(default_factory=dict)


settings.register_profile("cultiva", deadline=None)
"""How long an example takes is the machine's affair: no test hangs on it."""
settings.load_profile("cultiva")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(NoSkips(), "no-skips")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Says which tests stay together in one process (`--dist loadgroup`), and which come first.

    Tests on Spark: a driver takes ten seconds and most of a GB; there are three. Tests that share what their module has
    made: it would be made once more in every process that gets one of them. What takes longest begins first, so that
    nobody works alone at the end (`--no-loadscope-reorder`).
    """
    for item in items:
        if item.get_closest_marker("spark"):
            item.add_marker(pytest.mark.xdist_group(_driver_of(item)))
        elif item.get_closest_marker("xdist_group"):
            continue
        elif isinstance(item, pytest.Function) and _shares_with_its_module(item):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
    items.sort(key=lambda item: (not item.get_closest_marker("spark"), not item.get_closest_marker("slow")))
    if getattr(config.option, "loadgroup", False):
        for item in items:
            _name_group(item)


def _driver_of(item: pytest.Item) -> str:
    """Which of the drivers a test on Spark goes to: one alone would be the last to be done."""
    return next((name for room, name in DRIVERS.items() if room in item.nodeid), "spark")


def _name_group(item: pytest.Item) -> None:
    """Writes a test's group behind its name, where the scheduler looks for it.

    pytest-xdist 3.8 does so itself, but in a place that pytest 9.2 no longer reads: without a word every test is on
    its own. tests/architecture/test_groups.py demands that it holds.
    """
    group = next((str(mark.args[0]) for mark in item.iter_markers("xdist_group")), "")
    if group and not item.nodeid.endswith(f"@{group}"):
        item._id = coerce_node_id(f"{item.nodeid}@{group}")


def _shares_with_its_module(item: pytest.Function) -> bool:
    found = item._fixtureinfo.name2fixturedefs.values()
    return any(one[-1].scope == "module" for one in found if one)


@pytest.fixture(scope="session")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The URL of the master of a real cluster."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # the driver's address, as the cluster's
    with shared_cluster(shared_folder(tmp_path_factory, worker_id) / "spark-cluster") as master:
        yield master


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Makes what all processes of this session share."""
    return Once(shared_folder(tmp_path_factory, worker_id) / "once")


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Warm]:
    """`cultiva` as processes that begin at once."""
    with warm_commands(shared_folder(tmp_path_factory, worker_id) / "warm-commands") as found:
        yield found


@pytest.fixture(scope="session")
def duckdb_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """DuckDB and Polars."""
    engine = open_engine(EngineChoice(name="duckdb", spill=str(tmp_path_factory.mktemp("duckdb-spill"))))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def spark_choice(spark_cluster: str, tmp_path_factory: pytest.TempPathFactory) -> EngineChoice:
    """Settings that open Spark on the tests' cluster."""
    spill = str(tmp_path_factory.mktemp("spark-spill"))
    return EngineChoice(name="spark", spill=spill, master=spark_cluster, options=DRIVER_OPTIONS)


@pytest.fixture(scope="session")
def spark_engine(spark_choice: EngineChoice) -> Iterator[Engine]:
    """Spark on a real cluster; a test that uses it is marked `spark`."""
    engine = open_engine(spark_choice)
    yield engine
    engine.close()


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every engine in turn."""
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that an engine may write to, with a path like the lake's."""
    return tmp_path / "date=1994-03-30" / "written"
