"""Who was chosen enters the play of a live launch, each business date once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.execution.launching.launches import Launch
from cultiva.execution.outgoing.service import Outgoing
from cultiva.execution.plays.graph import Graph
from cultiva.execution.plays.service import Plays
from cultiva.execution.plays.world import Enrolment, Running
from cultiva.execution.recipients.service import Recipients
from cultiva.loop.parts import Parts
from cultiva.loop.recipients import refresh
from cultiva.loop.shows import scan

PEOPLE_AT_A_TIME = 50_000
"""Customers whose addresses are fetched at once."""


def running(launch: Launch) -> Running:
    """A launch as plays see it."""
    return Running(launch.launch_id, Graph.from_json(launch.body["play"]))


def dates_due(parts: Parts, launch: Launch) -> list[date]:
    """Business dates whose chosen customers belong into a launch: of its plan, or the newest one since."""
    if launch.enrols == "once":
        return [launch.business_date]
    newest = parts.store.snapshots.latest("decisions", None)
    return [newest.business_date] if newest and newest.business_date >= launch.business_date else []


def enrol(parts: Parts, plays: Plays, launch: Launch, play: Running, *, on: date, at: datetime) -> int:
    """Lets the customers whom the plan of a date has chosen for a launch's strategy enter its play.

    Args:
        parts: Of the workspace.
        plays: Takes them.
        launch: Which.
        play: What they enter.
        on: Business date of the plan.
        at: Now.

    Returns:
        How many entered now; 0 where all had before.
    """
    outgoing = Outgoing(parts.store.database)
    begun, done = outgoing.begin_enrolment(launch.launch_id, on, at)
    if done:
        return 0
    entered = 0
    for some in _chosen(parts, launch.strategy, on).iter_slices(PEOPLE_AT_A_TIME):
        refresh(parts, some["customer_id"].to_list(), on)
        entered += plays.enrol(play, list(_enrolments(parts, some)), begun)
    outgoing.end_enrolment(launch.launch_id, on, entered)
    return entered


def _chosen(parts: Parts, strategy: str, on: date) -> pl.DataFrame:
    decisions = scan(parts.lake.files_current("decisions", on))
    mine = decisions.filter((pl.col("fate") == Fate.CHOSEN.value) & (pl.col("strategy") == strategy))
    return mine.select("customer_id", "channel", "offer", pl.col("worth").fill_null(0.0)).sort("customer_id").collect()


def _enrolments(parts: Parts, some: pl.DataFrame) -> Iterator[Enrolment]:
    """Those of whom the store knows where to reach them; nobody else can be touched."""
    people = Recipients(parts.store.database).of(some["customer_id"].to_list())
    for customer_id, channel, offer, worth in some.iter_rows():
        if customer_id in people:
            yield Enrolment(customer_id, people[customer_id].zone, channel, offer, worth)
