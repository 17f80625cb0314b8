"""A play for people: its steps with what happens there, and what leads where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cultiva.console.words import told
from cultiva.execution.plays.graph import Graph, Kind, Node
from cultiva.loop.launch_story import StepNow
from cultiva.loop.report.play_picture import Arrow, Box, draw

KINDS: Mapping[Kind, str] = {
    Kind.SEND: "message",
    Kind.TASK: "task",
    Kind.GRANT: "benefit",
    Kind.HAND_OVER: "hand-over",
    Kind.WAIT: "wait",
    Kind.WAIT_DATE: "wait for a date",
    Kind.WAIT_FOR: "wait for an answer",
    Kind.BRANCH: "branch by rule",
    Kind.SPLIT: "split by lot",
    Kind.END: "end of the play",
}
"""What kinds of steps are called; the catalogue has the other language."""


def arrows(graph: Graph, language: str) -> tuple[Arrow, ...]:
    """Every way from step to step."""
    names = {node.number: node.name for node in graph.nodes}
    return tuple(
        Arrow(node.name, names[to], why) for node in graph.nodes for why, to in _ways(node, language) if to in names
    )


def _ways(node: Node, language: str) -> Iterator[tuple[str, int]]:
    yield from ((told(language, name), to) for name, to in node.on)
    yield from node.arms
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


def picture(graph: Graph, steps: Mapping[str, StepNow], language: str, names: Mapping[str, str]) -> str:
    """The play as SVG.

    Args:
        graph: The play.
        steps: Step -> what happens there; empty: nobody has ever been in it.
        language: zh or en.
        names: Labels of channels.
    """
    boxes = [_box(node, steps.get(node.name), language, names) for node in graph.nodes]
    start = next(node.name for node in graph.nodes if node.number == graph.start)
    return draw(start, boxes, arrows(graph, language))


def _box(node: Node, now: StepNow | None, language: str, names: Mapping[str, str]) -> Box:
    kind, channel = told(language, KINDS[node.kind]), names.get(node.channel, node.channel)
    numbers = () if now is None else numbers_of(now, language)
    pairs = (" · ".join(numbers[place : place + 2]) for place in range(0, len(numbers), 2))
    lines = (f"{kind} · {channel}" if channel else kind, *pairs)
    return Box(node.name, node.name, lines, busy=now is not None and now.waiting > 0)


def numbers_of(now: StepNow, language: str) -> tuple[str, ...]:
    """What happens at a step; nothing where nothing does."""
    told_numbers = (
        ("%(n)s here", now.waiting),
        ("%(n)s ended", sum(now.ended.values())),
        ("%(n)s sent", now.sent),
        ("%(n)s queued", now.queued),
        ("%(n)s failed", now.broken),
        ("%(n)s open", now.open),
        ("%(n)s done", now.done),
    )
    return tuple(told(language, text) % {"n": f"{count:,}"} for text, count in told_numbers if count)
