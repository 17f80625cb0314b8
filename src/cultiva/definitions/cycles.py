"""Order and cycles among definitions that use each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cultiva.definitions.workspace import Workspace

Uses = Mapping[str, frozenset[str]]
"""For each name the names that it uses."""


def levels(uses: Uses) -> list[list[str]]:
    """Names in levels: each uses only names of earlier levels. Names in or behind a cycle are left out.

    Examples:
        >>> levels({"a": frozenset(), "b": frozenset({"a"}), "c": frozenset({"a", "b"})})
        [['a'], ['b'], ['c']]
    """
    left = {name: {used for used in found if used in uses} for name, found in uses.items()}
    done: set[str] = set()
    found: list[list[str]] = []
    while level := sorted(name for name, used in left.items() if used <= done):
        found.append(level)
        done.update(level)
        left = {name: used for name, used in left.items() if name not in done}
    return found


def cycles(uses: Uses) -> Iterator[tuple[str, ...]]:
    """Cycles as paths that end where they begin; every name that lies on a cycle is in one of them.

    Examples:
        >>> list(cycles({"a": frozenset({"b"}), "b": frozenset({"a"})}))
        [('a', 'b', 'a')]
    """
    told: set[str] = set()
    for start in sorted(uses):
        if start not in told and (path := _way_back(start, uses)):
            told.update(path)
            yield path


def _way_back(start: str, uses: Uses) -> tuple[str, ...]:
    """A shortest path from a name back to itself; empty if there is none."""
    paths: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while paths:
        longer = []
        for path in paths:
            for used in sorted(uses.get(path[-1], ())):
                if used == start:
                    return (*path, start)
                if used not in seen:
                    seen.add(used)
                    longer.append((*path, used))
        paths = longer
    return ()


def tag_order(workspace: Workspace) -> list[list[str]]:
    """Expression tags in levels, each using only tags from rows and expression tags of earlier levels.

    Returns:
        Names by level; names within a level in alphabetical order.
    """
    from cultiva.definitions.scopes import tag_scope
    from cultiva.rules import compile_rule

    scope = tag_scope(workspace)
    expressions = {name: tag.expression for name, tag in workspace.tags.items() if tag.expression is not None}
    return levels({name: compile_rule(text, scope).columns for name, text in expressions.items()})
