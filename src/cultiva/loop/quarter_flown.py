"""The next quarter flown: the workspace's own definitions on simulated banks like its own, told as a forecast.

Where `quarter` reckons with what the review has measured, this runs the whole loop week by week: audiences, plans,
contacts, readouts. The customers' answers are those of a simulated bank, whose true effects are known and not the
bank's own; so a forecast says what the definitions do in such a world, and how far chance moves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any

from cultiva.kit.clock import seconds
from cultiva.kit.progress import StepShown, Unseen
from cultiva.loop.parts import Parts
from cultiva.loop.simulation.flight import OpenParts
from cultiva.loop.simulation.forecast import Outlook
from cultiva.loop.simulation.service import Flights, Request, flown

KIND = "forecast"
"""Of the job."""
WORLD, WEEKS, BANKS, CUSTOMERS = "ordinary", 13, 3, 10_000
"""What is flown unless a job says otherwise."""
TELL_SECONDS = 1.0
"""How often it is told how far it is."""
FIGURES = ("customers", "touches", "cost", "incremental")
Advance = Callable[[float, Mapping[str, str]], None]
"""Told how much is done, and in every language what it is at; raises to end the work."""


@dataclass(frozen=True)
class Asked:
    """What is flown."""

    world: str = WORLD
    weeks: int = WEEKS
    banks: int = BANKS
    """Simulated banks, each with a seed of its own."""
    customers: int = CUSTOMERS
    """Of each."""


@dataclass(frozen=True)
class Band:
    """A figure over all simulated banks."""

    mean: float
    low: float
    """Of the bank where it came out lowest."""
    high: float
    """Highest."""


@dataclass(frozen=True)
class Foreseen:
    """One strategy in the next quarter, or the whole programme."""

    strategy: str
    customers: Band
    """Whom it could touch."""
    touches: Band
    cost: Band
    incremental: Band
    """True money of the simulated banks, before cost."""
    net: Band


@dataclass(frozen=True)
class FlownQuarter:
    """A forecast as a job has left it."""

    on: date
    """Newest business date when it was flown."""
    version: str
    """Of the definitions that were flown."""
    asked: Asked
    scale: float | None
    """Customers of the own bank for each simulated one: figures are multiplied with it; None: not known, as flown."""
    rows: tuple[Foreseen, ...]
    """The whole programme first."""


def fly_quarter(parts: Parts, asked: Asked, folder: Path, open_parts: OpenParts, advance: Advance) -> dict[str, Any]:
    """Flies the next quarter, or goes on where an earlier attempt stopped.

    Args:
        parts: Of the workspace.
        asked: What is flown.
        folder: Where the simulated banks lie.
        open_parts: Opens a simulation's workspace.
        advance: Is told how far it is.

    Returns:
        The forecast as JSON-like data, for `quarter_of`.
    """
    request = Request(
        asked.world, weeks=asked.weeks, customers=asked.customers, strategies=parts.root, folder=folder,
        seeds=asked.banks,
    )  # fmt: skip
    found = flown(request, open_parts, progress=_Told(asked.banks, advance))
    return {
        "on": parts.newest_date().isoformat(),
        "version": parts.workspace.version,
        "asked": vars(asked),
        "scale": _scale(found),
        "rows": _rows([one.outlooks() for one in found.scored]),
    }


def quarter_of(result: Mapping[str, Any]) -> FlownQuarter:
    """The forecast that `fly_quarter` has told."""
    scale = result["scale"]
    rows = tuple(_foreseen(row, 1.0 if scale is None else scale) for row in result["rows"])
    day = date.fromisoformat(result["on"])
    return FlownQuarter(day, result["version"], Asked(**result["asked"]), scale, rows)


def band(values: Sequence[float]) -> Band:
    """A figure over all banks.

    Examples:
        >>> band([1.0, 3.0, 8.0])
        Band(mean=4.0, low=1.0, high=8.0)
    """
    return Band(fmean(values), min(values), max(values))


def _foreseen(row: Mapping[str, Any], scale: float) -> Foreseen:
    figures = {name: [scale * one for one in row[name]] for name in FIGURES}
    net = [gross - cost for gross, cost in zip(figures["incremental"], figures["cost"], strict=True)]
    return Foreseen(row["strategy"], **{name: band(values) for name, values in figures.items()}, net=band(net))


def _rows(flights: Sequence[Sequence[Outlook]]) -> list[dict[str, Any]]:
    """By strategy the figures of every flight; 0 where it was not in one, as when nobody was left to be touched."""
    known = [{one.strategy: one for one in flight} for flight in flights]
    names = list(dict.fromkeys(name for flight in known for name in flight))
    return [{"strategy": name, **_figures([flight.get(name) for flight in known])} for name in names]


def _figures(found: Sequence[Outlook | None]) -> dict[str, list[float]]:
    return {
        "customers": [0.0 if one is None else float(one.customers) for one in found],
        "touches": [0.0 if one is None else float(sum(each.touches for each in one.volumes)) for one in found],
        "cost": [0.0 if one is None else float(one.cost) for one in found],
        "incremental": [0.0 if one is None else float(one.incremental) for one in found],
    }


def _scale(found: Flights) -> float | None:
    if found.like is None or found.simulated is None:
        return None
    return float(found.like.own.holders) / max(float(found.simulated.holders), 1.0)


class _Told(Unseen):
    """Makes one share of all flights out of their steps: the founding of a bank begins each."""

    def __init__(self, banks: int, advance: Advance) -> None:
        self._banks, self._advance = banks, advance
        self._bank, self._told_at = -1, 0.0

    def kept(self, step: StepShown) -> None:
        """An earlier attempt has founded the bank."""
        self._reached(step, 1.0)

    def started(self, step: StepShown) -> None:
        """A bank is founded, or a week begins."""
        self._reached(step, 0.0)

    def advanced(self, step: StepShown, share: float, note: str) -> None:
        """Within one of them."""
        del note
        self._tell(step, share)

    def _reached(self, step: StepShown, share: float) -> None:
        if step.position == 1:
            self._bank += 1
        self._told_at = 0.0
        self._tell(step, share)

    def _tell(self, step: StepShown, share: float) -> None:
        if seconds() - self._told_at < TELL_SECONDS:
            return
        self._told_at = seconds()
        done = (self._bank + (step.position - 1 + share) / step.count) / self._banks
        self._advance(min(max(done, 0.0), 1.0), {"zh": step.label.zh, "en": step.label.en})
