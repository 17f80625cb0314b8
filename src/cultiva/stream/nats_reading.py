"""Reads one stream of JetStream in order, without a gap: what was handed out and did not arrive is fetched again."""

from __future__ import annotations

import asyncio
import json

from nats.aio.msg import Msg

from cultiva.stream.nats_link import Link, NoAnswerError, status

FORGOTTEN_SECONDS = 300
"""The server lets go of a place in the stream that nobody has read from for so long."""
QUIET_SECONDS = 0.2
"""After so long without a message the server is asked whether it is there."""
ADDRESS_PARTS = 9
"""Parts of the address of a message that was handed out, in its older form."""


class Reading:
    """A place in a stream, kept by the server as long as it is read from in order.

    Args:
        link: The connection.
        stream: Name of the stream.
    """

    def __init__(self, link: Link, stream: str) -> None:
        self._link, self._stream = link, stream
        self._consumer = ""
        self._at = -1
        """The position after which the server's place stands."""
        self._handed_out = 0
        """Messages the server has handed out from it."""
        self._losses = 0
        """How often the connection had been lost when the place was made."""
        self._address = ""
        self._pulls = 0
        self._limit = 0
        self._arrived: list[Msg] = []
        self._done: asyncio.Future[str] | None = None

    async def next(self, after: int, limit: int) -> list[tuple[int, Msg]]:
        """(position, message) in order, from the first one after a position; fewer than the limit at the end.

        Raises:
            NoAnswerError: if the server does not answer.
        """
        losses = await self._link.connected()  # the server may have gone since, and the place with it
        if not self._consumer or self._at != after or self._losses != losses:
            await self._begin(after)
        try:
            found = await self._pull(limit)
        except _LostError:
            await self._begin(after)
            found = await self._pull_once_more(limit)
        if found:
            self._at = found[-1][0]
        return found

    async def _begin(self, after: int) -> None:
        """Has the server make a place that stands after a position."""
        await self._let_go()
        losses = await self._link.connected()
        config = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": after + 1,
            "ack_policy": "none",
            "replay_policy": "instant",
            "inactive_threshold": FORGOTTEN_SECONDS * 10**9,
            "mem_storage": True,
            "num_replicas": 1,
        }
        asked = {"stream_name": self._stream, "config": config}
        made = await self._link.ask(f"CONSUMER.CREATE.{self._stream}", asked)
        if "error" in made:
            raise NoAnswerError(str(made["error"].get("description")))
        self._consumer, self._at, self._handed_out, self._losses = made["name"], after, 0, losses

    async def _let_go(self) -> None:
        if self._consumer:
            gone, self._consumer = self._consumer, ""
            await self._link.ask(f"CONSUMER.DELETE.{self._stream}.{gone}", {})

    async def _pull_once_more(self, limit: int) -> list[tuple[int, Msg]]:
        try:
            return await self._pull(limit)
        except _LostError as error:
            self._consumer = ""
            raise NoAnswerError(f"{self._stream} cannot be read: {error}") from error

    async def _pull(self, limit: int) -> list[tuple[int, Msg]]:
        self._address = self._address or await self._link.listen(self._take)
        self._arrived, self._limit, self._pulls = [], limit, self._pulls + 1
        self._done = asyncio.get_running_loop().create_future()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        body = json.dumps({"batch": limit, "no_wait": True}).encode()
        try:
            losses = await self._link.connected()
            await self._link.client.publish(subject, body, reply=f"{self._address}.{self._pulls}")
            word = await self._word(self._done, losses)
        except NoAnswerError as error:
            raise _LostError(str(error)) from error
        finally:
            self._done = None
        if word not in {"", "404", "408"}:
            raise _LostError(f"status {word}")
        return self._in_order(self._arrived)

    async def _word(self, done: asyncio.Future[str], losses: int) -> str:
        """The server's word that there is no more, or nothing if all that was asked for has come.

        A server (2.9: `processWaiting` of its consumer.go) that believes there are messages, and then finds none it can
        load, keeps the question for good without a word. It is not waited for: a server that answers another question
        meanwhile, and has sent nothing since the last look, has forgotten this one.

        Raises:
            NoAnswerError: if the connection is lost, or the server does not answer.
            _LostError: if it answers, but not this.
        """
        arrived = 0
        while not await self._link.heard(done, losses, within=QUIET_SECONDS):
            there = await self._link.ask(f"CONSUMER.INFO.{self._stream}.{self._consumer}", {})
            if done.done():
                break
            if "error" in there or len(self._arrived) == arrived:
                raise _LostError("the server has no word on it")
            arrived = len(self._arrived)
        return done.result()

    def _take(self, message: Msg) -> None:
        """A message, or the server's word that there are no more; what was meant for an earlier pull is let go."""
        if self._done is None or self._done.done():
            return
        word = status(message)
        if word is not None:
            if message.subject.endswith(f".{self._pulls}"):
                self._done.set_result(word)
        elif f".{self._consumer}." in message.reply:
            self._arrived.append(message)
            if len(self._arrived) == self._limit:
                self._done.set_result("")

    def _in_order(self, arrived: list[Msg]) -> list[tuple[int, Msg]]:
        """Checks that nothing that was handed out is missing, by the numbers in the address of each message."""
        found = []
        for message in arrived:
            position, number = _numbers(message.reply)
            self._handed_out += 1
            if number != self._handed_out:
                raise _LostError(f"message {number} where {self._handed_out} was expected")
            found.append((position, message))
        return found


class _LostError(Exception):
    """The server's place is gone, or messages on their way from it."""


def _numbers(address: str) -> tuple[int, int]:
    """Position and number in the order of handing out.

    From `$JS.ACK.stream.consumer.times.POSITION.NUMBER.time.rest`; newer servers put domain and account before stream.
    """
    parts = address.split(".")
    first = 5 if len(parts) == ADDRESS_PARTS else 7
    return int(parts[first]), int(parts[first + 1])
