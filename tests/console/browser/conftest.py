from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.api.banks import copy_of
from tests.console.browser.pages import Seat, seat
from tests.console.browser.world import PASSWORD, World, world_of
from tools.browsing import browser
from tools.demo_campaigns import KEYS

from cultiva.execution.content.links import KEY_VARIABLE

Sitting = Callable[..., AbstractContextManager[Seat]]


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """One browser for the stories of a module; ended with them, since its loop lets no other run in this process."""
    with browser() as found:
        yield found


@pytest.fixture(scope="session")
def world(console_bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The console on a bank on the morning after its run: launches, messages, tasks, a login for each role."""
    root = copy_of(console_bank, tmp_path_factory.mktemp("browser") / "bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, KEYS)
        with world_of(root) as found:
            yield found


@pytest.fixture
def sitting(chrome: Browser, world: World, tmp_path: Path) -> Sitting:
    """Somebody who has logged in, in a language; a picture is taken of what went wrong.

    Called with a login and a language; without a login nobody has come in yet.
    """

    @contextmanager
    def sat(login: str = "", language: str = "zh", *, phone: bool = False) -> Iterator[Seat]:
        with seat(chrome, world.base, phone=phone, folder=tmp_path) as one:
            if login:
                one.enter(login, PASSWORD)
                one.speak(language)
            yield one

    return sat
