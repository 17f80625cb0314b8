"""What a period brought in, against plain Python over the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from tests.insight.bank import ON, Deliveries, deliveries, smallbank, write
from tests.insight.views.slow_balances import SlowAccount

from cultiva.contracts.tables import ACCOUNT, BALANCE
from cultiva.contracts.types import DataType
from cultiva.definitions.base import Label
from cultiva.definitions.review import Metric, Review
from cultiva.definitions.value import Component
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.engine.types import STORED
from cultiva.insight.performance.plan import Period
from cultiva.insight.performance.service import PerformanceInputs, make_performance
from cultiva.insight.profile.inputs import ViewRows
from cultiva.insight.views.balances import average_name
from cultiva.insight.views.holding import Worth

TEXT = Label(zh="字", en="text")
CENT = Decimal("0.01")
CATEGORIES = ("deposit", "loan", "card", "fund", "insurance", "wealth", "payment")


def _component(name: str, **aggregate: Any) -> Component:
    return Component.model_validate({"name": name, "label": TEXT, "aggregate": {"function": "sum", **aggregate}})


def _metric(name: str, **given: Any) -> Metric:
    return Metric.model_validate({"name": name, "label": TEXT, "unit": "money", **given})


SPREAD, FEES, PEOPLE = 0.0173, 0.02, 12.345


def workspace() -> Workspace:
    """The small bank with yearly components on averages, and components on what happens."""
    small = smallbank()
    components = (
        _component("spread", table="holding", value="average_balance_365d * spread", where="category = 'deposit'"),
        _component("keeping", table="holding", value="-12.345"),
        _component("fees", table="transaction", value="-amount", where="kind = 'fee'", window_days=365),
        _component("surveys", table="survey_answer", value="-1"),
    )
    review = Review(
        metrics=(
            _metric("fees", aggregate={"table": "transaction", "function": "sum", "value": "-amount"}),
            _metric("logins", unit="count", aggregate={"table": "event", "function": "count", "where": "true"}),
            _metric("answers", unit="count", aggregate={"table": "survey_answer", "function": "count"}),
            _metric("size", tag="aum"),
        )
    )
    return replace(small, value=small.value.model_copy(update={"components": components}), review=review)


def accounts_of(bank: Deliveries) -> dict[str, SlowAccount]:
    """Every account's balances: two steps, some before the period and some within."""
    found: dict[str, SlowAccount] = {}
    for number, row in enumerate(bank.holdings):
        opened, amount = row["opened_on"], row["balance"]
        steps = [(opened, amount), (ON - timedelta(days=number % 40), amount + number)]
        closed = ON - timedelta(days=number % 9) if number % 7 == 0 else None
        found.setdefault(row["account_id"], SlowAccount(closed, balances=steps))
    return found


def inputs_of(bank: Deliveries, root: Path) -> PerformanceInputs:
    seen, accounts = write(bank, root), accounts_of(bank)
    opened = {row["account_id"]: row["opened_on"] for row in reversed(bank.holdings)}
    rows = [{"account_id": key, "opened_on": opened[key], "closed_on": one.closed_on} for key, one in accounts.items()]
    _put(root / "account", rows, list(ACCOUNT.columns))
    steps = [
        {"account_id": key, "date": day, "balance": amount}
        for key, one in accounts.items()
        for day, amount in dict(one.balances).items()
    ]
    _put(root / "balance", steps, list(BALANCE.columns))
    return PerformanceInputs(seen, _profile(bank, root / "profile"), [root / "account"], Worth([root / "balance"], []))


def _profile(bank: Deliveries, folder: Path) -> list[Path]:
    ids = [row["customer_id"] for row in bank.customers]
    aum = pa.array([Decimal(one) for one in ids], STORED[DataType.MONEY].arrow)
    write_arrow(pa.table({"customer_id": pa.array(ids, pa.int64()), "aum": aum}), folder)
    return [folder]


def _put(folder: Path, rows: list[dict[str, Any]], columns: list[Any]) -> None:
    arrays = {one.name: pa.array([row.get(one.name) for row in rows], type=STORED[one.type].arrow) for one in columns}
    write_arrow(pa.table(arrays), folder)


def cents(amount: float | Decimal) -> Decimal:
    return Decimal(repr(float(amount))).quantize(CENT, rounding=ROUND_HALF_UP)


def happened(row: dict[str, Any], since: date, on: date) -> bool:
    return bool(since < row["at"].date() <= on)


Made = Callable[[date | None, date], pl.DataFrame]


@pytest.fixture
def bank() -> Deliveries:
    return deliveries(120, seed=5)


@pytest.fixture
def made(engine: Engine, bank: Deliveries, tmp_path: Path) -> Made:
    inputs, number = inputs_of(bank, tmp_path / "in"), iter(range(100))

    def make(since: date | None, on: date) -> pl.DataFrame:
        folder = tmp_path / "out" / f"performance-{next(number)}"
        make_performance(engine, inputs, workspace(), Period(on, since), folder)
        return pl.read_parquet(part_files([folder]))

    return make


