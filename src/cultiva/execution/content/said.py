"""One wording, read and ready to be filled in for many customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cultiva.definitions.content import NEEDED, ONE_LINE, Content, Form, Wording, limit_of
from cultiva.definitions.templates.errors import FillError
from cultiva.definitions.templates.language import Template, read_template
from cultiva.definitions.templates.values import LINKS, one_line
from cultiva.kit.sms import sms_length

SMS_PARTS_MAX = 10
"""A text message of more parts is not sent."""


@dataclass(frozen=True)
class Said:
    """A wording of a content in one language."""

    content: Content
    """What it belongs to."""
    templates: Mapping[str, Template]
    """Field -> template."""
    linked: Mapping[str, tuple[str, ...]]
    """Field -> names of the links that it prints."""

    @staticmethod
    def of(content: Content, wording: Wording, *, language: str, currency: str) -> Said:
        """Reads a wording.

        Raises:
            TemplateError: if a template cannot be read.
        """
        templates = {
            field: read_template(text, language=language, currency=currency, html=field == "html")
            for field, text in wording.templates()
        }
        linked = {field: tuple(sorted(set(LINKS) & one.names)) for field, one in templates.items()}
        return Said(content, templates, linked)

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Links of a message: those it prints, the click where it has a url, the refusal of a marketing e-mail."""
        found = {name for names in self.linked.values() for name in names}
        if "url" in self.templates:
            found.add("link")
        if self.content.form is Form.EMAIL and not self.content.service:
            found.add("unsubscribe")
        return tuple(sorted(found))

    @property
    def names(self) -> frozenset[str]:
        """Names that it needs, with dots; links are not among them."""
        return frozenset[str]().union(*(one.names for one in self.templates.values())) - set(LINKS)

    def fill(self, facts: Mapping[str, Any]) -> dict[str, str]:
        """The fields for one customer; links stand as their signs.

        Args:
            facts: By name, cleaned.

        Raises:
            FillError: if it cannot be filled in, or becomes too long.
        """
        filled = {}
        for field, template in self.templates.items():
            text = template.fill(facts)
            text = one_line(text) if field in ONE_LINE else text.strip()
            if len(text) > limit_of(self.content.form, field):
                raise FillError("too_long", field)
            filled[field] = text
        for field in NEEDED[self.content.form]:
            if not filled.get(field):
                raise FillError("missing_value", field)
        if " " in filled.get("url", ""):
            raise FillError("bad_value", "url with a space: use url_encode")
        return filled


def too_long_for_sms(text: str) -> bool:
    """Whether a text message with its links would be cut into too many parts."""
    return len(text) > 300 and sms_length(text).parts > SMS_PARTS_MAX  # 300 characters are 600 units at most
