"""A fate that is not known: repeated where that is safe, asked about where one can, else shown; never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert
from tests.execution.dispatch.carriers import NOON, SECOND, Carrier, Killed, Stage

from cultiva.execution.dispatch.records import Resolution, State
from cultiva.execution.dispatch.service import Letters
from cultiva.execution.tables import AUDIT, TOUCH
from cultiva.kit.errors import CultivaError
from cultiva.store import Store

LATER = NOON + 36 * SECOND  # lease 10 x 1 s + 5 s, grace 20 s


def killed(stage: Stage) -> None:
    with pytest.raises(Killed):
        stage.another().work_once("w1", NOON)


@pytest.mark.parametrize("fate", ["die", "die_after"])
def test_after_a_kill_a_traceable_provider_is_asked(store: Store, fate: str) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    keys = stage.queue(5)
    stage.carrier.fates = {keys[2]: [fate]}
    killed(stage)
    assert set(stage.states().values()) == {"sending"}
    assert stage.dispatcher.work_once("w2", NOON + 20 * SECOND).idle  # lease over, grace not
    assert stage.dispatcher.work_once("w2", LATER).recovered == 5
    stage.dispatcher.work_once("w2", LATER)
    assert set(stage.states().values()) == {"sent"}
    assert stage.carrier.carried == dict.fromkeys(keys, 1)
    said = [one["kind"] for one in stage.row(keys[0]).evidence]
    assert said[0] == "lost" and set(said[1:]) == {"look_up"}


def test_after_a_kill_a_safe_provider_gets_the_same_key_again(store: Store) -> None:
    stage = Stage(store.database, Carrier(repeats_safely=True))
    keys = stage.queue(5)
    stage.carrier.fates = {keys[2]: ["die_after"]}
    killed(stage)
    done = stage.dispatcher.work_once("w2", NOON + 16 * SECOND)
    assert (done.recovered, done.sent) == (5, 5)
    assert stage.carrier.carried == dict.fromkeys(keys, 1)


def test_after_a_kill_a_blind_provider_leaves_one_unknown_with_evidence(store: Store) -> None:
    stage = Stage(store.database, Carrier())
    keys = stage.queue(5)
    stage.carrier.fates = {key: ["die_after"] for key in keys[:1]}
    killed(stage)
    assert sorted(stage.states().values()) == ["queued"] * 4 + ["sending"]
    stage.dispatcher.work_once("w2", LATER)
    assert sorted(stage.states().values()) == ["sent"] * 4 + ["unknown"]
    assert max(stage.carrier.carried.values()) == 1
    (letter,) = Letters(store.database, stage.asked.checks().release).of(State.UNKNOWN, limit=10)
    assert letter.evidence[0]["by"].startswith("w1/")
    assert letter.address == "+861**********" or "*" in letter.address


def test_a_connection_lost_after_the_message_is_asked_about_too(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    before, after, mute = stage.queue(3)
    stage.carrier.fates = {before: ["lost_before"], after: ["lost_after"], mute: ["mute"]}
    assert stage.dispatcher.work_once("w1", NOON).open == 3
    assert stage.dispatcher.work_once("w1", NOON + 19 * SECOND).idle
    assert stage.dispatcher.work_once("w1", NOON + 20 * SECOND).recovered == 3
    assert stage.carrier.carried == {before: 1, after: 1, mute: 1}
    assert set(stage.states().values()) == {"sent"}


def test_a_trace_that_cannot_tell_is_asked_again_and_then_a_person_is(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True, forgets=True))
    (key,) = stage.queue(1)
    stage.carrier.fates = {key: ["lost_after"]}
    for minutes in range(20):
        stage.dispatcher.work_once("w1", NOON + minutes * 60 * SECOND)
    row = stage.row(key)
    assert row.state == "unknown"
    assert [one["kind"] for one in row.evidence] == ["sent", "look_up", "look_up", "look_up"]
    assert stage.carrier.carried == {key: 1}


def test_a_channel_with_a_fault_puts_its_batch_in_doubt(store: Store) -> None:
    stage = Stage(store.database, Carrier())
    (key,) = stage.queue(1)
    stage.carrier.fates = {key: ["broken"]}
    assert stage.dispatcher.work_once("w1", NOON).unknown == 1
    assert stage.row(key).problem == "the channel failed: RuntimeError"


def test_a_worker_that_was_stopped_after_marking_sends_nothing(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    stage.queue(3)
    outbox = stage.dispatcher._outbox
    whole = outbox.mark

    def sleep(*given: Any, **named: Any) -> Any:
        going = whole(*given, **named)
        stage.elapsed += 6.0  # of a lease of 3 x 1 s + 5 s, with three messages of one second each to go
        return going

    outbox.mark = sleep  # type: ignore[method-assign]
    assert stage.dispatcher.work_once("w1", NOON).later == 3
    assert stage.carrier.carried == {}
    outbox.mark = whole  # type: ignore[method-assign]
    assert stage.dispatcher.work_once("w1", NOON + 60 * SECOND).sent == 3


def test_slow_checks_cost_nothing_as_long_as_nobody_has_taken_over(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    stage.queue(3)
    whole = stage.asked._filled

    def sleep(one: Any) -> Any:
        stage.elapsed = 100.0
        return whole(one)

    stage.asked._filled = sleep  # type: ignore[method-assign]
    assert stage.dispatcher.work_once("w1", NOON).sent == 3


def test_whoever_was_overtaken_while_checking_sends_nothing(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    keys = stage.queue(3)
    whole = stage.asked._filled

    def overtaken(one: Any) -> Any:
        stage.asked._filled = whole  # type: ignore[method-assign]
        assert stage.another().work_once("w2", NOON + 16 * SECOND).sent == 3
        return whole(one)

    stage.asked._filled = overtaken  # type: ignore[method-assign]
    assert stage.dispatcher.work_once("w1", NOON).sent == 0
    assert stage.carrier.carried == dict.fromkeys(keys, 1)


def test_a_late_acceptance_counts_although_the_row_was_taken_over(store: Store) -> None:
    """The first worker's lease ends while it sends; the second asks too early; the first one's word still counts."""
    stage = Stage(store.database, Carrier(traceable=True, forgets=True))
    (key,) = stage.queue(1)
    whole = stage.carrier._send

    def slow(message: object) -> object:
        stage.another().work_once("w2", LATER)
        return whole(message)  # type: ignore[arg-type]

    stage.carrier._send = slow  # type: ignore[method-assign,assignment]
    stage.dispatcher.work_once("w1", NOON)
    assert stage.row(key).state == "sent"
    assert stage.row(key).reference == f"ref-{key}"
    assert stage.carrier.carried == {key: 1}


def unknown(store: Store) -> tuple[Stage, Letters, str]:
    stage = Stage(store.database, Carrier())
    (key,) = stage.queue(1)
    stage.carrier.fates = {key: ["lost_before"]}
    stage.dispatcher.work_once("w1", NOON)
    return stage, Letters(store.database, stage.asked.checks().release), key


def test_a_person_may_send_an_unknown_one_again(store: Store) -> None:
    stage, letters, key = unknown(store)
    said = letters.resolve(key, Resolution.SEND_AGAIN, actor="li", remark="asked the carrier", at=NOON)
    assert said is State.QUEUED
    assert stage.dispatcher.work_once("w1", NOON).sent == 1
    assert stage.row(key).evidence[-1]["by"] == "li"
    (line,) = stage.all_of(AUDIT)
    assert (line.actor, line.action, line.subject) == ("li", "delivery.resolved", f"delivery:{key}")


def test_a_person_may_say_that_it_arrived_or_give_it_up(store: Store) -> None:
    stage, letters, key = unknown(store)
    assert letters.resolve(key, Resolution.ARRIVED, actor="li", remark="in the log", at=NOON) is State.SENT
    with pytest.raises(CultivaError) as caught:
        letters.resolve(key, Resolution.GIVE_UP, actor="li", remark="again", at=NOON)
    assert caught.value.code == "dispatch.not_open"
    assert len(stage.all_of(AUDIT)) == 1
    with pytest.raises(CultivaError) as caught:
        letters.resolve("nothing", Resolution.GIVE_UP, actor="li", remark="", at=NOON)
    assert caught.value.code == "dispatch.no_delivery"


def test_giving_up_gives_the_touch_back(store: Store) -> None:
    stage, letters, key = unknown(store)
    letters.resolve(key, Resolution.GIVE_UP, actor="li", remark="nobody knows", at=NOON)
    assert stage.row(key).state == "failed"
    assert stage.asked.released == [stage.row(key).touch_id]


def test_a_dead_letter_that_is_sent_again_asks_for_room_in_the_budget_again(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    (key,) = stage.queue(1)
    touch = {"touch_id": stage.row(key).touch_id, "customer_id": 0, "channel": "sms", "offer": "o", "strategy": "s"}
    more = {"launch_id": "L1", "step": "s1", "worth": 1.0, "counts_on": NOON.date(), "exempt": False, "changed": NOON}
    with store.database.writing() as connection:
        connection.execute(insert(TOUCH).values(**touch, **more, state="released"))
    stage.carrier.fates = {key: ["later"] * 4}
    for minutes in range(4):
        stage.dispatcher.work_once("w1", NOON + minutes * 600 * SECOND)
    assert stage.row(key).state == "dead"
    letters = Letters(store.database, stage.asked.checks().release)
    letters.resolve(key, Resolution.SEND_AGAIN, actor="li", remark="the carrier is back", at=NOON)
    (row,) = stage.all_of(TOUCH)
    assert row.state == "reserved"
    assert stage.dispatcher.work_once("w1", NOON).sent == 1


def test_a_moment_read_long_ago_does_not_shorten_a_lease(store: Store) -> None:
    """A caller that goes on with the same `at` while time passes: leases begin now all the same."""
    stage = Stage(store.database, Carrier(traceable=True), batch=1)
    first, second = stage.queue(2)
    stage.dispatcher.work_once("w1", NOON)
    stage.elapsed = 300.0
    left = next(key for key, state in stage.states().items() if state == "queued")
    stage.carrier.fates = {left: ["die"]}
    with pytest.raises(Killed):
        stage.dispatcher.work_once("w1", NOON)
    assert stage.row(left).leased_until == NOON + 306 * SECOND  # 1 x 1 s and a margin of 5 s
    assert {first, second} == set(stage.states())


def test_letters_come_in_pages(store: Store) -> None:
    stage = Stage(store.database, Carrier())
    keys = sorted(stage.queue(5))
    stage.carrier.fates = {key: ["lost_before"] for key in keys}
    stage.dispatcher.work_once("w1", NOON)
    letters = Letters(store.database, stage.asked.checks().release)
    first = letters.of(State.UNKNOWN, limit=3)
    rest = letters.of(State.UNKNOWN, limit=3, after=first[-1].delivery_id)
    assert [one.delivery_id for one in (*first, *rest)] == keys
    assert letters.of(State.DEAD, limit=3) == []
