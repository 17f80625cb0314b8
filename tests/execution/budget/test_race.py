"""Senders that race for the same customers, each a process: no cap is broken, no room is lost, nobody is broken off."""

from __future__ import annotations

from pathlib import Path

from benchmarks.budget_race import race


def test_racing_senders_break_no_cap_and_leave_no_room(store_url: str, tmp_path: Path) -> None:
    found = race(store_url, tmp_path, senders=8, customers=300, batch=60)
    assert (found["breaches"], found["short"], found["deadlocks"]) == (0, 0, 0)
    assert (found["requested"], found["granted"]) == (2400, 600)
