from __future__ import annotations

import csv
import hashlib
import io
from datetime import date
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from tests.api.banks import DATE, MASKED, Api

from cultiva.client import ApiProblem
from cultiva.contracts.sight import EVERYBODY
from cultiva.execution.audit.service import Audit
from cultiva.loop import questions
from cultiva.loop.shows import scan

DAY = date.fromisoformat(DATE)


def lake(api: Api, table: str) -> pl.DataFrame:
    return scan(api.parts.lake.files_current(table, DAY)).collect()


def test_a_customer_is_shown_masked_and_whole_with_the_right_to_see_it(api: Api) -> None:
    row = lake(api, "customer").filter(pl.col("customer_id") == 51).to_dicts()[0]
    whole, masked = api.client().customer(51), api.client(MASKED).customer(51)
    assert whole.facts["name"] == row["name"]
    assert whole.facts["phone"] == row["phone"]
    assert whole.facts["birth_date"] == row["birth_date"].isoformat()
    assert masked.facts["name"] == row["name"][0] + "*" * (len(row["name"]) - 1)
    assert masked.facts["phone"] != row["phone"]
    assert str(masked.facts["phone"]).endswith(row["phone"][-2:])
    assert masked.facts["birth_date"] == masked.facts["address"] == "***"
    assert masked.facts["branch_id"] == row["branch_id"]
    assert (whole.customer_id, whole.business_date, whole.stage) == (51, DAY, "mature")


def test_a_customer_is_found_by_a_source_system_s_own_id(api: Api) -> None:
    record = lake(api, "identity_map").to_dicts()[0]
    found = api.client().customer(f"{record['source_system']}:{record['source_id']}")
    assert found.customer_id == record["customer_id"]


def test_a_profile_has_every_visible_tag_with_its_value(api: Api) -> None:
    row = lake(api, "profile").filter(pl.col("customer_id") == 51).to_dicts()[0]
    whole = {tag.name: tag for tag in api.client().profile(51).tags}
    masked = {tag.name: tag for tag in api.client(MASKED).profile(51).tags}
    assert whole["aum"].value == str(row["aum"])
    assert whole["aum"].type == "money"
    assert whole["age"].value == row["age"]
    assert not any(name.startswith(("ev_", "in_list_")) for name in whole)
    personal = [name for name, tag in whole.items() if tag.personal and tag.value is not None]
    assert "birth_date" in personal
    assert {masked[name].value for name in personal} == {"***"}
    assert {name for name in whole if whole[name].value != masked[name].value} == set(personal)


def test_a_track_comes_page_by_page_newest_first(api: Api) -> None:
    client = api.client()
    zone = ZoneInfo("Asia/Shanghai")
    track = questions.track_rows(api.parts, 51, DAY, sight=EVERYBODY)
    expected = [one.at.replace(tzinfo=zone) for one in reversed(track)]
    for page in (7, 1000):
        found = list(client.track(51, page=page))
        assert [one.at for one in found] == expected
    assert len(expected) > 14
    assert all(later.at >= earlier.at for later, earlier in pairwise(found))
    assert any(isinstance(one.amount, Decimal) for one in found)


def test_decisions_say_why(api: Api) -> None:
    found = api.client().decisions(51)
    rows = lake(api, "decisions").filter(pl.col("customer_id") == 51)
    assert sorted(one.strategy for one in found.decisions) == sorted(rows["strategy"])
    assert all(one.sentence for one in found.decisions)
    assert api.client().decisions(51, explain=True).decisions == found.decisions


def test_a_membership_says_why_clause_by_clause(api: Api) -> None:
    client = api.client()
    assert client.membership(51, "payroll").member
    assert client.membership(51, "payroll").why
    assert not client.membership(51, "borrowers").member


def test_segments_their_members_and_a_count_agree(api: Api) -> None:
    client = api.client()
    sizes = dict(lake(api, "segments").select("segment", "size").iter_rows())
    found = {one.name: one for one in client.segments(page=4)}
    assert {name: one.customers for name, one in found.items()} == sizes
    assert client.segment("borrowers") == found["borrowers"]
    members = list(client.members("borrowers", page=10))
    assert members == sorted(set(members))
    assert len(members) == sizes["borrowers"]
    rule = str(api.parts.workspace.segments["borrowers"].rule)
    counted = client.count(rule)
    assert (counted.count, counted.customers) == (sizes["borrowers"], 301)
    assert client.count("event_count('app_opened', 13) >= 1").count < 301  # a window that no definition has used


