"""A mail server (aiosmtpd): SMTP with STARTTLS and, beside it, a message trace by Message-ID over HTTP.

Large mail gateways have such a trace. The key of a message is what its Message-ID has before the `@`.
`GET /messages/{key}`, `GET /reports?after=`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from tests.simulators.command import Desk, run
from tests.simulators.delivery import BROKEN, mood, taken
from tests.simulators.desk_routes import common, traced
from tests.simulators.http import Answer, Request, serve
from tests.simulators.quick_smtp import QuickMail

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Certificate and key of `localhost` and 127.0.0.1, made for these tests and worth nothing elsewhere."""


async def start(desk: Desk) -> dict[str, int]:
    """Opens both sockets."""
    http_port = await serve(partial(handle, desk))
    loop = asyncio.get_running_loop()
    made: Callable[[], asyncio.BaseProtocol] = partial(QuickMail if desk.given.quick else mail_server, desk)
    server = await loop.create_server(made, "127.0.0.1", desk.given.port, backlog=1024)
    SERVERS.append(server)
    return {"port": int(server.sockets[0].getsockname()[1]), "http_port": http_port}


SERVERS: list[asyncio.Server] = []


def mail_server(desk: Desk) -> SMTP:
    """One connection's server."""
    tls = None
    if desk.given.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
    options: dict[str, Any] = {}
    if desk.given.login:
        options = {"authenticator": partial(login, desk), "auth_required": True, "auth_require_tls": desk.given.tls}
    return SMTP(Mailbox(desk), tls_context=tls, require_starttls=desk.given.tls, enable_SMTPUTF8=True, **options)


def login(desk: Desk, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    """Whether `--login user:password` was given."""
    assert isinstance(data, LoginPassword)
    right = b":".join((data.login, data.password)) == desk.given.login.encode()
    return AuthResult(success=right, handled=False)


async def handle(desk: Desk, request: Request) -> Answer:
    """The message trace."""
    if request.path.startswith("/messages/"):
        return traced(desk, request.path.removeprefix("/messages/"))
    return common(desk, request) or Answer(404, {"error": "no such route"})


class Mailbox:
    """What happens to a message; aiosmtpd calls the method by its name."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Takes one message, unless it is in another mood."""
        content = envelope.original_content or b""
        key, drawn = mood(self.desk, content)
        if "slow" in drawn:
            await asyncio.sleep(self.desk.moods.now.slow_seconds)
        answer = taken(self.desk, key, drawn, envelope.rcpt_tos, content)
        if answer == BROKEN:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return answer


def _options(parser: Any) -> None:
    parser.add_argument("--tls", action="store_true", help="demand STARTTLS")
    parser.add_argument("--quick", action="store_true", help="not aiosmtpd but a server quick enough to measure with")
    parser.add_argument("--login", default="", help="demand user:password")


if __name__ == "__main__":
    run(start, options=_options)
