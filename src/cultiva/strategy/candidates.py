"""Candidates: what each strategy could propose to whom over which channel today, or the first reason against it.

Nothing here looks at another candidate, and no rule is evaluated any more. Where single proposals are scored, every
open one is a candidate; elsewhere the first open one, in the strategy's order, stands for the strategy.
"""

from __future__ import annotations

from functools import reduce
from operator import add, mul
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate, holdout_draw, ramp_draw
from cultiva.definitions.review import RankBy
from cultiva.engine.draws import ibis_draw
from cultiva.strategy.openings import TIERS
from cultiva.strategy.proposals import PREFIX, Book

if TYPE_CHECKING:
    import ibis

DECIDED = (
    "customer_id",
    "strategy",
    "offer",
    "channel",
    "rank_value",
    "effect",
    "cost",
    "worth",
    "worth_by",
    "fate",
    "decided_by",
    "decided_value",
    "branch_id",
    "adviser_id",
    "ranked_by",
    "assigned_share",
    "exposed",
)
"""Columns of the lake table `decisions`, beside its date."""
GLOBAL = "global"
"""Stands for the global holdout in `held_by`."""
REASONS = (Fate.NOT_ELIGIBLE, Fate.NOT_APPLICABLE, Fate.UNSUITABLE, Fate.NO_CONSENT, Fate.CAPPED)
"""Why nothing is open where a tier leaves no proposal; in the order of `openings.TIERS`."""
PROPENSITY_OF_PRIOR = 1e6
"""Where nobody's response is known, propensity goes by the prior, below everything that is known."""


def candidates(openings: ibis.Table, proposals_table: ibis.Table, book: Book, *, scored: frozenset[str]) -> ibis.Table:
    """One row per candidate: what it is worth, whether a holdout has it, and the first reason against it.

    Args:
        openings: From `openings`.
        proposals_table: From `Book.proposals_table`.
        book: The proposals.
        scored: Strategies of which every open proposal is a candidate, where effects rank; their worth follows.

    Returns:
        `DECIDED` without exposed; response, contact_cost, offer_cost; effect_se where sales speak for the effect;
        `factor` and `extra` of the levers that work;
        `explores` and `scored` (booleans), `explored` (share of those who explore), `chance` (a draw), `quote_share`,
        `contacts` (touches that a model's effect stands for); held, held_by, held_value; `odds` with which an explorer
        is drawn the row: where touches are weighed one by one, in inverse proportion to one unit of money more than the
        contact costs, so that a try that costs 6 is made a seventh as often as one for nothing. Fate is chosen where
        nothing stands in the way, holdouts and other candidates not looked at.
    """
    import ibis

    table = openings.mutate(
        by_effect=openings.ranked_by == RankBy.EFFECT.value,
        is_scored=openings.strategy.isin(sorted(scored)) if scored else ibis.literal(False),
        explores=openings.explores < openings.explored,
    )
    table = table.mutate(**_one_after_another(table))
    table = table.mutate(
        fate=_fate(table),
        rank_value=_rank(table),
        every=table.by_effect & table.is_scored,
        shown=ibis.cases(*[(table[tier] != 0, table[tier]) for tier in reversed(TIERS)], else_=1),
    )
    every = table.every & (table.fate == Fate.CHOSEN.value)
    table = table.mutate(taken=ibis.ifelse(every, table.free, _lowest(table.shown)))
    joined = table.join(
        proposals_table,
        [
            table.strategy == proposals_table[f"{PREFIX}of"],
            (table.taken & proposals_table[f"{PREFIX}bit"]) != 0,
        ],
    )
    return _told(joined, book)


def _one_after_another(table: ibis.Table) -> dict[str, ibis.Value]:
    """The proposals that pass each tier and all before it; from suitability on, only those of the drawn offer."""
    passed, found = table[TIERS[0]], {TIERS[0]: table[TIERS[0]]}
    for tier in TIERS[1:]:
        passed = passed & table[tier] if tier != "suitable" else passed & table[tier] & table.offered
        found[tier] = passed
    return found


def _fate(table: ibis.Table) -> ibis.Value:
    """The first reason that applies, in the order of `Fate`; chosen if none."""
    import ibis

    barred = [(~table.may, Fate.NOT_ELIGIBLE)] + [
        (table[tier] == 0, fate) for tier, fate in zip(TIERS, REASONS, strict=True)
    ]
    gains = ~table.by_effect | table.is_scored | (table.worth > 0) | table.explores
    reasons = [(table.suppression.notnull(), Fate.SUPPRESSED), *barred, (~gains, Fate.NO_GAIN)]
    return ibis.cases(*[(when, ibis.literal(fate.value)) for when, fate in reasons], else_=Fate.CHOSEN.value)


def _rank(table: ibis.Table) -> ibis.Value:
    """The number by which the row's slice ranks it; where effects rank, its worth before levers."""
    import ibis

    by = table.ranked_by
    return ibis.cases(
        (by == RankBy.EFFECT.value, table.worth),
        (by == RankBy.PROPENSITY.value, table.response.fill_null(table.rules / PROPENSITY_OF_PRIOR)),
        (by == RankBy.RANDOM.value, table.chance),
        else_=table.rules,
    )


def _lowest(bits: ibis.Value) -> ibis.Value:
    """The lowest bit that is set: the proposal that comes first."""
    import ibis

    return bits & (ibis.literal(0, "int64") - bits)


