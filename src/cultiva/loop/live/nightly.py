"""What a run does for the live side, where `[live] enabled = true`: before its steps, and as its last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import structlog

from cultiva.insight.live.service import Live
from cultiva.kit.errors import CultivaError
from cultiva.loop.live.archive import with_events
from cultiva.loop.live.decided import Taking
from cultiva.loop.live.intake import publish_newest_identities
from cultiva.loop.live.papers import publish_papers
from cultiva.loop.live.parity import LiveParts, parity
from cultiva.loop.live.publishing import Published, publish
from cultiva.loop.parts import Parts
from cultiva.loop.steps import Step, StepContext
from cultiva.loop.titles import STEPS
from cultiva.store import StepResult
from cultiva.stream import open_hot, open_log

_LOG = structlog.get_logger("cultiva.live")


@contextmanager
def live_parts(parts: Parts) -> Iterator[LiveParts]:
    """The live side of a workspace, opened for a while."""
    settings, root = parts.workspace.settings.live, parts.root
    with (
        closing(open_log(settings, root, clock=parts.clock)) as log,
        closing(open_hot(settings, root)) as hot,
    ):
        yield LiveParts(Live(parts.workspace), log, hot)


def with_live_events(parts: Parts, on: date, *, write: bool = True) -> Parts:
    """The parts of a run that reads what came in live; the same where there is no live side.

    Args:
        parts: Of the workspace.
        on: Business date of the run.
        write: Whether to mark the log and write the delivery; else that of an earlier attempt is described.
    """
    settings = parts.workspace.settings.live
    if not settings.enabled:
        return parts
    with closing(open_log(settings, parts.root, clock=parts.clock)) as log:
        return with_events(parts, log, on, write=write)


def live_steps(parts: Parts, on: date) -> tuple[Step, ...]:
    """The step that hands over to the day, where there is a live side."""
    if not parts.workspace.settings.live.enabled:
        return ()
    return (
        Step("decided", STEPS["decided"], ("identity",), Taking(parts, on).run),
        Step("publish", STEPS["publish"], ("segments",), _Handing(parts, on).run),
    )


@dataclass(frozen=True)
class _Handing:
    parts: Parts
    on: date

    def run(self, context: StepContext) -> StepResult:
        """Compares a sample, then publishes; a run of a past date leaves the hot store as it is."""
        newest = self.parts.newest_date()
        if newest > self.on:
            return StepResult(detail={"newer": newest.isoformat()})
        publish_newest_identities(self.parts)
        with live_parts(self.parts) as side:
            found = self._compared(side)
            wrong = bool(found.get("differences"))  # then what stands there is not what was published
            done = publish(
                self.parts, side.live, side.hot, side.log, self.on, told=lambda n, of: context.advance(n / of, ""),
                whole=wrong,
            )  # fmt: skip
            papers = publish_papers(self.parts, side.hot, self.on, whole=wrong)
        return StepResult(rows=done.written, detail={"parity": found, "papers": papers.written, **told(done)})

    def _compared(self, side: LiveParts) -> dict[str, Any]:
        """What the comparison found; it says so and never keeps a night from being published."""
        sample = self.parts.workspace.settings.live.parity_sample
        if not sample:
            return {}
        try:
            return parity(self.parts, side, now=self.parts.clock(), sample=sample).data()
        except CultivaError as error:
            _LOG.info("live profiles were not compared", reason=error.code)
            return {"not_compared": error.code}


def told(done: Published) -> dict[str, Any]:
    """What publishing did, as JSON-like data."""
    return {**asdict(done), "seconds": {name: round(value, 3) for name, value in done.seconds.items()}}
