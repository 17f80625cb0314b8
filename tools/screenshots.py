"""Takes a picture of every page of the console on the demonstration bank: `make demo`, `python -m tools.screenshots`.

The pictures go into docs/console/. They are the same whenever they are taken, but for the bank.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page

from cultiva import bootstrap
from cultiva.console.app import create_console
from cultiva.execution.access.doors import DoorRules, Doors
from cultiva.execution.access.entering.passwords import HashCost
from cultiva.execution.access.roles import Role
from cultiva.execution.content.links import KEY_VARIABLE
from cultiva.kit.clock import running_from
from cultiva.loop.demo_users import demo_users
from cultiva.loop.turns import Turns
from tools.browsing import browser, served
from tools.demo_campaigns import KEYS, main, morning

BANK = Path("demo/loop/workspace")
FOLDER = Path("docs/console")
PASSWORD = "green-hill-river-77"
QUALITY = 70
SHOWN = {"console.cookie_secure": "false", "console.require_second_factor_for": ""}


class Shot(NamedTuple):
    """One picture."""

    name: str
    role: Role | None
    """Who looks; None: somebody who has not logged in."""
    path: str
    """An address; what stands behind each ` > ` is clicked on the way."""
    language: str = "zh"
    phone: bool = False


CUSTOMER = "/work > main a[href^='/customers/']"
TABS = ("holdings", "tags", "timeline", "decisions", "people", "contact")
SHOTS: Sequence[Shot] = (
    Shot("cockpit", Role.OPERATOR, "/"),
    Shot("cockpit-en", Role.EXECUTIVE, "/", "en"),
    Shot("login", None, "/login"),
    Shot("customers", Role.ANALYST, "/customers"),
    Shot("customer", Role.ADVISER, CUSTOMER),
    *(Shot(f"customer-{tab}", Role.ADVISER, f"{CUSTOMER} > a[href$='/{tab}']") for tab in TABS),
    Shot("groups", Role.ANALYST, "/groups"),
    Shot("group", Role.ANALYST, "/groups/wealth_candidates"),
    Shot("group-editor", Role.ANALYST, "/groups/wealth_candidates/edit"),
    Shot("group-micro", Role.ANALYST, "/groups/micro"),
    Shot("map", Role.ANALYST, "/map"),
    Shot("map-en", Role.ANALYST, "/map", "en"),
    Shot("strategies", Role.ANALYST, "/strategies"),
    Shot("strategy", Role.ANALYST, "/strategies/wealth_upgrade"),
    Shot("strategy-editor", Role.ANALYST, "/strategies/wealth_upgrade/edit"),
    Shot("strategy-versions", Role.ANALYST, "/strategies/wealth_upgrade/versions"),
    Shot("approvals", Role.APPROVER, "/approvals"),
    Shot("approval", Role.APPROVER, "/approvals > main a[href^='/approvals/launches/']"),
    Shot("campaigns", Role.OPERATOR, "/campaigns"),
    Shot("campaign", Role.OPERATOR, "/campaigns > main table a"),
    Shot("campaigns-unknown", Role.OPERATOR, "/campaigns/unknown"),
    Shot("campaigns-failed", Role.OPERATOR, "/campaigns/failed"),
    Shot("halts", Role.OPERATOR, "/halts"),
    Shot("work", Role.ADVISER, "/work"),
    Shot("task", Role.ADVISER, "/work > main a[href^='/work/tasks/']"),
    Shot("task-phone", Role.ADVISER, "/work > main a[href^='/work/tasks/']", "en", phone=True),
    Shot("work-results", Role.ADVISER, "/work/results"),
    Shot("work-branch", Role.BRANCH_MANAGER, "/work/branch"),
    Shot("work-phone", Role.ADVISER, "/work", phone=True),
    Shot("work-week", Role.ADVISER, "/work/week"),
    Shot("review", Role.EXECUTIVE, "/review"),
    Shot("review-strategy", Role.EXECUTIVE, "/review/wealth_upgrade"),
    Shot("compare", Role.EXECUTIVE, "/review/compare"),
    Shot("next-quarter", Role.ANALYST, "/review/next"),
    Shot("resources", Role.EXECUTIVE, "/resources"),
    Shot("resources-en", Role.EXECUTIVE, "/resources", "en"),
    Shot("runs", Role.ANALYST, "/admin/runs"),
    Shot("run", Role.ANALYST, "/admin/runs > main table a"),
    Shot("quality", Role.ANALYST, "/admin/quality"),
    Shot("definitions", Role.ANALYST, "/admin/definitions"),
    Shot("health", Role.ADMINISTRATOR, "/admin/health"),
    Shot("keys", Role.ADMINISTRATOR, "/admin/keys"),
    Shot("erasures", Role.ADMINISTRATOR, "/admin/erasures"),
    Shot("holds", Role.AUDITOR, "/admin/holds", "en"),
    Shot("users", Role.ADMINISTRATOR, "/admin/users"),
    Shot("audit", Role.AUDITOR, "/admin/audit"),
    Shot("account", Role.ADVISER, "/account"),
)


@contextmanager
def console(bank: Path) -> Iterator[str]:
    """The console on a copy of the bank, on the morning after its newest run; gives its address."""
    os.environ.setdefault(KEY_VARIABLE, KEYS)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "loop" / "workspace"
        shutil.copytree(bank, root)
        main(root)
        with bootstrap.opened(root, overrides=SHOWN) as found:
            parts = replace(found, clock=running_from(morning(found)))
            rules = DoorRules(cost=HashCost(passes=1, memory_kib=8), second_for=frozenset())
            demo_users(parts, Doors(parts.store.database, rules), PASSWORD, certain=True)
            with served(create_console(parts, Turns(parts))) as address:
                yield address


def take(found: Browser, address: str, shots: Sequence[Shot], folder: Path) -> None:
    """Takes pictures, whoever is asked for before the screen."""
    for one in shots:
        size = {"width": 390, "height": 844} if one.phone else {"width": 1366, "height": 900}
        context = found.new_context(viewport=size, is_mobile=one.phone, device_scale_factor=1)  # type: ignore[arg-type]
        page = context.new_page()
        enter(page, address, one)
        path, *clicks = one.path.split(" > ")
        page.goto(f"{address}{path}")
        for click in clicks:
            page.locator(click).first.click()
            page.wait_for_load_state("networkidle")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"{one.name}.jpg", type="jpeg", quality=QUALITY)
        sys.stdout.write(f"{one.name}: {page.url.removeprefix(address)}\n")
        context.close()


def enter(page: Page, address: str, one: Shot) -> None:
    """Logs in, and reads in the shot's language from then on."""
    if one.role is None:
        return
    page.goto(f"{address}/login")
    page.fill("input[name=login]", one.role.value.replace("_", "."))
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_load_state("networkidle")
    button = page.locator("form[action='/account/language'] button").first
    if button.inner_text() == {"zh": "中文", "en": "English"}[one.language]:
        button.click()
        page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in SHOTS if len(sys.argv) < 2 or one.name in sys.argv[1:]]
    with console(BANK) as where, browser() as window:
        take(window, where, wanted, FOLDER)