def test_strategies_show_what_became_of_their_candidates(api: Api) -> None:
    found = {one.name: one for one in api.client().strategies(page=3)}
    assert set(found) == set(api.parts.workspace.strategies)
    assert sum(sum(one.fates.values()) for one in found.values()) == lake(api, "decisions").height
    assert api.client().strategy("car_owner_card") == found["car_owner_card"]


def test_a_segment_is_taken_out_as_csv_and_parquet(api: Api) -> None:
    client = api.client(MASKED)
    with client.export_segment("borrowers", tags=["aum", "stage"]) as pieces:
        rows = list(csv.DictReader(io.StringIO(b"".join(pieces).decode())))
    with client.export_segment("borrowers", tags=["aum", "stage"], file_format="parquet") as pieces:
        table = pl.read_parquet(io.BytesIO(b"".join(pieces)))
    profile = lake(api, "profile").filter(pl.col("customer_id").is_in(list(client.members("borrowers"))))
    assert table.equals(profile.select("customer_id", "aum", "stage"))
    assert [int(row["customer_id"]) for row in rows] == table["customer_id"].to_list()
    assert [Decimal(row["aum"]) for row in rows] == table["aum"].to_list()


def test_personal_tags_are_taken_out_with_the_right_to_see_them_only(api: Api) -> None:
    with pytest.raises(ApiProblem) as caught, api.client(MASKED).export_segment("borrowers", tags=["birth_date"]):
        pass
    assert (caught.value.status, caught.value.code) == (403, "loop.personal_tag")
    with api.client().export_segment("borrowers", tags=["birth_date"]) as pieces:
        assert b"19" in b"".join(pieces)


def test_the_audit_keeps_who_took_what_out(api: Api) -> None:
    members = api.client().segment("payroll").customers
    with api.client(name="report tool").export_segment("payroll", tags=["aum"]) as pieces:
        taken = b"".join(pieces)
    with api.client().export_decisions(fate="chosen") as pieces:
        assert b"".join(pieces)
    audit = Audit(api.parts.store.database)
    assert audit.verify().whole
    begun, ended = (line.entry for line in audit.lines(subject="segment:payroll")[-2:])
    assert (begun.actor, begun.action, begun.detail["tags"]) == ("report tool", "export.segment", ["aum"])
    assert (ended.actor, ended.action, ended.detail["rows"]) == ("report tool", "export.ended", members)
    assert ended.detail["sha256"] == hashlib.sha256(taken).hexdigest()


def test_decisions_are_taken_out_by_strategy_and_fate(api: Api) -> None:
    with api.client().export_decisions(fate="chosen", file_format="parquet") as pieces:
        table = pl.read_parquet(io.BytesIO(b"".join(pieces)))
    assert table.equals(lake(api, "decisions").filter(pl.col("fate") == "chosen"))
    with api.client().export_decisions(strategy="none_such") as pieces:
        assert b"".join(pieces).count(b"\n") == 1


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda client: client.customer(999_999), "track.unknown_customer"),
        (lambda client: client.customer("core:nobody"), "track.unknown_customer"),
        (lambda client: client.segment("payrol"), "loop.no_segment"),
        (lambda client: client.strategy("none"), "api.no_strategy"),
        (lambda client: client.customer(51, on=date(1990, 1, 1)), "loop.no_profile"),
        (lambda client: list(client.members("none")), "loop.no_segment"),
    ],
)
def test_what_is_not_there_is_404_and_says_what_is(api: Api, ask: object, code: str) -> None:
    with pytest.raises(ApiProblem) as caught:
        ask(api.client())  # type: ignore[operator]
    assert (caught.value.status, caught.value.code) == (404, code)
    assert caught.value.body["allowed"]


@pytest.mark.parametrize("rule", ["", "aum >", "aun >= 1", "aum", "(" * 900 + "aum" + ")" * 900, "\x00", "1" * 3999])
def test_a_rule_with_faults_is_answered_with_their_places(api: Api, rule: str) -> None:
    with pytest.raises(ApiProblem) as caught:
        api.client().count(rule)
    assert caught.value.status == 422
    assert caught.value.body["faults"]


@pytest.mark.parametrize("cursor", ["x", "", "W10", "bnVsbA", "é", "WyJhIiwxXQ"])
def test_a_cursor_of_something_else_is_refused(api: Api, cursor: str) -> None:
    key = api.key()
    found = api.http().get("/v1/segments", params={"cursor": cursor}, headers={"Authorization": f"Bearer {key}"})
    assert found.status_code == 422
    assert found.json()["code"] == "api.bad_cursor"
