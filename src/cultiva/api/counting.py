"""Numbers of the store for Prometheus: deliveries, tasks, launches and emergency stops, counted now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cultiva.execution.dispatch.records import State as DeliveryState
from cultiva.execution.dispatch.service import deliveries_counted
from cultiva.execution.launching.launches import State as LaunchState
from cultiva.execution.launching.service import Launches
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.tasks.states import State as TaskState
from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database

COUNTED_SECONDS = 15.0
"""Counts are so old at most: counting millions of rows takes longer than a scraper may ask."""
Labels = tuple[str, ...]
S = TypeVar("S")
_LOG = structlog.get_logger("cultiva.api")


@dataclass(frozen=True)
class _Counted:
    """One gauge as it was counted."""

    name: str
    said: str
    labels: Labels
    rows: Mapping[Labels, int]

    def family(self) -> Metric:
        found = GaugeMetricFamily(self.name, self.said, labels=self.labels)
        for values, count in sorted(self.rows.items()):
            found.add_metric(values, count)
        return found


@dataclass(eq=False)
class Counts(Collector):
    """What lies in the store.

    Args:
        database: Where launches and deliveries lie.
        tasks: Gives the queue of human work; None: the workspace has none.
        stopwatch: Counts seconds.
    """

    database: Database
    tasks: Callable[[], Tasks] | None
    stopwatch: Callable[[], float] = seconds
    _lock: Lock = field(default_factory=Lock)
    _kept: tuple[float, tuple[_Counted, ...]] | None = None

    def exposition(self) -> bytes:
        """The numbers as Prometheus reads them."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are told with the numbers."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The gauges; where the store does not answer only that it does not."""
        try:
            found = self._fresh()
        except CultivaError as error:
            if error.kind is not ErrorKind.UNAVAILABLE:
                raise
            _LOG.warning("store does not answer", code=error.code)
            found = ()
        yield from (one.family() for one in found)
        yield GaugeMetricFamily("cultiva_store_up", "Whether the store answers.", value=float(bool(found)))

    def _fresh(self) -> tuple[_Counted, ...]:
        """The numbers; those asking meanwhile wait for the one who counts."""
        with self._lock:
            now = self.stopwatch()
            if self._kept is None or now - self._kept[0] >= COUNTED_SECONDS:
                self._kept = (now, tuple(self._counted()))
            return self._kept[1]

    def _counted(self) -> Iterator[_Counted]:
        deliveries = deliveries_counted(self.database)
        yield _Counted(
            "cultiva_deliveries", "Messages in the outbox.", ("provider", "state"),
            {(name, str(state)): count for (name, state), count in _filled(deliveries, DeliveryState).items()},
        )  # fmt: skip
        launches = Launches(self.database)
        states = launches.counts()
        yield _Counted(
            "cultiva_launches", "Launches.", ("state",), {(str(one),): states.get(one, 0) for one in LaunchState}
        )
        yield _Counted("cultiva_halts", "Emergency stops in force.", (), {(): len(launches.halts())})
        if self.tasks is not None:
            tasks = _filled(self.tasks().counts(), TaskState)
            rows: dict[Labels, int] = {(kind, str(state)): count for (kind, state), count in tasks.items()}
            yield _Counted("cultiva_tasks", "Tasks of people.", ("kind", "state"), rows)


def _filled(found: Mapping[tuple[str, S], int], states: Iterable[S]) -> dict[tuple[str, S], int]:
    """With a zero for every state of what there is, so that an alert sees a number where nothing is left.

    Examples:
        >>> _filled({("sms", "sent"): 3}, ["sent", "dead"])
        {('sms', 'sent'): 3, ('sms', 'dead'): 0}
    """
    names = dict.fromkeys(name for name, _ in found)
    return {(name, state): found.get((name, state), 0) for name in names for state in states}
