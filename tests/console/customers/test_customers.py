"""Customers: found without a trace, shown within sight, masked, unmasked for a reason, consent recorded."""

from __future__ import annotations

import re
from decimal import Decimal

import polars as pl
import pytest
from tests.console.desks import ConsoleUnderTest

from cultiva.contracts.sight import EVERYBODY
from cultiva.engine.parquet import part_files
from cultiva.execution.access.roles import Right, Role, rights_of
from cultiva.execution.audit.service import Audit
from cultiva.execution.recipients.service import Recipients
from cultiva.loop.consents import consents_of
from cultiva.loop.parts import Parts
from cultiva.loop.person.around import circle_of
from cultiva.loop.person.past import MomentKind, stages_of, timeline
from cultiva.loop.person.room import room_of
from cultiva.loop.person.rows import rows_of
from cultiva.loop.person.worth import worth_of
from cultiva.loop.questions import decisions_of, track_rows

TABS = ("", "/holdings", "/tags", "/people", "/timeline", "/decisions", "/contact")


def facts(parts: Parts) -> pl.DataFrame:
    """Every customer's party record, by id."""
    return pl.read_parquet(part_files(parts.lake.files_current("customer", parts.newest_date()))).sort("customer_id")


def somebody(parts: Parts) -> dict[str, object]:
    """The first customer with a name, a telephone number, a branch and an adviser."""
    known = facts(parts).drop_nulls(["name", "phone", "branch_id", "adviser_id"])
    return known.filter(pl.col("name").str.len_chars() > 1).row(0, named=True)


def unnumbered(page: str, customer: int) -> str:
    """A page without the number that was asked for, in the places where a page says what was asked for."""
    return page.replace(f"/customers/{customer}", "/customers/N").replace(f": {customer}<", ": N<")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_a_customer_is_masked(console: ConsoleUnderTest, language: str) -> None:
    one = somebody(console.parts)
    window = console.as_role(Role.ANALYST, language=language)
    for tab in TABS:
        page = window.text(f"/customers/{one['customer_id']}{tab}")
        assert str(one["name"]) not in page
        assert str(one["phone"]) not in page
        assert f"{str(one['name'])[0]}*" in page


def test_a_customer_is_found_by_number_and_by_telephone_however_it_is_written(console: ConsoleUnderTest) -> None:
    one = somebody(console.parts)
    window, link = console.as_role(Role.ANALYST), f'href="/customers/{one["customer_id"]}"'
    phone = re.sub(r"\D", "", str(one["phone"]))
    for text in (str(one["customer_id"]), phone, f"{phone[:3]} {phone[3:7]} {phone[7:]}"):
        found = window.post("/customers", {"text": text}, part=True)
        assert found.status_code == 200, text
        assert link in found.text, text
        assert "<html" not in found.text
        assert str(one["name"]) not in found.text


def test_what_is_looked_for_stands_in_no_address(console: ConsoleUnderTest) -> None:
    page = console.as_role(Role.ANALYST).text("/customers")
    assert 'method="post" action="/customers"' in page
    assert 'method="get"' not in page


def test_names_are_not_tried_out_by_those_who_do_not_see_them(console: ConsoleUnderTest) -> None:
    name = str(somebody(console.parts)["name"])
    found = console.as_role(Role.ANALYST).post("/customers", {"text": name}, part=True)
    assert "names are not looked for here" in found.text
    assert name not in found.text


def test_whoever_is_out_of_sight_is_told_of_like_somebody_who_does_not_exist(console: ConsoleUnderTest) -> None:
    one = somebody(console.parts)
    others = facts(console.parts).filter(pl.col("branch_id") != one["branch_id"])
    stranger = int(others.row(0, named=True)["customer_id"])
    manager = console.as_role(Role.BRANCH_MANAGER, branches=frozenset({one["branch_id"]}))
    assert manager.get(f"/customers/{one['customer_id']}").status_code == 200
    nobody = int(facts(console.parts)["customer_id"].max()) + 1  # type: ignore[arg-type]
    for tab in (*TABS, "/advice", "/reasons"):
        seen = manager.get(f"/customers/{stranger}{tab}")
        never = manager.get(f"/customers/{nobody}{tab}")
        assert seen.status_code == never.status_code == 404, tab
        assert unnumbered(seen.text, stranger) == unnumbered(never.text, nobody), tab
    for act in ("unmask", "consent"):
        form = {"reason": "asks about a card", "channel": "sms", "word": "granted", "evidence": "call 1"}
        assert manager.post(f"/customers/{stranger}/{act}", form).status_code == 404
    assert Recipients(console.parts.store.database).ledger(stranger) == []


