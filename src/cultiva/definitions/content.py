"""Content: what is said over a channel, in Liquid, per language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Literal

from pydantic import Field

from cultiva.definitions.base import Definition, Model, Name

Language = Literal["zh", "en"]
"""A language in which content can be written."""


class Form(StrEnum):
    """What kind of message it is; a form knows its fields and how long they may become."""

    SMS = "sms"
    """A text message: text."""
    EMAIL = "email"
    """An e-mail: subject, text, html."""
    PUSH = "push"
    """A notice on the telephone or in the app: title, text."""
    CHAT = "chat"
    """A message in a conversation, e.g. WeCom: text."""
    SCRIPT = "script"
    """What a person says: text; never sent."""


FIELDS: Mapping[Form, Mapping[str, int]] = {
    Form.SMS: {"text": 670},
    Form.EMAIL: {"subject": 200, "text": 20_000, "html": 200_000},
    Form.PUSH: {"title": 60, "text": 500},
    Form.CHAT: {"text": 2_000},
    Form.SCRIPT: {"text": 5_000},
}
"""Form -> field -> characters that the rendered field has at most. Every form may have `url` besides."""
URL_CHARACTERS_MAX = 2_000
"""Most characters of a rendered `url`."""
NEEDED: Mapping[Form, tuple[str, ...]] = {
    Form.SMS: ("text",),
    Form.EMAIL: ("subject", "text"),
    Form.PUSH: ("title", "text"),
    Form.CHAT: ("text",),
    Form.SCRIPT: ("text",),
}
"""Form -> fields without which it cannot be sent."""
ONE_LINE = frozenset({"subject", "title", "url"})
"""Fields that are one line whatever is put into them: they become headers."""


class Wording(Model):
    """What is said in one language; every field is a Liquid template."""

    subject: str | None = None
    """Subject of an e-mail."""
    title: str | None = None
    """Headline of a notice."""
    text: str | None = None
    """The message as plain text; nothing is escaped in it."""
    html: str | None = None
    """The message as HTML; every value is escaped in it."""
    url: str | None = None
    """Where `{{ link }}` leads; values in it need `url_encode`."""

    def templates(self) -> Iterator[tuple[str, str]]:
        """The fields that are written, with their templates."""
        for field in ("subject", "title", "text", "html", "url"):
            template = getattr(self, field)
            if template is not None:
                yield field, template


class Translation(Wording):
    """What is said in one language, and what is said instead where a value is missing."""

    fallback: Wording | None = None
    """Said whole to customers of whom a value is missing that the templates need; fields left out stay. None: such a
    customer gets no message, with the reason."""

    def instead(self) -> Wording | None:
        """The fallback with the fields that it leaves out taken from here."""
        if self.fallback is None:
            return None
        return Wording(**{**dict(self.templates()), **dict(self.fallback.templates())})


class Content(Definition):
    """One message, in every language that it is written in."""

    form: Form
    """What kind of message it is."""
    channels: tuple[Name, ...] = Field(min_length=1)
    """Channels over which it is sent."""
    offers: tuple[Name, ...] = ()
    """Offers that it speaks of; empty: any."""
    strategies: tuple[Name, ...] = ()
    """Strategies that use it; empty: any."""
    service: bool = False
    """Whether it is no marketing: then a text message need not say how to refuse."""
    languages: dict[Language, Translation] = Field(min_length=1)
    """Language -> what is said."""

    def carries(self, offer: str, channel: str, strategy: str = "") -> bool:
        """Whether it can be sent for an offer over a channel."""
        return (
            channel in self.channels
            and (not self.offers or offer in self.offers)
            and (not self.strategies or strategy in self.strategies)
        )


def limit_of(form: Form, field: str) -> int:
    """Most characters of a rendered field."""
    return URL_CHARACTERS_MAX if field == "url" else FIELDS[form][field]


def chosen(contents: Mapping[str, Content], offer: str, channel: str, strategy: str = "") -> Content | None:
    """The content for an offer over a channel: the one made for the strategy, else for the offer, else for any.

    Args:
        contents: By name.
        offer: The offer.
        channel: The channel.
        strategy: The strategy; empty: none in particular.
    """
    fitting = [one for one in contents.values() if one.carries(offer, channel, strategy)]
    return max(fitting, key=lambda one: (bool(one.strategies), bool(one.offers), one.name), default=None)
