"""Pricing anew: a version of the day's prices is there as a whole or not at all, and decisions say which they paid."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.servers.stores import store, store_url
from tests.strategy.conftest import ON, lay_out_bank
from tests.strategy.test_repricing import MANY, space

from cultiva.engine.lake import Lake
from cultiva.engine.parquet import seal
from cultiva.engine.port import Engine
from cultiva.execution.audit.service import Audit
from cultiva.execution.present.service import charge
from cultiva.execution.recipients.people import ConsentWord
from cultiva.execution.recipients.service import Recipients
from cultiva.kit.errors import CultivaError
from cultiva.loop import repricing
from cultiva.loop.live.knowing import basis_of
from cultiva.loop.live.repriced import TABLE, price_path, versions
from cultiva.loop.parts import Parts
from cultiva.loop.reprices import charged, data, reprices
from cultiva.loop.repricing import price_anew
from cultiva.store import Store
from cultiva.strategy.service import plan

__all__ = ["store", "store_url"]
DAY = ON + timedelta(days=1)
NOON = datetime(1994, 3, 31, 4, 0, tzinfo=UTC)
"""At the bank, where it is eight hours later."""


@pytest.fixture(scope="module")
def night(duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a night, by their names."""
    folder = tmp_path_factory.mktemp("night")
    inputs = lay_out_bank(folder, MANY, {"A0": 100, "A1": 100})
    plan(duckdb_engine, inputs, space(), ON, folder / "decisions", prices=folder / "price")
    return folder


@pytest.fixture
def parts(night: Path, store: Store, duckdb_engine: Engine, tmp_path: Path) -> Iterator[Parts]:
    lake = Lake(tmp_path / "lake", store.snapshots)
    found = []
    for each in sorted(one for one in night.iterdir() if one.is_dir() and any(one.iterdir())):
        folder = lake.stage(each.name, ON, run_id="night")
        shutil.copytree(each, folder, dirs_exist_ok=True)
        found.append(lake.snapshot(each.name, ON, folder, seal(folder), run_id="night"))
    store.snapshots.publish(found, step="plan", at=NOON - timedelta(hours=9))
    workspace = replace(space(), root=tmp_path)
    yield Parts(workspace, duckdb_engine, lake, store, lambda: NOON)


def use(parts: Parts, units: float, name: str = "texts") -> None:
    with parts.store.database.writing() as connection:
        assert charge(connection, f"touch-{units}", DAY, {name: units}, {}, NOON) is None


def test_a_version_says_who_when_and_what_has_changed(parts: Parts) -> None:
    use(parts, 20.0)
    done = price_anew(parts, by="li")
    assert done.new and done.version.version == "1994-03-31.1"
    told = data(done.version)
    assert (told["made_by"], told["made_at"], told["run"]) == ("li", "1994-03-31T04:00:00+00:00", "1994-03-30")
    assert told["gap"] <= 1e-4
    (texts,) = [one for one in told["prices"] if one["resource"] == "texts"]
    assert (texts["taken"], texts["capacity"], texts["used"]) == (20.0, 10.0, 10.0)
    assert texts["price"] > texts["price_before"] + 5
    (line,) = Audit(parts.store.database).lines(subject="prices:1994-03-31.1")
    assert (line.entry.actor, line.entry.action) == ("li", "prices.repriced")
    sheet = reprices(parts, ON)
    first = dict(zip(sheet.columns, sheet.rows[0], strict=True))
    assert (first["taken"], first["now"]) == (20.0, texts["price"]), "what moved most stands first"
    assert "li" in (sheet.note or "") and "12:00" in (sheet.note or "")


def test_done_again_it_changes_nothing_until_something_happens(parts: Parts) -> None:
    use(parts, 5.0)
    first = price_anew(parts, by="li")
    path = price_path(parts, DAY)
    again = price_anew(replace(parts, clock=lambda: NOON + timedelta(minutes=1)), by="wu")
    assert not again.new and again.version.rows == first.version.rows and price_path(parts, DAY) == path
    Recipients(parts.store.database).speak([ConsentWord(200, "*", False, NOON, "call")])
    second = price_anew(parts, by="wu")
    assert second.new and second.version.version == "1994-03-31.2"
    known = versions(parts, DAY)
    assert [one.rows for one in known] == [first.version.rows, second.version.rows], "earlier ones stay to be read"
    before = {row["resource"]: row["price_before"] for row in second.version.rows}
    assert before == {row["resource"]: charged(row) for row in first.version.rows}
    assert len(Audit(parts.store.database).lines(action="prices.repriced")) == 2


def test_who_is_stopped_midway_leaves_the_old_prices(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    use(parts, 5.0)
    first = price_anew(parts, by="li")
    use(parts, 10.0)
    for where in ("write_arrow", "publish", "reprice"):
        with monkeypatch.context() as broken:
            broken.setattr(repricing, where, _killed)
            with pytest.raises(KeyboardInterrupt):
                price_anew(parts, by="wu")
        assert [one.rows for one in versions(parts, DAY)] == [first.version.rows]
    assert len(Audit(parts.store.database).lines(action="prices.repriced")) == 1, "nothing is told that was not done"
    assert price_anew(parts, by="wu").version.version == "1994-03-31.2"


def test_of_two_at_once_one_is_refused(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    use(parts, 5.0)
    solve: Any = vars(repricing)["reprice"]

    def overtaken(*args: Any, **more: Any) -> Any:
        monkeypatch.undo()
        price_anew(parts, by="wu")
        return solve(*args, **more)

    monkeypatch.setattr(repricing, "reprice", overtaken)
    with pytest.raises(CultivaError, match="somebody else"):
        price_anew(parts, by="li")
    assert [one.rows[0]["made_by"] for one in versions(parts, DAY)] == ["wu"]


def test_live_decisions_charge_the_newest_version_and_can_be_charged_again(parts: Parts) -> None:
    """The charge of a decision is found again from the version that it names, what was used, and the time."""
    by, noon = parts.workspace.review.rank_by, datetime(1994, 3, 31, 12, 0)
    night = basis_of(parts, DAY)
    assert (night.prices, night.prices_at) == ("", "")
    use(parts, 20.0)
    price_anew(parts, by="li")
    basis = basis_of(parts, DAY)
    assert (basis.prices, basis.prices_at) == ("1994-03-31.1", price_path(parts, DAY))
    charges = basis.desk.charges(by)
    for row in versions(parts, DAY)[-1].rows:
        pace = charges.resources[row["resource"]].pace
        assert pace.budget == night.desk.charges(by).resources[row["resource"]].pace.budget
        assert (pace.price, pace.begun, pace.used_before) == (charged(row), 0.5, row["live_used"])
        if pace.budget > row["live_used"] and charged(row) > parts.workspace.placements.price_least:
            assert pace.at(noon, row["live_used"]) == pytest.approx(charged(row), rel=1e-12)
    assert basis_of(parts, DAY + timedelta(days=1)).prices == "", "tomorrow has prices of its own"


def test_a_plan_of_another_time_is_not_priced(parts: Parts) -> None:
    early, late = (
        replace(parts, clock=one) for one in (lambda: NOON - timedelta(days=2), lambda: NOON + timedelta(days=4))
    )
    for one in (early, late):
        with pytest.raises(CultivaError, match="no plan of today"):
            price_anew(one, by="li")
    assert parts.lake.files_current(TABLE, DAY) == []
    assert reprices(parts, ON).rows == ()


def _killed(*_args: object, **_more: object) -> None:
    raise KeyboardInterrupt
