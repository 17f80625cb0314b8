"""The stories of the console from the login to the result, as people go through them."""

from __future__ import annotations

import re

import pytest
from tests.console.browser.conftest import Sitting
from tests.console.browser.pages import Seat
from tests.console.browser.world import PASSWORD, World

pytestmark = pytest.mark.xdist_group("browser")


def test_a_wrong_password_says_no_more_than_that_and_a_right_one_lets_in(sitting: Sitting) -> None:
    with sitting() as one:
        one.expected.append("403")
        one.enter("analyst", "not-the-right-one")
        assert "/login" in one.page.url and "analyst" not in one.page.inner_text(".alert, [role=alert]")
        one.accessible()
        one.enter("analyst", PASSWORD)
        assert one.page.url.rstrip("/") == one.base
        one.follow("form[action='/logout'] button")
        assert "/login" in one.page.url
        one.page.goto(f"{one.base}/")
        assert "/login" in one.page.url


PLACES = {
    "executive": ("/", "/groups", "/map", "/campaigns", "/review", "/resources"),
    "analyst": ("/customers", "/strategies", "/admin/runs", "/admin/quality", "/admin/definitions", "/account"),
    "administrator": ("/admin/users", "/admin/keys", "/admin/audit"),
    "adviser": ("/work",),
}
"""What the side bar leads to; looked at in both languages."""
DEEPER = {
    ("analyst", "zh"): (
        "/customers/{customer}", "/customers/{customer}/holdings", "/customers/{customer}/tags",
        "/customers/{customer}/decisions", "/customers/{customer}/timeline", "/customers/{customer}/people",
        "/customers/{customer}/contact", "/groups/promoters", "/groups/new", "/groups/micro",
    ),
    ("operator", "en"): (
        "/strategies/{strategy}", "/strategies/{strategy}/versions", "/strategies/{strategy}/edit",
        "/campaigns/{launch}", "/campaigns/new", "/campaigns/unknown", "/campaigns/failed", "/halts",
        "/admin/runs/{run}", "/admin/definitions/segment/promoters",
    ),
    ("executive", "zh"): ("/review/{strategy}", "/review/compare", "/review/next"),
    ("approver", "en"): ("/approvals", "/approvals/launches/{launch}"),
    ("adviser", "en"): ("/work/tasks/{task}", "/work/week", "/work/results"),
    ("branch.manager", "en"): ("/work/branch",),
    ("administrator", "zh"): ("/admin/users/new", "/admin/users/{user}", "/admin/erasures", "/admin/holds"),
}  # fmt: skip
"""What lies behind them; looked at in one language each."""
LEFT_OVER = re.compile(r"\b(None(?!\.)|nan|undefined|Traceback)\b")


def faults_of(one: Seat, path: str, *, axe: bool = True) -> list[str]:
    """Opens a page: it must fit, everybody must be able to use it (axe), and nothing be left over in it."""
    one.go(path)
    left = LEFT_OVER.search(one.page.inner_text("main"))
    found = [f"{path}: {left[0]} is left over"] if left else []
    for look in (one.fits, one.accessible) if axe else (one.fits,):
        try:
            look()
        except AssertionError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("role", list(PLACES))
def test_every_place_is_readable_by_everybody_in_both_languages(sitting: Sitting, role: str) -> None:
    wrong: list[str] = []
    with sitting(role) as one:
        for language in ("zh", "en"):
            one.speak(language)
            axe = language == "zh"  # colours, names and order are the same in both
            wrong += [fault for path in PLACES[role] for fault in faults_of(one, path, axe=axe)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("role", "language"), list(DEEPER))
def test_every_page_behind_them_is_readable_by_everybody(
    sitting: Sitting, world: World, role: str, language: str
) -> None:
    names = world.names()
    with sitting(role, language) as one:
        wrong = [fault for path in DEEPER[role, language] for fault in faults_of(one, path.format(**names))]
    assert not wrong, "\n".join(wrong)
