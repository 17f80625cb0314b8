"""Customers are found within sight; lists that people take out hold nobody else. On a bank after its first night."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.servers.banks import DATE, first_night
from tests.servers.once import Once

from cultiva import bootstrap
from cultiva.contracts.sight import EVERYBODY, NOBODY, SMALL, Sight
from cultiva.execution.audit.service import Audit
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop import handouts, questions
from cultiva.loop.finding import FOUND_MAX, By, Hit, find, spellings
from cultiva.loop.handouts import FileFormat, Handout, Taker
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan

ON = date.fromisoformat(DATE)
OPEN = Sight(whole_bank=True, personal=True)
SEGMENT = "borrowers"


@pytest.fixture(scope="module")
def parts(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    root = tmp_path_factory.mktemp("finding") / "bank"
    first_night(once, root)
    with bootstrap.opened(root) as found:
        yield found


@pytest.fixture(scope="module")
def party(parts: Parts) -> pl.DataFrame:
    return scan(parts.lake.files_current("customer", ON)).collect()


@pytest.fixture(scope="module")
def somebody(parts: Parts, party: pl.DataFrame) -> dict[str, object]:
    """A borrower with a telephone number of eleven digits that nobody else has."""
    borrowers = set(questions.members_of(parts, SEGMENT, ON, sight=EVERYBODY))
    alone = party.filter(pl.col("phone").is_unique() & pl.col("phone").str.contains(r"^\d{11}$"))
    return next(row for row in alone.to_dicts() if row["customer_id"] in borrowers and row["branch_id"])


def branch(row: dict[str, object], *, personal: bool = False) -> Sight:
    return Sight(branches=frozenset({str(row["branch_id"])}), personal=personal)


ELSEWHERE = Sight(branches=frozenset({"none such"}), advisers=frozenset({"nobody"}), personal=True)


def hits(parts: Parts, text: str, sight: Sight) -> tuple[Hit, ...]:
    return find(parts, text, ON, sight=sight).hits


def test_an_id_a_source_id_and_a_telephone_find_the_same_customer(parts: Parts, somebody: dict[str, object]) -> None:
    who, phone = somebody["customer_id"], str(somebody["phone"])
    records = scan(parts.lake.files_current("identity_map", ON)).filter(pl.col("customer_id") == who).collect()
    record = records.row(0, named=True)
    asked = {
        str(who): By.ID,
        f" {who} ": By.ID,
        f"{record['source_system']}:{record['source_id']}": By.SOURCE,
        phone: By.PHONE,
        f"{phone[:3]} {phone[3:7]} {phone[7:]}": By.PHONE,
        f"+86 {phone[:3]}-{phone[3:7]}-{phone[7:]}": By.PHONE,
        phone.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)}): By.PHONE,
    }
    for text, by in asked.items():
        for sight in (EVERYBODY, branch(somebody)):
            assert [(one.customer_id, one.by) for one in hits(parts, text, sight)] == [(who, by)], text
        assert hits(parts, text, ELSEWHERE) == hits(parts, text, NOBODY) == ()


@settings(max_examples=40, deadline=None)
@given(st.integers(min_value=10**10, max_value=2 * 10**10 - 1), st.sampled_from(["{}", "+86{}", "0086{}", "86 {}"]))
def test_a_number_is_looked_for_in_every_way_it_may_be_written(number: int, form: str) -> None:
    found = set(spellings(form.format(number)))
    assert {str(number), f"86{number}", f"+86{number}"} <= found
    assert all("".join(c for c in one if c.isdigit()).endswith(str(number)) for one in found)


@pytest.mark.parametrize("text", ["", "Wang", "12", "1" * 19, "a138 1234 5678", "core:13812345678"])
def test_what_is_no_number_is_not_looked_for_as_one(text: str) -> None:
    assert list(spellings(text)) == []


def test_names_are_masked_and_looked_for_only_by_who_sees_personal_data(
    parts: Parts, party: pl.DataFrame, somebody: dict[str, object]
) -> None:
    who, name = somebody["customer_id"], str(somebody["name"])
    (masked,), (whole,) = hits(parts, str(who), branch(somebody)), hits(parts, str(who), OPEN)
    assert masked.name == name[0] + "*" * (len(name) - 1)
    assert (whole.name, whole.branch_id, whole.adviser_id) == (name, somebody["branch_id"], somebody["adviser_id"])
    assert whole.stage
    assert who in {one.customer_id for one in hits(parts, name, OPEN)}
    begins = party.filter(pl.col("name").str.starts_with(name[:1]) & (pl.col("branch_id") == somebody["branch_id"]))
    found = hits(parts, name[:1], branch(somebody, personal=True))
    assert [one.customer_id for one in found] == sorted(begins["customer_id"])[:FOUND_MAX]
    for sight in (EVERYBODY, branch(somebody)):
        with pytest.raises(CultivaError) as caught:
            find(parts, name, ON, sight=sight)
        assert (caught.value.code, caught.value.kind) == ("loop.name_search", ErrorKind.FORBIDDEN)
        assert name not in str(caught.value)


def test_at_most_fifty_are_found_and_it_is_said_that_there_are_more(parts: Parts, party: pl.DataFrame) -> None:
    found = find(parts, "", ON, sight=OPEN)
    assert (found.hits, found.more) == ((), False)
    first = party["name"].drop_nulls().str.slice(0, 1).value_counts(sort=True)["name"][0]
    many = party.filter(pl.col("name").str.starts_with(first)).height
    found = find(parts, first, ON, sight=OPEN)
    assert (len(found.hits), found.more) == (min(many, FOUND_MAX), many > FOUND_MAX)


def test_who_sees_no_customer_is_told_sums_that_speak_of_no_single_one(parts: Parts, party: pl.DataFrame) -> None:
    sums, customers = Sight(totals=True), party.height

    def told(rule: str, sight: Sight = sums) -> tuple[int, int, bool, str]:
        found = questions.count(parts, rule, ON, sight=sight)
        return found.count, found.customers, found.hidden, found.said

    exact = questions.count(parts, "aum >= 50000", ON, sight=EVERYBODY).count
    assert SMALL < exact < customers - SMALL
    assert told("aum >= 50000") == (exact, customers, False, f"{exact:,}")
    richest = scan(parts.lake.files_current("profile", ON)).select(pl.col("aum").max()).collect().item()
    assert told(f"aum >= {richest}") == told("aum < 0") == (0, customers, True, f"<{SMALL}")
    assert told(f"not (aum >= {richest})")[2]  # all but one says as much as that one
    assert told(f"aum >= {richest}", EVERYBODY)[0] >= 1
    assert told("aum >= 50000", NOBODY) == (0, 0, False, "0")
    assert told("aum >= 50000", replace(ELSEWHERE, totals=True))[:2] == (0, 0)  # rows before sums
    sizes = questions.segment_sizes(parts, ON, sight=sums)
    whole = questions.segment_sizes(parts, ON, sight=EVERYBODY)
    assert sizes == {name: size for name, size in whole.items() if SMALL <= size.customers <= customers - SMALL}
    assert SEGMENT in sizes


def test_a_count_in_sight_is_the_number_of_those_who_are_found(parts: Parts, somebody: dict[str, object]) -> None:
    mine = branch(somebody)
    rule = str(parts.workspace.segments[SEGMENT].rule)
    members = questions.members_of(parts, SEGMENT, ON, sight=mine)
    assert somebody["customer_id"] in set(members)
    counted = questions.count(parts, rule, ON, sight=mine)
    assert (counted.count, counted.hidden) == (len(members), False)
    assert questions.segment_sizes(parts, ON, sight=mine)[SEGMENT].customers == len(members)
    assert 0 < counted.customers < questions.count(parts, rule, ON, sight=EVERYBODY).customers


def rows_of(found: Handout) -> tuple[str, list[dict[str, str]]]:
    """The watermark's line and the rows of a list."""
    mark, rest = found.content.decode("utf-8-sig").split("\n", 1)
    return mark, list(csv.DictReader(io.StringIO(rest)))


