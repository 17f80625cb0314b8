"""The live side, which hears events one by one, late, twice and in any order, agrees with counting them all at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.execution.triggers.streams import Live, after, bank, event, frame, moment, pack, trigger

from cultiva.contracts.moments import Moment
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.execution.triggers.counting import count_firings
from cultiva.execution.triggers.service import Triggers

EVENTS = [event("a", amount="number", number="text"), event("b", number="text"), event("c", amount="number")]
RULES = ["true", "event.amount >= 2", "event.name = 'a' and aum > 1000", "event.amount is null or event.amount < 3"]
PROFILES: dict[int, dict[str, Any]] = {
    1: {"aum": 500.0, "open_complaint": False},
    2: {"aum": 5_000.0, "open_complaint": None},
}


@st.composite
def terms(draw: st.DrawFn, name: str) -> Trigger:
    def length() -> dict[str, int]:
        return {"minutes": draw(st.integers(1, 12))}

    said: dict[str, Any] = {
        "on": draw(st.sampled_from([["a"], ["a", "c"], ["c"]])),
        "when": draw(st.sampled_from(RULES)),
    }
    if draw(st.booleans()):
        same = ["number"] if said["on"] == ["a"] and draw(st.booleans()) else []
        ends = ["b"] if same else draw(st.sampled_from([["b"], ["a"], ["b", "c"]]))
        said["then_not"] = {"event": ends, "within": length(), "same": same}
    if draw(st.booleans()):
        said["debounce"] = length()
    if draw(st.booleans()):
        said["again_after"] = length()
    if draw(st.booleans()):
        said["still"] = "not coalesce(open_complaint, aum < 1000)"
    return trigger(name, **said)


@st.composite
def heard(draw: st.DrawFn) -> list[Moment]:
    """Some events happen; each comes in at once, minutes late, or hours late, and now and then twice."""
    found = []
    for number in range(draw(st.integers(0, 14))):
        at, late = after(draw(st.integers(0, 30))), draw(st.sampled_from([0, 0, 0, 1, 5, 20, 300]))
        name = draw(st.sampled_from("aaabbc"))
        amount: dict[str, Any] = (
            {"amount": float(draw(st.integers(0, 4)))} if name != "b" and draw(st.booleans()) else {}
        )
        told: dict[str, Any] = {"number": draw(st.sampled_from("xy"))} if name != "c" and draw(st.booleans()) else {}
        one = moment(
            name, at, customer=draw(st.sampled_from([1, 2])), message=f"m{number:02}",
            received=at + timedelta(minutes=late, seconds=number), **amount, **told,
        )  # fmt: skip
        found.append(one)
        if draw(st.integers(0, 5)) == 0:
            found.append(structs.replace(one, received=one.received + timedelta(minutes=7)))
    return found


def agreed(workspace: Workspace, moments: Sequence[Moment]) -> None:
    until = after(24 * 60)
    live = Live(Triggers(workspace), PROFILES)
    live.replay(moments, until)
    assert not live.timers
    profiles = pl.DataFrame([{"customer_id": key, **row} for key, row in PROFILES.items()])
    counted = count_firings(frame(moments), workspace, until, profiles=profiles)
    assert not counted.left_out
    mine = {(one.trigger, one.customer_id, one.message_id, one.due) for one in live.standing.values()}
    assert mine == set(counted.fired.select("trigger", "customer_id", "message_id", "due").iter_rows())
    assert len(live.standing) == counted.fired.height


@given(st.tuples(terms("one"), terms("two")), heard())
@settings(max_examples=60, deadline=None)
def test_live_firings_are_those_counted_over_all_events(
    triggers: tuple[Trigger, Trigger], moments: list[Moment]
) -> None:
    agreed(bank(pack(), EVENTS, triggers), moments)


def test_long_streams_agree_though_little_is_remembered() -> None:
    rng = random.Random(20261123)
    said = [
        trigger("plain", "a", again_after={"minutes": 30}),
        trigger("crowd", "a", debounce={"minutes": 9}),
        trigger("gone", "a", then_not={"event": "b", "within": {"minutes": 20}}),
        trigger("all", ["a", "c"], debounce={"minutes": 6}, then_not={"event": "b", "within": {"minutes": 9}},
                again_after={"hours": 2}),
    ]  # fmt: skip
    moments = []
    for number in range(700):
        at = after(rng.randrange(3 * 24 * 60))
        late = timedelta(minutes=rng.choice([0, 0, 0, 1, 45, 3_000]), milliseconds=number)
        moments.append(moment(rng.choice("aaabbc"), at, customer=1, message=f"m{number:03}", received=at + late))
    workspace, until = bank(pack(), EVENTS, said), after(7 * 24 * 60)
    live = Live(Triggers(workspace), PROFILES)
    live.replay(moments, until)
    counted = count_firings(frame(moments), workspace, until)
    assert counted.fired.height > 100 and len(live.withdrawals) > 10
    mine = sorted((one.trigger, one.message_id) for one in live.standing.values())
    assert mine == sorted(counted.fired.select("trigger", "message_id").iter_rows())
