"""What is asked right before something leaves."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from tests.strategy.conftest import TEXT, offer, strategy, workspace

from cultiva.definitions.offers import OfferKind
from cultiva.definitions.policy import Channel
from cultiva.execution.budget.service import Budget
from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.dispatch.records import Claimed
from cultiva.execution.outgoing.service import Outgoing
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.loop.work.gates import Gates
from cultiva.store import Store

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
FREE = Channel(name="sms", label=TEXT, kind="message", touch=False)


@pytest.mark.parametrize(
    ("kind", "why"), [(OfferKind.CONTENT, {"d1": "no_consent"}), (OfferKind.SERVICE, {})], ids=["marketing", "service"]
)
def test_a_channel_that_the_caps_do_not_count_still_wants_consent(
    store: Store, kind: OfferKind, why: dict[str, str]
) -> None:
    space = workspace(strategy("a"), offers=(offer("news", kind=kind),), channels=(FREE,))
    database = store.database
    budget = Budget.of(database, space.policy)
    touch = TouchRequest("t1", 7, None, "sms", "news", "a", "l1", "touch", 1.0, date(2026, 3, 3))
    assert [one.granted for one in budget.reserve(None, [touch], AT)] == [True]
    recipients = Recipients(database)
    recipients.put([Recipient(7, "Asia/Shanghai", "zh", phone="13812345678", business_date=date(2026, 3, 2))])
    gates = Gates(space, Calendar.of(space), budget, recipients, Outgoing(database), lambda _: {})
    sent = Claimed("d1", "t1", "l1", "touch", 7, 1, "sms", "13812345678", {}, 0, None, "w1", ())
    assert gates.forbidden([sent], AT) == why
