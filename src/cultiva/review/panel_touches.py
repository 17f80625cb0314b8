"""What was done with customers while results count, what they took up after it, and what both cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cultiva.contracts.decision import offer_experiment
from cultiva.contracts.tables import CONTACT, OUTCOME
from cultiva.contracts.types import Column, DataType
from cultiva.engine.port import Engine
from cultiva.review.design import NOT_CARRIED_OUT, NOT_DONE, PROGRAMME, ReviewDesign
from cultiva.review.panel_inputs import KEY, PanelInputs, number

if TYPE_CHECKING:
    import ibis


HOLDING = (
    Column("customer_id", DataType.INTEGER),
    Column("category", DataType.TEXT),
    Column("opened_on", DataType.DATE),
)
"""Columns of the holdings that say what was bought."""


def touches_of(engine: Engine, inputs: PanelInputs, design: ReviewDesign, rows: ibis.Table) -> ibis.Table:
    """Per strategy and customer: contacts that took place, what all attempts cost, whether a person got through."""
    import ibis

    policy, names = design.workspace.policy, list(design.workspace.strategies)
    costs = [(one.name, one.unit_cost) for one in policy.channels]
    human = [one.name for one in policy.channels if one.kind == "human"]
    contact = engine.scan(inputs.contact, columns=CONTACT.columns)
    ids = engine.scan(inputs.identity_map).select("source_system", "source_id", "customer_id")
    held = contact.filter(contact.strategy.isin(names) & (contact.status.fill_null("") != NOT_DONE))
    keyed = held.inner_join(ids, ["source_system", "source_id"])
    touch = keyed.select(
        touched_id=keyed.customer_id,
        by=keyed.strategy,
        by_offer=ibis.literal(offer_experiment("")) + keyed.offer,
        day=keyed["at"].date(),
        unit_cost=ibis.cases(*[(keyed.channel == name, number(cost)) for name, cost in costs], else_=number(0.0)),
        took_place=keyed.status.fill_null("").notin(NOT_CARRIED_OUT),
        by_person=keyed.channel.isin(human) if human else ibis.literal(False),
    )
    asked = rows.select(*KEY, "after", "upto")
    joined = asked.inner_join(touch, asked.customer_id == touch.touched_id)
    mine = (joined.strategy == PROGRAMME) | (joined.strategy == joined.by) | (joined.strategy == joined.by_offer)
    counted = joined.filter(mine & (joined.day >= joined.after) & (joined.day <= joined.upto))
    return counted.group_by(list(KEY)).aggregate(
        touches=counted.count(where=counted.took_place),
        first_touch=counted.day.min(where=counted.took_place),
        touch_cost=counted.unit_cost.sum().cast("float64"),
        reached=(counted.by_person & counted.took_place).any(),
        until=counted.upto.max(),
    )


def takings_of(engine: Engine, inputs: PanelInputs, touches: ibis.Table) -> ibis.Table:
    """Per strategy and customer the outcomes from the first touch on: a product opened, a benefit used, a response."""
    outcome = engine.scan(inputs.outcome, columns=OUTCOME.columns)
    ids = engine.scan(inputs.identity_map).select("source_system", "source_id", "customer_id")
    keyed = outcome.inner_join(ids, ["source_system", "source_id"])
    outcomes = keyed.select(taker_id=keyed.customer_id, taken_on=keyed["at"].date())
    touched = touches.filter(touches.first_touch.notnull()).select(*KEY, "first_touch", "until")
    joined = touched.inner_join(outcomes, touched.customer_id == outcomes.taker_id)
    counted = joined.filter((joined.taken_on >= joined.first_touch) & (joined.taken_on <= joined.until))
    return counted.group_by(list(KEY)).aggregate(takings=counted.count())


def purchases_of(engine: Engine, inputs: PanelInputs, design: ReviewDesign, rows: ibis.Table) -> ibis.Table:
    """Per strategy and customer the accounts opened, while results count, of the category that the offer sells.

    It is asked of both sides alike: of those left alone by what they would have been offered.
    """
    import ibis

    held = engine.scan(inputs.holding, columns=HOLDING)
    accounts = held.select(holder_id=held.customer_id, sold=held.category, opened_on=held.opened_on)
    asked = rows.select(*KEY, "after", "upto", sells=_sells(rows.offer, design))
    asked = asked.filter(asked.sells.notnull())
    joined = asked.left_join(accounts, [
        asked.customer_id == accounts.holder_id, asked.sells == accounts.sold, accounts.opened_on > asked.after,
        accounts.opened_on <= asked.upto,
    ])  # fmt: skip
    counted = joined.group_by(list(KEY)).aggregate(purchases=joined.holder_id.count())
    return counted if inputs.holding else counted.filter(ibis.literal(False))


def _sells(offer: ibis.Value, design: ReviewDesign) -> ibis.Value:
    """The category that an offer sells; null where it sells none."""
    import ibis

    offers = design.workspace.offers.items()
    known = [(offer == name, ibis.literal(one.category)) for name, one in offers if one.category is not None]
    return ibis.cases(*known, else_=ibis.null("string")) if known else ibis.null("string")


def with_costs(rows: ibis.Table, design: ReviewDesign) -> ibis.Table:
    """Rows with y_touched, y_taken, and what touches and the offer itself cost; a programme's offers come later."""
    import ibis

    offers = design.workspace.offers.values()
    given = [(rows.offer == one.name, number(one.unit_cost)) for one in offers if one.unit_cost > 0]
    price = ibis.cases(*given, else_=number(0.0)) if given else number(0.0)
    touched = rows.touches.fill_null(0) > 0
    converted = rows.takings.fill_null(0) > 0
    return rows.mutate(
        reached=rows.reached.fill_null(ibis.literal(False)),
        touch_cost=rows.touch_cost.fill_null(number(0.0)),
        offer_cost=ibis.ifelse(touched & converted, price, number(0.0)),
        y_touched=touched.cast("int64").cast("float64"),
        y_bought=rows.purchases.cast("float64"),
        y_touches=rows.touches.fill_null(0).cast("float64"),
        y_taken=(touched & converted).cast("int64").cast("float64"),
    ).drop("after", "upto", "touches", "first_touch", "takings", "purchases")
