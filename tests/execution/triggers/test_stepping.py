"""What an event or a timer brings about, told as small stories."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.execution.triggers.streams import Live, after, bank, event, moment, pack, trigger

from cultiva.definitions.events import EventType
from cultiva.definitions.triggers import Trigger
from cultiva.execution.triggers.minds import BEGINNINGS_MAX, Outlet
from cultiva.execution.triggers.records import Cause, Firing, Withdrawal
from cultiva.execution.triggers.service import LATE, NOTHING, Triggers
from cultiva.stream.port import Timer

NOT_B = {"then_not": {"event": "b", "within": {"minutes": 30}}}
EVENTS = [event("a", amount="number", day="date", tags="list"), event("b"), event("c")]


def live(*triggers: Trigger, profile: dict[str, Any] | None = None, events: list[EventType] | None = None) -> Live:
    return Live(Triggers(bank(pack(), events or EVENTS, triggers)), {7: profile or {}})


def fired(side: Live) -> list[tuple[str, float]]:
    """Trigger and minute at which it fell due, of what stands."""
    return sorted((one.trigger, (one.due - after(0)) / timedelta(minutes=1)) for one in side.standing.values())


def test_without_b_it_fires_when_the_time_is_over_and_not_before() -> None:
    side = live(trigger("t", "a", **NOT_B))
    side.hear(moment("a", after(0)))
    assert [one.due for one in side.timers.values()] == [after(30)]
    side.wait_until(after(29))
    assert fired(side) == []
    side.wait_until(after(30))
    assert fired(side) == [("t", 30)] and not side.timers


@pytest.mark.parametrize(("minute", "ends"), [(0, True), (29.99, True), (30, False)])
def test_b_in_time_ends_it_and_its_timer(minute: float, ends: bool) -> None:
    side = live(trigger("t", "a", **NOT_B))
    side.hear(moment("a", after(0)))
    side.hear(moment("b", after(minute)))
    assert bool(side.timers) is not ends
    side.wait_until(after(60))
    assert bool(fired(side)) is not ends


def test_b_that_comes_in_before_a_ends_it_too() -> None:
    side = live(trigger("t", "a", **NOT_B))
    side.hear(moment("b", after(5), received=after(5)))
    side.hear(moment("a", after(0), received=after(6)))
    side.wait_until(after(60))
    assert fired(side) == [] and not side.timers


def test_b_that_comes_in_after_it_fired_takes_it_back() -> None:
    side = live(trigger("t", "a", **NOT_B))
    side.hear(moment("a", after(0)))
    side.wait_until(after(30))
    side.hear(moment("b", after(10), received=after(50)))
    assert fired(side) == [] and [one.cause for one in side.withdrawals] == [Cause.CONTRADICTED]


def test_of_a_crowd_the_last_one_counts() -> None:
    side = live(trigger("t", "a", debounce={"minutes": 5}))
    for minute in (0, 4, 8, 20):
        side.hear(moment("a", after(minute)))
    side.wait_until(after(60))
    assert fired(side) == [("t", 13), ("t", 25)]


def test_it_rests_after_it_fired() -> None:
    side = live(trigger("t", "a", again_after={"hours": 1}))
    for minute in (0, 30, 59, 60, 100, 120):
        side.hear(moment("a", after(minute)))
    assert fired(side) == [("t", 0), ("t", 60), ("t", 120)]


def test_the_same_event_twice_is_one() -> None:
    side = live(
        trigger("plain", "a"), trigger("rests", "a", again_after={"seconds": 1}), trigger("waits", "a", **NOT_B)
    )
    one = moment("a", after(0), message="m")
    side.hear(one)
    side.hear(structs.replace(one, received=after(90)))
    side.wait_until(after(60))
    assert sorted({firing.firing_id for firing in side.firings}) == sorted(side.standing)
    assert [name for name, _ in fired(side)] == ["plain", "rests", "waits"]


def test_only_what_is_the_same_thing_ends_it() -> None:
    told = {"then_not": {"event": "b", "within": {"minutes": 30}, "same": ["number"]}}
    side = live(trigger("t", "a", **told), events=[event("a", number="text"), event("b", number="text")])
    side.hear(moment("a", after(0), message="m1", number="1"))
    side.hear(moment("a", after(1), message="m2", number="2"))
    side.hear(moment("b", after(2), number="2"))
    side.wait_until(after(60))
    assert [one.message_id for one in side.standing.values()] == ["m1"]


def test_the_profile_is_judged_when_the_event_comes_in_and_again_when_it_fires() -> None:
    side = live(trigger("t", "a", when="aum >= 1000", still="not open_complaint", **NOT_B),
                profile={"aum": 5_000.0, "open_complaint": False})  # fmt: skip
    side.hear(moment("a", after(0)))
    side.profiles = {7: {"aum": 0.0, "open_complaint": False}}
    side.wait_until(after(30))
    assert fired(side) == [("t", 30)]
    side.profiles = {7: {"aum": 5_000.0, "open_complaint": False}}
    side.hear(moment("a", after(60)))
    side.profiles = {7: {"aum": 5_000.0, "open_complaint": True}}
    side.wait_until(after(120))
    assert fired(side) == [("t", 30)] and not side.timers


def test_the_story_tells_what_was_seen_then() -> None:
    side = live(trigger("t", "a", when="aum >= 1000 and event.amount > 2", **NOT_B), profile={"aum": 5_000.0})
    side.hear(moment("a", after(0), amount=3.0))
    side.profiles = {7: {"aum": 0.0}}
    side.wait_until(after(30))
    (one,) = side.firings
    assert any("aum = 5000.0" in line for line in one.story["why"])
    assert one.story["members"]["event.amount"] == 3.0 and one.story["absent"] == ["b"]


def test_personal_values_are_not_in_the_story() -> None:
    told = EventType.model_validate(
        {"name": "a", "label": {"zh": "一", "en": "a"}, "properties": {"who": "text"}, "personal": ["who"]}
    )
    side = live(trigger("t", "a", when="event.who <> 'x' and event.channel = 'app'"), events=[told])
    side.hear(moment("a", after(0), channel="app", who="王小明"))
    (one,) = side.firings
    assert "王小明" not in str(one.story)


def test_values_of_every_type_reach_the_rule() -> None:
    rule = "event.day = date '2026-11-02' and has_any(event.tags, 'x') and event.at >= timestamp '2026-11-02 09:00:00'"
    side = live(trigger("t", "a", when=rule))
    side.hear(moment("a", after(0), day="2026-11-02", tags=["x", "y"]))
    side.hear(moment("a", after(-1), day="2026-11-02", tags=["x"]))
    assert fired(side) == [("t", 0)], "09:00 in Shanghai is the beginning of the story"


def test_without_a_profile_its_columns_are_null() -> None:
    ready = Triggers(bank(pack(), EVENTS, [trigger("t", "a", when="aum >= 0"), trigger("u", "a", when="aum is null")]))
    stepped = ready.step(NOTHING, moment("a", after(0)), None, after(0))
    assert [one.trigger for one in stepped.firings] == ["u"]


def test_a_rule_that_cannot_be_judged_begins_nothing_and_is_told() -> None:
    ready = Triggers(bank(pack(), EVENTS, [trigger("t", "a", when="aum >= 0"), trigger("u", "a")]))
    stepped = ready.step(NOTHING, moment("a", after(0)), {"age": 3}, after(0))
    assert [one.trigger for one in stepped.troubles] == ["t"] and [one.trigger for one in stepped.firings] == ["u"]


def test_an_event_that_nobody_listens_to_changes_nothing() -> None:
    ready = Triggers(bank(pack(), EVENTS, [trigger("t", "a", **NOT_B)]))
    state = ready.step(NOTHING, moment("a", after(0)), {}, after(0)).state
    assert not ready.listens("c")
    assert ready.step(state, moment("c", after(1)), {}, after(1)).state is state


def test_an_event_that_comes_in_much_too_late_is_not_heard_by_those_who_remember() -> None:
    side = live(trigger("plain", "a"), trigger("waits", "a", **NOT_B))
    side.hear(moment("a", after(0), received=after(0) + timedelta(microseconds=LATE + 1)))
    assert not side.timers and fired(side) == [("plain", 0)]


def test_what_is_over_is_forgotten() -> None:
    side = live(trigger("t", "a", again_after={"days": 1}, **NOT_B))
    side.hear(moment("a", after(0)))
    side.wait_until(after(30))
    later = after(60 * 24 * 9)
    side.hear(moment("b", later))
    side.hear(moment("b", later + timedelta(days=8)))
    assert len(side.states[7]) < 60


def test_a_crowd_without_end_is_not_remembered_without_end() -> None:
    side = live(trigger("t", "a", debounce={"minutes": 5}), trigger("u", "a", again_after={"days": 30}))
    for second in range(3 * BEGINNINGS_MAX):
        side.hear(moment("a", after(second / 60)))
    assert len(side.states[7]) < 60 * BEGINNINGS_MAX
    side.wait_until(after(60))
    assert fired(side) == [("t", (3 * BEGINNINGS_MAX - 1) / 60 + 5), ("u", 0)]


def test_a_trigger_that_means_something_else_now_begins_anew_but_rests_on() -> None:
    side = live(trigger("t", "a", again_after={"days": 1}, debounce={"minutes": 5}))
    side.hear(moment("a", after(0)))
    side.wait_until(after(5))
    side.hear(moment("a", after(10)))
    side.triggers = Triggers(
        bank(pack(), EVENTS, [trigger("t", "a", again_after={"days": 1}, debounce={"minutes": 9})])
    )
    side.hear(moment("a", after(60)))
    side.wait_until(after(60 * 24))
    assert len(side.firings) == 1
    side.hear(moment("a", after(60 * 25)))
    side.wait_until(after(60 * 26))
    assert len(side.firings) == 2


def test_a_timer_of_a_trigger_that_is_gone_is_dropped() -> None:
    ready = Triggers(bank(pack(), EVENTS, []))
    stepped = ready.ring(NOTHING, Timer(7, "old", after(0)), {}, after(1))
    assert stepped.drop_timers == ((7, "old"),) and stepped.state == NOTHING


ALIKE = Triggers(bank(pack(), EVENTS, [
    trigger("waits", "a", **NOT_B), trigger("rests", "a", again_after={"minutes": 20}), trigger("plain", ["a", "b"]),
    trigger("quiet", ["a", "c"], debounce={"minutes": 10}),
]))  # fmt: skip
"""Triggers of every kind."""


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 90)), max_size=12, unique=True))
def test_many_events_of_a_batch_are_the_same_as_one_after_another(heard: list[tuple[str, int]]) -> None:
    came = [moment(name, after(at), received=after(100)) for name, at in heard]
    side = Live(ALIKE, {7: {}})
    for one in came:
        side.hear(one)
    outlet = Outlet()
    mind = ALIKE.opened(NOTHING, 7, outlet)
    for one in came:
        ALIKE.hear(mind, one, {}, after(100))
    stepped = ALIKE.closed(mind)
    assert stepped.state == side.states.get(7, NOTHING)
    assert {one.due for one in stepped.set_timers} == {one.due for one in side.timers.values()}
    assert [one for one in outlet.happened if isinstance(one, Firing)] == side.firings
    assert [one for one in outlet.happened if isinstance(one, Withdrawal)] == side.withdrawals


def test_a_customer_has_one_timer_that_rings_for_whatever_is_due() -> None:
    side = live(trigger("t", "a", **NOT_B), trigger("u", "a", then_not={"event": "b", "within": {"minutes": 45}}))
    side.hear(moment("a", after(0)))
    assert [one.due for one in side.timers.values()] == [after(30)]
    assert {(one.name, one.due) for one in side.triggers.waiting(side.states[7], 7)} == {
        ("t", after(30)), ("u", after(45)),
    }  # fmt: skip
    side.wait_until(after(30))
    assert fired(side) == [("t", 30)] and [one.due for one in side.timers.values()] == [after(45)]
    side.wait_until(after(45))
    assert fired(side) == [("t", 30), ("u", 45)] and not side.timers


def test_a_timer_that_was_set_for_one_trigger_rings_too() -> None:
    side = live(trigger("t", "a", **NOT_B))
    side.hear(moment("a", after(0)))
    stepped = side.triggers.ring(side.states[7], Timer(7, "t", after(30)), {}, after(30))
    assert [one.trigger for one in stepped.firings] == ["t"]
    assert set(stepped.drop_timers) == {(7, "t"), *side.timers}
