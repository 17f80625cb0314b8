"""How the API is wired to the rooms that take in what providers and customers answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cultiva.contracts.delivery import Report
from cultiva.definitions.providers import ProviderSettings
from cultiva.execution.answers.linked import Linked
from cultiva.execution.budget.service import Budget
from cultiva.execution.channels.service import WECOM, echo_of, pushed_reports
from cultiva.execution.content.links import KEY_VARIABLE, LinkKeys
from cultiva.execution.dispatch.reports.matching import Taken
from cultiva.execution.dispatch.reports.repository import Receipts
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import content_hash
from cultiva.loop.parts import Parts


@dataclass(frozen=True)
class RawReport:
    """What a provider posted, unread."""

    provider: str
    headers: Mapping[str, str]
    """Names in lower case."""
    query: Mapping[str, str]
    body: bytes
    at: datetime
    """When it came."""


@dataclass(frozen=True)
class Wiring:
    """What other rooms do for the API."""

    take_reports: Callable[[RawReport], Taken]
    """Checks a provider's signature, reads its reports, and takes each once.

    Raises:
        CultivaError: if the provider is not known, the signature is wrong, or the body cannot be read.
    """
    echo: Callable[[str, Mapping[str, str], datetime], bytes]
    """What a provider wants to see come back before it pushes reports: by its name, the query, now.

    Raises:
        CultivaError: if the provider is not known, or the query not signed as agreed.
    """
    sealed: Callable[[str], bool]
    """Whether a provider's reports come sealed and are to be answered with nothing."""
    note: Callable[[str, Linked, datetime], None]
    """A customer followed a link: `clicked` or `opted_out`, whose message, when."""
    link_keys: Callable[[], LinkKeys]
    """The keys that links are signed with."""


def wiring_of(parts: Parts) -> Wiring:
    """The rooms of a workspace."""
    budget = Budget.of(parts.store.database, parts.workspace.policy)

    def release(connection: Any, touch_ids: Sequence[str], at: datetime) -> None:
        budget.release(touch_ids, at, confirmed=True, connection=connection)

    receipts = Receipts(parts.store.database, release)

    def settings_of(provider: str) -> ProviderSettings:
        settings = parts.workspace.providers.get(provider)
        if settings is None:
            raise CultivaError(
                "there is no such provider",
                code="api.no_provider",
                kind=ErrorKind.NOT_FOUND,
                seen=provider,
                allowed="a provider of providers.yaml",
                hint="see that the address ends with the provider's name",
            )
        return settings

    def take(report: RawReport) -> Taken:
        settings = settings_of(report.provider)
        found = pushed_reports(settings, report.body, report.headers, at=report.at, query=report.query, root=parts.root)
        return receipts.take(report.provider, found, report.at)

    def note(kind: str, linked: Linked, at: datetime) -> None:
        receipts.take(linked.provider, [followed(kind, linked, at)], at)

    return Wiring(
        take_reports=take,
        echo=lambda provider, query, at: echo_of(settings_of(provider), query, at=at, root=parts.root),
        sealed=lambda provider: settings_of(provider).kind == WECOM,
        note=note,
        link_keys=lambda: LinkKeys.of_text(os.environ.get(KEY_VARIABLE, "")),
    )


def followed(kind: str, linked: Linked, at: datetime) -> Report:
    """A followed link as a report; within the same minute it is the same one, as mail programs ask twice.

    Args:
        kind: clicked or opted_out.
        linked: Whose message.
        at: When.
    """
    minute = at.replace(second=0, microsecond=0)
    name = content_hash(["link", kind, linked.delivery_id, minute.isoformat()])
    return Report(report_id=name, kind=kind, at=at, key=linked.delivery_id)
