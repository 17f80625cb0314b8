"""Forecasts: sums over channels, the spread over seeds, and the scale of the own bank."""

from __future__ import annotations

from typing import Any

from cultiva.kit.sheet import Sheet
from cultiva.loop.simulation.forecast import Outlook, Volume, forecast_sheet


def outlook(cost: float, incremental: float, **touches: int) -> Outlook:
    volumes = tuple(Volume("welcome", channel, count) for channel, count in touches.items())
    return Outlook("welcome", "Welcome", 100, cost, incremental, volumes)


def by_measure(sheet: Sheet) -> dict[str, dict[str, Any]]:
    return {row["measure"]: row for row in sheet.records()}


def test_several_flights_give_mean_and_spread() -> None:
    flights = [outlook(10.0, 40.0, app=6, sms=4), outlook(30.0, 20.0, app=8)]
    rows = by_measure(forecast_sheet(flights, weeks=2, scale=2.5, language="en"))
    assert rows["touches by app"] == {"measure": "touches by app", "mean": 7.0, "low": 6.0, "high": 8.0, "own": 17.5}
    assert (rows["touches by sms"]["low"], rows["touches by sms"]["mean"]) == (0.0, 2.0)
    assert (rows["touches"]["low"], rows["touches"]["high"]) == (8.0, 10.0)
    assert rows["true net"] == {"measure": "true net", "mean": 10.0, "low": -10.0, "high": 30.0, "own": 25.0}
    assert list(rows)[:3] == ["touches by app", "touches by sms", "touches"]


def test_one_flight_has_no_spread_and_an_unknown_bank_no_scale() -> None:
    sheet = forecast_sheet([outlook(1.0, 2.0, app=3)], weeks=1, scale=None, language="zh")
    assert sheet.columns == ("measure", "mean")
    assert dict(sheet.rows)["触达：app"] == 3.0
    assert sheet.title == "1 周预测：Welcome"
