"""How many people each wave of a play can reach at most, and what that can cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cultiva.execution.plays.graph import WAVES, Graph, Kind, Node


@dataclass(frozen=True)
class Wave:
    """One step of a play that reaches people, or gives them something."""

    step: str
    kind: str
    """send, task or grant."""
    channel: str
    """Empty: as decided for each customer."""
    offer: str
    """Empty: as decided."""
    content: str
    """Named by the step; empty: what fits."""
    share: float
    """Of those who enter, at most so many come to it."""


def waves(graph: Graph) -> tuple[Wave, ...]:
    """The waves and grants of a play in the order of its steps."""
    shares = reached(graph)
    kinds = {*WAVES, Kind.GRANT}
    return tuple(
        Wave(node.name, node.kind.value, node.channel, node.offer, node.content, round(shares[node.number], 6))
        for node in graph.nodes
        if node.kind in kinds and shares[node.number] > 0
    )


def reached(graph: Graph) -> Sequence[float]:
    """Upper bound of the share of people who come to each step: a split parts them, nothing else is counted on.

    Somebody comes to a wave at most once per entry, so a share is at most 1 even where steps go round in a circle.
    """
    shares = [float(node.number == graph.start) for node in graph.nodes]
    for _ in graph.nodes:
        before = list(shares)
        for node in graph.nodes:
            into = sum(before[one.number] * _part(one, node.number) for one in graph.nodes)
            shares[node.number] = min(1.0, into + float(node.number == graph.start))
        if shares == before:
            break
    return shares


def _part(node: Node, to: int) -> float:
    """Share of those at a step who can go on to another."""
    if node.kind is not Kind.SPLIT:
        return float(to in node.after)
    lower, found = 0, 0
    for upper, step in node.ways:
        found += upper - lower if step == to else 0
        lower = upper
    return found / lower if lower else 0.0


def cost_of(found: Sequence[Wave], decided: float, customers: int, unit: Mapping[str, float]) -> float:
    """Money for contacts if everybody goes as far as they can.

    Args:
        found: The waves.
        decided: Money for one touch of every customer over the decided channel.
        customers: Who enter.
        unit: Channel -> money for one touch.
    """
    sent = [one for one in found if one.kind != Kind.GRANT]
    return sum(one.share * (unit.get(one.channel, 0.0) * customers if one.channel else decided) for one in sent)
