from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from tests.store.days import AT, DAY, snapshot

from cultiva.contracts.snapshots import SnapshotCatalogue
from cultiva.kit.errors import CultivaError
from cultiva.store import Store
from cultiva.store.repositories.snapshots import Snapshots

YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)


def publish(store: Store, *days: date, version: str = "a", table: str = "profile") -> None:
    store.snapshots.publish([snapshot(table, day, version=version) for day in days], step="tags", at=AT)


def test_the_catalogue_answers_by_date(store: Store) -> None:
    catalogue: SnapshotCatalogue = store.snapshots
    publish(store, YESTERDAY, TOMORROW)
    publish(store, DAY, table="grid")
    assert catalogue.current("profile", DAY) is None
    assert catalogue.current("profile", YESTERDAY) == snapshot(day=YESTERDAY)
    assert catalogue.latest("profile") == snapshot(day=TOMORROW)
    assert catalogue.latest("profile", DAY) == snapshot(day=YESTERDAY)
    assert catalogue.latest("profile", YESTERDAY) == snapshot(day=YESTERDAY)
    assert catalogue.latest("profile", YESTERDAY - timedelta(days=1)) is None
    assert catalogue.before("profile", TOMORROW) == snapshot(day=YESTERDAY)
    assert catalogue.before("profile", YESTERDAY) is None
    assert catalogue.history("profile", DAY) == (snapshot(day=YESTERDAY),)
    assert catalogue.history("profile", TOMORROW) == (snapshot(day=YESTERDAY), snapshot(day=TOMORROW))
    assert catalogue.published() == (
        snapshot("grid"),
        snapshot(day=YESTERDAY),
        snapshot(day=TOMORROW),
    )


def test_a_store_of_one_moment_gives_the_same_answers_and_does_not_ask_again(store: Store) -> None:
    days = (YESTERDAY - timedelta(days=1), YESTERDAY, DAY, TOMORROW)
    assert store.at_one_moment("profile").snapshots.latest("profile") is None
    publish(store, YESTERDAY, DAY)
    publish(store, DAY, TOMORROW, table="customer")  # a run of the next day has begun
    publish(store, YESTERDAY, table="grid")
    now, once = store.snapshots, store.at_one_moment("profile").snapshots
    asked = [(table, day) for table in ("profile", "customer", "grid", "plan") for day in days]

    def answers(found: Snapshots) -> list[object]:
        return [
            *(found.current(table, day) for table, day in asked),
            *(found.latest(table, day) for table, day in asked),
            *(found.latest(table) for table in ("profile", "customer", "grid", "plan")),
            *(found.of_day(day) for day in days),
        ]

    before = answers(now)
    assert answers(once) == before
    publish(store, DAY, TOMORROW, version="b")
    assert answers(once) == before
    assert answers(store.at_one_moment("profile").snapshots) == answers(now) != before
    once.publish([snapshot("grid")], step="tags", at=AT)
    assert answers(once) == answers(now)
    once.withdraw([snapshot("grid")])
    assert answers(once) == answers(now)


def test_publishing_replaces_only_the_same_table_and_date(store: Store) -> None:
    publish(store, YESTERDAY, DAY)
    publish(store, DAY, version="b")
    assert store.snapshots.history("profile", DAY) == (snapshot(day=YESTERDAY), snapshot(version="b"))


def test_an_older_snapshot_may_be_published_again(store: Store) -> None:
    publish(store, DAY)
    publish(store, DAY, version="b")
    publish(store, DAY)
    assert store.snapshots.current("profile", DAY) == snapshot()


def test_a_folder_is_not_published_with_other_content(store: Store) -> None:
    publish(store, DAY)
    changed = snapshot().__class__(**{**vars(snapshot()), "fingerprint": "other"})
    with pytest.raises(CultivaError) as caught:
        store.snapshots.publish([snapshot("grid"), changed], step="tags", at=AT)
    assert caught.value.code == "store.path_reused"
    assert store.snapshots.published() == (snapshot(),)


def test_a_withdrawn_snapshot_is_out_of_sight(store: Store) -> None:
    publish(store, YESTERDAY, DAY)
    store.snapshots.withdraw([snapshot(day=YESTERDAY)])
    assert store.snapshots.published() == (snapshot(),)
    publish(store, YESTERDAY)
    assert len(store.snapshots.published()) == 2


def test_a_reader_sees_all_of_a_publication_or_none(store: Store) -> None:
    tables = [f"table_{number}" for number in range(8)]
    over = threading.Event()
    torn: list[set[str]] = []
    seen: set[str] = set()

    def read() -> None:
        while not over.is_set():
            versions = {found.path[-1] for found in store.snapshots.published()}
            seen.update(versions)
            if len(versions) > 1:
                torn.append(versions)

    reader = threading.Thread(target=read)
    reader.start()
    for version in "abcdefghij" * 3:
        store.snapshots.publish([snapshot(table, version=version) for table in tables], step="tags", at=AT)
    over.set()
    reader.join()
    assert torn == []
    assert len(seen) > 1
