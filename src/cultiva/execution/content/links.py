"""Signed links: a click or a refusal is believed because only the bank can have made its link.

A token is `<kind><key>.<delivery>.<seal>`; the seal is the first 16 bytes of HMAC-SHA-256 (RFC 2104, truncated as its
section 5 allows), base64url. Where a click leads is not in it: that is in the delivery's content as `target`, so links
are short and nobody can bend one to another page. Keys rotate: the first signs, all of them are believed.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cultiva.kit.errors import CultivaError, ErrorKind

KEY_VARIABLE = "CULTIVA_LINK_KEY"
"""Environment variable with the keys: `name:secret`, several separated by commas, the newest first."""
SECRET_CHARACTERS_MIN = 16
"""Shortest secret."""
SEAL_BYTES = 16
"""Bytes of the seal: half of the hash, the least that RFC 2104 recommends."""
_PURPOSE = b"cultiva-link\x00"
_KEY = re.compile(r"[a-z0-9]{1,8}")
_TOKEN = re.compile(
    r"(?P<kind>[cu])(?P<key>[a-z0-9]{1,8})\.(?P<delivery>[A-Za-z0-9_-]{1,64})\.(?P<seal>[A-Za-z0-9_-]{22})"
)
_DELIVERY = re.compile(r"[A-Za-z0-9_-]{1,64}")


class LinkKind(StrEnum):
    """What following a link means."""

    CLICK = "c"
    """The customer wants to see more."""
    UNSUBSCRIBE = "u"
    """The customer wants no more of this channel."""


PATHS: Mapping[LinkKind, str] = {LinkKind.CLICK: "l", LinkKind.UNSUBSCRIBE: "u"}
"""Kind -> part of the address between the sender's `links` and the token."""


@dataclass(frozen=True)
class LinkKeys:
    """Secrets that links are signed with."""

    secrets: Mapping[str, bytes] = field(repr=False)
    """Name -> secret; the first one signs."""

    @property
    def newest(self) -> str:
        """Name of the key that signs."""
        return next(iter(self.secrets))

    @staticmethod
    def of_text(text: str) -> LinkKeys:
        """Reads keys as `KEY_VARIABLE` holds them.

        Raises:
            CultivaError: if there is none, a name is given twice, or a secret is too short.
        """
        pairs = [one.strip().partition(":") for one in text.split(",") if one.strip()]
        secrets = {name: secret.encode() for name, _, secret in pairs}
        good = all(_KEY.fullmatch(name) and len(secret) >= SECRET_CHARACTERS_MIN for name, secret in secrets.items())
        if not secrets or not good or len(secrets) != len(pairs):
            raise CultivaError(
                "the keys of links cannot be read",
                code="content.link_keys",
                kind=ErrorKind.UNAVAILABLE,
                seen=f"{len(pairs)} keys named {', '.join(name for name, _, _ in pairs)}" if pairs else "no key",
                allowed=f"name:secret, secrets of {SECRET_CHARACTERS_MIN} characters and more, separated by commas",
                hint=f"set {KEY_VARIABLE}, e.g. k1:$(openssl rand -hex 16)",
            )
        return LinkKeys(secrets)


@dataclass(frozen=True)
class Link:
    """What a genuine token says."""

    kind: LinkKind
    """What following it means."""
    delivery_id: str
    """The delivery that carried it."""
    key: str
    """Name of the key that it was signed with."""


@dataclass(frozen=True)
class Links:
    """Makes the links of messages."""

    base: str
    """The sender's `links`."""
    keys: LinkKeys
    """Secrets."""

    def url(self, kind: LinkKind, delivery_id: str) -> str:
        """The address of a click or of a refusal for one delivery."""
        return f"{self.base}/{PATHS[kind]}/{sign(self.keys, kind, delivery_id)}"


def sign(keys: LinkKeys, kind: LinkKind, delivery_id: str) -> str:
    """The token of a link.

    Args:
        keys: Secrets; the first signs.
        kind: What following it means.
        delivery_id: Letters, digits, `_` and `-`, at most 64.

    Raises:
        CultivaError: if the id has other characters.

    Examples:
        >>> keys = LinkKeys.of_text("k1:0123456789abcdef")
        >>> sign(keys, LinkKind.CLICK, "d7")
        'ck1.d7.EQKxWlIgLKNhzSL2HL-khA'
    """
    if not _DELIVERY.fullmatch(delivery_id):
        raise CultivaError(
            "a delivery of this name cannot have a link",
            code="content.link_delivery",
            seen=delivery_id[:80],
            allowed="letters, digits, _ and -, at most 64",
        )
    head = f"{kind.value}{keys.newest}.{delivery_id}"
    return f"{head}.{_seal(keys.secrets[keys.newest], head)}"


def read(keys: LinkKeys, token: str) -> Link:
    """What a token says, if it is genuine.

    The seal is compared in constant time; whatever is wrong, the error is the same.

    Raises:
        CultivaError: if it is not genuine.
    """
    found = _TOKEN.fullmatch(token)
    head = f"{found['kind']}{found['key']}.{found['delivery']}" if found else "c0.0"
    secret = keys.secrets.get(found["key"]) if found else None
    expected = _seal(secret or keys.secrets[keys.newest], head)
    genuine = hmac.compare_digest(expected, found["seal"] if found else "")
    if not found or secret is None or not genuine:
        raise CultivaError(
            "this link is not genuine",
            code="content.bad_link",
            kind=ErrorKind.NOT_FOUND,
            allowed="a link of a message of this bank",
            hint="follow the link in the message as it stands",
        )
    return Link(LinkKind(found["kind"]), found["delivery"], found["key"])


def _seal(secret: bytes, head: str) -> str:
    digest = hmac.digest(secret, _PURPOSE + head.encode(), "sha256")[:SEAL_BYTES]
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
