"""`cultiva profile`: a drafted mapping is valid, names what it found, and reads the source that it was drafted from."""

from __future__ import annotations

import gzip
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML
from tests.insight.sources.conftest import HEADER, TODAY, Bank, transaction_lines

from cultiva.contracts.types import DataType
from cultiva.definitions.sources import SourceFile
from cultiva.insight.sources.draft import DraftedMapping, draft_mapping
from cultiva.insight.sources.sniff import sniff_format
from cultiva.kit.errors import Faults


def drafted(root: Path, source: str) -> tuple[DraftedMapping, dict[str, Any]]:
    """The draft and what it says."""
    draft = draft_mapping(source, on=TODAY, root=root)
    content = YAML(typ="safe").load(draft.text)
    SourceFile.model_validate(content)
    return draft, content


def ingested(bank: Bank, content: dict[str, Any], table: str) -> int:
    """Rows kept when the draft is used as it is."""
    bank.inputs, bank.tables = content["inputs"], content["tables"]
    return bank.run().tables[table].counts.kept


def test_english_transactions_are_recognised_and_read(bank: Bank) -> None:
    text = "trans_id;acct_no;txn_date;amount;type;memo\n" + "".join(
        f'{n};"A{n % 9}";{date(1993, 1, 1) + timedelta(days=n):%y%m%d};{n}.25;card;\n' for n in range(1, 300)
    )
    bank.deliver("trans.csv.gz", gzip.compress(text.encode()))
    draft, content = drafted(bank.root, "trans.csv.gz")
    assert draft.table == "transaction"
    assert content["inputs"] == [{"name": "trans", "file": "trans.csv.gz", "format": {"delimiter": ";"}}]
    assert content["tables"][0]["columns"] == {
        "transaction_id": "trans_id",
        "account_id": "acct_no",
        "at": {"from": "txn_date", "format": "%y%m%d"},
        "amount": "amount",
        "kind": "type",
    }
    assert "# not mapped (declare in extra_columns what is worth keeping): memo" in draft.text
    assert ingested(bank, content, "transaction") == 299


def test_chinese_customers_in_gb18030_are_recognised_and_read(bank: Bank) -> None:
    text = (
        "客户号,姓名,性别,手机号,出生日期,客户类型,开户日期\n"
        "1001,张三,男,13800138000,19800101,个人,2020年1月2日\n"
        "1002,李四,女,13900139000,19900215,对公,2021年3月4日\n"
    )
    bank.deliver("khxx.csv", text.encode("gb18030"))
    content = drafted(bank.root, "khxx.csv")[1]
    assert content["inputs"][0]["format"] == {"encoding": "gb18030"}
    columns = content["tables"][0]["columns"]
    assert columns["gender"] == {"from": "性别", "codes": {"男": "male", "女": "female"}}
    assert columns["party_type"] == {"from": "客户类型", "codes": {"个人": "person", "对公": "organisation"}}
    assert columns["opened_on"] == {"from": "开户日期", "format": "%Y年%m月%d日"}
    assert columns["source_system"] == {"value": "khxx"}
    assert ingested(bank, content, "party") == 2


def test_pinyin_initials_are_recognised(bank: Bank) -> None:
    bank.deliver("jymx.csv", "jylsh,zh,jyrq,jyje,qd\n1,6222,20240328,12.50,app\n2,6223,20240328,-3,atm\n")
    draft, content = drafted(bank.root, "jymx.csv")
    assert draft.table == "transaction"
    assert list(content["tables"][0]["columns"].values()) == [
        "jylsh", "zh", {"from": "jyrq", "format": "%Y%m%d"}, "jyje", "qd",
    ]  # fmt: skip
    assert ingested(bank, content, "transaction") == 2


def test_codes_that_nobody_knows_are_asked_for(bank: Bank) -> None:
    bank.deliver("disp.csv", "disp_id,client_id,account_id,type\n1,1,1,OWNER\n2,2,1,DISPONENT\n")
    draft, content = drafted(bank.root, "disp.csv")
    assert draft.table == "holder"
    assert content["tables"][0]["columns"]["role"] == {"from": "type", "codes": {"OWNER": "owner"}}
    assert '#   say which of owner, joint, authorised: "DISPONENT"' in draft.text


def test_required_columns_that_are_not_found_are_asked_for(bank: Bank) -> None:
    bank.deliver("account.csv", "account_id,opened\n1,2020-01-01\n")
    assert "# product_id: ?  # required, and not found" in drafted(bank.root, "account.csv")[0].text


def test_what_is_nothing_canonical_becomes_a_table_of_the_banks_own(bank: Bank) -> None:
    bank.deliver("account.csv", "1|2024-01-01 10:00:00|12.50|x\n2|2024-01-02 11:00:00|3.10|\n")
    draft, content = drafted(bank.root, "account.csv")
    assert draft.table == "account_source"
    assert content["inputs"][0]["format"]["header"] is False
    assert content["tables"][0]["extra_columns"] == {
        "column_1": "integer",
        "column_2": "timestamp",
        "column_3": "money",
        "column_4": "text",
    }
    assert ingested(bank, content, "account_source") == 2


