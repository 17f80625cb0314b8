"""The hot store keeps its promises, in a file and on a server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cultiva.definitions.live import LiveSettings
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.stream import Change, Fenced, HotStore, Overtaken, Timer, open_hot, partition_of

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LEASE = timedelta(seconds=5)
CUSTOMER = 5


@pytest.fixture
def hot(live_settings: LiveSettings, tmp_path: Path) -> Iterator[HotStore]:
    with closing(open_hot(live_settings, tmp_path)) as opened:
        yield opened


def fence_of(hot: HotStore, customer: int, worker: str = "a") -> tuple[int, int]:
    """The partition of a customer, claimed, and its fence."""
    partition = partition_of(customer, 3)
    return partition, {one.partition: one.fence for one in hot.claim(worker, AT, LEASE, wanted=3)}[partition]


def test_a_change_is_visible_as_a_whole(hot: HotStore) -> None:
    partition, fence = fence_of(hot, CUSTOMER)
    timer = Timer(CUSTOMER, "waits: 等", AT + timedelta(minutes=3), b"body \x00\xff")
    hot.commit(Change(partition, fence, 7, states={CUSTOMER: b"one \x00\xff"}, set_timers=[timer]))
    assert hot.get([CUSTOMER]) == [b"one \x00\xff"]
    assert hot.get([99, CUSTOMER, 99, CUSTOMER]) == [None, b"one \x00\xff", None, b"one \x00\xff"]
    assert hot.get([]) == []
    assert hot.position(partition) == 7
    assert hot.due(partition, AT + timedelta(hours=1), limit=10) == [timer]


@pytest.mark.parametrize("fault", ["fence", "after", "seen", "seen nothing"])
def test_a_change_that_does_not_fit_changes_nothing(hot: HotStore, fault: str) -> None:
    partition, fence = fence_of(hot, CUSTOMER)
    timer = Timer(CUSTOMER, "t", AT)
    hot.commit(Change(partition, fence, 7, states={CUSTOMER: b"one"}, set_timers=[timer]))
    asked = {
        "fence": Change(partition, fence - 1, 9, {CUSTOMER: b"two"}, drop_timers=[(CUSTOMER, "t")]),
        "after": Change(partition, fence, 9, {CUSTOMER: b"two"}, drop_timers=[(CUSTOMER, "t")], after=6),
        "seen": Change(partition, fence, 9, {CUSTOMER: b"two"}, after=7, seen={CUSTOMER: b"on"}),
        "seen nothing": Change(partition, fence, 9, {CUSTOMER: b"two"}, after=7, seen={CUSTOMER: None}),
    }[fault]
    with pytest.raises(Overtaken if fault.startswith("seen") else Fenced) as caught:
        hot.commit(asked)
    if isinstance(caught.value, Overtaken):
        assert caught.value.customers == (CUSTOMER,)
    assert hot.get([CUSTOMER]) == [b"one"]
    assert hot.position(partition) == 7
    assert hot.due(partition, AT, limit=10) == [timer]
    hot.commit(Change(partition, fence, 9, {CUSTOMER: b"two"}, after=7, seen={CUSTOMER: b"one"}))
    assert hot.get([CUSTOMER]) == [b"two"]


def test_a_timer_set_again_moves_and_one_that_is_dropped_and_set_stands(hot: HotStore) -> None:
    partition, fence = fence_of(hot, CUSTOMER)
    first, other = Timer(CUSTOMER, "t", AT, b"1"), Timer(CUSTOMER, "u", AT + timedelta(microseconds=1))
    hot.commit(Change(partition, fence, 1, set_timers=[other, first]))
    assert hot.due(partition, AT + LEASE, limit=10) == [first, other]
    assert hot.due(partition, AT + LEASE, limit=1) == [first]
    assert hot.due(partition, AT, limit=10) == [first]
    assert hot.due(partition, AT - timedelta(microseconds=1), limit=10) == []
    moved = Timer(CUSTOMER, "t", AT + timedelta(seconds=1), b"2")
    hot.commit(Change(partition, fence, 2, set_timers=[moved], drop_timers=[(CUSTOMER, "t"), (CUSTOMER, "u")]))
    assert hot.due(partition, AT + LEASE, limit=10) == [moved]


def test_workers_share_partitions_and_what_nobody_renews_is_free_again(hot: HotStore) -> None:
    assert hot.attend("a", AT, LEASE) == ["a"]
    assert [one.partition for one in hot.claim("a", AT, LEASE, wanted=3)] == [0, 1, 2]
    assert hot.attend("b", AT, LEASE) == ["a", "b"]
    assert hot.claim("b", AT, LEASE, wanted=1) == []  # a has not given any up yet
    kept = hot.claim("a", AT, LEASE, wanted=2)
    assert [one.partition for one in kept] == [0, 1]
    [moved] = hot.claim("b", AT, LEASE, wanted=1)
    assert moved.partition == 2
    assert moved.until == AT + LEASE
    later = AT + LEASE
    assert hot.attend("b", later, LEASE) == ["b"]  # a has not been heard of
    taken = hot.claim("b", later, LEASE, wanted=3)
    assert [one.partition for one in taken] == [0, 1, 2]
    assert {one.fence for one in taken[:2]} == {kept[0].fence + 1}
    assert taken[2].fence == moved.fence  # it was its own all the time
    for old in kept:
        with pytest.raises(Fenced):
            hot.commit(Change(old.partition, old.fence, 1))
    assert hot.claim("a", later, LEASE, wanted=3) == []


def test_who_leaves_is_not_waited_for(hot: HotStore) -> None:
    hot.attend("a", AT, LEASE)
    hot.claim("a", AT, LEASE, wanted=3)
    hot.release("a")
    assert hot.attend("b", AT, LEASE) == ["b"]
    assert len(hot.claim("b", AT, LEASE, wanted=3)) == 3


def test_only_what_is_still_what_it_was_is_replaced(hot: HotStore) -> None:
    people = range(100, 120)
    assert hot.put(dict.fromkeys(people, (None, b"first"))) == []
    assert sorted(hot.put(dict.fromkeys(people, (None, b"second")))) == list(people)
    mixed = {one: (b"first" if one % 2 else b"other", b"third") for one in people}
    assert sorted(hot.put(mixed)) == [one for one in people if not one % 2]
    assert hot.get(list(people)) == [b"third" if one % 2 else b"first" for one in people]
    assert hot.put({}) == []


def test_two_who_count_in_the_same_state_lose_no_count(live_settings: LiveSettings, tmp_path: Path) -> None:
    open_hot(live_settings, tmp_path).close()

    def count() -> None:
        with closing(open_hot(live_settings, tmp_path)) as hot:
            for _ in range(25):
                while True:
                    [seen] = hot.get([CUSTOMER])
                    if not hot.put({CUSTOMER: (seen, b"%d" % (int(seen or 0) + 1))}):
                        break

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(open_hot(live_settings, tmp_path)) as hot:
        assert hot.get([CUSTOMER]) == [b"75"]


def test_it_is_all_there_when_it_is_opened_again(live_settings: LiveSettings, tmp_path: Path) -> None:
    with closing(open_hot(live_settings, tmp_path)) as hot:
        partition, fence = fence_of(hot, CUSTOMER)
        hot.commit(Change(partition, fence, 3, {CUSTOMER: b"kept"}, set_timers=[Timer(CUSTOMER, "t", AT)]))
    with closing(open_hot(live_settings, tmp_path)) as hot:
        assert hot.get([CUSTOMER]) == [b"kept"]
        assert hot.due(partition, AT, limit=5) == [Timer(CUSTOMER, "t", AT)]
        hot.commit(Change(partition, fence, 4, after=3))
        assert hot.position(partition) == 4


def test_another_number_of_partitions_is_refused(live_settings: LiveSettings, tmp_path: Path) -> None:
    open_hot(live_settings, tmp_path).close()
    other = live_settings.model_copy(update={"partitions": live_settings.partitions + 1})
    with pytest.raises(CultivaError) as caught:
        open_hot(other, tmp_path)
    assert caught.value.code == "stream.other_partitions"


def test_an_address_of_nothing_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CultivaError) as caught:
        open_hot(LiveSettings(hot="memcached://user:secret@host"), tmp_path)
    assert caught.value.code == "stream.bad_address"
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_without_its_password(free_address: Callable[[str], str]) -> None:
    with pytest.raises(CultivaError) as caught:
        open_hot(LiveSettings(hot=free_address("redis")), Path())
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_is_known_of_erased_customers_is_gone(hot: HotStore) -> None:
    partition, fence = fence_of(hot, CUSTOMER)
    other = next(one for one in range(10, 1000) if partition_of(one, 3) == partition and str(one).startswith("5"))
    timers = [Timer(CUSTOMER, "waits: 等", AT), Timer(CUSTOMER, "b", AT), Timer(other, "b", AT, b"kept")]
    hot.commit(Change(partition, fence, 7, states={CUSTOMER: b"one", other: b"two"}, set_timers=timers))
    assert hot.erase([CUSTOMER, 99]) == 3
    assert hot.get([CUSTOMER, other]) == [None, b"two"]
    assert hot.due(partition, AT, limit=10) == [timers[2]]
    assert hot.position(partition) == 7
    with pytest.raises(Overtaken):
        hot.commit(Change(partition, fence, 8, states={CUSTOMER: b"back"}, seen={CUSTOMER: b"one"}))
    assert hot.erase([CUSTOMER]) == 0 == hot.erase([])
