"""What is due leaves once, after everybody who has a say was asked."""

from __future__ import annotations

import pytest
from tests.execution.dispatch.carriers import NOON, QUICK, SECOND, Carrier, Killed, Stage

from cultiva.execution.tables import SIGNAL
from cultiva.store import Store


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store.database, Carrier(traceable=True))


def test_a_batch_is_sent_and_its_references_are_kept(stage: Stage) -> None:
    keys = stage.queue(25)
    rounds = [stage.dispatcher.work_once("w1", NOON) for _ in range(4)]
    assert [one.sent for one in rounds] == [10, 10, 5, 0]
    assert rounds[3].idle
    assert set(stage.states().values()) == {"sent"}
    assert stage.row(keys[0]).reference == f"ref-{keys[0]}"
    assert stage.row(keys[0]).content == {"text": "to 0, 1", "extra": {"sender": "s1"}}
    assert set(stage.carrier.carried.values()) == {1}


def test_nothing_leaves_before_it_is_due_or_after_it_has_expired(stage: Stage) -> None:
    (early,) = stage.queue(1, due=NOON + 60 * SECOND)
    (late,) = stage.queue(1, first=1, expires=NOON - SECOND)
    done = stage.dispatcher.work_once("w1", NOON)
    assert (done.claimed, done.cancelled, done.sent) == (1, 1, 0)
    assert stage.states() == {early: "queued", late: "cancelled"}
    assert stage.asked.released == [stage.row(late).touch_id]
    assert stage.dispatcher.work_once("w1", NOON + 60 * SECOND).sent == 1


def test_the_send_window_puts_off_without_costing_an_attempt(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.asked.shut = {key: NOON + 3600 * SECOND}
    assert stage.dispatcher.work_once("w1", NOON).later == 1
    row = stage.row(key)
    assert (row.state, row.due, row.attempts, row.lease) == ("queued", NOON + 3600 * SECOND, 0, "")
    stage.asked.shut = {}
    assert stage.dispatcher.work_once("w1", NOON + 3599 * SECOND).idle
    assert stage.dispatcher.work_once("w1", NOON + 3600 * SECOND).sent == 1


def test_a_window_that_opens_after_expiry_ends_the_delivery(stage: Stage) -> None:
    (key,) = stage.queue(1, expires=NOON + 600 * SECOND)
    stage.asked.shut = {key: NOON + 3600 * SECOND}
    stage.dispatcher.work_once("w1", NOON)
    assert stage.dispatcher.work_once("w1", NOON + 600 * SECOND).cancelled == 1


def test_whoever_is_forbidden_capped_or_cannot_be_rendered_is_not_sent_to(stage: Stage) -> None:
    forbidden, capped, unmade, fine = stage.queue(4)
    stage.asked.why = {forbidden: "no consent"}
    stage.asked.capped = {stage.row(capped).touch_id}
    stage.asked.unmade = {unmade: "the tag first_name is missing"}
    stage.dispatcher.work_once("w1", NOON)
    assert stage.states() == {forbidden: "cancelled", capped: "cancelled", unmade: "failed", fine: "sent"}
    assert stage.row(unmade).problem == "the tag first_name is missing"
    assert sorted(stage.asked.released) == sorted(stage.row(key).touch_id for key in (forbidden, capped, unmade))
    assert [row.name for row in stage.all_of(SIGNAL)] == ["failed"]
    assert stage.asked.rendered[forbidden] == 0


def test_if_somebody_cannot_be_asked_nothing_leaves(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    (key,) = stage.queue(1)
    stage.asked.broken = True
    stage.dispatcher.work_once("w1", NOON)
    assert (stage.row(key).state, stage.row(key).attempts) == ("queued", 0)
    assert stage.row(key).problem == "could not be checked: RuntimeError"
    stage.asked.broken = False
    assert stage.dispatcher.work_once("w1", NOON + 60 * SECOND).sent == 1
    assert "fang@" not in "".join(capfd.readouterr())


def test_what_is_refused_is_not_tried_again_and_its_touch_goes_back(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.carrier.fates = {key: ["refuse"]}
    assert stage.dispatcher.work_once("w1", NOON).failed == 1
    assert stage.row(key).problem == "no such number 138******78"
    assert stage.asked.released == [stage.row(key).touch_id]
    assert stage.dispatcher.work_once("w1", NOON + 9999 * SECOND).idle


def test_later_is_tried_again_after_growing_pauses_until_it_is_a_dead_letter(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.carrier.fates = {key: ["later"] * 9}
    at, waits = NOON, []
    while stage.row(key).state == "queued":
        stage.dispatcher.work_once("w1", at)
        waits.append((stage.row(key).due - at).total_seconds())
        at = max(at, stage.row(key).due)
    assert stage.row(key).state == "dead"
    assert len(stage.carrier.sizes) == QUICK.attempts_max == stage.row(key).attempts
    assert all(wait >= 90 for wait in waits[:-1])  # the provider asked for 90 seconds
    assert stage.asked.released == [stage.row(key).touch_id]
    assert [row.name for row in stage.all_of(SIGNAL)] == ["failed"]


def test_a_repeated_message_says_what_it_said_the_first_time(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.carrier.fates = {key: ["later", "later"]}
    for minutes in (0, 10, 20):
        stage.dispatcher.work_once("w1", NOON + minutes * 60 * SECOND)
    assert stage.carrier.carried[key] == 1
    assert stage.carrier.texts[key] == {"to 0, 1"}


def test_a_worker_that_dies_while_checking_leaves_nothing_but_a_lease(stage: Stage) -> None:
    (key,) = stage.queue(1)
    whole = stage.asked._filled
    stage.asked._filled = lambda one: (_ for _ in ()).throw(Killed())  # type: ignore[method-assign]
    with pytest.raises(Killed):
        stage.dispatcher.work_once("w1", NOON)
    stage.asked._filled = whole  # type: ignore[method-assign]
    assert stage.another().work_once("w2", NOON).idle  # the lease: 10 x 1 s + 5 s
    assert stage.another().work_once("w2", NOON + 15 * SECOND).sent == 1
    assert stage.row(key).attempts == 1


def test_a_claimed_delivery_that_is_cancelled_meanwhile_does_not_leave(stage: Stage) -> None:
    first, second = stage.queue(2)

    def cancel(one: object) -> object:
        from sqlalchemy import update

        from cultiva.execution.tables import DELIVERY

        with stage.database.writing() as connection:
            connection.execute(update(DELIVERY).where(DELIVERY.c.delivery_id == first).values(state="cancelled"))
        return whole(one)  # type: ignore[arg-type]

    whole = stage.asked._filled
    stage.asked._filled = cancel  # type: ignore[method-assign,assignment]
    assert stage.dispatcher.work_once("w1", NOON).sent == 1
    assert stage.states() == {first: "cancelled", second: "sent"}
    assert stage.carrier.carried == {second: 1}


def test_a_provider_that_is_neither_traceable_nor_safe_gets_one_at_a_time(store: Store) -> None:
    stage = Stage(store.database, Carrier())
    stage.queue(7)
    assert stage.dispatcher.work_once("w1", NOON).sent == 7
    assert stage.carrier.sizes == [1] * 7
