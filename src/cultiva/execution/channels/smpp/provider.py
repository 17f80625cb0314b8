"""Short messages to a centre over SMPP 3.4, so many on the way at a time; receipts come back over the same link.

A centre knows its own ids only, and gives them with its answer: a message whose answer never came cannot be asked for,
unless the centre takes our key as its id (`key_tag`). A receipt is acknowledged at the poll after the one that gave it,
so that a crash in between makes the centre send it again; a report is taken once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cultiva.contracts.delivery import Message, Provider, Receipt, Report, Sent
from cultiva.definitions.providers import ProviderSettings, SmppSettings
from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.smpp.link import Link, LinkLost, Login
from cultiva.execution.channels.smpp.pdu import (
    HAS_HEADER,
    OK,
    Command,
    Pdu,
    Reader,
    ShortMessage,
    message_body,
    query_body,
)
from cultiva.execution.channels.smpp.receipts import report_of, together, verdict
from cultiva.execution.channels.smpp.texts import parts_of
from cultiva.kit.clock import Clock, seconds
from cultiva.kit.hashing import md5_hex

_NUMBER = re.compile(r"[0-9]{3,20}")
POLL_SECONDS = 0.05
"""How long a poll waits for receipts."""


def open_centre(settings: ProviderSettings, *, root: Path, clock: Clock) -> Provider:
    """A link to a centre; see `service.open_provider`."""
    return Smpp(settings, root=root, clock=clock)


@dataclass
class _Batch:
    """Parts of messages: still to go, on the way, and answered."""

    waiting: list[tuple[str, int, bytes]]
    """(key, index of the part, body), the last one first."""
    on_way: dict[int, tuple[str, int, float]] = field(default_factory=dict)
    """Sequence number -> (key, index, deadline)."""
    answered: dict[str, dict[int, Receipt]] = field(default_factory=dict)

    def answer(self, key: str, index: int, receipt: Receipt) -> None:
        self.answered.setdefault(key, {})[index] = receipt


class Smpp:
    """See `contracts.delivery.Provider`."""

    repeats_safely = False

    def __init__(self, settings: ProviderSettings, *, root: Path, clock: Clock) -> None:
        self._own: SmppSettings = settings.section()
        self._clock = clock
        self._timeout = settings.timeout_seconds
        self._login = Login(
            revealed(settings.url, root=root),
            revealed(self._own.system_id, root=root),
            revealed(self._own.password, root=root),
            self._own.system_type,
        )
        self._link: Link | None = None
        self._taken: list[Pdu] = []
        self._given: list[Pdu] = []

    @property
    def traceable(self) -> bool:
        return self._own.key_tag is not None

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        bodies = {message.key: self._bodies(message) for message in messages}
        parts = [(key, index, body) for key, found in bodies.items() for index, body in enumerate(found)]
        batch = _Batch(waiting=parts[::-1])
        try:
            link = self._linked()
            while batch.waiting or batch.on_way:
                self._step(link, batch)
        except LinkLost as error:
            self._lose()
            _lost(batch, str(error))
        return [_receipt(message.key, bodies[message.key], batch) for message in messages]

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        if not self.traceable:
            return [Receipt(key, Sent.UNKNOWN, problem="this centre cannot be asked by our key") for key in keys]
        try:
            return [self._fate(self._linked(), key) for key in keys]
        except LinkLost as error:
            self._lose()
            return [Receipt(key, Sent.UNKNOWN, problem=str(error)) for key in keys]

    def poll(self) -> Sequence[Report]:
        try:
            link = self._linked()
            for pdu in self._given:
                link.acknowledge(pdu)
            self._given = []
            link.got(until=seconds() + POLL_SECONDS)
        except LinkLost:
            self._lose()
        self._given += self._taken
        found = [report_of(pdu, received=self._clock()) for pdu in self._taken]
        self._taken.clear()  # the link adds to this very list
        return [report for report in found if report is not None]

    def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close(unbind=True)

    def _linked(self) -> Link:
        """A link that answers."""
        if self._link is not None and seconds() - self._link.used > self._own.enquire_seconds:
            try:
                self._link.asked(Command.ENQUIRE_LINK, until=seconds() + self._timeout)
            except LinkLost:
                self._lose()
        if self._link is None:
            self._link = Link(self._login, seconds=seconds, timeout=self._timeout, taken=self._taken.append)
        return self._link

    def _lose(self) -> None:
        """What was not acknowledged on the link comes again on the next one."""
        link, self._link = self._link, None
        self._given = []
        if link is not None:
            link.close(unbind=False)

    def _step(self, link: Link, batch: _Batch) -> None:
        """Fills the window, then waits for the first answer."""
        while batch.waiting and len(batch.on_way) < self._own.window:
            key, index, body = batch.waiting[-1]
            number = link.put(Command.SUBMIT_SM, body)
            batch.waiting.pop()
            batch.on_way[number] = (key, index, seconds() + self._timeout)
        answers = link.got(until=min(deadline for _, _, deadline in batch.on_way.values()))
        if not answers:
            raise LinkLost("no answer in time")
        for answer in answers:
            self._answered(batch, answer)

    def _answered(self, batch: _Batch, answer: Pdu) -> None:
        if answer.sequence not in batch.on_way:
            return
        key, index, _ = batch.on_way.pop(answer.sequence)
        if answer.status == OK:
            reference = Reader(answer.body).text() if answer.body else ""
            batch.answer(key, index, Receipt(key, Sent.ACCEPTED, reference=reference))
        else:
            problem = f"status 0x{answer.status:02X}"
            batch.answer(key, index, Receipt(key, verdict(answer.status), problem=problem))

    def _bodies(self, message: Message) -> list[bytes]:
        """The submit_sm of every part; the receipt is wanted of the last one."""
        own, number = self._own, int(md5_hex(message.key)[:2], 16)
        text, address = message.content.get("text", ""), message.address.removeprefix("+")
        parts = parts_of(text, number=number) if text and _NUMBER.fullmatch(address) else []
        extra = {} if own.key_tag is None else {own.key_tag: message.key.encode() + b"\0"}
        return [
            message_body(
                ShortMessage(
                    own.sender,
                    address,
                    part.octets,
                    own.sender_ton,
                    own.sender_npi,
                    own.address_ton,
                    own.address_npi,
                    esm_class=HAS_HEADER if part.has_header else 0,
                    registered=1 if index == len(parts) else 0,
                    coding=part.coding,
                    parameters=extra if index == len(parts) else {},
                )
            )
            for index, part in enumerate(parts, 1)
        ]

    def _fate(self, link: Link, key: str) -> Receipt:
        own = self._own
        body = query_body(key, own.sender, own.sender_ton, own.sender_npi)
        answer = link.asked(Command.QUERY_SM, body, until=seconds() + self._timeout)
        if answer.status == OK:
            return Receipt(key, Sent.ACCEPTED, reference=Reader(answer.body).text())
        if answer.status in (0x0C, 0x67):  # ESME_RINVMSGID, ESME_RQUERYFAIL
            return Receipt(key, Sent.ABSENT)
        return Receipt(key, Sent.UNKNOWN, problem=f"query_sm: status 0x{answer.status:02X}")


def _lost(batch: _Batch, problem: str) -> None:
    """The link broke: what was on the way may have arrived, what was waiting has surely not."""
    for key, index, _ in batch.on_way.values():
        batch.answer(key, index, Receipt(key, Sent.UNKNOWN, problem=f"no answer: {problem}"))
    for key, index, _ in batch.waiting:
        batch.answer(key, index, Receipt(key, Sent.LATER, problem=problem))


def _receipt(key: str, bodies: list[bytes], batch: _Batch) -> Receipt:
    if not bodies:
        return Receipt(key, Sent.REFUSED, problem="no telephone number, no text, or one that 255 parts cannot hold")
    found = batch.answered[key]
    return together(key, [found[index] for index in range(len(bodies))])
