"""What WeCom posts to us, in its envelope: signed with SHA-1 over sorted parts, sealed with AES-256-CBC.

Source: developer.work.weixin.qq.com, document 90968 (加解密方案说明). The key is the Base64 text of 43 characters
without its `=`; the first 16 bytes of the key are the initial vector; the padding is that of PKCS #7 with blocks of 32
bytes.
Sealed is: 16 random bytes, the length of the message (4 bytes, the highest first), the message, the receiver's id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cultiva.kit.errors import CultivaError, ErrorKind

BLOCK = 32
"""Bytes of a block of the padding; that of the cipher is 16."""
RANDOM, LENGTH = 16, 4
"""Bytes before the message."""
KEY_CHARACTERS = 43
WINDOW_SECONDS = 300
"""How old, or how much from the future, a signature may be."""


@dataclass(frozen=True, repr=False)
class Envelope:
    """What both sides have agreed on."""

    token: str
    """Signs."""
    key: str
    """EncodingAESKey."""
    receiver: str
    """The bank's id at WeCom, within every envelope."""

    def opened(self, sealed: str, query: Mapping[str, str], *, at: datetime) -> bytes:
        """The message in an envelope, after its signature and its age have been checked.

        Args:
            sealed: `Encrypt` of a post, or `echostr`.
            query: Has msg_signature, timestamp and nonce.
            at: Now.

        Raises:
            CultivaError: forbidden, if anything is wrong with it; says what, and nothing of what is inside.
        """
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        wanted = signature(self.token, timestamp, nonce, sealed)
        if not self.token or not hmac.compare_digest(wanted.encode(), query.get("msg_signature", "").encode()):
            raise _refused("wrong signature")
        if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
            raise _refused("no timestamp")
        if abs(at.timestamp() - int(timestamp)) > WINDOW_SECONDS:
            raise _refused("outside of the window of time")
        return _unpacked(self._decrypted(sealed), self.receiver)

    def _decrypted(self, sealed: str) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        key = aes_key(self.key)
        try:
            data = base64.b64decode(sealed, validate=True)
        except (ValueError, binascii.Error) as error:
            raise _refused("not Base64") from error
        if not data or len(data) % 16:
            raise _refused("not whole blocks")
        opener = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        return opener.update(data) + opener.finalize()


def signature(token: str, timestamp: str, nonce: str, sealed: str) -> str:
    """SHA-1 over the sorted parts, as the platform demands it; the token makes it a signature.

    Examples:
        >>> signature("test", "123456", "test", "rust")
        'd6056f2bb3ad3e30f4afa5ef90cc9ddcdc7b7b27'
    """
    return hashlib.sha1("".join(sorted((token, timestamp, nonce, sealed))).encode()).hexdigest()  # noqa: S324


def aes_key(text: str) -> bytes:
    """The 32 bytes that an EncodingAESKey stands for.

    Raises:
        CultivaError: if it is none.
    """
    try:
        found = base64.b64decode(text + "=", validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if len(text) != KEY_CHARACTERS or len(found) != BLOCK:
        raise CultivaError(
            "the key of WeCom's callbacks is none",
            code="channels.wecom_key",
            kind=ErrorKind.UNAVAILABLE,
            seen=f"{len(text)} characters",
            allowed=f"EncodingAESKey: {KEY_CHARACTERS} letters and digits",
            hint="copy it from the page of the application, 接收消息",
        )
    return found


def _unpacked(padded: bytes, receiver: str) -> bytes:
    """The message without padding, random bytes, length and receiver."""
    pad = padded[-1]
    if not 1 <= pad <= BLOCK or len(padded) < pad or padded[-pad:] != bytes([pad]) * pad:
        raise _refused("wrong padding")
    whole, begin = padded[:-pad], RANDOM + LENGTH
    length = int.from_bytes(whole[RANDOM:begin], "big")
    if len(whole) < begin or length > len(whole) - begin:
        raise _refused("wrong length")
    if whole[begin + length :] != receiver.encode():
        raise _refused("meant for another receiver")
    return whole[begin : begin + length]


def _refused(problem: str) -> CultivaError:
    return CultivaError(
        "a callback of WeCom is not sealed as agreed",
        code="channels.bad_signature",
        kind=ErrorKind.FORBIDDEN,
        seen=problem,
        allowed=f"an envelope of the application, at most {WINDOW_SECONDS} s from now",
        hint="compare Token, EncodingAESKey and corp_id with the application's, and the clocks",
    )