def taker(sight: Sight) -> Taker:
    return Taker("u7", "李敏", sight)


def test_a_list_says_who_took_it_out_and_the_audit_knows_it_by_its_number(
    parts: Parts, somebody: dict[str, object]
) -> None:
    mine = branch(somebody)
    found = handouts.segment_handout(parts, SEGMENT, ["aum", "birth_date"], ON, taker=taker(mine))
    mark, rows = rows_of(found)
    assert mark.startswith(f"# {found.watermark}") and "李敏 (u7)" in mark and found.number in mark
    assert found.number in found.file_name
    members = sorted(questions.members_of(parts, SEGMENT, ON, sight=mine))
    assert [int(row["customer_id"]) for row in rows] == members
    assert found.rows == len(members) > 0
    assert {row["birth_date"] for row in rows} <= {"***", ""}
    (line,) = Audit(parts.store.database).lines(subject=f"export:{found.number}")
    detail = line.entry.detail
    assert (line.entry.actor, line.entry.action) == ("李敏", "export.segment")
    assert (detail["rows"], detail["user"], detail["personal"]) == (found.rows, "u7", False)
    assert detail["sha256"] == found.fingerprint == hashlib.sha256(found.content).hexdigest()


def test_personal_values_are_there_for_who_sees_them(parts: Parts) -> None:
    _, rows = rows_of(handouts.segment_handout(parts, SEGMENT, ["birth_date"], ON, taker=taker(OPEN)))
    assert any(row["birth_date"].startswith("19") for row in rows)
    assert "***" not in {row["birth_date"] for row in rows}


