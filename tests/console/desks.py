"""The console over a small bank, and a browser without a window for each role."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.api.banks import NOW, opened

from cultiva.console.app import create_console
from cultiva.definitions.console import ConsoleSettings
from cultiva.execution.access.doors import DoorRules, Doors, NewUser
from cultiva.execution.access.entering.passwords import HashCost
from cultiva.execution.access.roles import Role
from cultiva.loop.parts import Parts
from cultiva.loop.shows import read
from cultiva.loop.turns import Turns

PASSWORD = "green-hill-river-77"
RULES = DoorRules(cost=HashCost(passes=1, memory_kib=8), second_for=frozenset())
BASE, COOKIE = "https://console.test", "__Host-cultiva"
OFTEN = {"requests_per_minute": 10**6, "requests_per_minute_of_address": 10**6}
"""The clock of the tests stands still: nothing is ever given back to whoever has asked often."""
_TOKEN = re.compile(r'name="csrf" content="([0-9a-f]+)"')


@dataclass
class Window:
    """A browser's window: one user's cookie, forms with their token, no redirects followed."""

    http: httpx.Client
    login: str
    csrf: str = ""

    def get(self, path: str, *, part: bool = False, **query: Any) -> httpx.Response:
        """A page, or a part of one as HTMX asks for it."""
        return self.http.get(path, params=query or None, headers={"HX-Request": "true"} if part else {})

    def text(self, path: str, **query: Any) -> str:
        """What a page says; it must be there."""
        found = self.get(path, **query)
        assert found.status_code == 200, (found.status_code, found.text[:2000])
        return found.text

    def post(self, path: str, form: Mapping[str, Any] | None = None, *, part: bool = False) -> httpx.Response:
        """Sends a form as a page of this session would."""
        if not self.csrf:
            found = _TOKEN.search(self.http.get("/").text)
            assert found is not None
            self.csrf = found[1]
        headers = {"HX-Request": "true"} if part else {}
        return self.http.post(path, data={"csrf": self.csrf, **(form or {})}, headers=headers)


@dataclass
class ConsoleUnderTest:
    """A console over an opened bank."""

    app: FastAPI
    parts: Parts
    _clock: list[datetime]
    _windows: dict[tuple[str, str], Window] = field(default_factory=dict)

    def as_role(self, role: Role, *, language: str = "en", **more: Any) -> Window:
        """The window of a user with one role.

        Args:
            role: Theirs.
            language: zh or en.
            **more: Of `NewUser`: staff_id, branches, region; left out: somebody of the bank who fits.
        """
        login = ".".join([role.value, language, *(str(value) for value in more.values())]).replace(" ", "")[:90]
        login = re.sub(r"[^\w.@+-]", "", login)
        known = self._windows.get((login, language))
        if known is not None:
            return known
        doors = Doors(self.parts.store.database, RULES)
        given = more or self._fitting()
        doors.create(
            NewUser(login, f"Test {role.value}", frozenset({role}), language=language, **given),
            PASSWORD, by="test", at=NOW, once=False,
        )  # fmt: skip
        token = doors.enter(login, PASSWORD, at=NOW, address="127.0.0.1").token
        http = TestClient(self.app, BASE, raise_server_exceptions=True, follow_redirects=False, cookies={COOKIE: token})
        self._windows[login, language] = found = Window(http, login)
        return found

    def wait(self, *, minutes: int) -> None:
        """Lets time pass."""
        self._clock[0] += timedelta(minutes=minutes)

    def stranger(self) -> httpx.Client:
        """A browser that nobody knows."""
        return TestClient(self.app, BASE, follow_redirects=False)

    def _fitting(self) -> dict[str, Any]:
        rows = read(self.parts, "staff", self.parts.newest_date()).to_dicts()
        first = min(rows, key=lambda row: str(row["staff_id"]))
        return {"staff_id": first["staff_id"], "branches": frozenset({first["branch_id"]})}


@contextmanager
def console_of(root: Path, store_url: str = "") -> Iterator[ConsoleUnderTest]:
    """The console over a bank."""
    clock = [NOW]
    with opened(root, store_url) as found:
        parts = replace(with_console(found, **OFTEN), clock=lambda: clock[0])
        yield ConsoleUnderTest(create_console(parts, Turns(parts)), parts, clock)


def with_console(parts: Parts, **settings: Any) -> Parts:
    """The parts as if `[console]` said something else."""
    workspace = parts.workspace
    console = ConsoleSettings.model_validate({**workspace.settings.console.model_dump(), **settings})
    changed = workspace.settings.model_copy(update={"console": console})
    return replace(parts, workspace=replace(workspace, settings=changed))
