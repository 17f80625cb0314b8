"""The main job of a business date: deliveries become customers, profiles, groups, decisions, lists and a report."""

from __future__ import annotations

from datetime import date

from cultiva.loop.day import Day
from cultiva.loop.lifetimes import lifetime_steps
from cultiva.loop.live.nightly import live_steps
from cultiva.loop.modelling import model_steps
from cultiva.loop.parts import Parts
from cultiva.loop.pricing import price_steps
from cultiva.loop.steps import Plan, Step
from cultiva.loop.titles import STEPS


def daily_plan(parts: Parts, on: date) -> Plan:
    """The steps of a business date, in order."""
    day = Day(parts, on)
    return (
        Step("sources", STEPS["sources"], (), day.sources),
        Step("identity", STEPS["identity"], ("sources",), day.identity),
        Step("customer", STEPS["customer"], ("identity",), day.customer),
        Step("holding", STEPS["holding"], ("customer",), day.holding),
        *lifetime_steps(parts, on),
        Step("profile", STEPS["profile"], ("holding",), day.profile),
        Step("performance", STEPS["performance"], ("profile",), day.performance),
        Step("standing", STEPS["standing"], ("profile",), day.standing),
        Step("segments", STEPS["segments"], ("profile",), day.segments),
        Step("microsegments", STEPS["microsegments"], ("segments",), day.microsegments),
        Step("plan", STEPS["plan"], ("segments",), day.plan),
        *price_steps(parts, on),
        Step("exposure", STEPS["exposure"], ("plan",), day.exposure),
        Step("review", STEPS["review"], ("exposure",), day.review),
        *model_steps(parts, on),
        Step("lists", STEPS["lists"], ("plan",), day.lists),
        *live_steps(parts, on),
        Step("report", STEPS["report"], (*EARLIER,), day.report),
    )


EARLIER = ("sources", "identity", "holding", "plan", "review", "lists")
"""Steps whose findings the report tells."""
