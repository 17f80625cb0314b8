"""The second factor: codes by time (TOTP, RFC 6238), each taken once, and recovery codes for a lost telephone."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from cultiva.kit.errors import CultivaError, ErrorKind

STEP_SECONDS = 30
"""A code's time step."""
STEPS_AROUND = 1
"""Steps before and after the present one whose codes are taken too: clocks differ."""
RECOVERY_CODES = 10
"""How many are given."""
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike."""


@dataclass(frozen=True)
class Offer:
    """A second factor that is not confirmed yet; the only time that its secret is shown."""

    secret: str
    """In base 32, to be typed."""
    uri: str
    """The same for a QR code: `otpauth://totp/...`."""


@dataclass(frozen=True)
class Seal:
    """Seals what must be read again, by AES-GCM; without a key it stays plain.

    Examples:
        >>> Seal("key").opened(Seal("key").sealed("secret", "u1"), "u1")
        'secret'
    """

    key: str = ""

    def __repr__(self) -> str:
        return f"Seal({'with a key' if self.key else 'without a key'})"

    def sealed(self, text: str, owner: str) -> str:
        """A text that opens for the same owner only."""
        if not self.key:
            return f"plain:{text}"
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(12)
        return f"gcm:{(nonce + AESGCM(self._bytes()).encrypt(nonce, text.encode(), owner.encode())).hex()}"

    def opened(self, kept: str, owner: str) -> str:
        """The text again.

        Raises:
            CultivaError: if the key is not the one it was sealed with, or the text is somebody else's.
        """
        form, _, body = kept.partition(":")
        if form == "plain":
            return body
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        raw = bytes.fromhex(body)
        try:
            return AESGCM(self._bytes()).decrypt(raw[:12], raw[12:], owner.encode()).decode()
        except InvalidTag as error:
            raise CultivaError(
                "second factors cannot be read",
                code="factors.sealed",
                kind=ErrorKind.UNAVAILABLE,
                seen="another key, or none" if self.key else "no key",
                allowed="the key that they were sealed with",
                hint="set CULTIVA_CONSOLE_KEY to the same value on every copy of the console",
            ) from error

    def _bytes(self) -> bytes:
        return hashlib.sha256(b"cultiva second factors\0" + self.key.encode()).digest()


def new_secret() -> str:
    """160 random bits in base 32, as RFC 4226 asks."""
    import pyotp

    return pyotp.random_base32()


def offer(secret: str, login: str, issuer: str) -> Offer:
    """A secret as it is shown."""
    import pyotp

    return Offer(secret, pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer))


def step_of(secret: str, code: str, at: datetime, *, after: int) -> int | None:
    """The time step whose code this is, if it may still be taken.

    Args:
        secret: In base 32.
        code: As typed; blanks are left out.
        at: The present instant.
        after: The last step that was taken; its code and older ones are worth nothing (RFC 6238, 5.2).
    """
    import pyotp

    typed, totp, now = "".join(code.split()), pyotp.TOTP(secret), int(at.timestamp()) // STEP_SECONDS
    found = None
    for step in range(now - STEPS_AROUND, now + STEPS_AROUND + 1):  # all of them, whichever fits: the same time
        if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), typed.encode()) and step > after:
            found = step
    return found


def recovery_codes() -> list[str]:
    """New codes of 79 random bits each.

    Examples:
        >>> len(recovery_codes()), len(recovery_codes()[0])
        (10, 19)
    """
    return ["-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4)) for _ in range(10)]


def recovery_hash(code: str, owner: str) -> str:
    """How a recovery code is kept; typed in capitals, with blanks or without lines, it is the same."""
    plain = "".join(one for one in code.lower() if one.isalnum())
    return hashlib.sha256(f"{owner}\0{plain}".encode()).hexdigest()
