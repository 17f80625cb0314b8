"""Faults of a rule's text: where, what was seen, what was allowed, and a caret under the place."""

from __future__ import annotations

from collections.abc import Iterable

from cultiva.kit.errors import Fault, Faults

SEEN_MAX = 80
"""Longer values are cut in messages."""


class RuleErrors(Faults):
    """All faults of one rule's text.

    Args:
        text: The rule.
        faults: Its faults, with line and column within the text.
    """

    def __init__(self, text: str, faults: Iterable[Fault]) -> None:
        super().__init__(faults, what="the rule")
        self.text = text
        self.code = "rules.faults"

    def __str__(self) -> str:
        return "\n".join(show_fault(self.text, fault) for fault in self.faults)


def show_fault(text: str, fault: Fault) -> str:
    """A fault with the line it is in and a caret under its place.

    Args:
        text: The rule.
        fault: One of its faults.
    """
    place = f" (line {fault.line}, column {fault.column})" if fault.line else ""
    lines = [f"{fault.message}{place}", *_caret(text, fault)]
    parts = (("seen", fault.seen), ("allowed", fault.allowed), ("do", fault.hint))
    return "\n".join([*lines, *(f"    {name:<8}{part}" for name, part in parts if part)])


def _caret(text: str, fault: Fault) -> list[str]:
    lines = text.split("\n")
    if not 1 <= fault.line <= len(lines):
        return []
    line, start = lines[fault.line - 1], max(0, fault.column - 61)
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + 120])
    return [f"    {shown}", f"    {' ' * width(shown[: fault.column - 1 - start])}^"]


def width(text: str) -> int:
    """Columns that a text takes on a screen: wide characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def make_fault(text: str, offset: int, code: str, message: str, **parts: str) -> Fault:
    """A fault at an offset of the text.

    Args:
        text: The rule.
        offset: Where in it, counted from 0.
        code: The last part of the code, e.g. `unknown_name`.
        message: What is wrong.
        **parts: seen, allowed, hint.
    """
    before = text[: max(0, offset)]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    if len(parts.get("seen", "")) > SEEN_MAX:
        parts["seen"] = parts["seen"][:SEEN_MAX] + "..."
    return Fault(file="", line=line, column=column, code=f"rules.{code}", message=message, **parts)  # type: ignore[arg-type]