def _told(table: ibis.Table, book: Book) -> ibis.Table:
    """The columns of a candidate."""
    import ibis

    alive = table.fate == Fate.CHOSEN.value
    by_touch = table.touch_effect.notnull() & table.every
    own_cost = table.contact_cost + table.response.fill_null(0.0) * table.offer_cost
    touch_cost = table.contact_cost + table.touch_taken * table.offer_cost
    cost = ibis.ifelse(by_touch, touch_cost, table.mean_cost.fill_null(own_cost))
    brings = ibis.ifelse(table.touch_known, table.touch_effect, table.touch_effect * table.more)
    doubt = ibis.ifelse(table.touch_known, table.touch_se, table.touch_se * table.more)
    worth = ibis.ifelse(by_touch, brings - touch_cost, table.worth)
    levers = [(table[f"lever_{one.name}"] & table[f"moves_{one.name}"], one) for one in book.levers]
    one, zero = ibis.literal(1.0).cast("!float64"), ibis.literal(0.0).cast("!float64")
    return table.select(
        "customer_id", "strategy", "offer",
        channel=ibis.ifelse(alive | (table.fate == Fate.NO_GAIN.value), table.channel, ibis.null("string")),
        rank_value=ibis.ifelse(by_touch, worth, table.rank_value),
        effect=worth + cost,
        effect_se=ibis.ifelse(by_touch, doubt, ibis.null("float64")),
        cost=cost,
        worth=worth,
        worth_by=ibis.ifelse(ibis.ifelse(by_touch, table.touch_known, table.measured), "learnt", "prior"),
        response=ibis.ifelse(by_touch, table.touch_taken, table.response.fill_null(0.0)),
        contact_cost=table.contact_cost,
        offer_cost=table.offer_cost,
        fate=table.fate,
        **_decided(table),
        branch_id=table.branch_id,
        adviser_id=table.adviser_id,
        ranked_by=table.ranked_by,
        assigned_share=(table.share * _quote_share(table, book)).cast("!float64"),
        quote_share=_quote_share(table, book),
        explores=table.explores,
        explored=table.explored,
        contacts=ibis.ifelse(by_touch, table.contacts, one),
        odds=ibis.ifelse(by_touch, one / (one + table.contact_cost), one),
        scored=table.every,
        chance=table.chance,
        factor=reduce(mul, [ibis.ifelse(when, lever.factor, 1.0) for when, lever in levers], one).cast("!float64"),
        extra=reduce(add, [ibis.ifelse(when, lever.add, 0.0) for when, lever in levers], zero).cast("!float64"),
        **{f"lever_{lever.name}": when for when, lever in levers},
        **_held(table, book),
    )  # fmt: skip


def _quote_share(table: ibis.Table, book: Book) -> ibis.Value:
    """The chance with which the price of the offer was drawn; 1 for what has one price."""
    import ibis

    variants = {
        name: [offer for offer in book.offers if book.workspace.offers[offer].group == name]
        for name in book.workspace.products
    }
    cases = [(table.offer.isin(mine), table[f"quote_share_{name}"]) for name, mine in variants.items() if mine]
    always = ibis.literal(1.0).cast("!float64")
    return ibis.cases(*cases, else_=always).cast("!float64") if cases else always


def _decided(table: ibis.Table) -> dict[str, ibis.Value]:
    """decided_by and decided_value of the reasons that stand against single candidates."""
    import ibis

    fate = table.fate
    by_offer = [Fate.NOT_ELIGIBLE.value, Fate.NOT_APPLICABLE.value, Fate.UNSUITABLE.value]
    by_channel = [Fate.NO_CONSENT.value, Fate.CAPPED.value]
    return {
        "decided_by": ibis.cases(
            (fate == Fate.SUPPRESSED.value, table.suppression),
            (fate.isin(by_offer), table.offer),
            (fate.isin(by_channel), table.channel),
            else_=ibis.null("string"),
        ),
        "decided_value": ibis.cases(
            (fate == Fate.CAPPED.value, table.touches_used.cast("float64")),
            (fate == Fate.NO_GAIN.value, table.worth),
            else_=ibis.null("float64"),
        ),
    }


def _waiting(table: ibis.Table, book: Book) -> list[tuple[ibis.Value, Fate, ibis.Value, ibis.Value]]:
    """Where effects rank and touches begin on a ramp: who is not among the first waits, as if held out."""
    import ibis

    if book.workspace.review.ramp is None:
        return []
    by = ibis.literal(ramp_draw("")) + table.strategy
    draw = ibis_draw(by, table.customer_id)
    return [(table.by_effect & (draw >= table.reach), Fate.HELD_OUT, by, draw)]


def _held(table: ibis.Table, book: Book) -> dict[str, ibis.Value]:
    """Held (a fate or null), held_by and held_value: everyone's, the ramp's, the strategy's, the offer's."""
    import ibis

    holdouts = [
        (table.draw_global < book.workspace.policy.global_holdout, Fate.HELD_OUT_GLOBAL, ibis.literal(GLOBAL),
         table.draw_global),
        *_waiting(table, book),
        (table.own_draw < table.own_holdout, Fate.HELD_OUT, table.strategy, table.own_draw),
    ]  # fmt: skip
    if any(book.workspace.offers[name].holdout > 0 for name in book.offers):
        draw = ibis_draw(ibis.literal(holdout_draw("")) + table.experiment, table.customer_id)
        holdouts.append((draw < table.offer_holdout, Fate.HELD_OUT, table.experiment, draw))
    nobody, no_draw = ibis.null("string"), ibis.null("float64")
    return {
        "held": ibis.cases(*[(when, ibis.literal(fate.value)) for when, fate, _, _ in holdouts], else_=nobody),
        "held_by": ibis.cases(*[(when, by) for when, _, by, _ in holdouts], else_=nobody),
        "held_value": ibis.cases(*[(when, draw) for when, _, _, draw in holdouts], else_=no_draw),
    }
