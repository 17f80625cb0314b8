"""Messages to a system of the bank's own, as signed JSON over HTTP; the receiver takes a key once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from cultiva.contracts.delivery import Message, Provider, Receipt, Report, Sent
from cultiva.definitions.providers import ProviderSettings, WebhookSettings
from cultiva.execution.channels.filling import filled_url, text_at
from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.signature import signed_headers
from cultiva.execution.channels.web import Call, Reply, Web, receipt_of, traced
from cultiva.kit.clock import Clock


def open_webhook(settings: ProviderSettings, *, root: Path, clock: Clock) -> Provider:
    """A connection to a receiver; see `service.open_provider`."""
    return Webhook(settings, root=root, clock=clock)


class Webhook:
    """See `contracts.delivery.Provider`."""

    def __init__(self, settings: ProviderSettings, *, root: Path, clock: Clock) -> None:
        own: WebhookSettings = settings.section()
        self._own = own
        self._clock = clock
        self._secret = revealed(own.secret, root=root)
        self._url = revealed(settings.url, root=root)
        self._web = Web(timeout_seconds=settings.timeout_seconds, concurrency=own.concurrency)

    @property
    def repeats_safely(self) -> bool:
        return self._own.idempotent

    @property
    def traceable(self) -> bool:
        return self._own.look_up_url is not None

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        replies = self._web.all([self._call(message) for message in messages])
        return [receipt_of(one.key, reply, _accepted(one.key)) for one, reply in zip(messages, replies, strict=True)]

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        url = self._own.look_up_url
        if url is None:
            return [Receipt(key, Sent.UNKNOWN, problem="this receiver cannot be asked") for key in keys]
        calls = [Call("GET", filled_url(url, key=key), self._signed(key, b"")) for key in keys]
        return [traced(key, reply, _reference) for key, reply in zip(keys, self._web.all(calls), strict=True)]

    def poll(self) -> Sequence[Report]:
        return []

    def close(self) -> None:
        self._web.close()

    def _call(self, message: Message) -> Call:
        sent = {
            "key": message.key,
            "address": message.address,
            "content": dict(message.content),
            "extra": dict(message.extra),
        }
        body = json.dumps(sent, ensure_ascii=False, sort_keys=True).encode()
        return Call("POST", self._url, {"Content-Type": "application/json", **self._signed(message.key, body)}, body)

    def _signed(self, key: str, body: bytes) -> dict[str, str]:
        return signed_headers(self._secret, body, key=key, at=self._clock())


def _reference(reply: Reply) -> str:
    return text_at(reply.json(), "id")


def _accepted(key: str) -> Callable[[Reply], Receipt]:
    return lambda reply: Receipt(key, Sent.ACCEPTED, reference=_reference(reply))
