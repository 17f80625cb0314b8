"""An SMS gateway over HTTP, of any make: a templated request, paths into the answer, look-up where there is one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from cultiva.contracts.delivery import Message, Provider, Receipt, Report, Sent
from cultiva.definitions.providers import GatewaySettings, ProviderSettings
from cultiva.execution.channels.fetching import Inbox
from cultiva.execution.channels.filling import filled, filled_url, mapped, text_at
from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.web import Call, Reply, Web, receipt_of, said, traced
from cultiva.kit.clock import Clock

KEY_HEADER = "Idempotency-Key"
"""Carries the key beside whatever the template does with it."""


def open_gateway(settings: ProviderSettings, *, root: Path, clock: Clock) -> Provider:
    """A connection to a gateway; see `service.open_provider`."""
    return Gateway(settings, root=root, clock=clock)


class Gateway:
    """See `contracts.delivery.Provider`."""

    def __init__(self, settings: ProviderSettings, *, root: Path, clock: Clock) -> None:
        own: GatewaySettings = settings.section()
        self._own = own
        self._url = revealed(settings.url, root=root)
        self._headers = {name: revealed(value, root=root) for name, value in own.headers.items()}
        self._body = mapped(own.body, lambda text: revealed(text, root=root))
        self._web = Web(timeout_seconds=settings.timeout_seconds, concurrency=own.concurrency)
        self._look_up = own.look_up_url and revealed(own.look_up_url, root=root)
        self._inbox = own.reports_url and Inbox(
            revealed(own.reports_url, root=root), own.reports, headers=self._plain_headers(), clock=clock
        )

    @property
    def repeats_safely(self) -> bool:
        return self._own.idempotent

    @property
    def traceable(self) -> bool:
        return self._look_up is not None

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        replies = self._web.all([self._call(message) for message in messages])
        return [self._receipt(message.key, reply) for message, reply in zip(messages, replies, strict=True)]

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        if not self._look_up:
            return [Receipt(key, Sent.UNKNOWN, problem="this gateway cannot be asked") for key in keys]
        calls = [Call("GET", filled_url(self._look_up, key=key), self._plain_headers()) for key in keys]
        pairs = zip(keys, self._web.all(calls), strict=True)
        return [traced(key, reply, lambda found: text_at(found.json(), self._own.reference)) for key, reply in pairs]

    def poll(self) -> Sequence[Report]:
        return self._inbox.fetched(self._web) if self._inbox else []

    def close(self) -> None:
        self._web.close()

    def _call(self, message: Message) -> Call:
        headers = {KEY_HEADER: message.key, "Content-Type": "application/json"}
        headers |= {name: filled(value, message) for name, value in self._headers.items()}
        body = json.dumps(filled(self._body, message), ensure_ascii=False).encode()
        return Call("POST", self._url, headers, body)

    def _plain_headers(self) -> dict[str, str]:
        """Headers of a request that carries no message."""
        return {name: value for name, value in self._headers.items() if "{" not in value}

    def _receipt(self, key: str, reply: Reply) -> Receipt:
        return receipt_of(key, reply, lambda found: self._verdict(key, found))

    def _verdict(self, key: str, reply: Reply) -> Receipt:
        """What a 2xx reply says."""
        document, verdicts = reply.json(), self._own.verdicts
        reference = text_at(document, self._own.reference)
        if verdicts is None:
            return Receipt(key, Sent.ACCEPTED, reference=reference)
        code = text_at(document, verdicts.path)
        sents = ((verdicts.accepted, Sent.ACCEPTED), (verdicts.refused, Sent.REFUSED), (verdicts.later, Sent.LATER))
        sent = next((sent for codes, sent in sents if code in codes), Sent.UNKNOWN)
        problem = "" if sent is Sent.ACCEPTED else f"code {code or 'missing'}: {said(reply.body)}"
        return Receipt(key, sent, reference=reference if sent is Sent.ACCEPTED else "", problem=problem)
