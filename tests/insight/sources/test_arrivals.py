"""Rows over several business dates: delivered again, changed, late, too late; files of each date; re-runs."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from tests.insight.sources.conftest import HEADER, Bank

MONDAY = date(2024, 3, 25)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


def line(number: int, day: date, amount: str = "5.00") -> str:
    return f"T{number},A{number},{day} 10:00:00,{amount},card\n"


@pytest.fixture
def dated(transactions: Bank) -> Bank:
    """A bank with one file of transactions per business date."""
    transactions.inputs[0]["file"] = "moves-{date:%Y%m%d}.csv"
    transactions.tables[0]["bad_rows_max"] = 1
    return transactions


def deliver(bank: Bank, day: date, *lines: str) -> None:
    bank.deliver(f"moves-{day:%Y%m%d}.csv", HEADER + "".join(lines))


def ids(bank: Bank, day: date) -> list[str]:
    snapshot = bank.catalogue.current("transaction", day)
    assert snapshot is not None
    return [row["transaction_id"] for row in bank.rows(snapshot)]


def test_a_file_that_holds_the_whole_history_gives_each_date_its_new_rows(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + line(1, MONDAY) + line(2, TUESDAY) + line(3, WEDNESDAY))
    counts = [transactions.run(day).tables["transaction"].counts for day in (MONDAY, TUESDAY, WEDNESDAY)]
    assert [ids(transactions, day) for day in (MONDAY, TUESDAY, WEDNESDAY)] == [["T1"], ["T2"], ["T3"]]
    assert [(one.kept, one.redelivered, one.not_yet) for one in counts] == [(1, 0, 2), (1, 1, 1), (1, 2, 0)]


def test_a_redelivered_file_adds_nothing(dated: Bank) -> None:
    deliver(dated, MONDAY, line(1, MONDAY), line(2, MONDAY))
    dated.run(MONDAY)
    deliver(dated, TUESDAY, line(1, MONDAY), line(2, MONDAY))
    counts = dated.run(TUESDAY).tables["transaction"].counts
    assert (counts.read, counts.kept, counts.redelivered, counts.quarantined) == (2, 0, 2, 0)


def test_a_published_row_that_comes_again_with_other_content_is_quarantined(dated: Bank) -> None:
    deliver(dated, MONDAY, line(1, MONDAY), line(2, MONDAY))
    dated.run(MONDAY)
    deliver(dated, TUESDAY, line(1, MONDAY, "6.00"), line(2, MONDAY), line(3, TUESDAY))
    result = dated.run(TUESDAY)
    assert ids(dated, TUESDAY) == ["T3"]
    (row,) = dated.rows(result.quarantine)
    assert (row["file"], row["record"], row["key"], row["rule"]) == ("moves-20240326.csv", 1, "T1", "changed")


def test_a_late_row_is_accepted_and_counted(dated: Bank) -> None:
    deliver(dated, MONDAY, line(1, MONDAY))
    dated.run(MONDAY)
    deliver(dated, TUESDAY, line(2, MONDAY - timedelta(days=7)), line(3, MONDAY), line(4, TUESDAY))
    counts = dated.run(TUESDAY).tables["transaction"].counts
    assert (counts.kept, counts.late, counts.quarantined) == (3, 2, 0)


def test_a_row_that_is_too_late_is_quarantined(dated: Bank) -> None:
    deliver(dated, MONDAY, line(1, MONDAY))
    dated.run(MONDAY)
    deliver(dated, TUESDAY, line(2, MONDAY - timedelta(days=8)), line(3, TUESDAY))
    result = dated.run(TUESDAY)
    assert ids(dated, TUESDAY) == ["T3"]
    (row,) = dated.rows(result.quarantine)
    assert (row["key"], row["rule"], row["column"], row["value"]) == ("T2", "too_late", "at", "2024-03-17 10:00:00")
    assert row["reason"] == "new rows from 2024-03-18 on; 2024-03-25 was the last date published"


def test_a_redelivered_row_is_not_too_late_however_old(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + line(1, date(2001, 1, 1)))
    transactions.run(MONDAY)
    assert transactions.run(TUESDAY).tables["transaction"].counts.redelivered == 1


def test_too_many_late_rows_stop_the_run_and_leave_the_published_dates_alone(dated: Bank) -> None:
    dated.tables[0]["bad_rows_max"] = 0.1
    deliver(dated, MONDAY, line(1, MONDAY))
    dated.run(MONDAY)
    deliver(dated, TUESDAY, *(line(n, date(2020, 1, 1)) for n in range(2, 12)))
    fault = dated.fault(TUESDAY)
    assert fault.code == "sources.too_many_bad_rows"
    assert "too_late at: 10 rows" in fault.seen
    assert ids(dated, MONDAY) == ["T1"]


def test_the_first_run_takes_every_dated_file_up_to_the_date(dated: Bank) -> None:
    for number, day in enumerate((date(2019, 5, 1), MONDAY, TUESDAY, WEDNESDAY)):
        deliver(dated, day, line(number, day))
    dated.run(TUESDAY)
    assert ids(dated, TUESDAY) == ["T0", "T1", "T2"]


def test_a_later_run_takes_the_dated_files_since_the_last_one(dated: Bank) -> None:
    for number, day in enumerate((MONDAY, TUESDAY, WEDNESDAY)):
        deliver(dated, day, line(number, day))
    dated.run(MONDAY)
    counts = dated.run(WEDNESDAY).tables["transaction"].counts
    assert (counts.read, counts.kept) == (2, 2)
    assert ids(dated, WEDNESDAY) == ["T1", "T2"]


def test_the_file_of_the_business_date_must_be_there(dated: Bank) -> None:
    deliver(dated, MONDAY, line(1, MONDAY))
    fault = dated.fault(TUESDAY)
    assert (fault.file, fault.code) == ("moves-20240326.csv", "sources.missing_file")


def test_files_whose_date_cannot_be_read_are_left_alone(dated: Bank) -> None:
    deliver(dated, MONDAY, line(1, MONDAY))
    dated.deliver("moves-20249999.csv", HEADER + line(2, MONDAY))
    dated.deliver("moves-latest.csv", HEADER + line(3, MONDAY))
    dated.run(MONDAY)
    assert ids(dated, MONDAY) == ["T1"]


def test_of_a_dated_master_table_only_the_file_of_the_date_is_read(parties: Bank) -> None:
    parties.inputs[0]["file"] = "customers/{date}/*.csv"
    parties.deliver(f"customers/{MONDAY}/a.csv", "id,type,name,phone,born\n1,P,A,,\n2,P,B,,\n")
    parties.deliver(f"customers/{TUESDAY}/a.csv", "id,type,name,phone,born\n2,P,B,,\n")
    parties.deliver(f"customers/{TUESDAY}/b.csv", "id,type,name,phone,born\n3,P,C,,\n")
    parties.run(MONDAY)
    result = parties.run(TUESDAY)
    assert [row["source_id"] for row in parties.rows(result.tables["party"].snapshot)] == ["2", "3"]


def test_a_rerun_gives_the_same_content_in_a_new_folder(dated: Bank) -> None:
    for number, day in enumerate((MONDAY, TUESDAY, WEDNESDAY)):
        deliver(dated, day, line(number, day), line(number, day), line(number + 10, day, "bad"))
        dated.run(day)
    before = dated.catalogue.published()
    again = dated.run(TUESDAY, publish=False)
    for snapshot in again.snapshots:
        old = dated.catalogue.current(snapshot.table, TUESDAY)
        assert old is not None
        assert (snapshot.fingerprint, snapshot.rows) == (old.fingerprint, old.rows)
        assert snapshot.path != old.path
    assert dated.catalogue.published() == before


def test_a_rerun_takes_a_mended_delivery_and_replaces_its_date_only(dated: Bank) -> None:
    for number, day in enumerate((MONDAY, TUESDAY, WEDNESDAY)):
        deliver(dated, day, line(number, day))
        dated.run(day)
    deliver(dated, TUESDAY, line(1, TUESDAY), line(7, TUESDAY))
    dated.run(TUESDAY)
    assert [ids(dated, day) for day in (MONDAY, TUESDAY, WEDNESDAY)] == [["T0"], ["T1", "T7"], ["T2"]]


def test_an_extra_column_that_is_new_does_not_change_what_was_published(dated: Bank) -> None:
    deliver(dated, MONDAY, line(1, MONDAY))
    dated.run(MONDAY)
    dated.tables[0]["columns"] = {**dated.tables[0]["columns"], "memo": "kind"}
    dated.tables[0]["extra_columns"] = {"memo": "text"}
    deliver(dated, TUESDAY, line(1, MONDAY), line(2, TUESDAY))
    counts = dated.run(TUESDAY).tables["transaction"].counts
    assert (counts.redelivered, counts.kept, counts.quarantined) == (1, 1, 0)


def test_balances_are_facts_by_account_and_date(bank: Bank) -> None:
    bank.deliver("balances.csv", f"account,day,balance\nA1,{MONDAY},5\nA1,{TUESDAY},6\nA0,{TUESDAY},7\n")
    bank.inputs = [{"name": "b", "file": "balances.csv"}]
    columns = {"account_id": "account", "date": "day", "balance": "balance"}
    bank.tables = [{"table": "balance", "name": "b", "from": "b", "columns": columns}]
    bank.run(MONDAY)
    result = bank.run(TUESDAY)
    found = [(row["account_id"], row["date"], row["balance"]) for row in bank.rows(result.tables["balance"].snapshot)]
    assert found == [("A0", TUESDAY, Decimal("7.00")), ("A1", TUESDAY, Decimal("6.00"))]
    assert result.tables["balance"].counts.redelivered == 1
