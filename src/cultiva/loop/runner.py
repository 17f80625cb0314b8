"""Runs a plan: one step after the other, resumable from the last finished one, visible only when finished."""

from __future__ import annotations

import re
from dataclasses import replace

from cultiva import __version__
from cultiva.kit.clock import Clock
from cultiva.kit.errors import CultivaError
from cultiva.kit.masking import mask_text
from cultiva.kit.progress import StepProgress, StepShown, Unseen
from cultiva.loop.steps import Action, Plan, PlannedStep, StepContext, explain, plan_fingerprint
from cultiva.loop.tenure import held
from cultiva.store import Lease, Run, RunRequest, StepRecord, Store, lease_name

ERROR_LENGTH_MAX = 2000
"""Characters of an error's text that are kept."""
_QUOTED = re.compile(r"(['\"`]).*?\1", re.DOTALL)


def preview(plan: Plan, request: RunRequest, *, store: Store) -> tuple[PlannedStep, ...]:
    """What `execute` would do now; the same list, walked without doing it.

    Args:
        plan: The steps.
        request: What the run would be on.
        store: Knows what is unfinished.
    """
    return explain(plan, store.runs.unfinished(pinned(request, plan)))


def execute(
    plan: Plan, request: RunRequest, *, store: Store, clock: Clock, progress: StepProgress | None = None
) -> Run:
    """Runs a plan to its end.

    If the last run of the business date is unfinished and was on an equal request, it is resumed after its last
    finished step; else a new run begins. Every step's outputs are published in the transaction that marks it finished.

    Args:
        plan: The steps.
        request: What the run is on. Its inputs must name everything that steps read and do not write.
        store: Keeps runs, steps and snapshot pointers.
        clock: Tells the present instant, for records.
        progress: Is told how far the work has come.

    Returns:
        The finished run.

    Raises:
        CultivaError: a conflict, if another process is at work on the business date.
        Exception: whatever a step raises; the run is then marked failed.
    """
    explain(plan, None)  # a plan out of order is refused before anything is written
    with held(lease_name(request.business_date), store=store, clock=clock) as lease:
        run = store.runs.begin(pinned(request, plan), lease=lease, at=clock())
        worker = _Worker(run, len(plan), lease=lease, store=store, clock=clock, progress=progress or Unseen())
        for planned in explain(plan, run):
            worker.do(planned)
        return store.runs.finish(run, lease=lease, at=clock())


def pinned(request: RunRequest, plan: Plan) -> RunRequest:
    """The request with what else makes two runs the same: the plan's shape and the software's version."""
    return replace(request, inputs={**request.inputs, "(plan)": plan_fingerprint(plan), "(cultiva)": __version__})


class _Worker:
    """Does what is planned about one step after the other."""

    def __init__(
        self, run: Run, steps: int, *, lease: Lease, store: Store, clock: Clock, progress: StepProgress
    ) -> None:
        self._run, self._steps, self._lease = run, steps, lease
        self._store, self._clock, self._progress = store, clock, progress
        self._records: dict[str, StepRecord] = {}

    def do(self, planned: PlannedStep) -> None:
        """Keeps or runs one step."""
        step = planned.step
        shown = StepShown(step.name, step.label, planned.position, self._steps)
        if planned.action is Action.KEEP:
            assert planned.record is not None, "what is kept was recorded"
            self._records[step.name] = planned.record
            self._progress.kept(shown)
        else:
            self._records[step.name] = self._run_step(planned, shown)

    def _run_step(self, planned: PlannedStep, shown: StepShown) -> StepRecord:
        name, runs, started = planned.step.name, self._store.runs, self._clock()
        runs.start_step(self._run, name, position=planned.position, lease=self._lease, at=started)
        self._progress.started(shown)
        context = StepContext(
            run_id=self._run.run_id,
            business_date=self._run.business_date,
            step=name,
            started=started,
            earlier={need: self._records[need] for need in planned.step.needs},
            advance=lambda share, note: self._progress.advanced(shown, share, note),
        )
        try:
            result = planned.step.run(context)
            record = runs.finish_step(self._run, name, result, lease=self._lease, at=self._clock())
        except BaseException as error:  # Ctrl-C too is an end that the record must show
            self._progress.failed(shown, seconds=(self._clock() - started).total_seconds())
            self._note_failure(name, error)
            raise
        self._progress.finished(shown, seconds=record.seconds or 0.0, rows=record.rows)
        return record

    def _note_failure(self, name: str, error: BaseException) -> None:
        try:
            self._store.runs.fail_step(self._run, name, told(error), lease=self._lease, at=self._clock())
        except CultivaError as second:
            # The step's own error matters more than that it could not be recorded.
            error.add_note(f"the failure could not be recorded: {second.message}")


def told(error: BaseException) -> str:
    """What the record says of an error, without personal data."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, CultivaError):
        return mask_text(str(error))[:ERROR_LENGTH_MAX]
    # What other libraries quote may be any cell of any row.
    said = _QUOTED.sub(r"\1***\1", str(error))
    return mask_text(f"{type(error).__name__}: {said}")[:ERROR_LENGTH_MAX]
