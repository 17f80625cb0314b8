"""How heavy the tails of covariates are, as far as the check of balance needs to know.

The t distribution of that check has 2 n / (kurtosis - 1) degrees of freedom, so heavier tails only make p-values
larger. Where the normal kurtosis gives no reason for doubt, no other one alarms; in a large table the fourth powers are
read only for the covariates and strategies that are in doubt, and the others keep the p-value of the normal kurtosis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cultiva.review.measure_cells import Reading, pass_of_tails
from cultiva.review.measure_groups import Group, groups_of, kurtosis_of, pair_of
from cultiva.review.measure_variables import Variant, balanced
from cultiva.review.statistics.checks import NORMAL_KURTOSIS, balance

if TYPE_CHECKING:
    from cultiva.engine.port import Engine

DOUBT_BELOW = 0.05
"""P-value under the normal kurtosis from which on the kurtosis itself is looked at; far above that of an alarm."""
Kurtoses = Mapping[tuple[str, str], float]
"""By strategy and covariate; the normal one where none is given."""


def kurtoses(engine: Engine, reading: Reading, wholes: Sequence[Group]) -> Kurtoses:
    """Kurtosis of covariates over both arms: all of a small table, of a large one those that matter.

    Args:
        engine: Reads the table once more where there is doubt.
        reading: The table.
        wholes: Each strategy as a whole.
    """
    tested = balanced(reading.variants)
    if reading.tails:
        return {(whole.strategy, name): kurtosis_of(whole, one) for whole in wholes for name, one in tested.items()}
    doubted = [
        (whole.strategy, name)
        for whole in wholes
        for name, one in tested.items()
        if whole.by_cluster is None and _doubtful(whole, reading, one)
    ]
    if not doubted:
        return {}
    again = [tested[name] for name in sorted({name for _, name in doubted})]
    cells = pass_of_tails(engine, reading, again, {strategy for strategy, _ in doubted})
    read = {group.strategy: group for group in groups_of(cells, (), frozenset())}
    return {(strategy, name): kurtosis_of(read[strategy], tested[name]) for strategy, name in doubted}


def _doubtful(whole: Group, reading: Reading, variant: Variant) -> bool:
    place = variant.roles.covariate
    if place is None:
        return False
    p_value = balance(pair_of(whole, reading, variant), place, NORMAL_KURTOSIS).p_value
    return p_value is not None and p_value < DOUBT_BELOW
