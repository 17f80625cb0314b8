"""Bytes that are no text: their record goes to the quarantine, the file goes on."""

from __future__ import annotations

import gzip

import pytest
from tests.insight.sources.conftest import HEADER, Bank, transaction_lines

GOOD = 300


def delivery(*bad: bytes, encoding: str = "utf-8", after: int = GOOD) -> bytes:
    """Good lines, bad ones, good lines."""
    return (
        (HEADER + transaction_lines(GOOD)).encode(encoding)
        + b"".join(bad)
        + transaction_lines(after, start=GOOD + 1).encode(encoding)
    )


@pytest.mark.parametrize(("name", "pack"), [("transactions.csv", False), ("transactions.csv.gz", True)])
@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("utf-8", b"T0,A1,2024-03-28,5.00,caf\xe9\n"),
        ("utf-8", b"T0,A1,2024-03-28,5.00,\xe8\xbd\n"),
        ("gb18030", b"T0,A1,2024-03-28,5.00,\xff\n"),
    ],
)
def test_one_undecodable_byte_costs_one_row(
    transactions: Bank, name: str, pack: bool, encoding: str, line: bytes
) -> None:
    content = delivery(line, encoding=encoding)
    transactions.deliver(name, gzip.compress(content) if pack else content)
    transactions.inputs[0].update(file=name, format={"encoding": encoding})
    result = transactions.run()
    counts = result.tables["transaction"].counts
    assert (counts.read, counts.kept, counts.quarantined) == (2 * GOOD + 1, 2 * GOOD, 1)
    (row,) = transactions.rows(result.quarantine)
    assert (row["rule"], row["column"], row["record"], row["file"]) == ("encoding", "", GOOD + 1, name)
    assert row["reason"] == f"text in {encoding}: bytes in the record are none"


def test_records_are_numbered_over_all_that_could_not_be_read(transactions: Bank) -> None:
    ragged, bad, value = b"R,A1\n", b"T0,A1,2024-03-28,5,\xff\n", b"V,A1,2024-03-28,five,card\n"
    transactions.deliver("transactions.csv", delivery(bad, ragged, value, bad, ragged))
    result = transactions.run()
    found = [(row["record"], row["rule"]) for row in transactions.rows(result.quarantine)]
    rules = ["encoding", "fields", "money", "encoding", "fields"]
    assert sorted(found) == [(GOOD + 1 + n, rule) for n, rule in enumerate(rules)]


def test_too_many_of_them_stop_the_run_as_other_bad_rows_do(transactions: Bank) -> None:
    bad = [f"B{n},A1,2024-03-28,5,".encode() + b"\xff\n" for n in range(12)]
    transactions.deliver("transactions.csv", delivery(*bad))
    fault = transactions.fault()
    assert fault.code == "sources.too_many_bad_rows"
    assert fault.seen.startswith("encoding: 12 rows")


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (delivery(*[b"B,A1,2024-03-28,5,\xff\n"] * 40), "sources.wrong_encoding", GOOD + 2),
        (HEADER.encode().replace(b"kind", b"k\xffnd") + transaction_lines(GOOD).encode(), "sources.wrong_encoding", 1),
        (delivery(after=0) + b"T0,A1,2024-03-28,5,\xe8\xbd", "sources.truncated", GOOD + 2),
    ],
)
def test_what_is_not_one_bad_record_is_a_broken_file(transactions: Bank, content: bytes, code: str, line: int) -> None:
    transactions.deliver("transactions.csv", content)
    fault = transactions.fault()
    assert (fault.code, fault.place()) == (code, f"transactions.csv:{line}")
