"""Moving people in flight to another version of their play: first as numbers, then as a deed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cultiva.execution.plays.graph import Graph
from cultiva.kit.errors import CultivaError, did_you_mean


@dataclass(frozen=True)
class Passage:
    """People at one step of one old version, and where they go."""

    version: str
    """The old version."""
    step: str
    """Their step in it."""
    to: str | None
    """Their step in the new version; None: they stay on the old one until they are through."""
    people: int


@dataclass(frozen=True)
class Migration:
    """What a migration would do, or has done."""

    launch_id: str
    target: Graph
    """The new version."""
    steps: tuple[tuple[str, str], ...]
    """Old step -> new step, where their names differ."""
    passages: tuple[Passage, ...]

    @property
    def moving(self) -> int:
        """People who go to the new version."""
        return sum(one.people for one in self.passages if one.to is not None)

    @property
    def staying(self) -> int:
        """People who stay on an old one."""
        return sum(one.people for one in self.passages if one.to is None)


def passages(
    graphs: Mapping[str, Graph],
    target: Graph,
    steps: Mapping[str, str],
    standing: Sequence[tuple[str, int, int]],
) -> tuple[Passage, ...]:
    """Where everybody goes: to the step named, else to the step of the same name, else nowhere.

    Args:
        graphs: The launch's versions.
        target: The new version.
        steps: Old step -> new step.
        standing: Version, number of the step and people who are there.

    Raises:
        CultivaError: If a step named is in no version.
    """
    names = [node.name for node in target.nodes]
    old = {node.name for graph in graphs.values() for node in graph.nodes}
    for known, given, what in ((sorted(old), steps.keys(), "old"), (names, steps.values(), "new")):
        for name in given:
            if name not in known:
                raise CultivaError(
                    f"the {what} version of the play has no such step",
                    code="plays.unknown_step",
                    seen=name,
                    allowed=", ".join(known),
                    hint=did_you_mean(name, known) or "name a step of the play",
                )
    found = []
    for version, number, people in standing:
        if version != target.version:
            name = graphs[version].nodes[number].name
            to = steps.get(name, name)
            found.append(Passage(version, name, to if to in names else None, people))
    return tuple(found)
