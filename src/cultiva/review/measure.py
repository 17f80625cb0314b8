"""What strategies changed: the analysis table of an experiment, read once, becomes effects and checks.

The analysis table is a folder of Parquet with one row per strategy and customer: `strategy`, `customer_id`, `arm`
(treated or control), `enrolled_on`, metrics `y_<name>` (number or boolean), covariates `x_<name>` (number, as known at
enrolment), text columns of groups and of clusters, and perhaps a boolean that says whether a person really reached the
customer.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from cultiva.review.measure_cells import Cells, Reading, passes, prepare
from cultiva.review.measure_checks import checks_of, differing
from cultiva.review.measure_design import CONTROL, TREATED, Design, Kind, MetricDesign
from cultiva.review.measure_effects import effects_of, information
from cultiva.review.measure_groups import groups_of
from cultiva.review.measure_results import Arm, Check, CheckName, Estimand, Measured, Measurement, Standing
from cultiva.review.measure_tails import Kurtoses, kurtoses

if TYPE_CHECKING:
    from cultiva.engine.port import Engine, Files

__all__ = [
    "CONTROL",
    "TREATED",
    "Arm",
    "Check",
    "CheckName",
    "Design",
    "Estimand",
    "Kind",
    "Measured",
    "Measurement",
    "MetricDesign",
    "Standing",
    "measure",
]


def measure(engine: Engine, files: Files, design: Design) -> Measurement:
    """Measures all strategies of an analysis table.

    Args:
        engine: Reads the table; one pass for all metrics and groups (and a look at the first rows before, and
            at the tails of doubtful covariates of a large table after).
        files: Folders of Parquet, see the module; none at all is an experiment without anybody.
        design: How to read it.

    Returns:
        Effects and checks; a case that cannot be measured is there with its reason. No rows give nothing.
    """
    if not files:
        return Measurement((), ())
    reading = prepare(engine, files, design)
    cells = passes(engine, reading, design)
    wholes = list(groups_of(cells[0], (), frozenset(design.clusters)))
    return _measured(cells, reading, design, kurtoses(engine, reading, wholes))


def _measured(cells: list[Cells], reading: Reading, design: Design, tails: Kurtoses) -> Measurement:
    effects: list[Measured] = []
    checks: list[Check] = []
    clustered = frozenset(design.clusters)
    passed: dict[str, float] = {}
    for one in cells:
        for dimension in one.dimensions:
            found = groups_of(one, dimension, clustered)
            for strategy, groups in groupby(found, key=lambda group: group.strategy):
                together = list(groups)
                if not dimension:
                    passed[strategy] = information(together[0], design)
                    checks += checks_of(together[0], reading, design, tails)
                measured = effects_of(together, reading, design, passed[strategy])
                effects += measured
                checks += differing(measured) if dimension else ()
    order = list(Estimand)
    effects.sort(key=lambda one: (one.strategy, order.index(one.estimand), one.dimension != ""))
    checks.sort(key=lambda one: one.strategy)
    return Measurement(tuple(effects), tuple(checks))
