"""What Prometheus reads of the store, on both stores: counts by provider, kind and state; and that it is down."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from tests.api.banks import NOW, Api
from tests.api.test_working import submitted, with_tasks

from cultiva.api.counting import COUNTED_SECONDS, Counts
from cultiva.execution.launching.launches import Person
from cultiva.execution.tables import DELIVERY
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.campaigns import launches_of
from cultiva.loop.desk import desk


def delivery(number: int, provider: str, state: str) -> dict[str, Any]:
    return {
        "delivery_id": f"d{number}", "touch_id": "", "launch_id": "l", "step": "s", "customer_id": number, "entry": 1,
        "channel": "sms", "provider": provider, "address": "13812345678", "content": {}, "state": state,
        "attempts": 0, "due": NOW, "lease": "", "reference": "", "problem": "", "evidence": [], "created": NOW,
        "changed": NOW,
    }  # fmt: skip


def samples(text: str) -> dict[tuple[str, ...], float]:
    """(metric, label values in the order of their names) -> value."""
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_deliveries_tasks_and_launches_are_counted_by_state_and_name_nobody(racing_api: Api) -> None:
    with_tasks(racing_api)
    launches = launches_of(racing_api.parts)
    submitted(racing_api)
    launches.stop(submitted(racing_api, "payroll_day"), Person("Chen"), NOW)
    launches.halt("all", "outage", Person("Chen"), NOW)
    with racing_api.parts.store.database.writing() as connection:
        kinds = [("sms", "queued"), ("sms", "queued"), ("sms", "dead"), ("app", "sent")]
        connection.execute(insert(DELIVERY), [delivery(number, *kind) for number, kind in enumerate(kinds)])
    answered = racing_api.http().get("/metrics")
    found = samples(answered.text)
    assert found["cultiva_deliveries", "sms", "queued"] == 2
    assert found["cultiva_deliveries", "sms", "dead"] == found["cultiva_deliveries", "app", "sent"] == 1
    assert found["cultiva_deliveries", "app", "dead"] == 0, "an alert needs a number where there is nothing"
    assert found["cultiva_tasks", "visit", "open"] == 3
    assert found["cultiva_launches", "submitted"] == found["cultiva_launches", "stopped"] == 1
    assert found["cultiva_launches", "live"] == 0
    assert found["cultiva_halts",] == found["cultiva_store_up",] == 1
    assert "13812345678" not in answered.text and "Chen" not in answered.text


def test_counts_are_kept_for_a_while(api: Api) -> None:
    now = [100.0]
    counts = Counts(api.parts.store.database, lambda: desk(api.parts), stopwatch=lambda: now[0])
    before = counts.exposition()
    launch = submitted(api)
    now[0] += COUNTED_SECONDS - 1
    assert counts.exposition() == before
    now[0] += 1
    after = samples(counts.exposition().decode())["cultiva_launches", "submitted"]
    assert after == samples(before.decode())["cultiva_launches", "submitted"] + 1
    launches_of(api.parts).stop(launch, Person("Chen"), NOW)


def test_a_store_that_does_not_answer_is_a_number_and_no_fault(api: Api) -> None:
    def gone() -> Any:
        raise CultivaError("the store does not answer", code="store.unavailable", kind=ErrorKind.UNAVAILABLE)

    assert Counts(api.parts.store.database, gone).exposition().decode().strip().endswith("cultiva_store_up 0.0")

    def broken() -> Any:
        raise CultivaError("a fault of ours", code="x.y")

    with pytest.raises(CultivaError):
        Counts(api.parts.store.database, broken).exposition()
