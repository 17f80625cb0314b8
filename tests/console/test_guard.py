"""Nobody gets in who is not known, nobody does what their roles do not allow, no form comes from elsewhere."""

from __future__ import annotations

from tests.console.desks import ConsoleUnderTest

from cultiva.execution.access.roles import Role


def test_a_stranger_is_sent_to_the_door_and_back(console: ConsoleUnderTest) -> None:
    found = console.stranger().get("/?text=7")
    assert (found.status_code, found.headers["location"]) == (303, "/login?next=%2F%3Ftext%3D7")
    part = console.stranger().get("/", headers={"HX-Request": "true"})
    assert part.status_code == 401 and part.headers["hx-redirect"].startswith("/login")


def test_a_page_speaks_the_language_of_who_looks(console: ConsoleUnderTest) -> None:
    assert "Cockpit" in console.as_role(Role.EXECUTIVE).text("/")
    assert "驾驶舱" in console.as_role(Role.EXECUTIVE, language="zh").text("/")


def test_an_unknown_page_is_said_to_be_one(console: ConsoleUnderTest) -> None:
    found = console.as_role(Role.ANALYST).get("/nowhere")
    assert found.status_code == 404 and "there is no such page" in found.text
