from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.execution.plays import small

from cultiva.execution.recipients.people import EVERY_CHANNEL, Closed, ConsentWord, Recipient, judge
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tables import RECIPIENT_ADDRESS
from cultiva.store import Store

DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
WANG = Recipient(1, "Asia/Shanghai", "zh", phone="13812345678", channels=("sms", "app"), business_date=DAY)


@pytest.fixture
def recipients(store: Store) -> Recipients:
    found = Recipients(store.database)
    found.put([WANG, replace(WANG, customer_id=2, suppressed_by="fraud_hold")])
    return found


def closed(recipients: Recipients, who: int, channel: str = "sms") -> Closed | None:
    """Asked for many and asked for one: the same reason."""
    found = recipients.closed([(who, channel)], oldest=DAY).get((who, channel))
    reach = recipients.reach(who)
    assert found == (Closed.UNKNOWN if reach is None else reach.closed(channel, oldest=DAY))
    assert reach is None or reach.who == recipients.of([who])[who]
    return found


def test_what_is_known_is_replaced_as_a_whole(recipients: Recipients) -> None:
    recipients.put([replace(WANG, phone="", household_id=9, handles={"app": "device"})])
    assert recipients.of([1])[1] == replace(WANG, phone="", household_id=9, handles={"app": "device"})


def test_whoever_is_not_known_is_not_touched(recipients: Recipients) -> None:
    assert closed(recipients, 1) is None
    assert closed(recipients, 3) is Closed.UNKNOWN
    assert closed(recipients, 2) is Closed.SUPPRESSED
    assert closed(recipients, 1, "phone") is Closed.NO_CONSENT
    assert recipients.closed([(1, "sms")], oldest=DAY + timedelta(days=1)) == {(1, "sms"): Closed.STALE}


def test_a_refusal_counts_at_once_and_until_it_is_taken_back(recipients: Recipients) -> None:
    recipients.speak([ConsentWord(1, EVERY_CHANNEL, False, AT, "R")])
    assert closed(recipients, 1) is Closed.NO_CONSENT
    recipients.put([replace(WANG, business_date=DAY + timedelta(days=5))])  # the bank's own table knows nothing of it
    assert closed(recipients, 1) is Closed.NO_CONSENT
    recipients.speak([ConsentWord(1, "sms", True, AT + timedelta(days=9), "call")])
    assert closed(recipients, 1) is None
    assert closed(recipients, 1, "app") is Closed.NO_CONSENT


def test_a_grant_counts_until_the_banks_own_records_have_come_in(recipients: Recipients) -> None:
    recipients.speak([ConsentWord(1, "phone", True, AT, "branch")])
    assert closed(recipients, 1, "phone") is None
    recipients.put([replace(WANG, business_date=DAY + timedelta(days=5))])
    assert closed(recipients, 1, "phone") is Closed.NO_CONSENT


@pytest.mark.parametrize(
    ("zone", "at", "counts"),
    [
        ("America/New_York", datetime(2026, 3, 3, 2, tzinfo=UTC), False),  # in the evening of the day of the records
        ("America/New_York", datetime(2026, 3, 3, 6, tzinfo=UTC), True),
        ("Asia/Shanghai", datetime(2026, 3, 2, 15, tzinfo=UTC), False),
        ("Asia/Shanghai", datetime(2026, 3, 2, 17, tzinfo=UTC), True),  # early in the morning after
    ],
)
def test_the_day_of_a_grant_is_the_customers(recipients: Recipients, zone: str, at: datetime, counts: bool) -> None:
    recipients.put([replace(WANG, zone=zone, channels=())])
    recipients.speak([ConsentWord(1, "sms", True, at, "call")])
    assert (closed(recipients, 1) is None) is counts


def test_what_is_known_of_an_older_day_replaces_nothing(recipients: Recipients, store: Store) -> None:
    later = replace(WANG, business_date=DAY + timedelta(days=2), suppressed_by="fraud_hold", phone="13900000000")
    recipients.put([later])
    recipients.put([WANG, replace(WANG, customer_id=3)])  # a launch enrols by the plan of its own, older date
    assert recipients.of([1, 3]) == {1: later, 3: replace(WANG, customer_id=3)}
    assert closed(recipients, 1) is Closed.SUPPRESSED
    with store.database.reading() as connection:
        kept = connection.execute(select(RECIPIENT_ADDRESS.c.customer_id, RECIPIENT_ADDRESS.c.address)).all()
    assert {tuple(row) for row in kept} == {(1, later.phone), (2, WANG.phone), (3, WANG.phone)}


def test_a_word_recorded_twice_is_one_word(recipients: Recipients) -> None:
    word = ConsentWord(1, "sms", False, AT, "R")
    recipients.speak([word])
    recipients.speak([word])
    assert recipients.words(AT) == [word]
    assert recipients.words(AT - timedelta(seconds=1)) == []


def test_a_suppression_that_begins_counts_until_it_is_lifted(recipients: Recipients) -> None:
    recipients.stand_still(1, "open_complaint", AT)
    assert closed(recipients, 1) is Closed.STANDSTILL
    recipients.lift(1, "open_complaint", AT + timedelta(hours=1))
    assert closed(recipients, 1) is None
    recipients.stand_still(1, "open_complaint", AT + timedelta(hours=2))
    assert closed(recipients, 1) is Closed.STANDSTILL


@given(
    known=st.booleans(), suppressed=st.booleans(), standing=st.booleans(), listed=st.booleans(),
    granted=st.sampled_from([None, True, False]), days=st.integers(-3, 3), age=st.integers(-2, 2),
)  # fmt: skip
def test_only_whoever_is_beyond_doubt_is_touched(  # noqa: PLR0917
    known: bool, suppressed: bool, standing: bool, listed: bool, granted: bool | None, days: int, age: int
) -> None:
    """Against the rule said the other way round: every condition that must hold."""
    channels = ("sms",) if listed else ("app",)
    who = replace(WANG, channels=channels, suppressed_by="minor" if suppressed else "") if known else None
    word = None if granted is None else ConsentWord(1, "sms", granted, AT + timedelta(days=days), "")
    fresh_grant = granted is True and (AT + timedelta(days=days)).date() > DAY
    may = known and not suppressed and not standing and granted is not False and age <= 0 and (listed or fresh_grant)
    oldest = DAY + timedelta(days=age)
    assert (judge(who, "sms", word=word, standing=standing, oldest=oldest) is None) == may


def test_who_stands_in_a_play_that_is_over_is_not_in_flight(store: Store) -> None:
    recipients = Recipients(store.database)
    for number, state in enumerate(("live", "paused", "approved", "stopped", "finished", "rejected"), start=1):
        launch = small.live(store, None, state=state, launch_id=f"launch-{number}")
        small.plays(store).enrol(launch, small.enrolments([number]), AT)
    assert recipients.in_flight() == [1, 2, 3]
