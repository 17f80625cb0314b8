"""Templates are compiled before anybody looks, and nothing of a run under way is kept for the finished one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jinja2
import pytest
from tests.console.desks import ConsoleUnderTest

from cultiva.console.desk import ConsoleDesk
from cultiva.console.pages import compile_all, formats
from cultiva.execution.access.roles import Role


@pytest.fixture
def desk(own_console: ConsoleUnderTest) -> ConsoleDesk:
    found = own_console.app.state.desk
    assert isinstance(found, ConsoleDesk)
    return found


def published_anew(desk: ConsoleDesk, table: str, run: str) -> None:
    """Publishes a table of the newest date once more, as a step of another run does; its files are the same."""
    store, on = desk.parts.store, desk.day()
    now = store.snapshots.current(table, on)
    assert now is not None
    made = replace(now, path=f"{table}/date={on}/{run}.1", run_id=run)
    store.snapshots.publish([made], step=table, at=desk.now())


def test_no_template_is_compiled_at_the_first_look(console: ConsoleUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compile_all(console.parts.workspace.settings.currency, ["en"]) > 50

    def never(*_all: Any, **_more: Any) -> Any:
        raise AssertionError("a template was compiled for a visitor")

    monkeypatch.setattr(jinja2.Environment, "compile", never)
    for path in ("/", "/customers", "/account"):
        assert console.as_role(Role.ADVISER).get(path).status_code == 200


def test_an_answer_made_while_a_run_was_going_is_not_kept_for_what_it_publishes_later(desk: ConsoleDesk) -> None:
    """The profile is published in the middle of a run: the tables after it are still those of the run before."""
    day = desk.day()
    made: list[str] = []

    def answer() -> str:
        plan = desk.parts.store.snapshots.current("decisions", day)
        assert plan is not None
        made.append(plan.run_id)
        return plan.run_id

    published_anew(desk, "profile", "r2")
    before = desk.kept(("plan",), day, answer)
    assert desk.kept(("plan",), day, answer) == before
    assert len(made) == 1
    published_anew(desk, "decisions", "r2")
    assert desk.kept(("plan",), day, answer) == "r2"
    assert made == [before, "r2"]


def test_an_answer_during_which_a_run_has_published_is_not_kept(desk: ConsoleDesk) -> None:
    day = desk.day()

    def slow() -> str:
        published_anew(desk, "profile", "r3")
        return "made of two runs"

    assert desk.kept(("slow",), day, slow) == "made of two runs"
    assert desk.kept(("slow",), day, lambda: "made anew") == "made anew"
    assert desk.kept(("slow",), day, lambda: "not asked") == "made anew"


def test_a_page_is_of_one_moment_and_the_next_one_sees_what_was_published(desk: ConsoleDesk) -> None:
    day, page = desk.day(), desk.at_one_moment()
    before = page.parts.store.snapshots.current("profile", day)
    published_anew(desk, "profile", "r4")
    assert page.parts.store.snapshots.current("profile", day) == before
    assert page.parts.store.snapshots.latest("profile", None) == before
    after = desk.at_one_moment().parts.store.snapshots.latest("profile", None)
    assert after == desk.parts.store.snapshots.latest("profile", None)
    assert after is not None
    assert after.run_id == "r4"


@pytest.mark.parametrize(
    ("language", "value", "said"),
    [
        ("zh", 8077.959954999999, "¥8078"),
        ("zh", 773_000, "¥77.3万"),
        ("zh", -12.345, "-¥12.3"),
        ("en", 999.96, "CN¥1K"),
    ],
)
def test_compact_money_has_no_digits_that_nobody_reads(language: str, value: float, said: str) -> None:
    assert formats(language, "CNY")["money_compact"](value) == said
