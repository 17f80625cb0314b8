"""One e-mail as bytes: headers, text and HTML, one-click unsubscribe (RFC 8058), signature (RFC 6376). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from cultiva.contracts.delivery import Message
from cultiva.kit.errors import CultivaError, ErrorKind

KEY = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""A key as it can stand in a Message-ID."""
_LAYOUT = SMTP.clone(max_line_length=900, cte_type="7bit")
# No folding (a long signed link would become an encoded word, and no mailbox follows that), no bare 8-bit bytes.
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
    """The mail as it goes over the wire.

    Args:
        message: Content `subject`, `text`, `html`, and `unsubscribe`: the URL that takes an opt-out by one POST.
        sender: Who writes.
        at: The Date.

    Raises:
        ValueError: if a header would break out of its line.
    """
    mail = EmailMessage(policy=_LAYOUT)
    mail["From"] = sender.address
    mail["To"] = message.address
    mail["Subject"] = message.content.get("subject", "")
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(message.key, sender)
    _unsubscribe(mail, message.content.get("unsubscribe", ""), sender)
    text, html = message.content.get("text", ""), message.content.get("html", "")
    if text:
        mail.set_content(text)
        if html:
            mail.add_alternative(html, subtype="html")
    else:
        mail.set_content(html, subtype="html")
    return mail.as_bytes()


def _unsubscribe(mail: EmailMessage, url: str, sender: Sender) -> None:
    ways = [f"<{url}>"] if url else []
    ways += [f"<mailto:{sender.unsubscribe_mail}?subject=unsubscribe>"] if sender.unsubscribe_mail else []
    if ways:
        mail["List-Unsubscribe"] = ", ".join(ways)
    if url.startswith("https://"):  # one click is for https only
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
