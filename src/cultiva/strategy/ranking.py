"""Ranking: by which number a candidate competes, and whether it is worth a touch at all.

Each customer belongs to one slice of the standing health experiments (`review.health`), or to the rest, which is
ranked by `review.rank_by`. What review has learnt comes as a small table and is joined by the customer's cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, Any

from cultiva.contracts.decision import HEALTH_SLICES
from cultiva.definitions.review import RankBy, Review
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.draws import ibis_slices
from cultiva.engine.port import Engine, Files

if TYPE_CHECKING:
    import ibis

CELL = "learning_cell"
"""Column of the desk: the values of the review's groups, joined."""
SEPARATOR = "|"
"""Between the values of a cell."""
EVERYWHERE = ""
"""The cell, or the offer, that stands for all."""
WORTH, RESPONSE = "worth", "response"


@dataclass(frozen=True)
class Learnt:
    """What review has learnt, by strategy and cell."""

    cells: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    """(strategy, cell) -> worth of one exposure in money after cost, response of those touched; cell '' is all."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """Strategy -> what one exposure has cost, in money."""
    shares: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """(strategy, offer) -> share in which the strategy's offers are drawn."""

    def everywhere(self, strategy: str) -> tuple[float, float] | None:
        """Worth and response of a strategy over all cells; None if nothing has been learnt."""
        return self.cells.get((strategy, EVERYWHERE))


def read_learnt(engine: Engine, files: Files) -> Learnt:
    """What the last review left for the plan; nothing before the first review.

    Args:
        engine: Reads it.
        files: The lake table `learnt`: strategy, offer, cell, effect, cost, response, share.
    """
    if not files:
        return Learnt()
    rows = engine.fetch(engine.scan(files)).to_pylist()
    overall = [row for row in rows if row["offer"] == EVERYWHERE and row["effect"] is not None]
    return Learnt(
        cells={
            (row["strategy"], row["cell"]): (row["effect"] - (row["cost"] or 0.0), row["response"] or 0.0)
            for row in overall
        },
        costs={row["strategy"]: row["cost"] or 0.0 for row in overall if row["cell"] == EVERYWHERE},
        shares={
            (row["strategy"], row["offer"]): row["share"]
            for row in rows
            if row["offer"] != EVERYWHERE and row["cell"] == EVERYWHERE and row["share"] is not None
        },
    )


def with_learnt(desk: ibis.Table, learnt: Learnt, review: Review, engine: Engine) -> ibis.Table:
    """The desk with `worth_<strategy>` and `response_<strategy>` of the customer's cell, where they are known."""
    names = sorted({strategy for strategy, cell in learnt.cells if cell != EVERYWHERE})
    if not names:
        return desk
    known = sorted({cell for _, cell in learnt.cells if cell != EVERYWHERE})
    cells = engine.load(_wide(learnt, names, known))
    joined = desk.mutate(**{CELL: cell_of(desk, review)}).left_join(cells, CELL)
    return joined.drop(f"{CELL}_right")


def cell_of(table: ibis.Table, review: Review) -> ibis.Value:
    """The values of the review's groups, joined; a missing value is empty."""
    import ibis

    texts = [table[name].cast("string").fill_null(ibis.literal("")) for name in review.groups]
    return reduce(lambda left, right: left + ibis.literal(SEPARATOR) + right, texts) if texts else ibis.literal("")


def _wide(learnt: Learnt, strategies: Sequence[str], cells: Sequence[str]) -> Any:
    import pyarrow as pa

    columns: dict[str, Any] = {CELL: pa.array(cells, pa.string())}
    for name in strategies:
        found = [learnt.cells.get((name, cell)) for cell in cells]
        for position, what in enumerate((WORTH, RESPONSE)):
            columns[f"{what}_{name}"] = pa.array([one and one[position] for one in found], pa.float64())
    return pa.table(columns)


def ranked_by(desk: ibis.Table, review: Review) -> ibis.Value:
    """The slice of every customer, as the name of a `RankBy`."""
    return ibis_slices(HEALTH_SLICES, desk.customer_id, review.health.slices, review.rank_by.value)


@dataclass(frozen=True)
class Ranking:
    """Ranks the candidates of a day."""

    workspace: Workspace
    learnt: Learnt
    on: date

    def in_use(self) -> frozenset[RankBy]:
        """The ways of ranking that some slice of the customers has."""
        review = self.workspace.review
        return frozenset({review.rank_by, *(by for by, _ in review.health.slices)})

    def offer_shares(self, strategy: Strategy) -> Mapping[str, float] | None:
        """In which shares the strategy's offers are drawn; None: the first that is open is taken.

        Before anything is learnt the first offer has what exploration leaves, the others share the rest.
        """
        names, floor = strategy.offers, self.workspace.review.exploration
        if RankBy.EFFECT not in self.in_use() or len(names) == 1 or floor <= 0:
            return None
        cold = {name: floor / len(names) + (1 - floor) * (name == names[0]) for name in names}
        return {name: self.learnt.shares.get((strategy.name, name), cold[name]) for name in names}
