"""A small, quick HTTP/1.1 server on asyncio, for simulators: keep-alive, content-length, any number of connections.

A framework takes a millisecond for each request, most of a core at a thousand messages a second; this takes a tenth.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body or b"null")


@dataclass(frozen=True)
class Answer:
    """One answer; `dropped` breaks the connection instead."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    dropped: bool = False


Handler = Callable[[Request], Awaitable[Answer]]
DROPPED = Answer(dropped=True)
"""The connection breaks."""


async def serve(handler: Handler, *, port: int = 0) -> int:
    """Serves on 127.0.0.1; gives the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(handler), "127.0.0.1", port, backlog=1024)
    _SERVERS.append(server)
    return int(server.sockets[0].getsockname()[1])


_SERVERS: list[asyncio.Server] = []


class _Connection(asyncio.Protocol):
    """One connection: requests are answered one after the other."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._buffer = b""
        self._busy = False
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:
            self._next()

    def _next(self) -> None:
        request = self._parsed()
        if request is not None:
            self._busy = True
            task = asyncio.get_running_loop().create_task(self._answer(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _parsed(self) -> Request | None:
        """The next whole request, taken from the buffer."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        whole = end + 4 + int(headers.get("content-length", "0"))
        if len(self._buffer) < whole:
            return None
        body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
        method, target, _ = first.split(" ")
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()} if parts.query else {}
        return Request(method, unquote(parts.path), query, headers, body)

    async def _answer(self, request: Request) -> None:
        try:
            answer = await self._handler(request)
        except Exception as error:
            answer = Answer(500, {"error": repr(error)})
        if answer.dropped:
            self._transport.abort()
            return
        self._transport.write(_written(answer))
        self._busy = False
        if self._buffer:
            self._next()


def _written(answer: Answer) -> bytes:
    body = b"" if answer.body is None else json.dumps(answer.body, ensure_ascii=False).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    head = f"HTTP/1.1 {answer.status} X\r\ncontent-type: application/json\r\n{more}content-length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body
