"""Steps and plans: a long piece of work cut where it may be interrupted. Nothing here knows a bank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cultiva.kit.errors import CultivaError, did_you_mean
from cultiva.kit.hashing import content_hash
from cultiva.kit.words import Bilingual
from cultiva.store import Run, StepRecord, StepResult, StepState


@dataclass(frozen=True)
class StepContext:
    """What a step is told."""

    run_id: str
    """The run it belongs to; the same when it is resumed."""
    business_date: date
    """The bank's day."""
    step: str
    """Its own name."""
    started: datetime
    """When this attempt began, UTC; for records, never for results."""
    earlier: Mapping[str, StepRecord]
    """The steps that it needs, by name, with what they published and found."""
    advance: Callable[[float, str], None]
    """Tells people how far it is: a share from 0 to 1, and what it is at."""


@dataclass(frozen=True)
class Step:
    """One step: it reads what is published, writes snapshots under new names, and says which to publish.

    It may be killed at any moment and is then run again from its start; so it must leave no trace but its result.
    """

    name: str
    """Unique within its plan."""
    label: Bilingual
    """What people read."""
    needs: tuple[str, ...]
    """Earlier steps whose records it reads."""
    run: Callable[[StepContext], StepResult]
    """Does the work."""


Plan = tuple[Step, ...]
"""Steps in the order in which they run."""


class Action(StrEnum):
    """What a run does about a step."""

    RUN = "run"
    """Runs it."""
    KEEP = "keep"
    """Keeps what an earlier attempt has finished."""


@dataclass(frozen=True)
class PlannedStep:
    """A step, and what is to be done about it."""

    step: Step
    position: int
    """Its place in the plan, from 1."""
    action: Action
    record: StepRecord | None
    """What an earlier attempt has left of it."""


def explain(plan: Plan, run: Run | None) -> tuple[PlannedStep, ...]:
    """What is to be done, step by step: shown by a dry run, and walked by the run itself.

    Args:
        plan: The steps.
        run: The unfinished run that is resumed; None: a new one.

    Raises:
        CultivaError: if the plan is not in order.
    """
    check_plan(plan)
    planned: list[PlannedStep] = []
    for position, step in enumerate(plan, start=1):
        record = run.step(step.name) if run else None
        done = record is not None and record.state is StepState.FINISHED
        # A finished step behind one that has to run again may rest on what that one will change.
        keep = done and all(one.action is Action.KEEP for one in planned)
        planned.append(PlannedStep(step, position, Action.KEEP if keep else Action.RUN, record))
    return tuple(planned)


def check_plan(plan: Plan) -> None:
    """Demands that names are unique and that every step needs only earlier ones.

    Raises:
        CultivaError: if not.
    """
    earlier: list[str] = []
    for step in plan:
        if step.name in earlier:
            raise _bad_plan("two steps of a plan have the same name", step.name, "a name of its own for every step", "")
        for name in step.needs:
            if name not in earlier:
                allowed = f"earlier steps: {', '.join(earlier) or 'none'}"
                raise _bad_plan(
                    f"step '{step.name}' needs what is not before it", name, allowed, did_you_mean(name, earlier)
                )
        earlier.append(step.name)


def plan_fingerprint(plan: Plan) -> str:
    """A name of the plan's shape: a run is not resumed on a plan of another one."""
    return content_hash([[step.name, *step.needs] for step in plan])


def _bad_plan(message: str, seen: str, allowed: str, hint: str) -> CultivaError:
    return CultivaError(
        message, code="loop.bad_plan", seen=seen, allowed=allowed, hint=hint or "mend the list of steps"
    )