def test_value_is_shown_with_parts_that_add_up(console: ConsoleUnderTest) -> None:
    parts = console.parts
    profile = pl.read_parquet(part_files(parts.lake.files_current("profile", parts.newest_date())))
    rows = profile.drop_nulls("current_value").sort("customer_id").to_dicts()
    assert rows
    for row in rows:
        worth = worth_of(row, parts.workspace)
        assert sum((one.amount or Decimal(0) for one in worth.components), Decimal(0)) == worth.current
        assert abs(worth.rounding) <= Decimal("0.03")
    top = max(rows, key=lambda row: row["comprehensive_value"])
    page = console.as_role(Role.ANALYST).text(f"/customers/{top['customer_id']}")
    assert f"{top['comprehensive_value']:,.2f}" in page
    assert f"{top['current_value']:,.2f}" in page


def test_the_timeline_has_everything_the_newest_first_and_is_paged(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    owners = pl.read_parquet(part_files(parts.lake.files_current("holding", on))).filter(pl.col("role") == "owner")
    busiest = owners.group_by("customer_id").len().sort("len", "customer_id", descending=[True, False])
    ids = [int(one) for one in busiest["customer_id"].head(30)]
    customer = max(ids, key=lambda one: len(track_rows(parts, one, on, sight=EVERYBODY)))
    every = timeline(parts, customer, on, sight=EVERYBODY)
    assert list(every) == sorted(every, key=lambda one: one.at, reverse=True)
    counted = {kind: sum(1 for one in every if one.kind is kind) for kind in MomentKind}
    tracked = track_rows(parts, customer, on, sight=EVERYBODY)
    assert sum(counted.values()) - counted[MomentKind.DECISION] == len(tracked) > 50
    window = console.as_role(Role.ANALYST)
    first = window.text(f"/customers/{customer}/timeline")
    assert first.count('<td class="tabular text-nowrap">') == 50
    assert f'hx-get="/customers/{customer}/timeline?kind=&amp;begin=50"' in first
    rest = window.get(f"/customers/{customer}/timeline", begin=50, part=True)
    assert rest.text.count('<td class="tabular text-nowrap">') == min(50, len(every) - 50)
    assert "<html" not in rest.text
    only = window.text(f"/customers/{customer}/timeline", kind="transaction")
    assert only.count('<td class="tabular text-nowrap">') == min(50, counted[MomentKind.TRANSACTION])


def test_personal_data_are_shown_for_a_reason_that_the_audit_keeps(own_console: ConsoleUnderTest) -> None:
    one = somebody(own_console.parts)
    path = f"/customers/{one['customer_id']}"
    manager = own_console.as_role(Role.BRANCH_MANAGER, branches=frozenset({one["branch_id"]}))
    assert "Show personal data" in manager.text(path)
    assert manager.post(f"{path}/unmask", {"reason": "short"}).status_code == 422
    assert str(one["phone"]) not in manager.text(path)
    reason = "the customer stands here and asks for a new card"
    answer = manager.post(f"{path}/unmask", {"reason": reason, "next": path})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = manager.text(path)
    assert str(one["phone"]) in page
    assert str(one["name"]) in page
    other = own_console.as_role(Role.ANALYST).text(path)
    assert str(one["phone"]) not in other
    assert "Show personal data" not in other
    lines = Audit(own_console.parts.store.database).lines(subject=f"customer:{one['customer_id']}")
    assert [(line.entry.action, line.entry.detail["reason"]) for line in lines] == [("customer.unmasked", reason)]


def test_a_form_leads_nowhere_else(own_console: ConsoleUnderTest) -> None:
    one = somebody(own_console.parts)
    manager = own_console.as_role(Role.BRANCH_MANAGER, branches=frozenset({one["branch_id"]}))
    form = {"reason": "the customer stands here", "next": "//evil.example"}
    answer = manager.post(f"/customers/{one['customer_id']}/unmask", form)
    assert answer.headers["location"] == "/"


def test_what_a_customer_says_counts_at_once_and_stands_in_the_ledger(own_console: ConsoleUnderTest) -> None:
    parts, one = own_console.parts, somebody(own_console.parts)
    customer = int(str(one["customer_id"]))
    operator = own_console.as_role(Role.OPERATOR)
    form = {"channel": "sms", "word": "withdrawn", "evidence": "call, recording 4711"}
    assert operator.post(f"/customers/{customer}/consent", form).status_code == 303
    word = Recipients(parts.store.database).ledger(customer)[-1]
    said = (word.channel, word.granted, word.evidence, word.actor, word.through)
    assert said == ("sms", False, "call, recording 4711", operator.login, "console")
    newest = [
        each for each in consents_of(parts, customer, parts.newest_date(), sight=EVERYBODY) if each.channel == "sms"
    ]
    assert any(not each.granted and each.source.value == "since" for each in newest)
    assert "call, recording 4711" in operator.text(f"/customers/{customer}/contact")
    assert "recording 4711" in operator.text(f"/customers/{customer}/timeline", kind="consent")
    actions = [line.entry.action for line in Audit(parts.store.database).lines(subject=f"customer:{customer}")]
    assert actions == ["consent.recorded"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"channel": "pigeon"}, 404),
        ({"word": "perhaps"}, 422),
        ({"evidence": ""}, 422),
        ({"said_at": "2027-01-01T10:00"}, 422),
        ({"said_at": "yesterday"}, 422),
    ],
)
def test_a_word_that_cannot_be_is_refused(console: ConsoleUnderTest, change: dict[str, str], status: int) -> None:
    customer = int(str(somebody(console.parts)["customer_id"]))
    form = {"channel": "sms", "word": "withdrawn", "evidence": "call 4711", **change}
    answer = console.as_role(Role.OPERATOR).post(f"/customers/{customer}/consent", form)
    assert answer.status_code == status
    assert Recipients(console.parts.store.database).ledger(customer) == []


