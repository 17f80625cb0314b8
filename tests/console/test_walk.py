"""The role walk: every route of the console with every role; a route that the list does not know fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from tests.console.desks import ConsoleUnderTest

from cultiva.console.app import AREAS
from cultiva.console.guard import RIGHT, GuardedPage
from cultiva.execution.access.roles import ROLES, Right, Role

GOLDEN = Path(__file__).parents[1] / "goldens" / "console_routes.txt"
PUBLIC = "public"
NO_RIGHT, FOREIGN = "your roles do not allow this", "this form is not from this session"


def routes_of(router: APIRouter, prefix: str = "") -> Iterator[tuple[str, APIRoute]]:
    """(path, route) of a router and of those included in it."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from routes_of(included, prefix + route.include_context.prefix)  # type: ignore[attr-defined]
            continue
        assert isinstance(route, APIRoute), f"{route} is no page"
        yield prefix + route.path, route


def routes() -> list[tuple[str, str, str]]:
    """(method, path, right); the right is `public` where nobody is asked who they are."""
    found: list[tuple[str, str, str]] = []
    for area in AREAS:
        for path, route in routes_of(area):
            right = str((route.openapi_extra or {})[RIGHT]) if isinstance(route, GuardedPage) else PUBLIC
            found += [(method, path, right) for method in sorted(route.methods or ())]
    return sorted(found, key=lambda one: (one[1], one[0]))


ROUTES = routes()
GUARDED = [one for one in ROUTES if one[2] != PUBLIC]


def address(path: str) -> str:
    """A path with something in its places that can be there."""
    return re.sub(r"\{[^}]+\}", "1", path)


def test_the_routes_are_as_agreed() -> None:
    """To change them on purpose, write the list anew: `.venv/bin/python -m tests.console.test_walk`."""
    told = [" ".join(one) for one in ROUTES]
    assert GOLDEN.read_text(encoding="utf-8").splitlines() == told


def test_nothing_is_public_but_the_way_in() -> None:
    assert {path.split("/")[1] for _, path, right in ROUTES if right == PUBLIC} <= {"login", "healthz"}


def test_a_page_that_is_looked_at_changes_nothing_and_one_that_changes_is_sent() -> None:
    assert {method for method, _, _ in ROUTES} <= {"GET", "POST"}


@pytest.mark.parametrize("role", list(Role))
def test_every_route_for_a_role(console: ConsoleUnderTest, role: Role) -> None:
    """Who has no right is refused; who has one and sends a form without its token is refused for that alone.

    A form with a right and no token goes no further, so that nothing is done on this walk.
    """
    window = console.as_role(role)
    for method, path, right in GUARDED:
        if Right(right) in ROLES[role]:
            if method == "POST":
                found = window.http.post(address(path))
                assert found.status_code == 403 and FOREIGN in found.text, (method, path)
            continue
        found = window.http.request(method, address(path), headers={"X-CSRF": "x"})
        assert found.status_code == 403 and NO_RIGHT in found.text, (method, path, found.status_code)


def test_a_stranger_comes_nowhere(console: ConsoleUnderTest) -> None:
    http = console.stranger()
    for method, path, _ in GUARDED:
        found = http.request(method, address(path))
        assert found.status_code == 303 and found.headers["location"].startswith("/login"), (method, path)


if __name__ == "__main__":
    GOLDEN.write_text("".join(" ".join(one) + "\n" for one in ROUTES), encoding="utf-8")
