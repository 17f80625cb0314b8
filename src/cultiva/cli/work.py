"""The command that carries launches out: work."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, SetOption, WorkspaceArgument
from cultiva.kit.clock import Clock, parse_instant, utc_now
from cultiva.kit.display import show_json, show_line

if TYPE_CHECKING:
    from cultiva.loop.parts import Parts
    from cultiva.loop.work.jobs import JobWorker
    from cultiva.loop.work.service import Round

PAUSE_SECONDS = 2.0
"""Between rounds that found nothing to do."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("work")(work)


def work(
    workspace: WorkspaceArgument,
    once: Annotated[bool, typer.Option("--once", help="One round, then stop.")] = False,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop when nothing is due.")] = False,
    at: Annotated[str, typer.Option(help="Pretend that it is this instant (ISO, with zone): for drills.")] = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Carry live launches out: people move through plays, what is due is sent, what comes back is taken in.

    Jobs that people have asked for in the console, such as a forecast that is simulated, are carried out beside it.
    Runs until it is told to stop (Ctrl-C, SIGTERM); what it is in the middle of is finished first. Run as many as the
    work needs. With --json every round is a document of its own.
    """
    from cultiva.loop.work.service import Worker

    over = told_to_stop()
    clock = clock_at(at)
    name = f"worker-{os.getpid()}"
    with (
        opened(workspace, set_) as parts,
        closing(Worker(replace(parts, clock=clock), name)) as worker,
        closing(_jobs(replace(parts, clock=clock))) as jobs,
    ):
        if not (once or until_idle):
            worker.start()
            jobs.start()
        while not over.is_set():
            done = worker.round(clock())
            found = list(jobs.once()) if once or until_idle else []
            for job in found if not json_ else ():
                show_line(f"{job.kind} {job.job_id}: {job.state}")
            if json_:
                told = [{"job": job.job_id, "kind": job.kind, "state": job.state} for job in found]
                show_json({**done.data(), "jobs": told})
            elif not done.idle or once or until_idle:
                show_line(_told(done))
            if once or (until_idle and done.idle):
                return
            if done.idle:
                over.wait(PAUSE_SECONDS)


def _jobs(parts: Parts) -> JobWorker:
    """Who carries out what people have asked for."""
    from cultiva import bootstrap
    from cultiva.loop.work.jobs import job_worker

    return job_worker(parts, lambda root, values: bootstrap.opened(root, overrides=values))


def told_to_stop() -> threading.Event:
    """Is set as soon as the process is asked to end."""
    over = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: over.set())
    return over


def clock_at(at: str) -> Clock:
    """The real clock, or one that stands still at an instant."""
    if not at:
        return utc_now
    pretended = parse_instant(at)
    return lambda: pretended


def _told(done: Round) -> str:
    """One line of what a round did."""
    parts = [f"{done.entered:,} entered"] if done.entered else []
    parts += [f"{count:,} at {step}" for step, count in sorted(done.moves.waves.items())]
    parts += [f"{count:,} moved on" for count in [sum(done.moves.steps.values())] if count]
    parts += [f"{count:,} left ({reason})" for reason, count in sorted(done.moves.exits.items())]
    parts += [f"{count:,} messages {name}" for name, count in vars(done.sent).items() if count and name != "claimed"]
    parts += [f"{done.tasks:,} tasks ready"] if done.tasks else []
    parts += [f"{done.heard:,} reports"] if done.heard else []
    parts += [f"{name} has changed since it was approved: nobody enters" for name in done.changed]
    return ", ".join(parts) or "nothing is due"
