"""The conversation with an SMTP relay (RFC 5321), step by step, so that one knows what had left when it broke."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cultiva.contracts.delivery import Receipt, Sent
from cultiva.definitions.providers import SmtpSettings
from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.web import said

IDLE_SECONDS = 30.0
"""Silence after which the connection is tried before it is used."""
DEFAULT_PORTS = {"smtp": 587, "smtps": 465}
_BARE_END = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"(?m)^\.")
_QUEUED = re.compile(r"queued as (\S+)", re.IGNORECASE)


class Lost(Exception):
    """The relay is not there, or does not let us in; nothing has left."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


@dataclass(frozen=True)
class RelayAddress:
    """Where the relay is, and how one gets in."""

    host: str
    port: int
    implicit_tls: bool
    starttls: bool
    trusted: Path | None
    user: str
    password: str
    timeout_seconds: float
    per_connection_max: int

    @classmethod
    def read(cls, url: str, own: SmtpSettings, *, root: Path, timeout_seconds: float) -> RelayAddress:
        """The address as providers.yaml says it, with secrets revealed."""
        parts = urlsplit(revealed(url, root=root))
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or DEFAULT_PORTS.get(parts.scheme, 25),
            implicit_tls=parts.scheme == "smtps",
            starttls=own.starttls and parts.scheme != "smtps",
            trusted=root / own.ca_file if own.ca_file else None,
            user=revealed(own.user or "", root=root) or unquote(parts.username or ""),
            password=revealed(own.password or "", root=root) or unquote(parts.password or ""),
            timeout_seconds=timeout_seconds,
            per_connection_max=own.per_connection_max,
        )


