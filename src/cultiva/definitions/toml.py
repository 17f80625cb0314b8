"""cultiva.toml as a document with places; the standard reader gives none, so keys are looked up line by line."""

from __future__ import annotations

import re
import tomllib

from cultiva.definitions.document import Document, Loc, Spot
from cultiva.kit.errors import Fault

_TABLE = re.compile(r"^\s*\[\s*([\w.\- ]+?)\s*\]")
_KEY = re.compile(r"^(\s*)([\w\-]+)(\s*=\s*)")
_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


def read_toml(file: str, content: bytes) -> tuple[Document | None, list[Fault]]:
    """Reads a TOML file.

    Args:
        file: Path as the user would type it.
        content: The file's bytes, UTF-8.

    Returns:
        The document, None if the text is no TOML; and the faults found.
    """
    try:
        text = content.decode("utf-8-sig")
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return None, [Fault(file, line, 0, "definitions.encoding", "not UTF-8 text", hint="save it as UTF-8")]
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line, column = (int(found[1]), int(found[2])) if found else (text.count("\n") + 1, 1)
        problem = _AT.sub("", str(error)).strip().lower()
        return None, [Fault(file, line, column, "definitions.syntax", f"not TOML: {problem}")]
    return Document(file, text, data, _spots(text)), []


def _spots(text: str) -> dict[Loc, Spot]:
    spots: dict[Loc, Spot] = {(): Spot((1, 1), (1, 1))}
    table: Loc = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = tuple(part.strip() for part in header[1].split("."))
            spots[table] = Spot((number, header.start(1) + 1), (number, header.start(1) + 1))
        elif key := _KEY.match(line):
            spots[(*table, key[2])] = Spot((number, key.start(2) + 1), (number, key.end(3) + 1))
    return spots
