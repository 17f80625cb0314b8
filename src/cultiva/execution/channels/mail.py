"""One e-mail as bytes: headers, text and HTML, one-click unsubscribe (RFC 8058), signature (RFC 6376). Pure."""

from __future__ import annotations

import re
from base64 import encodebytes
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr

from cultiva.contracts.delivery import Message
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import md5_hex

KEY = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""A key as it can stand in a Message-ID."""
LINE_MAX = 900
"""Characters of a line that is sent as it is; 998 is the limit of SMTP."""
_PLAIN = re.compile(r"[ -~]{0,400}")
_BREAK = re.compile(r"[\r\n\0]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\]{1,255}")
SIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
"""Headers under the signature; RFC 8058 demands the two of unsubscribing."""


@dataclass(frozen=True)
class Sender:
    """Who writes."""

    address: str
    """`bank@example.com` or `The Bank <bank@example.com>`."""
    unsubscribe_mail: str = ""
    """Takes opt-outs by mail; empty: nobody."""

    @property
    def bare(self) -> str:
        """The address without the name."""
        return parseaddr(self.address)[1]

    @property
    def domain(self) -> str:
        """What is behind the @."""
        return self.bare.rpartition("@")[2]


@dataclass(frozen=True)
class Signer:
    """A DKIM key."""

    domain: str
    selector: str
    key: bytes
    """RSA in PEM."""

    def signed(self, mail: bytes) -> bytes:
        """The mail with a signature before it; relaxed/relaxed, so that relays may fold lines."""
        import dkim

        present = {line.partition(b":")[0].lower() for line in mail.partition(b"\r\n\r\n")[0].split(b"\r\n")}
        header = dkim.sign(
            mail,
            self.selector.encode(),
            self.domain.encode(),
            self.key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name for name in SIGNED if name in present],
        )
        return bytes(header) + mail


def signer(domain: str, selector: str, key: bytes) -> Signer:
    """A DKIM key that has been tried.

    Raises:
        CultivaError: if it is no RSA key in PEM.
    """
    found = Signer(domain, selector, key)
    try:
        found.signed(b"From: a@example.com\r\n\r\ntried\r\n")
    except Exception as error:  # dkimpy raises what its parts raise
        raise CultivaError(
            "the DKIM key cannot sign",
            code="channels.bad_dkim_key",
            kind=ErrorKind.UNAVAILABLE,
            seen=type(error).__name__,
            allowed="a private RSA key in PEM",
            hint="openssl genrsa -traditional 2048",
        ) from error
    return found


def message_id(key: str, sender: Sender) -> str:
    """The Message-ID of a key: the same however often it is sent, so that a relay's trace finds it."""
    return f"<{key}@{sender.domain}>"


def address_problem(message: Message) -> str:
    """Why a message can never be sent; empty: it can."""
    if not KEY.fullmatch(message.key):
        return "the key does not fit into a Message-ID"
    if not _ADDRESS.fullmatch(message.address):
        return "not an e-mail address"
    if not (message.content.get("text") or message.content.get("html")):
        return "nothing to say: no text and no html"
    return ""


def written(message: Message, sender: Sender, *, at: datetime) -> bytes:
    """The mail as it goes over the wire: seven bits only, no line longer than 998.

    By hand, because the standard library's EmailMessage takes two milliseconds for it, ten times as long.

    Args:
        message: Content `subject`, `text`, `html`, and `unsubscribe`: the URL that takes an opt-out by one POST.
        sender: Who writes.
        at: The Date.

    Raises:
        ValueError: if a header would break out of its line.
    """
    content = message.content
    if _BREAK.search("".join((content.get("subject", ""), content.get("unsubscribe", ""), message.address))):
        raise ValueError("a header with a line break")
    headers = {
        "From": _mailbox(sender.address),
        "To": message.address,
        "Subject": _encoded(content.get("subject", "")),
        "Date": format_datetime(at),
        "Message-ID": message_id(message.key, sender),
        **_unsubscribe(content.get("unsubscribe", ""), sender),
        "MIME-Version": "1.0",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    bodies = [_part(kind, content[name]) for name, kind in (("text", "plain"), ("html", "html")) if content.get(name)]
    return (head + (bodies[0] if len(bodies) == 1 else _alternatives(bodies, message.key))).encode("utf-8")


def _unsubscribe(url: str, sender: Sender) -> dict[str, str]:
    ways = [f"<{url}>"] if url else []
    ways += [f"<mailto:{sender.unsubscribe_mail}?subject=unsubscribe>"] if sender.unsubscribe_mail else []
    found = {"List-Unsubscribe": ", ".join(ways)} if ways else {}
    if url.startswith("https://"):  # one click is for https only
        found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return found


def _encoded(text: str) -> str:
    """A header's text, as encoded words (RFC 2047) where it must."""
    return text if _PLAIN.fullmatch(text) else Header(text, "utf-8", maxlinelen=75).encode(linesep="\r\n")


def _mailbox(address: str) -> str:
    name, bare = parseaddr(address)
    return formataddr((name, bare)) if name else bare


def _part(kind: str, text: str) -> str:
    """One body with its headers: as it is if it is short-lined ASCII, else in base64."""
    lines = _LINE_END.split(text)
    whole = "\r\n".join(lines if lines[-1] == "" else [*lines, ""])
    if text.isascii() and "\0" not in text and max(map(len, lines), default=0) <= LINE_MAX:
        return f"Content-Type: text/{kind}; charset=us-ascii\r\n\r\n{whole}"
    coded = encodebytes(whole.encode("utf-8", "replace")).decode("ascii").replace("\n", "\r\n")
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + coded


def _alternatives(bodies: list[str], key: str) -> str:
    """Text and HTML, the better one last."""
    boundary = f"=_{md5_hex(key)}"
    parts = "".join(f"--{boundary}\r\n{body}" for body in bodies)
    return f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n{parts}--{boundary}--\r\n'
