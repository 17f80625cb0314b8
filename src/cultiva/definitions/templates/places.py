"""Where in HTML a value may stand: in the text of an element, or within a quoted attribute that runs and loads nothing.

Escaping makes a value harmless there and nowhere else: in a script, a style, an unquoted attribute or an address a
customer's own words could still do something. The check reads the template with its tags left out, as a browser would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from cultiva.definitions.templates.errors import TemplateFault
from cultiva.definitions.templates.values import LINKS

_MARK = re.compile(r"\{\{-?\s*(?P<output>.*?)\s*-?\}\}|\{%.*?%\}", re.DOTALL)
_FIRST = 0xE000
"""Outputs stand as characters of the private use area while the HTML is read."""
_OUTPUT = re.compile("[\ue000-\uf8ff]")
_UNQUOTED = re.compile("=\\s*[^\"'\\s>]*[\ue000-\uf8ff]")
_OPENED = re.compile("<[/!?]?[\ue000-\uf8ff]")
_ADDRESSES = frozenset(
    {"href", "src", "action", "formaction", "background", "poster", "cite", "srcset", "data", "ping"}
)
ALLOWED = 'the text of an element, or a quoted attribute such as title="{{ name }}"; in href only {{ link }}'


def html_faults(template: str) -> Iterator[TemplateFault]:
    """Values that stand where escaping does not make them harmless.

    Args:
        template: Liquid that makes HTML.
    """
    outputs: list[tuple[int, str]] = []

    def mark(found: re.Match[str]) -> str:
        if found["output"] is None:
            return ""
        outputs.append((found.start(), found["output"]))
        return chr(_FIRST + len(outputs) - 1)

    bare = "".join(" " if _OUTPUT.match(one) else one for one in template)
    reader = _Reader()
    text = _MARK.sub(mark, bare)
    if len(outputs) > 0xF8FF - _FIRST:
        yield TemplateFault(0, "too_long", "too many outputs in one template")
        return
    reader.feed(text)
    reader.close()
    reader.found |= {ord(one[-1]) - _FIRST: "the name of an element" for one in _OPENED.findall(text)}
    for number, (index, said) in enumerate(outputs):
        where = reader.found.get(number, "" if number in reader.safe else "an element that is not closed")
        if not where or (where.startswith("address") and said in LINKS):
            continue
        message = f"a value cannot stand in {where}: escaping does not make it harmless there"
        yield TemplateFault(index, "unsafe_place", message, f"{{{{ {said} }}}}", ALLOWED, "move it, or use {{ link }}")


class _Reader(HTMLParser):
    """Notes outputs by their number: those that stand in a safe place, and where the others stand."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: dict[int, str] = {}
        self.safe: set[int] = set()
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text() or ""
        self._within = tag if tag in ("script", "style") else ""
        self._note(tag, "the name of an element")
        unquoted = "".join(_UNQUOTED.findall(re.sub(r"\"[^\"]*\"|'[^']*'", '""', raw)))
        self._note(unquoted, "an attribute without quotes")
        for name, value in attrs:
            self.safe.update(_numbers(value or ""))
            self._note(name, "the name of an attribute")
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self._note(value or "", f"the attribute {name}")
            elif name in _ADDRESSES or name.endswith(":href"):
                self._note(value or "", f"address: the attribute {name}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._within = ""

    def handle_endtag(self, tag: str) -> None:
        self._note(tag, "the name of an element")
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within:
            self._note(data, f"the element {self._within}")
        else:
            self.safe.update(_numbers(data))

    def handle_comment(self, data: str) -> None:
        self._note(data, "a comment")

    def handle_decl(self, decl: str) -> None:
        self._note(decl, "a declaration")

    def handle_pi(self, data: str) -> None:
        self._note(data, "a declaration")

    def unknown_decl(self, data: str) -> None:
        self._note(data, "a declaration")

    def _note(self, text: str, where: str) -> None:
        self.found.update(dict.fromkeys(_numbers(text), where))


def _numbers(text: str) -> list[int]:
    return [ord(one) - _FIRST for one in _OUTPUT.findall(text)]
