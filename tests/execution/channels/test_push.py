"""Push through apprise: it says whether it worked; everything else is honest about not knowing."""

from __future__ import annotations

import pytest
from tests.execution.channels.conftest import Open, Start, text
from tests.simulators.process import Simulator

from cultiva.contracts.delivery import Message, Provider, Sent


def _open(opened: Open, server: Simulator, **push: object) -> Provider:
    url = f"json://127.0.0.1:{server.port}/push/{{address}}?+Idempotency-Key={{key}}"
    return opened("push", url, push=push, timeout_seconds=2)


def test_a_message_is_shown_with_its_title(start: Start, opened: Open) -> None:
    server = start("push")
    message = Message("k1", "device-1", {"text": "您好", "title": "一句"})
    assert _open(opened, server).send([message])[0].sent is Sent.ACCEPTED
    (entry,) = server.accepted()
    assert (entry["key"], entry["address"]) == ("k1", "device-1")
    assert (entry["body"]["title"], entry["body"]["message"]) == ("一句", "您好")


@pytest.mark.parametrize("mood", ["refuse", "busy", "drop_before", "drop_after", "slow"])
def test_a_failure_is_unknown_or_tried_again_where_that_does_no_harm(start: Start, opened: Open, mood: str) -> None:
    server = start("push", slow_seconds=4, **{mood: 1})
    assert _open(opened, server).send([text()])[0].sent is Sent.UNKNOWN
    careless = _open(opened, server, repeatable=True)
    assert careless.repeats_safely
    assert careless.send([text()])[0].sent is Sent.LATER
    assert careless.look_up(["k1"])[0].sent is Sent.UNKNOWN


def test_a_server_that_is_gone_has_surely_shown_nothing(opened: Open) -> None:
    provider = opened("push", "json://127.0.0.1:9/push/{address}")
    assert provider.send([text()])[0].sent is Sent.LATER


def test_nothing_to_say_is_refused(start: Start, opened: Open) -> None:
    server = start("push")
    assert _open(opened, server).send([Message("k", "d", {"title": "x"})])[0].sent is Sent.REFUSED
