"""The oracle: a step that tells the plan the true worth of every proposal, which no real bank knows."""

from __future__ import annotations

from datetime import date

from cultiva.engine.parquet import write_arrow
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.loop.simulation.scoring import true_worths
from cultiva.loop.steps import Plan, Step, StepContext
from cultiva.loop.titles import STEPS
from cultiva.simbank.service import LivingBank
from cultiva.store import StepResult
from cultiva.strategy.service import FORESEEN

BEFORE = "plan"
"""The step that reads what is foreseen."""


def with_oracle(plan: Plan, bank: LivingBank, parts: Parts, on: date) -> Plan:
    """The plan with a step that publishes the lake table `worth` before candidates are ranked."""

    def foresee(context: StepContext) -> StepResult:
        records = scan(parts.lake.files_current("identity_map", on))
        known = records.join(true_worths(bank, parts.workspace).lazy(), on=["source_system", "source_id"])
        key = ["customer_id", "strategy", "offer", "channel"]
        worth = known.unique(key, keep="any").sort(key).select(FORESEEN).collect()
        folder = parts.lake.stage("worth", on, run_id=context.run_id)
        written = write_arrow(worth.to_arrow(), folder)
        return StepResult((parts.lake.snapshot("worth", on, folder, written, run_id=context.run_id),))

    steps = []
    for step in plan:
        if step.name == BEFORE:
            steps.append(Step("worth", STEPS["worth"], ("identity",), foresee))
        steps.append(step)
    return tuple(steps)
