"""A play as a picture: its steps as boxes with how many people are there, arrows with what leads where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cultiva.console import charts
from cultiva.console.words import told
from cultiva.execution.plays.graph import Graph, Kind, Node

WIDE, HIGH = 168, 58
"""Pixels of a box."""
COLUMN, ROW = 236, 96
"""From one box to the next."""
KINDS: Mapping[Kind, str] = {
    Kind.SEND: "message",
    Kind.TASK: "task",
    Kind.GRANT: "benefit",
    Kind.HAND_OVER: "hand-over",
    Kind.WAIT: "wait",
    Kind.WAIT_DATE: "wait until a date",
    Kind.WAIT_FOR: "wait for an answer",
    Kind.BRANCH: "branch",
    Kind.SPLIT: "split",
    Kind.END: "end",
}
"""What kinds of steps are called; the catalogue has the other language."""


@dataclass(frozen=True)
class Arrow:
    """What leads from one step to another."""

    begin: str
    end: str
    why: str
    """When: an answer, a rule, a share; empty: always."""


def arrows(graph: Graph, language: str) -> tuple[Arrow, ...]:
    """Every way from step to step."""
    names = {node.number: node.name for node in graph.nodes}
    return tuple(
        Arrow(node.name, names[to], why) for node in graph.nodes for why, to in _ways(node, language) if to in names
    )


def _ways(node: Node, language: str) -> Iterator[tuple[str, int]]:
    yield from ((name, to) for name, to in node.on)
    yield from ((rule, to) for rule, to in node.arms)
    before = 0
    whole = max((upper for upper, _ in node.ways), default=1)
    for upper, to in node.ways:
        yield f"{(upper - before) / whole:.0%}", to
        before = upper
    if node.next >= 0 and not node.ways:
        forked = {Kind.WAIT_FOR: told(language, "no answer"), Kind.BRANCH: told(language, "else")}
        yield forked.get(node.kind, ""), node.next
    if node.refused >= 0 and node.refused != node.next:
        yield told(language, "no room in the budget"), node.refused


def layers(graph: Graph) -> Mapping[int, int]:
    """Step -> its column: the longest way to it from the start; ways back do not count."""
    column = {node.number: 0 for node in graph.nodes}
    for node in sorted(graph.nodes, key=lambda one: one.number):
        for to in node.after:
            if to > node.number and to in column:
                column[to] = max(column[to], column[node.number] + 1)
    return column


def picture(graph: Graph, people: Mapping[str, str], language: str, names: Mapping[str, str]) -> charts.Option:
    """The play as a chart.

    Args:
        graph: The play.
        people: Step -> a line of numbers under its name.
        language: zh or en.
        names: Labels of channels.
    """
    column, row = layers(graph), dict[int, int]()
    nodes = []
    for node in sorted(graph.nodes, key=lambda one: (column[one.number], one.number)):
        place = row.setdefault(column[node.number], 0)
        row[column[node.number]] += 1
        text = "\n".join(one for one in (_title(node, language, names), people.get(node.name, "")) if one)
        nodes.append((node.name, text, float(column[node.number] * COLUMN), float(place * ROW)))
    edges = [(one.begin, one.end, one.why) for one in arrows(graph, language)]
    option = charts.graph(nodes, edges, symbol=(WIDE, HIGH))
    option["series"][0].update(left=100, right=100, top=40, bottom=40)
    return option


def height_class(graph: Graph) -> str:
    """How high the chart has to be: a class of console.css."""
    column = list(layers(graph).values())
    most = max((column.count(one) for one in set(column)), default=1)
    return "low" if most == 1 else "" if most == 2 else "high"


def _title(node: Node, language: str, names: Mapping[str, str]) -> str:
    kind = told(language, KINDS[node.kind])
    channel = names.get(node.channel, node.channel)
    return f"{node.name} · {kind}" + (f" ({channel})" if channel else "")
