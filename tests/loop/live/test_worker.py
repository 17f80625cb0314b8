"""Workers of the live side: each event is folded in once and heard once, whoever dies or interferes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from tests.execution.triggers.streams import bank, pack, trigger
from tests.servers.once import Once
from tests.servers.stores import SQLITE, put_store

from cultiva.contracts.moments import Moment, read_hot, write_hot, write_moment
from cultiva.definitions.live import LiveSettings
from cultiva.definitions.triggers import Trigger
from cultiva.execution.tables import FIRING
from cultiva.insight.live.service import Live
from cultiva.loop.live.worker import LiveWorker
from cultiva.loop.parts import Parts
from cultiva.store import Store, open_store
from cultiva.stream import Change, HotStore, Log, Record, open_hot, open_log, partition_of

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
CUSTOMER = 7


def minutes(count: float) -> datetime:
    return AT + timedelta(minutes=count)


def told(name: str, minute: float, *, customer: int = CUSTOMER, **properties: Any) -> Record:
    """An event in the log."""
    at = minutes(minute)
    day = at.astimezone(ZoneInfo("Asia/Shanghai")).date()
    named = f"{name}-{customer}-{minute}"
    return Record(
        named, customer, write_moment(Moment(named, customer, name, at, day, at, channel="app", properties=properties))
    )


@cache
def profiles() -> Live:
    """The live profiles of the starter pack: nothing of any customer is kept in them."""
    return Live(pack())


class Side:
    """A live side whose workspace is the starter pack; no night has been run."""

    def __init__(self, settings: LiveSettings, root: Path, store: Store) -> None:
        workspace = pack()
        workspace = replace(workspace, settings=workspace.settings.model_copy(update={"live": settings}))
        nothing = cast(Any, None)  # there is no lake, and nobody asks for it
        self.parts = Parts(workspace, nothing, nothing, store, lambda: AT)
        self.log: Log = open_log(settings, root)
        self.hot: HotStore = open_hot(settings, root)
        self.live = profiles()

    def defined(self, *triggers: Trigger) -> Parts:
        """The same with other triggers."""
        workspace = self.parts.workspace
        return replace(self.parts, workspace=bank(workspace, workspace.events.values(), triggers))

    def redefined(self, *, begun_anew: bool) -> tuple[list[tuple[str, int]], list[bytes | None]]:
        """Firings and what is known after definitions have changed under a worker, or another one came in its place."""
        new = self.defined(self.parts.workspace.triggers["deposit_matures"], trigger("opened", "app_opened"))
        worker = self.worker()
        self.log.append([told("deposit_matured", 0, amount=50_000.0, account="A")])
        self.log.append([told("loan_started", 0, amount=9_000.0, product="x")])
        until_idle(worker, minutes(1))
        if begun_anew:
            worker.close()
            worker = LiveWorker(new, self.log, self.hot, "next")
        else:
            assert worker.define(new) and not worker.define(new)
        self.log.append([told("app_opened", 10), told("complaint_opened", 10, topic="fees")])
        until_idle(worker, minutes(11))
        until_idle(worker, minutes(90))
        return self.firings(), self.hot.get([CUSTOMER])

    def worker(self, name: str = "w", hot: HotStore | None = None) -> LiveWorker:
        return LiveWorker(self.parts, self.log, hot or self.hot, name, live=self.live)

    def opened_app(self, customer: int = CUSTOMER) -> Any:
        """How often a customer has opened the app within thirty days, as their profile says."""
        [state] = self.hot.get([customer])
        return self.live.row(read_hot(state).profile, AT)["app_opens_30d"]

    def firings(self) -> list[tuple[str, int]]:
        with self.parts.store.database.reading() as connection:
            rows = connection.execute(select(FIRING.c.trigger, FIRING.c.customer_id).order_by(FIRING.c.firing_id))
            return [tuple(row) for row in rows]


@pytest.fixture
def here(tmp_path: Path, store: Store) -> Iterator[Side]:
    """In files."""
    made = Side(LiveSettings(partitions=3), tmp_path, store)
    yield made
    made.log.close()
    made.hot.close()


@pytest.fixture
def side(live_settings: LiveSettings, tmp_path: Path, store: Store) -> Iterator[Side]:
    made = Side(live_settings, tmp_path, store)
    yield made
    made.log.close()
    made.hot.close()


def until_idle(worker: LiveWorker, at: datetime) -> int:
    """Rounds until there is nothing to do; how many records were taken account of."""
    total = 0
    while not (did := worker.round(at)).idle:
        total += did.records
    return total


def test_what_comes_in_is_in_the_profile_once(side: Side) -> None:
    customers = range(1, 30)
    side.log.append([told("app_opened", minute, customer=one) for one in customers for minute in (0, 1, 2)])
    with closing(side.worker()) as worker:
        assert until_idle(worker, minutes(3)) == 87
        side.log.mark("2026-11-23")
        side.log.append([told("app_opened", 4), told("app_opened", 1)])
        assert until_idle(worker, minutes(5)) == 1
    assert [side.opened_app(one) for one in customers] == [4 if one == CUSTOMER else 3 for one in customers]


def test_a_trigger_fires_when_nothing_follows_and_only_then(side: Side) -> None:
    worker = side.worker()
    side.log.append([told("deposit_matured", 0, customer=one, amount=50_000.0, account="A") for one in (7, 8, 9)])
    until_idle(worker, minutes(1))
    side.log.append([told("deposit_renewed", 20, customer=8, account="A")])
    until_idle(worker, minutes(59.9))
    assert side.firings() == []
    side.log.append([told("deposit_renewed", 59.95, customer=9, account="A")])
    until_idle(worker, minutes(61))
    assert side.firings() == [("deposit_matures", 7)]
    until_idle(worker, minutes(300))
    assert len(side.firings()) == 1


def test_what_begins_and_ends_within_a_batch_leaves_no_timer(here: Side) -> None:
    begun = told("deposit_matured", 0, amount=50_000.0, account="A")
    worker, partition = here.worker(), partition_of(CUSTOMER, here.log.partitions)
    here.log.append([begun, told("deposit_renewed", 2, account="A")])
    until_idle(worker, minutes(3))
    assert here.hot.due(partition, minutes(1_000), limit=10) == []
    until_idle(worker, minutes(1_000))
    assert here.firings() == []


class Dying:
    """A hot store under a worker that dies before what it made becomes visible.

    Args:
        hot: The real one.
        before: What happens instead; it may raise.
    """

    def __init__(self, hot: HotStore, before: Callable[[Change], None]) -> None:
        self._hot, self._before = hot, before

    def commit(self, change: Change) -> None:
        self._before(change)
        self._hot.commit(change)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hot, name)


class Death(Exception):
    """Of a worker."""


def test_what_a_dead_worker_had_done_outside_is_not_done_twice(here: Side) -> None:
    def die(_: Change) -> None:
        raise Death

    here.log.append([told("complaint_opened", 0, topic="fees"), told("app_opened", 0)])
    with pytest.raises(Death):
        until_idle(here.worker("a", cast(HotStore, Dying(here.hot, die))), minutes(1))
    assert here.firings() == [("complaint_received", CUSTOMER)]
    assert here.hot.get([CUSTOMER]) == [None]
    assert here.worker("b").round(minutes(1)).records == 0  # a's time is not over yet
    assert until_idle(here.worker("b"), minutes(2)) == 2
    assert here.firings() == [("complaint_received", CUSTOMER)]
    assert here.opened_app() == 1


def test_what_somebody_puts_meanwhile_is_not_lost(side: Side) -> None:
    """A night is published while a worker is at it: what is put between its look and its change must stay."""
    put: list[Sequence[int]] = []

    def interfere(change: Change) -> None:
        if not put and change.states:
            [state] = side.hot.get([CUSTOMER])
            record = read_hot(state)
            record.decisions = msgspec.Raw(b"\xa5shown")
            put.append(side.hot.put({CUSTOMER: (state, write_hot(record))}))

    side.log.append([told("app_opened", 0)])
    worker = side.worker(hot=cast(HotStore, Dying(side.hot, interfere)))
    assert worker.round(minutes(1)).overtaken == 1
    assert put == [[]]
    [state] = side.hot.get([CUSTOMER])
    assert bytes(read_hot(state).decisions) == b"\xa5shown"
    assert side.opened_app() == 1


def test_a_record_that_cannot_be_read_is_told_and_passed_over(here: Side) -> None:
    here.log.append([Record("broken", CUSTOMER, b"{not a moment"), told("app_opened", 0)])
    worker = here.worker()
    until_idle(worker, minutes(1))
    assert worker.troubles == {"": 1}
    assert here.opened_app() == 1


def test_workers_come_and_go_and_partitions_move(here: Side) -> None:
    first, second = here.worker("a"), here.worker("b")
    assert first.round(minutes(0)).partitions == 3
    assert second.round(minutes(0)).partitions == 0  # a does not know yet
    assert first.round(minutes(0.05)).partitions == 2
    assert second.round(minutes(0.05)).partitions == 1
    here.log.append([told("app_opened", 0, customer=one) for one in range(40)])
    assert first.round(minutes(0.06)).records + second.round(minutes(0.06)).records == 40
    first.close()
    assert second.round(minutes(0.1)).partitions == 3
    assert here.worker("c").round(minutes(5)).partitions == 3  # b has not been heard of for too long


def test_a_worker_with_changed_definitions_is_as_one_that_began_with_them(tmp_path: Path, once: Once) -> None:
    """A timer set before rings by the new definitions; one whose trigger is gone brings nothing about."""
    ends = []
    for begun_anew in (False, True):
        root = tmp_path / str(begun_anew)
        root.mkdir()
        put_store(once, root)
        with closing(open_store(SQLITE, root)) as store:
            side = Side(LiveSettings(partitions=3), root, store)
            ends.append(side.redefined(begun_anew=begun_anew))
            side.log.close()
            side.hot.close()
    assert sorted(ends[0][0]) == [("deposit_matures", CUSTOMER), ("opened", CUSTOMER)]
    assert ends[0] == ends[1]


def test_partitions_and_fences_stay_while_definitions_change(here: Side) -> None:
    first, second = here.worker("a"), here.worker("b")
    here.log.append([told("app_opened", 0, customer=one) for one in range(20)])
    assert first.round(minutes(0)).records == 20
    assert first.define(here.defined(trigger("opened", "app_opened")))
    assert second.round(minutes(0)).partitions == 0
    here.log.append([told("app_opened", 0.01, customer=one) for one in range(20)])
    did = first.round(minutes(0.01))
    assert (did.records, did.fenced, did.firings) == (20, 0, 20)
    here.log.append([told("app_opened", 9, customer=one) for one in range(20)])
    assert second.round(minutes(9)).records == 20
    first.define(here.defined())
    assert (first.round(minutes(0.02)).records, here.opened_app(11)) == (0, 3)


def test_definitions_that_cannot_be_compiled_are_left_and_told_once(here: Side) -> None:
    worker, bad = here.worker(), here.defined(trigger("opened", "app_opened", when="no_such_tag > 1"))
    here.log.append([Record("broken", CUSTOMER, b"{not a moment")])
    until_idle(worker, minutes(0))
    with capture_logs() as said:
        assert not worker.define(bad) and not worker.define(bad)
    assert [one["event"] for one in said] == ["live.definitions_left"]
    here.log.append([told("complaint_opened", 1, topic="fees")])
    until_idle(worker, minutes(2))
    assert here.firings() == [("complaint_received", CUSTOMER)]
    assert worker.define(here.defined()) and worker.troubles == {"": 1}