class Relay:
    """One kept connection, opened when it is needed."""

    def __init__(self, address: RelayAddress, *, seconds: Callable[[], float]) -> None:
        self._address = address
        self._seconds = seconds
        self._server: smtplib.SMTP | None = None
        self._used = 0.0
        self._carried = 0
        self._deadline = 0.0

    def carry(self, key: str, sender: str, recipient: str, mail: bytes) -> Receipt:
        """Hands one mail over.

        Raises:
            Lost: if the relay cannot be reached; nothing has left.
        """
        self._deadline = self._seconds() + self._address.timeout_seconds
        kept = self._server is not None
        try:
            return self._carried_by(self._ready(), key, sender, recipient, mail)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            if not kept:
                raise Lost(_problem(error)) from error
        try:  # a kept connection had gone stale before anything left; a new one is as good as the first
            return self._carried_by(self._ready(), key, sender, recipient, mail)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Lost(_problem(error)) from error

    def close(self) -> None:
        """Says goodbye."""
        server, self._server = self._server, None
        if server is not None:
            try:
                server.quit()
            except (OSError, smtplib.SMTPException):
                server.close()

    def _ready(self) -> smtplib.SMTP:
        """A connection that answers."""
        if self._server is not None and self._carried >= self._address.per_connection_max:
            self.close()
        if self._server is not None and self._seconds() - self._used > IDLE_SECONDS:
            self._within_time(self._server)
            if self._server.noop()[0] != 250:
                self._drop()
        if self._server is None:
            self._server = self._connected()
            self._carried = 0
        return self._server

    def _connected(self) -> smtplib.SMTP:
        where = self._address
        left = max(self._deadline - self._seconds(), 0.01)
        tls = ssl.create_default_context(cafile=str(where.trusted) if where.trusted else None)
        if where.implicit_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(where.host, where.port, timeout=left, context=tls)
        else:
            server = smtplib.SMTP(where.host, where.port, timeout=left)
        try:
            server.ehlo_or_helo_if_needed()
            if where.starttls:
                server.starttls(context=tls)
                server.ehlo()
            if where.user:
                server.login(where.user, where.password)
        except BaseException:
            server.close()
            raise
        return server

    def _carried_by(self, server: smtplib.SMTP, key: str, sender: str, recipient: str, mail: bytes) -> Receipt:
        """One mail on a connection; what is raised was raised before the mail was whole at the other end."""
        options = ["SMTPUTF8"] if not recipient.isascii() else []
        if options and not server.has_extn("smtputf8"):
            return Receipt(key, Sent.REFUSED, problem="the relay takes no such address")
        if server.has_extn("size"):
            options.append(f"size={len(mail)}")
        self._within_time(server)
        answers = self._envelope(server, sender, recipient, options)
        if answers[-1][0] != 354:
            return self._not_taken(server, key, answers)
        self._within_time(server)
        server.send(_quoted(mail))
        try:
            self._within_time(server)
            code, text = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Receipt(key, Sent.UNKNOWN, problem=f"no answer after the mail: {_problem(error)}")
        self._used = self._seconds()
        self._carried += 1
        if code == 250:
            found = _QUEUED.search(text.decode("utf-8", "replace"))
            return Receipt(key, Sent.ACCEPTED, reference=found[1][:200] if found else "")
        if code == 421:
            self._drop()
        return _refusal(key, code, text)

    def _envelope(
        self, server: smtplib.SMTP, sender: str, recipient: str, options: list[str]
    ) -> list[tuple[int, bytes]]:
        """MAIL, RCPT and DATA, in one go where the relay allows it (RFC 2920); ends with the first refusal."""
        lines = [f"MAIL FROM:<{sender}>{''.join(f' {one}' for one in options)}", f"RCPT TO:<{recipient}>", "DATA"]
        if not server.has_extn("pipelining"):
            answers = []
            for line in lines:
                answers.append(server.docmd(line))
                if answers[-1][0] not in (250, 251, 354):
                    break
            return answers
        encoding = "utf-8" if not recipient.isascii() else "ascii"
        server.send("".join(f"{line}\r\n" for line in lines).encode(encoding))
        answers = [server.getreply() for _ in lines]
        bad = next((index for index, (code, _) in enumerate(answers) if code not in (250, 251, 354)), None)
        if bad is not None and answers[-1][0] == 354:
            server.send(b".\r\n")  # it waits for a mail that nobody is to get
            server.getreply()
        return answers if bad is None else answers[: bad + 1]

    def _not_taken(self, server: smtplib.SMTP, key: str, answers: list[tuple[int, bytes]]) -> Receipt:
        """The envelope was refused: by MAIL (that is about us) or by RCPT (about the customer)."""
        code, text = answers[-1]
        if code == 421:
            self._drop()
        else:
            server.rset()
            self._used = self._seconds()
        if len(answers) != 2 and code >= 500:
            return Receipt(key, Sent.LATER, problem=f"the relay refuses the sender: {code} {said(text)}")
        return _refusal(key, code, text)

    def _within_time(self, server: smtplib.SMTP) -> None:
        """What is left of the message's time is the time of the next step."""
        left = self._deadline - self._seconds()
        if left <= 0:
            raise TimeoutError("the message's time is over")
        if server.sock is not None:
            server.sock.settimeout(left)

    def _drop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()


def _refusal(key: str, code: int, text: bytes) -> Receipt:
    """4xx is for now, 5xx for good; 530 to 538 are about our login."""
    problem = f"{code} {said(text)}"
    ours = 530 <= code <= 538
    return Receipt(key, Sent.REFUSED if code >= 500 and not ours else Sent.LATER, problem=problem)


def _problem(error: Exception) -> str:
    """An error without addresses in it."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
        return f"{error.smtp_code} {said(text)}"
    return f"{type(error).__name__}: {said(str(error).encode())}"


def _quoted(mail: bytes) -> bytes:
    """Lines end with CRLF, dots at their beginning are doubled, a dot ends it all (RFC 5321, 4.5.2)."""
    lines = _DOT.sub(b"..", _BARE_END.sub(b"\r\n", mail))
    return lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n"
