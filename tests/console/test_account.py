"""Coming in and leaving, as a browser sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pyotp
import pytest
from fastapi.testclient import TestClient
from tests.api.banks import NOW
from tests.console.desks import BASE, COOKIE, PASSWORD, RULES, ConsoleUnderTest

from cultiva.console.areas import door
from cultiva.console.security import local
from cultiva.console.words import catalogue
from cultiva.execution.access.doors import Doors, NewUser
from cultiva.execution.access.roles import Role

OTHER = "six brown ducks swim"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
KEY = re.compile(r'<code class="user-select-all">([A-Z2-7 ]+)</code>')
CODE = re.compile(r'<code class="user-select-all">([a-z0-9-]{19})</code>')


@pytest.fixture
def doors(console: ConsoleUnderTest) -> Doors:
    """Of the console, with cheap hashes."""
    return Doors(console.parts.store.database, RULES)


@pytest.fixture
def browser(console: ConsoleUnderTest) -> Iterator[httpx.Client]:
    """One that keeps cookies, reads English and follows no redirects."""
    with TestClient(console.app, BASE, follow_redirects=False, headers={"Accept-Language": "en-GB,en"}) as found:
        yield found


def made(doors: Doors, login: str, role: Role = Role.ADVISER, *, once: bool = False) -> None:
    wanted = NewUser(login, login.title(), frozenset({role}), language="en")
    doors.create(wanted, PASSWORD, by="test", at=NOW, once=once)


def shown(browser: httpx.Client, login: str, password: str = PASSWORD, to: str = "/") -> httpx.Response:
    return browser.post("/login", data={"login": login, "password": password, "next": to})


def token_on(text: str) -> str:
    found = CSRF.search(text)
    assert found is not None
    return found[1]


def test_somebody_comes_in_to_the_page_they_wanted_and_leaves(doors: Doors, browser: httpx.Client) -> None:
    made(doors, "ann")
    wanted = browser.get("/account")
    page = browser.get(wanted.headers["location"])
    assert page.status_code == 200 and 'value="/account"' in page.text
    done = shown(browser, "ANN", to="/account")
    assert (done.status_code, done.headers["location"]) == (303, "/account")
    cookie = done.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    assert "Domain" not in cookie and "expires" not in cookie.partition(";")[0]
    mine = browser.get("/account")
    assert mine.status_code == 200 and "this one" in mine.text
    assert browser.get("/login?next=/account").headers["location"] == "/account"
    left = browser.post("/logout", data={"csrf": token_on(mine.text)})
    assert (left.status_code, left.headers["location"]) == (303, "/login")
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_wrong_password_is_told_in_the_language_of_the_page(
    doors: Doors, browser: httpx.Client, language: str
) -> None:
    refused = browser.post(f"/login?language={language}", data={"login": "nobody", "password": "wrong words"})
    assert refused.status_code == 403
    assert {"zh": "登录名或密码不对", "en": "login or password is wrong"}[language] in refused.text
    assert "wrong words" not in refused.text and COOKIE not in refused.headers.get("set-cookie", "")


def test_a_form_without_the_sessions_token_changes_nothing(doors: Doors, browser: httpx.Client) -> None:
    made(doors, "bea")
    shown(browser, "bea")
    for path in ("/logout", "/account/language", "/account/sessions/end", "/account/password", "/account/second/begin"):
        for token in ("", "0" * 64):
            found = browser.post(path, data={"csrf": token, "language": "zh", "password": OTHER, "again": OTHER})
            assert found.status_code == 403, path
    assert browser.get("/account").status_code == 200
    assert doors.find("bea").language == "en"


def test_a_role_that_needs_it_enrols_a_second_factor_on_the_way_in(doors: Doors, browser: httpx.Client) -> None:
    made(doors, "cat", Role.APPROVER)
    asked = shown(browser, "cat", to="/account")
    assert asked.headers["location"] == "/login/enrol?next=%2Faccount"
    assert browser.get("/account").status_code == 303  # nothing opens yet
    page = browser.get(asked.headers["location"])
    assert "<svg" in page.text and "style=" not in page.text
    key = KEY.search(page.text)
    assert key is not None
    totp, token = pyotp.TOTP(key[1].replace(" ", "")), token_on(page.text)
    wrong = browser.post("/login/enrol", data={"csrf": token, "code": "no code", "next": "/account"})
    assert wrong.status_code == 403 and "the code is wrong" in wrong.text and key[1] in wrong.text
    done = browser.post("/login/enrol", data={"csrf": token, "code": totp.at(NOW), "next": "/account"})
    codes = CODE.findall(done.text)
    assert (done.status_code, len(codes)) == (200, 10)
    assert browser.get("/account").status_code == 200
    assert browser.get("/login/enrol").status_code == 303  # and is never shown again
    browser.cookies.clear()
    page = browser.get(shown(browser, "cat").headers["location"])
    replayed = browser.post("/login/second", data={"csrf": token_on(page.text), "code": totp.at(NOW)})
    assert replayed.status_code == 403 and "used already" in replayed.text
    entered = browser.post("/login/second", data={"csrf": token_on(page.text), "code": codes[0], "next": "/account"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/account")
    assert browser.get("/account").status_code == 200


def test_a_password_made_by_somebody_else_is_replaced_on_the_way_in(doors: Doors, browser: httpx.Client) -> None:
    made(doors, "dan", once=True)
    page = browser.get(shown(browser, "dan").headers["location"])
    token = token_on(page.text)
    for password, again, said in (
        (OTHER, "other", "differ"),
        ("short", "short", "not safe"),
        (PASSWORD, PASSWORD, "new one"),
    ):
        refused = browser.post("/login/password", data={"csrf": token, "password": password, "again": again})
        assert refused.status_code in (403, 422) and said in refused.text
    stranger = browser.post("/login/password", data={"csrf": "0" * 64, "password": OTHER, "again": OTHER})
    assert stranger.headers["location"].startswith("/login?")
    done = browser.post("/login/password", data={"csrf": token, "password": OTHER, "again": OTHER})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert shown(browser, "dan").status_code == 403
    assert shown(browser, "dan", OTHER).status_code == 303


def test_a_fresh_proof_is_asked_before_the_password_changes(
    doors: Doors, browser: httpx.Client, console: ConsoleUnderTest
) -> None:
    made(doors, "eve")
    token = doors.enter("eve", PASSWORD, at=NOW - timedelta(minutes=20), address="10.0.0.1").token
    browser.cookies.set(COOKIE, token)
    csrf = token_on(browser.get("/account").text)
    form = {"csrf": csrf, "password": OTHER, "again": OTHER}
    asked = browser.post("/account/password", data=form)
    assert asked.headers["location"] == "/account/prove?next=%2Faccount"
    wrong = browser.post("/account/prove", data={"csrf": csrf, "proof": "wrong words", "next": "/account"})
    assert wrong.status_code == 403 and "the password is wrong" in wrong.text
    proved = browser.post("/account/prove", data={"csrf": csrf, "proof": PASSWORD, "next": "/account"})
    assert proved.headers["location"] == "/account"
    browser.cookies.delete(COOKIE, domain="")
    assert browser.post("/account/password", data=form).status_code == 403  # the form is of the old token
    csrf = token_on(browser.get("/account").text)
    changed = browser.post("/account/password", data={**form, "csrf": csrf})
    assert changed.headers["location"] == "/account?changed=password"
    assert shown(browser, "eve", OTHER).status_code == 303


def test_one_browser_has_one_session(doors: Doors, browser: httpx.Client) -> None:
    made(doors, "hal")
    shown(browser, "hal")
    before = browser.cookies[COOKIE]
    shown(browser, "hal")
    assert doors.session(before, NOW) is None
    assert doors.session(browser.cookies[COOKIE], NOW) is not None


def test_sessions_elsewhere_are_seen_and_ended(doors: Doors, browser: httpx.Client) -> None:
    made(doors, "fay")
    elsewhere = doors.enter("fay", PASSWORD, at=NOW, address="10.7.7.7").token
    shown(browser, "fay")
    page = browser.get("/account").text
    assert "10.7.7.7" in page
    assert browser.post("/account/sessions/end", data={"csrf": token_on(page)}).status_code == 303
    assert doors.session(elsewhere, NOW) is None
    assert "10.7.7.7" not in browser.get("/account").text


def test_somebody_enrols_a_second_factor_of_their_own_will(doors: Doors, browser: httpx.Client) -> None:
    made(doors, "gus")
    shown(browser, "gus")
    csrf = token_on(browser.get("/account").text)
    assert browser.get("/account/second").headers["location"] == "/account"  # nothing offered yet
    assert browser.post("/account/second/begin", data={"csrf": csrf}).headers["location"] == "/account/second"
    page = browser.get("/account/second").text
    key = KEY.search(page)
    assert key is not None
    done = browser.post("/account/second", data={"csrf": csrf, "code": pyotp.TOTP(key[1].replace(" ", "")).at(NOW)})
    assert done.status_code == 200 and len(CODE.findall(done.text)) == 10
    assert token_on(done.text) != csrf  # of the new token: forms on this page work
    assert "enrolled" in browser.get("/account").text


def test_a_language_is_kept(console: ConsoleUnderTest) -> None:
    window = console.as_role(Role.ANALYST)
    assert "My account" in window.text("/account")
    assert window.post("/account/language", {"language": "zh", "next": "/account"}).headers["location"] == "/account"
    assert "我的账号" in window.text("/account")
    assert window.post("/account/language", {"language": "fr"}).status_code == 422


@pytest.mark.parametrize("path", ["/login/second", "/login/password", "/login/enrol"])
def test_who_is_not_between_two_doors_is_sent_to_the_first(browser: httpx.Client, path: str) -> None:
    for found in (
        browser.get(path),
        browser.post(path, data={"code": "1", "csrf": "x", "password": "x", "again": "x"}),
    ):
        assert (found.status_code, found.headers["location"]) == (303, "/login?next=%2F")


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nb", "/logout", ""],
)
def test_nobody_is_sent_elsewhere_after_the_login(doors: Doors, browser: httpx.Client, target: str) -> None:
    assert local(target) == "/"


def test_every_text_of_these_pages_is_there_in_both_languages() -> None:
    folder = door.__file__.rpartition("/areas/")[0] + "/templates/account"
    from pathlib import Path

    known = {str(message.id) for message in catalogue("zh") if message.string}
    used = {text for file in Path(folder).glob("*.html") for text in re.findall(r'_\("([^"]+)"\)', file.read_text())}
    assert len(used) > 40
    assert used - known == set()