def test_a_parquet_file_carries_its_watermark_and_decisions_are_those_in_sight(
    parts: Parts, party: pl.DataFrame, somebody: dict[str, object]
) -> None:
    mine = branch(somebody)
    found = handouts.decisions_handout(parts, ON, taker=taker(mine), file_format=FileFormat.PARQUET)
    table = pq.read_table(io.BytesIO(found.content))
    assert table.schema.metadata[handouts.WATERMARK].decode() == found.watermark
    own = party.filter(pl.col("branch_id") == somebody["branch_id"])["customer_id"]
    decided = scan(parts.lake.files_current("decisions", ON)).filter(pl.col("customer_id").is_in(own.to_list()))
    assert pl.DataFrame(pl.from_arrow(table)).equals(decided.collect())
    assert found.rows == table.num_rows > 0


def test_a_list_that_is_too_long_is_not_taken_out(parts: Parts) -> None:
    workspace = parts.workspace
    console = workspace.settings.console.model_copy(update={"export_rows_max": 3})
    few = replace(
        parts, workspace=replace(workspace, settings=workspace.settings.model_copy(update={"console": console}))
    )
    before = len(Audit(parts.store.database).lines())
    with pytest.raises(CultivaError) as caught:
        handouts.segment_handout(few, SEGMENT, ["aum"], ON, taker=taker(EVERYBODY))
    assert caught.value.code == "loop.export_too_long"
    assert len(Audit(parts.store.database).lines()) == before


def test_without_a_line_of_the_audit_there_is_no_list(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the audit does not take it")

    monkeypatch.setattr(Audit, "write", broken)
    with pytest.raises(RuntimeError):
        handouts.segment_handout(parts, SEGMENT, ["aum"], ON, taker=taker(EVERYBODY))


def test_a_text_that_a_spreadsheet_would_calculate_is_no_formula() -> None:
    import pyarrow as pa

    said = pa.record_batch({"a": ["=1+1", "+1", "-1", "@x", "\t=1", "fine", "", None], "n": [-1, 2, 3, 4, 5, 6, 7, 8]})
    found = handouts._without_formulas(said)
    assert found["a"].to_pylist() == ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", "fine", "", None]
    assert found["n"].to_pylist() == said["n"].to_pylist()
