"""A mail server that says little and is quick: ESMTP on a bare asyncio protocol, for measuring throughput.

aiosmtpd takes 0.85 ms of a core for each message, which would measure aiosmtpd. This one takes a tenth. It knows
EHLO, MAIL, RCPT, DATA, RSET, NOOP, QUIT and pipelining; TLS and logins are aiosmtpd's (`smtp.py` without `--quick`).
"""

from __future__ import annotations

import asyncio

from tests.simulators.command import Desk
from tests.simulators.delivery import BROKEN, mood, taken

EHLO = b"250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 33554432\r\n250 SMTPUTF8\r\n"
END = b"\r\n.\r\n"


class QuickMail(asyncio.Protocol):
    """One connection."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._buffer = b""
        self._data = False
        self._sender = False
        self._recipients: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 localhost ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._work()

    def _work(self) -> None:
        """Everything whole in the buffer, until a message has to wait."""
        while not self._tasks:
            mark = END if self._data else b"\r\n"
            part, found, rest = self._buffer.partition(mark)
            if not found:
                return
            self._buffer = rest
            if self._data:
                self._data = False
                self._message(part.replace(b"\r\n..", b"\r\n."))
            else:
                self._transport.write(self._command(part))

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            return EHLO
        if verb == b"QUIT":
            self._transport.write(b"221 2.0.0 bye\r\n")
            self._transport.close()
            return b""
        if verb == b"DATA":
            self._data = bool(self._recipients)
            return b"354 go ahead\r\n" if self._data else b"503 5.5.1 RCPT first\r\n"
        if verb in (b"MAIL", b"RSET"):
            self._recipients, self._sender = [], verb == b"MAIL"
        elif verb == b"RCPT":
            if not self._sender:
                return b"503 5.5.1 MAIL first\r\n"
            self._recipients.append(line.partition(b"<")[2].partition(b">")[0].decode())
        elif verb not in (b"NOOP", b"HELO"):
            return b"502 5.5.2 unknown\r\n"
        return b"250 2.0.0 ok\r\n"

    def _message(self, content: bytes) -> None:
        """Answers at once where nothing has to wait."""
        recipients, self._recipients, self._sender = self._recipients, [], False
        key, drawn = mood(self._desk, content)
        if "slow" not in drawn:
            self._say(taken(self._desk, key, drawn, recipients, content))
            return
        task = asyncio.get_running_loop().create_task(self._later(key, drawn, recipients, content))
        self._tasks.add(task)

    async def _later(self, key: str, drawn: frozenset[str], recipients: list[str], content: bytes) -> None:
        await asyncio.sleep(self._desk.moods.now.slow_seconds)
        self._say(taken(self._desk, key, drawn, recipients, content))
        self._tasks.clear()
        self._work()

    def _say(self, answer: str) -> None:
        if answer == BROKEN:
            self._transport.abort()
        else:
            self._transport.write(f"{answer}\r\n".encode())
