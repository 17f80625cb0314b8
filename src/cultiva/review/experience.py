"""Experience for the models: one row per exposure with what came of it, on both sides of every strategy's draw."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from cultiva.definitions.review import CONTRIBUTION
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Written
from cultiva.review.design import ReviewDesign
from cultiva.review.effects import shares_of_control
from cultiva.review.panel import COST, DAYS, TAKEN, TOUCHED, write_panel
from cultiva.review.panel_inputs import PanelInputs

NUMBERS = {DAYS: DAYS, "contribution": CONTRIBUTION, "cost": COST, "taken": TAKEN, "touched": TOUCHED}
"""Column -> the panel's `y_` column."""


def write_experience(engine: Engine, inputs: PanelInputs, workspace: Workspace, on: date, folder: Path) -> Written:
    """Writes what models learn from; the panel that review reads, as far as it is one strategy against its own holdout.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Its strategies and holdouts.
        on: Business date.
        folder: New folder; two beside it, with `-panel` and `-panel-results` added, are removed again.

    Returns:
        What was written, sorted by strategy and customer_id: strategy, customer_id, offer, channel, arm (treated or
        control), control_share (known probability of control), assigned_share, enrolled_on, days, contribution (money
        since enrolment), cost, taken, touched.
    """
    import ibis

    design = ReviewDesign(workspace)
    shares = {name: one for name, one in shares_of_control(design).items() if name in workspace.strategies}
    panel = folder.with_name(folder.name + "-panel")
    try:
        write_panel(engine, inputs, design, on, panel)
        rows = engine.scan([panel])
        mine = rows.filter(rows.strategy.isin(list(shares)) if shares else ibis.literal(False))
        cases = [(mine.strategy == name, ibis.literal(share).cast("!float64")) for name, share in shares.items()]
        made = {
            "arm": mine.arm,
            "control_share": ibis.cases(*cases, else_=ibis.null("float64")) if cases else ibis.null("float64"),
            "assigned_share": mine.assigned_share,
            "enrolled_on": mine.enrolled_on,
            **{name: mine[f"y_{column}"].cast("float64") for name, column in NUMBERS.items()},
        }
        chosen = mine.select("strategy", "customer_id", "offer", "channel", **made)
        return engine.write(chosen, folder, sort_by=("strategy", "customer_id"))
    finally:
        shutil.rmtree(panel, ignore_errors=True)
        shutil.rmtree(panel.with_name(panel.name + "-results"), ignore_errors=True)
