"""Callbacks of WeCom: what changes between employees and customers, as it happens.

Source: developer.work.weixin.qq.com, document 92130 (事件格式). WeCom asks once whether the address is ours, by a
sealed text that is to come back open; then it posts events, and again after five seconds if it is not answered with
200.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from cultiva.contracts.delivery import Report
from cultiva.definitions.providers import ProviderSettings, WecomSettings
from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.wecom.envelope import Envelope
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import content_hash

EVENT = "change_external_contact"
CHANGES: Mapping[str, str] = {"del_follow_user": "unfollowed"}
"""Change -> kind of report: the customer has removed the employee. Other changes are the employees' own doing."""
NAMED_BY = ("FromUserName", "CreateTime", "Event", "ChangeType", "UserID", "ExternalUserID")
"""What makes two events the same: they are posted again where an answer is late, and have no id."""
_SEALED = re.compile(rb"<Encrypt>\s*(?:<!\[CDATA\[)?([A-Za-z0-9+/=]+)(?:\]\]>)?\s*</Encrypt>")


def wecom_reports(
    settings: ProviderSettings, body: bytes, query: Mapping[str, str], *, at: datetime, root: Path
) -> Sequence[Report]:
    """What a post tells us.

    Args:
        settings: Of the provider.
        body: As it came.
        query: Of its address.
        at: Now.
        root: The workspace.

    Raises:
        CultivaError: forbidden, if no callbacks are agreed on or it is not sealed as agreed; invalid, if it is no XML.
    """
    envelope = _envelope(settings, root)
    found = _SEALED.search(body)
    if found is None:
        raise _no_event(settings.name, "nothing sealed in it")
    event = _members(settings.name, envelope.opened(found[1].decode(), query, at=at))
    kind = CHANGES.get(event.get("ChangeType", "")) if event.get("Event") == EVENT else None
    customer = event.get("ExternalUserID", "")
    if kind is None or not customer:
        return []
    name = content_hash([event.get(one, "") for one in NAMED_BY])
    detail = {"employee": event.get("UserID", "")}
    return [Report(name, kind, _moment(event.get("CreateTime", ""), at), address=customer, detail=detail)]


def echoed(settings: ProviderSettings, query: Mapping[str, str], *, at: datetime, root: Path) -> bytes:
    """The open text that WeCom wants to see before it posts to an address.

    Raises:
        CultivaError: forbidden, if no callbacks are agreed on or it is not sealed as agreed.
    """
    return _envelope(settings, root).opened(query.get("echostr", ""), query, at=at)


def _envelope(settings: ProviderSettings, root: Path) -> Envelope:
    own: WecomSettings | None = settings.wecom
    if own is None or own.callback_token is None or own.callback_key is None:
        raise CultivaError(
            "no callbacks are taken from this provider",
            code="channels.no_reports",
            kind=ErrorKind.FORBIDDEN,
            seen=settings.name,
            allowed="a provider of kind wecom with callback_token and callback_key",
            hint="set both, as the page of the application shows them",
        )
    return Envelope(revealed(own.callback_token, root=root), revealed(own.callback_key, root=root), own.corp_id)


def _members(provider: str, text: bytes) -> Mapping[str, str]:
    """The members of an event; of a document that declares entities nothing is read."""
    if b"<!" in text.replace(b"<![CDATA[", b""):
        raise _no_event(provider, "a document type")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  (signed by the platform, and without a document type)
    except ElementTree.ParseError as error:
        raise _no_event(provider, "no XML") from error
    return {one.tag: (one.text or "").strip() for one in root}


def _moment(text: str, received: datetime) -> datetime:
    known = text.isascii() and text.isdigit() and len(text) <= 12
    return datetime.fromtimestamp(int(text), UTC) if known else received


def _no_event(provider: str, problem: str) -> CultivaError:
    return CultivaError(
        "a callback of WeCom cannot be read",
        code="channels.bad_reports",
        seen=f"{provider}: {problem}",
        allowed="XML with Encrypt, and within it an event",
        hint="see that the application posts events, and nothing between changes them",
    )
