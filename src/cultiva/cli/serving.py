"""Serving: one process, or several that share a port; each opens the workspace for itself."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI

from cultiva.kit.errors import CultivaError, ErrorKind

if TYPE_CHECKING:
    import uvicorn

FACTORY = "cultiva.cli.serving:application"
"""What each worker calls."""
ASKED = "CULTIVA_SERVE"
"""Environment variable by which the workers learn what to serve: JSON with `workspace` and `overrides`."""
SEVERAL = "PROMETHEUS_MULTIPROC_DIR"
GRACE_SECONDS = 30
"""How long requests that have begun may take after the server was told to end."""


@dataclass(frozen=True)
class Serving:
    """What is served where."""

    workspace: Path
    host: str = "127.0.0.1"
    port: int = 8000
    """0: any free one; the log says which."""
    workers: int = 1
    overrides: tuple[tuple[str, str], ...] = ()
    """Settings over cultiva.toml."""
    ahead_seconds: float = 0.0
    """How far the clock shown is ahead of the real one; for demonstrations of banks of another time."""


class _Passed(logging.Handler):
    """Passes what the server itself logs on to the log of the process, so that every line has one form."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def _set_up_logs() -> None:
    from cultiva.kit.logs import set_up_logs

    set_up_logs(level="INFO", as_json=True)
    logging.basicConfig(level=logging.WARNING, handlers=[_Passed()], force=True)
    logging.getLogger("uvicorn").setLevel(logging.INFO)


def serve(asked: Serving) -> None:
    """Serves until it is told to end (SIGTERM, SIGINT); requests that have begun are answered first."""
    import uvicorn

    told = {
        "workspace": str(asked.workspace.resolve()),
        "overrides": dict(asked.overrides),
        "ahead": asked.ahead_seconds,
    }
    os.environ[ASKED] = json.dumps(told)
    _set_up_logs()
    with TemporaryDirectory(prefix="cultiva-metrics-") as folder:
        if asked.workers > 1:
            os.environ[SEVERAL] = folder
        config = uvicorn.Config(
            FACTORY,
            factory=True,
            host=asked.host,
            port=asked.port,
            workers=asked.workers,
            access_log=False,  # ours has no query and no customer in it
            log_config=None,
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
        )
        _run(config)


def require_address(host: str, port: int) -> None:
    """Refuses an address at which nobody could listen, before anything is loaded.

    Args:
        host: As given.
        port: As given; 0 is any free one.

    Raises:
        CultivaError: if the name is unknown, the address another machine's, or the port taken or not this user's.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise CultivaError(
            "nobody can listen at this address",
            code="cli.no_address",
            kind=ErrorKind.UNAVAILABLE,
            seen=f"{host}:{port}: {error.strerror or error}",
            allowed="an address of this machine, and a port that is free",
            hint="--host 127.0.0.1 for this machine only, 0.0.0.0 for every network; --port 0 for any free port",
        ) from error


def _run(config: uvicorn.Config) -> None:
    from uvicorn import Server
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    from cultiva.cli.sharing import shared

    if config.workers > 1:
        Multiprocess(config, sockets=[shared(config.bind_socket())]).run()
        return
    config.load_app()
    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def application() -> FastAPI:
    """The API and the console of one worker; opens the workspace, and closes it when the worker ends."""
    from cultiva import bootstrap
    from cultiva.api.app import create_app
    from cultiva.console.app import create_console
    from cultiva.console.pages import compile_all
    from cultiva.kit.clock import shifted
    from cultiva.loop.turns import Turns

    asked = json.loads(os.environ[ASKED])
    _set_up_logs()
    stack = ExitStack()
    parts = stack.enter_context(bootstrap.opened(Path(asked["workspace"]), overrides=asked["overrides"]))
    if asked["ahead"]:
        parts = replace(parts, clock=shifted(timedelta(seconds=asked["ahead"])))
    turns = Turns(parts)
    close: Callable[[], None] = stack.close
    app = create_app(parts, turns=turns, at_end=close)
    app.mount("/", create_console(parts, turns))
    Thread(target=compile_all, args=(parts.workspace.settings.currency,), name="templates", daemon=True).start()
    return app
