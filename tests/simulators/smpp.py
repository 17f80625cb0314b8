"""A short message centre: SMPP 3.4 over TCP, its packets read and written here by hand, apart from the project's.

The key of a message is its vendor parameter `--key-tag`, or else its destination. Receipts are pushed as deliver_sm
over any bound connection until one acknowledges them; `/misbehave` and `/tell` are over HTTP.
"""

from __future__ import annotations

import asyncio
import struct
from argparse import ArgumentParser
from functools import partial
from typing import Any

from tests.simulators.command import Desk, run
from tests.simulators.desk_routes import common
from tests.simulators.http import Answer, Request, serve

BIND, SUBMIT, DELIVER, QUERY, UNBIND, ENQUIRE = 0x09, 0x04, 0x05, 0x03, 0x06, 0x15
THROTTLED, BAD_DESTINATION, BIND_FAILED, QUERY_FAILED, BAD_COMMAND = 0x58, 0x0B, 0x0D, 0x67, 0x03


class Centre:
    """What all connections share."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.queue: list[dict[str, Any]] = []
        """Reports that nobody has acknowledged."""
        self.cursor = 0

    def due(self) -> list[dict[str, Any]]:
        """What is to be pushed to a connection that has just been bound, or since it last asked."""
        found, self.cursor = self.desk.reports.after(self.cursor)
        self.queue += found
        return self.queue


class Connection:
    """One ESME."""

    def __init__(self, centre: Centre, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.centre, self.desk = centre, centre.desk
        self.reader, self.writer = reader, writer
        self.bound = False
        self.pushed: dict[int, dict[str, Any]] = {}
        self.known: set[int] = set()
        self.sequence = 0

    async def serve(self) -> None:
        """Until it leaves or is thrown out."""
        pushing = asyncio.create_task(self.push())
        try:
            while True:
                length, command, _, sequence = struct.unpack(">IIII", await self.reader.readexactly(16))
                body = await self.reader.readexactly(length - 16)
                if command & 0x80000000:
                    self.acknowledged(sequence)
                elif command == SUBMIT and self.bound:
                    self.submitted(sequence, body)
                else:
                    self.other(command, sequence, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # whoever was bound has gone
        finally:
            pushing.cancel()
            self.writer.close()

    def answer(self, command: int, sequence: int, status: int = 0, body: bytes = b"") -> None:
        self.writer.write(struct.pack(">IIII", 16 + len(body), command | 0x80000000, status, sequence) + body)

    def other(self, command: int, sequence: int, body: bytes) -> None:
        if command == BIND:
            fields = body.split(b"\0")
            self.bound = fields[:2] == [part.encode() for part in self.desk.given.login.split(":")]
            self.answer(BIND, sequence, 0 if self.bound else BIND_FAILED, b"centre\0")
        elif command == QUERY and self.bound:
            key = body.split(b"\0")[0].decode()
            known = self.desk.record.accepted.get(key) if self.desk.moods.now.look_up else None
            found = (known or "").encode() + b"\0\0\2\0"
            self.answer(QUERY, sequence, 0 if known else QUERY_FAILED, found if known else b"")
        elif command in (ENQUIRE, UNBIND):
            self.answer(command, sequence)
        else:
            self.answer(0x80000000, sequence, BAD_COMMAND)

    def submitted(self, sequence: int, body: bytes) -> None:
        message = read(body)
        tagged = message["parameters"].get(self.desk.given.key_tag, b"")
        key = tagged.rstrip(b"\0").decode() or message["destination"]
        drawn = self.desk.moods.drawn(key)
        delay = self.desk.moods.now.slow_seconds if "slow" in drawn else 0.0
        if delay:
            loop = asyncio.get_running_loop()
            loop.call_later(delay, self.decided, sequence, key, drawn, message)
        else:
            self.decided(sequence, key, drawn, message)

    def decided(self, sequence: int, key: str, drawn: frozenset[str], message: dict[str, Any]) -> None:
        if "drop_before" in drawn:
            self.writer.transport.abort()
        elif "refuse" in drawn:
            self.answer(SUBMIT, sequence, BAD_DESTINATION)
        elif "busy" in drawn:
            self.answer(SUBMIT, sequence, THROTTLED)
        else:
            kept = {name: message[name] for name in ("coding", "esm_class", "registered", "source")}
            accept = self.desk.accept if message["registered"] else self.desk.record.accept
            reference = accept(key, message["destination"], octets=message["octets"].hex(), **kept)
            if "drop_after" in drawn:
                self.writer.transport.abort()
            else:
                self.answer(SUBMIT, sequence, 0, reference.encode() + b"\0")

    def acknowledged(self, sequence: int) -> None:
        report = self.pushed.pop(sequence, None)
        self.centre.queue[:] = [one for one in self.centre.queue if one is not report]

    async def push(self) -> None:
        """Every report is pushed once over a connection; one not acknowledged there goes over the next."""
        while True:
            await asyncio.sleep(0.02)
            for report in self.centre.due() if self.bound else []:
                if id(report) not in self.known:
                    self.known.add(id(report))
                    self.sequence += 1
                    self.pushed[self.sequence] = report
                    body = delivery(report)
                    self.writer.write(struct.pack(">IIII", 16 + len(body), DELIVER, 0, self.sequence) + body)


def read(body: bytes) -> dict[str, Any]:
    """The fields of submit_sm that the centre looks at (SMPP 3.4, 4.4.1)."""
    rest = body.partition(b"\0")[2]
    source, _, rest = rest[2:].partition(b"\0")
    destination, _, rest = rest[2:].partition(b"\0")
    esm_class, rest = rest[0], rest[3:].partition(b"\0")[2].partition(b"\0")[2]
    registered, _, coding, _, length = rest[:5]
    octets, rest = rest[5 : 5 + length], rest[5 + length :]
    parameters = {}
    while rest:
        tag, size = struct.unpack(">HH", rest[:4])
        parameters[tag], rest = rest[4 : 4 + size], rest[4 + size :]
    return {
        "source": source.decode(),
        "destination": destination.decode(),
        "esm_class": esm_class,
        "registered": registered,
        "coding": coding,
        "octets": octets,
        "parameters": parameters,
    }


def delivery(report: dict[str, Any]) -> bytes:
    """deliver_sm: a receipt in the form of appendix B, or what a customer wrote."""
    replied = report["kind"] == "replied"
    state = {"delivered": "DELIVRD", "failed": "UNDELIV"}.get(report["kind"], "ENROUTE")
    days = "submit date:2611230900 done date:2611230901"
    form = f"id:{report['reference']} sub:001 dlvrd:001 {days} stat:{state} err:000 text:"
    text = report["text"].encode("utf-16-be") if replied else form.encode()
    source = report["address"].encode()
    head = b"\0\1\1" + source + b"\0\1\1bank\0" + bytes((0 if replied else 4, 0, 0)) + b"\0\0"
    return head + bytes((0, 0, 8 if replied else 0, 0, len(text))) + text


async def start(desk: Desk) -> dict[str, int]:
    """Opens both sockets."""
    centre = Centre(desk)

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Connection(centre, reader, writer).serve()

    server = await asyncio.start_server(met, "127.0.0.1", desk.given.port)
    SERVERS.append(server)
    http_port = await serve(partial(handle, desk))
    return {"port": int(server.sockets[0].getsockname()[1]), "http_port": http_port}


SERVERS: list[asyncio.Server] = []


async def handle(desk: Desk, request: Request) -> Answer:
    """The routes that every simulator has."""
    return common(desk, request) or Answer(404, {"error": "no such route"})


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--login", default="bank:secret08", help="system_id:password")
    parser.add_argument("--key-tag", type=int, default=0x1501, help="vendor parameter with the sender's own id")


if __name__ == "__main__":
    run(start, options=_options)