def test_who_may_not_record_consent_has_no_form_for_it(console: ConsoleUnderTest) -> None:
    customer = somebody(console.parts)["customer_id"]
    assert Right.CONSENT not in rights_of([Role.ANALYST])
    assert 'action="/customers' not in console.as_role(Role.ANALYST).text(f"/customers/{customer}/contact")
    assert f'action="/customers/{customer}/consent"' in console.as_role(Role.OPERATOR).text(
        f"/customers/{customer}/contact"
    )


def test_decisions_are_those_of_the_newest_run_with_their_sentences(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    decided = pl.read_parquet(part_files(parts.lake.files_current("decisions", on))).sort("customer_id")
    customer = int(decided.filter(pl.col("fate") == "chosen")["customer_id"][0])
    page = console.as_role(Role.ANALYST, language="zh").text(f"/customers/{customer}/decisions")
    told = decisions_of(parts, customer, on, sight=EVERYBODY, reasons=False)
    assert told.decisions
    assert page.count("<tr>") == len(told.decisions) + 1
    assert "入选" in page


def test_tags_are_found_by_name_label_and_description_and_say_how_they_are_made(console: ConsoleUnderTest) -> None:
    customer = somebody(console.parts)["customer_id"]
    window = console.as_role(Role.ANALYST)
    whole = window.text(f"/customers/{customer}/tags")
    assert "sum(balance) of holding" in whole or "of holding where" in whole
    one = window.get(f"/customers/{customer}/tags", q="salary_count", part=True).text
    assert "salary_count_90d" in one
    assert "wealth_balance" not in one
    assert "No tag has that" in window.get(f"/customers/{customer}/tags", q="zzzz", part=True).text


def test_stages_follow_the_runs_and_room_the_policy(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    customer = int(str(somebody(parts)["customer_id"]))
    row = rows_of(parts, "profile", [customer], on)[0]
    spells = stages_of(parts, customer, on, sight=EVERYBODY)
    assert (spells[0].stage, spells[0].tier, spells[0].last) == (row["stage"], row["value_tier"], on)
    room = room_of(parts, customer, on, sight=EVERYBODY)
    caps = parts.workspace.policy.caps
    assert {one.cap for one in room} >= {cap for cap in caps if cap.scope == "customer"}
    for one in room:
        assert 0 <= one.left <= one.cap.contacts_max
        assert one.used + one.left >= one.cap.contacts_max


def test_what_a_plan_chose_takes_room(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    touching = [one.name for one in parts.workspace.policy.channels if one.touch]
    decided = pl.read_parquet(part_files(parts.lake.files_current("decisions", on)))
    chosen = decided.filter((pl.col("fate") == "chosen") & pl.col("channel").is_in(touching)).sort("customer_id")
    customer = int(chosen["customer_id"][0])
    room = {(one.cap.scope, one.cap.days, one.subject): one for one in room_of(parts, customer, on, sight=EVERYBODY)}
    mine = chosen.filter(pl.col("customer_id") == customer)
    week = next(one for key, one in room.items() if key[0] == "customer")
    assert week.used >= mine.height > 0


def test_people_around_are_named_only_in_sight(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    window = console.as_role(Role.ANALYST)
    seen = 0
    for customer in facts(parts)["customer_id"].head(60).to_list():
        circle = circle_of(parts, customer, on, sight=EVERYBODY)
        if not circle.shown:
            continue
        seen += 1
        page = window.text(f"/customers/{customer}/people")
        others = [kin.customer_id for kin in circle.shown if kin.customer_id is not None]
        assert customer not in others
        assert all(f'href="/customers/{other}"' in page for other in others)
        if seen == 3:
            break
    assert seen
