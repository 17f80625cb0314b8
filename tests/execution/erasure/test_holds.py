"""Orders, tombstones and holds on both stores."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from cultiva.contracts.erased import CUSTOMER, Tombstone, Tombstones, digest_of
from cultiva.execution.audit.service import Audit
from cultiva.execution.erasure.people import Asked, Hold, People, people_of
from cultiva.execution.erasure.service import Erasures
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ON = date(2026, 11, 23)
ASKED = Asked("Chen Li", "request 17", 2, ON)
PEOPLE = People((7, 9), sources=(("core", "C7"),), visitors=("v",), homes=((7, 8), (9, None)))


def stones(key: str = "k" * 40) -> Tombstones:
    return Tombstones(key, frozenset(Tombstone(CUSTOMER, digest_of(key, CUSTOMER, [one])) for one in ("7", "9")))


@pytest.fixture
def erasures(store: Store) -> Erasures:
    return Erasures(store.database)


def hold(customer: int = 9, *, until: date | None = None, name: str = "h1") -> Hold:
    return Hold(name, customer, "case 4", "Li", AT, until=until)


def test_one_held_customer_stops_the_whole_order_and_nothing_is_begun(erasures: Erasures, store: Store) -> None:
    erasures.hold(hold())
    with pytest.raises(CultivaError) as caught:
        erasures.begin(ASKED, PEOPLE, stones(), AT)
    assert caught.value.kind is ErrorKind.FORBIDDEN and "customer 9: case 4" in str(caught.value.seen)
    assert erasures.all() == [] and erasures.tombstones() == frozenset()
    assert [one.entry.action for one in Audit(store.database).lines()] == ["hold.placed"]


def test_a_hold_ends_when_it_is_lifted_or_after_its_last_day(erasures: Erasures) -> None:
    erasures.hold(hold(until=ON))
    erasures.hold(hold(7, name="h2"))
    assert [one.hold_id for one in erasures.holds(standing=ON)] == ["h1", "h2"]
    assert [one.hold_id for one in erasures.holds(standing=ON + timedelta(days=1))] == ["h2"]
    lifted = erasures.lift("h2", AT, by="Wang", remark="closed")
    assert (lifted.lifted_by, lifted.remark) == ("Wang", "closed")
    assert [one.hold_id for one in erasures.holds(standing=ON)] == ["h1"]
    assert len(erasures.holds()) == 2
    for name in ("h2", "nothing"):
        with pytest.raises(CultivaError, match="no such hold"):
            erasures.lift(name, AT, by="Wang", remark="")


def test_an_order_survives_and_forgets_who_it_was_about_when_it_is_done(erasures: Erasures, store: Store) -> None:
    order = erasures.begin(ASKED, PEOPLE, stones(), AT)
    (found,) = Erasures(store.database).unfinished()
    assert found.erasure_id == order.erasure_id and people_of(found.work) == PEOPLE
    done = erasures.finish(order, {"rows": 3}, "seal", AT)
    assert erasures.unfinished() == [] and erasures.order(order.erasure_id) == done
    assert not done.work and done.seal == "seal"
    actions = [(one.entry.action, one.entry.subject) for one in Audit(store.database).lines()]
    assert actions == [(f"erasure.{one}", f"erasure:{order.erasure_id}") for one in ("begun", "done")]
    assert erasures.tombstones() == stones().rows


def test_another_key_is_refused_before_anything_is_done_with_it(erasures: Erasures) -> None:
    erasures.begin(ASKED, PEOPLE, stones(), AT)
    erasures.refuse_other_key("k" * 40)
    with pytest.raises(CultivaError, match="not the one"):
        erasures.refuse_other_key("x" * 40)
    with pytest.raises(CultivaError, match="not the one"):
        erasures.begin(ASKED, PEOPLE, stones("x" * 40), AT)
    assert len(erasures.all()) == 1


def test_an_erasure_that_nobody_ordered_is_not_found(erasures: Erasures) -> None:
    with pytest.raises(CultivaError, match="no such erasure"):
        erasures.order("nothing")
