"""A rule's text with its faults in their places, and the names that could stand at a place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import HIDDEN_PREFIXES, profile_scope
from cultiva.definitions.workspace import Workspace
from cultiva.insight.groups.describe import is_personal
from cultiva.insight.groups.vocabulary import vocabulary
from cultiva.kit.errors import Fault
from cultiva.kit.words import say
from cultiva.loop.parts import Parts
from cultiva.loop.shows import read
from cultiva.rules import FUNCTIONS, check_rule

OFFERED_MAX = 12
"""Names offered at once."""
VALUES_MAX = 12
"""Values of a tag offered at once."""
_WORD = re.compile(r"'[^']*'?|\"[^\"]*\"?|[\w.]+|\S")
_LAST = re.compile(r"[^\W\d]\w*$")


@dataclass(frozen=True)
class Piece:
    """A piece of a rule's text."""

    text: str
    fault: Fault | None = None
    """What is wrong with it; None: nothing."""


def faults_of(workspace: Workspace, text: str) -> list[Fault]:
    """Everything that is wrong with a rule over the profile, with line and column within it."""
    return check_rule(text, profile_scope(workspace), expected=DataType.BOOLEAN)


def pieces(text: str, faults: Sequence[Fault]) -> list[Piece]:
    """A text cut where faults are: the word at a fault's place is a piece of its own.

    Examples:
        >>> [(one.text, one.fault is not None) for one in pieces("aun >= 1", [Fault("", 1, 1, "x", "y")])]
        [('aun', True), (' >= 1', False)]
    """
    found: list[Piece] = []
    done = 0
    for offset, fault in sorted(((_offset(text, one), one) for one in faults), key=lambda pair: pair[0]):
        word = _WORD.match(text, offset)
        end = word.end() if word else offset
        if offset < done or end == offset:
            continue
        found += [Piece(text[done:offset])] if offset > done else []
        found.append(Piece(text[offset:end], fault))
        done = end
    return [*found, Piece(text[done:])] if done < len(text) else found


def _offset(text: str, fault: Fault) -> int:
    """Where a fault begins; past blanks, and at the last word where it names the end."""
    lines = text.split("\n")
    before = sum(len(line) + 1 for line in lines[: max(fault.line, 1) - 1])
    offset = min(before + max(fault.column, 1) - 1, len(text))
    while offset < len(text) and text[offset].isspace():
        offset += 1
    if offset >= len(text.rstrip()):
        words = list(_WORD.finditer(text))
        return words[-1].start() if words else 0
    return offset


@dataclass(frozen=True)
class Offered:
    """A name that may stand in a rule."""

    written: str
    """As it goes into the text."""
    label: str
    about: str
    """Type, or what it takes and gives."""


def word_before(text: str, caret: int) -> str:
    """The name that is being written at a place of a text.

    Examples:
        >>> word_before("aum >= 5 and sta", 16), word_before("aum >= 5", 8)
        ('sta', '')
    """
    found = _LAST.search(text[: max(0, min(caret, len(text)))])
    return found[0] if found else ""


def offered(parts: Parts, word: str, on: date) -> list[Offered]:
    """Names of tags, segments, functions and values that a word may become, those that begin with it first."""
    asked = word.casefold()
    if not asked:
        return []
    every = [*_names(parts.workspace), *_values(parts, on)]
    begin = [one for one in every if one.written.casefold().lstrip("'").startswith(asked)]
    within = [one for one in every if one not in begin and asked in f"{one.written} {one.label}".casefold()]
    return [one for one in (*begin, *within) if one.written != word][:OFFERED_MAX]


def tag_types(workspace: Workspace) -> dict[str, DataType]:
    """The tags that a rule over the profile may name, in the order of the profile."""
    names = profile_scope(workspace).names
    return {name: kind for name, kind in names.items() if not name.startswith(HIDDEN_PREFIXES)}


def tag_labels(workspace: Workspace) -> Mapping[str, str]:
    """What people call the tags."""
    words, language = vocabulary(workspace), workspace.settings.language
    return {name: say(words.tag(name), language) for name in tag_types(workspace)}


def known_values(parts: Parts, on: date) -> dict[str, list[tuple[str, str]]]:
    """Tag -> its commonest values with their labels; none of personal tags, and none of tags without a few values."""
    words, language = vocabulary(parts.workspace), parts.workspace.settings.language
    found: dict[str, list[tuple[str, str]]] = {}
    for row in read(parts, "catalogue", on).to_dicts():
        name = row["tag"]
        if row["type"] == DataType.TEXT.value and not is_personal(parts.workspace, name) and row["distinct"] <= 200:
            values = [str(value) for value, _ in json.loads(row["top"] or "[]")][:VALUES_MAX]
            found[name] = [(value, say(words.value(name, value), language)) for value in values]
    return found


def _names(workspace: Workspace) -> Iterator[Offered]:
    language, labels = workspace.settings.language, tag_labels(workspace)
    for name, kind in tag_types(workspace).items():
        yield Offered(name, labels[name], kind.value)
    for one in workspace.segments.values():
        yield Offered(f"segment('{one.name}')", say(one.label, language), "segment")
    for event in workspace.events.values():
        yield Offered(f"event_count('{event.name}', 30) >= 1", say(event.label, language), "event")
    for function in FUNCTIONS.values():
        if not function.operator:
            yield Offered(f"{function.name}(", function.doc, str(function.overloads[0].signature))


def _values(parts: Parts, on: date) -> Iterator[Offered]:
    for tag, values in known_values(parts, on).items():
        for value, label in values:
            yield Offered("'" + value.replace("'", "''") + "'", label, tag)
