from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.insight.sources.conftest import TODAY, Bank

from cultiva.contracts.erased import ACCOUNT, AGAINST, SOURCE, Tombstone, Tombstones, digest_of, rule_kind
from cultiva.definitions.workspace import EngineSettings, Settings
from cultiva.insight.sources.desk import open_desk
from cultiva.insight.sources.erased import open_erased, sql_digest
from cultiva.insight.sources.result import IngestResult
from cultiva.insight.sources.service import ingest

KEY = "a key of more than thirty-two characters"
DOCUMENT, SHARED = rule_kind([AGAINST]), rule_kind(["phone", "birth_date"])
PARTY = """source_system,source_id,party_type,id_number_hash,phone,birth_date
core,1,person,aaa,13812345678,1970-01-01
core,2,person,bbb,13812345678,1970-01-01
core,3,person,,13812345678,1970-01-01
app,9,person,aaa,,1970-01-01
core,4,person,ccc,13900000000,1980-05-05
"""


def stone(kind: str, *parts: str, against: str = "") -> Tombstone:
    known = digest_of(KEY, AGAINST, [against]) if against else ""
    return Tombstone(kind, digest_of(KEY, kind, parts), known)


ERASED = Tombstones(
    KEY,
    frozenset(
        {
            stone(SOURCE, "core", "1"),
            stone(ACCOUNT, "A1"),
            stone(DOCUMENT, "aaa", against="aaa"),
            stone(SHARED, "13812345678", "1970-01-01", against="aaa"),
        }
    ),
)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    found = Bank(tmp_path)
    found.deliver("party.csv", PARTY)
    found.deliver("balance.csv", "account_id,date,balance\nA1,2024-03-28,5\nA2,2024-03-28,7\n")
    found.deliver(
        "transaction.csv",
        "transaction_id,account_id,at,amount,counterparty_account\n"
        "t1,A1,2024-03-28 10:00:00,5,A2\nt2,A2,2024-03-28 10:00:00,-5,A1\nt3,A2,2024-03-28 11:00:00,-6,A7\n",
    )
    for table in ("party", "balance", "transaction"):
        names = found.root.joinpath(f"{table}.csv").read_text().splitlines()[0].split(",")
        found.inputs.append({"name": table, "file": f"{table}.csv"})
        found.tables.append({"table": table, "name": "core", "from": table, "columns": {name: name for name in names}})
    return found


def taken(bank: Bank, erased: Tombstones | None = ERASED) -> IngestResult:
    return ingest(bank.workspace, TODAY, bank.lake, run_id="r", erased=erased)


def rows(bank: Bank, found: IngestResult, table: str, *columns: str) -> list[tuple[object, ...]]:
    folder = bank.lake.folder(found.tables[table].snapshot if table in found.tables else found.quarantine)
    read = [row for part in sorted(folder.glob("*.parquet")) for row in pq.ParquetFile(part).read().to_pylist()]
    return sorted((tuple(row[name] for name in columns) for row in read), key=str)


def test_whoever_was_erased_is_not_taken_in_again_under_whatever_id(bank: Bank) -> None:
    found = taken(bank)
    assert rows(bank, found, "party", "source_id") == [("2",), ("4",)]  # who shares a phone is somebody else by the id
    assert found.tables["party"].returned == (("app", "9"), ("core", "3"))
    assert found.tables["party"].counts.erased == 3


def test_rows_of_an_erased_account_stay_out_and_its_number_in_others_is_emptied(bank: Bank) -> None:
    found = taken(bank)
    assert rows(bank, found, "balance", "account_id") == [("A2",)]
    assert rows(bank, found, "transaction", "transaction_id", "counterparty_account") == [("t2", None), ("t3", "A7")]


def test_the_quarantine_counts_them_and_does_not_say_who_they_are(bank: Bank) -> None:
    found = taken(bank)
    columns = ("rule", "table", "record", "key", "value", "also")
    said = rows(bank, found, "quarantine", *columns)
    assert said == sorted(
        [("erased", table, None, None, None, "") for table in ("party",) * 3 + ("balance", "transaction")], key=str
    )


def test_they_are_no_fault_of_the_delivery(bank: Bank) -> None:
    """Three of five rows are far above any tolerance; as faults they would stop the run."""
    counts = taken(bank).tables["party"].counts
    assert (counts.read, counts.kept, counts.quarantined) == (5, 2, 3) and counts.balanced


def test_without_tombstones_nothing_is_looked_up(bank: Bank) -> None:
    found = taken(bank, Tombstones(KEY, frozenset()))
    assert found.tables["party"].counts.kept == 5 and found.quarantine.rows == 0


def test_with_another_key_tombstones_say_nothing(bank: Bank) -> None:
    found = taken(bank, Tombstones("another key of more than thirty-two characters", ERASED.rows))
    assert found.tables["party"].counts.kept == 5


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(parts=st.lists(TEXT, min_size=1, max_size=3), kind=st.sampled_from([SOURCE, DOCUMENT, "phone"]))
def test_both_forms_of_the_hash_are_the_same(parts: list[str], kind: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE erased_key AS SELECT ? AS word", [KEY])
        asked = f"SELECT {sql_digest(kind, ['?'] * len(parts))}"
        assert connection.execute(asked, parts).fetchall() == [(digest_of(KEY, kind, parts),)]


def test_desks_beside_each_other_see_the_same_tombstones(tmp_path: Path) -> None:
    chosen = Settings(name="bank", engine=EngineSettings(threads=1, memory_gb=1))
    with open_desk(chosen, tmp_path) as desk:
        open_erased(desk, ERASED)
        with desk.beside() as other:
            assert other.rows("SELECT count(*) FROM erased") == [(len(ERASED.rows),)]
