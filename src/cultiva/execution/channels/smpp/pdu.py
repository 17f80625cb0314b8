"""Packets of SMPP 3.4 as bytes and back: only those that an ESME needs, and what a centre answers. Pure.

Source: Short Message Peer to Peer Protocol Specification v3.4, issue 1.2 (sections 3.2, 4, 5.1, 5.3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

HEADER = struct.Struct(">IIII")
LONGEST = 64 * 1024
"""Octets of the longest packet that is read."""


class Command(IntEnum):
    """Command ids; an answer has the first bit set."""

    GENERIC_NACK = 0x80000000
    QUERY_SM = 0x00000003
    SUBMIT_SM = 0x00000004
    DELIVER_SM = 0x00000005
    UNBIND = 0x00000006
    BIND_TRANSCEIVER = 0x00000009
    ENQUIRE_LINK = 0x00000015
    QUERY_SM_RESP = 0x80000003
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM_RESP = 0x80000005
    UNBIND_RESP = 0x80000006
    BIND_TRANSCEIVER_RESP = 0x80000009
    ENQUIRE_LINK_RESP = 0x80000015


ANSWER = 0x80000000
OK = 0x00000000
INVALID_COMMAND = 0x00000003
QUEUE_FULL, THROTTLED, SYSTEM_ERROR, SUBMIT_FAILED = 0x14, 0x58, 0x08, 0x45
BAD_DESTINATION, BAD_SOURCE, QUERY_FAILED, BIND_FAILED = 0x0B, 0x0A, 0x67, 0x0D
RECEIPTED_ID, MESSAGE_STATE, PAYLOAD = 0x001E, 0x0427, 0x0424
"""Optional parameters: receipted_message_id, message_state, message_payload."""
HAS_HEADER, IS_RECEIPT = 0x40, 0x04
"""Bits of esm_class: a user data header; a receipt of the centre (within 0x3C)."""


class BadPacket(Exception):
    """What came is no packet of SMPP."""


@dataclass(frozen=True)
class Pdu:
    """A packet."""

    command: int
    sequence: int
    status: int = OK
    body: bytes = b""


@dataclass(frozen=True)
class ShortMessage:
    """The body of submit_sm and deliver_sm."""

    source: str = ""
    destination: str = ""
    text: bytes = b""
    """short_message, at most 254 octets."""
    source_ton: int = 0
    source_npi: int = 0
    destination_ton: int = 0
    destination_npi: int = 0
    esm_class: int = 0
    registered: int = 0
    """registered_delivery; 1: a receipt of success or failure is wanted."""
    coding: int = 0
    """data_coding; 0: the centre's alphabet (GSM 7 bit), 8: UCS-2."""
    parameters: Mapping[int, bytes] = field(default_factory=dict)
    """Optional parameters by tag."""


def packed(pdu: Pdu) -> bytes:
    """A packet as it goes over the wire."""
    return HEADER.pack(HEADER.size + len(pdu.body), pdu.command, pdu.status, pdu.sequence) + pdu.body


def unpacked(buffer: bytearray) -> Iterator[Pdu]:
    """The whole packets at the beginning of a buffer; they are taken from it.

    Raises:
        BadPacket: if a length is impossible.
    """
    while len(buffer) >= HEADER.size:
        length, command, status, sequence = HEADER.unpack_from(buffer)
        if not HEADER.size <= length <= LONGEST:
            raise BadPacket(f"a packet of {length} octets")
        if len(buffer) < length:
            return
        body = bytes(buffer[HEADER.size : length])
        del buffer[:length]
        yield Pdu(command, sequence, status, body)


def bind_body(system_id: str, password: str, system_type: str) -> bytes:
    """Of bind_transceiver; version 3.4."""
    return _text(system_id) + _text(password) + _text(system_type) + bytes((0x34, 0, 0)) + _text("")


def message_body(message: ShortMessage) -> bytes:
    """Of submit_sm or deliver_sm."""
    head = _text("") + bytes((message.source_ton, message.source_npi)) + _text(message.source)
    head += bytes((message.destination_ton, message.destination_npi)) + _text(message.destination)
    head += bytes((message.esm_class, 0, 0)) + _text("") + _text("")
    head += bytes((message.registered, 0, message.coding, 0, len(message.text))) + message.text
    return head + b"".join(_parameter(tag, value) for tag, value in message.parameters.items())


def read_message(body: bytes) -> ShortMessage:
    """A submit_sm or deliver_sm.

    Raises:
        BadPacket: if it is cut short.
    """
    reader = Reader(body)
    reader.text()  # service_type
    source_ton, source_npi, source = reader.byte(), reader.byte(), reader.text()
    destination_ton, destination_npi, destination = reader.byte(), reader.byte(), reader.text()
    esm_class, _protocol, _priority = reader.byte(), reader.byte(), reader.byte()
    reader.text()  # schedule_delivery_time
    reader.text()  # validity_period
    registered, _replace, coding, _default = reader.byte(), reader.byte(), reader.byte(), reader.byte()
    text = reader.octets(reader.byte())
    parameters = dict(reader.parameters())
    return ShortMessage(
        source,
        destination,
        text or parameters.get(PAYLOAD, b""),
        source_ton,
        source_npi,
        destination_ton,
        destination_npi,
        esm_class,
        registered,
        coding,
        parameters,
    )


def id_body(message_id: str) -> bytes:
    """Of submit_sm_resp and deliver_sm_resp."""
    return _text(message_id)


def query_body(message_id: str, source: str, ton: int, npi: int) -> bytes:
    """Of query_sm: the source address must be that of the message."""
    return _text(message_id) + bytes((ton, npi)) + _text(source)


def query_answer_body(message_id: str, state: int) -> bytes:
    """Of query_sm_resp."""
    return _text(message_id) + _text("") + bytes((state, 0))


class Reader:
    """Reads the fields of a body one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def byte(self) -> int:
        """The next octet."""
        return self.octets(1)[0]

    def octets(self, count: int) -> bytes:
        """The next octets.

        Raises:
            BadPacket: if there are fewer.
        """
        found = self._body[self._at : self._at + count]
        if len(found) < count:
            raise BadPacket("a body that is cut short")
        self._at += count
        return found

    def text(self) -> str:
        """The next text that ends with a zero."""
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise BadPacket("a text without an end")
        found = self._body[self._at : end]
        self._at = end + 1
        return found.decode("latin-1")

    def parameters(self) -> Iterator[tuple[int, bytes]]:
        """The optional parameters at the end."""
        while self._at < len(self._body):
            tag, length = struct.unpack(">HH", self.octets(4))
            yield tag, self.octets(length)


def _text(value: str) -> bytes:
    return value.encode("latin-1", "replace").replace(b"\0", b"") + b"\0"


def _parameter(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value
