"""The live path and the night say the same: every tag, segment and stage of every customer, day after day."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.commands import cultiva
from tests.stories.live_days import LiveBank, beside, living, merge_two, small_bank, work

from cultiva.contracts.moments import read_hot
from cultiva.definitions.live import LiveSettings
from cultiva.insight.live.program import Freshness
from cultiva.insight.live.records import read_base, read_held
from cultiva.loop.live.comparing import Compared
from cultiva.loop.live.parity import parity

FIRST = date(1994, 3, 31)
"""Clocks change in New York on the third of April."""
MERGED, SPLIT = date(1994, 4, 2), date(1994, 4, 4)
CUSTOMERS = 145
LAST = date(1994, 4, 5)
NEXT = timedelta(days=1)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank after its first night."""
    root = small_bank(tmp_path_factory.mktemp("parity") / "bank", customers=150, timezone="America/New_York")
    with living(root) as bank:
        bank.night(FIRST)
        bank.publish(FIRST)
    return root


@pytest.fixture
def bank(published: Path, tmp_path: Path) -> Iterator[LiveBank]:
    with living(Path(shutil.copytree(published, tmp_path / "bank"))) as bank:
        bank.know(FIRST)
        yield bank


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 16, tzinfo=UTC)


def midnight(day: date) -> datetime:
    """After the end of a day in New York."""
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + NEXT


def agreed(found: Compared) -> int:
    assert found.differences == 0, found.shown
    assert not found.left_out
    return found.compared


def test_every_day_ends_as_the_night_says(bank: LiveBank) -> None:
    """Late and out-of-order events, repeated ones, a merge, a split, a change of clocks, events while a run goes on."""
    party, on, compared = bank.parts.root / "data" / "party_core.csv", FIRST, 0
    before = party.read_text(encoding="utf-8")
    merge, merged, fired = merge_two(before), frozenset[int](), 0
    while on < LAST:
        on += NEXT
        bank.day(on, 150)
        work(bank, midnight(on))
        fired, wrong = bank.firings(midnight(on), skip=merged)
        assert wrong == 0
        party.write_text(merge if MERGED <= on < SPLIT else before, encoding="utf-8")
        bank.night(on)
        changed = bank.changed(on)
        merged |= changed
        assert bool(changed) == (on in (MERGED, SPLIT))
        if changed:  # what peers reach has changed with the bank's deliveries, which nobody could know before the night
            compared += agreed(parity(bank.parts, bank.side, now=noon(on)))
        else:
            compared += agreed(bank.compare(on))
        bank.send(bank.drawn(on + NEXT, 40, "night"))
        if on != MERGED:
            work(bank)  # else the worker comes to them after the records have been made anew
        bank.publish(on)
        work(bank)
        if on in (MERGED, LAST):
            compared += agreed(parity(bank.parts, bank.side, now=noon(on + NEXT)))
    assert compared > 5 * CUSTOMERS * 40
    assert bank.repeated > 20
    assert fired > 100
    assert bank.heard.withdrawn > 0
    assert moved_by_events(bank) > 100


def moved_by_events(bank: LiveBank) -> int:
    """Customers for whom events of these days count."""
    customers = sorted(set(bank.owners.values()))
    rows = [bank.live.row(read_hot(state).profile, noon(LAST)) for state in bank.hot.get(customers)]
    assert {Freshness.LIVE, Freshness.PROJECTED} <= set(bank.live.freshness.values())
    assert len({row["heavy"] for row in rows}) > 40
    return sum(row["parcels_ever"] > 0 for row in rows)


@pytest.mark.streams
def test_the_distributed_adapters_say_the_same(
    bank: LiveBank, distributed_settings: Callable[[], LiveSettings]
) -> None:
    with beside(bank, distributed_settings()) as other:
        other.log.mark(FIRST.isoformat())
        other.publish(FIRST)
        on = FIRST + NEXT
        events = bank.drawn(on, 150, "both")
        for one in (bank, other):
            one.send([*events, *events[:20]])
            work(one)
        other.log.mark(on.isoformat())
        bank.night(on)
        assert agreed(other.compare(on)) == agreed(bank.compare(on))
        other.publish(on)
        bank.publish(on)
        customers = sorted(set(bank.owners.values()))
        assert other.hot.get(customers) == bank.hot.get(customers)
        assert other.repeated == bank.repeated == 20


def test_a_difference_is_found_and_told(bank: LiveBank) -> None:
    on = FIRST + NEXT
    bank.day(on, 30)
    bank.night(on)
    victim = bank.drawn(on, 1, "lost")[0]
    (state,) = bank.hot.get([victim.customer_id])
    record = read_hot(state)
    record.profile = bank.live.fold(record.profile, [victim], FIRST.isoformat())
    bank.replace(victim.customer_id, state, record)
    found = bank.compare(on)
    assert found.differences > 0
    assert {one.customer_id for one in found.shown} == {victim.customer_id}
    asked = parity(bank.parts, bank.side, now=noon(on))
    assert asked.by_name == found.by_name
    told = cultiva("parity", bank.parts.root, "--set", "live.partitions=4", "--set", "live.enabled=true")
    assert told.code == 1
    assert f"customer {victim.customer_id}: " in told.out
    bank.publish(on, whole=True)  # as the night does when it finds a difference
    assert agreed(parity(bank.parts, bank.side, now=noon(on))) > 0, "the night puts it right"


def test_publishing_again_writes_nothing(bank: LiveBank) -> None:
    again = bank.publish(FIRST)
    assert (again.written, again.same) == (0, CUSTOMERS)
    bank.send(bank.drawn(FIRST + NEXT, 30, "later"))
    work(bank)
    customers = sorted(set(bank.owners.values()))
    states = bank.hot.get(customers)
    once_more = bank.publish(FIRST)
    assert (once_more.written, once_more.same) == (0, CUSTOMERS)
    assert bank.hot.get(customers) == states, "what has come in since stays"
    assert all(read_base(read_held(read_hot(state).profile).base) for state in states)
