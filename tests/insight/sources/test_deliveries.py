"""Good deliveries of every kind become canonical tables with exactly the types of the contracts."""

from __future__ import annotations

import gzip
import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.insight.sources.conftest import HEADER, TODAY, Bank, transaction_lines

from cultiva.contracts.tables import CANONICAL
from cultiva.contracts.types import DataType
from cultiva.definitions.base import Label
from cultiva.definitions.tags import External, Tag
from cultiva.engine.types import arrow_schema

ONE = "T1,A1,2024-03-28 10:00:00.123456,-1234.50,card\n"
EXPECTED = {
    "transaction_id": "T1",
    "account_id": "A1",
    "at": datetime.fromisoformat("2024-03-28T10:00:00.123456"),
    "amount": Decimal("-1234.50"),
    "kind": "card",
    "channel": None,
    "counterparty_account": None,
    "merchant_id": None,
}


def only_row(bank: Bank) -> dict[str, object]:
    """The one transaction that arrives."""
    (row,) = bank.rows(bank.run(publish=False).tables["transaction"].snapshot)
    return row


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_csv_is_read_plain_and_compressed(transactions: Bank, suffix: str) -> None:
    content = (HEADER + ONE).encode()
    packed = {"": content, ".gz": gzip.compress(content), ".zst": pa.compress(content, codec="zstd", asbytes=True)}
    transactions.deliver("transactions.csv" + suffix, packed[suffix])
    transactions.inputs[0]["file"] = "transactions.csv" + suffix
    assert only_row(transactions) == EXPECTED


def test_csv_of_two_gzip_members_is_read_to_its_end(transactions: Bank) -> None:
    packed = gzip.compress((HEADER + transaction_lines(2)).encode()) + gzip.compress(
        transaction_lines(2, start=3).encode()
    )
    transactions.deliver("transactions.csv.gz", packed)
    transactions.inputs[0]["file"] = "transactions.csv.gz"
    assert transactions.run().tables["transaction"].counts.kept == 4


def test_csv_takes_delimiter_quote_nulls_and_number_marks(transactions: Bank) -> None:
    transactions.inputs[0]["format"] = {
        "delimiter": "|", "quote": "'", "nulls": ["", "\\N", "-"], "decimal": ",", "thousands": ".",
    }  # fmt: skip
    transactions.deliver("transactions.csv", "id|account|time|amount|kind\n'T|1'| A1 |2024-03-28|'-1.234,5'|\\N\n")
    row = only_row(transactions)
    assert (row["transaction_id"], row["account_id"], row["amount"], row["kind"]) == (
        "T|1", "A1", Decimal("-1234.50"), None,
    )  # fmt: skip


def test_csv_without_quotes_takes_them_as_they_are(transactions: Bank) -> None:
    transactions.inputs[0]["format"] = {"quote": "", "delimiter": "\t"}
    transactions.deliver("transactions.csv", HEADER.replace(",", "\t") + 'T1\tA1\t2024-03-28\t5\t5" nail\n')
    assert only_row(transactions)["kind"] == '5" nail'


def test_csv_without_a_header_takes_names_from_the_format(transactions: Bank) -> None:
    transactions.inputs[0]["format"] = {"header": False, "columns": ["id", "account", "time", "amount", "kind"]}
    transactions.deliver("transactions.csv", ONE)
    assert only_row(transactions) == EXPECTED


def test_a_glob_reads_its_files_in_order_of_their_names(transactions: Bank) -> None:
    transactions.deliver("moves/b.csv", HEADER + "T1,A1,2024-03-28,2,card\n")
    transactions.deliver("moves/a.csv", HEADER.replace("id,account", "account,id") + "A1,T1,2024-03-28,1,card\n")
    transactions.inputs[0]["file"] = "${data}/*.csv"
    transactions.variables = {"data": "moves"}
    transactions.tables[0]["bad_rows_max"] = 1
    assert only_row(transactions)["amount"] == Decimal("1.00")


def test_parquet_is_read_typed(transactions: Bank) -> None:
    table = pa.table(
        {
            "id": pa.array(["T1"]),
            "account": pa.array(["A1"]),
            "time": pa.array([datetime.fromisoformat("2024-03-28T10:00:00.123456")], pa.timestamp("ns")),
            "amount": pa.array([Decimal("-1234.50")], pa.decimal128(12, 2)),
            "kind": pa.array(["card"]).dictionary_encode(),
        }
    )
    pq.write_table(table, transactions.root / "moves.parquet")
    transactions.inputs[0] = {"name": "moves", "file": "moves.parquet", "format": {"kind": "parquet"}}
    assert only_row(transactions) == EXPECTED


