from __future__ import annotations

import threading

from tests.store.days import AT, DAY, REQUEST, later, snapshot

from cultiva.store import IdentityChange, IdentityChangeKind, Lease, StepResult, Store

MERGE = IdentityChange(IdentityChangeKind.MERGE, DAY, from_ids=(3, 7, 9), to_ids=(3,), reason="id_number_hash")
SPLIT = IdentityChange(
    IdentityChangeKind.SPLIT, DAY, from_ids=(4,), to_ids=(4, 11), reason="phone is shared by too many"
)


def test_ids_begin_at_one_and_are_never_given_twice(store: Store) -> None:
    assert store.identity.highest_id() == 0
    assert store.identity.allocate_ids(100, run_id="r1", step="identity") == 1
    assert store.identity.allocate_ids(5, run_id="r2", step="identity") == 101
    assert store.identity.allocate_ids(0, run_id="r3", step="identity") == 106
    assert store.identity.allocate_ids(1, run_id="r3", step="leads") == 106
    assert store.identity.highest_id() == 106


def test_a_step_that_asks_again_gets_the_same_range(store: Store) -> None:
    store.identity.allocate_ids(10, run_id="r1", step="identity")
    assert store.identity.allocate_ids(10, run_id="r2", step="identity") == 11
    assert store.identity.allocate_ids(10, run_id="r3", step="identity") == 21
    assert store.identity.allocate_ids(10, run_id="r2", step="identity") == 11
    assert store.identity.highest_id() == 30


def test_asking_for_another_number_takes_the_last_range_back(store: Store) -> None:
    store.identity.allocate_ids(10, run_id="r1", step="identity")
    store.identity.allocate_ids(10, run_id="r2", step="identity")
    assert store.identity.allocate_ids(4, run_id="r2", step="identity") == 11
    assert store.identity.highest_id() == 14


def test_asking_for_another_number_never_touches_a_later_range(store: Store) -> None:
    store.identity.allocate_ids(10, run_id="r1", step="identity")
    store.identity.allocate_ids(10, run_id="r2", step="identity")
    assert store.identity.allocate_ids(4, run_id="r1", step="identity") == 21
    assert store.identity.allocate_ids(10, run_id="r2", step="identity") == 11
    assert store.identity.highest_id() == 24


def test_ranges_given_at_the_same_time_do_not_overlap(store: Store) -> None:
    given: list[int] = []

    def ask(number: int) -> None:
        given.extend(store.identity.allocate_ids(7, run_id=f"r{number}-{turn}", step="s") for turn in range(5))

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(given) == [1 + 7 * number for number in range(20)]


def test_changes_are_found_by_run_customer_and_date(store: Store) -> None:
    store.identity.record([MERGE, SPLIT], run_id="r1", at=AT)
    found = store.identity.changes()
    assert [(one.kind, one.from_ids, one.to_ids, one.run_id) for one in found] == [
        (IdentityChangeKind.MERGE, (3, 7, 9), (3,), "r1"),
        (IdentityChangeKind.SPLIT, (4,), (4, 11), "r1"),
    ]
    assert [one.reason for one in store.identity.changes(customer_id=7)] == ["id_number_hash"]
    assert [one.kind for one in store.identity.changes(customer_id=11)] == [IdentityChangeKind.SPLIT]
    assert store.identity.changes(customer_id=5) == ()
    assert store.identity.changes(run_id="r2") == ()
    assert len(store.identity.changes(upto=DAY)) == 2
    assert store.identity.changes(upto=DAY.replace(day=29)) == ()


def test_recording_again_replaces_what_the_same_run_recorded(store: Store) -> None:
    store.identity.record([MERGE, SPLIT], run_id="r1", at=AT)
    store.identity.record([MERGE], run_id="r2", at=later(1))
    store.identity.record([SPLIT], run_id="r1", at=later(2))
    assert [(one.run_id, one.kind) for one in store.identity.changes()] == [
        ("r2", IdentityChangeKind.MERGE),
        ("r1", IdentityChangeKind.SPLIT),
    ]


def test_changes_are_recorded_as_the_map_is_published(store: Store, lease: Lease) -> None:
    run = store.runs.begin(REQUEST, lease=lease, at=AT)
    store.runs.start_step(run, "identity", position=1, lease=lease, at=AT)
    write = store.identity.recording([MERGE], run_id=run.run_id, at=AT)
    assert store.identity.changes() == ()
    store.runs.finish_step(
        run, "identity", StepResult((snapshot("identity_map"),), writes=(write,)), lease=lease, at=AT
    )
    assert len(store.identity.changes(run_id=run.run_id)) == 1


def test_many_changes_keep_their_order(store: Store) -> None:
    many = [IdentityChange(IdentityChangeKind.MERGE, DAY, (n, n + 1), (n,), f"key {n}") for n in range(1, 1301)]
    store.identity.record(many, run_id="r1", at=AT)
    assert [(one.from_ids, one.reason) for one in store.identity.changes()] == [(o.from_ids, o.reason) for o in many]
