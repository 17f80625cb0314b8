"""Groups: sizes in sight, faults in their places, exact counts, rows and text together, drafts that write nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from tests.console.desks import ConsoleUnderTest

from cultiva.contracts.sight import EVERYBODY, NOBODY, SMALL, Sight
from cultiva.definitions.loading import load_workspace
from cultiva.execution.access.roles import Role
from cultiva.execution.audit.service import Audit
from cultiva.execution.drafts.draft import DraftKind, DraftState
from cultiva.execution.drafts.service import Drafts
from cultiva.loop.groups.drafting import exchange
from cultiva.loop.groups.facts import group_lines, overlaps_of, samples_of, set_apart, sizes_over_time
from cultiva.loop.questions import count, members_of
from cultiva.loop.seeing import sees

NAME = "payroll"


def rule_in(page: str) -> str:
    """What stands in the editor's field."""
    found = re.search(r'<textarea[^>]*id="rule"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_list_has_every_group_with_its_size(console: ConsoleUnderTest, language: str) -> None:
    parts, on = console.parts, console.parts.newest_date()
    page = console.as_role(Role.ANALYST, language=language).text("/groups")
    lines = group_lines(parts, on, sight=EVERYBODY)
    assert {line.name for line in lines} == set(parts.workspace.segments)
    for line in lines:
        assert f'href="/groups/{line.name}"' in page
        assert line.size is not None
        assert f"{line.size:,}" in page
        assert line.size == len(members_of(parts, line.name, on, sight=EVERYBODY))


def test_who_sees_a_branch_sees_its_numbers_and_its_people_only(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    manager = console.as_role(Role.BRANCH_MANAGER)
    branch = next(iter(manager_branches(console)))
    sight = Sight(branches=frozenset({branch}))
    for name in list(parts.workspace.segments)[:6]:
        page = manager.text(f"/groups/{name}")
        own = members_of(parts, name, on, sight=sight)
        line = next(one for one in group_lines(parts, on, sight=sight) if one.name == name)
        assert (line.size, line.entered) == (len(own), None)
        assert "Size over time" not in page
        for shown in re.findall(r'href="/customers/(\d+)"', page):
            assert int(shown) in own
    for one in overlaps_of(parts, NAME, on, sight=sight):
        mine = members_of(parts, NAME, on, sight=sight) & members_of(parts, one.name, on, sight=sight)
        assert one.both == len(mine)


def manager_branches(console: ConsoleUnderTest) -> frozenset[str]:
    """The branches of the branch manager of these tests."""
    found = console._fitting()["branches"]
    assert isinstance(found, frozenset)
    return found


def test_who_sees_nobody_is_shown_no_people_and_no_small_number(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    totals = Sight(totals=True)
    for name in parts.workspace.segments:
        assert samples_of(parts, name, on, sight=totals) == []
    lines = {one.name: one for one in group_lines(parts, on, sight=totals)}
    small = [one for one in group_lines(parts, on, sight=EVERYBODY) if (one.size or 0) < SMALL]
    assert small, "the bank of the tests has a small group"
    for one in small:
        assert (lines[one.name].size, lines[one.name].words, lines[one.name].entered) == (None, "", None)
        assert set_apart(parts, one.name, on, sight=totals) == []
        assert sizes_over_time(parts, one.name, on, sight=totals) == []
    assert lines[NAME].size
    for shared in overlaps_of(parts, NAME, on, sight=totals):
        assert shared.both >= SMALL
    assert all(not one.size for one in group_lines(parts, on, sight=NOBODY))
    page = console.as_role(Role.EXECUTIVE).text(f"/groups/{NAME}")
    assert "/customers/" not in page
    assert "Some members" not in page


def test_samples_are_members_in_sight_and_why_says_so(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    found = samples_of(parts, NAME, on, sight=EVERYBODY)
    members = members_of(parts, NAME, on, sight=EVERYBODY)
    assert found
    assert all(one.customer_id in members and ("*" in one.name or len(one.name) < 2) for one in found)
    window = console.as_role(Role.ANALYST)
    why = window.get(f"/groups/{NAME}/why/{found[0].customer_id}", part=True).text
    assert "in the group" in why
    assert "salary_count_90d" in why
    outside = next(one for one in range(1, 10_000) if one not in members and sees(parts, one, EVERYBODY))
    assert "not in the group" in window.get(f"/groups/{NAME}/why/{outside}", part=True).text


def test_a_group_that_is_not_there_is_not_found(console: ConsoleUnderTest) -> None:
    window = console.as_role(Role.ANALYST)
    assert window.get("/groups/nobody_has_this").status_code == 404
    assert window.get("/groups/drafts/nothing").status_code == 404


@pytest.mark.parametrize("rule", ["age >= 60", "segment('payroll') and age < 40", "stage = 'mature' -- so far"])
def test_a_rule_is_counted_exactly_while_it_is_written(console: ConsoleUnderTest, rule: str) -> None:
    parts, on = console.parts, console.parts.newest_date()
    answer = console.as_role(Role.ANALYST).post("/groups/check", {"rule": rule}, part=True)
    wanted = count(parts, rule, on, sight=EVERYBODY)
    assert f'<div class="value ">{wanted.said}</div>' in answer.text
    again = console.as_role(Role.ANALYST).post("/groups/check", {"rule": rule}, part=True)
    assert f'<div class="value ">{wanted.said}</div>' in again.text


def test_an_answer_kept_for_the_bank_is_not_given_to_who_sees_less(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    rule = "age >= 31"
    console.as_role(Role.ANALYST).post("/groups/check", {"rule": rule}, part=True)
    sight = Sight(branches=manager_branches(console))
    mine = count(parts, rule, on, sight=sight)
    assert mine.count < count(parts, rule, on, sight=EVERYBODY).count
    answer = console.as_role(Role.BRANCH_MANAGER).post("/groups/check", {"rule": rule}, part=True)
    assert f'<div class="value ">{mine.said}</div>' in answer.text


def test_faults_are_underlined_in_their_places(console: ConsoleUnderTest) -> None:
    text = "age >= 60\nand aeg < 3 and <b>"
    answer = console.as_role(Role.ANALYST).post("/groups/check", {"rule": "age >= 60\nand aeg < 3"}, part=True).text
    assert '<mark class="fault" title="there is no such name">aeg</mark>' in answer
    assert "line 2, column 5" in answer
    assert "did you mean" in answer
    assert "<b>" not in console.as_role(Role.ANALYST).post("/groups/check", {"rule": text}, part=True).text


def test_names_are_offered_for_the_word_that_is_written(console: ConsoleUnderTest) -> None:
    rule = "age >= 60 and stag"
    window = console.as_role(Role.ANALYST, language="zh")
    answer = window.post("/groups/check", {"rule": rule, "caret": len(rule)}, part=True).text
    assert 'data-insert="stage"' in answer
    assert "data-insert" not in window.post("/groups/check", {"rule": "age >= 60", "caret": 9}, part=True).text


def test_values_of_personal_tags_are_never_offered(console: ConsoleUnderTest) -> None:
    from cultiva.insight.groups.describe import is_personal
    from cultiva.loop.groups.checking import known_values

    found = known_values(console.parts, console.parts.newest_date())
    assert found["stage"]
    assert not [name for name in found if is_personal(console.parts.workspace, name)]


def test_rows_and_text_change_together(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    window = console.as_role(Role.ANALYST)
    fields = {
        "n.0.kind": "group", "n.0.join": "and", "n.0.not": "",
        "n.0.0.kind": "row", "n.0.0.tag": "age", "n.0.0.op": ">=", "n.0.0.value": "60",
        "n.0.1.kind": "row", "n.0.1.tag": "stage", "n.0.1.op": "in", "n.0.1.value": "mature, growing",
    }  # fmt: skip
    built = window.post("/groups/build", fields, part=True).text
    rule = "age >= 60 and stage in ('mature', 'growing')"
    assert rule_in(built) == rule
    assert f'<div class="value ">{count(parts, rule, on, sight=EVERYBODY).said}</div>' in built
    added = window.post("/groups/build", {**fields, "act": "row:0"}, part=True).text
    assert rule_in(added) == rule
    assert 'name="n.0.2.tag"' in added
    page = window.text("/groups/try", rule=rule)
    assert rule_in(page) == rule
    assert 'name="n.0.1.value"' in page
    assert 'action="/groups/save"' in page
    assert "Save as a draft" not in page


def test_the_exchange_between_two_rules_adds_up(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    for before, after in (("age >= 60", "age >= 50 -- more"), ("stage = 'mature'", "nps_score >= 9 or age < 30")):
        found = exchange(parts, before, after, on, sight=EVERYBODY)
        assert found.before.count + found.joining.count - found.leaving.count == found.after.count
    page = console.as_role(Role.ANALYST).post("/groups/check", {"rule": "age >= 70", "base": "age >= 60"}, part=True)
    assert "Compared with the live rule" in page.text


def form_of_page(**change: str) -> dict[str, str]:
    """The editor's fields for a change of the group of these tests."""
    given = {
        "name": NAME, "label_zh": "代发客群", "label_en": "Payroll", "description": "Who is paid here.",
        "owner": "retail", "purpose": "needs", "rule": "salary_count_90d >= 3", "remark": "fewer, surer",
    }  # fmt: skip
    return {**given, **change}


def test_saving_makes_a_draft_and_writes_no_file(own_console: ConsoleUnderTest) -> None:
    root = own_console.parts.root
    before = {path: path.read_bytes() for path in root.glob("*/*.yaml")}
    analyst = own_console.as_role(Role.ANALYST)
    answer = analyst.post("/groups/save", form_of_page())
    assert answer.status_code == 303
    path = answer.headers["location"]
    drafts = Drafts(own_console.parts.store.database)
    draft = drafts.of(DraftKind.SEGMENT, NAME)[0]
    assert (path, draft.author, draft.state) == (f"/groups/drafts/{draft.draft_id}", analyst.login, DraftState.DRAFT)
    page = analyst.text(path)
    assert "+rule: salary_count_90d &gt;= 3" in page
    effect = analyst.get(f"{path}/effect", part=True).text
    assert "The whole workspace checks with it." in effect
    assert "Compared with the live rule" in effect
    assert analyst.post(f"{path}/submit", {"revision": "1"}).status_code == 303
    assert drafts.one(draft.draft_id).state is DraftState.SUBMITTED
    approver = own_console.as_role(Role.APPROVER).text(path)
    assert f'href="/approvals/drafts/{draft.draft_id}"' in approver
    assert "/customers/" not in approver
    assert {path: path.read_bytes() for path in root.glob("*/*.yaml")} == before


def test_a_draft_is_amended_by_its_author_only_and_not_when_it_has_changed(own_console: ConsoleUnderTest) -> None:
    analyst, operator = own_console.as_role(Role.ANALYST), own_console.as_role(Role.OPERATOR)
    draft_id = analyst.post("/groups/save", form_of_page()).headers["location"].rpartition("/")[2]
    edited = analyst.text(f"/groups/{NAME}/edit", draft=draft_id)
    assert rule_in(edited) == "salary_count_90d >= 3"
    again = form_of_page(rule="salary_count_90d >= 4", draft=draft_id, revision="1")
    assert operator.post("/groups/save", again).status_code == 422
    assert analyst.post("/groups/save", again).status_code == 303
    assert analyst.post("/groups/save", again).status_code == 422
    draft = Drafts(own_console.parts.store.database).one(draft_id)
    assert (draft.revision, "salary_count_90d >= 4" in draft.body) == (2, True)
    assert operator.post(f"/groups/drafts/{draft_id}/withdraw", {"revision": "2"}).status_code == 403
    assert analyst.post(f"/groups/drafts/{draft_id}/withdraw", {"revision": "2"}).status_code == 303


@pytest.mark.parametrize(
    "change",
    [{"rule": "aeg > 3"}, {"rule": ""}, {"name": "Not A Name"}, {"name": "new"}, {"label_en": " "}, {"rule": "age"}],
)
def test_what_is_no_group_is_not_kept_and_not_lost(console: ConsoleUnderTest, change: dict[str, str]) -> None:
    form = form_of_page(**{"name": "seafarers", **change})
    answer = console.as_role(Role.ANALYST).post("/groups/save", form)
    assert answer.status_code == 422
    assert rule_in(answer.text) == form["rule"]
    assert "fewer, surer" in answer.text
    assert not Drafts(console.parts.store.database).listed()


def test_a_change_of_the_file_meanwhile_is_shown_and_never_written_over(own_console: ConsoleUnderTest) -> None:
    analyst = own_console.as_role(Role.ANALYST)
    path = analyst.post("/groups/save", form_of_page()).headers["location"]
    file = own_console.parts.root / Drafts(own_console.parts.store.database).listed()[0].file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("salary_count_90d >= 2", "salary_count_90d >= 1"), encoding="utf-8")
    assert file.read_text(encoding="utf-8") != text
    page = analyst.text(path)
    assert "has changed in its file since this draft was begun" in page
    assert "-rule: party_type" in unescape(page)


def test_who_may_not_define_is_not_offered_to(console: ConsoleUnderTest) -> None:
    page = console.as_role(Role.EXECUTIVE).text("/groups")
    assert 'href="/groups/new"' not in page
    assert 'href="/groups/new"' in console.as_role(Role.ANALYST).text("/groups")
    assert console.as_role(Role.EXECUTIVE).get(f"/groups/{NAME}/edit").status_code == 403


def test_micro_segments_that_were_not_computed_say_what_to_do(console: ConsoleUnderTest) -> None:
    page = console.as_role(Role.ANALYST).text("/groups/micro")
    for one in console.parts.workspace.micro_segmentations.values():
        assert one.label.en in page


def test_a_second_person_brings_a_draft_into_the_files(own_console: ConsoleUnderTest) -> None:
    parts, analyst = own_console.parts, own_console.as_role(Role.ANALYST)
    path = analyst.post("/groups/save", form_of_page()).headers["location"]
    draft = Drafts(parts.store.database).listed()[0]
    file, revision = parts.root / draft.file, {"revision": "1"}
    before = file.read_text(encoding="utf-8")
    analyst.post(f"{path}/submit", revision)
    judging = f"/approvals/drafts/{draft.draft_id}"
    approver = own_console.as_role(Role.APPROVER)
    assert file.read_text(encoding="utf-8") == before
    assert approver.post(judging, {**revision, "word": "approve"}).status_code == 303
    after = file.read_text(encoding="utf-8")
    assert "rule: salary_count_90d >= 3" in after
    assert load_workspace(parts.root).segments[NAME].rule == "salary_count_90d >= 3"
    assert after.count("- name:") == before.count("- name:")
    assert "counts from the next run on" in analyst.text(path)


def test_sizes_over_time_are_a_curve_and_a_table(own_console: ConsoleUnderTest) -> None:
    parts, on = own_console.parts, own_console.parts.newest_date()
    earlier = on - timedelta(days=7)
    table = parts.engine.scan(parts.lake.files_current("segments", on)).mutate(size=7)
    folder = parts.lake.stage("segments", earlier, run_id="r-earlier")
    written = parts.engine.write(table, folder)
    snapshot = parts.lake.snapshot("segments", earlier, folder, written, run_id="r-earlier")
    parts.store.snapshots.publish([snapshot], step="test", at=parts.clock())
    sizes = sizes_over_time(parts, NAME, on, sight=EVERYBODY)
    assert sizes == [(earlier, 7), (on, len(members_of(parts, NAME, on, sight=EVERYBODY)))]
    page = own_console.as_role(Role.ANALYST).text(f"/groups/{NAME}")
    assert "data-chart=" in page
    assert f'<td class="tabular">{earlier}</td><td class="number">7</td>' in page


def test_a_list_is_taken_out_with_a_watermark_and_is_audited(own_console: ConsoleUnderTest) -> None:
    name = next(iter(own_console.parts.workspace.segments))
    window = own_console.as_role(Role.OPERATOR)
    assert "Take the list out" in window.text(f"/groups/{name}")
    assert "Take the list out" not in own_console.as_role(Role.ANALYST).text(f"/groups/{name}")
    taken = window.post(f"/groups/{name}/export", {"tags": ["age"], "file_format": "csv"})
    assert taken.status_code == 200
    assert taken.headers["content-disposition"].startswith(f'attachment; filename="{name}-')
    mark, header, *rows = taken.content.decode("utf-8-sig").splitlines()
    assert "Test operator" in mark and header.split(",")[0].strip('"') == "customer_id"
    line = Audit(own_console.parts.store.database).lines(action="export.segment")[-1]
    assert line.entry.actor == window.login
    assert line.entry.detail["rows"] == len(rows) == int(taken.headers["x-rows"])
    assert own_console.as_role(Role.ANALYST).post(f"/groups/{name}/export").status_code == 403
