"""What stands around every page: headers, sizes, rates, where forms come from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from tests.api.banks import NOW
from tests.console.desks import BASE, ConsoleUnderTest

from cultiva.console.security import KNOWN_MOST, POLICY, Meter, Secured, foreign, local, put_cookie
from cultiva.definitions.console import ConsoleSettings
from cultiva.execution.access.roles import Role

KIB = 1024


class Ticking:
    """A clock that is moved by hand."""

    now = NOW

    def __call__(self) -> object:
        return self.now


async def echo(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{len(body)}")


async def broken(request: Request) -> Response:
    raise RuntimeError("a fault of ours")


async def kept(request: Request) -> Response:
    return PlainTextResponse("", headers={"Cache-Control": "public"})


def browser(settings: ConsoleSettings, clock: Ticking | None = None, client: str = "10.1.2.3") -> httpx.Client:
    """One that asks a small application with the security around it."""
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"]), Route("/broken", broken), Route("/kept", kept)])
    secured = Secured(app, settings, clock or Ticking())  # type: ignore[arg-type]
    return TestClient(secured, BASE, client=(client, 5000), raise_server_exceptions=False)


def test_every_answer_has_the_headers_those_of_faults_too() -> None:
    asks = browser(ConsoleSettings())
    for path, status in (("/", 200), ("/nowhere", 404), ("/broken", 500), ("/kept", 200)):
        found = asks.get(path)
        assert found.status_code == status
        assert found.headers["content-security-policy"] == POLICY
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["strict-transport-security"].startswith("max-age=31536000")
        assert found.headers["cross-origin-opener-policy"] == "same-origin"
        assert found.headers["cache-control"] == ("public" if path == "/kept" else "no-store")
    assert "'unsafe" not in POLICY and "*" not in POLICY


def test_the_pages_of_the_console_have_them_and_nothing_inline(console: ConsoleUnderTest) -> None:
    for found in (console.stranger().get("/login"), console.as_role(Role.ADMINISTRATOR).get("/account")):
        assert found.status_code == 200
        assert found.headers["content-security-policy"] == POLICY
        assert found.headers["cache-control"] == "no-store"
        assert " style=" not in found.text and " onclick=" not in found.text and "<script>" not in found.text


def test_without_tls_only_this_machine_is_answered() -> None:
    open_ = ConsoleSettings(cookie_secure=False)
    assert browser(open_).get("/").status_code == 403
    found = browser(open_, client="127.0.0.1").get("/")
    assert found.status_code == 200 and "strict-transport-security" not in found.headers


@pytest.mark.parametrize(("size", "status"), [(16 * KIB, 200), (16 * KIB + 1, 413)])
@pytest.mark.parametrize("said", [True, False])
def test_more_than_the_limit_is_not_taken_whatever_its_length_was_said_to_be(
    size: int, status: int, said: bool
) -> None:
    def parts() -> Iterator[bytes]:
        yield b"x" * (size - 1)
        yield b"x"

    asks = browser(ConsoleSettings(body_kib_max=16))
    found = asks.post("/", content=b"x" * size if said else parts())
    assert found.status_code == status
    assert found.headers["content-security-policy"] == POLICY


def test_a_length_that_is_none_is_refused() -> None:
    assert browser(ConsoleSettings()).post("/", headers={"Content-Length": "-1"}).status_code == 413


def test_who_asks_too_often_waits_and_others_do_not() -> None:
    clock = Ticking()
    settings = ConsoleSettings(requests_per_minute=40, requests_per_minute_of_address=80)
    asks = browser(settings, clock)
    mine, other = {"Cookie": "__Host-cultiva=mine"}, {"Cookie": "__Host-cultiva=other"}
    assert [asks.get("/", headers=mine).status_code for _ in range(11)] == [200] * 10 + [429]
    late = asks.get("/", headers=mine)
    assert late.headers["retry-after"] == "2" and late.headers["content-security-policy"] == POLICY
    assert asks.get("/", headers=other).status_code == 200
    clock.now += timedelta(seconds=2)
    assert asks.get("/", headers=mine).status_code == 200
    assert [asks.get("/").status_code for _ in range(30)].count(200) < 20  # the address' own limit, cookie or none


def test_a_meter_forgets_who_was_longest_away() -> None:
    meter = Meter(known_most=2)
    assert meter.wait("a", 1, NOW) == 0 < meter.wait("a", 1, NOW)
    meter.wait("b", 1, NOW)
    meter.wait("c", 1, NOW)
    assert meter.wait("a", 1, NOW) == 0
    assert KNOWN_MOST > 10_000  # advisers of a large bank


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": BASE}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "https://["}, 403),
        ({"Origin": BASE, "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_forms_of_other_sites_are_refused(headers: dict[str, str], status: int) -> None:
    asks = browser(ConsoleSettings())
    assert asks.post("/", headers=headers).status_code == status
    assert asks.get("/", headers=headers).status_code == 200


@settings(deadline=None)
@given(
    st.sampled_from(["GET", "HEAD", "OPTIONS"]),
    st.dictionaries(st.sampled_from(["origin", "host", "sec-fetch-site"]), st.text()),
)
def test_what_changes_nothing_may_come_from_anywhere(method: str, headers: dict[str, str]) -> None:
    assert not foreign(method, headers)


@settings(deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[/\\]{1,3}[\w.:/?=\\]{0,12}", fullmatch=True))
def test_the_page_to_go_on_to_is_always_ours(target: str) -> None:
    found = local(target)
    assert found in (target, "/")
    assert httpx.URL(BASE).join(found).host == httpx.URL(BASE).host
    assert found[1:2] not in ("/", "\\") and found.isprintable()


@pytest.mark.parametrize(("secure", "name"), [(True, "__Host-cultiva"), (False, "cultiva")])
def test_cookies_are_out_of_reach_of_scripts_and_other_hosts(secure: bool, name: str) -> None:
    answer = Response()
    put_cookie(answer, ConsoleSettings(cookie_secure=secure), "cultiva", "token")
    said = answer.headers["set-cookie"]
    assert said.startswith(f"{name}=token;")
    assert "HttpOnly" in said and "SameSite=lax" in said and "Path=/" in said and "Domain" not in said
    assert ("Secure" in said) == secure
