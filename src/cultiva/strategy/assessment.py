"""Assessment: what every rule of the plan says about every customer, once, before strategies look at anyone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from cultiva.contracts.decision import GLOBAL_HOLDOUT
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.draws import ibis_draw
from cultiva.strategy.permission import HOME, counters
from cultiva.strategy.pricing.cells import Ladder, quoted
from cultiva.strategy.ranking import RESPONSE, WORTH, ranked_by
from cultiva.strategy.suitability import suitable

if TYPE_CHECKING:
    import ibis

Condition = Callable[[str, "ibis.Table"], "ibis.Value"]
"""Compiles the text of a rule and gives its Ibis form over a table."""


def assessed(
    desk: ibis.Table,
    strategies: Sequence[Strategy],
    workspace: Workspace,
    *,
    on: date,
    rule: Condition,
    ladders: Mapping[str, Ladder] | None = None,
) -> ibis.Table:
    """The desk with its rules answered and everything else left out.

    Args:
        desk: One row per customer, from `lay_out`.
        strategies: Those in the plan.
        workspace: Its workspace.
        on: Business date.
        rule: Compiles rule texts.
        ladders: Learnt prices by template (`pricing.cells.read_ladders`); without one the list price is quoted,
            but to those whose price is drawn.

    Returns:
        Per strategy `in_` (audience, stage and tier), `may_` (its own condition), `rules_` (its own rank), and what has
        been learnt of the customer's cell; per offer `eligible_`, `applicable_` and `suitable_`; per lever `lever_`;
        per template `quote_share_`, the chance with which its price was drawn;
        `suppression` (name or null), `draw_global`, `ranked_by`; permissions, room and counters.
        A null answer to a condition is no, to a suppression it is yes.
    """
    answers: dict[str, ibis.Value] = {
        "draw_global": ibis_draw(GLOBAL_HOLDOUT, desk.customer_id),
        "ranked_by": ranked_by(desk, workspace.review),
        "suppression": suppression(desk, workspace, rule),
        "branch_id": desk.party_branch_id,
        "adviser_id": desk.party_adviser_id,
    }
    for strategy in strategies:
        answers[f"in_{strategy.name}"] = _audience(desk, strategy, rule)
        answers[f"may_{strategy.name}"] = _yes(rule(strategy.eligible, desk))
        answers[f"rules_{strategy.name}"] = rule(strategy.rank, desk).cast("float64")
    quotes = {name: quoted(desk, one, (ladders or {}).get(name, {})) for name, one in workspace.products.items()}
    answers |= {f"quote_share_{name}": one.share.cast("!float64") for name, one in quotes.items()}
    for name in sorted({name for strategy in strategies for name in strategy.offers}):
        offer = workspace.offers[name]
        answers[f"eligible_{name}"] = _yes(rule(offer.eligible, desk))
        if offer.group in quotes:  # of one thing at several prices the customer may have the one that is quoted
            answers[f"eligible_{name}"] &= quotes[offer.group].offer == name
        answers[f"applicable_{name}"] = _yes(rule(offer.applicable, desk))
        answers[f"suitable_{name}"] = suitable(desk, offer, workspace.policy, on)
    for lever in workspace.arbitration.levers:
        if lever.active:
            answers[f"lever_{lever.name}"] = _yes(rule(lever.when, desk))
    return desk.select("customer_id", "touches_used", *_kept(desk, workspace, strategies), **answers)


def _audience(desk: ibis.Table, strategy: Strategy, rule: Condition) -> ibis.Value:
    audience = [_yes(rule(strategy.audience, desk))]
    if strategy.stages:
        audience.append(_yes(desk.stage.isin(strategy.stages)))
    if strategy.tiers:
        audience.append(_yes(desk.value_tier.isin(strategy.tiers)))
    return reduce(and_, audience)


def _yes(answer: ibis.Value) -> ibis.Value:
    import ibis

    return answer.fill_null(ibis.literal(False))


def suppression(desk: ibis.Table, workspace: Workspace, rule: Condition) -> ibis.Value:
    """Name of the first suppression that applies or cannot be ruled out; null if none."""
    import ibis

    named = [
        (rule(suppression.rule, desk).fill_null(ibis.literal(True)), ibis.literal(suppression.name))
        for suppression in workspace.policy.suppressions
    ]
    return ibis.cases(*named, else_=ibis.null("string")) if named else ibis.null("string")


def _kept(desk: ibis.Table, workspace: Workspace, strategies: Sequence[Strategy]) -> Iterator[str]:
    """Columns that others have laid out: counters, permissions, room, and what has been learnt of the cell."""
    counted = {counter.column for counter in counters(workspace)}
    learnt = {f"{what}_{one.name}" for one in strategies for what in (WORTH, RESPONSE)}
    return (
        name for name in desk.columns if name in counted | learnt | {HOME} or name.startswith(("permitted_", "room_"))
    )
