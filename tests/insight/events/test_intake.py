"""Every message becomes exactly one of four things, durable and counted once, in whatever order things come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.memory_log import MemoryLog
from tests.insight.events.conftest import Door
from tests.insight.events.samples import NOW, Known, started, workspace

from cultiva.contracts.anteroom import RefusedEvent, VisitorLink, WaitingEvent
from cultiva.insight.events.message import Parcel, Sender
from cultiva.insight.events.service import Accepted, Intake


def anonymous(number: int | str, visitor: str = "v1", **more: Any) -> dict[str, Any]:
    return {**started(number, **more), "userId": None, "anonymousId": visitor}


def identify(visitor: str = "v1", user: str = "C1", **more: Any) -> dict[str, Any]:
    return {"type": "identify", "messageId": f"i-{visitor}-{user}", "userId": user, "anonymousId": visitor, **more}


def test_accepted_means_in_the_log_once(door: Door) -> None:
    assert door.take(started(1), started(2, userId="C2"), started(1)) == Accepted(new=2, repeated=1)
    assert door.take(started(2, userId="C2")) == Accepted(repeated=1)
    assert [(one.message_id, one.customer_id, one.source_id) for one in door.log.moments] == [
        ("m1", 1, "C1"),
        ("m2", 2, "C2"),
    ]


def test_what_is_refused_does_not_hold_up_the_rest(door: Door) -> None:
    found = door.take(started(1), started(2, event="no_such_event"), started(3, userId=None))
    assert found == Accepted(new=1, quarantined=2, reasons={"unknown_event": 1, "nobody": 1})
    door.take(started(2, event="no_such_event"))
    counts = {one.reason: (one.count, one.name, one.sender) for one in door.anteroom.refused_counts(NOW)}
    assert counts == {"unknown_event": (1, "no_such_event", "app"), "nobody": (1, "loan_started", "app")}
    newest = door.anteroom.refused(reason="nobody")
    assert [(one.message_id, one.body["field"]) for one in newest] == [("m3", "userId")]


def test_whose_ids_they_are_depends_on_the_sender() -> None:
    known = Known({("core", "1"): 1, ("web", "1"): 2, ("crm", "1"): 3}, ("core", "crm", "web"))
    settings = workspace(source_system="core", senders={"portal": "web"})
    log = MemoryLog()
    intake = Intake(settings, known, log, anteroom=Kept())  # type: ignore[arg-type]
    for number, sender in enumerate(("app", "portal")):
        intake.take([started(number, userId=1)], Sender(sender), NOW)
    intake.take([started(2, userId="1", context={"source_system": "crm"})], Sender("app"), NOW)
    intake.take([started(3, userId=1)], Sender("app", "crm"), NOW)
    assert [one.customer_id for one in log.moments] == [1, 2, 3, 3]


def test_a_visitor_is_waited_for_until_they_say_who_they_are(door: Door) -> None:
    assert door.take(anonymous(1), anonymous(2), anonymous(2)) == Accepted(waiting=2, repeated=1)
    assert door.take(anonymous(1)) == Accepted(repeated=1)
    assert door.anteroom.waits() == {"visitor": 2, "user": 0}
    assert door.take(identify()) == Accepted(linked=1, unwanted=1)
    assert [(one.message_id, one.customer_id, one.source_id) for one in door.log.moments] == [
        ("m1", 1, "C1"),
        ("m2", 1, "C1"),
    ]
    assert door.anteroom.waits() == {"visitor": 0, "user": 0}
    assert door.take(anonymous(1), anonymous(3)) == Accepted(new=1, repeated=1)


def test_events_and_the_word_who_it_was_may_come_together(door: Door) -> None:
    alias = {"type": "alias", "userId": "C2", "previousId": "v1", "messageId": "a"}
    assert door.take(anonymous(1), alias, anonymous(2)) == Accepted(new=2, linked=1, unwanted=1)
    assert {one.customer_id for one in door.log.moments} == {2}


def test_the_newest_word_counts_however_late_the_older_comes(door: Door) -> None:
    door.take(identify(user="C2", timestamp=NOW.isoformat()))
    door.take(identify(user="C1", timestamp=(NOW - timedelta(hours=1)).isoformat()))
    door.take(anonymous(1))
    assert [one.customer_id for one in door.log.moments] == [2]


def test_a_user_whom_no_run_has_seen_is_waited_for(door: Door) -> None:
    long = "x" * 200
    assert door.take(started(1, userId="C9"), started(2, userId=long)) == Accepted(waiting=2)
    assert door.take(identify("v1", "C9"), anonymous(3)) == Accepted(linked=1, unwanted=1, waiting=1)
    assert door.anteroom.waits() == {"visitor": 0, "user": 3}
    assert door.intake.settle() == 0
    door.known.customers |= {("core", "C9"): 9, ("core", long): 10}
    assert door.intake.settle() == 3
    assert [(one.message_id, one.customer_id) for one in door.log.moments] == [("m1", 9), ("m2", 10), ("m3", 9)]
    assert door.intake.settle() == 0


def test_a_visitor_whose_user_is_not_known_yet_waits_on(door: Door) -> None:
    door.take(anonymous(1))
    door.take(identify("v1", "C9"))
    assert door.anteroom.waits() == {"visitor": 1, "user": 0}
    door.known.customers["core", "C9"] = 9
    assert door.intake.settle() == 1
    assert [one.source_id for one in door.log.moments] == ["C9"]


def test_a_name_that_looks_like_another_kind_of_name_claims_nothing(door: Door) -> None:
    door.take(started(1, userId="C9"))
    door.take(identify("user:core:C9", "C1"), identify("core:C9", "C1"), anonymous(2, "user:core:C9"))
    assert [(one.message_id, one.customer_id) for one in door.log.moments] == [("m2", 1)]
    assert door.anteroom.waits() == {"visitor": 0, "user": 1}


def test_a_death_between_log_and_anteroom_loses_and_doubles_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.take(anonymous(1))
    with monkeypatch.context() as patched:
        patched.setattr(door.anteroom, "claimed", _dies)
        with pytest.raises(ConnectionError):
            door.take(identify())
    assert len(door.log.moments) == 1
    door.intake.settle()
    assert len(door.log.moments) == 1
    assert door.anteroom.waits() == {"visitor": 0, "user": 0}


def _dies(_ids: object) -> None:
    raise ConnectionError


def test_a_word_that_comes_between_look_and_write_is_seen(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process takes the identify call just before this one writes the visitor's event down."""
    wait = door.anteroom.wait

    def late(events: list[WaitingEvent]) -> list[str]:
        door.anteroom.link([VisitorLink("v1", "core", "C1", NOW)])
        return wait(events)

    monkeypatch.setattr(door.anteroom, "wait", late)
    door.take(anonymous(1))
    assert [one.customer_id for one in door.log.moments] == [1]


