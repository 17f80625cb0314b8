"""Stories of whoever makes, judges and conducts campaigns, from the login to the result."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.console.browser.conftest import Sitting
from tests.console.browser.world import World

from cultiva.contracts.sight import EVERYBODY
from cultiva.definitions.loading import load_workspace
from cultiva.loop.questions import count

pytestmark = pytest.mark.xdist_group("browser")
REJECTED_BEFORE = "promoter_referral"


def numbers(text: str) -> int:
    """The sum of the numbers in a text."""
    return sum(int(one.replace(",", "")) for one in re.findall(r"\d[\d,]*", text))


def test_a_strategy_goes_from_a_form_over_a_second_person_to_people_on_its_steps(
    sitting: Sitting, world: World
) -> None:
    with sitting("operator", "zh") as one:
        one.go("/campaigns/new")
        one.page.select_option("#field-strategy", REJECTED_BEFORE)
        one.follow("main button[type=submit]")
        launch = one.page.url.rsplit("/", maxsplit=1)[1]
        one.follow(f"a[href='/approvals/launches/{launch}']")
        assert one.page.locator("main button[value=approve]").count() == 0
    with sitting("approver", "zh") as two:
        two.follow("a[href='/approvals']:visible >> nth=0")
        two.follow(f"a[href='/approvals/launches/{launch}']")
        two.accessible()
        expect(two.page.locator("main")).to_contain_text("面向谁")
        two.page.fill("#field-remark", "文案看过了，可以发")
        two.follow("main button[value=approve]")
        assert two.page.locator(f"main a[href='/approvals/launches/{launch}']").count() == 0
        two.go(f"/approvals/launches/{launch}")
        expect(two.page.locator("main")).to_contain_text("文案看过了，可以发")
    with sitting("operator", "zh") as one:
        one.go(f"/campaigns/{launch}")
        one.follow("form[action$='/acts/launch'] button")
        world.work()
        one.go(f"/campaigns/{launch}")
        badge = one.page.locator(".lead-line .badge")
        expect(badge).to_have_text("投放中")
        explained, inside = (one.page.locator(".kpi").nth(place).inner_text() for place in (0, 1))
        assert numbers(inside) == numbers(explained) > 0  # on a step, or through
        one.page.fill("#remark-pause", "等一等网点的反馈")
        one.follow("form[action$='/acts/pause'] button")
        expect(badge).to_have_text("已暂停")
        one.follow("form[action$='/acts/resume'] button")
        expect(badge).to_have_text("投放中")
        one.accessible()


def test_everything_is_stopped_at_once_and_the_cockpit_says_so_first(sitting: Sitting) -> None:
    first = ".list-group-item >> nth=0"
    with sitting("operator", "en") as one:
        one.go("/halts")
        one.page.select_option("#field-scope", "all")
        one.page.fill("#field-reason", "a wrong rate in every text")
        one.follow("form[action='/halts'] button")
        expect(one.page.locator("main")).to_contain_text("a wrong rate in every text")
        expect(one.page.locator("main")).to_contain_text("a second person lifts it")
        one.go("/")
        expect(one.page.locator(first)).to_contain_text("Emergency stop in force: everything")
        one.accessible()
    with sitting("approver", "en") as two:
        two.follow(f"{first} >> a")
        row = two.page.locator("tr", has_text="a wrong rate in every text")
        row.locator("input[name=reason]").fill("the texts are mended")
        two.follow(row.locator("button"))
        assert "a wrong rate in every text" not in two.text()
        two.go("/")
        assert "everything" not in two.page.locator("main ul.list-group").first.inner_text()


def test_a_rule_is_mended_counted_judged_and_written_into_the_file(sitting: Sitting, world: World) -> None:
    with sitting("analyst", "en") as one:
        one.go("/groups")
        one.follow("a[href='/groups/new']")
        one.page.fill("#rule", "aeg >= 60")
        expect(one.page.locator("#checked mark.fault")).to_have_text("aeg")
        expect(one.page.locator("#checked")).to_contain_text("line 1, column 1")
        one.page.fill("#rule", "age >= 60")
        wanted = count(world.parts, "age >= 60", world.parts.newest_date(), sight=EVERYBODY)
        expect(one.page.locator("#checked .value")).to_have_text(wanted.said)
        one.accessible()
        for name, text in {"name": "silver_hair", "label_zh": "银发", "label_en": "Silver hair"}.items():
            one.page.fill(f"#field-{name}", text)
        one.page.fill("#field-remark", "for the branch's morning circle")
        one.follow("#editor button[type=submit]")
        expect(one.page.locator("main")).to_contain_text("The whole workspace checks with it.")
        one.accessible()
        one.follow("form[action$='/submit'] button")
        draft = one.page.url.rsplit("/", maxsplit=1)[1]
    with sitting("approver", "en") as two:
        two.go("/approvals")
        two.follow(f"a[href='/groups/drafts/{draft}']")
        two.follow(f"a[href='/approvals/drafts/{draft}']")
        two.accessible()
        two.follow("main button[value=approve]")
        expect(two.page.locator("main")).to_contain_text("It stands in the workspace's files.")
    assert load_workspace(world.parts.root).segments["silver_hair"].rule == "age >= 60"
    with sitting("analyst", "en") as one:
        one.go("/groups")
        assert "Silver hair" in one.text()
