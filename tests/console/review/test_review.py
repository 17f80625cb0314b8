"""The review says incremental beside gross, what to do, by whom it was found; and never more than it knows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.console.desks import ConsoleUnderTest
from tests.console.review.published import ALL, publish, readout, review_of

from cultiva.console.pages import formats
from cultiva.contracts.readout import Flag, Verdict
from cultiva.execution.access.roles import Role
from cultiva.kit.words import Words
from cultiva.loop.quarter import WhatIf, bases, outlook
from cultiva.loop.reviewing import reviews_of
from cultiva.loop.scarcity import priced

GOOD, BAD, THIN = "wealth_upgrade", "payroll_day", "car_owner_card"


@pytest.fixture(scope="module")
def reviewed(console: ConsoleUnderTest) -> ConsoleUnderTest:
    """The small bank with a review of four weeks."""
    groups = [
        readout(GOOD, 40.0, dimension="branch", group="B0001", treated=300, control=30),
        readout(GOOD, -4.0, dimension="branch", group="B0002", treated=300, control=3),
        readout(GOOD, 22.0, dimension="group:stage", group="mature", treated=200, control=20),
        readout(GOOD, 0.02, metric="conversion", unit="share", always_low=-0.01, always_high=0.05, total=None),
    ]
    flag = Flag(GOOD, "sample_ratio", "", "alarm", Words("分组比例异常", "the draw went wrong"))
    unlimited = readout(THIN, 9.0, always_low=float("-inf"), always_high=float("inf"))
    publish(
        console,
        review_of(ALL, 12.5, Verdict.KEEP),
        review_of(GOOD, 20.0, Verdict.SCALE, *groups, flags=(flag,)),
        review_of(BAD, -7.0, Verdict.STOP),
        replace(review_of(THIN, 9.0, Verdict.WAIT), readouts=(unlimited,)),
        review_of("(random)", 3.0, Verdict.KEEP),
    )
    return console


def row_of(text: str, strategy: str) -> str:
    return text.split(f'<a href="/review/{strategy}">')[1].split("</tr>", maxsplit=1)[0]


def test_incremental_stands_beside_gross_and_cost_for_every_strategy(reviewed: ConsoleUnderTest) -> None:
    text = reviewed.as_role(Role.EXECUTIVE).text("/review")
    row = row_of(text, GOOD)
    shown = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td class=\"number\">(.*?)</td>", row, re.S)]
    assert shown[:5] == ["CN¥45,000", "+CN¥18,000", "CN¥450", "+CN¥17,550", "40.00"]
    assert "+20.00" in shown[5] and "-4.00 … +44.00" in shown[5] and shown[6] == "900 / 100"
    assert f"because of {GOOD}" in text and "+CN¥11,250" in text  # of the whole programme


def test_what_needs_a_decision_comes_first(reviewed: ConsoleUnderTest) -> None:
    text = reviewed.as_role(Role.ANALYST).text("/review")
    table = text.split("review-table")[1].split("</table>")[0]
    assert re.findall(r'href="/review/(\w+)"', table) == [BAD, THIN, GOOD]


def test_an_interval_without_end_is_said_to_have_no_limit(reviewed: ConsoleUnderTest) -> None:
    text = reviewed.as_role(Role.ANALYST).text("/review")
    assert "no limit yet" in row_of(text, THIN) and "inf" not in row_of(text, THIN)


def test_checks_and_health_experiments_are_told(reviewed: ConsoleUnderTest) -> None:
    text = reviewed.as_role(Role.ANALYST).text("/review")
    assert "the draw went wrong" in text and "because of (random)" in text and "strategy (random)" in text


def test_one_strategy_has_its_metrics_groups_and_history(reviewed: ConsoleUnderTest) -> None:
    window = reviewed.as_role(Role.ANALYST)
    text = window.text(f"/review/{GOOD}", by="branch")
    assert "B0001" in text and "300 / 30" in text and "+CN¥12,000" in text
    assert "+2%" in text and "-1% … 5%" in text  # conversion is a share
    assert "chance that it pays: 75%" in text and "the draw went wrong" in text
    assert text.count("<svg") >= 3 and not re.search(r"<svg[^>]*style=|\sstyle=", text)
    stage = window.text(f"/review/{GOOD}", by="group:stage")
    assert "200 / 20" in stage and "300 / 30" not in stage


def test_who_sees_no_customer_is_not_told_of_a_few(reviewed: ConsoleUnderTest) -> None:
    assert "300 / &lt;5" in reviewed.as_role(Role.EXECUTIVE).text(f"/review/{GOOD}", by="branch")
    assert "300 / 3<" in reviewed.as_role(Role.ANALYST).text(f"/review/{GOOD}", by="branch")


def test_strategies_and_branches_stand_side_by_side(reviewed: ConsoleUnderTest) -> None:
    window = reviewed.as_role(Role.ANALYST)
    text = window.http.get("/review/compare", params=[("one", GOOD), ("one", BAD)]).text
    head = text.split('class="table mb-0 side"')[1].split("</thead>")[0]
    assert re.findall(r'href="/review/(\w+)"', head) == [GOOD, BAD]
    assert "+CN¥18,000" in text and "-CN¥6,300" in text
    groups = window.text("/review/compare", of=GOOD, by="branch")
    assert groups.index("B0001") < groups.index("B0002")  # the best guess first


def test_what_is_not_there_is_said(reviewed: ConsoleUnderTest) -> None:
    window = reviewed.as_role(Role.ANALYST)
    assert window.get("/review/nothing_like_it").status_code == 404
    assert window.get("/review/compare", of="nothing_like_it").status_code == 404
    assert window.get("/review/next", holdout="abc").status_code == 422
    assert "There has been no review yet" in window.text("/review", on="1990-01-01")


def test_the_next_quarter_is_compared_with_no_change(reviewed: ConsoleUnderTest) -> None:
    parts, window = reviewed.parts, reviewed.as_role(Role.ANALYST)
    on, money = parts.newest_date(), formats("en", "CNY")["money_signed"]
    same, other = window.text("/review/next"), window.text("/review/next", holdout="50", hands="80", stop="true")
    found = {one.strategy: one for one in bases(parts, on, reviews_of(parts, on))}
    assert found[GOOD].weekly > 0 and found[BAD].weekly > 0
    before, after = outlook(found[GOOD], WhatIf()), outlook(found[GOOD], WhatIf(0.5, 0.8))
    assert before.net is not None and after.net is not None
    assert f"{money(before.net)}</td>" in row_of(same, GOOD) and f"{money(after.net)}</td>" in row_of(other, GOOD)
    assert f"{money(after.net - before.net)}</td>" in row_of(other, GOOD)
    assert '<td class="number">0</td>' in row_of(other, BAD) and '<td class="number">0</td>' not in row_of(same, BAD)
    assert 'value="50"' in other and "checked" in other and "checked" not in same


def test_resources_say_what_a_price_means(reviewed: ConsoleUnderTest) -> None:
    console = reviewed
    window = console.as_role(Role.ANALYST, language="zh")
    text = window.text("/resources")
    rows = priced(console.parts, console.parts.newest_date())
    scarce = [one for one in rows if one.scarce]
    assert all(one.meaning in text for one in scarce) and rows
    assert f'<span class="ms-auto quiet">{len(scarce)}</span>' in text


def test_a_first_night_without_results_has_pages_all_the_same(own_console: ConsoleUnderTest) -> None:
    window = own_console.as_role(Role.ANALYST)
    text = window.text("/review")
    assert "Nothing can be said yet" in text and "No slice of customers is ranked in another way." in text
    for address in ("/review/(all)", "/review/wealth_upgrade", "/review/compare", "/review/next", "/resources"):
        assert window.get(address).status_code == 200, address
