"""Openings: where a strategy stands with each member of its audience, as sets of proposals that are still open.

One row per customer and strategy. A set of proposals is a whole number with a bit for each (`proposals.Proposal.bit`);
what an offer or a channel says about it is one mask, so that all strategies are judged by the same few columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from cultiva.contracts.decision import holdout_draw
from cultiva.definitions.review import RankBy
from cultiva.definitions.strategies import Strategy
from cultiva.engine.draws import ibis_draw, ibis_unit, ibis_unit_draw
from cultiva.strategy.proposals import PREFIX, Book, mask_of
from cultiva.strategy.ranking import MORE, RESPONSE, WORTH

if TYPE_CHECKING:
    import ibis

TIERS = ("eligible", "applicable", "suitable", "permitted", "free")
"""The tiers a proposal has to pass, one after another; each is a column of `openings` with those that pass it alone."""


def openings(
    desk: ibis.Table, strategies_table: ibis.Table, book: Book, *, shares: Mapping[str, Mapping[str, float]], on: date
) -> ibis.Table:
    """Every member of every audience, with the proposals that pass each tier, and what decides its rank.

    Args:
        desk: From `assessed`.
        strategies_table: From `Book.strategies_table`.
        book: The proposals.
        shares: Strategy -> shares in which its offers are drawn; the others draw none.
        on: Business date.

    Returns:
        customer_id, strategy, branch_id, adviser_id, ranked_by, suppression, touches_used, draw_global; `may`; `TIERS`;
        `offered` (proposals of the drawn offer, all where nothing is drawn) and `share`; `rules`, `worth`, `response`,
        `mean_cost` (of one exposure so far), `chance` and `explores` (draws in [0, 1)); `explored` (share on whom the
        strategy is tried), `reach` (share that it goes to), `contacts` (per exposure so far), `more` (the
        written rank over what is hoped for); `own_draw`, `own_holdout`; per lever `lever_`.
    """
    import ibis

    audience = desk.cross_join(strategies_table)
    audience = audience.filter(_of(audience, "in_", book.strategies))
    rules = _of(audience, "rules_", book.strategies)
    strategy, customer = audience[f"{PREFIX}strategy"], audience.customer_id
    chosen = _drawn(audience, shares, book.strategies)
    return audience.select(
        "customer_id", "branch_id", "adviser_id", "ranked_by", "suppression", "touches_used", "draw_global",
        *[f"lever_{lever.name}" for lever in book.levers], *[f"quote_share_{name}" for name in book.workspace.products],
        strategy=strategy,
        may=_of(audience, "may_", book.strategies),
        **_tiers(audience, book),
        offered=chosen.mask,
        share=chosen.share,
        rules=rules,
        worth=_learnt(audience, WORTH, book.strategies).fill_null(audience[f"{PREFIX}worth"]).fill_null(rules),
        response=_learnt(audience, RESPONSE, book.strategies).fill_null(audience[f"{PREFIX}response"]),
        measured=_learnt(audience, WORTH, book.strategies).fill_null(audience[f"{PREFIX}worth"]).notnull(),
        mean_cost=audience[f"{PREFIX}mean_cost"],
        chance=ibis_draw(ibis.literal("random:") + strategy + ibis.literal(f":{on.isoformat()}"), customer),
        explores=ibis_draw(ibis.literal("explore:") + strategy + ibis.literal(f":{on:%Y-%m}"), customer),
        explored=audience[f"{PREFIX}explored"],
        reach=audience[f"{PREFIX}reach"],
        contacts=audience[f"{PREFIX}contacts"],
        more=(rules / audience[f"{PREFIX}hoped"]).fill_null(1.0).clip(*MORE),
        own_draw=_own_draw(audience, book.strategies),
        own_holdout=audience[f"{PREFIX}holdout"],
    )  # fmt: skip


def _of(table: ibis.Table, prefix: str, strategies: Sequence[Strategy]) -> ibis.Value:
    """The column that belongs to the row's strategy."""
    import ibis

    mine = table[f"{PREFIX}strategy"]
    return ibis.cases(*[(mine == one.name, table[f"{prefix}{one.name}"]) for one in strategies])


