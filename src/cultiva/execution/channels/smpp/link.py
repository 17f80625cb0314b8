"""A bound connection to a centre: packets out, packets in, each wait with an end."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from cultiva.execution.channels.smpp.pdu import ANSWER, OK, BadPacket, Command, Pdu, bind_body, packed, unpacked

DEFAULT_PORT = 2775
LAST_SEQUENCE = 0x7FFFFFFF


class LinkLost(Exception):
    """The link is not there, or does not let us in."""


@dataclass(frozen=True)
class Login:
    """Where the centre is, and how one gets in."""

    url: str
    """smpp:// or smpps://"""
    system_id: str
    password: str
    system_type: str


class Link:
    """One bound connection; not shared by threads.

    Args:
        login: See there.
        seconds: A count of seconds that only grows.
        timeout: Seconds for connecting and binding.
        taken: Gets every deliver_sm; it is answered when `acknowledge` is called with it.
    """

    def __init__(
        self, login: Login, *, seconds: Callable[[], float], timeout: float, taken: Callable[[Pdu], None]
    ) -> None:
        self._seconds = seconds
        self._taken = taken
        self._timeout = timeout
        self._buffer = bytearray()
        self._sequence = 0
        self.used = seconds()
        self._socket = _connected(login, timeout)
        try:
            body = bind_body(login.system_id, login.password, login.system_type)
            answer = self.asked(Command.BIND_TRANSCEIVER, body, until=seconds() + timeout)
        except LinkLost:
            self._socket.close()
            raise
        if answer.status != OK:
            self._socket.close()
            raise LinkLost(f"bind refused: status 0x{answer.status:02X}")

    def put(self, command: int, body: bytes = b"") -> int:
        """Sends a request; gives its sequence number.

        Raises:
            LinkLost: if it could not be sent whole.
        """
        self._sequence = self._sequence % LAST_SEQUENCE + 1
        self._send(Pdu(command, self._sequence, OK, body))
        return self._sequence

    def got(self, *, until: float) -> list[Pdu]:
        """Answers that have come, at least one; requests of the centre are dealt with beside.

        Args:
            until: When to give up, by `seconds`.

        Returns:
            Empty when the time is over.

        Raises:
            LinkLost: if the link broke.
        """
        while True:
            answers = [pdu for pdu in self._packets() if not self._dealt_with(pdu)]
            if answers:
                return answers
            left = until - self._seconds()
            if left <= 0 or not self._received(left):
                return []

    def asked(self, command: int, body: bytes = b"", *, until: float) -> Pdu:
        """The answer to one request, others being let pass.

        Raises:
            LinkLost: if none comes in time.
        """
        number = self.put(command, body)
        while answers := self.got(until=until):
            for answer in answers:
                if answer.sequence == number:
                    return answer
        raise LinkLost("no answer in time")

    def acknowledge(self, pdu: Pdu) -> None:
        """Says that a deliver_sm has been taken for good."""
        self._send(Pdu(Command.DELIVER_SM_RESP, pdu.sequence, OK, b"\0"))

    def close(self, *, unbind: bool) -> None:
        """Leaves, with a goodbye where the link is whole."""
        with closing(self._socket), suppress(LinkLost):  # a link that is gone needs no goodbye
            if unbind:
                self.asked(Command.UNBIND, until=self._seconds() + 1)

    def _send(self, pdu: Pdu) -> None:
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(packed(pdu))
        except OSError as error:
            raise LinkLost(type(error).__name__) from error

    def _received(self, left: float) -> bool:
        """Waits for octets; false when the time is over."""
        try:
            self._socket.settimeout(left)
            data = self._socket.recv(65536)
        except TimeoutError:
            return False
        except OSError as error:
            raise LinkLost(type(error).__name__) from error
        if not data:
            raise LinkLost("the centre closed the link")
        self.used = self._seconds()
        self._buffer += data
        return True

    def _packets(self) -> list[Pdu]:
        try:
            return list(unpacked(self._buffer))
        except BadPacket as error:
            raise LinkLost(str(error)) from error

    def _dealt_with(self, pdu: Pdu) -> bool:
        """Whether it was a request of the centre."""
        if pdu.command & ANSWER:
            return False
        if pdu.command == Command.DELIVER_SM:
            self._taken(pdu)
        elif pdu.command in (Command.ENQUIRE_LINK, Command.UNBIND):
            self._send(Pdu(pdu.command | ANSWER, pdu.sequence))
        else:
            self._send(Pdu(Command.GENERIC_NACK, pdu.sequence, 0x03))
        return True


def _connected(login: Login, timeout: float) -> socket.socket:
    parts = urlsplit(login.url)
    host = parts.hostname or "localhost"
    try:
        found = socket.create_connection((host, parts.port or DEFAULT_PORT), timeout=timeout)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "smpps":
            return ssl.create_default_context().wrap_socket(found, server_hostname=host)
    except OSError as error:
        raise LinkLost(type(error).__name__) from error
    return found
