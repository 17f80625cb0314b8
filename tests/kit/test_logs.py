from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from cultiva.kit.logs import set_up_logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def logged(*, level: str = "INFO", as_json: bool = True) -> io.StringIO:
    stream = io.StringIO()
    set_up_logs(level=level, as_json=as_json, stream=stream, clock=lambda: datetime(2026, 1, 5, 2, tzinfo=UTC))
    return stream


def test_an_entry_is_one_json_object_with_its_instant() -> None:
    stream = logged()
    structlog.get_logger().info("step_finished", step="标签", rows=5369)
    assert json.loads(stream.getvalue()) == {
        "event": "step_finished",
        "step": "标签",
        "rows": 5369,
        "level": "info",
        "at": "2026-01-05T02:00:00.000+00:00",
    }


def test_personal_values_are_masked_however_deep_they_lie() -> None:
    stream = logged()
    party = {"phone": "13812345678", "emails": ["fang@example.com"], "customer_name": "王小芳", "age": 44}
    structlog.get_logger().warning("bad row 13912345678", party=party, address="Wenceslas Square 1")
    entry = json.loads(stream.getvalue())
    assert entry["event"] == "bad row 139******78"
    assert entry["party"] == {
        "phone": "138******78",
        "emails": ["f***@example.com"],
        "customer_name": "王**",
        "age": 44,
    }
    assert entry["address"] == "***"


def test_the_trace_of_an_error_is_masked_too() -> None:
    stream = logged()
    try:
        raise ValueError("cannot read 11010519491231002X")
    except ValueError:
        structlog.get_logger().exception("step_failed")
    entry = json.loads(stream.getvalue())
    assert "ValueError: cannot read 11**************2X" in entry["exception"]
    assert "11010519491231002X" not in stream.getvalue()


def test_entries_below_the_level_are_not_written() -> None:
    stream = logged(level="WARNING")
    structlog.get_logger().info("quiet")
    assert stream.getvalue() == ""


def test_for_people_an_entry_is_a_line_of_text() -> None:
    stream = logged(as_json=False)
    structlog.get_logger().info("step_finished", phone="13812345678")
    assert "step_finished" in stream.getvalue()
    assert "138******78" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