def _learnt(table: ibis.Table, what: str, strategies: Sequence[Strategy]) -> ibis.Value:
    """What was learnt of the customer's cell; null where nothing was."""
    import ibis

    known = [one for one in strategies if f"{what}_{one.name}" in table.columns]
    return _of(table, f"{what}_", known) if known else ibis.null("float64")


def _tiers(table: ibis.Table, book: Book) -> dict[str, ibis.Value]:
    """The proposals that pass each tier by itself, as bits."""
    service, untouched = table[f"{PREFIX}mask_service"], table[f"{PREFIX}mask_untouched"]
    by_offer = [
        _sum_of_masks(table, "offer", {name: table[f"{what}_{name}"] for name in book.offers}) for what in TIERS[:3]
    ]
    consent = _sum_of_masks(table, "channel", {name: table[f"permitted_{name}"] for name in book.channels})
    permitted = table[f"{PREFIX}mask_carried"] & (consent | service)
    by_channel = _sum_of_masks(table, "channel", {name: table[f"room_{name}"] for name in book.channels})
    free = (by_channel & _room_of_offers(table, book)) | untouched
    return dict(zip(TIERS, (*by_offer, permitted, free), strict=True))


def _room_of_offers(table: ibis.Table, book: Book) -> ibis.Value:
    import ibis

    always = ibis.literal(True)
    names = {name: f"room_offer_{name}" for name in book.offers}
    return _sum_of_masks(
        table, "offer", {name: table[col] if col in table.columns else always for name, col in names.items()}
    )


def _sum_of_masks(table: ibis.Table, kind: str, conditions: Mapping[str, ibis.Value]) -> ibis.Value:
    """Bits of the proposals whose offer, or channel, has its condition true; masks of one kind do not overlap."""
    parts = [when.cast("int64") * table[f"{PREFIX}mask_{kind}_{name}"] for name, when in conditions.items()]
    return reduce(add, parts)


@dataclass(frozen=True)
class _Drawn:
    """The offer that is drawn, as a mask, and the share in which it was."""

    mask: ibis.Value
    share: ibis.Value


def _drawn(table: ibis.Table, shares: Mapping[str, Mapping[str, float]], strategies: Sequence[Strategy]) -> _Drawn:
    """Draws one of the open offers in the shares of the strategy; everything stays where a strategy draws none."""
    import ibis

    mine, customer = table[f"{PREFIX}strategy"], table.customer_id
    by_effect = table.ranked_by == RankBy.EFFECT.value
    masks, parts = [], []
    for one in strategies:
        if one.name not in shares:
            continue
        lot, upto = ibis_draw(f"offer:{one.name}", customer), ibis.literal(0.0)
        weights = {name: ibis.ifelse(_open(table, name), shares[one.name].get(name, 0.0), 0.0) for name in one.offers}
        whole = reduce(add, weights.values())
        for name, weight in weights.items():
            upto = upto + weight
            hit = (mine == one.name) & by_effect & (weight > 0) & (lot * whole < upto)
            masks.append((hit, mask_of(one, name)))
            parts.append((hit, weight / whole))
    always = ibis.literal(1.0).cast("!float64")
    if not masks:
        return _Drawn(ibis.literal(-1, "int64"), always)
    return _Drawn(ibis.cases(*masks, else_=-1).cast("int64"), ibis.cases(*parts, else_=always))


def _open(table: ibis.Table, offer: str) -> ibis.Value:
    """Whether an offer passes the tiers that go by offer."""
    return table[f"eligible_{offer}"] & table[f"applicable_{offer}"] & table[f"suitable_{offer}"]


def _own_draw(table: ibis.Table, strategies: Sequence[Strategy]) -> ibis.Value:
    """The strategy's draw of the customer, or of the adviser or branch whom the customer belongs to."""
    import ibis

    salt = ibis.literal(holdout_draw("")) + table[f"{PREFIX}strategy"]
    alone = ibis_draw(salt, table.customer_id)
    by = {one.holdout_by for one in strategies} - {"customer"}
    units = {"adviser": table.adviser_id, "branch": table.branch_id}
    whole = [
        (table[f"{PREFIX}holdout_by"] == kind, ibis_unit_draw(salt, ibis_unit(kind, units[kind], table.customer_id)))
        for kind in sorted(by)
    ]
    return ibis.cases(*whole, else_=alone) if whole else alone