def test_names_that_differ_in_signs_only_are_kept_apart(bank: Bank) -> None:
    bank.deliver("odd.csv", "a b,a-b,no,甲\n1,2,3,4\n")
    content = drafted(bank.root, "odd.csv")[1]
    assert content["tables"][0]["columns"] == {"a_b_1": "a b", "a_b_2": "a-b", "no": "no", "source": "甲"}


def test_the_profile_counts_and_hides_personal_values(bank: Bank) -> None:
    bank.deliver("customers.csv", "cust_no,mobile,score\n1,13800138000,3.5\n2,13900139000,\n3,13700137000,1.25\n")
    columns = {column.name: column for column in drafted(bank.root, "customers.csv")[0].columns}
    score, phone = columns["score"], columns["mobile"]
    assert (score.rows, score.nulls, score.distinct, score.minimum, score.maximum) == (3, 1, 2, "1.25", "3.50")
    assert score.null_share == pytest.approx(1 / 3)
    assert (phone.guess, phone.minimum, phone.maximum, phone.values) == ("phone", None, None, ())


def test_parquet_is_profiled_typed(bank: Bank) -> None:
    table = pa.table({"trans_id": ["T1"], "account": [7], "time": pa.array([0], pa.timestamp("us")), "amount": [1.5]})
    pq.write_table(table, bank.root / "moves.parquet")
    draft, content = drafted(bank.root, "moves.parquet")
    assert [column.type for column in draft.columns] == [
        DataType.TEXT, DataType.INTEGER, DataType.TIMESTAMP, DataType.NUMBER,
    ]  # fmt: skip
    assert content["inputs"][0]["format"] == {"kind": "parquet"}
    assert ingested(bank, content, "transaction") == 1


def test_a_table_of_a_database_is_profiled(bank: Bank) -> None:
    database = sqlite3.connect(bank.root / "core.db")
    database.execute("CREATE TABLE branch (branch_id TEXT, name TEXT, lat REAL)")
    database.execute("INSERT INTO branch VALUES ('B1', 'One', 39.9)")
    database.commit()
    database.close()
    draft, content = drafted(bank.root, "sqlite:///core.db#branch")
    assert draft.table == "branch"
    assert content["inputs"][0]["query"] == "SELECT * FROM branch"
    assert ingested(bank, content, "branch") == 1
    with pytest.raises(Faults) as caught:
        drafted(bank.root, "sqlite:///core.db#branches")
    assert caught.value.faults[0].hint == "did you mean 'branch'?"


def test_a_source_that_is_not_there_is_refused(bank: Bank) -> None:
    bank.deliver("trans.csv", HEADER)
    with pytest.raises(Faults) as caught:
        drafted(bank.root, "tranz.csv")
    assert caught.value.faults[0].hint == "did you mean 'trans.csv'?"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "\x01"])
def test_the_delimiter_is_found_although_texts_have_commas(bank: Bank, delimiter: str) -> None:
    lines = (HEADER + transaction_lines(20)).replace(",", delimiter).replace("card", '"a, b; c"')
    path = bank.deliver("moves.csv", lines)
    assert sniff_format(path).delimiter == delimiter


def test_digits_that_begin_with_a_zero_stay_text_and_personal_columns_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("code;TEL;NAME;share\n1;0170111;Jan Novak;0.5\n2;0170222;Eva Mala;0.25\n")
    draft, _ = drafted(tmp_path, "odd.csv")
    found = {column.name: column for column in draft.columns}
    assert (found["TEL"].type, found["code"].type, found["share"].type) == (
        DataType.TEXT,
        DataType.INTEGER,
        DataType.MONEY,
    )
    shown = [
        text for name in ("TEL", "NAME") for text in (found[name].minimum, found[name].maximum, *found[name].values)
    ]
    assert set(shown) == {None}


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "the file is empty"), (b"\n\n", "the file is empty"), (b"id,name\n1,a\x00b\x01\n" * 40, "no text")],
    ids=["empty", "blank", "bytes"],
)
def test_a_file_without_text_is_refused_as_it_was_typed(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_bytes(content)
    with pytest.raises(Faults, match=said) as refused:
        draft_mapping("clients.csv", on=TODAY, root=tmp_path)
    (fault,) = refused.value.faults
    assert fault.file == "clients.csv"
    assert all((fault.seen, fault.allowed, fault.hint))


def test_a_folder_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(Faults, match="this is a folder"):
        draft_mapping("data", on=TODAY, root=tmp_path)


def test_a_file_whose_name_has_no_latin_letter_is_called_like_its_table(tmp_path: Path) -> None:
    (tmp_path / "余额.csv").write_text("账号,日期,余额\n1,2024-03-28,12.50\n2,2024-03-28,7.00\n", encoding="gb18030")
    _, content = drafted(tmp_path, "余额.csv")
    assert content["inputs"][0]["name"] == content["tables"][0]["from"] == "balance"
