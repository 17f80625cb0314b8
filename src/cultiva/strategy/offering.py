"""Offering: which of a strategy's offers a customer is proposed: the first open one, a drawn one, or the best foreseen.

An offer is open to a customer who is eligible for it and whom it suits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, or_
from typing import TYPE_CHECKING

from cultiva.definitions.offers import OfferKind
from cultiva.definitions.review import RankBy
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.ranking import BEST_OFFER, Ranking

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Offering:
    """The chosen offer; if none is open the first eligible, else the first of all."""

    name: ibis.Value
    share: ibis.Value
    """Probability with which it was drawn."""
    any_eligible: ibis.Value
    any_suitable: ibis.Value
    is_service: ibis.Value


def offering(table: ibis.Table, strategy: Strategy, workspace: Workspace) -> Offering:
    """What a strategy offers each customer.

    Args:
        table: The desk; has `offer_` and `share_` of the strategy where they were drawn or foreseen.
        strategy: The strategy.
        workspace: Has the offers.
    """
    import ibis

    drawn, names = f"offer_{strategy.name}" in table.columns, strategy.offers
    chosen = table[f"offer_{strategy.name}"] if drawn else _first(table, names)
    share = table[f"share_{strategy.name}"] if drawn else _always()
    service = [name for name in names if workspace.offers[name].kind is OfferKind.SERVICE]
    return Offering(
        name=chosen,
        share=share.cast("!float64"),
        any_eligible=reduce(or_, [table[f"eligible_{name}"] for name in names]),
        any_suitable=reduce(or_, _open(table, names).values()),
        is_service=chosen.isin(service) if service else ibis.literal(False),
    )


def drawn_offers(desk: ibis.Table, strategies: Sequence[Strategy], ranking: Ranking) -> dict[str, ibis.Value]:
    """`offer_` and `share_` of every strategy whose offers are drawn, or of which the best is foreseen.

    They are laid out before candidates read them: SQL would repeat the draw in every place where the offer matters.
    """
    columns: dict[str, ibis.Value] = {}
    for one in strategies:
        shares = ranking.offer_shares(one)
        if shares is not None or f"{BEST_OFFER}_{one.name}" in desk.columns:
            columns |= _chosen(desk, one, shares)
    return columns


def _chosen(desk: ibis.Table, strategy: Strategy, shares: Mapping[str, float] | None) -> dict[str, ibis.Value]:
    """The best foreseen if it is open, else the one drawn, else the first open; draws only where effects rank."""
    import ibis

    names, by_effect = strategy.offers, desk.ranked_by == RankBy.EFFECT.value
    open_to = _open(desk, names)
    chosen, share = [], []
    if f"{BEST_OFFER}_{strategy.name}" in desk.columns:
        best = desk[f"{BEST_OFFER}_{strategy.name}"]
        is_open = by_effect & reduce(or_, [open_ & (best == name) for name, open_ in open_to.items()])
        chosen.append((is_open, best))
        share.append((is_open, _always()))
    if shares is not None:
        drawn = _drawn(desk[f"draw_offer_{strategy.name}"], open_to, shares)
        chosen += [(by_effect & hit, ibis.literal(name)) for name, hit, _ in drawn]
        share += [(by_effect & hit, weight) for _, hit, weight in drawn]
    return {
        f"offer_{strategy.name}": ibis.cases(*chosen, else_=_first(desk, names)),
        f"share_{strategy.name}": ibis.cases(*share, else_=_always()),
    }


def _open(table: ibis.Table, names: Sequence[str]) -> dict[str, ibis.Value]:
    return {name: table[f"eligible_{name}"] & table[f"suitable_{name}"] for name in names}


def _first(table: ibis.Table, names: Sequence[str]) -> ibis.Value:
    """The first open offer, else the first eligible, else the first of all."""
    import ibis

    is_open = [(condition, ibis.literal(name)) for name, condition in _open(table, names).items()]
    eligible = [(table[f"eligible_{name}"], ibis.literal(name)) for name in names]
    return ibis.cases(*is_open, *eligible, else_=ibis.literal(names[0]))


def _always() -> ibis.Value:
    """The whole share, as a double: DuckDB takes 1.0 for a decimal, and Ibis would drop a plain cast."""
    import ibis

    return ibis.literal(1.0).cast("!float64")


def _drawn(
    draw: ibis.Value, open_to: Mapping[str, ibis.Value], shares: Mapping[str, float]
) -> list[tuple[str, ibis.Value, ibis.Value]]:
    """Per offer: whether the draw falls on it or on one before it, and its share among the open ones.

    The first that is hit is the one drawn; none is where none is open.
    """
    import ibis

    weights = {name: ibis.ifelse(is_open, shares[name], 0.0) for name, is_open in open_to.items()}
    whole = reduce(add, weights.values())
    upto, found = ibis.literal(0.0), []
    for name, weight in weights.items():
        upto = upto + weight
        found.append((name, (weight > 0) & (draw * whole < upto), weight / whole))
    return found
