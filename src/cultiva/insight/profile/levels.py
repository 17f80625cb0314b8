"""The order in which columns that build on each other are computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cultiva.kit.errors import CultivaError, ErrorKind


def levels(reads: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Groups columns so that each reads only columns of earlier groups (or none of these at all).

    Args:
        reads: Column -> columns it reads; those that are not keys themselves are there from the start.

    Returns:
        The groups in order, the columns of a group in the order of `reads`.

    Raises:
        CultivaError: if columns read each other in a circle.

    Examples:
        >>> levels({"tier": ["value"], "value": ["aum"], "double": ["aum"]})
        [['value', 'double'], ['tier']]
    """
    left = {name: {other for other in others if other in reads} for name, others in reads.items()}
    found: list[list[str]] = []
    while left:
        ready = [name for name, others in left.items() if not others]
        if not ready:
            raise _circle(left)
        found.append(ready)
        left = {name: others.difference(ready) for name, others in left.items() if name not in ready}
    return found


def needed_for(targets: Collection[str], reads: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The targets and everything that they read, directly or not.

    Examples:
        >>> sorted(needed_for(["tier"], {"tier": ["value"], "value": ["aum"], "other": ["aum"]}))
        ['aum', 'tier', 'value']
    """
    found: set[str] = set()
    open_names = list(targets)
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names.extend(reads.get(name, ()))
    return frozenset(found)


def _circle(left: Mapping[str, Collection[str]]) -> CultivaError:
    name = min(left)
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = min(left[name])
    circle = [*seen[seen.index(name) :], name]
    return CultivaError(
        "columns of the profile read each other in a circle",
        code="profile.circle",
        kind=ErrorKind.INVALID,
        seen=" -> ".join(circle),
        allowed="each column built on others that do not need it",
        hint="take one of these out of the rule of another",
    )
