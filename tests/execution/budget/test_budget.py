"""The contact budget: what it grants, what it refuses and why, and that it forgets nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.execution.budget.asking import AT, DAY, HOUR, ONE_A_DAY, TWO_A_WEEK, ask, later

from cultiva.definitions.base import Label
from cultiva.definitions.policy import Cap, Channel, ContactPolicy
from cultiva.execution.budget.service import Budget
from cultiva.execution.budget.touches import Refusal, TouchRequest, TouchState, Verdict
from cultiva.execution.tables import DELIVERY, TASK, TASK_EVENT, TOUCH
from cultiva.kit.errors import CultivaError
from cultiva.store import Store


def budget(store: Store, *caps: Cap) -> Budget:
    return Budget(store.database, caps)


def granted(verdicts: Sequence[Verdict]) -> list[bool]:
    return [one.granted for one in verdicts]


def refusals(verdicts: Sequence[Verdict]) -> list[Refusal | None]:
    return [one.refusal for one in verdicts]


def states(store: Store) -> dict[str, str]:
    with store.database.reading() as connection:
        return {row.touch_id: row.state for row in connection.execute(select(TOUCH).order_by(TOUCH.c.touch_id))}


def column(store: Store, table: Any, name: str) -> list[Any]:
    with store.database.reading() as connection:
        return list(connection.execute(select(table.c[name]).order_by(next(iter(table.primary_key)))).scalars())


def delivery(touch_id: str, state: str = "queued") -> dict[str, Any]:
    return {
        "delivery_id": f"d-{touch_id}", "touch_id": touch_id, "launch_id": "l", "step": touch_id, "customer_id": 1,
        "entry": 1, "channel": "sms", "provider": "p", "address": "", "content": {}, "state": state, "attempts": 0,
        "due": AT, "lease": "", "reference": "", "problem": "", "evidence": {}, "created": AT, "changed": AT,
    }  # fmt: skip


def task(touch_id: str, state: str = "open") -> dict[str, Any]:
    return {
        "task_id": f"t-{touch_id}", "kind": "call", "role": "adviser", "branch_id": "", "staff_id": "",
        "customer_id": 1, "launch_id": "l", "step": "one", "touch_id": touch_id, "strategy": "s", "offer": "",
        "channel": "phone", "worth": 1.0, "reason": "", "script": "", "due": AT, "state": state, "result": "",
        "escalated": 0, "created": AT, "changed": AT,
    }  # fmt: skip


def test_a_cap_holds_in_every_stretch_of_days_and_lets_go_after_it(store: Store) -> None:
    mine = budget(store, TWO_A_WEEK)
    assert granted(mine.reserve(None, [ask("a"), ask("b", counts_on=later(3))], AT)) == [True, True]
    days = [-7, -4, -3, 2, 6, 7, 9, 10]
    verdicts = [mine.reserve(None, [ask(f"day{day}", counts_on=later(day))], AT)[0] for day in days]
    assert dict(zip(days, granted(verdicts), strict=True)) == {
        -7: True, -4: True, -3: False, 2: False, 6: False, 7: True, 9: False, 10: True,
    }  # fmt: skip


def test_each_scope_counts_its_own_things(store: Store) -> None:
    caps = {
        "customer": Cap(scope="customer", days=7, contacts_max=3),
        "household": Cap(scope="household", days=7, contacts_max=4),
        "phone": Cap(scope="channel", channel="phone", days=7, contacts_max=1),
        "offer": Cap(scope="offer", days=7, contacts_max=1),
    }
    mine = budget(store, *caps.values())
    first = [
        ask("a", 1, household_id=1, channel="phone", offer="card", worth=9),
        ask("b", 1, household_id=1, channel="sms", offer="loan", worth=8),
        ask("c", 2, household_id=1, channel="sms", offer="card", worth=7),
    ]
    assert granted(mine.reserve(None, first, AT)) == [True, True, True]
    mine.confirm(["a", "b", "c"], AT)
    then = [
        ask("d", 1, household_id=1, channel="phone", offer="fund"),
        ask("e", 1, household_id=1, channel="app", offer="card"),
        ask("f", 1, household_id=1, channel="sms", offer="", worth=6),
        ask("g", 3, household_id=1, channel="sms", offer=""),
        ask("h", 1, household_id=1, channel="app", offer=""),
        ask("i", 4, channel="sms", offer=""),
    ]
    verdicts = mine.reserve(None, then, AT)
    assert granted(verdicts) == [False, False, True, False, False, True]
    assert [one.cap for one in verdicts[:4]] == [caps["phone"], caps["offer"], None, caps["household"]]
    assert refusals(verdicts)[3:5] == [Refusal.OUTBID, Refusal.OUTBID]


def test_a_cap_on_every_channel_counts_each_for_itself(store: Store) -> None:
    mine = budget(store, Cap(scope="channel", days=7, contacts_max=1))
    asked = [ask("a"), ask("b", channel="app"), ask("c")]
    assert granted(mine.reserve(None, asked, AT)) == [True, True, False]


def test_a_customer_without_a_household_is_one_alone(store: Store) -> None:
    mine = budget(store, Cap(scope="household", days=7, contacts_max=1))
    assert granted(mine.reserve(None, [ask("a", 5), ask("b", 6), ask("c", 6)], AT)) == [True, True, False]


def test_the_more_valuable_goes_first_whatever_the_order(store: Store) -> None:
    asked = [ask("a", worth=1), ask("b", worth=3), ask("c", worth=2)]
    verdicts = budget(store, TWO_A_WEEK).reserve(None, asked, AT)
    assert refusals(verdicts) == [Refusal.OUTBID, None, None] and verdicts[0].cap == TWO_A_WEEK
    assert states(store) == {"b": "reserved", "c": "reserved"}


def test_a_more_valuable_request_pushes_a_reservation_out_and_cancels_its_work(store: Store) -> None:
    mine = budget(store, TWO_A_WEEK)
    mine.reserve(None, [ask("a", worth=1), ask("b", worth=5)], AT)
    with store.database.writing() as connection:
        connection.execute(insert(DELIVERY), [delivery("a"), delivery("b")])
        connection.execute(insert(TASK), [task("a"), task("b")])
    assert granted(mine.reserve(None, [ask("c", worth=2)], AT)) == [True]
    assert states(store) == {"a": "outbid", "b": "reserved", "c": "reserved"}
    assert column(store, DELIVERY, "state") == ["cancelled", "queued"]
    assert column(store, TASK, "state") == ["cancelled", "open"]
    assert column(store, TASK_EVENT, "detail") == [{"reason": "outbid"}]
    assert refusals(mine.confirm(["a", "b", "c"], AT)) == [Refusal.OUTBID, None, None]


def test_a_delivery_on_its_way_and_a_task_that_someone_has_taken_are_left_alone(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    mine.reserve(None, [ask("a", worth=1)], AT)
    with store.database.writing() as connection:
        connection.execute(insert(DELIVERY), [delivery("a", "sending")])
        connection.execute(insert(TASK), [task("a", "accepted")])
    mine.reserve(None, [ask("c", worth=2)], AT)
    assert (column(store, DELIVERY, "state"), column(store, TASK, "state")) == (["sending"], ["accepted"])


def test_nothing_pushes_out_what_is_worth_as_much_or_is_confirmed(store: Store) -> None:
    mine = budget(store, TWO_A_WEEK)
    mine.reserve(None, [ask("a", worth=2), ask("z", worth=2)], AT)
    assert refusals(mine.reserve(None, [ask("b", worth=2)], AT)) == [Refusal.OUTBID]
    mine.confirm(["a", "z"], AT)
    assert refusals(mine.reserve(None, [ask("b", worth=99)], AT)) == [Refusal.CAPPED]


def test_the_same_request_twice_is_one_touch(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    assert granted(mine.reserve(None, [ask("a"), ask("a", worth=7)], AT)) == [True, True]
    assert granted(mine.reserve(None, [ask("a")], AT)) == [True]
    assert states(store) == {"a": "reserved"} and column(store, TOUCH, "worth") == [1.0]
    mine.confirm(["a"], AT)
    assert granted(mine.reserve(None, [ask("a")], AT)) == [True] and states(store) == {"a": "confirmed"}


@pytest.mark.parametrize("way", ["release", "expire", "outbid"])
def test_room_that_was_given_back_can_be_asked_for_again(store: Store, way: str) -> None:
    mine = budget(store, ONE_A_DAY)
    mine.reserve(None, [ask("a", expires=AT + HOUR)], AT)
    if way == "release":
        assert mine.release(["a", "unknown"], AT) == 1
    elif way == "expire":
        assert (mine.expire(AT), mine.expire(AT + HOUR), mine.expire(AT + HOUR)) == (0, 1, 0)
    else:
        mine.reserve(None, [ask("b", worth=2)], AT)
        mine.release(["b"], AT)
    assert refusals(mine.confirm(["a"], AT)) == [
        {"release": Refusal.RELEASED, "expire": Refusal.EXPIRED, "outbid": Refusal.OUTBID}[way]
    ]
    assert granted(mine.reserve(None, [ask("a", counts_on=later(1))], AT)) == [True]
    assert states(store)["a"] == "reserved" and later(1) in column(store, TOUCH, "counts_on")


def test_services_are_exempt_and_leave_room_to_others(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    service = [ask(f"s{index}", exempt=True) for index in range(3)]
    assert granted(mine.reserve(None, [*service, ask("a")], AT)) == [True] * 4
    assert granted(mine.confirm(["s0", "s1", "a"], AT)) == [True] * 3
    mine.release(["s2"], AT)
    assert refusals(mine.confirm(["s2"], AT)) == [Refusal.RELEASED]


def test_a_channel_that_is_no_touch_counts_nowhere(store: Store) -> None:
    label = Label(zh="短信", en="Text")
    sms = Channel(name="sms", label=label, kind="message")
    app = Channel(name="app", label=label, kind="placement", touch=False)
    mine = Budget.of(store.database, ContactPolicy(channels=(sms, app), caps=(ONE_A_DAY,)))
    asked = [ask("a", channel="app"), ask("b", channel="app"), ask("c"), ask("d")]
    assert granted(mine.reserve(None, asked, AT)) == [True, True, True, False]


def test_a_reservation_that_has_run_out_takes_no_room_and_is_not_confirmed(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    mine.reserve(None, [ask("a", expires=AT + HOUR, worth=9)], AT)
    assert refusals(mine.reserve(None, [ask("b")], AT)) == [Refusal.OUTBID]
    assert granted(mine.reserve(None, [ask("b")], AT + HOUR)) == [True]
    assert states(store) == {"a": "expired", "b": "reserved"}
    # A machine whose clock is behind does not send it either.
    assert refusals(mine.confirm(["a"], AT)) == [Refusal.EXPIRED]
    assert refusals(mine.reserve(None, [ask("c", 2, expires=AT)], AT)) == [Refusal.EXPIRED]


def test_confirming_marks_what_has_run_out(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    mine.reserve(None, [ask("a", expires=AT + HOUR)], AT)
    assert refusals(mine.confirm(["a", "never"], AT + HOUR)) == [Refusal.EXPIRED, Refusal.UNKNOWN]
    assert states(store) == {"a": "expired"}


def test_confirming_fails_closed_under_caps_that_have_become_stricter(store: Store) -> None:
    budget(store, TWO_A_WEEK).reserve(None, [ask("a", worth=1), ask("b", worth=2), ask("c", 2)], AT)
    stricter = budget(store, ONE_A_DAY)
    assert refusals(stricter.confirm(["a", "c"], AT)) == [Refusal.OUTBID, None]
    assert granted(stricter.confirm(["b"], AT)) == [True]
    assert states(store) == {"a": "outbid", "b": "confirmed", "c": "confirmed"}


def test_confirming_counts_on_the_day_of_sending(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    mine.reserve(None, [ask("a", worth=1), ask("b", counts_on=later(1), worth=2)], AT)
    assert refusals(mine.confirm(["a"], AT, days={"a": later(1)})) == [Refusal.OUTBID]
    mine.reserve(None, [ask("c", worth=3)], AT)
    assert granted(mine.confirm(["c"], AT, days={"c": later(1)})) == [True]
    assert states(store) == {"a": "outbid", "b": "outbid", "c": "confirmed"}
    assert column(store, TOUCH, "counts_on") == [DAY, later(1), later(1)]


def test_confirming_again_finds_the_same_answer(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    mine.reserve(None, [ask("a", expires=AT + HOUR)], AT)
    assert granted(mine.confirm(["a", "a"], AT)) == [True, True]
    assert granted(mine.confirm(["a"], AT + 2 * HOUR)) == [True]


def test_only_what_was_surely_not_sent_is_given_back_after_confirming(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    mine.reserve(None, [ask("a")], AT)
    mine.confirm(["a"], AT)
    assert (mine.release(["a"], AT), mine.release(["a"], AT, confirmed=True)) == (0, 1)
    assert granted(mine.reserve(None, [ask("b")], AT)) == [True]


def test_what_happened_elsewhere_counts_whatever_the_caps_say(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    mine.record([ask("x"), ask("y")], AT)
    assert refusals(mine.reserve(None, [ask("a", worth=99)], AT)) == [Refusal.CAPPED]
    assert granted(mine.reserve(None, [ask("a", counts_on=later(1))], AT)) == [True]


def test_it_takes_part_in_the_callers_transaction(store: Store) -> None:
    mine = budget(store, ONE_A_DAY)
    with pytest.raises(RuntimeError), store.database.writing() as connection:
        assert granted(mine.reserve(connection, [ask("a")], AT)) == [True]
        assert granted(mine.confirm(["a"], AT, connection=connection)) == [True]
        raise RuntimeError
    assert states(store) == {}


def test_no_caps_and_no_requests_are_no_trouble(store: Store) -> None:
    mine = budget(store)
    assert mine.reserve(None, [], AT) == [] and mine.confirm([], AT) == [] and mine.release([], AT) == 0
    assert granted(mine.reserve(None, [ask("a"), ask("b")], AT)) == [True, True]


def test_a_worth_that_is_no_number_is_refused() -> None:
    with pytest.raises(CultivaError, match="the worth of a touch is no number"):
        ask("a", worth=float("nan"))


def test_an_id_that_is_too_long_is_not_cut(store: Store) -> None:
    mine, long = budget(store, ONE_A_DAY), "x" * 41
    if store.database.engine.dialect.name == "postgresql":
        with pytest.raises(Exception, match="too long"):
            mine.reserve(None, [ask(long)], AT)
    assert refusals(mine.confirm([long], AT)) == [Refusal.UNKNOWN]


def test_a_batch_of_thousands_takes_a_handful_of_statements(store: Store) -> None:
    from sqlalchemy import event

    seen: list[str] = []

    @event.listens_for(store.database.engine, "before_cursor_execute")
    def _count(_c: object, _k: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    mine = budget(store, TWO_A_WEEK, Cap(scope="household", days=7, contacts_max=3))
    asked: list[TouchRequest] = [ask(f"t{index}", index % 3000, household_id=index % 1000) for index in range(9000)]
    assert sum(granted(mine.reserve(None, asked, AT))) == 3000
    assert len(seen) <= 14
    mine.confirm([one.touch_id for one in asked], AT)
    assert len(seen) <= 28
    assert set(states(store).values()) == {TouchState.CONFIRMED.value}
