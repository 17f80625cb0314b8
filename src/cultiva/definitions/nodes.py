"""YAML text as nodes with places: by libyaml, thirty times as fast, and by ruamel.yaml wherever the two could differ.

What libyaml refuses is read again by ruamel.yaml, so that a fault of syntax is told in one way on every machine.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Protocol

DEPTH_MAX = 100
"""Most levels of nesting; libyaml's composer would go on until the process has no stack left."""
TAG = "tag:yaml.org,2002:"
"""Begins the tags of YAML's own types."""


class Mark(Protocol):
    """A place in the text, counted from 0."""

    index: int
    """Characters before it."""
    line: int
    """Lines before it."""
    column: int
    """Characters before it on its line."""


class Node(Protocol):
    """A piece of YAML, as both readers make it."""

    id: str
    """scalar, sequence or mapping."""
    tag: Any
    """Its type, written or found."""
    value: Any
    """The text, the items, or the pairs of key and value."""
    start_mark: Mark
    """Where it begins."""
    end_mark: Mark
    """Where it ends."""
    style: Any
    """How a scalar is written; None or empty: plain."""


class NotYaml(Exception):
    """A text is not YAML.

    Args:
        line: Where, from 1.
        column: Where, from 1; 0: the whole line.
        problem: What is wrong; empty if the reader does not say.
        character: Whether it is a character that YAML does not allow.
    """

    def __init__(self, line: int, column: int, problem: str, *, character: bool = False) -> None:
        super().__init__(problem)
        self.line, self.column, self.problem, self.character = line, column, problem, character


def compose(text: str) -> Node | None:
    r"""The nodes of a text that holds one YAML document.

    Args:
        text: With line breaks as `\n`.

    Returns:
        The topmost node; None if there is nothing in the text.

    Raises:
        NotYaml: if it is not YAML.
        RecursionError: if it is nested too deeply.
    """
    reader = _fast_reader()
    if reader is not None and not _may_differ(text):
        from yaml import YAMLError

        try:
            found: Node | None = reader(text).get_single_node()
        except YAMLError:
            return _compose_thoroughly(text)  # which tells what is wrong, or knows better
        return found
    return _compose_thoroughly(text)


def _compose_thoroughly(text: str) -> Node | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        found: Node | None = YAML(typ="safe", pure=True).compose(text)
    except ReaderError as error:
        raise NotYaml(text.count("\n", 0, error.position) + 1, 0, "", character=True) from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = (error.problem or error.context) if isinstance(error, MarkedYAMLError) else None
        raise NotYaml(line, column, problem or "cannot be read") from error
    return found


_DIFFERS = re.compile(
    r"""
    ^%                          # directives, such as %YAML 1.1
    | [\t\r\x85\u2028\u2029\ufeff]  # tabs, and what YAML 1.1 takes for line breaks and 1.2 does not
    | [|>][-+\d]*(?:\#|[ ]*\n[ ]*(?:\n|$))  # a block of text that begins with nothing
    """,
    re.MULTILINE | re.VERBOSE,
)
"""Where the two readers have been seen to differ; found by comparing them on random texts (tests/definitions)."""
_DIFFERS_OUTSIDE_BLOCKS = re.compile(
    r"""
    !(?=[\s,\]}]|$)              # a tag without a name
    | \?\s                       # a key that is marked as one
    """,
    re.MULTILINE | re.VERBOSE,
)
"""The same for signs that are plain characters within a block of text."""
_BLOCK = re.compile(r"(?P<lead>[ ]*(?:-[ ]+)*)(?:[\w./-]+:[ ]+)?[|>][-+\d]*[ ]*")
"""A line after which a block of text may begin."""


def _may_differ(text: str) -> bool:
    """Whether the two readers could read a text differently."""
    return bool(_DIFFERS.search(text) or _DIFFERS_OUTSIDE_BLOCKS.search(_outside_blocks(text)))


def _outside_blocks(text: str) -> str:
    """A text without its blocks of text; where it is not sure to be one, a line stays."""
    if "|" not in text and ">" not in text:
        return text
    kept, inside = [], None
    for line in text.split("\n"):
        if inside is not None and (not line.strip() or len(line) - len(line.lstrip(" ")) > inside):
            continue
        found = _BLOCK.fullmatch(line)
        inside = None if found is None else _indent(found["lead"], line)
        kept.append(line)
    return "\n".join(kept)


def _indent(lead: str, line: str) -> int:
    """Columns before the key of a block, or before the dash of one without a key: its text stands further in."""
    has_key = ":" in line[len(lead) :]
    return len(lead) if has_key or "-" not in lead else lead.rindex("-")


_TYPES = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+")),
    (
        "float",
        re.compile(
            r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
            r"|[-+]?\.[0-9_]+([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
        ),
    ),
    ("value", re.compile("=")),
)
"""What a plain scalar means in YAML 1.2; dates and `<<` are text to a workspace."""
_FIRST = frozenset("-+.0123456789~nNtTfF=_")
"""How such a scalar can begin, beside the empty one; spares most scalars the search."""


@cache
def _fast_reader() -> Any:
    """The parser of libyaml with the types of YAML 1.2; None where PyYAML was built without it."""
    try:
        from yaml.cyaml import CParser
    except ImportError:
        return None

    class Reader(CParser):
        """Composes nodes; libyaml calls the three methods."""

        def __init__(self, text: str) -> None:
            super().__init__(text)
            self.depth = 0

        def descend_resolver(self, _parent: object, _index: object) -> None:
            self.depth += 1
            if self.depth > DEPTH_MAX:
                raise RecursionError("nested too deeply")

        def ascend_resolver(self) -> None:
            self.depth -= 1

        def resolve(self, kind: type, value: Any, implicit: Any) -> str:
            name = str(kind.__name__)
            if name == "ScalarNode":
                return f"{TAG}{_type_of(value) if implicit[0] else 'str'}"
            return f"{TAG}{'map' if name == 'MappingNode' else 'seq'}"

    return Reader


def _type_of(text: str) -> str:
    if text and text[0] not in _FIRST:
        return "str"
    return next((name for name, written in _TYPES if written.fullmatch(text)), "str")
