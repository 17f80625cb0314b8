"""Collecting: the facts of all customers' papers, from the tables of the night's plan, by statements over sets."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine
from cultiva.strategy.desk import PARTY_FACTS
from cultiva.strategy.service import PlanInputs, papers_of

FACTS, CONSENT, TOUCHES = "facts", "consent", "touches"
"""Folders."""


def collect(engine: Engine, inputs: PlanInputs, workspace: Workspace, folder: Path, *, since: date) -> None:
    """Writes what papers are made of: facts, words of consent, touches; each with customer_id.

    Args:
        engine: Where sets are computed.
        inputs: Of the night's plan.
        workspace: Its contact policy.
        folder: New folder, gets one folder each.
        since: Touches on this day or before are left out.
    """
    import ibis

    papers, policy = papers_of(engine, inputs, workspace), workspace.policy
    facts = papers.customer.select("customer_id", *PARTY_FACTS)
    known = papers.profile.select("customer_id").left_join(facts, "customer_id").drop("customer_id_right")
    home = papers.household.select("customer_id", "household_id")
    engine.write(known.left_join(home, "customer_id").drop("customer_id_right"), folder / FACTS)
    consent = papers.consent.filter(papers.consent.purpose == policy.consent.purpose)
    engine.write(consent.select("customer_id", "channel", "granted"), folder / CONSENT)
    touches = papers.touches.filter(papers.touches.touched_on > ibis.literal(since))
    engine.write(touches.select("customer_id", "touched_on", "channel", "offer"), folder / TOUCHES)
