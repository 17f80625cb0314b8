"""Whatever happens, in whatever order: nobody gets a message twice, nobody is forgotten, nothing is guessed."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Row, delete
from tests.execution.dispatch.carriers import NOON, SECOND, Carrier, Killed, Stage

from cultiva.contracts.delivery import Report
from cultiva.execution.tables import CONSENT_CHANGE, DELIVERY, HALT, LAUNCH, PROVIDER_RATE, RECEIPT, SIGNAL
from cultiva.store import Store

FATES = ("ok", "ok", "refuse", "later", "lost_before", "lost_after", "mute", "broken", "die", "die_after")
LONG = timedelta(hours=1)


class Dispatching(RuleBasedStateMachine):
    """Workers that come, go and die; a provider that misbehaves; time; reports; launches that pause."""

    store: Store

    @initialize(kind=st.sampled_from(["safe", "traced", "blind"]))
    def begin(self, kind: str) -> None:
        with self.store.database.writing() as connection:
            for table in (DELIVERY, LAUNCH, SIGNAL, RECEIPT, CONSENT_CHANGE, HALT, PROVIDER_RATE):
                connection.execute(delete(table))
        self.kind = kind
        carrier = Carrier(repeats_safely=kind == "safe", traceable=kind == "traced")
        self.stage = Stage(self.store.database, carrier, batch=4)
        self.at: datetime = NOON
        self.keys: list[str] = []
        self.said: dict[str, set[str]] = {}

    @rule(fates=st.lists(st.lists(st.sampled_from(FATES), max_size=3), min_size=1, max_size=5))
    def people_come_due(self, fates: list[list[str]]) -> None:
        keys = self.stage.queue(len(fates), first=len(self.keys), due=self.at)
        self.keys += keys
        self.stage.carrier.fates |= dict(zip(keys, fates, strict=True))

    @rule(rounds=st.integers(1, 3))
    def a_worker_works(self, rounds: int) -> None:
        worker = self.stage.another()
        for _ in range(rounds):
            try:
                worker.work_once("w", self.at)
            except Killed:
                return

    @rule()
    def a_worker_dies_before_anything_leaves(self) -> None:
        whole = self.stage.asked._filled
        self.stage.asked._filled = _dies  # type: ignore[method-assign,assignment]
        with suppress(Killed):
            self.stage.another().work_once("w", self.at)
        self.stage.asked._filled = whole  # type: ignore[method-assign]

    @rule(seconds=st.sampled_from([1, 10, 30, 600]))
    def time_passes(self, seconds: int) -> None:
        self.at += seconds * SECOND

    @rule(state=st.sampled_from(["live", "paused"]))
    def the_launch_is_paused_or_resumed(self, state: str) -> None:
        self.stage.launch_becomes("L1", state=state)

    @rule(data=st.data(), kind=st.sampled_from(["delivered", "opened", "replied"]), times=st.integers(1, 3))
    def the_provider_reports_what_it_carried(self, data: st.DataObject, kind: str, times: int) -> None:
        carried = sorted(self.stage.carrier.carried)
        if carried:
            key = data.draw(st.sampled_from(carried))
            ours, theirs = (key, "") if self.stage.row(key).customer_id % 2 else ("", f"ref-{key}")
            report = Report(f"{kind}-{key}", kind, self.at, key=ours, reference=theirs)
            self.stage.dispatcher.take("main", [report] * times, self.at)
            self.said.setdefault(key, set()).add(kind)

    @invariant()
    def nobody_gets_two(self) -> None:
        if hasattr(self, "stage"):
            assert max(self.stage.carrier.carried.values(), default=0) <= 1

    @invariant()
    def what_is_said_is_true(self) -> None:
        if not hasattr(self, "stage"):
            return
        for key, state in self.stage.states().items():
            carried = self.stage.carrier.carried[key]
            assert carried or state not in {"sent", "delivered"}
            assert not carried or state not in {"failed", "cancelled"}
            assert not carried or state != "queued" or self.kind == "safe"
            assert self.kind == "blind" or state != "unknown" or self.kind == "safe"
            assert state != "unknown" or self.stage.row(key).evidence

    def teardown(self) -> None:
        """In the end everybody has got one, or is in a list with a reason."""
        if not hasattr(self, "stage"):
            return
        self.stage.launch_becomes("L1", state="live")
        self.stage.carrier.fates = {}
        for _ in range(12):
            self.at += LONG
            self.stage.dispatcher.tend(self.at)
            while not self.stage.dispatcher.work_once("last", self.at).idle:
                pass
        states = self.stage.states()
        assert set(states) == set(self.keys)
        assert set(states.values()) <= {"sent", "delivered", "failed", "dead", "unknown"}
        self.what_is_said_is_true()
        names = {(row.customer_id, row.name) for row in self.stage.all_of(SIGNAL) if row.name != "failed"}
        rows = {key: self.stage.row(key) for key in self.said}
        told = [(key, kind) for key, kinds in self.said.items() for kind in kinds if _known(rows[key])]
        assert names == {(rows[key].customer_id, kind) for key, kind in told}
        assert len([row for row in self.stage.all_of(SIGNAL) if row.name != "failed"]) == len(told)


def _known(row: Row[Any]) -> bool:
    """Whether a report can be matched: it names our key, or a reference that the provider once gave us."""
    return row.customer_id % 2 == 1 or bool(row.reference)


def _dies(one: object) -> None:
    raise Killed


def test_nobody_is_lost_or_doubled_in_any_order(store: Store) -> None:
    machine = type("OnThisStore", (Dispatching,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
