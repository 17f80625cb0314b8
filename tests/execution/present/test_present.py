"""This instant: what was said and done a moment ago is known at once, on every store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import QueuePool, insert

from cultiva.execution.budget.service import Budget
from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.present.facts import Facts, Reported, Seen
from cultiva.execution.present.service import Present, charge
from cultiva.execution.recipients.people import ConsentWord
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tables import PLACEMENT_FEED
from cultiva.kit.errors import CultivaError
from cultiva.store import Store

NOW = datetime(2024, 5, 1, 2, 0, tzinfo=UTC)
DAY = date(2024, 5, 1)
HOUR = timedelta(hours=1)


def asked(present: Present, customer: int = 7, household: int | None = 70, now: datetime = NOW) -> Facts:
    return present.facts(customer, household, day=DAY, since=NOW - 24 * HOUR, now=now)


def touch(
    name: str, customer: int, *, day: date = DAY, expires: datetime | None = None, exempt: bool = False
) -> TouchRequest:
    return TouchRequest(name, customer, 70, "sms", "card", "a", "", "", 1.0, day, exempt, expires)


def test_nothing_is_known_of_whom_nobody_spoke(store: Store) -> None:
    assert asked(Present(store.database)) == Facts({}, (), [], [], [], [])


def test_words_standstills_touches_impressions_and_feeds_of_the_customer_alone(store: Store) -> None:
    present, people = Present(store.database), Recipients(store.database)
    assert asked(present).words == {}  # the connection is open before anything is written
    people.speak([ConsentWord(7, "sms", True, NOW - HOUR, "x"), ConsentWord(7, "sms", False, NOW, "x"),
                  ConsentWord(7, "*", True, NOW - HOUR, "x"), ConsentWord(8, "app", False, NOW, "x")])  # fmt: skip
    for who, name in ((7, "fraud_hold"), (7, "open_complaint"), (8, "open_complaint")):
        people.stand_still(who, name, NOW)
    people.lift(7, "fraud_hold", NOW)
    budget = Budget(store.database, ())
    budget.record(
        [touch("t1", 7), touch("t2", 8), touch("t3", 7, day=date(2024, 4, 30)), touch("t6", 7, exempt=True)], NOW
    )
    budget.reserve(None, [touch("t4", 7, expires=NOW + HOUR)], NOW)
    with store.database.writing() as connection:
        for number, (who, expires) in enumerate([(7, NOW + HOUR), (7, NOW), (8, NOW + HOUR)]):
            row = {"firing_id": str(number), "customer_id": who, "placement": "banner", "strategy": "a", "offer": "",
                   "at": NOW, "expires": expires}  # fmt: skip
            connection.execute(insert(PLACEMENT_FEED).values(row))
    shown = Reported("d1", 7, "banner", "a", "card", "shown", NOW)
    old = Reported("d0", 7, "banner", "a", "card", "shown", NOW - 25 * HOUR)
    present.report([shown, shown, old, Reported("d2", 8, "banner", "a", "card", "shown", NOW)], DAY, NOW)
    found = asked(present)
    assert found.words == {"sms": (False, NOW), "*": (True, NOW - HOUR)}
    assert found.standing == ("open_complaint",)
    assert found.touches == [(DAY, "sms", "card")] * 2 and found.home == [(DAY, "sms", "card")]
    assert found.seen == [Seen("banner", "a", "card", "shown", NOW)]
    assert found.fed == [("banner", "a", "")]
    later = asked(present, now=NOW + HOUR)
    assert len(later.touches) == 1 and later.fed == [], "what has run out is gone"
    assert asked(present, household=None).home == []


def test_what_is_used_never_passes_what_there_is(store: Store) -> None:
    present = Present(store.database)

    def take(units: float) -> str | None:
        with store.database.writing() as connection:
            return charge(connection, f"t{units}", DAY, {"sms": 1.0, "money": units}, {"money": 10.0}, NOW)

    assert [take(6.0), take(4.0), take(0.5)] == [None, None, "money"]
    assert present.used(DAY)["money"] == 10.0
    assert present.used(DAY + timedelta(days=1)) == {}


def test_what_is_reported_again_uses_nothing(store: Store) -> None:
    present = Present(store.database)
    shown = Reported("d1", 7, "banner", "a", "card", "shown", NOW)
    other = shown._replace(decision_id="d2")
    present.report([shown, shown], DAY, NOW, uses=[{"money": 2.0}, {"money": 2.0}])
    present.report([other, shown], DAY, NOW + HOUR, uses=[{"money": 3.0}, {"money": 2.0}])
    assert present.used(DAY) == {"money": 5.0}


def test_however_many_ask_a_handful_of_connections_stays_and_none_is_the_pools(store: Store) -> None:
    present, pool = Present(store.database), cast(QueuePool, store.database.engine.pool)
    before = pool.checkedout()
    with ThreadPoolExecutor(24) as threads:
        found = list(threads.map(lambda _: asked(present), range(48)))
    assert len(found) == 48 and pool.checkedout() == before
    present.close()
    assert asked(present) == found[0], "who has closed may ask again"


def test_a_store_that_is_gone_is_said_and_found_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    present = Present(store.database)
    asked(present)
    present.close()
    with monkeypatch.context() as broken:
        broken.setattr(type(store.database.engine), "raw_connection", _refuses)
        with pytest.raises(CultivaError, match="store does not answer"):
            asked(present)
    assert asked(present).words == {}


def _refuses(*_args: object) -> None:
    raise OSError("no route")
