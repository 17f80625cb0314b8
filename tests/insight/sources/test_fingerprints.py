"""Fingerprints of inputs: equal for equal files, different after any change, cheap for large files."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.insight.sources.conftest import HEADER, TODAY, Bank, transaction_lines

from cultiva.insight.sources import fingerprints
from cultiva.insight.sources.fingerprints import input_fingerprints


def mark(bank: Bank, on: date = TODAY, since: date | None = None) -> str:
    return input_fingerprints(bank.workspace, on, since=since)["moves"]


def test_a_small_file_is_known_by_its_whole_content(transactions: Bank) -> None:
    path = transactions.deliver("transactions.csv", HEADER + transaction_lines(2))
    first = mark(transactions)
    path.touch()
    assert mark(transactions) == first
    assert first.startswith("whole:")
    path.write_text(HEADER + transaction_lines(2).replace("1.50", "1.51"))
    assert mark(transactions) != first


def test_a_large_file_is_known_by_size_time_and_edges(
    transactions: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "WHOLE_BYTES_MAX", 1000)
    monkeypatch.setattr(fingerprints, "EDGE_BYTES", 100)
    path = transactions.deliver("transactions.csv", HEADER + transaction_lines(200))
    first = mark(transactions)
    assert first.startswith("edges:")
    assert mark(transactions) == first
    path.write_text(HEADER + transaction_lines(200).replace("200.50", "200.51"))
    assert mark(transactions) != first


def test_a_missing_file_and_a_query_have_fingerprints_too(transactions: Bank) -> None:
    assert mark(transactions).startswith("missing:")
    query = {"name": "moves", "url": "postgresql://u:secret@host/bank", "query": "SELECT 1"}
    transactions.inputs = [query]
    first = mark(transactions)
    assert first.startswith("query:")
    assert mark(transactions, TODAY + timedelta(days=1)) != first
    transactions.inputs = [{**query, "url": "postgresql://u:changed@host/bank"}]
    assert mark(transactions) == first


def test_files_of_dates_since_the_last_one_count(transactions: Bank) -> None:
    transactions.inputs[0]["file"] = "moves-{date}.csv"
    for days in range(3):
        transactions.deliver(f"moves-{TODAY - timedelta(days=days)}.csv", HEADER)
    marks = [mark(transactions, since=since) for since in (None, TODAY - timedelta(days=2), date.min)]
    assert len(set(marks)) == 3
