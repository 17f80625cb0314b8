"""Versions of plays in the store, and moving people from one to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, select, update

from cultiva.execution.plays.expressions import by_zone
from cultiva.execution.plays.graph import Graph
from cultiva.execution.plays.timing import Moment
from cultiva.execution.tables import JOURNEY, PLAY_VERSION
from cultiva.store.database import put

J, V = JOURNEY.c, PLAY_VERSION.c


def keep(connection: Connection, launch_id: str, graph: Graph, zones: Iterable[str], at: datetime) -> None:
    """Keeps a version, and the time zones of those who enter it beside those known."""
    asked = select(V.zones, V.at).where(V.launch_id == launch_id, V.version == graph.version).with_for_update()
    found = connection.execute(asked).one_or_none()
    known = set(found.zones) if found else set()
    if found and known >= set(zones):
        return
    row = {"launch_id": launch_id, "version": graph.version, "graph": graph.to_json()}
    put(connection, PLAY_VERSION, {**row, "zones": sorted(known | set(zones)), "at": found.at if found else at})


def versions(connection: Connection, launch_id: str) -> list[tuple[Graph, tuple[str, ...]]]:
    """Versions that people of a launch are or were in, oldest first, with their time zones."""
    asked = select(PLAY_VERSION).where(V.launch_id == launch_id).order_by(V.at, V.version)
    return [(Graph.from_json(row.graph), tuple(row.zones)) for row in connection.execute(asked)]


def in_flight(connection: Connection, launch_id: str) -> list[tuple[str, int, int]]:
    """Version, number of the step and people who are there now."""
    asked = select(J.version, J.step, func.count().label("people"))
    asked = asked.where(J.launch_id == launch_id, J.state == "active").group_by(J.version, J.step)
    return sorted((row.version, row.step, row.people) for row in connection.execute(asked))


def transfer(
    connection: Connection,
    launch_id: str,
    part: int,
    *,
    source: str,
    target: str,
    steps: Mapping[int, tuple[int, Moment | None]],
) -> int:
    """Moves people of a part to another version, in one statement; a moment is when they are due anew."""
    who = and_(J.launch_id == launch_id, J.state == "active", J.part == part, J.version == source)
    who = and_(who, J.step.in_(sorted(steps)))
    number = case(*[(J.step == old, literal(new)) for old, (new, _) in steps.items()])
    anew: Sequence[tuple[ColumnElement[bool], Any]] = [
        (J.step == old, by_zone(moment, J.zone)) for old, (_, moment) in steps.items() if moment is not None
    ]
    values: dict[str, Any] = {"version": target, "step": number}
    if anew:
        values["due"] = case(*anew, else_=J.due)
    return connection.execute(update(JOURNEY).where(who).values(values)).rowcount
