"""What a firing begins, on both stores: once, and only as far as the customer allows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.execution.triggers.streams import Live, after, bank, event, moment, pack, trigger

from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.launching.freezing import frozen_body
from cultiva.execution.plays.compiling import compiled
from cultiva.execution.recipients.people import ConsentWord, Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tables import FIRING, JOURNEY, LAUNCH, PLACEMENT_FEED, TASK, TOUCH
from cultiva.execution.tasks.records import StaffRow
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.triggers.effects import Effects
from cultiva.execution.triggers.records import Firing, FiringState, Outcome, Withdrawal
from cultiva.execution.triggers.service import Triggers
from cultiva.store import Store

LOAN = [event("loan_started", amount="number"), event("loan_submitted"), event("complaint_opened", topic="text")]
CALL = {
    "worth": "0.01 * event.amount",
    "task": {"kind": "remote_call", "channel": "phone", "strategy": "loan_pick_up", "offer": "consumer_loan",
             "reason": "{event.amount} 元，{age} 岁"},
}  # fmt: skip
SERVICE = {"task": {"kind": "follow_up", "service": True, "reason": "投诉：{event.topic}"}}
WAITS = {"then_not": {"event": "loan_submitted", "within": {"minutes": 30}}}
PROFILE = {"party_type": "person", "age": 40, "collections_accounts": 0}
TODAY = date(2026, 11, 2)
HELD, FREE = 41, 7
"""Customers of whom the first is in the global holdout, and the second in no holdout."""


def recipient(customer_id: int = FREE, **more: Any) -> Recipient:
    known = {"zone": "Asia/Shanghai", "language": "zh", "channels": ("phone", "app"), "business_date": TODAY,
             "branch_id": "B1", "adviser_id": "A1"}  # fmt: skip
    return Recipient(customer_id, **{**known, **more})


class Bank:
    """Triggers with a store."""

    def __init__(self, store: Store, *triggers: Trigger) -> None:
        self.store, self.database = store, store.database
        self.workspace: Workspace = bank(pack(), LOAN, triggers)
        assert self.workspace.workbench is not None
        self.tasks = Tasks(store.database, self.workspace.workbench, Calendar.of(self.workspace))
        self.tasks.staff(
            [StaffRow("A1", "B1", "adviser", 40), StaffRow("R1", "B9", "remote_adviser", 99)], TODAY, after(0)
        )
        self.people = Recipients(store.database)
        ready = Triggers(self.workspace)
        self.live = Live(ready, {FREE: PROFILE, HELD: PROFILE})
        self.effects = Effects(self.workspace, store.database, ready, tasks=self.tasks)

    def happen(
        self, name: str, minute: float, *, received: float | None = None, customer: int = FREE, **said: Any
    ) -> None:
        come_in = after(minute if received is None else received)
        self.live.hear(moment(name, after(minute), received=come_in, customer=customer, **said))

    def carry_out(self, minute: float) -> Outcome:
        self.live.wait_until(after(minute))
        found: list[Firing | Withdrawal] = [*self.live.firings, *self.live.withdrawals]
        return self.effects.carry_out_all(found, after(minute))

    def rows(self, table: Any) -> list[Any]:
        with self.database.reading() as connection:
            return list(connection.execute(select(table)))

    def go_live(self, strategy: str, state: str = "live") -> None:
        one, workspace = self.workspace.strategies[strategy], self.workspace
        body = frozen_body(workspace, strategy, compiled(one, workspace).to_json())
        with self.database.writing() as connection:
            connection.execute(insert(LAUNCH).values(
                launch_id="L1", strategy=strategy, version="v", workspace_version="w", business_date=TODAY,
                enrols="daily", state=state, author="Chen", cost=0, body=body, explanation={"customers": 0},
                per_minute_max=None, created=after(0), changed=after(0),
            ))  # fmt: skip


Opening = Callable[..., Bank]


@pytest.fixture
def opened(store: Store) -> Opening:
    return lambda *triggers: Bank(store, *triggers)


def test_a_broken_off_application_becomes_one_call_with_its_facts(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL, **WAITS))
    bench.people.put([recipient()])
    bench.happen("loan_started", 0, amount=12_000.0)
    assert bench.carry_out(29) == Outcome()
    outcome = bench.carry_out(31)
    assert list(outcome.states.values()) == [FiringState.STARTED] and not outcome.reasons
    assert bench.carry_out(32) == Outcome()
    (task,), (touch,), (firing,) = bench.rows(TASK), bench.rows(TOUCH), bench.rows(FIRING)
    assert (task.kind, task.role, task.reason, task.worth) == ("remote_call", "remote", "12,000 元，40 岁", 120.0)
    assert (touch.touch_id, touch.state, touch.channel) == (task.touch_id, "reserved", "phone")
    assert (firing.state, firing.made_id, firing.effect, firing.target) == (
        "started",
        task.task_id,
        "task",
        "remote_call",
    )
    assert firing.due == after(30) and firing.story["members"]["event.amount"] == 12_000.0


def test_the_story_says_clause_by_clause_why(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", when="event.amount >= 1000 and age < 60", does=CALL))
    bench.people.put([recipient()])
    bench.happen("loan_started", 0, amount=5_000.0)
    bench.carry_out(1)
    (firing,) = bench.rows(FIRING)
    assert [line.split()[0] for line in firing.story["why"]] == ["true", "true", "true"]
    assert "event.amount = 5000.0" in firing.story["why"][1]


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ((), "unknown"),
        ((recipient(channels=("app",)),), "no_consent"),
        ((recipient(suppressed_by="fraud_hold"),), "suppressed"),
        ((recipient(business_date=date(2026, 10, 1)),), "stale"),
    ],
)
def test_who_may_not_be_contacted_is_not(opened: Opening, known: tuple[Recipient, ...], why: str) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL))
    bench.people.put(known)
    bench.happen("loan_started", 0, amount=5_000.0)
    assert list(bench.carry_out(1).reasons.values()) == [why]
    (firing,) = bench.rows(FIRING)
    assert (firing.state, firing.reason, firing.made_id) == ("refused", why, "")
    assert not bench.rows(TASK) and not bench.rows(TOUCH)


def test_a_refusal_or_a_complaint_of_this_minute_counts(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL))
    bench.people.put([recipient()])
    bench.people.speak([ConsentWord(FREE, "*", granted=False, at=after(0), evidence="call")])
    bench.happen("loan_started", 1, amount=5_000.0)
    assert list(bench.carry_out(2).reasons.values()) == ["no_consent"]
    bench.people.speak([ConsentWord(FREE, "*", granted=True, at=after(24 * 60), evidence="call")])
    bench.people.stand_still(FREE, "open_complaint", after(3))
    bench.happen("loan_started", 25 * 60, amount=5_000.0)
    assert list(bench.carry_out(25 * 60).reasons.values()) == ["standstill"]


def test_holdouts_are_left_alone(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL))
    bench.people.put([recipient(HELD)])
    bench.happen("loan_started", 0, customer=HELD, amount=5_000.0)
    assert list(bench.carry_out(1).reasons.values()) == ["held_out_global"]


def test_the_contact_budget_refuses_what_is_too_much(opened: Opening) -> None:
    bench = opened(*(trigger(f"broken{number}", "loan_started", does=CALL) for number in range(4)))
    bench.people.put([recipient()])
    bench.happen("loan_started", 0, amount=5_000.0)
    outcome = bench.carry_out(1)
    assert sorted(outcome.states.values()) == ["refused", "refused", "started", "started"]
    assert len(bench.rows(TASK)) == 2, "two contacts a week"


def test_a_service_is_done_whatever_the_customer_refuses(opened: Opening) -> None:
    bench = opened(trigger("complained", "complaint_opened", does=SERVICE))
    bench.people.put([recipient(channels=(), suppressed_by="open_complaint")])
    bench.happen("complaint_opened", 0, topic="费用")
    assert not bench.carry_out(1).reasons
    (task,) = bench.rows(TASK)
    assert (task.reason, task.staff_id, task.touch_id) == ("投诉：费用", "A1", "")
    assert not bench.rows(TOUCH)


def test_who_is_not_eligible_for_the_offer_is_not_called(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL))
    bench.people.put([recipient()])
    bench.live.profiles = {FREE: {**PROFILE, "age": 70}}
    bench.happen("loan_started", 0, amount=5_000.0)
    assert list(bench.carry_out(1).reasons.values()) == ["not_eligible"]


def test_found_too_late_nothing_is_begun(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL, expires_after={"hours": 1}))
    bench.people.put([recipient()])
    bench.happen("loan_started", 0, received=61, amount=5_000.0)
    assert list(bench.carry_out(61).states.values()) == [FiringState.EXPIRED]
    assert not bench.rows(TASK)


def test_a_play_is_entered_through_a_launch_that_is_live(opened: Opening) -> None:
    does = {"play": {"strategy": "loan_pick_up"}}
    bench = opened(trigger("broken", "loan_started", does=does))
    bench.people.put([recipient()])
    bench.happen("loan_started", 0, amount=5_000.0)
    assert list(bench.carry_out(1).reasons.values()) == ["no_live_launch"]
    bench.go_live("loan_pick_up")
    bench.happen("loan_started", 2, amount=5_000.0)
    outcome = bench.carry_out(3)
    assert list(outcome.states.values()) == [FiringState.STARTED]
    (journey,) = bench.rows(JOURNEY)
    assert (journey.customer_id, journey.channel, journey.offer) == (FREE, "phone", "consumer_loan")
    bench.happen("loan_started", 4, amount=5_000.0)
    assert list(bench.carry_out(5).reasons.values()) == ["in_play"]
    assert len(bench.rows(JOURNEY)) == 1


def test_dying_after_the_entry_into_a_play_is_made_good(opened: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = opened(trigger("broken", "loan_started", does={"play": {"strategy": "loan_pick_up"}}))
    bench.people.put([recipient()])
    bench.go_live("loan_pick_up")
    bench.happen("loan_started", 0, amount=5_000.0)
    with monkeypatch.context() as patch:
        patch.setattr(bench.effects, "_begun", lambda *_: pytest.fail("killed"))
        with pytest.raises(BaseException, match="killed"):
            bench.carry_out(1)
    assert len(bench.rows(JOURNEY)) == 1 and not bench.rows(FIRING)
    assert list(bench.carry_out(2).states.values()) == [FiringState.STARTED]
    assert len(bench.rows(JOURNEY)) == 1 and bench.rows(FIRING)[0].made_id == "L1"


def test_a_halted_strategy_begins_nothing(opened: Opening) -> None:
    from cultiva.execution.tables import HALT

    bench = opened(trigger("broken", "loan_started", does={"play": {"strategy": "loan_pick_up"}}),
                   trigger("call", "loan_started", does=CALL))  # fmt: skip
    bench.people.put([recipient()])
    bench.go_live("loan_pick_up")
    with bench.database.writing() as connection:
        connection.execute(insert(HALT).values(scope="all", reason="outage", actor="Li", at=after(0)))
    bench.happen("loan_started", 0, amount=5_000.0)
    assert list(bench.carry_out(1).reasons.values()) == ["halted", "halted"]


def test_a_strategy_that_is_switched_off_begins_nothing(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL))
    strategies = dict(bench.workspace.strategies)
    strategies["loan_pick_up"] = strategies["loan_pick_up"].model_copy(update={"active": False})
    off = replace(bench.workspace, strategies=strategies)
    bench.effects = Effects(off, bench.database, Triggers(off), tasks=bench.tasks)
    bench.people.put([recipient()])
    bench.happen("loan_started", 0, amount=5_000.0)
    assert list(bench.carry_out(1).reasons.values()) == ["inactive_strategy"]
    assert bench.rows(TASK) == []


def test_what_came_in_late_takes_back_a_task_that_nobody_has_taken_up(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL, **WAITS))
    bench.people.put([recipient()])
    bench.happen("loan_started", 0, amount=5_000.0)
    bench.carry_out(31)
    bench.happen("loan_submitted", 20, received=40)
    bench.carry_out(41)
    assert [row.state for row in bench.rows(TASK)] == ["cancelled"]
    assert [row.state for row in bench.rows(TOUCH)] == ["released"]
    assert [(row.state, row.reason, row.made_id) for row in bench.rows(FIRING)] == [("withdrawn", "contradicted", "")]


def test_a_task_that_is_taken_up_stays(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL, **WAITS))
    bench.people.put([recipient()])
    bench.happen("loan_started", 0, amount=5_000.0)
    bench.carry_out(31)
    (task,) = bench.rows(TASK)
    bench.tasks.accept(task.task_id, "R1", after(35))
    bench.happen("loan_submitted", 20, received=40)
    bench.carry_out(41)
    assert [row.state for row in bench.rows(TASK)] == ["accepted"]
    assert [(row.state, row.made_id) for row in bench.rows(FIRING)] == [("withdrawn", task.task_id)]


def test_an_earlier_beginning_that_comes_in_later_does_not_call_twice(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL, again_after={"days": 1}))
    bench.people.put([recipient()])
    bench.happen("loan_started", 10, amount=5_000.0)
    bench.carry_out(10)
    bench.happen("loan_started", 5, received=12, amount=4_000.0)
    bench.carry_out(13)
    states = {(row.at, row.state, row.reason) for row in bench.rows(FIRING)}
    assert states == {(after(10), "withdrawn", "replaced"), (after(5), "refused", "again_after")}
    assert [row.state for row in bench.rows(TASK)] == ["open"]


def test_a_slot_is_fed_and_no_longer_when_withdrawn(opened: Opening) -> None:
    does = {"placement": {"placement": "app_home_banner", "strategy": "loan_pick_up", "offer": "consumer_loan"}}
    bench = opened(trigger("broken", "loan_started", does=does, expires_after={"hours": 2}, **WAITS))
    bench.happen("loan_started", 0, amount=5_000.0)
    bench.carry_out(31)
    (fed,) = bench.rows(PLACEMENT_FEED)
    assert (fed.placement, fed.offer, fed.expires) == ("app_home_banner", "consumer_loan", after(150))
    bench.happen("loan_submitted", 20, received=40)
    bench.carry_out(41)
    assert not bench.rows(PLACEMENT_FEED)


def test_what_the_store_does_not_know_is_fetched(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL))
    asked: list[int] = []

    def know(ids: Any) -> None:
        asked.extend(ids)
        bench.people.put([recipient(business_date=TODAY - timedelta(days=1))])

    effects = Effects(bench.workspace, bench.database, bench.live.triggers, tasks=bench.tasks, know=know)
    bench.happen("loan_started", 0, amount=5_000.0)
    outcome = effects.carry_out(bench.live.firings, [], after(1))
    assert asked == [FREE] and list(outcome.states.values()) == [FiringState.STARTED]


def test_of_a_trigger_that_is_gone_nothing_is_begun(opened: Opening) -> None:
    bench = opened(trigger("broken", "loan_started", does=CALL))
    bench.happen("loan_started", 0, amount=5_000.0)
    bare = replace(bench.workspace, triggers={})
    outcome = Effects(bare, bench.database, Triggers(bare)).carry_out(bench.live.firings, [], after(1))
    assert list(outcome.reasons.values()) == ["no_trigger"]
