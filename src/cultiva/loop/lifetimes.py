"""Lifetime values of a business date: the step that finds them anew where the last ones are too old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from cultiva.insight.lifetime.service import MODEL, LifetimeFacts, make_lifetime
from cultiva.kit.numbers import settled
from cultiva.loop.inputs import profile_inputs
from cultiva.loop.parts import Parts
from cultiva.loop.steps import Step, StepContext
from cultiva.loop.titles import STEPS
from cultiva.store import StepResult

SCORES = f"score_{MODEL}"
"""The lake table; tags of the model read its newest snapshot."""


def lifetime_steps(parts: Parts, on: date) -> tuple[Step, ...]:
    """The step that finds lifetime values, where the value model asks for them; the profile reads what it finds."""
    if parts.workspace.value.lifetime is None:
        return ()
    return (Step("lifetime", STEPS["lifetime"], ("holding",), _Lifetimes(parts, on).run),)


@dataclass(frozen=True)
class _Lifetimes:
    parts: Parts
    on: date

    def run(self, context: StepContext) -> StepResult:
        """Finds them, unless those of an earlier day still stand."""
        lifetime, lake = self.parts.workspace.value.lifetime, self.parts.lake
        assert lifetime is not None, "there is no step where nobody asks"
        last = lake.catalogue.before(SCORES, self.on)
        if last is not None and (self.on - last.business_date).days < lifetime.refresh_days:
            return StepResult(detail={"found_on": last.business_date.isoformat()})
        folder = lake.stage(SCORES, self.on, run_id=context.run_id)
        inputs = profile_inputs(self.parts, self.on)
        found = make_lifetime(self.parts.engine, inputs, self.parts.workspace, self.on, folder)
        published = lake.snapshot(SCORES, self.on, folder, found.written, run_id=context.run_id)
        return StepResult((published,), rows=found.written.rows, detail=_detail(found, self.on))


def _detail(found: LifetimeFacts, on: date) -> dict[str, Any]:
    """What the run's record keeps: the models' parameters, to six digits, and notes."""
    models = {
        name: {key: settled(value) for key, value in vars(model).items() if key != "converged"}
        for name, model in (("purchases", found.purchases), ("spending", found.spending))
        if model is not None
    }
    return {"found_on": on.isoformat(), "models": models, "notes": list(found.notes)}
