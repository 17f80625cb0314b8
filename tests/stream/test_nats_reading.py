"""Reading a stream: a server that keeps a question for good without a word is not waited for; one that is slow is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from nats.aio.msg import Msg

from cultiva.stream.nats_link import NoAnswerError
from cultiva.stream.nats_reading import Reading


class Server:
    """A link and the server behind it, as far as reading goes. Time passes only when somebody waits for it.

    Args:
        messages: In the stream.
        turns: What it does at one look after the other while it is waited for: hands out so many messages (and says at
            the end that there are no more), or -1: is gone. After the last turn it does nothing any more.
    """

    def __init__(self, messages: int, *turns: list[int]) -> None:
        self.client = SimpleNamespace(publish=self._publish)
        self._messages, self._turns = messages, list(turns)
        self._take: Callable[[Msg], None] = lambda _: None
        self._begun = self._handed_out = self._left = 0
        self._reply = ""
        self._now: list[int] = []
        self.places = 0
        self.looked = 0

    async def connected(self) -> int:
        return 0

    async def listen(self, take: Callable[[Msg], None]) -> str:
        self._take = take
        return "inbox"

    async def ask(self, subject: str, body: dict[str, Any]) -> dict[str, Any]:
        kind = subject.partition(".")[2].partition(".")[0]
        if kind == "CREATE":
            self.places += 1
            self._begun, self._handed_out = body["config"]["opt_start_seq"] - 1, 0
            return {"name": f"place{self.places}"}
        if kind == "INFO":
            self.looked += 1
            if self._now[:1] == [-1]:
                raise NoAnswerError("no answer in time")
        return {}

    async def _publish(self, _subject: str, body: bytes, *, reply: str) -> None:
        self._left, self._reply, self._now = json.loads(body)["batch"], reply, self._turns.pop(0)

    async def heard(self, done: asyncio.Future[str], _losses: int, *, within: float) -> bool:
        assert within > 0
        if self._now and self._now[0] >= 0:
            self._hand_out(self._now.pop(0))
        return done.done()

    async def first(self, *_: Any) -> str:
        raise AssertionError("it is waited for whatever comes, and nothing does")

    def _hand_out(self, count: int) -> None:
        for _ in range(min(count, self._left)):
            self._handed_out, self._left = self._handed_out + 1, self._left - 1
            at = self._begun + self._handed_out
            address = f"$JS.ACK.s.place{self.places}.1.{at}.{self._handed_out}.0.{self._messages - at}"
            self._take(Msg(_client=None, subject="s.0.record", reply=address, data=b"x"))  # type: ignore[arg-type]
        if self._left and self._begun + self._handed_out == self._messages:
            no_more = {"Status": "404" if not self._handed_out else "408"}
            self._take(Msg(_client=None, subject=self._reply, data=b"", headers=no_more))  # type: ignore[arg-type]


def read(server: Server, *, after: int = 0, limit: int = 10) -> list[int]:
    reading = Reading(server, "s")  # type: ignore[arg-type]
    return [position for position, _ in asyncio.run(reading.next(after, limit))]


@pytest.mark.parametrize("limit", [3, 10])
def test_a_server_that_keeps_the_question_without_a_word_is_asked_at_a_new_place(limit: int) -> None:
    server = Server(3, [0], [3])
    assert read(server, limit=limit) == [1, 2, 3]
    assert server.places == 2 and server.looked == 1


def test_a_server_that_falls_silent_after_some_messages_is_asked_from_where_it_was_asked_before() -> None:
    server = Server(5, [2], [4])
    assert read(server, after=1) == [2, 3, 4, 5]
    assert server.places == 2, "what came from the place that is given up is not counted twice"


def test_a_server_that_is_slow_but_goes_on_keeps_its_place() -> None:
    server = Server(5, [1, 1, 2, 1])
    assert read(server) == [1, 2, 3, 4, 5]
    assert server.places == 1 and server.looked == 3


def test_the_word_that_there_is_nothing_needs_no_second_question() -> None:
    server = Server(3, [0])
    assert read(server, after=3) == []
    assert server.places == 1 and server.looked == 0


def test_a_server_that_is_silent_at_the_new_place_too_does_not_answer() -> None:
    server = Server(3, [0], [0])
    with pytest.raises(NoAnswerError, match="s cannot be read: the server has no word on it"):
        read(server)


def test_a_server_that_answers_nothing_at_all_does_not_answer() -> None:
    with pytest.raises(NoAnswerError):
        read(Server(3, [-1], [-1]))
