"""E-mail to a relay over one kept connection. What is not surely outside is LATER; once the whole mail has gone and no
answer has come, its fate is UNKNOWN until the relay's message trace is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cultiva.contracts.delivery import Message, Provider, Receipt, Report, Sent
from cultiva.definitions.providers import ProviderSettings, SmtpSettings
from cultiva.execution.channels.fetching import Inbox
from cultiva.execution.channels.filling import filled_url, text_at
from cultiva.execution.channels.mail import Sender, address_problem, signer, written
from cultiva.execution.channels.relay import Lost, Relay, RelayAddress
from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.web import Call, Web, traced
from cultiva.kit.clock import Clock, seconds


def open_relay(settings: ProviderSettings, *, root: Path, clock: Clock) -> Provider:
    """A connection to a relay; see `service.open_provider`."""
    return Smtp(settings, root=root, clock=clock)


class Smtp:
    """See `contracts.delivery.Provider`."""

    repeats_safely = False

    def __init__(self, settings: ProviderSettings, *, root: Path, clock: Clock) -> None:
        own: SmtpSettings = settings.section()
        self._own = own
        self._clock = clock
        self._sender = Sender(own.sender, own.unsubscribe_mail or "")
        self._signer = own.dkim and signer(
            own.dkim.domain, own.dkim.selector, revealed(own.dkim.key, root=root).encode()
        )
        address = RelayAddress.read(settings.url, own, root=root, timeout_seconds=settings.timeout_seconds)
        self._relay = Relay(address, seconds=seconds)
        self._web = Web(timeout_seconds=settings.timeout_seconds) if own.trace_url or own.reports_url else None
        self._inbox = own.reports_url and Inbox(own.reports_url, own.reports, headers={}, clock=clock)

    @property
    def traceable(self) -> bool:
        return self._own.trace_url is not None

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        receipts: list[Receipt] = []
        lost: Lost | None = None
        for message in messages:
            if lost is not None:  # the relay is not there: the others do not wait for it once more
                receipts.append(Receipt(message.key, Sent.LATER, problem=lost.problem))
                continue
            try:
                receipts.append(self._sent(message))
            except Lost as error:
                receipts.append(Receipt(message.key, Sent.LATER, problem=error.problem))
                lost = error
        return receipts

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        url = self._own.trace_url
        if url is None or self._web is None:
            return [Receipt(key, Sent.UNKNOWN, problem="this relay has no message trace") for key in keys]
        replies = self._web.all([Call("GET", filled_url(url, key=key)) for key in keys])
        pairs = zip(keys, replies, strict=True)
        return [traced(key, reply, lambda found: text_at(found.json(), "id")) for key, reply in pairs]

    def poll(self) -> Sequence[Report]:
        return self._inbox.fetched(self._web) if self._inbox and self._web else []

    def close(self) -> None:
        self._relay.close()
        if self._web is not None:
            self._web.close()

    def _sent(self, message: Message) -> Receipt:
        problem = address_problem(message)
        if problem:
            return Receipt(message.key, Sent.REFUSED, problem=problem)
        try:
            mail = written(message, self._sender, at=self._clock())
        except ValueError:
            return Receipt(message.key, Sent.REFUSED, problem="a header would break out of its line")
        signed = self._signer.signed(mail) if self._signer else mail
        return self._relay.carry(message.key, self._sender.bare, message.address, signed)
