"""A YAML file as data together with the place of every key and value, so that a fault can name its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cultiva.definitions.nodes import TAG, Node, NotYaml, compose
from cultiva.definitions.textmap import character_offsets
from cultiva.kit.errors import Fault

Loc = tuple[str | int, ...]
"""Where something lies within a file: keys and list positions from the top."""
VALUES_MAX = 50_000
"""Most values in one file after aliases are followed; a guard against aliases that multiply."""


@dataclass(frozen=True)
class Spot:
    """Where one entry lies in the text; lines and columns from 1, offsets from 0."""

    key: tuple[int, int]
    """Line and column of the key, or of the item for list entries."""
    value: tuple[int, int]
    """Line and column of the value."""
    start: int = 0
    """Offset of the value's first character."""
    end: int = 0
    """Offset after the value's last character."""
    style: str = ""
    """How a scalar is written: plain (empty), `'`, `"`, `|` or `>`."""


@dataclass(frozen=True)
class Document:
    """One file as data, with places."""

    file: str
    """Path as the user would type it."""
    text: str
    """What the file says."""
    data: Any
    """The same as dicts, lists and scalars."""
    spots: Mapping[Loc, Spot] = field(default_factory=dict)
    """Where every entry lies."""

    def spot(self, loc: Loc) -> Spot:
        """Where an entry lies; if it is not there, where the nearest entry around it lies."""
        while loc not in self.spots and loc:
            loc = loc[:-1]
        return self.spots.get(loc, Spot((1, 1), (1, 1)))

    def value(self, loc: Loc) -> Any:
        """The data at a location; KeyError, IndexError or TypeError if there is none."""
        found = self.data
        for part in loc:
            found = found[part]
        return found

    def text_place(self, loc: Loc, line: int, column: int) -> tuple[int, int]:
        """Line and column in the file of a line and column within the text at a location."""
        spot = self.spot(loc)
        found = self.value(loc)
        if not isinstance(found, str):
            return spot.value
        before = found.split("\n")[: line - 1]
        index = sum(len(part) + 1 for part in before) + column - 1
        offsets = character_offsets(found, self.text, spot.start, spot.end, spot.style)
        offset = offsets[min(max(index, 0), len(offsets) - 1)]
        return self.text.count("\n", 0, offset) + 1, offset - (self.text.rfind("\n", 0, offset) + 1) + 1

    def fault(self, loc: Loc, code: str, message: str, *, on_key: bool = False, **parts: Any) -> Fault:
        """A fault at an entry's value, or at its key."""
        spot = self.spot(loc)
        line, column = spot.key if on_key else spot.value
        return Fault(self.file, line, column, f"definitions.{code}", message, **parts)


def read_document(file: str, content: bytes) -> tuple[Document | None, list[Fault]]:
    """Reads one YAML file.

    Args:
        file: Path as the user would type it.
        content: The file's bytes, UTF-8.

    Returns:
        The document, None if the text is no YAML at all; and the faults found.
    """
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        seen = f"byte 0x{content[error.start]:02x}"
        return None, [Fault(file, line, 0, "definitions.encoding", "not UTF-8 text", seen, "UTF-8", "save it as UTF-8")]
    try:
        node = compose(text)
    except RecursionError:
        return None, [Fault(file, 1, 1, "definitions.syntax", "the YAML is nested too deeply")]
    except NotYaml as error:
        return None, [_syntax_fault(file, text, error)]
    builder = _Builder(file)
    data = builder.build(node, (), (1, 1)) if node is not None else None
    return Document(file, text, data, builder.spots), builder.faults


def _syntax_fault(file: str, text: str, error: NotYaml) -> Fault:
    if error.character:
        message = "a character that YAML does not allow"
        return Fault(file, error.line, error.column, "definitions.syntax", message, hint="remove it")
    lines = text.split("\n")
    seen = lines[error.line - 1].strip()[:60] if error.line <= len(lines) else ""
    hint = "mend the YAML here; a text with ': ' or ' #' in it needs quotes"
    return Fault(file, error.line, error.column, "definitions.syntax", f"not YAML: {error.problem}", seen, hint=hint)


class _Builder:
    """Turns YAML nodes into plain data and notes where everything lies."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.spots: dict[Loc, Spot] = {}
        self.faults: list[Fault] = []
        self._open: set[int] = set()

    def build(self, node: Node, loc: Loc, key: tuple[int, int]) -> Any:
        """The node's data."""
        style = (node.style or "") if node.id == "scalar" else ""
        self.spots[loc] = Spot(key, _place(node), node.start_mark.index, node.end_mark.index, style)
        if len(self.spots) > VALUES_MAX or id(node) in self._open:
            if all(fault.code != "definitions.alias" for fault in self.faults):
                self._fault(node, "alias", "an alias that contains itself or multiplies without end")
            return None
        if node.id == "scalar":
            return self._scalar(node)
        self._open.add(id(node))
        data = self._mapping(node, loc) if node.id == "mapping" else self._sequence(node, loc)
        self._open.discard(id(node))
        return data

    def _mapping(self, node: Node, loc: Loc) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in node.value:
            if key.id != "scalar":
                self._fault(key, "key", "a key must be a text")
                continue
            name = str(key.value)
            if name in data:
                first = self.spots[(*loc, name)].key
                place = f"{self.file}:{first[0]}:{first[1]}"
                self._fault(key, "duplicate_key", f"'{name}' is given twice; the first is at {place}", seen=name)
                continue
            data[name] = self.build(value, (*loc, name), _place(key))
        return data

    def _sequence(self, node: Node, loc: Loc) -> list[Any]:
        return [self.build(item, (*loc, index), _place(item)) for index, item in enumerate(node.value)]

    def _scalar(self, node: Node) -> Any:
        kind, text = str(node.tag), str(node.value)
        if kind in (f"{TAG}str", f"{TAG}timestamp", f"{TAG}merge"):
            return text
        if kind == f"{TAG}null":
            return None
        if kind == f"{TAG}bool":
            return text.lower() == "true"
        if kind in (f"{TAG}int", f"{TAG}float"):
            return _number(text)
        self._fault(node, "yaml_tag", "YAML tags are not used here", seen=kind.removeprefix(TAG), hint="remove the tag")
        return text

    def _fault(self, node: Node, code: str, message: str, *, seen: str = "", hint: str = "") -> None:
        line, column = _place(node)
        self.faults.append(Fault(self.file, line, column, f"definitions.{code}", message, seen=seen, hint=hint))


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _number(text: str) -> int | float | str:
    """A number as written; text that only looks like one stays text and fails where a number is needed."""
    plain = text.replace("_", "")
    for read in (
        lambda: int(plain),
        lambda: int(plain, 0),
        lambda: float(plain.replace(".inf", "inf").replace(".nan", "nan")),
    ):
        try:
            return read()
        except ValueError:
            continue
    return text
