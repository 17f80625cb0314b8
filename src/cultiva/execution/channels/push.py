"""Push, and everything else that apprise speaks (over a hundred services): it says whether it worked, and no more.

So a message that did not work has an unknown fate, unless showing it twice does no harm (`repeatable`), or the server
cannot even be reached: that is tried before a batch.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cultiva.contracts.delivery import Message, Provider, Receipt, Report, Sent
from cultiva.definitions.providers import ProviderSettings, PushSettings
from cultiva.execution.channels.filling import filled_url
from cultiva.execution.channels.secrets import revealed
from cultiva.kit.clock import Clock

PORTS = {"http": 80, "json": 80, "xml": 80, "ntfy": 80, "gotify": 80}
"""Schemes of apprise without encryption; all others are tried on 443."""


def open_push(settings: ProviderSettings, *, root: Path, clock: Clock) -> Provider:
    """A way through apprise; see `service.open_provider`."""
    return Push(settings, root=root)


class Push:
    """See `contracts.delivery.Provider`."""

    traceable = False

    def __init__(self, settings: ProviderSettings, *, root: Path) -> None:
        self._own: PushSettings = settings.section()
        self._url = revealed(settings.url, root=root)
        self._timeout = settings.timeout_seconds
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it writes addresses and tokens into the log

    @property
    def repeats_safely(self) -> bool:
        return self._own.repeatable

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        problem = self._unreachable()
        if problem:
            return [Receipt(message.key, Sent.LATER, problem=problem) for message in messages]
        return [self._sent(message) for message in messages]

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        return [Receipt(key, Sent.UNKNOWN, problem="apprise cannot be asked") for key in keys]

    def poll(self) -> Sequence[Report]:
        return []

    def close(self) -> None:
        """Nothing is held open."""

    def _sent(self, message: Message) -> Receipt:
        import apprise

        text = message.content.get("text", "")
        if not text:
            return Receipt(message.key, Sent.REFUSED, problem="nothing to say: no text")
        target = apprise.Apprise.instantiate(
            self._timed(filled_url(self._url, key=message.key, address=message.address))
        )
        if target is None:
            return Receipt(message.key, Sent.REFUSED, problem="apprise cannot read the address")
        title = message.content.get("title") or message.content.get("subject", "")
        if target.notify(body=text, title=title):
            return Receipt(message.key, Sent.ACCEPTED)
        failed = Sent.LATER if self._own.repeatable else Sent.UNKNOWN
        return Receipt(message.key, failed, problem="apprise says that it failed, and not how")

    def _timed(self, url: str) -> str:
        """With half of the message's time for connecting and half for reading."""
        half = self._timeout / 2
        return f"{url}{'&' if '?' in url else '?'}cto={half:g}&rto={half:g}"

    def _unreachable(self) -> str:
        """Why the server cannot be reached; empty: it can, or it is one that apprise knows by itself."""
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        if "{" in host or ("." not in host and host != "localhost"):
            return ""
        try:
            port = parts.port or PORTS.get(parts.scheme, 443)
            socket.create_connection((host, port), timeout=self._timeout).close()
        except (OSError, ValueError) as error:
            return f"not reachable: {type(error).__name__}"
        return ""
