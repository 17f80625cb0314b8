"""A compiled play: numbered steps that lead to each other by number, as a launch keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from functools import cached_property
from typing import Any

from cultiva.execution.plays.timing import Delay
from cultiva.kit.errors import CultivaError
from cultiva.kit.hashing import content_hash


class Kind(StrEnum):
    """Kinds of step."""

    SEND = "send"
    """A message, or a task where the decided channel is a person's."""
    TASK = "task"
    """A person does something."""
    GRANT = "grant"
    """A benefit is given."""
    HAND_OVER = "hand_over"
    """The customer gets another adviser."""
    WAIT = "wait"
    """Until a span is over or a weekday has come."""
    WAIT_DATE = "wait_date"
    """Until a date of the customer's."""
    WAIT_FOR = "wait_for"
    """Until an answer, or a span is over."""
    BRANCH = "branch"
    """By rules."""
    SPLIT = "split"
    """By a draw."""
    END = "end"
    """The play is over."""


WAVES = frozenset({Kind.SEND, Kind.TASK})
"""Kinds that use the contact budget, and after which answers count anew."""


@dataclass(frozen=True)
class Node:
    """One step; what is not of its kind is at its default."""

    number: int
    """Place in the order; where no time passes a step leads to a later one."""
    name: str
    kind: Kind
    next: int = -1
    """Step that follows; of a wait_for: where no answer comes; -1: none."""
    delay: Delay | None = None
    """Of a wait and a wait_for; of a task: until it should be done."""
    date_tag: str = ""
    """Of a wait until a date."""
    days_before: int = 0
    """Days before that date."""
    on: tuple[tuple[str, int], ...] = ()
    """Of a wait_for: outcome or event -> step."""
    arms: tuple[tuple[str, int], ...] = ()
    """Of a branch: rule -> step."""
    ways: tuple[tuple[int, int], ...] = ()
    """Of a split: upper end of the hashes, not included -> step."""
    factor: int = 0
    """Of a split's hash."""
    summand: int = 0
    """Of a split's hash."""
    channel: str = ""
    """Of a wave; empty: as decided."""
    offer: str = ""
    """Of a wave or grant; empty: as decided."""
    content: str = ""
    """Of a wave; empty: what fits."""
    patience_days: int = 0
    """Days on which a refused wave is tried again."""
    refused: int = -1
    """Step after a wave that was never granted."""
    task_kind: str = ""
    """Of a task and a hand-over."""
    role: str = ""
    """Whose queue it is."""
    reason: str = ""
    """Why it ended; of a hand-over: what is read."""

    @property
    def after(self) -> frozenset[int]:
        """Every step that may follow."""
        named = {to for _, to in (*self.on, *self.arms, *self.ways)}
        return frozenset({self.next, self.refused, *named} - {-1})


@dataclass(frozen=True)
class Graph:
    """A play as people go through it; equal graphs have equal versions."""

    strategy: str
    nodes: tuple[Node, ...]
    start: int
    exits: tuple[str, ...] = ()
    """Outcomes and events that end it."""
    exit_rules: tuple[tuple[str, str], ...] = ()
    """Reason -> rule that ends it."""
    reentry_days: int | None = None
    """Days after the end until somebody may come again; None: never."""
    people: tuple[tuple[str, str, str], ...] = ()
    """Channels that people serve, with the kind of task and the role that takes it."""
    personal: tuple[str, ...] = ("adviser",)
    """Roles whose tasks go to the customer's own adviser."""
    service: tuple[str, ...] = ()
    """Offers that are no marketing: no cap and no consent."""
    reason: str = ""
    """What an adviser reads."""

    @cached_property
    def version(self) -> str:
        """Content hash."""
        return content_hash(self.to_json())

    def node(self, name: str) -> Node | None:
        """The step of a name; None: there is none."""
        return next((node for node in self.nodes if node.name == name), None)

    @property
    def human_channels(self) -> frozenset[str]:
        """Channels that people serve."""
        return frozenset(channel for channel, _, _ in self.people)

    def to_json(self) -> dict[str, Any]:
        """As JSON-like data; what is at its default is left out."""
        own = {name: value for name, value in asdict(self).items() if name != "nodes"}
        return {**own, "nodes": [_lean(node) for node in self.nodes]}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Graph:
        """The graph that `to_json` gave.

        Raises:
            CultivaError: If it is something else.
        """
        try:
            nodes = tuple(_node(one) for one in data["nodes"])
            rest = {name: _tuples(value) for name, value in data.items() if name != "nodes"}
            return Graph(nodes=nodes, **rest)
        except (KeyError, TypeError, ValueError) as error:
            raise CultivaError(
                "a stored play cannot be read",
                code="plays.bad_graph",
                seen=str(error),
                allowed="what a launch has kept",
                hint="launch the strategy again with this version of Cultiva",
            ) from error


_DEFAULTS = {one.name: one.default for one in fields(Node)}


def _lean(node: Node) -> dict[str, Any]:
    plain = {name: value for name, value in asdict(node).items() if getattr(node, name) != _DEFAULTS[name]}
    return {**plain, "kind": node.kind.value}


def _node(data: Mapping[str, Any]) -> Node:
    given = {name: _tuples(value) for name, value in data.items() if name not in ("kind", "delay")}
    delay = Delay(**data["delay"]) if data.get("delay") else None
    return Node(kind=Kind(data["kind"]), delay=delay, **given)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list | tuple) else value
