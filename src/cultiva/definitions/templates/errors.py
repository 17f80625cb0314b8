"""What can be wrong with a template, when it is read and when it is filled in."""

from __future__ import annotations

from dataclasses import dataclass

from cultiva.kit.errors import CultivaError


@dataclass(frozen=True)
class TemplateFault:
    """One fault of a template's text."""

    index: int
    """Offset of the character where it is."""
    code: str
    """unknown_filter, unknown_tag, unknown_name, template_syntax, ..."""
    message: str
    """What is wrong."""
    seen: str = ""
    """The text seen."""
    allowed: str = ""
    """What was allowed."""
    hint: str = ""
    """What to do."""

    def place(self, text: str) -> tuple[int, int]:
        """Line and column, from 1, within the template's text."""
        before = text[: self.index]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


class TemplateError(CultivaError):
    """A template that cannot be read.

    Args:
        fault: What is wrong with it.
    """

    def __init__(self, fault: TemplateFault) -> None:
        self.fault = fault
        super().__init__(
            fault.message,
            code=f"content.{fault.code}",
            seen=fault.seen or None,
            allowed=fault.allowed,
            hint=fault.hint,
        )


class FillError(CultivaError):
    """A template that cannot be filled in for one customer.

    Args:
        reason: missing_value, bad_value, too_long, too_much_work.
        about: The name, filter or limit that it is about; never a customer's value.
    """

    def __init__(self, reason: str, about: str) -> None:
        self.reason = reason
        self.about = about
        super().__init__(
            f"the template cannot be filled in: {reason.replace('_', ' ')}",
            code=f"content.{reason}",
            seen=about,
            allowed=ALLOWED.get(reason, ""),
            hint=HINTS.get(reason, ""),
        )


ALLOWED = {
    "missing_value": "a value, `default`, or a fallback of the content",
    "bad_value": "a value that the filter understands",
    "too_long": "a text within the limits of its form",
    "too_much_work": "few steps and short loops",
}
"""Reason -> what would have been allowed."""
HINTS = {
    "missing_value": "write {{ name | default: '...' }}, or give the language a fallback",
    "bad_value": "look at the filter's argument and at the tag's type",
    "too_long": "shorten the template, or cut values with truncate",
    "too_much_work": "make the template simpler",
}
"""Reason -> what to do."""
