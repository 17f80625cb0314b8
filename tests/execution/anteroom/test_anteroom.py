"""What waits, what was refused and who visitors are, alike on both stores."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from cultiva.contracts.anteroom import USER, VISITOR, RefusedCount, RefusedEvent, VisitorLink, WaitingEvent
from cultiva.execution.anteroom.service import StoredAnteroom
from cultiva.store import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def waits(number: int, who: str, *, minute: int = 0) -> WaitingEvent:
    return WaitingEvent(f"m{number}", who, NOW + timedelta(minutes=minute), {"name": "开始", "at": number})


def refused(number: int, reason: str, *, minute: int = 0, name: str = "loan") -> RefusedEvent:
    at = NOW + timedelta(minutes=minute)
    return RefusedEvent(f"q{number}", f"m{number}", at, reason, name, "app", {"field": "x", "message": {"a": "text"}})


@pytest.fixture
def room(store: Store) -> StoredAnteroom:
    return StoredAnteroom(store.database)


def test_the_newest_word_about_a_visitor_counts(room: StoredAnteroom) -> None:
    def said(visitor: str, name: str, hours: int) -> VisitorLink:
        return VisitorLink(visitor, "core", name, NOW + timedelta(hours=hours))

    room.link([said("v1", "C1", 1), said("v1", "C2", 2), said("v2", "C3", 1)])
    room.link([said("v1", "C4", 0), said("v2", "C5", 1)])
    assert room.visitors(["v1", "v2", "v3"]) == {"v1": ("core", "C2"), "v2": ("core", "C5")}
    assert room.visitors([]) == {}


def test_events_wait_once_until_they_are_claimed(room: StoredAnteroom) -> None:
    first = [waits(1, f"{VISITOR}v1", minute=2), waits(2, f"{VISITOR}v1", minute=1), waits(3, f"{USER}core:C_9%")]
    assert sorted(room.wait([*first, first[0]])) == ["m1", "m2", "m3"]
    assert room.wait([waits(1, f"{VISITOR}v2"), waits(4, f"{VISITOR}w")]) == ["m4"]
    assert room.waits() == {"visitor": 3, "user": 1}
    assert room.waiting([f"{VISITOR}v1"], limit=10) == [first[1], first[0]]
    assert [one.message_id for one in room.waiting([f"{VISITOR}v1", f"{USER}core:C_9%"], limit=2)] == ["m3", "m2"]
    everybody = room.waited_for(after="", limit=10)
    assert sorted(everybody) == sorted([f"{USER}core:C_9%", f"{VISITOR}v1", f"{VISITOR}w"])
    assert [*room.waited_for(after="", limit=2), *room.waited_for(after=everybody[1], limit=2)] == everybody
    room.claimed(["m1", "m2"])
    room.claimed([])
    assert room.waits() == {"visitor": 1, "user": 1}


def test_refused_events_are_counted_by_reason(room: StoredAnteroom) -> None:
    room.refuse([refused(1, "nobody"), refused(2, "ahead", minute=1), refused(3, "ahead", minute=2)])
    room.refuse([refused(3, "ahead", minute=9)])
    later = NOW + timedelta(minutes=2)
    assert room.refused_counts(NOW) == [
        RefusedCount("ahead", "loan", "app", 2, later),
        RefusedCount("nobody", "loan", "app", 1, NOW),
    ]
    assert room.refused_counts(later) == [RefusedCount("ahead", "loan", "app", 1, later)]
    assert room.refused(limit=2) == [refused(3, "ahead", minute=2), refused(2, "ahead", minute=1)]
    assert room.refused(reason="nobody") == [refused(1, "nobody")]


def test_what_is_too_old_goes(room: StoredAnteroom) -> None:
    room.wait([waits(1, f"{VISITOR}v1"), waits(2, f"{VISITOR}v1", minute=5)])
    room.refuse([refused(1, "ahead"), refused(2, "ahead", minute=5)])
    at = NOW + timedelta(minutes=1)
    assert room.expire(waiting_before=at, refused_before=at) == (1, 1)
    assert [one.message_id for one in room.waiting([f"{VISITOR}v1"], limit=9)] == ["m2"]
    assert [one.message_id for one in room.refused()] == ["m2"]


def test_two_processes_that_keep_the_same_events_agree(room: StoredAnteroom) -> None:
    """Each event is new to exactly one of them, and nobody waits for the other in vain."""
    ready = threading.Barrier(4)

    def keep(turn: int) -> list[str]:
        ready.wait(30)
        events = [waits(number, f"{VISITOR}v") for number in range(40)]
        return room.wait(events if turn % 2 else events[::-1])

    with ThreadPoolExecutor(4) as pool:
        found = [name for names in pool.map(keep, range(4)) for name in names]
    assert sorted(found) == sorted(f"m{number}" for number in range(40))
