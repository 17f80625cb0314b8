"""Whatever is asked of a log and a hot store, in whatever order, they answer as plain dictionaries would."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from cultiva.definitions.live import LiveSettings
from cultiva.stream import Change, Fenced, Overtaken, Owned, Record, Timer, open_hot, open_log, partition_of

AT = datetime(2026, 11, 23, tzinfo=UTC)
LEASE = timedelta(seconds=5)
PARTITIONS = 3
CUSTOMERS = tuple(
    one
    for partition in range(PARTITIONS)
    for one in [number for number in range(1, 100) if partition_of(number, PARTITIONS) == partition][:2]
)
"""Two in each partition."""
WORKERS = ("a", "b", "c")
STATES = st.one_of(st.none(), st.binary(min_size=1, max_size=5))


class LogMachine(RuleBasedStateMachine):
    """A log beside lists."""

    def __init__(self, given: Callable[[], LiveSettings]) -> None:
        super().__init__()
        self.settings, self.root = given(), Path(tempfile.mkdtemp(prefix="cultiva-log-"))
        self.log = open_log(self.settings, self.root)
        self.written: dict[int, list[Record | str]] = {one: [] for one in range(PARTITIONS)}
        self.names: set[str] = set()

    @rule(numbers=st.lists(st.integers(0, 40), max_size=12))
    def append(self, numbers: list[int]) -> None:
        records = [Record(f"m{number}", CUSTOMERS[number % len(CUSTOMERS)], b"%d" % number) for number in numbers]
        expected = []
        for one in records:
            expected.append(one.record_id not in self.names)
            if expected[-1]:
                self.names.add(one.record_id)
                self.written[partition_of(one.customer_id, PARTITIONS)].append(one)
        assert self.log.append(records) == expected

    @rule(name=st.sampled_from(["mon", "tue", "wed"]))
    def mark(self, name: str) -> None:
        places = self.log.mark(name)
        for partition, place in enumerate(places):
            if name not in self.written[partition]:
                self.written[partition].append(name)
            [there] = self.log.read(partition, after=place - 1, limit=1)
            assert (there.position, there.mark) == (place, name)

    @rule(partition=st.integers(0, PARTITIONS - 1), start=st.integers(0, 40), limit=st.integers(1, 9))
    def read_on(self, partition: int, start: int, limit: int) -> None:
        whole = self.log.read(partition, after=0, limit=1_000)
        start = min(start, len(whole))
        after = whole[start - 1].position if start else 0
        assert self.log.read(partition, after=after, limit=limit) == whole[start : start + limit]

    @rule()
    def open_again(self) -> None:
        self.log.close()
        self.log = open_log(self.settings, self.root)

    @invariant()
    def it_holds_what_was_written(self) -> None:
        for partition, expected in self.written.items():
            found = self.log.read(partition, after=0, limit=1_000)
            assert [one.mark or one.record for one in found] == expected
            assert self.log.end(partition) == (found[-1].position if found else 0)
            assert self.log.marks(partition) == [(one.position, one.mark) for one in found if one.mark]

    def teardown(self) -> None:
        self.log.close()
        shutil.rmtree(self.root)


class HotMachine(RuleBasedStateMachine):
    """A hot store beside dictionaries."""

    def __init__(self, given: Callable[[], LiveSettings]) -> None:
        super().__init__()
        self.settings, self.root = given(), Path(tempfile.mkdtemp(prefix="cultiva-hot-"))
        self.hot = open_hot(self.settings, self.root)
        self.now = AT
        self.states: dict[int, bytes] = {}
        self.positions = dict.fromkeys(range(PARTITIONS), 0)
        self.timers: dict[tuple[int, str], Timer] = {}
        self.owners: dict[int, tuple[str, int, datetime]] = dict.fromkeys(range(PARTITIONS), ("", 0, AT))
        self.believed: dict[str, dict[int, int]] = {one: {} for one in WORKERS}
        """What each worker was told the last time: partition -> fence."""

    @rule(worker=st.sampled_from(WORKERS), wanted=st.integers(0, PARTITIONS))
    def claim(self, worker: str, wanted: int) -> None:
        found = self.hot.claim(worker, self.now, LEASE, wanted=wanted)
        mine = [one for one, (owner, _, _) in self.owners.items() if owner == worker]
        assert {one.partition for one in found} >= set(mine[:wanted])
        assert len(found) <= wanted
        for one in found:
            owner, fence, until = self.owners[one.partition]
            assert owner in {worker, ""} or until <= self.now
            assert one.fence > fence if owner != worker else one.fence == fence
        free = [one for one, (owner, _, until) in self.owners.items() if not owner or until <= self.now]
        assert len(found) == min(wanted, len({*mine, *free}))
        given_up = {one for one in mine if one not in {found_one.partition for found_one in found}}
        self.owners |= {one: ("", self.owners[one][1], AT) for one in given_up}
        self.owners |= {one.partition: (worker, one.fence, one.until) for one in found}
        self.believed[worker] = {one.partition: one.fence for one in found}

    @rule(worker=st.sampled_from(WORKERS))
    def release(self, worker: str) -> None:
        self.hot.release(worker)
        for one, (owner, fence, _) in self.owners.items():
            if owner == worker:
                self.owners[one] = ("", fence, AT)

    @rule(seconds=st.integers(1, 6))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: any(self.believed.values()))
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        """By a worker who believes that it owns the partition, rightly or not, with what it saw, rightly or not."""
        worker = data.draw(st.sampled_from([one for one in WORKERS if self.believed[one]]))
        partition = data.draw(st.sampled_from(sorted(self.believed[worker])))
        people = [one for one in CUSTOMERS if partition_of(one, PARTITIONS) == partition]
        customers = data.draw(st.sets(st.sampled_from(people)))
        after = data.draw(st.sampled_from([None, self.positions[partition], self.positions[partition] + 1]))
        seen = {one: data.draw(st.one_of(st.just(self.states.get(one)), STATES)) for one in sorted(customers)}
        timers = [
            Timer(one, data.draw(st.sampled_from("tu")), self.now + timedelta(seconds=data.draw(st.integers(-3, 3))))
            for one in sorted(customers)
        ]
        change = Change(
            partition,
            self.believed[worker][partition],
            self.positions[partition] + data.draw(st.integers(0, 3)),
            states={one: data.draw(st.binary(min_size=1, max_size=5)) for one in sorted(customers)},
            set_timers=timers,
            drop_timers=data.draw(st.lists(st.tuples(st.sampled_from(people), st.sampled_from("tu")))),
            after=after,
            seen=seen,
        )
        stale = change.fence != self.owners[partition][1] or after not in {None, self.positions[partition]}
        changed = sorted(one for one, state in seen.items() if self.states.get(one) != state)
        if stale or changed:
            with pytest.raises(Fenced if stale else Overtaken) as caught:
                self.hot.commit(change)
            if isinstance(caught.value, Overtaken):
                assert list(caught.value.customers) == changed
            return
        self.hot.commit(change)
        self.states |= change.states
        self.positions[partition] = change.position
        for key in change.drop_timers:
            self.timers.pop(key, None)
        self.timers |= {(one.customer_id, one.name): one for one in timers}

    @precondition(lambda self: any(self.believed.values()))
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from([one for one in WORKERS if self.believed[one]]))
        partition, fence = data.draw(st.sampled_from(sorted(self.believed[worker].items())))
        after = self.positions[partition] + data.draw(st.sampled_from([0, 0, 1]))
        people = [one for one in CUSTOMERS if partition_of(one, PARTITIONS) == partition]
        owned = Owned(partition, fence, self.now)
        if fence != self.owners[partition][1] or after != self.positions[partition]:
            with pytest.raises(Fenced):
                self.hot.look(owned, people, after=after)
        else:
            assert self.hot.look(owned, people, after=after) == [self.states.get(one) for one in people]

    @rule(data=st.data())
    def put(self, data: st.DataObject) -> None:
        customers = sorted(data.draw(st.sets(st.sampled_from(CUSTOMERS))))
        seen = {one: data.draw(st.one_of(st.just(self.states.get(one)), STATES)) for one in customers}
        new = {one: data.draw(st.binary(min_size=1, max_size=5)) for one in customers}
        changed = [one for one in customers if self.states.get(one) != seen[one]]
        assert sorted(self.hot.put({one: (seen[one], new[one]) for one in customers})) == changed
        self.states |= {one: new[one] for one in customers if one not in changed}

    @rule()
    def open_again(self) -> None:
        self.hot.close()
        self.hot = open_hot(self.settings, self.root)

    @invariant()
    def it_holds_what_was_kept(self) -> None:
        assert self.hot.get(list(CUSTOMERS)) == [self.states.get(one) for one in CUSTOMERS]
        for partition in range(PARTITIONS):
            assert self.hot.position(partition) == self.positions[partition]
            due = [one for one in self.timers.values() if partition_of(one.customer_id, PARTITIONS) == partition]
            expected = sorted((one for one in due if one.due <= self.now), key=lambda one: one.due)
            found = self.hot.due(partition, self.now, limit=100)
            assert [one.due for one in found] == [one.due for one in expected]
            assert {(one.customer_id, one.name) for one in found} == {(one.customer_id, one.name) for one in expected}

    def teardown(self) -> None:
        self.hot.close()
        shutil.rmtree(self.root)


@pytest.mark.parametrize("machine", [LogMachine, HotMachine])
def test_in_a_file(machine: type[LogMachine | HotMachine]) -> None:
    _run(machine, partial(LiveSettings, partitions=PARTITIONS), examples=8, steps=14)


@pytest.mark.streams
@pytest.mark.parametrize("machine", [LogMachine, HotMachine])
def test_on_a_server(machine: type[LogMachine | HotMachine], distributed_settings: Callable[[], LiveSettings]) -> None:
    _run(machine, distributed_settings, examples=5, steps=12)


def _run(
    machine: type[LogMachine | HotMachine], given: Callable[[], LiveSettings], *, examples: int, steps: int
) -> None:
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(lambda: machine(given), settings=chosen)  # type: ignore[arg-type]
