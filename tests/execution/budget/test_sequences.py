"""Random sequences of requests: no cap is ever broken, the most valuable goes first, and confirming fails closed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.execution.budget.asking import AT, HOUR, later
from tests.execution.budget.obvious import Model, breaches

from cultiva.definitions.policy import Cap
from cultiva.execution.budget.service import Budget
from cultiva.execution.budget.touches import Refusal, TouchRequest
from cultiva.execution.tables import TOUCH
from cultiva.store import Store

SPACE = 10
"""Customer ids that one example may use."""
CHANNELS = ("sms", "phone")
NAMES = [f"t{index}" for index in range(14)]
EXAMPLE = count(1)
EXAMPLES = 80
"""Sequences tried on each store; a commit of SQLite waits for the disk."""

caps = st.lists(
    st.builds(
        Cap,
        scope=st.sampled_from(["customer", "household", "channel", "offer"]),
        channel=st.sampled_from([None, "sms"]),
        days=st.integers(1, 5),
        contacts_max=st.integers(0, 3),
    ),
    min_size=1,
    max_size=3,
)
requests = st.builds(
    lambda name, customer, channel, offer, worth, day, service, hours: TouchRequest(
        touch_id=name, customer_id=customer, household_id=[1, 1, 3, None][customer - 1], channel=channel, offer=offer,
        strategy="s", launch_id="l", step="one", worth=worth, counts_on=later(day), exempt=service,
        expires=None if hours is None else AT + hours * HOUR,
    ),
    st.sampled_from(NAMES), st.integers(1, 4), st.sampled_from(CHANNELS), st.sampled_from(["card", "loan", ""]),
    st.integers(0, 4).map(float), st.integers(0, 6), st.sampled_from([False, False, False, True]),
    st.sampled_from([None, None, 2, 4]),
)  # fmt: skip
some = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.lists(requests, min_size=1, max_size=6)),
        st.tuples(st.just("confirm"), some, st.dictionaries(st.sampled_from(NAMES), st.integers(0, 6), max_size=2)),
        st.tuples(st.just("release"), some, st.booleans()),
        st.tuples(st.just("expire")),
        st.tuples(st.just("wait")),
    ),
    min_size=3,
    max_size=12,
)


@dataclass
class Run:
    """One example: the budget, the model beside it, and names that no other example uses."""

    store: Store
    caps: list[Cap]
    number: int

    def __post_init__(self) -> None:
        self.budget = Budget(self.store.database, self.caps)
        self.model = Model(self.caps)
        self.at: datetime = AT

    def step(self, what: tuple[Any, ...]) -> None:
        getattr(self, what[0])(*what[1:])
        self.compare()

    def reserve(self, asked: list[TouchRequest]) -> None:
        asked = [self._own(one) for one in asked]
        verdicts = self.budget.reserve(None, asked, self.at)
        expected = self.model.reserve(asked, self.at)
        assert {one.touch_id: one.granted for one in verdicts} == expected
        for one in verdicts:
            if one.refusal in (Refusal.CAPPED, Refusal.OUTBID):
                assert one.cap in self.caps

    def confirm(self, names: list[str], days: dict[str, int]) -> None:
        mine = [self._name(name) for name in names]
        moved: dict[str, date] = {self._name(name): later(day) for name, day in days.items()}
        before = dict(self.states())
        verdicts = self.budget.confirm(mine, self.at, days=moved)
        assert {one.touch_id: one.granted for one in verdicts} == self.model.confirm(mine, self.at, moved)
        for one in verdicts:
            if one.granted:
                assert before[one.touch_id] in ("reserved", "confirmed")
                assert self.states()[one.touch_id] == "confirmed"

    def release(self, names: list[str], confirmed: bool) -> None:
        mine = [self._name(name) for name in names]
        self.budget.release(mine, self.at, confirmed=confirmed)
        self.model.release(mine, confirmed=confirmed)

    def expire(self) -> None:
        self.budget.expire(self.at)
        self.model.expire(self.at)

    def wait(self) -> None:
        self.at += HOUR

    def states(self) -> dict[str, str]:
        return {name: state for name, (_, state) in self._rows().items()}

    def compare(self) -> None:
        """The same touches take room on the same days, and no cap is broken."""
        rows = self._rows()
        live = {name: (day, state) for name, (day, state) in rows.items() if state in ("reserved", "confirmed")}
        model = {
            name: (self.model.touches[name].counts_on, state)
            for name, state in self.model.states.items()
            if state in ("reserved", "confirmed")
        }
        over = {name for name in live if name not in model}
        assert all(_over(self.model.touches[name], self.at) for name in over)
        assert {name: one for name, one in live.items() if name not in over} == {
            name: one for name, one in model.items() if name in live
        }
        assert set(model) <= set(live)
        assert breaches(self.caps, [self.model.touches[name] for name in model]) == []

    def _rows(self) -> dict[str, tuple[date, str]]:
        mine = select(TOUCH).where(TOUCH.c.customer_id.between(self.number * SPACE, self.number * SPACE + SPACE - 1))
        with self.store.database.reading() as connection:
            return {row.touch_id: (row.counts_on, row.state) for row in connection.execute(mine)}

    def _name(self, name: str) -> str:
        return f"{self.number}-{name}"

    def _own(self, one: TouchRequest) -> TouchRequest:
        """The same with ids of this example; a name belongs to one customer."""
        base = self.number * SPACE
        home = None if one.household_id is None else base + one.household_id
        return replace(one, touch_id=self._name(one.touch_id), customer_id=base + one.customer_id, household_id=home)


def _over(one: TouchRequest, at: datetime) -> bool:
    return one.expires is not None and one.expires <= at


def test_random_sequences_break_no_cap_and_go_by_worth(store: Store) -> None:
    @given(caps, steps)
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def sequences(mine: list[Cap], todo: list[tuple[Any, ...]]) -> None:
        run = Run(store, mine, next(EXAMPLE))
        for what in todo:
            run.step(what)

    sequences()
