"""Users and keys are made and changed by whoever administers, once they have proved who they are; all is audited."""

from __future__ import annotations

import re

from tests.console.desks import PASSWORD, ConsoleUnderTest, Window

from cultiva.execution.access.doors import Doors
from cultiva.execution.access.roles import Role
from cultiva.execution.access.service import Access
from cultiva.execution.audit.service import Audit

SECRET = re.compile(r"data-secret[^>]*>([^<]+)<")


def proved(window: Window) -> Window:
    """Somebody who has just shown their password again."""
    found = window.post("/account/prove", {"proof": PASSWORD, "next": "/admin/users"})
    assert found.status_code == 303, found.text
    window.csrf = ""
    return window


def test_a_user_is_made_enters_and_must_take_another_password(own_console: ConsoleUnderTest) -> None:
    window = proved(own_console.as_role(Role.ADMINISTRATOR))
    form = {"login": "wang.fang", "name": "王芳", "roles": ["adviser"], "staff_id": "S1", "language": "zh"}
    made = window.post("/admin/users/new", form)
    found = SECRET.search(made.text)
    assert found is not None, made.text
    assert "wang.fang" in window.text("/admin/users")
    doors = Doors(own_console.parts.store.database)
    entered = doors.enter("wang.fang", found[1], at=own_console.parts.clock(), address="10.0.0.1")
    assert entered.token == "" and entered.asks == "password"
    lines = Audit(own_console.parts.store.database).lines(action="user.created")
    assert [line.entry.detail["roles"] for line in lines][-1] == ["adviser"]
    assert found[1] not in str([line.entry.detail for line in lines])


def test_a_user_that_cannot_be_is_refused_with_what_was_typed(own_console: ConsoleUnderTest) -> None:
    window = proved(own_console.as_role(Role.ADMINISTRATOR))
    found = window.post("/admin/users/new", {"login": "a b", "name": "X", "roles": ["adviser"]})
    assert found.status_code == 422 and 'value="a b"' in found.text
    assert window.post("/admin/users/new", {"login": "li", "name": "X"}).status_code == 422


def test_who_is_locked_is_out_at_once(own_console: ConsoleUnderTest) -> None:
    analyst, window = own_console.as_role(Role.ANALYST), proved(own_console.as_role(Role.ADMINISTRATOR))
    analyst.text("/")
    user_id = Doors(own_console.parts.store.database).find(analyst.login).user_id
    assert window.post(f"/admin/users/{user_id}/lock", {"locked": "1"}).status_code == 303
    assert analyst.get("/").status_code == 303
    assert "locked" in window.text(f"/admin/users/{user_id}")


def test_whoever_has_not_proved_who_they_are_is_asked_first(own_console: ConsoleUnderTest) -> None:
    window = own_console.as_role(Role.ADMINISTRATOR)
    own_console.wait(minutes=11)
    found = window.get("/admin/users/new")
    assert found.status_code == 303 and found.headers["location"].startswith("/account/prove")


def test_a_key_is_shown_once_and_ends_at_once(own_console: ConsoleUnderTest) -> None:
    window = proved(own_console.as_role(Role.ADMINISTRATOR))
    made = window.post("/admin/keys", {"name": "crm", "scopes": ["tasks"], "days": "30"})
    found = SECRET.search(made.text)
    assert found is not None, made.text
    access, now = Access(own_console.parts.store.database), own_console.parts.clock()
    key = access.find(found[1], at=now)
    assert key is not None and key.name == "crm" and found[1] not in window.text("/admin/keys")
    assert window.post(f"/admin/keys/{key.key_id}/revoke").status_code == 303
    assert access.find(found[1], at=now) is None
    assert window.post("/admin/keys", {"name": "crm"}).status_code == 422
