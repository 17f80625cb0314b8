from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.api.banks import copy_of, opened
from tests.console.browser.pages import Seat, seat
from tests.console.desks import OFTEN, RULES, with_console
from tools.browsing import browser, served
from tools.demo_campaigns import KEYS, morning, play

from cultiva.console.app import create_console
from cultiva.execution.access.doors import Doors
from cultiva.execution.content.links import KEY_VARIABLE
from cultiva.kit.clock import running_from
from cultiva.loop.demo_users import demo_users
from cultiva.loop.turns import Turns

PASSWORD = "green-hill-river-77"
Sitting = Callable[..., AbstractContextManager[Seat]]


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    """One browser for all stories."""
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def address(console_bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The console on a bank on the morning after its run: launches, messages, tasks, a login for each role."""
    root = copy_of(console_bank, tmp_path_factory.mktemp("browser") / "bank")
    with pytest.MonkeyPatch.context() as patch, opened(root) as found:
        patch.setenv(KEY_VARIABLE, KEYS)
        at = morning(found)
        list(play(replace(found, clock=lambda: at)))
        settings = {**OFTEN, "cookie_secure": False, "require_second_factor_for": ()}
        parts = replace(with_console(found, **settings), clock=running_from(at))
        demo_users(parts, Doors(parts.store.database, RULES), PASSWORD, certain=True)
        with served(create_console(parts, Turns(parts))) as base:
            yield base


@pytest.fixture
def sitting(chrome: Browser, address: str, tmp_path: Path) -> Sitting:
    """Opens a window; a picture is taken of what went wrong."""
    return lambda **more: seat(chrome, address, folder=tmp_path, **more)
