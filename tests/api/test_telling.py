from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from tests.api.banks import NOW, Api

from cultiva.client import ApiProblem
from cultiva.client.shapes import OutcomeReport
from cultiva.execution.recipients.people import EVERY_CHANNEL
from cultiva.execution.tables import CONSENT_CHANGE, SIGNAL

ONE = OutcomeReport(
    outcome_id="o-1", customer="51", name="converted", at=NOW, amount=Decimal("12.50"), detail={"product": "card"}
)


def test_an_outcome_becomes_a_signal(racing_api: Api) -> None:
    client = racing_api.client()
    record = client.customer(51)
    taken = client.report_batch([ONE, ONE.model_copy(update={"outcome_id": "o-2", "amount": None})])
    assert [one.taken for one in taken] == ["new", "new"]
    assert client.report(ONE).taken == "known"
    with racing_api.parts.store.database.reading() as connection:
        rows = connection.execute(select(SIGNAL).order_by(SIGNAL.c.amount)).all()
    assert {(row.customer_id, row.name, row.amount, row.source) for row in rows} == {
        (record.customer_id, "converted", 1250, "api:test"),
        (record.customer_id, "converted", None, "api:test"),
    }
    assert {row.at for row in rows} == {NOW}


def test_an_id_used_for_another_outcome_is_a_conflict(racing_api: Api) -> None:
    client = racing_api.client()
    client.report(ONE)
    with pytest.raises(ApiProblem) as caught:
        client.report(ONE.model_copy(update={"amount": Decimal("99")}))
    assert (caught.value.status, caught.value.code) == (409, "answers.id_used")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Converted"},
        {"at": "2026-11-23T10:00:00"},
        {"amount": "1.005"},
        {"amount": "NaN"},
        {"unknown": 1},
        {"outcome_id": ""},
        {"at": "2027-01-01T00:00:00Z"},
        {"detail": {"a": "x" * 300}},
    ],
)
def test_an_outcome_that_cannot_be_is_refused(api: Api, change: dict[str, object]) -> None:
    body = {**ONE.model_dump(mode="json"), **change}
    headers = {"Authorization": f"Bearer {api.key()}", "Idempotency-Key": hashlib.md5(str(change).encode()).hexdigest()}
    assert api.http().post("/v1/outcomes", json=body, headers=headers).status_code == 422


def test_consent_said_now_counts_beside_the_bank_s_records(racing_api: Api) -> None:
    client = racing_api.client()
    before = client.consents(51)
    assert {one.source for one in before.consents} == {"bank"}
    said = client.change_consent(51, "sms", granted=True, evidence="call 4711")
    again = client.change_consent(51, "sms", granted=True, at=NOW, evidence="call 4711")
    assert said == again
    mine = [one for one in said.consents if one.source == "since"]
    assert [(one.channel, one.granted, one.at) for one in mine] == [("sms", True, NOW)]
    assert mine[0].evidence == "api:test: call 4711"
    gone = client.withdraw(51, evidence="letter", once="letter-1")
    assert (EVERY_CHANNEL, False) in {(one.channel, one.granted) for one in gone.consents}
    assert client.withdraw(51, evidence="letter", once="letter-1") == gone
    with racing_api.parts.store.database.reading() as connection:
        assert len(connection.execute(select(CONSENT_CHANGE)).all()) == 2


def test_consent_needs_a_channel_that_exists_and_a_time_that_has_come(api: Api) -> None:
    with pytest.raises(ApiProblem) as caught:
        api.client().change_consent(51, "fax", granted=False)
    assert caught.value.status == 404
    with pytest.raises(ApiProblem) as caught:
        api.client().change_consent(51, "sms", granted=True, at=NOW + timedelta(days=1))
    assert caught.value.status == 422
