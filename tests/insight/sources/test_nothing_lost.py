"""Whatever a bank delivers over several days: every row read is kept, quarantined, or counted as left out."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.insight.sources.conftest import HEADER, TRANSACTION_COLUMNS, Bank

START = date(2024, 3, 1)

FIELDS = st.tuples(
    st.sampled_from(["T1", "T2", "T3", "T4", "T5", ""]),
    st.sampled_from(["A1", "A2", " ", ""]),
    st.integers(-12, 6).map(lambda days: str(START + timedelta(days=days)))
    | st.sampled_from(["", "bad", "1066-10-14"]),
    st.sampled_from(["1", "2.50", "", "x", "1.234", "-0"]),
    st.sampled_from(["card", "", '"two\nlines"', '"a ""quoted"" one"', "张三"]),
)
RECORDS = FIELDS.map(",".join) | st.sampled_from(["T1,A1", "a,b,c,d,e,f,g"])
DAYS = st.lists(st.lists(RECORDS, max_size=12), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(DAYS)
def test_every_row_read_went_to_exactly_one_place(days: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bank = Bank(Path(folder), inputs=[{"name": "moves", "file": "moves-{date}.csv"}])
        bank.tables = [
            {"table": "transaction", "name": "m", "from": "moves", "columns": TRANSACTION_COLUMNS, "bad_rows_max": 1}
        ]
        published: Counter[str] = Counter()
        for number, records in enumerate(days):
            day = START + timedelta(days=number)
            bank.deliver(f"moves-{day}.csv", HEADER + "".join(record + "\n" for record in records))
            result = bank.run(day)  # asserts that counts balance with what was read and with what was written
            assert result.tables["transaction"].counts.read == len(records)
            published.update(row["transaction_id"] for row in bank.rows(result.tables["transaction"].snapshot))
        assert not published or max(published.values()) == 1