def test_every_column_is_what_plain_python_finds(made: Made, bank: Deliveries) -> None:
    since, accounts = ON - timedelta(days=31), accounts_of(bank)
    days = 31
    for row in made(since, ON).to_dicts():
        held = bank.of("holdings", row["customer_id"])
        moved = [one for one in bank.of("transactions", row["customer_id"]) if happened(one, since, ON)]
        averages = {one["account_id"]: accounts[one["account_id"]].average(ON, days) for one in held}
        spread = {
            id(one): cents(float(averages[one["account_id"]]) * SPREAD * (days / 365))
            if one["category"] == "deposit"
            else Decimal(0)
            for one in held
        }
        keeping = cents(-PEOPLE * (days / 365))
        assert row["component_spread"] == sum(spread.values(), Decimal(0))
        assert row["component_keeping"] == keeping * len(held)
        assert row["component_fees"] == sum((-one["amount"] for one in moved if one["kind"] == "fee"), Decimal(0))
        assert row["component_surveys"] is None
        assert row["metric_fees"] == sum((-one["amount"] for one in moved), Decimal(0))
        logins = [one for one in bank.of("events", row["customer_id"]) if happened(one, since, ON)]
        assert row["metric_logins"] == len(logins)
        assert row["metric_answers"] is None
        assert row["level_size"] == row["customer_id"]
        for code in CATEGORIES:
            mine = [spread[id(one)] + keeping for one in held if one["category"] == code]
            assert row[f"category_{code}"] == sum(mine, Decimal(0)), code


def test_components_add_up_to_the_contribution_to_the_cent(made: Made) -> None:
    found = made(ON - timedelta(days=7), ON)
    parts = [name for name in found.columns if name.startswith("component_")]
    added = [sum((row[name] or Decimal(0) for name in parts), Decimal(0)) for row in found.to_dicts()]
    assert found["contribution"].to_list() == added
    assert sum(abs(amount) for amount in added) > 0


def test_two_halves_of_a_period_bring_what_the_whole_brings(made: Made) -> None:
    start, middle = ON - timedelta(days=60), ON - timedelta(days=30)
    whole, first, second = made(start, ON), made(start, middle), made(middle, ON)
    for name in ("component_fees", "metric_fees", "metric_logins"):
        assert (first[name] + second[name]).to_list() == whole[name].to_list(), name
        assert (first[name] != 0).any(), name


def test_an_average_over_the_period_is_taken_from_the_holdings_that_keep_it(
    duckdb_engine: Engine, tmp_path: Path
) -> None:
    bank, period = deliveries(20, seed=3), Period(ON, ON - timedelta(days=7))
    inputs, accounts = inputs_of(bank, tmp_path / "in"), accounts_of(bank)
    held = pl.read_parquet(part_files(inputs.seen.views["holding"].files))
    kept = [accounts[name].average(ON, period.days) for name in held["account_id"]]
    with_average = held.to_arrow().append_column(
        average_name(period.days), pa.array(kept, STORED[DataType.MONEY].arrow)
    )
    write_arrow(with_average, tmp_path / "kept")
    views = {**inputs.seen.views, "holding": ViewRows([tmp_path / "kept"])}
    without_balances = replace(inputs, seen=replace(inputs.seen, views=views), worth=Worth([], []))
    for name, given in {"computed": inputs, "taken": without_balances}.items():
        make_performance(duckdb_engine, given, workspace(), period, tmp_path / name)
    computed, taken = (pl.read_parquet(part_files([tmp_path / name])) for name in ("computed", "taken"))
    assert taken.equals(computed)
    assert computed["component_spread"].abs().sum() > 0


def test_the_first_period_is_28_days_and_has_no_start(made: Made) -> None:
    found, again = made(None, ON), made(ON - timedelta(days=28), ON)
    assert found["since"].null_count() == 120
    assert set(found["days"]) == {28}
    assert found.drop("since").equals(again.drop("since"))
    assert set(again["since"]) == {ON - timedelta(days=28)}
    assert set(again["business_date"]) == {ON}


def test_a_row_of_the_day_before_the_period_does_not_count_and_one_of_its_last_moment_does(
    engine: Engine, tmp_path: Path
) -> None:
    bank = deliveries(3, seed=2)
    since = ON - timedelta(days=7)
    moments = [datetime.combine(since, time.max), datetime.combine(ON, time.max)]
    row = {**deliveries(50).events[0], "customer_id": 1, "source_id": bank.customers[0]["source_id"]}
    events = [{**row, "event_id": f"E{n}", "at": at} for n, at in enumerate(moments)]
    inputs = inputs_of(replace(bank, events=events), tmp_path / "in")
    make_performance(engine, inputs, workspace(), Period(ON, since), tmp_path / "out" / "p")
    assert pl.read_parquet(part_files([tmp_path / "out" / "p"]))["metric_logins"].to_list() == [1, 0, 0]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["p"]
