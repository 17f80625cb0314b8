"""LIKE patterns: read once, then tested by the cheapest means that every engine has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Wildcard(StrEnum):
    """What a pattern may hold beside characters."""

    MANY = "%"
    """Any number of characters, also none."""
    ONE = "_"
    """Exactly one character."""


Part: TypeAlias = str | Wildcard
"""A text or a wildcard."""


class LikeKind(StrEnum):
    """How a pattern is tested."""

    EQUALS = "equals"
    """No wildcard."""
    STARTS = "starts"
    """text%"""
    ENDS = "ends"
    """%text"""
    CONTAINS = "contains"
    """%text%"""
    REGEX = "regex"
    """Anything else."""


@dataclass(frozen=True)
class Like:
    """A pattern, read."""

    kind: LikeKind
    text: str
    """What is compared with; for REGEX a regular expression of the common dialect, without anchors."""


def read_like(pattern: str, escape: str = "") -> Like | None:
    """Reads a pattern; None if it ends in its escape character or escapes something else than % _ and itself.

    Examples:
        >>> read_like("wealth%")
        Like(kind=<LikeKind.STARTS: 'starts'>, text='wealth')
        >>> read_like("100!%", "!")
        Like(kind=<LikeKind.EQUALS: 'equals'>, text='100%')
    """
    parts = _parts(pattern, escape)
    if parts is None:
        return None
    texts = "".join(part for part in parts if not isinstance(part, Wildcard))
    shape = "".join(part.value if isinstance(part, Wildcard) else "t" for part in parts)
    simple = {"": LikeKind.EQUALS, "t": LikeKind.EQUALS, "t%": LikeKind.STARTS, "%t": LikeKind.ENDS}
    simple |= {"%t%": LikeKind.CONTAINS, "%": LikeKind.CONTAINS}
    if shape in simple:
        return Like(simple[shape], texts)
    return Like(LikeKind.REGEX, "".join(_regex(part) for part in parts))


def _parts(pattern: str, escape: str) -> list[Part] | None:
    parts: list[Part] = []
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            escaped = next(characters, "")
            if escaped not in {"%", "_", escape}:
                return None
            _add_text(parts, escaped)
        elif character not in "%_":
            _add_text(parts, character)
        elif not (character == "%" and parts and parts[-1] is Wildcard.MANY):
            parts.append(Wildcard(character))
    return parts


def _add_text(parts: list[Part], text: str) -> None:
    last = parts[-1] if parts else Wildcard.MANY
    if isinstance(last, Wildcard):
        parts.append(text)
    else:
        parts[-1] = last + text


def _regex(part: Part) -> str:
    """Characters as code points, so that no dialect sees anything special in them."""
    if part is Wildcard.MANY:
        return ".*"
    if part is Wildcard.ONE:
        return "."
    return "".join(c if c.isalnum() and c.isascii() else f"\\x{{{ord(c):x}}}" for c in part)


def python_regex(like: Like) -> str:
    """The regular expression in Python's own words, for a full match with DOTALL."""
    import re

    def spelled(found: re.Match[str]) -> str:
        return re.escape(chr(int(found[1], 16)))

    return re.sub(r"\\x\{([0-9a-f]+)\}", spelled, like.text)
