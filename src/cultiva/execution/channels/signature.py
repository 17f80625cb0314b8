"""Signatures under webhooks, both ways: HMAC-SHA256 over time, key and body, so that nothing is changed or replayed.

Headers: `Cultiva-Timestamp`, seconds since 1970; `Idempotency-Key`; `Cultiva-Signature: v1=<hex>`, several parted by
commas while a key is being changed. Signed is `<timestamp>.<key>.<body>`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from cultiva.kit.errors import CultivaError, ErrorKind

TIMESTAMP, KEY, SIGNATURE = "Cultiva-Timestamp", "Idempotency-Key", "Cultiva-Signature"
WINDOW_SECONDS = 300
"""How old, or how much from the future, a signature may be. Within it a receiver knows a replay by its key."""


def signed_headers(secret: str, body: bytes, *, key: str, at: datetime) -> dict[str, str]:
    """The three headers of a signed request."""
    timestamp = str(int(at.timestamp()))
    return {TIMESTAMP: timestamp, KEY: key, SIGNATURE: f"v1={_digest(secret, timestamp, key, body)}"}


def signature_problem(secret: str, body: bytes, headers: Mapping[str, str], *, at: datetime) -> str:
    """What is wrong with a signed request; empty: nothing. Takes the same time wherever the signature differs.

    Args:
        secret: That both sides know; not empty.
        body: As it came.
        headers: As they came; names in any case.
        at: Now.
    """
    named = {name.lower(): value for name, value in headers.items()}
    timestamp, key = named.get(TIMESTAMP.lower(), ""), named.get(KEY.lower(), "")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return "no timestamp"
    if abs(at.timestamp() - int(timestamp)) > WINDOW_SECONDS:
        return "outside of the window of time"
    wanted = _digest(secret, timestamp, key, body).encode()
    given = [part.strip().removeprefix("v1=").encode() for part in named.get(SIGNATURE.lower(), "").split(",")]
    right = [hmac.compare_digest(wanted, one) for one in given]
    return "" if secret and any(right) else "wrong signature"


def require_signature(secret: str, body: bytes, headers: Mapping[str, str], *, at: datetime) -> None:
    """See `signature_problem`.

    Raises:
        CultivaError: forbidden, if there is one.
    """
    problem = signature_problem(secret, body, headers, at=at)
    if problem:
        raise CultivaError(
            "a request is not signed as agreed",
            code="channels.bad_signature",
            kind=ErrorKind.FORBIDDEN,
            seen=problem,
            allowed=f"{SIGNATURE}, {TIMESTAMP} at most {WINDOW_SECONDS} s from now",
            hint="compare the secrets and the clocks of both sides",
        )


def _digest(secret: str, timestamp: str, key: str, body: bytes) -> str:
    text = b".".join((timestamp.encode(), key.encode(), body))
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
