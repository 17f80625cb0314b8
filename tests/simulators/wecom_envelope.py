"""The platform's side of a callback: sealed and signed as WeCom does it."""

from __future__ import annotations

import base64
import secrets

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cultiva.execution.channels.wecom.envelope import aes_key, signature


def sealed(text: bytes, *, key: str, receiver: str, pad: int = 32) -> str:
    """A message in an envelope, without signature."""
    whole = secrets.token_bytes(16) + len(text).to_bytes(4, "big") + text + receiver.encode()
    filling = pad - len(whole) % pad
    aes = aes_key(key)
    closer = Cipher(algorithms.AES(aes), modes.CBC(aes[:16])).encryptor()
    data = closer.update(whole + bytes([filling]) * filling) + closer.finalize()
    return base64.b64encode(data).decode()


def query_of(envelope: str, *, token: str, at: float, nonce: str = "1372623149") -> dict[str, str]:
    """The query of its address."""
    timestamp = str(int(at))
    return {"msg_signature": signature(token, timestamp, nonce, envelope), "timestamp": timestamp, "nonce": nonce}


def posted(envelope: str, receiver: str = "ww1") -> bytes:
    """The body of a post."""
    parts = f"<ToUserName><![CDATA[{receiver}]]></ToUserName><AgentID><![CDATA[1]]></AgentID>"
    return f"<xml>{parts}<Encrypt><![CDATA[{envelope}]]></Encrypt></xml>".encode()


def changed(change: str, customer: str = "wm-1", employee: str = "zhang", created: int = 1_795_406_400) -> bytes:
    """An event between an employee and a customer."""
    members = {
        "ToUserName": "ww1", "FromUserName": "sys", "CreateTime": str(created), "MsgType": "event",
        "Event": "change_external_contact", "ChangeType": change, "UserID": employee, "ExternalUserID": customer,
    }  # fmt: skip
    inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in members.items())
    return f"<xml>{inner}</xml>".encode()
