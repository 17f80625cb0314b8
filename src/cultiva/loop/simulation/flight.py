"""A flight: the real loop against a simulated bank, week by week, resumable after a kill.

Each week the bank has delivered, the main job runs on the delivery (the same steps as `cultiva run`), the bank carries
out what was decided and lives on for seven days. The last delivery is only looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from cultiva.kit.clock import seconds
from cultiva.kit.progress import StepProgress, StepShown, Unseen
from cultiva.kit.words import Words
from cultiva.loop import service
from cultiva.loop.daily import daily_plan
from cultiva.loop.parts import Parts
from cultiva.loop.simulation.oracle import with_oracle
from cultiva.loop.simulation.setup import Policy, Setup, channel_terms, offer_terms, prepared
from cultiva.loop.simulation.touches import COLUMNS, decided_touches
from cultiva.loop.steps import Plan
from cultiva.simbank.service import LivingBank, found_bank, open_bank

DAYS_PER_WEEK = 7
QUIET_STEPS = frozenset({"standing", "segments", "microsegments", "lists", "report"})
"""Steps that change nothing that is decided or measured; a simulated week before the last leaves them out."""
MODEL_STEPS = frozenset({"features", "models"})
"""Steps that serve later plans of the loop; other policies ask no models, and of the last plan nobody is touched."""
LEARNS = frozenset({Policy.LOOP, Policy.PROPENSITY})
"""Policies that learn from reviews on the way; the others are reviewed at the end."""
WEEKS_PER_REVIEW = 1
"""How often a flight reviews what it has done so far."""
OpenParts = Callable[[Path, Mapping[str, str]], AbstractContextManager[Parts]]
"""Opens a workspace with values for its variables."""


@dataclass(frozen=True)
class Week:
    """One week of a flight."""

    on: date
    """The business date on which it was decided."""
    touches: int
    """Proposals carried out."""


@dataclass(frozen=True)
class Flown:
    """A finished flight, to be scored."""

    setup: Setup
    bank: LivingBank
    last: date
    """The last business date; the workspace's newest run is of it."""
    weeks: tuple[Week, ...]


def fly(setup: Setup, open_parts: OpenParts, *, progress: StepProgress | None = None) -> Flown:
    """Flies to the end, from wherever an earlier attempt came to.

    Args:
        setup: What to simulate.
        open_parts: Opens the simulation's workspace.
        progress: Is told about the founding and every week.
    """
    shown = progress or Unseen()
    bank = founded(setup, shown)
    weeks = []
    for number in range(setup.weeks + 1):
        on = setup.first_day + timedelta(days=DAYS_PER_WEEK * number)
        weeks.append(_week(setup, bank, on, number, _Bar(shown, _step(setup, number)), open_parts))
    return Flown(setup, bank, on, tuple(weeks))


def founded(setup: Setup, shown: StepProgress) -> LivingBank:
    """The bank as it stands: founded now, or as the last attempt left it."""
    workspace, step = prepared(setup), StepShown("bank", _FOUNDED, 1, setup.weeks + 2)
    if (setup.bank / "truth").exists() and (setup.bank / "deliveries").exists():
        shown.kept(step)
        return open_bank(setup.bank)
    with _Bar(shown, step) as bar:
        return found_bank(
            setup.bank,
            setup.world,
            customers=setup.customers,
            seed=setup.seed,
            first_day=setup.first_day,
            offers=offer_terms(workspace),
            channels=channel_terms(workspace),
            strategies=list(workspace.strategies),
            mix=setup.mix,
            progress=lambda done, count: bar.advance(done / count, ""),
        )


def _week(setup: Setup, bank: LivingBank, on: date, number: int, bar: _Bar, open_parts: OpenParts) -> Week:
    overrides = {"data": str(bank.delivery(on).resolve()), **RUN_SETTINGS}
    is_last = number == setup.weeks
    with bar, open_parts(setup.workspace, overrides) as parts:
        if bank.business_date == on:  # else an earlier attempt has lived this week already
            service.run(parts, on, progress=bar, steps=_steps(setup, bank, parts, on, number))
        touches = decided_touches(parts, on) if setup.policy is not Policy.NOBODY else _nobody()
        if not is_last and bank.business_date == on:
            bank.live_week(touches)
    return Week(on, 0 if is_last else touches.height)


RUN_SETTINGS: Mapping[str, str] = {"lake.keep_days": "400"}
"""Settings over cultiva.toml while simulating: the whole flight stays in the lake."""


def _steps(setup: Setup, bank: LivingBank, parts: Parts, on: date, number: int) -> Plan:
    plan = daily_plan(parts, on)
    left_out: frozenset[str] = frozenset()
    if setup.policy is Policy.ORACLE:
        plan = with_oracle(plan, bank, parts, on)
    if number >= setup.weeks - 1 or setup.policy is not Policy.LOOP:
        left_out = left_out | MODEL_STEPS
    if number < setup.weeks:
        reviews = setup.policy in LEARNS and number % WEEKS_PER_REVIEW == 0 and number > 0
        left_out = left_out | QUIET_STEPS | (frozenset() if reviews else {"review"})
    return _without(plan, left_out)


def _without(plan: Plan, left_out: frozenset[str]) -> Plan:
    """A plan without some of its steps, of which the others do not read the records."""
    kept = [step for step in plan if step.name not in left_out]
    return tuple(replace(step, needs=tuple(name for name in step.needs if name not in left_out)) for step in kept)


def _nobody() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))


_FOUNDED = Words(zh="模拟银行开业", en="the bank is founded")


def _step(setup: Setup, number: int) -> StepShown:
    label = (
        Words(zh=f"第 {number + 1} 周", en=f"week {number + 1}")
        if number < setup.weeks
        else Words(zh="最后回检", en="the last look")
    )
    return StepShown(f"week-{number + 1}", label, number + 2, setup.weeks + 2)


class _Bar:
    """Shows the steps of one run as one step of the flight."""

    def __init__(self, shown: StepProgress, step: StepShown) -> None:
        self._shown, self._step, self._begun = shown, step, 0.0

    def __enter__(self) -> _Bar:
        self._begun = seconds()
        self._shown.started(self._step)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._shown.finished(self._step, seconds=seconds() - self._begun, rows=None)
        else:
            self._shown.failed(self._step, seconds=seconds() - self._begun)

    def advance(self, share: float, note: str) -> None:
        """So much of the week is done."""
        self._shown.advanced(self._step, share, note)

    def kept(self, step: StepShown) -> None:
        """One step of the run was done before."""
        self.advance(step.position / step.count, step.name)

    def started(self, step: StepShown) -> None:
        """One step of the run begins."""
        self.advance((step.position - 1) / step.count, step.name)

    def advanced(self, step: StepShown, share: float, note: str) -> None:
        """Within one step of the run."""
        self.advance((step.position - 1 + share) / step.count, step.name)

    def finished(self, step: StepShown, *, seconds: float, rows: int | None) -> None:
        """One step of the run is done."""
        self.advance(step.position / step.count, step.name)

    def failed(self, step: StepShown, *, seconds: float) -> None:
        """The week itself says that it failed."""
