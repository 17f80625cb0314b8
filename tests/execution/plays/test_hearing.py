"""Hearing: who is concerned by what was said is found in one look, from the first version of the play on."""

from __future__ import annotations

from collections.abc import Iterable

from tests.execution.plays.small import DAY, HOUR, LAUNCH_ID, START, enrolments, live, plays, recipients, signal, where

from cultiva.execution.plays.draws import part
from cultiva.execution.plays.hearing.repository import Listening, heard_until, speakers
from cultiva.execution.plays.world import World
from cultiva.store import Store

FORK = """
steps:
  - { name: first, wait_for: { on: { clicked: left, replied: right, opened: left }, within: { days: 3 },
      timeout: end } }
  - { name: left, wait: { days: 1 }, next: end }
  - { name: right, wait: { days: 1 } }
"""
IDS = range(1, 13)
WAITING = Listening(LAUNCH_ID, frozenset({"converted", "clicked"}), frozenset({"clicked", "replied"}), (0,))


def by_part(customers: Iterable[int]) -> dict[int, list[int]]:
    """As `speakers` gives them."""
    found: dict[int, list[int]] = {}
    for one in sorted(customers):
        found.setdefault(part(one), []).append(one)
    return dict(sorted(found.items()))


def test_the_first_answer_says_where_somebody_goes(store: Store) -> None:
    launch, door = live(store, FORK), plays(store)
    recipients(store, IDS)
    door.enrol(launch, enrolments(IDS), START)
    for customer, name, hours in ((1, "clicked", 1), (2, "replied", 1), (3, "replied", 2), (3, "opened", 1)):
        signal(store, customer, name, START + hours * HOUR)
    assert door.advance(launch, START + 3 * HOUR, world=World()).steps == {"first": 3}
    assert [where(store, launch)[one][0] for one in (1, 2, 3, 4)] == ["left", "right", "left", "first"]
    assert door.advance(launch, START + 4 * HOUR, world=World()).transitions == 0


def test_only_who_is_concerned_is_asked_about_each_once_and_by_part(store: Store) -> None:
    launch, door = live(store, FORK), plays(store)
    recipients(store, IDS)
    door.enrol(launch, enrolments(IDS), START)
    said = START + HOUR
    for customer, name in (
        (1, "clicked"),
        (1, "replied"),
        (2, "replied"),
        (3, "converted"),
        (4, "delivered"),
        (99, "replied"),
    ):
        signal(store, customer, name, said)
    with store.database.reading() as connection:
        assert heard_until(connection, LAUNCH_ID, [0, 1]) == START, "nothing was said to it before it began"
        found = speakers(connection, WAITING, START)
        later = speakers(connection, WAITING, said + 2 * DAY)
        mine = speakers(connection, WAITING, START, [part(2)])
    assert {part: one.leaving for part, one in found.items() if one.leaving} == by_part([1, 3])
    assert {part: one.answering for part, one in found.items() if one.answering} == by_part([1, 2, 3])
    assert later == {} and list(mine) == [part(2)]
