"""One connection to NATS behind plain calls: its event loop runs on a thread of its own.

Whatever is asked carries an address of its own for the answer; an answer that comes too late finds nobody there.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError, ErrorKind

T = TypeVar("T")
ANSWER_SECONDS = 5.0
"""A server that does not answer a request for so long is taken for gone."""
CALL_SECONDS = 30.0
"""A whole call, with what is tried again in it, ends by then."""
BETWEEN_SECONDS = 0.1
"""Between attempts to connect again."""
LOOK_SECONDS = 0.02
"""Between looks whether there is a connection again."""
PENDING_BYTES = 16 * 2**20
"""What waits to be sent while there is no connection; more is refused."""


class NoAnswerError(Exception):
    """Nobody was there to answer, or not in time."""


class Link:
    """A connection that comes back by itself when its server does.

    Args:
        url: `nats://host:port`, several with commas.

    Raises:
        CultivaError: if no server answers.
    """

    def __init__(self, url: str) -> None:
        servers = [one.strip() for one in url.split(",")]
        self.shown = ", ".join(one.rpartition("@")[2] for one in servers)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._thread.start()
        self._awaited: dict[str, Callable[[Msg], None]] = {}
        self._numbers = count(1)
        self._lost: set[Callable[[], None]] = set()
        self.losses = 0
        """How often the connection has been lost."""
        self._subscribed = True
        """Whether the server knows our addresses: after a loss, some moments later than there is a connection."""
        try:
            self.client: Client = self.call(lambda: self._connect(servers), limit=ANSWER_SECONDS)
        except CultivaError:
            self._stop()
            raise

    def call(self, work: Callable[[], Coroutine[Any, Any, T]], *, limit: float = CALL_SECONDS) -> T:
        """Does something on the connection's thread and waits for it.

        Raises:
            CultivaError: if the server does not answer.
        """
        waiting = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work(), limit), self._loop)
        try:
            return waiting.result()
        except (Error, NoAnswerError, OSError, TimeoutError, concurrent.futures.TimeoutError) as error:
            raise CultivaError(
                "the log does not answer",
                code="stream.unavailable",
                kind=ErrorKind.UNAVAILABLE,
                seen=f"{self.shown}: {type(error).__name__} {error}".strip(),
                allowed="a NATS server with JetStream that answers",
                hint="see [live] log in cultiva.toml",
            ) from error

    @contextmanager
    def told_if_lost(self, tell: Callable[[], None]) -> Iterator[None]:
        """Has `tell` called, on the connection's thread, if the connection is lost within the block."""
        self._lost.add(tell)
        try:
            yield
        finally:
            self._lost.discard(tell)

    async def connected(self) -> int:
        """Waits until there is a connection: what is sent before would be sent late, or not at all.

        Returns:
            How often it had been lost by then.

        Raises:
            NoAnswerError: if there is none for long.
        """
        began = seconds()
        while not (self.client.is_connected and self._subscribed):
            if seconds() - began > ANSWER_SECONDS:
                raise NoAnswerError("there is no connection")
            await asyncio.sleep(LOOK_SECONDS)
        return self.losses

    async def first(self, answer: asyncio.Future[T], losses: int) -> T:
        """What an address is sent first, or that nothing comes because the connection is lost.

        Args:
            answer: Is set by what comes.
            losses: How often the connection had been lost before the question was sent.

        Raises:
            NoAnswerError: if it is lost, or nothing comes in time.
        """
        if not await self.heard(answer, losses, within=ANSWER_SECONDS):
            raise NoAnswerError("no answer in time")
        return answer.result()

    async def heard(self, answer: asyncio.Future[T], losses: int, *, within: float) -> bool:
        """Whether an answer, or the loss of the connection, is known by the end of some seconds; it may come later.

        Args:
            answer: Is set by what comes.
            losses: How often the connection had been lost before the question was sent.
            within: Seconds.
        """

        def lost() -> None:
            if not answer.done():
                answer.set_exception(NoAnswerError("the connection was lost"))

        with self.told_if_lost(lost):
            if losses != self.losses:
                lost()
            done, _ = await asyncio.wait({answer}, timeout=within)
        return bool(done)

    async def ask(self, subject: str, body: dict[str, Any]) -> dict[str, Any]:
        """One request of JetStream's own API; its answer, which may hold an `error`.

        Raises:
            NoAnswerError: if there is none.
        """
        losses = await self.connected()
        answer: asyncio.Future[Msg] = self._loop.create_future()
        reply = self.expect(lambda message: None if answer.done() else answer.set_result(message))
        try:
            await self.client.publish(f"$JS.API.{subject}", json.dumps(body).encode(), reply=reply)
            message = await self.first(answer, losses)
        finally:
            self.forget(reply)
        if status(message) is not None:
            raise NoAnswerError(f"nobody answers {subject}")
        found: dict[str, Any] = json.loads(message.data)
        return found

    def expect(self, take: Callable[[Msg], None]) -> str:
        """An address; what is sent to it, or below it, is given to `take` on the connection's thread."""
        number = str(next(self._numbers))
        self._awaited[number] = take
        return f"{self._inbox}.{number}"

    async def listen(self, take: Callable[[Msg], None]) -> str:
        """An address for good; whatever is sent below it is given to `take`, under whichever subject it comes.

        What a stream hands out keeps its own subject, so it cannot be told by that which address it was meant for.
        """

        async def taken(message: Msg) -> None:
            take(message)

        address = self.client.new_inbox()
        await self.client.subscribe(f"{address}.*", cb=taken, pending_msgs_limit=-1, pending_bytes_limit=-1)
        return address

    def forget(self, address: str) -> None:
        """Closes an address."""
        self._awaited.pop(address.rpartition(".")[2], None)

    def close(self) -> None:
        """Closes the connection and ends its thread."""
        try:
            self.call(self.client.close, limit=ANSWER_SECONDS)
        finally:
            self._stop()

    async def _connect(self, servers: list[str]) -> Client:
        client = await nats.connect(
            servers=servers,
            connect_timeout=2,
            max_reconnect_attempts=-1,
            reconnect_time_wait=BETWEEN_SECONDS,
            pending_size=PENDING_BYTES,
            error_cb=_noted,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
        )
        self._inbox = client.new_inbox()
        self._depth = len(self._inbox) + 1
        await client.subscribe(f"{self._inbox}.>", cb=self._take, pending_msgs_limit=-1, pending_bytes_limit=-1)
        return client

    async def _take(self, message: Msg) -> None:
        found = self._awaited.get(message.subject[self._depth :].partition(".")[0])
        if found is not None:
            found(message)

    async def _reconnected(self) -> None:
        self._subscribed = True

    async def _disconnected(self) -> None:
        self.losses, self._subscribed = self.losses + 1, False
        for tell in list(self._lost):
            tell()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def status(message: Msg) -> str | None:
    """The server's word instead of a message, e.g. 404: there is nothing, 503: nobody is there; None: a message."""
    return None if message.data or not message.headers else message.headers.get("Status")


async def _noted(error: Exception) -> None:
    """Lost connections are not news: whoever asks something meanwhile is told."""
    import structlog

    structlog.get_logger("cultiva.stream").debug("the connection to NATS had a fault", error=str(error))
