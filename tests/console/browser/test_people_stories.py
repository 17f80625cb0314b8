"""Stories of whoever speaks with customers, leads them, watches and administers, from the login to the result."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.console.browser.conftest import Sitting
from tests.console.browser.world import PASSWORD, REVIEWED, World

pytestmark = pytest.mark.xdist_group("browser")


def test_an_adviser_logs_a_result_by_one_tap_on_the_phone(sitting: Sitting, world: World) -> None:
    task = world.task(world.mine()[0][0], world.adviser, "存款下周到期")
    with sitting("adviser", "zh", phone=True) as one:
        one.go("/work")
        one.fits()
        one.accessible()
        one.page.locator(f"a[data-task='{task}']").tap()
        expect(one.page.locator(f"article[data-open='{task}']")).to_contain_text("存款下周到期")
        one.settled()
        one.fits()
        one.accessible()
        one.page.locator(f"form[action='/work/tasks/{task}/result'] .results button").first.tap()
        expect(one.page.locator("#bench [role=status]")).to_be_visible()
        one.go("/work")
        expect(one.page.locator(f"a[data-task='{task}']")).to_have_count(0)
        one.go(f"/work/tasks/{task}")
        expect(one.page.locator("main")).to_contain_text("任务已结束")


def test_an_adviser_works_through_the_list_by_keyboard(sitting: Sitting, world: World) -> None:
    made = [world.task(customer, world.adviser, "a card comes back") for customer, _ in world.mine()[:2]]
    with sitting("adviser", "en") as one:
        one.go("/work")
        lines = one.page.locator("a.task-line")
        before = lines.count()
        for place in range(before):
            if one.page.locator(f"article[data-open='{made[0]}']").count():
                break
            one.page.keyboard.press("j")
            expect(lines.nth(min(place + 1, before - 1))).to_have_attribute("aria-current", "true")
            one.settled()
        one.page.keyboard.press("a")
        expect(one.page.locator(f"article[data-open='{made[0]}'] [data-accept]")).to_have_count(0)
        one.settled()
        one.page.keyboard.press("1")
        expect(one.page.locator("#bench [role=status]")).to_be_visible()
        expect(one.page.locator(f"a[data-task='{made[0]}']")).to_have_count(0)
        expect(one.page.locator(f"a[data-task='{made[1]}']")).to_have_count(1)
        one.settled()


def test_a_name_is_shown_for_a_reason_and_the_auditor_reads_it(sitting: Sitting, world: World) -> None:
    (customer, name), (stranger, _) = world.mine()[-1], world.others()[0]
    with sitting("adviser", "zh") as one:
        one.go("/customers")
        one.page.fill("#field-text", str(stranger))
        one.page.click("form[role=search] button")
        expect(one.page.locator("#found")).to_contain_text("没有")
        one.page.fill("#field-text", str(customer))
        one.page.click("form[role=search] button")
        found = one.page.locator(f"#found a[href='/customers/{customer}']").first
        expect(found).to_be_visible()
        assert name not in one.text()
        one.follow(found)
        assert name not in one.text()
        one.page.fill("#field-reason", "客户来电核对到期存款的姓名")
        one.follow("form[action$='/unmask'] button")
        expect(one.page.locator("h1")).to_contain_text(name)
        one.accessible()
        away = one.page.goto(f"{one.base}/customers/{stranger}")
        assert away is not None and away.status == 404
        one.expected.append("404")
    with sitting("auditor", "zh") as two:
        two.go(f"/admin/audit?subject=customer:{customer}")
        expect(two.page.locator("main")).to_contain_text("客户来电核对到期存款的姓名")
        assert name not in two.text()


def test_a_customer_who_wants_no_calls_is_written_down(sitting: Sitting, world: World) -> None:
    customer, _ = world.mine()[1]
    with sitting("adviser", "en") as one:
        one.go(f"/customers/{customer}/contact")
        one.page.select_option("#field-channel", label="Call")
        one.page.fill("#field-evidence", "call, recording 4711")
        one.follow("form[action$='/consent'] button")
        row = one.page.locator("tr", has_text="call, recording 4711")
        expect(row).to_contain_text("refused")
        one.accessible()


def test_a_branch_manager_gives_a_task_to_somebody_else(sitting: Sitting, world: World) -> None:
    here, there = world.colleagues()[:2]
    task = world.task(world.mine()[2][0], here, "客户要看基金")
    form = f"form[action='/work/branch/tasks/{task}/assign']"
    with sitting("branch.manager", "zh") as one:
        one.go("/work/branch")
        one.accessible()
        one.follow(f"a[href*='person={here}']")
        one.page.select_option(f"{form} select", there)
        one.follow(f"{form} button")
        one.go(f"/work/branch?person={here}")
        expect(one.page.locator(form)).to_have_count(0)
        one.go(f"/work/branch?person={there}")
        expect(one.page.locator(form)).to_have_count(1)


def test_an_executive_reads_incremental_beside_gross_and_what_one_more_hand_is_worth(sitting: Sitting) -> None:
    with sitting("executive", "en") as one:
        one.go("/review")
        names = one.page.locator(".kpi .name").all_inner_texts()[:2]
        assert [name.strip() for name in names] == ["Gross", "Incremental"]
        values = one.page.locator(".kpi .value").all_inner_texts()
        assert values[0].strip() == "CN¥45,000" and values[1].strip() == "+CN¥11,250"
        one.follow(f"main a[href='/review/{REVIEWED}'] >> nth=0")
        expect(one.page.locator("main")).to_contain_text(f"because of {REVIEWED}")
        expect(one.page.locator(".kpi .value").nth(1)).to_have_text("+CN¥18,000")
        one.accessible()
        one.go("/resources")
        expect(one.page.locator("main table").first).to_contain_text("What it means")
        meaning = one.page.locator("main table tbody tr").first.locator("td").last
        assert len(meaning.text_content() or "") > 20
        one.accessible()


def test_a_new_user_takes_a_password_of_their_own_and_sees_their_own_customers(sitting: Sitting, world: World) -> None:
    (mine, _), (other, _) = world.mine()[0], world.others()[0]
    own = "quiet-lamp-river-stone"
    with sitting("administrator", "en") as one:
        world.wait(11)
        one.go("/admin/users/new")
        assert "/account/prove" in one.page.url
        one.page.fill("#field-proof", PASSWORD)
        one.follow("main form button")
        one.page.fill("#field-login", "wang.fang")
        one.page.fill("#field-name", "王芳")
        one.page.check("input[name=roles][value=adviser]")
        one.page.fill("#field-staff_id", world.adviser)
        one.page.select_option("#field-language", "en")
        one.accessible()
        one.follow("main form[action='/admin/users/new'] button")
        first = one.page.inner_text("[data-secret]")
        one.go("/admin/users")
        expect(one.page.locator("main table")).to_contain_text("wang.fang")
    with sitting() as two:
        two.enter("wang.fang", first)
        expect(two.page.locator("main")).to_contain_text("A password of your own")
        two.accessible()
        two.page.fill("#field-password", own)
        two.page.fill("#field-again", own)
        two.follow("main button[type=submit]")
        two.go("/customers")
        two.page.fill("#field-text", str(other))
        two.page.click("form[role=search] button")
        expect(two.page.locator("#found")).to_contain_text("Nobody of that number is in your sight")
        two.go(f"/customers/{mine}")
        assert two.page.locator("a[href='/admin/users'], a[href='/campaigns']").count() == 0
