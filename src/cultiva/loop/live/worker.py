"""A worker of the live side: any number of processes share the customers, and take over from each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from cultiva.execution.triggers.effects import Effects
from cultiva.execution.triggers.service import Triggers
from cultiva.insight.live.service import Live
from cultiva.kit.errors import CultivaError
from cultiva.loop.desk import desk
from cultiva.loop.live.handling import Meaning
from cultiva.loop.parts import Parts
from cultiva.loop.recipients import refresh
from cultiva.stream.port import HotStore, Log
from cultiva.stream.working import Did, PartitionWorker

_LOG = structlog.get_logger("cultiva.live")


class LiveWorker:
    """Folds what comes in into profiles, and carries out what triggers want, partition by partition.

    Args:
        parts: Of the workspace.
        log: What came in.
        hot: What is known of customers.
        name: Of the process, unlike any other's.
        live: The workspace's live profiles, if they are made already: that takes half a second.
    """

    def __init__(self, parts: Parts, log: Log, hot: HotStore, name: str, *, live: Live | None = None) -> None:
        settings = parts.workspace.settings.live
        self._workspace = parts.workspace
        self.meaning = meaning_of(parts, live or Live(parts.workspace))
        lease = timedelta(seconds=settings.lease_seconds)
        self._worker = PartitionWorker(log, hot, self.meaning, name=name, lease=lease, batch=settings.batch)

    @property
    def troubles(self) -> Mapping[str, int]:
        """Trigger -> how often one of its rules could not be judged; "": records that could not be read."""
        return self.meaning.troubles

    def define(self, parts: Parts) -> bool:
        """Takes up definitions that have changed, between two rounds; whether there were any.

        What is compiled of them takes the old one's place as a whole. Partitions, their fences and what is known of
        customers stay: it is as if this worker had ended and one with the new definitions had begun in its place.
        Definitions that cannot be compiled change nothing, which is said once.

        Args:
            parts: With the definitions as they are now; settings are those of the beginning.
        """
        if parts.workspace is self._workspace:
            return False
        self._workspace = parts.workspace
        try:
            live = Live(parts.workspace)
            live.on(live.day_of(parts.clock()))  # compiled now, so that what cannot be changes nothing
            meaning = meaning_of(parts, live)
        except CultivaError as error:
            _LOG.warning("live.definitions_left", code=error.code, version=parts.workspace.version)
            return False
        meaning.troubles = self.meaning.troubles
        self.meaning = self._worker.handler = meaning
        return True

    def round(self, at: datetime) -> Did:
        """A batch of each partition that the worker owns, and the timers that are due.

        Args:
            at: Now.

        Raises:
            CultivaError: if log, hot store or store do not answer; the next round begins anew.
        """
        return self._worker.round(at)

    def close(self) -> None:
        """Gives its partitions up."""
        self._worker.close()


def meaning_of(parts: Parts, live: Live) -> Meaning:
    """What records and timers mean in a workspace."""
    workspace = parts.workspace
    triggers = Triggers(workspace)
    effects = Effects(
        workspace,
        parts.store.database,
        triggers,
        tasks=desk(parts) if workspace.workbench is not None else None,
        know=lambda customers: _know(parts, customers),
    )
    return Meaning(live, triggers, effects)


def _know(parts: Parts, customers: Sequence[int]) -> None:
    """Puts what the newest night knows where execution finds it; before the first night nothing is known of anybody."""
    if parts.store.snapshots.latest("profile", None) is not None:
        refresh(parts, customers, parts.newest_date())
