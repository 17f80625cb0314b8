"""Every command of the first day with a bank, in the order in which a newcomer gives them."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from tests.cli.commands import Printed, cultiva, done
from tests.servers.banks import DATE
from tests.stories.workspaces import DAY, lake_folder, published, table

from cultiva.insight.groups.memberships import read_members
from cultiva.store import IdentityChange, IdentityChangeKind, open_store

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture(scope="module")
def profile(bank: Path) -> pl.DataFrame:
    return table(bank, "profile")


def test_init_makes_a_workspace_and_says_what_comes_next(tmp_path: Path) -> None:
    printed = done("init", tmp_path / "mybank", "--pack", "retail-bank", "--no-sample")
    assert "cultiva check" in printed.out.splitlines()[-1]
    assert (tmp_path / "mybank" / "cultiva.toml").exists()
    assert not (tmp_path / "mybank" / "data").exists()


def test_check_finds_the_starter_pack_without_faults(fresh: Path) -> None:
    assert "no faults" in done("check", fresh).out
    assert done("check", fresh, "--json").data == {"faults": [], "ok": True}


def test_schema_writes_json_schemas_for_editors(fresh: Path) -> None:
    written = [Path(line) for line in done("schema", fresh).out.splitlines()]
    assert {"tag.json", "segment.json", "settings.json"} <= {path.name for path in written}
    assert all(json.loads(path.read_text())["$schema"] for path in written)


def test_plan_says_what_a_first_run_would_do_and_does_nothing(fresh: Path) -> None:
    told = done("plan", fresh, "--date", DATE, "--json").data
    assert told["date"] == DATE
    assert {step["action"] for step in told["steps"]} == {"run"}
    assert not list(fresh.glob(".cultiva/lake/*"))
    text = done("plan", fresh, "--date", DATE).out
    assert all(step["step"] in text for step in told["steps"])


def test_plan_after_a_run_knows_the_definitions_that_changed(bank: Path) -> None:
    assert done("plan", bank, "--date", DATE, "--json").data["changes"] == []
    later = bank / "segments" / "later.yaml"
    later.write_text("- name: elderly\n  label: { zh: 高龄, en: Elderly }\n  owner: retail\n  rule: age >= 80\n")
    try:
        changes = done("plan", bank, "--date", DATE, "--json").data["changes"]
    finally:
        later.unlink()
    assert changes == [{"kind": "segment", "name": "elderly", "change": "added"}]


def test_run_goes_through_every_step_of_the_plan(first_run: tuple[Path, Printed]) -> None:
    root, printed = first_run
    steps = printed.data["steps"]
    planned = [step["step"] for step in done("plan", root, "--date", DATE, "--json").data["steps"]]
    assert printed.data["state"] == "finished"
    assert [step["name"] for step in steps] == planned
    assert {step["state"] for step in steps} == {"finished"}
    assert printed.data["files"]
    assert all(Path(path).exists() for path in printed.data["files"])


def test_run_leaves_a_report_for_people(bank: Path) -> None:
    folder = bank / "reports" / DATE
    assert (folder / "run.html").read_text().count("<svg") >= 3
    assert (folder / "run.md").read_text().startswith("#")


def test_count_agrees_with_the_profile(bank: Path, profile: pl.DataFrame) -> None:
    wanted = profile.filter((pl.col("aum") >= 50000) & (pl.col("stage") == "mature")).height
    assert wanted > 0
    answer = done("count", bank, "aum >= 50000 and stage = 'mature'", "--json").data
    assert (answer["count"], answer["customers"]) == (wanted, profile.height)
    text = done("count", bank, "aum >= 50000 and stage = 'mature'").out
    assert text.startswith(f"{wanted:,} of {profile.height:,} customers")


def test_count_takes_the_date_of_an_earlier_run(bank: Path, profile: pl.DataFrame) -> None:
    assert done("count", bank, "true", "--date", DATE, "--json").data["count"] == profile.height


def test_try_says_true_false_or_null_and_why() -> None:
    rule, date = "days_between(last_login, today) > 30", ("--date", DATE)
    for login, result in (('"1994-01-01"', True), ('"1994-03-29"', False), ("null", None)):
        told = done("try", rule, "--with", f'{{"last_login": {login}}}', *date, "--json").data
        assert told["result"] is result
        assert told["why"]
    first, *why = done("try", rule, "--with", '{"last_login": "1994-01-01"}', *date).out.splitlines()
    assert first == "true"
    assert any("last_login = date '1994-01-01'" in line for line in why)


def test_why_explains_a_member_and_a_stranger_clause_by_clause(bank: Path) -> None:
    folder = lake_folder(bank, published(bank)["memberships", DAY])
    members = read_members([folder])
    inside, outside = members.segments["high_value"].min(), (members.everybody - members.segments["high_value"]).min()
    text = done("why", bank, inside, "--segment", "high_value").out.splitlines()
    assert text[0] == f"customer {inside} is in high_value on {DATE}"
    assert len(text) > 1
    told = done("why", bank, outside, "--segment", "high_value", "--json").data
    assert (told["member"], told["explanation"]["value"]) == (False, False)
    assert f"customer {outside} is not in high_value" in done("why", bank, outside, "--segment", "high_value").out


def test_why_knows_a_customer_by_the_id_of_a_source_system(bank: Path) -> None:
    row = table(bank, "identity_map").filter(pl.col("source_system") == "core").row(0, named=True)
    told = done("why", bank, f"core:{row['source_id']}", "--segment", "high_value", "--json").data
    assert told["customer_id"] == row["customer_id"]


def test_why_without_a_segment_tells_what_was_decided(bank: Path) -> None:
    decisions = table(bank, "decisions")
    chosen = decisions.filter(pl.col("fate") == "chosen").row(0, named=True)
    told = done("why", bank, chosen["customer_id"], "--json").data["decisions"]
    assert (chosen["strategy"], "chosen") in {(one[0]["strategy"], one[0]["fate"]) for one in told}
    assert chosen["strategy"] in done("why", bank, chosen["customer_id"]).out
    others = set(table(bank, "profile")["customer_id"]) - set(decisions["customer_id"])
    assert "in no strategy's audience" in done("why", bank, min(others)).out


def test_why_does_not_show_a_personal_tag_in_full(bank: Path, profile: pl.DataFrame) -> None:
    segment = bank / "segments" / "personal.yaml"
    segment.write_text(
        "- name: personal\n  label: { zh: 单位, en: Employed }\n  owner: retail\n"
        "  rule: employer is not null and birth_date < '1990-01-01'\n"
    )
    person = profile.filter(pl.col("employer").is_not_null() & pl.col("birth_date").is_not_null()).row(0, named=True)
    try:
        printed = [
            done("why", bank, person["customer_id"], "--segment", "personal").out,
            done("why", bank, person["customer_id"], "--segment", "personal", "--json").out,
        ]
    finally:
        segment.unlink()
    for text in printed:
        assert person["employer"] not in text
        assert str(person["birth_date"]) not in text


def test_track_shows_the_newest_doings_in_order(bank: Path) -> None:
    busiest = table(bank, "holding")["customer_id"].mode().min()
    rows = done("track", bank, busiest, "--last", 10, "--json").data
    assert 0 < len(rows) <= 10
    times = [row["at"] for row in rows]
    assert times in (sorted(times), sorted(times, reverse=True))
    assert max(times)[:10] <= DATE
    assert len(done("track", bank, busiest, "--last", 10).out.splitlines()) >= len(rows)


@pytest.mark.parametrize("what", ["tags", "segments", "grid", "run", "strategies", "lists", "quarantine"])
def test_show_prints_the_same_rows_to_people_and_programs(bank: Path, what: str) -> None:
    records = done("show", bank, what, "--json").data
    assert records
    assert len({tuple(record) for record in records}) == 1
    lines = done("show", bank, what).out.splitlines()
    assert len(lines) >= len(records)


def test_show_prints_the_first_rows_only_if_asked(bank: Path) -> None:
    assert done("show", bank, "tags", "--top", 2, "--json").data == done("show", bank, "tags", "--json").data[:2]


def test_show_agrees_with_the_lake(bank: Path, profile: pl.DataFrame) -> None:
    tags = {record["tag"] for record in done("show", bank, "tags", "--json").data}
    assert {"aum", "age", "stage", "value_tier"} <= tags
    sizes = {record["segment"]: record["customers"] for record in done("show", bank, "segments", "--json").data}
    assert sizes["high_value"] == done("count", bank, "segment('high_value')", "--json").data["count"]
    *stages, totals = done("show", bank, "grid", "--json").data
    assert sum(stage["customers"] for stage in stages) == totals["customers"] == profile.height
    chosen = sum(record["chosen"] for record in done("show", bank, "strategies", "--json").data)
    people = sum(record["people"] for record in done("show", bank, "lists", "--json").data)
    assert chosen == people > 0


def test_show_quarantine_has_no_personal_data_in_full(bank: Path) -> None:
    out = done("show", bank, "quarantine", "--json").out
    assert not re.search(r"\b1[3-9]\d{9}\b", out), "a telephone number"
    assert not re.search(r"[\w.]{2,}@[\w.]+", out), "a mail address"


def test_profile_drafts_a_mapping_of_a_new_file(fresh: Path) -> None:
    drafted = done("profile", fresh / "data" / "party_core.csv").out
    assert "table: party" in drafted
    assert done("profile", fresh / "data" / "party_core.csv", "--json").data


def test_help_names_every_command() -> None:
    text = cultiva("--help").out
    for command in ("init", "check", "plan", "run", "count", "try", "why", "show", "track", "schema", "profile"):
        assert re.search(rf"^\W*{command}\b", text, re.MULTILINE), command


def test_an_id_that_was_merged_away_still_finds_its_customer(bank: Path, tmp_path: Path) -> None:
    root = tmp_path / "bank"
    shutil.copytree(bank, root)
    store = open_store("sqlite:///.cultiva/store.db", root)
    merge = IdentityChange(IdentityChangeKind.MERGE, DAY, from_ids=(1, 99999), to_ids=(1,), reason="id_number_hash")
    mapping = store.snapshots.current("identity_map", DAY)
    assert mapping is not None
    store.identity.record([merge], run_id=mapping.run_id, at=datetime(1994, 3, 31, tzinfo=UTC))
    store.close()
    line = "customer 99999 was merged into 1 on 1994-03-30"
    for asked in (("why",), ("why", "--segment", "wealth_candidates"), ("track",)):
        command, *options = asked
        told = done(command, root, 99999, *options)
        assert told.out.splitlines()[0] == line
        assert told.out.splitlines()[1:] == done(command, root, 1, *options).out.splitlines()
        as_data = done(command, root, 99999, *options, "--json")
        assert as_data.data == done(command, root, 1, *options, "--json").data
        assert as_data.err.strip() == line
