"""The door: a provider of `providers.yaml` becomes a connection that messages are handed to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import cast

from cultiva.contracts.delivery import Provider, Report
from cultiva.definitions.providers import ProviderSettings, ReportFields
from cultiva.execution.channels.reading import reports_in
from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.signature import require_signature
from cultiva.kit.clock import Clock, utc_now
from cultiva.kit.errors import CultivaError, ErrorKind

WECOM = "wecom"
"""The kind of provider whose reports come sealed, and whose answer must be empty."""
OPENERS = {
    "smtp": "smtp:open_relay",
    "sms_http": "sms_http:open_gateway",
    "smpp": "smpp.provider:open_centre",
    "push": "push:open_push",
    "webhook": "webhook:open_webhook",
    "wecom": "wecom.provider:open_wecom",
    "file": "export:open_export",
}
"""Kind of provider -> module and function that open it; a module is brought in when it is used."""


def open_provider(settings: ProviderSettings, *, root: Path | None = None, clock: Clock = utc_now) -> Provider:
    """Opens a connection; nothing is sent before the first message.

    Args:
        settings: Of providers.yaml.
        root: The workspace, where relative paths start; None: the working folder.
        clock: For dates and signatures within messages.

    Raises:
        CultivaError: if a secret is not there.
    """
    module, _, name = OPENERS[settings.kind].partition(":")
    opener = getattr(import_module(f"cultiva.execution.channels.{module}"), name)
    return cast("Callable[..., Provider]", opener)(settings, root=root or Path.cwd(), clock=clock)


def open_providers(
    settings: Mapping[str, ProviderSettings], *, root: Path | None = None, clock: Clock = utc_now
) -> dict[str, Provider]:
    """Opens all of them, by name; see `open_provider`."""
    return {name: open_provider(one, root=root, clock=clock) for name, one in settings.items()}


def pushed_reports(
    settings: ProviderSettings,
    body: bytes,
    headers: Mapping[str, str],
    *,
    at: datetime,
    query: Mapping[str, str] = MappingProxyType({}),
    root: Path | None = None,
) -> Sequence[Report]:
    """Reports that a provider pushes to us by webhook, after its signature has been checked.

    Args:
        settings: Of the provider.
        body: As it came, unread.
        headers: As they came.
        at: Now; a signature that is too old is refused.
        query: Of the address that it came to; WeCom signs there.
        root: The workspace.

    Returns:
        The reports; to be taken once each, by `report_id`.

    Raises:
        CultivaError: forbidden, if the signature is missing, wrong or old; invalid, if the body is no JSON.
    """
    if settings.kind == WECOM:
        from cultiva.execution.channels.wecom.callbacks import wecom_reports

        return wecom_reports(settings, body, query, at=at, root=root or Path.cwd())
    secret, fields = _pushes(settings)
    require_signature(revealed(secret, root=root or Path.cwd()), body, headers, at=at)
    try:
        document = json.loads(body)
    except ValueError as error:
        message = "the reports of a provider are not JSON"
        raise CultivaError(message, code="channels.bad_reports", seen=settings.name, allowed="JSON") from error
    return list(reports_in(document, fields, received=at))


def echo_of(settings: ProviderSettings, query: Mapping[str, str], *, at: datetime, root: Path | None = None) -> bytes:
    """What a provider wants to see come back before it pushes reports to an address.

    Args:
        settings: Of the provider.
        query: Of the address that it asks.
        at: Now.
        root: The workspace.

    Raises:
        CultivaError: forbidden, if it is not signed as agreed, or the provider asks no such thing.
    """
    from cultiva.execution.channels.wecom.callbacks import echoed

    return echoed(settings, query, at=at, root=root or Path.cwd())


def _pushes(settings: ProviderSettings) -> tuple[str, ReportFields]:
    """The secret and the fields of pushed reports; fails closed where none is agreed on."""
    if settings.webhook is not None:
        return settings.webhook.secret, ReportFields()
    if settings.sms_http is not None and settings.sms_http.reports_secret is not None:
        return settings.sms_http.reports_secret, settings.sms_http.reports
    raise CultivaError(
        "no reports are taken from this provider",
        code="channels.no_reports",
        kind=ErrorKind.FORBIDDEN,
        seen=settings.name,
        allowed="a provider of kind webhook, or sms_http with reports_secret",
        hint="set reports_secret, or reports_url to fetch them",
    )
