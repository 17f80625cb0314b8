"""People and launches on both stores: who may do what when, and who wins when two do it at once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update
from tests.execution.launching.launched import AT, AUTHOR, LI, RULES, WANG, ZHAO, later, submission
from tests.execution.launching.racing import REFUSED, act

from cultiva.execution.launching.launches import Launch, Person, State
from cultiva.execution.launching.service import Launches
from cultiva.execution.launching.states import Act
from cultiva.execution.tables import AUDIT, LAUNCH
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store

PROCESSES = multiprocessing.get_context("forkserver")


@pytest.fixture
def launches(store: Store) -> Launches:
    return Launches(store.database, RULES)


def submitted(launches: Launches, **other: Any) -> str:
    return launches.submit(submission(**other), AUTHOR, AT).launch_id


def live(launches: Launches, **other: Any) -> str:
    name = submitted(launches, **other)
    launches.approve(name, WANG, "executive", AT)
    return launches.go_live(name, AUTHOR, AT).launch_id


def refused(do: Callable[[], object], code: str, kind: ErrorKind, *said: str) -> None:
    """Demands a refusal with four parts."""
    with pytest.raises(CultivaError) as error:
        do()
    found = error.value
    assert (found.code, found.kind) == (f"launching.{code}", kind)
    assert found.message and [name for name, _ in found.parts()] == ["seen", "allowed", "do"]
    assert all(text in str(found) for text in said), str(found)


def actions(launches: Launches, name: str) -> list[str]:
    return [line.entry.action for line in launches.audit.lines(subject=f"launch:{name}")]


def test_the_whole_way_leaves_its_lines_in_the_audit(launches: Launches) -> None:
    name = submitted(launches)
    launches.approve(name, LI, "lead", later(1), remark="同意")
    launches.go_live(name, AUTHOR, later(2))
    launches.throttle(name, 600, AUTHOR, later(3))
    launches.pause(name, LI, later(4), remark="wrong price")
    launches.resume(name, AUTHOR, later(5))
    done = launches.finish(name, AUTHOR, later(6))
    assert (done.state, done.per_minute_max, done.changed) == (State.FINISHED, 600, later(6))
    assert actions(launches, name) == [
        "launch.submitted", "launch.approved", "launch.launched", "launch.throttled", "launch.paused",
        "launch.resumed", "launch.finished",
    ]  # fmt: skip
    lines = launches.audit.lines()
    assert lines[1].entry.detail["remark"] == "同意" and lines[1].entry.actor == "Li"
    assert lines[0].entry.detail["cost"] == 10_000
    assert launches.audit.verify().whole and launches.unaudited() == {}


@pytest.mark.parametrize("name", ["Chen", " chen ", "CHEN", "Ｃｈｅｎ"])
def test_nobody_judges_a_launch_of_their_own_however_they_spell_their_name(launches: Launches, name: str) -> None:
    launch = submitted(launches)
    for do in (launches.approve, launches.reject):
        refused(partial(do, launch, Person(name), "executive", AT), "own_launch", ErrorKind.FORBIDDEN, "the author of")
    assert launches.one(launch).state is State.SUBMITTED and launches.judgements(launch) == ()


def test_above_the_limit_of_a_role_names_who_may(launches: Launches) -> None:
    dear, many = submitted(launches, cost=1000.01), submitted(launches, strategy="b", customers=501)
    said = ("1,000.01", "at most 1,000.00", "head or executive")
    refused(lambda: launches.approve(dear, LI, "lead", AT), "above_limit", ErrorKind.FORBIDDEN, *said)
    refused(lambda: launches.approve(many, LI, "lead", AT), "above_limit", ErrorKind.FORBIDDEN, "501 customers")
    exactly = submitted(launches, strategy="c", cost=1000, customers=500)
    assert launches.approve(exactly, LI, "lead", AT).state is State.APPROVED


def test_a_role_is_its_members_and_must_exist(launches: Launches) -> None:
    name = submitted(launches)
    refused(lambda: launches.approve(name, LI, "head", AT), "not_in_role", ErrorKind.FORBIDDEN, "Li as head")
    refused(lambda: launches.approve(name, LI, "leed", AT), "no_role", ErrorKind.NOT_FOUND, "did you mean 'lead'?")
    assert launches.approve(name, Person("zhao"), "head", AT).state is State.APPROVED


def test_a_large_amount_takes_two_people(launches: Launches) -> None:
    name = submitted(launches, cost=5000.01)
    assert launches.approve(name, WANG, "head", AT).state is State.SUBMITTED
    left = launches.missing(launches.one(name))
    assert (left.approvals, left.roles, left.demands) == (1, (), ("large",))
    refused(lambda: launches.go_live(name, AUTHOR, AT), "wrong_state", ErrorKind.CONFLICT, "submitted")
    again = Person(" wang")
    refused(lambda: launches.approve(name, again, "executive", AT), "judged_already", ErrorKind.CONFLICT)
    assert launches.approve(name, ZHAO, "head", AT).state is State.APPROVED
    assert actions(launches, name)[1:] == ["launch.seconded", "launch.approved"]


def test_a_demanded_role_is_not_replaced_and_not_enough_alone(launches: Launches) -> None:
    name = submitted(launches, offers=("fund", "gift"))
    assert launches.approve(name, WANG, "executive", AT).state is State.SUBMITTED
    assert launches.missing(launches.one(name)).roles == ("compliance",)
    assert launches.approve(name, LI, "compliance", AT).state is State.APPROVED
    other = submitted(launches, strategy="b", offers=("fund",))
    assert launches.approve(other, LI, "compliance", AT).state is State.SUBMITTED
    left = launches.missing(launches.one(other))
    assert (left.approvals, left.decider) == (1, True)
    plain = submitted(launches, strategy="c")
    assert launches.approve(plain, LI, "compliance", AT).state is State.SUBMITTED
    assert launches.approve(plain, WANG, "lead", AT).state is State.APPROVED


def test_one_no_is_enough_and_ends_it(launches: Launches) -> None:
    name = submitted(launches, cost=6000)
    launches.approve(name, WANG, "head", AT)
    assert launches.reject(name, ZHAO, "head", AT, remark="too dear").state is State.REJECTED
    assert [one.approved for one in launches.judgements(name)] == [True, False]
    refused(lambda: launches.approve(name, LI, "executive", AT), "wrong_state", ErrorKind.CONFLICT, "rejected")


def test_a_changed_definition_needs_a_new_submission(launches: Launches) -> None:
    first = submitted(launches)
    version = launches.one(first).version
    now = submission(note="another text")
    assert now.version != version
    said = (now.version, version, "submit it again")
    refused(lambda: launches.approve(first, LI, "lead", AT, version=now.version), "changed", ErrorKind.CONFLICT, *said)
    assert launches.judgements(first) == ()
    launches.approve(first, LI, "lead", AT, version=version)
    refused(lambda: launches.go_live(first, AUTHOR, AT, version=now.version), "changed", ErrorKind.CONFLICT, *said)
    second = launches.submit(now, AUTHOR, AT)
    assert second.launch_id != first and second.state is State.SUBMITTED, "approval of the old version does not count"
    launches.approve(second.launch_id, LI, "lead", AT, version=now.version)
    assert launches.go_live(second.launch_id, AUTHOR, AT, version=now.version).state is State.LIVE


def test_a_body_changed_in_the_store_goes_nowhere(launches: Launches, store: Store) -> None:
    name = submitted(launches)
    launches.approve(name, LI, "lead", AT)
    with store.database.writing() as connection:
        connection.execute(update(LAUNCH).values(body=dict(submission(note="forged").body)))
    refused(lambda: launches.go_live(name, AUTHOR, AT), "tampered", ErrorKind.CONFLICT, name)


def test_a_state_changed_behind_the_service_is_found(launches: Launches, store: Store) -> None:
    name, other = submitted(launches), submitted(launches, strategy="b")
    with store.database.writing() as connection:
        connection.execute(update(LAUNCH).where(LAUNCH.c.launch_id == name).values(state="approved"))
    assert launches.unaudited() == {name: ("submitted", State.APPROVED)}
    assert launches.one(other).state is State.SUBMITTED


def test_the_same_again_is_the_same_launch_until_it_is_over(launches: Launches) -> None:
    first = submitted(launches)
    assert submitted(launches) == first and actions(launches, first) == ["launch.submitted"]
    refused(lambda: launches.submit(submission(), LI, AT), "submitted_by_other", ErrorKind.CONFLICT, first, AUTHOR.name)
    launches.stop(first, AUTHOR, AT)
    second = submitted(launches)
    assert second != first and launches.one(second).state is State.SUBMITTED
    assert launches.submit(submission(enrols="daily"), AUTHOR, AT).launch_id not in (first, second)


def test_a_launch_is_found_by_the_beginning_of_its_id(launches: Launches) -> None:
    name = submitted(launches)
    assert launches.one(name[:6]) == launches.one(name)
    for wrong in ("", name[:3], "%%%%", "zzzz"):
        refused(partial(launches.one, wrong), "no_launch", ErrorKind.NOT_FOUND)


def test_two_launches_that_would_reach_the_same_people_do_not_run_together(launches: Launches) -> None:
    first = live(launches, enrols="daily")
    second = submitted(launches)
    launches.approve(second, LI, "lead", AT)
    refused(lambda: launches.go_live(second, AUTHOR, AT), "runs_already", ErrorKind.CONFLICT, first, "daily")
    launches.pause(first, LI, AT)
    refused(lambda: launches.go_live(second, AUTHOR, AT), "runs_already", ErrorKind.CONFLICT, "paused")
    launches.stop(first, LI, AT)
    assert launches.go_live(second, AUTHOR, AT).state is State.LIVE
    third = submitted(launches, day=date(2026, 11, 23))
    launches.approve(third, LI, "lead", AT)
    assert launches.go_live(third, AUTHOR, AT).state is State.LIVE, "another day has other people"


def test_an_emergency_stop_holds_what_it_concerns_and_takes_two_people_to_lift(launches: Launches) -> None:
    running, waiting = live(launches), submitted(launches, strategy="b", channels=("sms",))
    launches.approve(waiting, LI, "lead", AT)
    launches.pause(running, LI, AT)
    halt = launches.halt("all", " wrong price ", Person("Li", via="root"), AT)
    assert launches.halts() == {"all": halt} and halt.reason == "wrong price"
    for do in (lambda: launches.go_live(waiting, AUTHOR, AT), lambda: launches.resume(running, AUTHOR, AT)):
        refused(do, "halted", ErrorKind.CONFLICT, "wrong price", "Li", "cultiva lift")
    refused(lambda: launches.lift("all", Person("LI"), AT), "second_person", ErrorKind.FORBIDDEN)
    refused(lambda: launches.lift("channel:sms", WANG, AT), "not_halted", ErrorKind.NOT_FOUND, "all")
    launches.lift("all", WANG, AT, reason="mended")
    assert launches.halts() == {}
    launches.halt("channel:sms", "outage", LI, AT)
    assert launches.resume(running, AUTHOR, AT).state is State.LIVE, "it has another channel"
    refused(lambda: launches.go_live(waiting, AUTHOR, AT), "halted", ErrorKind.CONFLICT, "channel:sms")
    lines = launches.audit.lines(subject="halt:all")
    assert [line.entry.action for line in lines] == ["halt.set", "halt.lifted"]
    assert lines[0].entry.detail == {"reason": "wrong price", "via": "root"}


def test_a_second_halt_changes_nothing_and_is_noted(launches: Launches) -> None:
    launches.halt("strategy:welcome", "one", LI, AT)
    again = launches.halt("strategy:welcome", "two", WANG, later(1))
    assert (again.actor, again.reason) == ("Li", "one")
    said = [line.entry.action for line in launches.audit.lines(subject="halt:")]
    assert said == ["halt.set", "halt.repeated"]


@pytest.mark.parametrize(
    ("scope", "reason", "code"),
    [
        ("everything", "x", "bad_scope"),
        ("channel:", "x", "bad_scope"),
        ("", "x", "bad_scope"),
        ("all", " ", "no_reason"),
    ],
)
def test_a_halt_needs_a_scope_and_a_reason(launches: Launches, scope: str, reason: str, code: str) -> None:
    refused(lambda: launches.halt(scope, reason, LI, AT), code, ErrorKind.INVALID)


def test_resuming_takes_another_person_where_the_bank_says_so(launches: Launches, store: Store) -> None:
    name = live(launches)
    launches.pause(name, LI, AT)
    refused(lambda: launches.resume(name, LI, AT), "second_person", ErrorKind.FORBIDDEN)
    free = Launches(store.database, RULES.model_copy(update={"second_person": ()}))
    assert free.resume(name, LI, AT).state is State.LIVE


def test_a_throttle_is_a_number_of_a_launch_that_is_not_over(launches: Launches) -> None:
    name = live(launches)
    for wrong in (0, -1, 10**7):
        refused(partial(launches.throttle, name, wrong, LI, AT), "bad_throttle", ErrorKind.INVALID)
    launches.throttle(name, 10, LI, AT)
    assert launches.one(name).per_minute_max == 10
    launches.throttle(name, None, LI, AT)
    assert launches.one(name).per_minute_max is None
    launches.stop(name, LI, AT)
    refused(lambda: launches.throttle(name, 10, LI, AT), "wrong_state", ErrorKind.CONFLICT)


def test_what_else_a_stop_changes_is_in_its_transaction_and_in_the_audit(store: Store) -> None:
    def cancel(connection: Connection, launch: Launch, at: datetime) -> dict[str, int]:
        assert launch.state is State.STOPPED
        found = connection.scalar(select(LAUNCH.c.state).where(LAUNCH.c.launch_id == launch.launch_id))
        return {"deliveries": 3, "seen": int(found == "stopped")}

    def fail(connection: Connection, launch: Launch, at: datetime) -> dict[str, int]:
        raise RuntimeError("the other room has failed")

    launches = Launches(store.database, RULES, consequences={Act.STOP: cancel, Act.PAUSE: fail})
    name = live(launches)
    with pytest.raises(RuntimeError):
        launches.pause(name, LI, AT)
    assert launches.one(name).state is State.LIVE and "launch.paused" not in actions(launches, name)
    launches.stop(name, LI, AT)
    detail = launches.audit.lines(subject=f"launch:{name}")[-1].entry.detail
    assert detail["consequences"] == {"deliveries": 3, "seen": 1}


def race(store_url: str, root: Path, doing: list[tuple[str, str, str]]) -> list[int]:
    """Does all at once; what each process has left."""
    together = PROCESSES.Barrier(len(doing))
    processes = [PROCESSES.Process(target=act, args=(store_url, root, together, *one)) for one in doing]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    return [process.exitcode or 0 for process in processes]


def test_of_racing_approvers_one_decides(launches: Launches, store_url: str, tmp_path: Path) -> None:
    name = submitted(launches)
    doing = [("approve", name, f"boss {n}") for n in range(3)] + [("reject", name, f"boss {n}") for n in range(3, 6)]
    codes = race(store_url, tmp_path, doing)
    assert sorted(codes) == [0, *[REFUSED] * 5]
    winner = doing[codes.index(0)]
    said = launches.judgements(name)
    assert [(one.approver, one.approved) for one in said] == [(winner[2], winner[0] == "approve")]
    assert actions(launches, name)[1:] == ["launch.approved" if winner[0] == "approve" else "launch.rejected"]
    assert launches.audit.verify().whole and launches.unaudited() == {}


def test_where_two_are_needed_two_racing_approvers_are_two(launches: Launches, store_url: str, tmp_path: Path) -> None:
    name = submitted(launches, cost=6000)
    assert race(store_url, tmp_path, [("approve", name, "boss 1"), ("approve", name, "boss 2")]) == [0, 0]
    assert launches.one(name).state is State.APPROVED
    assert actions(launches, name)[1:] == ["launch.seconded", "launch.approved"]


def test_of_racing_launches_of_a_strategy_one_goes_live(launches: Launches, store_url: str, tmp_path: Path) -> None:
    names = [submitted(launches, note=str(n), enrols="daily") for n in range(4)]
    for name in names:
        launches.approve(name, LI, "lead", AT)
    codes = race(store_url, tmp_path, [("launch", name, "boss") for name in names])
    assert sorted(codes) == [0, *[REFUSED] * 3]
    assert [one.launch_id for one in launches.all(states=[State.LIVE])] == [names[codes.index(0)]]


def test_a_halt_is_never_lost_to_a_lift_at_the_same_moment(
    launches: Launches, store: Store, store_url: str, tmp_path: Path
) -> None:
    launches.halt("channel:sms", "first", AUTHOR, AT)
    codes = race(store_url, tmp_path, [("lift", "", "Wang"), ("halt", "", "Li"), ("halt", "", "Zhao")])
    assert codes == [0, 0, 0]
    with store.database.reading() as connection:
        said = list(connection.scalars(select(AUDIT.c.action).order_by(AUDIT.c.number)))
    lifted = said.index("halt.lifted")
    in_force = "halt.set" in said[lifted:]
    assert bool(launches.halts()) == in_force and launches.audit.verify().whole


def test_a_list_of_launches_is_the_newest_first_and_by_state(launches: Launches) -> None:
    first = live(launches)
    second = launches.submit(submission(strategy="b"), AUTHOR, later(1)).launch_id
    assert [one.launch_id for one in launches.all()] == [second, first]
    assert [one.launch_id for one in launches.all(states=[State.LIVE])] == [first]
    assert [one.launch_id for one in launches.all(strategy="b")] == [second]
    assert launches.all()[1].channels == ("app", "sms")
    assert replace(launches.one(first), explanation={}) == launches.all()[1]
    with pytest.raises(KeyError):
        _ = launches.all()[1].customers
