"""What must hold of providers beyond their fields: the right section, no written secrets, channels that name them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft
from cultiva.definitions.policy import Channel
from cultiva.definitions.providers import OPTIONAL, SECTIONS, ProviderSettings
from cultiva.kit.errors import Fault, did_you_mean

SCHEMES = {
    "smtp": ("smtp", "smtps"),
    "sms_http": ("https", "http"),
    "smpp": ("smpp", "smpps"),
    "webhook": ("https", "http"),
    "wecom": ("https", "http"),
}
"""Kind -> what its URL may begin with; other kinds are not looked at."""
NAMED = re.compile(r"\$\{(env|file):[^}]+\}")
_STANDS_FOR = "named"
"""Put in the place of a named secret."""
OWN_ADDRESSES = ("phone", "email")
"""Addresses that every resolved customer may have."""
_SECRET_HEADER = re.compile(r"authori[sz]ation|token|secret|password|api[-_]?key|signature", re.IGNORECASE)


def check_providers(draft: Draft) -> Iterator[Fault]:
    """Faults of providers and of the channels that name them."""
    for provider in draft.workspace.providers.values():
        for loc, code, message, seen, hint in (*_section(provider), *_url(provider), *_headers(provider)):
            yield draft.origin("provider", provider.name).fault(loc, code, message, seen=seen, hint=hint)
    for index, channel in enumerate(draft.workspace.policy.channels):
        yield from _channel(draft, index, channel)
        yield from _address(draft, index, channel)


_Problem = tuple[Loc, str, str, str, str]


def _section(provider: ProviderSettings) -> Iterator[_Problem]:
    kind = provider.kind
    if getattr(provider, kind) is None and kind not in OPTIONAL:
        yield ("kind",), "provider_section", f"a provider of kind {kind} needs a section '{kind}'", kind, "add it"
    for name in SECTIONS:
        if name != kind and getattr(provider, name) is not None:
            message = f"a provider of kind {kind} has a section '{name}'"
            yield (name,), "provider_section", message, name, "remove it, or change the kind"


def _url(provider: ProviderSettings) -> Iterator[_Problem]:
    if NAMED.fullmatch(provider.url) or provider.kind == "file":
        return
    parts = urlsplit(NAMED.sub(_STANDS_FOR, provider.url))
    allowed = SCHEMES.get(provider.kind)
    if allowed and (parts.scheme not in allowed or not parts.hostname):
        hint = f"begin with {' or '.join(f'{one}://' for one in allowed)}"
        yield ("url",), "provider_url", "a provider's URL does not fit its kind", parts.scheme or "no scheme", hint
    if parts.password and parts.password != _STANDS_FOR:
        hint = "name it: ${env:NAME} or ${file:PATH}"
        yield ("url",), "written_secret", "a password is written in a file of the workspace", "***", hint


def _headers(provider: ProviderSettings) -> Iterator[_Problem]:
    for name, value in (provider.sms_http.headers if provider.sms_http else {}).items():
        if _SECRET_HEADER.search(name) and not NAMED.search(value) and "{key}" not in value:
            hint = "name it: ${env:NAME} or ${file:PATH}"
            message = f"the header {name} holds a secret that is written in a file of the workspace"
            yield ("sms_http", "headers", name), "written_secret", message, "***", hint


def _channel(draft: Draft, index: int, channel: Channel) -> Iterator[Fault]:
    if channel.provider is None:
        return
    origin, loc = draft.origin("contact_policy", "contact_policy"), ("channels", index, "provider")
    provider = draft.workspace.providers.get(channel.provider)
    if provider is None:
        if not draft.is_doubtful("provider", channel.provider):
            known = sorted(draft.workspace.providers)
            message, hint = f"unknown provider '{channel.provider}'", did_you_mean(channel.provider, known)
            yield origin.fault(
                loc, "unknown_provider", message, seen=channel.provider, allowed=", ".join(known), hint=hint
            )
        return
    if provider.wecom is not None and not _within_quota(draft, channel, provider):
        quota = f"{provider.wecom.per_customer_max} in {provider.wecom.per_customer_days} days"
        message = f"WeCom carries {quota} to a customer, and no cap of the channel '{channel.name}' says so"
        hint = "add a cap: scope channel, as many contacts in as many days; what is above is refused by the platform"
        yield origin.fault(loc, "wecom_quota", message, seen=channel.name, hint=hint, warning=True)


def _address(draft: Draft, index: int, channel: Channel) -> Iterator[Fault]:
    name, tags = channel.address, draft.workspace.tags
    if name is None or name in OWN_ADDRESSES or name in tags or draft.is_doubtful("tag", name):
        return
    origin, known = draft.origin("contact_policy", "contact_policy"), [*OWN_ADDRESSES, *sorted(tags)]
    yield origin.fault(
        ("channels", index, "address"),
        "unknown_address",
        f"no tag '{name}' holds an address",
        seen=name,
        allowed="phone, email, or a tag",
        hint=did_you_mean(name, known),
    )


def _within_quota(draft: Draft, channel: Channel, provider: ProviderSettings) -> bool:
    """Whether a cap on the channel is at least as tight as the platform's quota."""
    assert provider.wecom is not None
    return any(
        cap.scope == "channel"
        and cap.channel in (None, channel.name)
        and cap.days >= provider.wecom.per_customer_days
        and cap.contacts_max <= provider.wecom.per_customer_max
        for cap in draft.workspace.policy.caps
    )
