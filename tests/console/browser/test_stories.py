"""The stories of the console from the login to the result, as people go through them."""

from __future__ import annotations

import re

import pytest
from tests.console.browser.conftest import Sitting
from tests.console.browser.world import PASSWORD

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


PAGES = {
    "executive": ("/", "/groups", "/map", "/campaigns", "/review", "/resources"),
    "analyst": ("/customers", "/strategies", "/admin/runs", "/admin/quality", "/admin/definitions", "/account"),
    "administrator": ("/admin/users", "/admin/keys", "/admin/audit"),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("role", list(PAGES))
def test_every_place_is_readable_by_everybody_in_both_languages(sitting: Sitting, role: str, language: str) -> None:
    with sitting(role, language) as one:
        for path in PAGES[role]:
            one.go(path)
            one.fits()
            one.accessible()
            left = re.search(r"\b(None|nan|undefined|Traceback)\b", one.page.inner_text("main"))
            assert left is None, (path, left)
