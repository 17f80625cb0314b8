"""Ranking: by which number a candidate competes, and whether it is worth a touch at all.

Each customer belongs to one slice of the standing health experiments (`review.health`), or to the rest, which is
ranked by `review.rank_by`. What review has learnt comes as a small table and is joined by the customer's cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
MORE = (0.25, 4.0)
"""How much less and more than is hoped for a customer may bring, going by the strategy's own rank."""
OPEN, PROVEN, ENDED = "open", "proven", "ended"
"""Where a strategy or an offer stands: without evidence, with evidence that it pays, or that it does not."""


@dataclass(frozen=True)
class Touch:
    """What one touch with an offer brings."""

    effect: float | None
    """Money before cost; None: nothing is known of single touches."""
    taken: float
    """Chance that the offer is taken up."""
    stage: str
    """`OPEN`, `PROVEN` or `ENDED`."""
    se: float | None = None
    """Standard error of the effect; None where only definitions speak."""


@dataclass(frozen=True)
class Learnt:
    """What review has learnt, by strategy and cell."""

    cells: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    """(strategy, cell) -> worth of one exposure in money after cost, response of those touched; cell '' is all."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """Strategy -> what one exposure has cost, in money."""
    shares: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """(strategy, offer) -> share in which the strategy's offers are drawn."""

    stages: Mapping[str, str] = field(default_factory=dict)
    """Strategy -> where it stands: `OPEN`, `PROVEN` or `ENDED`; empty where the bank wants no ramp."""
    touches: Mapping[tuple[str, str], Touch] = field(default_factory=dict)
    """(strategy, offer) -> what one touch brings."""
    contacts: Mapping[str, float] = field(default_factory=dict)
    """Strategy -> contacts per customer it was open to."""
    reach: Mapping[str, float] = field(default_factory=dict)
    """Strategy -> share of its customers that it goes to."""
    times: Mapping[str, float] = field(default_factory=dict)
    """Channel -> how many times as much as the average touch one over it brings."""

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
        **_of_touches(rows),
    )


def _of_touches(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is known of single touches; nothing where the bank wants no ramp."""
    known = [row for row in rows if row["cell"] == EVERYWHERE and row.get("stage")]
    whole = [row for row in known if row["offer"] == EVERYWHERE]
    return {
        "stages": {row["strategy"]: row["stage"] for row in whole},
        "contacts": {row["strategy"]: row["contacts"] for row in whole},
        "reach": {row["strategy"]: row["reach"] for row in whole if row.get("reach") is not None},
        "times": {row["channel"]: row["times"] for row in rows if row.get("channel") and row["times"] is not None},
        "touches": {
            (row["strategy"], row["offer"]): Touch(
                row["per_touch"], row["taken_per_touch"], row["stage"], row.get("per_touch_se")
            )
            for row in known
            if row["offer"] != EVERYWHERE
        },
    }


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
    customers: int = 0
    """How many the bank has."""

    def in_use(self) -> frozenset[RankBy]:
        """The ways of ranking that some slice of the customers has."""
        review = self.workspace.review
        return frozenset({review.rank_by, *(by for by, _ in review.health.slices)})

    def reach(self, strategy: str) -> float:
        """Share of its customers that a strategy goes to: a part, until its touches are known to sell."""
        ramp = self.workspace.review.ramp
        return 1.0 if ramp is None else self.learnt.reach.get(strategy, ramp.begins_with(self.customers))

    def explored(self, strategy: str) -> float:
        """Share of the customers it goes to on whom a strategy is tried whatever it seems to bring."""
        review = self.workspace.review
        over = review.ramp is not None and self.learnt.stages.get(strategy) == ENDED
        return review.exploration * (review.ramp.ended_share if over and review.ramp is not None else 1.0)

    def hoped(self, strategy: Strategy) -> float | None:
        """What definitions expect of the best offer: the scale of the rank; None where they expect nothing."""
        most = max(self.workspace.offers[name].prior_worth for name in strategy.offers)
        return most if most > 0 else None

    def touch(self, strategy: str, offer: str, channel: str) -> Touch:
        """What a touch brings: measured where there is evidence, else the trusted part of what definitions expect.

        What a product brings over one channel rather than another goes by how all products sell over it.
        """
        ramp, one = self.workspace.review.ramp, self.workspace.offers[offer]
        if ramp is None:
            return Touch(None, 0.0, OPEN)
        prior = Touch(ramp.trust.get(one.kind, 0.0) * one.prior_worth, 0.0, OPEN)
        found = self.learnt.touches.get((strategy, offer), prior)
        times = self.learnt.times.get(channel, 1.0) if one.category is not None else 1.0
        se = None if found.se is None else found.se * times
        return found if found.effect is None else replace(found, effect=found.effect * times, se=se)

    def anchors(self) -> dict[tuple[str, str], tuple[float, float]]:
        """(strategy, offer) -> effect of an exposure without a model, its standard error; where touches are weighed.

        An exposure stands for the contacts that customers of the strategy have had on average.
        """
        found = {}
        for strategy in self.workspace.strategies.values() if self.workspace.review.ramp is not None else ():
            contacts = self.learnt.contacts.get(strategy.name, 1.0)
            for offer in strategy.offers:
                one = self.touch(strategy.name, offer, EVERYWHERE)
                se = float("nan") if one.se is None else one.se * contacts
                found[strategy.name, offer] = (one.effect or 0.0) * contacts, se
        return found

    def offer_shares(self, strategy: Strategy) -> Mapping[str, float] | None:
        """In which shares the strategy's offers are drawn; None: the first that is open is taken.

        Before anything is learnt the first offer has what exploration leaves, the others share the rest.
        """
        names, floor = strategy.offers, self.workspace.review.exploration
        if RankBy.EFFECT not in self.in_use() or len(names) == 1 or floor <= 0:
            return None
        cold = {name: floor / len(names) + (1 - floor) * (name == names[0]) for name in names}
        return {name: self.learnt.shares.get((strategy.name, name), cold[name]) for name in names}
