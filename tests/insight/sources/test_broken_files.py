"""Deliveries that cannot be read as a whole: one clear fault with the file, nothing staged, nothing published."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.insight.sources.conftest import HEADER, Bank, transaction_lines

from cultiva.kit.errors import CultivaError, ErrorKind


def test_a_missing_file_is_named_with_the_nearest_one(transactions: Bank) -> None:
    transactions.deliver("transaction.csv", HEADER)
    fault = transactions.fault()
    assert (fault.file, fault.code) == ("transactions.csv", "sources.missing_file")
    assert fault.hint == "did you mean 'transaction.csv'?"


def test_an_empty_file_is_refused(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", "")
    fault = transactions.fault()
    assert (fault.file, fault.code, fault.seen) == ("transactions.csv", "sources.empty_file", "0 bytes")


def test_a_file_of_blank_lines_is_empty_too(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", "\ufeff\r\n\r\n")
    assert transactions.fault().code == "sources.empty_file"


def test_a_wrong_delimiter_is_recognised_and_the_right_one_proposed(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", (HEADER + transaction_lines(3)).replace(",", ";"))
    fault = transactions.fault()
    assert (fault.place(), fault.code) == ("transactions.csv:1", "sources.wrong_delimiter")
    assert fault.hint == "set format: {delimiter: ';'}"


def test_a_missing_column_is_named_with_the_nearest_one(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER.replace("amount", "amout") + transaction_lines(3))
    fault = transactions.fault()
    assert (fault.place(), fault.code, fault.seen) == ("transactions.csv:1", "sources.missing_column", "amount")
    assert fault.hint == "did you mean 'amout'?"


def test_a_column_named_twice_is_refused(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", "id,account,time,amount,kind,Amount\n")
    fault = transactions.fault()
    assert (fault.code, fault.seen) == ("sources.duplicate_column", "amount")


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_cut_off_compressed_file_is_refused(transactions: Bank, suffix: str) -> None:
    content = (HEADER + transaction_lines(2000)).encode()
    packed = gzip.compress(content) if suffix == "gz" else pa.compress(content, codec="zstd", asbytes=True)
    transactions.deliver(f"transactions.csv.{suffix}", packed[: len(packed) // 2])
    transactions.inputs[0]["file"] = f"transactions.csv.{suffix}"
    fault = transactions.fault()
    assert (fault.file, fault.code) == (f"transactions.csv.{suffix}", "sources.truncated")


def test_a_damaged_compressed_file_is_refused(transactions: Bank) -> None:
    packed = bytearray(gzip.compress((HEADER + transaction_lines(2000)).encode()))
    packed[len(packed) // 2] ^= 0xFF
    transactions.deliver("transactions.csv.gz", bytes(packed))
    transactions.inputs[0]["file"] = "transactions.csv.gz"
    assert transactions.fault().code == "sources.not_compressed"


def test_a_file_that_only_claims_to_be_compressed_is_refused(transactions: Bank) -> None:
    transactions.deliver("transactions.csv.gz", HEADER + transaction_lines(2))
    transactions.inputs[0]["file"] = "transactions.csv.gz"
    assert transactions.fault().code == "sources.not_compressed"


def test_a_cut_off_last_record_is_refused_with_its_line(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + transaction_lines(300) + "T301,A1,2024-03-2")
    fault = transactions.fault()
    assert (fault.place(), fault.code) == ("transactions.csv:302", "sources.truncated")


def test_a_file_cut_off_within_quotes_is_refused(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + transaction_lines(300) + 'T301,A1,2024-03-28,5,"car')
    assert transactions.fault().code == "sources.truncated"


def test_a_quote_that_never_closes_is_refused_because_it_swallows_rows(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + 'T0,A1,2024-03-28,5,"card\n' + transaction_lines(300))
    fault = transactions.fault()
    assert (fault.place(), fault.code) == ("transactions.csv:2", "sources.unparsable")


@pytest.mark.parametrize(
    ("written", "declared", "line"),
    [("gb18030", "utf-8", 2), ("utf-16", "utf-8", 1), ("utf-8", "gb18030", 1), ("utf-8", "latin-1", 1)],
)
def test_a_wrong_encoding_is_recognised_and_the_right_one_proposed(
    transactions: Bank, written: str, declared: str, line: int
) -> None:
    text = HEADER + "T1,A1,2024-03-28 10:00:00,5.00,银行卡消费跨行转账\n"
    transactions.deliver("transactions.csv", text.encode(written))
    transactions.inputs[0]["format"] = {"encoding": declared}
    fault = transactions.fault()
    assert (fault.place(), fault.code) == (f"transactions.csv:{line}", "sources.wrong_encoding")
    assert fault.hint == f"set format: {{encoding: {written}}}"


def test_a_master_table_with_a_header_only_is_refused(parties: Bank) -> None:
    parties.deliver("customers.csv", "id,type,name,phone,born\n")
    fault = parties.fault()
    assert (fault.file, fault.code) == ("customers.csv", "sources.no_rows")


def test_facts_with_a_header_only_are_a_quiet_day(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER)
    assert transactions.run().tables["transaction"].counts.read == 0


def _parquet_bank(bank: Bank, table: pa.Table, name: str = "moves.parquet") -> Path:
    path = bank.root / name
    pq.write_table(table, path)
    bank.inputs = [{"name": "moves", "file": "moves*.parquet", "format": {"kind": "parquet"}}]
    return path


def _typed(**columns: pa.Array) -> pa.Table:
    base = {
        "id": pa.array(["T1", "T2"]),
        "account": pa.array(["A1", "A2"]),
        "time": pa.array([0, 1], pa.timestamp("us")),
        "amount": pa.array([1.5, 2.5]),
        "kind": pa.array(["card", None]),
    }
    return pa.table({**base, **columns})


def test_a_cut_off_parquet_file_is_refused(transactions: Bank) -> None:
    path = _parquet_bank(transactions, _typed())
    path.write_bytes(path.read_bytes()[:-20])
    fault = transactions.fault()
    assert (fault.file, fault.code) == ("moves.parquet", "sources.truncated")


def test_a_parquet_file_with_a_damaged_page_is_refused(transactions: Bank) -> None:
    numbers = pa.array([f"T{n * 7919 % 100003}" for n in range(50_000)])
    table = pa.table({"id": numbers, "account": numbers, "time": pa.array(range(50_000), pa.timestamp("us")),
                      "amount": pa.array([1.0] * 50_000), "kind": numbers})  # fmt: skip
    path = _parquet_bank(transactions, table)
    content = bytearray(path.read_bytes())
    content[1000:60_000] = b"\xff" * 59_000
    path.write_bytes(bytes(content))
    fault = transactions.fault()
    assert (fault.file, fault.code) == ("moves.parquet", "sources.unreadable")


def test_a_file_that_is_no_parquet_is_refused(transactions: Bank) -> None:
    path = _parquet_bank(transactions, _typed())
    path.write_text(HEADER)
    assert transactions.fault().code == "sources.not_parquet"


def test_a_parquet_column_of_a_hopeless_type_is_refused(transactions: Bank) -> None:
    _parquet_bank(transactions, _typed(amount=pa.array([True, False])))
    fault = transactions.fault()
    assert (fault.file, fault.code, fault.seen) == ("moves.parquet", "sources.wrong_type", "BOOLEAN")
    assert fault.allowed == "something that can be read as money"


def test_files_of_one_input_may_not_lack_a_column(transactions: Bank) -> None:
    _parquet_bank(transactions, _typed())
    pq.write_table(_typed().drop_columns("kind"), transactions.root / "moves2.parquet")
    fault = transactions.fault()
    assert (fault.file, fault.code, fault.seen) == ("moves2.parquet", "sources.missing_column", "kind")


def test_files_of_one_csv_input_may_not_lack_a_column(transactions: Bank) -> None:
    transactions.deliver("part1.csv", HEADER + transaction_lines(2))
    transactions.deliver("part2.csv", "id,account,time,amount\nT9,A1,2024-03-28,5\n")
    transactions.inputs[0]["file"] = "part*.csv"
    fault = transactions.fault()
    assert (fault.place(), fault.code, fault.seen) == ("part2.csv:1", "sources.missing_column", "kind")


def test_a_select_over_files_with_different_columns_is_refused(transactions: Bank) -> None:
    transactions.deliver("part1.csv", HEADER + transaction_lines(2))
    transactions.deliver("part2.csv", "id,account,time,amount,note\nT9,A1,2024-03-28,5,x\n")
    transactions.inputs[0]["file"] = "part*.csv"
    transactions.tables[0] = {
        "table": "transaction",
        "name": "moves",
        "select": "SELECT id AS transaction_id FROM moves",
    }
    assert [(fault.file, fault.seen) for fault in transactions.faults()] == [
        ("part1.csv", "note"),
        ("part2.csv", "kind"),
    ]


def test_a_database_that_is_down_is_unavailable_and_its_password_not_shown(transactions: Bank) -> None:
    transactions.inputs = [
        {"name": "moves", "url": "postgresql+psycopg://reader:secret@127.0.0.1:1/bank", "query": "SELECT 1"}
    ]
    with pytest.raises(CultivaError) as caught:
        transactions.run()
    assert (caught.value.code, caught.value.kind) == ("sources.database_down", ErrorKind.UNAVAILABLE)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_a_database_file_that_is_missing_is_not_made(transactions: Bank) -> None:
    transactions.inputs = [{"name": "moves", "url": "sqlite:///core.db", "query": "SELECT 1"}]
    assert transactions.fault().code == "sources.missing_file"
    assert not (transactions.root / "core.db").exists()


def test_an_address_without_its_secret_says_which_variable_is_missing(
    transactions: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CORE_PASSWORD", raising=False)
    transactions.inputs = [{"name": "moves", "url": "sqlite:///${env:CORE_PASSWORD}", "query": "SELECT 1"}]
    assert transactions.fault().seen == "${env:CORE_PASSWORD}"


def test_a_query_that_fails_says_what_the_database_said(transactions: Bank) -> None:
    sqlite3.connect(transactions.root / "core.db").close()
    transactions.inputs = [{"name": "moves", "url": "sqlite:///core.db", "query": "SELECT * FROM movements"}]
    fault = transactions.fault()
    assert (fault.code, fault.seen) == ("sources.query_failed", "no such table: movements")


@pytest.mark.parametrize(
    ("select", "seen"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM movess", "movess"),
        ("SELECT no_such FROM moves", "no_such"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("DROP TABLE moves", "Only SELECT"),
        ("SELECT CAST(kind AS INTEGER) AS x FROM moves", "Could not convert string '…' to INT32"),
    ],
)
def test_a_bad_select_is_refused_without_showing_customers_values(transactions: Bank, select: str, seen: str) -> None:
    transactions.deliver("transactions.csv", HEADER + transaction_lines(2))
    transactions.tables[0] = {"table": "transaction", "name": "moves", "select": select}
    fault = transactions.fault()
    assert (fault.file, fault.code) == ("sources/ mapping moves", "sources.bad_select")
    assert seen in fault.seen


def test_a_select_must_give_the_columns_of_its_table(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + transaction_lines(2))
    select = "SELECT id AS transaction_id, account AS account_id, time AS att, amount FROM moves"
    transactions.tables[0] = {"table": "transaction", "name": "moves", "select": select}
    faults = transactions.faults()
    assert {fault.code for fault in faults} == {"sources.unknown_column", "sources.required_column"}


def test_an_unknown_variable_in_a_path_is_named(transactions: Bank) -> None:
    transactions.inputs[0]["file"] = "${dta}/transactions.csv"
    transactions.variables = {"data": "here"}
    fault = transactions.fault()
    assert (fault.code, fault.hint) == ("sources.unknown_variable", "did you mean 'data'?")


def test_faults_of_all_tables_are_reported_at_once(transactions: Bank) -> None:
    transactions.inputs.append({"name": "branches", "file": "branches.csv"})
    transactions.tables.append(
        {"table": "branch", "name": "branches", "from": "branches", "columns": {"branch_id": "id"}}
    )
    assert [fault.file for fault in transactions.faults()] == ["branches.csv", "transactions.csv"]
