"""Ways to an OIDC provider: begun here, come back from once, by the same browser."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cultiva.execution.access.entering import repository
from cultiva.execution.access.entering.proofs import over
from cultiva.execution.access.entering.repository import Flow
from cultiva.execution.access.entering.sessions import new_token, token_hash
from cultiva.store.database import Database

LASTS = timedelta(minutes=10)
"""Between leaving for the provider and coming back."""


@dataclass(frozen=True)
class Begun:
    """A way that begins."""

    token: str
    """For the browser, in a cookie: whoever comes back without it is another."""
    flow: Flow


class Flows:
    """Who has left for the provider.

    Args:
        database: Where the rows lie; so any copy of the console may take somebody back.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, target: str, *, at: datetime) -> Begun:
        """Somebody leaves for the provider.

        Args:
            target: Page of ours to show afterwards.
            at: The present instant.
        """
        token = new_token()
        flow = Flow(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64), target[:500], at)
        with self._database.writing() as connection:
            repository.add_flow(connection, token_hash(token), flow)
        return Begun(token, flow)

    def back(self, token: str, state: str, *, at: datetime) -> Flow:
        """Somebody comes back, which they may once.

        Args:
            token: Of their cookie.
            state: As the provider gave it back.
            at: The present instant.

        Raises:
            CultivaError: if it is another browser, another way, too late, or the second time.
        """
        with self._database.writing() as connection:
            flow = repository.take_flow(connection, token_hash(token)) if token else None
        if flow is None or at - flow.at >= LASTS or not hmac.compare_digest(flow.state.encode(), state.encode()):
            raise over()
        return flow
