"""Reports are taken once, matched by key or reference whenever they come, and told to plays and consent."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from tests.execution.dispatch.carriers import NOON, SECOND, Carrier, Stage

from cultiva.contracts.delivery import Report
from cultiva.execution.dispatch import service
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tables import CONSENT_CHANGE, RECEIPT, SIGNAL
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store.database, Carrier(traceable=True))


def report(number: int, kind: str, **more: Any) -> Report:
    return Report(f"r{number}", kind, NOON + number * SECOND, **more)


def test_a_report_moves_its_delivery_and_is_a_signal_once(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.dispatcher.work_once("w1", NOON)
    told = [report(1, "delivered", key=key), report(1, "delivered", key=key), report(2, "clicked", key=key)]
    taken = stage.dispatcher.take("main", told, NOON)
    again = stage.dispatcher.take("main", told, NOON)
    assert (taken.new, taken.repeated, taken.unmatched) == (2, 1, 0)
    assert (again.new, again.repeated) == (0, 3)
    assert stage.row(key).state == "delivered"
    assert sorted(row.name for row in stage.all_of(SIGNAL)) == ["clicked", "delivered"]
    assert {row.touch_id for row in stage.all_of(SIGNAL)} == {stage.row(key).touch_id}


def test_a_bounce_fails_the_delivery_and_gives_the_touch_back(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.dispatcher.work_once("w1", NOON)
    stage.dispatcher.take("main", [report(1, "bounced", reference=f"ref-{key}")], NOON)
    assert stage.row(key).state == "failed"
    assert stage.asked.released == [stage.row(key).touch_id]
    assert [row.name for row in stage.all_of(SIGNAL)] == ["bounced"]


def test_what_was_opened_has_arrived_whatever_is_said_of_it_later(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.dispatcher.work_once("w1", NOON)
    stage.dispatcher.take("main", [report(2, "failed", key=key), report(1, "opened", key=key)], NOON)
    assert stage.row(key).state == "delivered"
    assert stage.asked.released == []


def test_a_report_settles_an_unknown_fate(store: Store) -> None:
    stage = Stage(store.database, Carrier())
    (key,) = stage.queue(1)
    stage.carrier.fates = {key: ["lost_after"]}
    stage.dispatcher.work_once("w1", NOON)
    assert stage.row(key).state == "unknown"
    stage.dispatcher.take("main", [report(1, "delivered", key=key)], NOON)
    assert stage.row(key).state == "delivered"


def test_a_report_that_is_quicker_than_our_own_record_counts_and_loses_no_reference(stage: Stage) -> None:
    (key,) = stage.queue(1)
    whole = stage.carrier._send

    def told_at_once(message: Any) -> Any:
        receipts = whole(message)
        stage.another().take("main", [report(1, "delivered", key=key)], NOON)
        return receipts

    stage.carrier._send = told_at_once  # type: ignore[method-assign]
    stage.dispatcher.work_once("w1", NOON)
    assert (stage.row(key).state, stage.row(key).reference) == ("delivered", f"ref-{key}")


def test_a_report_with_a_reference_that_is_not_known_yet_is_matched_later(stage: Stage) -> None:
    (key,) = stage.queue(1)
    early = [report(1, "replied", reference=f"ref-{key}", detail={"text": "yes"}), report(2, "opened", reference="?")]
    assert stage.dispatcher.take("main", early, NOON).unmatched == 2
    assert stage.all_of(SIGNAL) == []
    stage.dispatcher.work_once("w1", NOON)
    assert stage.dispatcher.tend(NOON) == 1
    assert stage.row(key).state == "delivered"
    (signal,) = stage.all_of(SIGNAL)
    assert (signal.name, signal.detail) == ("replied", {"text": "yes"})
    assert stage.dispatcher.tend(NOON) == 0
    assert sorted(row.delivery_id for row in stage.all_of(RECEIPT)) == sorted(["", key])


def test_the_same_id_from_two_providers_is_two_reports(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.dispatcher.work_once("w1", NOON)
    for provider in ("main", "other"):
        assert stage.dispatcher.take(provider, [report(1, "opened", key=key)], NOON).new == 1


def test_an_opt_out_withdraws_consent_for_the_channel_once(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.dispatcher.work_once("w1", NOON)
    for _ in range(2):
        stage.dispatcher.take("main", [report(1, "opted_out", key=key)], NOON)
    (word,) = stage.all_of(CONSENT_CHANGE)
    assert (word.customer_id, word.channel, word.granted) == (0, "sms", False)
    assert [row.name for row in stage.all_of(SIGNAL)] == ["opted_out"]


def test_an_opt_out_of_an_address_counts_for_everybody_there_on_every_channel(stage: Stage) -> None:
    phone = "+8613800001234"
    known = Recipient(0, "Asia/Shanghai", "zh", business_date=NOON.date())
    people = [replace(known, customer_id=who, phone=number) for who, number in enumerate([phone, phone, "x"])]
    Recipients(stage.database).put(people)
    told = [report(1, "opted_out", address=phone), report(2, "opted_out", address="nobody")]
    assert stage.dispatcher.take("main", told, NOON).unmatched == 1
    words = {(word.customer_id, word.channel) for word in stage.all_of(CONSENT_CHANGE)}
    assert words == {(0, "*"), (1, "*")}


def test_a_no_of_any_address_is_that_of_its_owners(stage: Stage) -> None:
    known = Recipient(0, "Asia/Shanghai", "zh", phone="1", email="a@b.c", business_date=NOON.date())
    people = [
        replace(known, handles={"wecom": "wm1", "app": "device"}),
        replace(known, customer_id=1, phone="2", handles={"wecom": "wm2", "app": "device", "push": "device"}),
        replace(known, customer_id=2, phone="3", email="", handles={"wecom": "gone"}),
    ]
    recipients = Recipients(stage.database)
    recipients.put(people)
    recipients.put([replace(people[2], handles={"wecom": "wm3"})])  # what was known before is nobody's any more
    told = [
        report(1, "opted_out", address="wm1"),
        report(2, "unfollowed", address="wm2"),
        report(3, "unfollowed", address="device"),
        report(4, "opted_out", address="gone"),
        report(5, "opened", address="wm3"),
    ]
    assert stage.dispatcher.take("main", told, NOON).unmatched == 2
    words = sorted((word.customer_id, word.channel, word.granted) for word in stage.all_of(CONSENT_CHANGE))
    assert words == [
        (0, "*", False), (0, "app", False), (1, "app", False), (1, "push", False), (1, "wecom", False),
    ]  # fmt: skip
    signals = sorted((row.customer_id, row.name) for row in stage.all_of(SIGNAL))
    assert signals == [(0, "opted_out"), (0, "unfollowed"), (1, "unfollowed"), (1, "unfollowed")]


def test_polling_takes_what_waits_at_the_providers(stage: Stage) -> None:
    (key,) = stage.queue(1)
    stage.dispatcher.work_once("w1", NOON)
    stage.carrier.waiting = [report(1, "opened", key=key)]
    assert stage.dispatcher.poll(NOON).new == 1
    assert stage.dispatcher.poll(NOON).new == 0
    assert stage.row(key).state == "delivered"


def test_copies_that_take_the_same_reports_at_once_count_each_once(stage: Stage) -> None:
    keys = stage.queue(60)
    told = [report(number, "opened", key=key) for number, key in enumerate(keys)]
    found: list[int] = []

    def take() -> None:
        found.append(stage.another().take("main", told, NOON).new)

    copies = [threading.Thread(target=take) for _ in range(4)]
    for one in copies:
        one.start()
    for one in copies:
        one.join()
    assert sum(found) == 60
    assert len(stage.all_of(SIGNAL)) == 60


def test_reports_that_the_store_did_not_take_are_kept_before_the_provider_is_asked_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = stage.queue(1)
    stage.dispatcher.work_once("w1", NOON)
    stage.carrier.waiting = [report(1, "opened", key=key)]
    monkeypatch.setattr(service, "WRITE_AGAIN_SECONDS", ())
    with monkeypatch.context() as away:
        away.setattr(stage.dispatcher, "take", unavailable)
        for _ in range(2):
            with pytest.raises(CultivaError):
                stage.dispatcher.poll(NOON)
    stage.carrier.waiting = [report(2, "clicked", key=key)]
    assert stage.dispatcher.poll(NOON).new == 1, "asking again would have said that the first is kept"
    assert stage.carrier.waiting, "it was not asked"
    assert stage.dispatcher.poll(NOON).new == 1
    assert sorted(row.kind for row in stage.all_of(RECEIPT)) == ["clicked", "opened"]


def unavailable(*_: object) -> None:
    raise CultivaError("the store cannot be used", code="store.unavailable", kind=ErrorKind.UNAVAILABLE)
