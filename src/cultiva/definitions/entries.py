"""One definition of a file that holds many: its text taken out, and another put in its place.

Everything else of the file stays letter by letter as it is: comments, order, empty lines. The text of an entry is a
mapping of its own, beginning with `name:` at the left margin.
"""

from __future__ import annotations

import re
from typing import Any

from cultiva.definitions.document import Document, read_document
from cultiva.kit.errors import CultivaError, ErrorKind

_ITEM = re.compile(r"^( *)-( +)(?=\S)")


def entry_of(text: str, name: str) -> str:
    r"""The text of an entry; empty if the file has none of that name.

    Args:
        text: Of the file, a list of definitions.
        name: Of the entry.

    Raises:
        CultivaError: if the entry is not written as an item that begins with `- `.

    Examples:
        >>> entry_of("- name: a\n  rule: x > 1\n# two\n- name: b\n  rule: y\n", "a")
        'name: a\nrule: x > 1\n'
    """
    document = _document(text)
    index = _index(document, name)
    if index is None:
        return ""
    lines, begin, end = _lines(document, index)
    lead = _lead(lines[begin], name)
    rest = [_without_margin(line, len(lead)) for line in lines[begin + 1 : end]]
    return "\n".join([lines[begin][len(lead) :], *rest]) + "\n"


def with_entry(text: str, name: str, body: str) -> str:
    r"""The file with an entry replaced, or added at the end if it has none of that name.

    Args:
        text: Of the file; empty: a new one.
        name: Of the entry.
        body: The new text of the entry.

    Raises:
        CultivaError: if the body is not one mapping of that name, or the file cannot be changed without changing more.

    Examples:
        >>> print(with_entry("# mine\n- name: a\n  rule: x > 1\n\n- name: b\n", "a", "name: a\nrule: x > 2\n"), end="")
        # mine
        - name: a
          rule: x > 2
        <BLANKLINE>
        - name: b
    """
    wanted = data_of(body, name)
    document = _document(text)
    index = _index(document, name)
    known = list(document.data or [])
    if index is None:
        made = f"{text.rstrip()}\n{_item(body, '- ')}" if text.strip() else _item(body, "- ")
        known.append(wanted)
    else:
        lines, begin, end = _lines(document, index)
        item = _item(body, _lead(lines[begin], name)).rstrip("\n").split("\n")
        made = "\n".join([*lines[:begin], *item, *lines[end:]])
        known[index] = wanted
    if _document(made).data != known:
        raise _not_alone(name)
    return made


def data_of(body: str, name: str) -> dict[str, Any]:
    """What the text of an entry says.

    Raises:
        CultivaError: if it is not one mapping of that name.
    """
    data = _document(body).data
    if isinstance(data, dict) and data.get("name") == name:
        return data
    seen = str(data.get("name"))[:63] if isinstance(data, dict) else "no mapping of fields"
    raise CultivaError(
        "this is not the definition that it should be",
        code="definitions.other_entry",
        seen=seen,
        allowed=f"fields of one definition, with name: {name}",
        hint="keep the name; for another name begin another definition",
    )


def _document(text: str) -> Document:
    document, faults = read_document("", text.encode())
    if document is None or faults:
        first = faults[0]
        raise CultivaError(
            f"the text cannot be read: {first.message}",
            code=first.code,
            seen=f"line {first.line}, column {first.column}: {first.seen}",
            allowed="YAML",
            hint=first.hint or "mend it there",
        )
    return document


def _index(document: Document, name: str) -> int | None:
    if document.data is not None and not isinstance(document.data, list):
        raise _not_alone(name)
    named = (one.get("name") if isinstance(one, dict) else None for one in document.data or ())
    return next((index for index, one in enumerate(named) if one == name), None)


def _lines(document: Document, index: int) -> tuple[list[str], int, int]:
    """The file's lines, and where the entry begins and ends; what stands before the next one is not the entry's."""
    lines = document.text.split("\n")
    begin = document.spots[index,].value[0] - 1
    after = document.spots.get((index + 1,))
    end = len(lines) if after is None else after.value[0] - 1
    margin = len(lines[begin]) - len(lines[begin].lstrip())
    while end > begin + 1 and _between(lines[end - 1], margin):
        end -= 1
    return lines, begin, end


def _between(line: str, margin: int) -> bool:
    bare = line.lstrip()
    return not bare or (bare.startswith("#") and len(line) - len(bare) <= margin)


def _lead(line: str, name: str) -> str:
    found = _ITEM.match(line)
    if found is None:
        raise _not_alone(name)
    return found[0]


def _item(body: str, lead: str) -> str:
    first, *rest = body.strip("\n").split("\n")
    margin = " " * len(lead)
    return "\n".join([f"{lead}{first}", *(f"{margin}{line}" if line.strip() else "" for line in rest)]) + "\n"


def _without_margin(line: str, margin: int) -> str:
    return line[margin:] if not line[:margin].strip() else line.lstrip()


def _not_alone(name: str) -> CultivaError:
    return CultivaError(
        "the definition cannot be changed alone in its file",
        code="definitions.bound_entry",
        kind=ErrorKind.CONFLICT,
        seen=name,
        allowed="an item of a list that begins with '- ' on its own line, without anchors that others use",
        hint="change the file by hand and bring it in with cultiva apply",
    )