def test_many_waiting_events_are_claimed(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cultiva.insight.events.service.CLAIMED_AT_ONCE", 7)
    door.take(*(anonymous(number, f"v{number % 10}") for number in range(40)))
    door.take(started("x", userId="C9"))
    door.take(*(identify(f"v{number}") for number in range(9)))
    assert len(door.log.moments) == 36
    door.anteroom.link([VisitorLink("v9", "core", "C2", NOW)])
    assert door.intake.settle() == 4


def test_what_is_too_old_is_let_go(door: Door) -> None:
    door.take(anonymous(1), started(2, event="nothing"))
    before, after = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
    assert door.anteroom.expire(waiting_before=before, refused_before=before) == (0, 0)
    assert door.anteroom.expire(waiting_before=after, refused_before=after) == (1, 1)


def test_parcels_of_several_senders_are_counted_apart(door: Door) -> None:
    import msgspec

    one = Parcel([msgspec.json.encode(started(1))], Sender("app"), NOW)
    two = Parcel([msgspec.json.encode(started(2)), b"{"], Sender("web"), NOW, call="track")
    three = Parcel([msgspec.json.encode(anonymous(3))], Sender("web"), NOW)
    assert door.intake.take_all([one, two, three, Parcel([], Sender("web"), NOW)]) == [
        Accepted(new=1),
        Accepted(new=1, quarantined=1, reasons={"malformed": 1}),
        Accepted(waiting=1),
        Accepted(),
    ]


class Kept:
    """An anteroom in memory."""

    def __init__(self) -> None:
        self.links: dict[str, VisitorLink] = {}
        self.events: dict[str, WaitingEvent] = {}
        self.aside: dict[str, RefusedEvent] = {}

    def link(self, links: list[VisitorLink]) -> None:
        for one in sorted(links, key=lambda link: (link.at, link.source_id)):
            if one.anonymous_id not in self.links or self.links[one.anonymous_id].at <= one.at:
                self.links[one.anonymous_id] = one

    def visitors(self, names: list[str]) -> dict[str, tuple[str, str]]:
        return {
            name: (self.links[name].source_system, self.links[name].source_id) for name in names if name in self.links
        }

    def wait(self, events: list[WaitingEvent]) -> list[str]:
        new = [one.message_id for one in events if one.message_id not in self.events]
        for one in events:
            self.events.setdefault(one.message_id, one)
        return new

    def waiting(self, who: list[str], *, limit: int) -> list[WaitingEvent]:
        return [one for one in self.events.values() if one.who in who][:limit]

    def waited_for(self, *, after: str, limit: int) -> list[str]:
        return sorted({one.who for one in self.events.values() if one.who > after})[:limit]

    def claimed(self, names: list[str]) -> None:
        for name in names:
            self.events.pop(name, None)

    def refuse(self, events: list[RefusedEvent]) -> None:
        self.aside |= {one.quarantine_id: one for one in events}


MESSAGES = [
    *(anonymous(f"{visitor}-{number}", visitor) for visitor in ("v1", "v2", "v3") for number in (1, 2)),
    *(started(number, userId=user) for number, user in enumerate(("C1", "C2", "C9"))),
    started("bad", event="no_such_event"),
    identify("v1", "C1", timestamp=NOW.isoformat()),
    identify("v2", "C2", timestamp=NOW.isoformat()),
    identify("v3", "C9", timestamp=NOW.isoformat()),
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_order_repeats_and_parcels_do_not_matter(data: st.DataObject) -> None:
    """Whatever the order, the cutting into batches and the repeats: the log has the same in the end."""
    order = data.draw(st.permutations(MESSAGES + data.draw(st.lists(st.sampled_from(MESSAGES), max_size=6))))
    size = data.draw(st.integers(1, len(order)))
    log, known, kept = MemoryLog(), Known(), Kept()
    intake = Intake(workspace(), known, log, anteroom=kept)  # type: ignore[arg-type]
    for start in range(0, len(order), size):
        intake.take(order[start : start + size], Sender("app"), NOW)
    assert {(one.message_id, one.customer_id) for one in log.moments} == {
        ("mv1-1", 1), ("mv1-2", 1), ("mv2-1", 2), ("mv2-2", 2), ("m0", 1), ("m1", 2),
    }  # fmt: skip
    known.customers["core", "C9"] = 9
    intake.settle()
    assert {one.message_id for one in log.moments if one.customer_id == 9} == {"mv3-1", "mv3-2", "m2"}
    assert (len(log.moments), len(kept.events), len(kept.aside)) == (9, 0, 1)
