"""Reports fetched page by page from where a provider keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from cultiva.contracts.delivery import Report
from cultiva.definitions.providers import ReportFields
from cultiva.execution.channels.filling import filled_url, text_at
from cultiva.execution.channels.reading import reports_in
from cultiva.execution.channels.web import Call, Web
from cultiva.kit.clock import Clock

PAGES_MAX = 100
"""Most pages of one fetch: the rest comes at the next."""


class Inbox:
    """Reports at a URL; its cursor lives as long as the connection, then they are read again from the start.

    Reading again is harmless: a report that is known is taken once.
    """

    def __init__(self, url: str, fields: ReportFields, *, headers: Mapping[str, str], clock: Clock) -> None:
        self._url = url
        self._fields = fields
        self._headers = headers
        self._clock = clock
        self._cursor = ""

    def fetched(self, web: Web) -> list[Report]:
        """What is new; empty when the provider cannot be reached."""
        found: list[Report] = []
        for page in count(1):
            reply = web.one(Call("GET", filled_url(self._url, cursor=self._cursor), self._headers))
            document = reply.json() if reply.status == 200 else None
            reports = list(reports_in(document, self._fields, received=self._clock())) if document is not None else []
            found += reports
            following = text_at(document, self._fields.next)
            if not reports or not following or following == self._cursor or page == PAGES_MAX:
                self._cursor = following or self._cursor
                return found
            self._cursor = following
        return found
