"""Any order of acts by anybody: a launch is where the rules say, and the audit says so too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.execution.launching.launched import AUTHOR, LI, RULES, WANG, ZHAO, later, submission

from cultiva.execution.launching.launches import OVER, Launch, Person, State
from cultiva.execution.launching.service import Launches
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store

PEOPLE = (AUTHOR, LI, WANG, ZHAO)
LIMITS = {"lead": 1000.0, "head": 20_000.0, "executive": float("inf"), "compliance": float("inf")}
STEPS = {  # the machine as the issue draws it, written once more and independently
    "launch": {"approved": "live"},
    "pause": {"live": "paused"},
    "resume": {"paused": "live"},
    "stop": dict.fromkeys(("submitted", "approved", "live", "paused"), "stopped"),
    "finish": dict.fromkeys(("live", "paused"), "finished"),
}
NUMBERS = count()


class Life(RuleBasedStateMachine):
    """One launch, and what anybody tries to do with it."""

    store: ClassVar[Store]

    def __init__(self) -> None:
        super().__init__()
        self.launches = Launches(self.store.database, RULES)
        self.strategy = f"strategy_{next(NUMBERS)}"
        self.clock = 0

    @initialize(cost=st.sampled_from([100.0, 3000.0, 6000.0, 50_000.0]), fund=st.booleans())
    def put_forward(self, cost: float, fund: bool) -> None:
        self.cost, self.fund = cost, fund
        one = submission(self.strategy, cost, offers=("fund",) if fund else ("gift",), channels=("sms",))
        self.name = self.launches.submit(one, AUTHOR, later(0)).launch_id
        self.state, self.paused_by, self.halted_by = "submitted", "", ""
        self.yes: dict[str, str] = {}
        self.lines = 1

    def _tried(self, do: Callable[[], object], *, expected: bool) -> None:
        """Does something that must succeed or be refused as a conflict or as forbidden."""
        try:
            do()
        except CultivaError as error:
            assert not expected, f"refused: {error}"
            assert error.kind in (ErrorKind.CONFLICT, ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND)
            assert len(error.parts()) == 3
        else:
            assert expected, "it should have been refused"
            self.lines += 1

    def _now(self) -> None:
        self.clock += 1

    def _complete(self) -> bool:
        roles = set(self.yes.values())
        enough = len(self.yes) >= (2 if self.cost > 5000 else 1)
        return enough and bool(roles - {"compliance"}) and (not self.fund or "compliance" in roles)

    @rule(person=st.sampled_from(PEOPLE), role=st.sampled_from(sorted(LIMITS)), yes=st.booleans())
    def judge(self, person: Person, role: str, yes: bool) -> None:
        self._now()
        free = self.state == "submitted" and person is not AUTHOR and person.name not in self.yes
        may = free and self.cost <= LIMITS[role] and (role != "head" or person in (WANG, ZHAO))
        act = self.launches.approve if yes else self.launches.reject
        self._tried(lambda: act(self.name, person, role, later(self.clock)), expected=may)
        if may and yes:
            self.yes[person.name] = role
            self.state = "approved" if self._complete() else "submitted"
        elif may:
            self.state = "rejected"

    @rule(person=st.sampled_from(PEOPLE), what=st.sampled_from(sorted(STEPS)))
    def step(self, person: Person, what: str) -> None:
        self._now()
        after = STEPS[what].get(self.state)
        held = what in ("launch", "resume") and self.halted_by
        own = what == "resume" and self.paused_by == person.name
        acts: dict[str, Callable[[str, Person, datetime], Launch]]
        acts = {"launch": self.launches.go_live, "pause": self.launches.pause, "resume": self.launches.resume,
               "stop": self.launches.stop, "finish": self.launches.finish}  # fmt: skip
        may = after is not None and not held and not own
        self._tried(lambda: acts[what](self.name, person, later(self.clock)), expected=may)
        if may and after is not None:
            self.state = after
            self.paused_by = person.name if what == "pause" else self.paused_by

    @rule(person=st.sampled_from(PEOPLE), whole=st.booleans())
    def halt(self, person: Person, whole: bool) -> None:
        self._now()
        if not self.halted_by:
            self.scope = "channel:sms" if whole else f"strategy:{self.strategy}"
            self.halted_by = person.name
        self.launches.halt(self.scope, "why", person, later(self.clock))

    @rule(person=st.sampled_from(PEOPLE))
    def lift(self, person: Person) -> None:
        self._now()
        if self.halted_by:
            may = person.name != self.halted_by
            self._tried(lambda: self.launches.lift(self.scope, person, later(self.clock)), expected=may)
            self.lines -= may  # it is no line of the launch
            self.halted_by = "" if may else self.halted_by

    @invariant()
    def it_is_where_it_should_be(self) -> None:
        if not hasattr(self, "name"):
            return
        launch = self.launches.one(self.name)
        assert str(launch.state) == self.state
        if launch.state not in {State.SUBMITTED, *OVER}:
            assert self._complete(), "nothing is approved without everybody needed"
        lines = self.launches.audit.lines(subject=launch.subject, last=1000)
        assert len(lines) == self.lines, "what was refused leaves no line, what was done leaves one"
        said = [line.entry.detail["state"] for line in lines if "state" in line.entry.detail]
        assert said[-1] == self.state

    def teardown(self) -> None:
        if hasattr(self, "name") and self.halted_by:
            self.launches.lift(self.scope, Person("somebody else"), later(self.clock))
        assert self.launches.audit.verify().whole


def test_the_life_of_a_launch(store: Store) -> None:
    Life.store = store
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Life,
        settings=settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=quiet),
    )
