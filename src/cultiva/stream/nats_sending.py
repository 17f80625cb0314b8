"""Sends letters to JetStream, all at once, and waits until the server has every one of them in its file."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from nats.aio.msg import Msg

from cultiva.kit.clock import seconds
from cultiva.stream.nats_link import Link, NoAnswerError

PATIENCE_SECONDS = 1.0
"""After so long without an answer, what has not been acknowledged is sent again."""
APPEND_SECONDS = 20.0
"""After so long it is given up; whoever asked sends it again, under the same names."""
CALL_BYTES = 8
"""Length of the name of a call."""


class Letter(NamedTuple):
    """One message to a stream."""

    subject: str
    """`space.partition.record`, or that of a mark."""
    known_by: str
    """By this the server knows a second one."""
    body: bytes


class _Answer(msgspec.Struct):
    """What the server says of a letter."""

    seq: int
    duplicate: bool = False


class Sending:
    """Letters on their way; what is not acknowledged in time is sent again.

    Args:
        link: The connection.
        letters: To be sent.
        call: What the body of each begins with: tells our own letter from another's of the same name.
    """

    def __init__(self, link: Link, letters: Sequence[Letter], call: bytes) -> None:
        self._link, self._letters, self._call = link, letters, call
        self._got: list[tuple[bool, int] | None] = [None] * len(letters)
        self._missing = len(letters)
        self._again = False
        self._doubtful: list[int] = []
        self._refused = ""
        self._heard = asyncio.Event()

    async def answers(self) -> list[tuple[bool, int]]:
        """Sends until all is acknowledged; for each letter whether it is new, and its position.

        Raises:
            NoAnswerError: if that takes too long, or the server refuses one.
        """
        address = self._link.expect(self._take)
        began = seconds()
        try:
            with self._link.told_if_lost(self._heard.set):
                while self._missing and not self._refused and seconds() - began < APPEND_SECONDS:
                    losses = await self._link.connected()
                    await self._send_missing(address)
                    await self._quiet(losses)
                    self._again = True
        finally:
            self._link.forget(address)
        if self._missing:
            raise NoAnswerError(self._refused or f"{self._missing} of {len(self._letters)} records not acknowledged")
        for number in self._doubtful:
            await self._look(number)
        return [one for one in self._got if one is not None]

    async def _send_missing(self, address: str) -> None:
        client = self._link.client
        for number, letter in enumerate(self._letters):
            if self._got[number] is None:
                headers = {"Nats-Msg-Id": letter.known_by}
                await client.publish(letter.subject, letter.body, reply=f"{address}.{number}", headers=headers)

    async def _quiet(self, losses: int) -> None:
        """Returns when all is there, nothing has come for a while, or the connection was lost."""
        while self._missing and not self._refused and self._link.losses == losses:
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), PATIENCE_SECONDS)
            except TimeoutError:
                return

    def _take(self, message: Msg) -> None:
        """An answer like `{"stream":"cultiva-3", "seq":17, "duplicate": true}`."""
        number = int(message.subject.rpartition(".")[2])
        data = message.data
        if not data:
            return  # nobody is there to answer; it will be sent again
        if b'"error"' in data:
            self._refused = data.decode(errors="replace")
        elif self._got[number] is None:
            answer = msgspec.json.decode(data, type=_Answer)
            if answer.duplicate and self._again:
                self._doubtful.append(number)
            self._got[number] = (not answer.duplicate, answer.seq)
            self._missing -= 1
        if not self._missing or self._refused or number % 64 == 0:
            self._heard.set()

    async def _look(self, number: int) -> None:
        """One that was sent twice and was known the second time: had we written it ourselves, the first time?"""
        got = self._got[number]
        assert got is not None
        stream = self._letters[number].subject.split(".")
        found = await self._link.ask(f"STREAM.MSG.GET.{stream[0]}-{stream[1]}", {"seq": got[1]})
        body = base64.b64decode(found.get("message", {}).get("data", ""))
        self._got[number] = (body.startswith(self._call), got[1])
