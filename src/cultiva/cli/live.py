"""The command that keeps profiles live: live."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, SetOption, WorkspaceArgument
from cultiva.cli.work import clock_at, told_to_stop
from cultiva.kit.display import show_error, show_json, show_line
from cultiva.kit.errors import CultivaError, ErrorKind

if TYPE_CHECKING:
    from cultiva.loop.live.worker import LiveWorker
    from cultiva.stream.working import Did

PAUSE_SECONDS = 0.05
"""Between rounds that found nothing to do."""
APART_SECONDS = 1.0
"""Before something that did not answer is asked again."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("live")(live)


def live(
    workspace: WorkspaceArgument,
    once: Annotated[bool, typer.Option("--once", help="One round, then stop.")] = False,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop when nothing is left to do.")] = False,
    at: Annotated[str, typer.Option(help="Pretend that it is this instant (ISO, with zone): for drills.")] = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Keep profiles live: fold in what comes in, let triggers fire and timers ring.

    Runs until it is told to stop (Ctrl-C, SIGTERM). Run as many as the work needs, up to [live] partitions: they share
    the customers, and whoever goes or dies is replaced by the others within [live] lease_seconds. Definitions that
    change in their files are taken up between two rounds; settings are read once, at the beginning.
    """
    from cultiva import bootstrap
    from cultiva.loop.following import Followed
    from cultiva.loop.live.worker import LiveWorker

    over, clock, patient = told_to_stop(), clock_at(at), not (once or until_idle)
    name = f"{socket.gethostname()}-{os.getpid()}"
    with (
        opened(workspace, set_) as parts,
        bootstrap.live(parts.workspace, clock=clock) as (log, hot),
        closing(LiveWorker(replace(parts, clock=clock), log, hot, name)) as worker,
    ):
        followed = Followed(replace(parts, clock=clock))
        while not over.is_set():
            worker.define(followed.now())
            did = _round(worker, clock(), patient=patient)
            if did is not None and (not did.idle or once):
                show_json(did.data()) if json_ else show_line(_told(did))
            if once or (until_idle and did is not None and did.idle):
                return
            if did is None or did.idle:
                over.wait(APART_SECONDS if did is None else PAUSE_SECONDS)


def _round(worker: LiveWorker, at: datetime, *, patient: bool) -> Did | None:
    """A round; None if something did not answer and the worker is to be patient."""
    try:
        return worker.round(at)
    except CultivaError as error:
        if error.kind is not ErrorKind.UNAVAILABLE or not patient:
            raise
        show_error(error)
        return None


def _told(did: Did) -> str:
    """One line of what a round did."""
    counts = [(did.records, "events"), (did.timers, "timers"), (did.firings, "firings"), (did.overtaken, "made anew")]
    parts = [f"{count:,} {what}" for count, what in counts if count]
    return f"{did.partitions} partitions: {', '.join(parts) or 'nothing to do'}"
