"""Nobody who was erased is let in by the door, and nothing is kept of who tried."""

from __future__ import annotations

from tests.insight.events.conftest import Door
from tests.insight.events.samples import NOW, started

from cultiva.contracts.erased import SOURCE, VISITOR, Tombstone, Tombstones, digest_of
from cultiva.insight.events.service import Accepted

KEY = "k" * 40
ERASED = Tombstones(
    KEY,
    frozenset(
        Tombstone(kind, digest_of(KEY, kind, parts))
        for kind, parts in ((SOURCE, ["core", "C1"]), (SOURCE, ["core", "C77"]), (VISITOR, ["v1"]))
    ),
)


def test_events_of_an_erased_person_are_counted_and_not_kept(door: Door) -> None:
    door.intake.erased = ERASED
    who = {"type": "identify", "messageId": "i1", "userId": "C1", "anonymousId": "v9"}
    visit = {**started(4), "userId": None, "anonymousId": "v1"}
    found = door.take(started(1), started(2, userId="C77"), who, visit, started(3, userId="C2"))
    assert found == Accepted(new=1, quarantined=4, reasons={"erased": 4})
    assert [one.source_id for one in door.log.moments] == ["C2"]
    kept = door.anteroom.refused(reason="erased")
    assert len(kept) == 4 and {(one.message_id, one.name, tuple(one.body)) for one in kept} == {("", "", ())}
    assert not any(door.anteroom.waits().values()) and door.anteroom.visitors(["v9"]) == {}
    assert [(one.reason, one.count) for one in door.anteroom.refused_counts(NOW)] == [("erased", 4)]


def test_a_browser_that_says_it_is_somebody_else_now_is_heard(door: Door) -> None:
    door.intake.erased = ERASED
    found = door.take({**started(1), "userId": "C2", "anonymousId": "v1"})
    assert found == Accepted(new=1)