def test_an_instant_becomes_the_banks_local_time(transactions: Bank) -> None:
    table = pa.table(
        {
            "id": pa.array(["T1"]),
            "account": pa.array(["A1"]),
            "time": pa.array([datetime(2024, 3, 28, 20, tzinfo=UTC)], pa.timestamp("us", tz="UTC")),
            "amount": pa.array([1]),
            "kind": pa.array([" "]),
        }
    )
    pq.write_table(table, transactions.root / "moves.parquet")
    transactions.inputs[0] = {"name": "moves", "file": "moves.parquet", "format": {"kind": "parquet"}}
    row = only_row(transactions)
    assert (row["at"], row["amount"], row["kind"]) == (
        datetime.fromisoformat("2024-03-29T04:00:00"),
        Decimal("1.00"),
        None,
    )


def test_a_text_with_an_offset_becomes_the_banks_local_time(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + "T1,A1,2024-03-28T20:00:00Z,1,c\n")
    assert only_row(transactions)["at"] == datetime.fromisoformat("2024-03-29T04:00:00")


def test_a_query_on_a_database_is_read_exactly(transactions: Bank) -> None:
    database = sqlite3.connect(transactions.root / "core.db")
    database.execute("CREATE TABLE moves (id INTEGER, account TEXT, time TEXT, amount NUMERIC, kind TEXT, day TEXT)")
    rows = [
        (1, "A1", "2024-03-28 10:00:00", 0.1, None, "2024-03-28"),
        (2, "A1", "2024-03-29 10:00:00", 2, "c", str(TODAY)),
    ]
    database.executemany("INSERT INTO moves VALUES (?, ?, ?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    query = "SELECT id, account, time, amount, kind FROM moves WHERE day > :since AND day <= :date"
    transactions.inputs[0] = {"name": "moves", "url": "sqlite:///core.db", "query": query}
    first = transactions.run(date(2024, 3, 28))
    assert [
        (row["transaction_id"], row["amount"]) for row in transactions.rows(first.tables["transaction"].snapshot)
    ] == [("1", Decimal("0.10"))]
    second = transactions.run(TODAY).tables["transaction"]
    assert [row["transaction_id"] for row in transactions.rows(second.snapshot)] == ["2"]
    assert second.counts.read == 1


def test_a_select_joins_inputs_and_sees_trimmed_texts(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + "T1,A1,2024-03-28, 5.00 ,  \n")
    transactions.deliver("signs.csv", "account,sign\nA1,-1\n")
    transactions.inputs.append({"name": "signs", "file": "signs.csv"})
    select = """
        -- a comment, and a semicolon at the end
        SELECT id AS transaction_id, account AS account_id, strptime(time, '%Y-%m-%d') AS at,
               sign::INTEGER * amount::DECIMAL(18, 2) AS amount, coalesce(kind, 'none') AS kind
        FROM moves JOIN signs USING (account);
    """
    transactions.tables[0] = {"table": "transaction", "name": "moves", "select": select}
    row = only_row(transactions)
    assert (row["amount"], row["kind"], row["at"]) == (
        Decimal("-5.00"),
        "none",
        datetime.fromisoformat("2024-03-28T00:00:00"),
    )


def test_only_the_inputs_that_a_select_names_are_read(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + ONE)
    transactions.inputs.append({"name": "signs", "file": "not-there.csv"})
    select = (
        "WITH x AS (SELECT id, account, time, amount FROM moves) "
        "SELECT id AS transaction_id, account AS account_id, time AS at, amount FROM x"
    )
    transactions.tables[0] = {"table": "transaction", "name": "moves", "select": select}
    assert only_row(transactions)["amount"] == Decimal("-1234.50")


def test_codes_constants_and_formats(bank: Bank) -> None:
    bank.deliver("clients.csv", "no,kind,sex,born\n1,P,M,700131\n2,C,,\n3,Q,F,691231\n")
    bank.inputs = [{"name": "clients", "file": "clients.csv"}]
    columns = {
        "source_system": {"value": "core"},
        "source_id": "no",
        "party_type": {"from": "kind", "codes": {"C": "organisation"}, "otherwise": "person"},
        "gender": {"from": "sex", "codes": {"M": "male", "F": "female", "": "other"}},
        "birth_date": {"from": "born", "format": "%y%m%d"},
        "branches": {"value": 12},
    }
    bank.tables = [
        {
            "table": "party",
            "name": "core",
            "from": "clients",
            "columns": columns,
            "extra_columns": {"branches": "integer"},
        }
    ]
    rows = bank.rows(bank.run().tables["party"].snapshot)
    found = [(row["source_id"], row["party_type"], row["gender"], row["birth_date"], row["branches"]) for row in rows]
    assert found == [
        ("1", "person", "male", date(1970, 1, 31), 12),
        ("2", "organisation", "other", None, 12),
        ("3", "person", "female", date(1969, 12, 31), 12),
    ]


def test_several_mappings_feed_one_table_each_with_its_own_counts(parties: Bank) -> None:
    parties.deliver("customers.csv", "id,type,name,phone,born\n1,P,A,,\n2,P,B,,bad\n")
    parties.deliver("cards.csv", "holder\n1\n1\n7\n")
    parties.inputs.append({"name": "cards", "file": "cards.csv"})
    parties.tables.append(
        {
            "table": "party",
            "name": "cards",
            "from": "cards",
            "columns": {
                "source_system": {"value": "cards"}, "source_id": "holder", "party_type": {"value": "person"},
            },
        }
    )  # fmt: skip
    result = parties.run().tables["party"]
    assert [(name, one.read, one.kept, one.quarantined, one.duplicate) for name, one in result.by_mapping.items()] == [
        ("core", 2, 1, 1, 0),
        ("cards", 3, 2, 0, 1),
    ]
    keys = [(row["source_system"], row["source_id"]) for row in parties.rows(result.snapshot)]
    assert keys == [("cards", "1"), ("cards", "7"), ("core", "1")]


def test_snapshots_have_exactly_the_columns_and_types_of_the_contracts(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + ONE)
    transactions.tables[0]["columns"] = {**transactions.tables[0]["columns"], "teller": "kind"}
    transactions.tables[0]["extra_columns"] = {"teller": "text"}
    snapshot = transactions.run().tables["transaction"].snapshot
    schema = pq.read_schema(next(transactions.lake.folder(snapshot).iterdir()))
    expected = arrow_schema(CANONICAL["transaction"].columns).append(pa.field("teller", pa.string()))
    assert schema.names == expected.names
    for one, other in zip(schema.types, expected.types, strict=True):
        assert one == other or (pa.types.is_string(one) and pa.types.is_large_string(other))


def test_facts_are_written_in_order_of_their_account(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + transaction_lines(500))
    rows = transactions.rows(transactions.run().tables["transaction"].snapshot)
    accounts = [row["account_id"] for row in rows]
    assert accounts == sorted(accounts)


def test_a_table_of_the_banks_own_has_its_extra_columns_only(bank: Bank) -> None:
    bank.deliver("rates.csv", "code,rate\nEUR,7.8\nEUR,7.8\n")
    bank.inputs = [{"name": "rates", "file": "rates.csv"}]
    bank.tables = [
        {
            "table": "rates", "name": "rates", "from": "rates",
            "columns": {"code": "code", "rate": "rate"}, "extra_columns": {"code": "text", "rate": "number"},
        }
    ]  # fmt: skip
    assert bank.rows(bank.run().tables["rates"].snapshot) == [{"code": "EUR", "rate": 7.8}] * 2


def test_an_input_that_tags_read_is_kept_with_the_columns_they_read(bank: Bank) -> None:
    bank.deliver("bureau.csv", "客户号,评分,等级,source_system,other\n1,710,A,core,x\n2,bad,B,core,x\n,700,C,core,x\n")
    bank.inputs = [{"name": "bureau", "file": "bureau.csv"}]
    label = Label(zh="征信评分", en="Bureau score")
    external = External(input="bureau", column="评分", key="客户号")
    bank.tags = {"score": Tag(name="score", label=label, type=DataType.INTEGER, external=external)}
    fault = bank.fault()
    assert fault.code == "sources.too_many_bad_rows"
    bank.deliver("bureau.csv", "客户号,评分,等级,source_system,other\n1,710,A,core,x\n2,,B,core,x\n")
    rows = bank.rows(bank.run().tables["external_bureau"].snapshot)
    assert rows == [
        {"source_system": "core", "客户号": "1", "评分": 710},
        {"source_system": "core", "客户号": "2", "评分": None},
    ]


def test_progress_is_told_before_each_table(transactions: Bank) -> None:
    from cultiva.insight.sources.service import ingest

    transactions.deliver("transactions.csv", HEADER + ONE)
    told: list[tuple[int, int, str]] = []
    ingest(transactions.workspace, TODAY, transactions.lake, run_id="r", progress=lambda *step: told.append(step))
    assert told == [(0, 1, "transaction")]


def test_a_select_may_read_no_input_at_all(bank: Bank) -> None:
    select = "SELECT 'GIRO' AS product_id, 'deposit' AS category"
    bank.tables = [{"table": "product", "name": "product", "select": select}]
    assert bank.run().tables["product"].counts.kept == 1
