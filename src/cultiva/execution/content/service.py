"""Rendering: a content and customers become messages, each with its own links, or a reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cultiva.definitions.content import Content, Form, chosen
from cultiva.definitions.offers import Offer
from cultiva.definitions.templates.errors import FillError
from cultiva.definitions.templates.values import LINKS
from cultiva.definitions.workspace import Workspace
from cultiva.execution.content.facts import Needs, cleaned
from cultiva.execution.content.links import LinkKind, Links
from cultiva.execution.content.said import Said, too_long_for_sms
from cultiva.kit.errors import CultivaError
from cultiva.kit.words import say

if TYPE_CHECKING:
    import polars as pl

KEPT_MAX = 20_000
"""Most different wordings that a batch keeps, to use them again for customers with the same values."""
_KINDS = {"link": LinkKind.CLICK, "unsubscribe": LinkKind.UNSUBSCRIBE}


@dataclass(frozen=True, slots=True)
class Rendered:
    """One message, ready to go."""

    content: Mapping[str, str]
    """For `delivery.content` and `Message.content`: text, and where written subject, title, html; url and target where
    it has a link: the address to click and where that leads; unsubscribe for marketing."""
    language: str
    """In which it is written."""
    fallback: bool = False
    """Whether the fallback is said because a value is missing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one customer gets no message."""

    reason: str
    """missing_value, bad_value, too_long, too_much_work, no_language."""
    about: str
    """The name, field or filter that it is about; never a customer's value."""


@dataclass(frozen=True)
class _Ready:
    """A content in one language for one offer."""

    first: Said
    instead: Said | None
    common: Mapping[str, Any]
    needs: Needs
    language: str

    def fill(self, facts: Mapping[str, Any]) -> tuple[dict[str, str], Said, bool]:
        """Filled fields, what they were filled from, and whether that is the fallback.

        Raises:
            FillError: if neither works.
        """
        everything = {**facts, **self.common}
        try:
            return self.first.fill(everything), self.first, False
        except FillError as error:
            if error.reason != "missing_value" or self.instead is None:
                raise
        return self.instead.fill(everything), self.instead, True


_Kept = tuple[_Ready, tuple[dict[str, str], Said, bool]]


class Renderer:
    """Renders content of a workspace.

    Args:
        workspace: Says offers, the sender, the currency and the bank's own language.
        links: Signs the links.
    """

    def __init__(self, workspace: Workspace, links: Links) -> None:
        self.workspace = workspace
        self.links = links
        self._ready = lru_cache(maxsize=1024)(self._read)
        self._contents: dict[str, Content] = {}

    def content_for(self, offer: str, channel: str, strategy: str = "") -> Content | None:
        """The content for an offer over a channel, as the workspace says today."""
        return chosen(self.workspace.contents, offer, channel, strategy)

    def needs(self, content: Content) -> Needs:
        """What a content needs to know of its customers, in all its languages together."""
        found = Needs(())
        for language in content.languages:
            found |= self._of(content, language, "").needs
        return found

    def render(
        self, content: Content, language: str, facts: Mapping[str, Any], *, delivery_id: str, offer: str = ""
    ) -> Rendered | Failure:
        """The message for one customer.

        Args:
            content: What is said.
            language: The customer's; where the content does not speak it, the bank's own is used.
            facts: `{"customer": {tag: value}, "adviser": {...}, "branch": {...}}`; what is missing may be left out.
            delivery_id: For the links.
            offer: Name of the offer; empty: the first that the content speaks of.
        """
        try:
            ready = self._of(content, language, offer)
            filled = ready.fill({"customer": {}, "adviser": {}, "branch": {}, **cleaned(facts)})
            return self._linked(ready, filled, delivery_id)
        except FillError as error:
            return Failure(error.reason, error.about)

    def render_many(self, frame: pl.DataFrame, content: Content, *, offer: str = "") -> list[Rendered | Failure]:
        """Messages for many customers, in the order of the rows; one that fails stops nobody else.

        Customers with the same values are rendered once; only the links are each one's own.

        Args:
            frame: A row per delivery: `delivery_id`, `language` (else the bank's own), `offer` (else the argument),
                and a column for each of `needs(content).names`; a tag's may be called by the tag alone.
            content: What is said.
            offer: Name of the offer, where the frame does not say; empty: the first that the content speaks of.

        Raises:
            CultivaError: if a column is missing.
        """
        own = self.workspace.settings.language
        deliveries = _column(frame, "delivery_id", None)
        languages, offers = _column(frame, "language", own), _column(frame, "offer", offer)
        needs = self.needs(content)
        kept: dict[Any, _Kept | Failure] = {}
        made: list[Rendered | Failure] = []
        for delivery_id, language, about, row in zip(deliveries, languages, offers, needs.rows(frame), strict=True):
            key = (language, about, row)
            known = kept.get(key)
            if known is None:
                known = self._filled(content, language or own, about or "", needs.facts(row))
                if len(kept) < KEPT_MAX:
                    kept[key] = known
            made.append(known if isinstance(known, Failure) else self._finish(known, str(delivery_id)))
        return made

    def _filled(self, content: Content, language: str, offer: str, facts: Mapping[str, Any]) -> _Kept | Failure:
        try:
            ready = self._of(content, language, offer)
            return ready, ready.fill(facts)
        except FillError as error:
            return Failure(error.reason, error.about)

    def _finish(self, known: _Kept, delivery_id: str) -> Rendered | Failure:
        try:
            return self._linked(known[0], known[1], delivery_id)
        except FillError as error:
            return Failure(error.reason, error.about)

    def _linked(self, ready: _Ready, filled: tuple[dict[str, str], Said, bool], delivery_id: str) -> Rendered:
        fields, said, fallback = filled
        urls = {name: self.links.url(_KINDS[name], delivery_id) for name in said.links}
        content = {
            field: text if not said.linked[field] else _with_links(text, urls)
            for field, text in fields.items()
            if field != "url"
        }
        if "url" in fields:
            content |= {"url": urls["link"], "target": fields["url"]}
        if "unsubscribe" in urls:
            content["unsubscribe"] = urls["unsubscribe"]
        if said.content.form is Form.SMS and too_long_for_sms(content["text"]):
            raise FillError("too_long", "text")
        return Rendered(content, ready.language, fallback)

    def _of(self, content: Content, language: str, offer: str) -> _Ready:
        """A content in a language, or in the bank's own.

        Raises:
            FillError: if it speaks neither, or there is no such offer.
        """
        known = self._contents.setdefault(content.name, content)
        if known is not content and known != content:
            self._contents[content.name] = content
            self._ready.cache_clear()
        return self._ready(content.name, language, offer or next(iter(content.offers), ""))

    def _read(self, name: str, language: str, offer: str) -> _Ready:
        content, settings = self._contents[name], self.workspace.settings
        spoken = next((one for one in (language, settings.language) if one in content.languages), None)
        if spoken is None:
            raise FillError("no_language", language)
        translation = content.languages[spoken]
        first = Said.of(content, translation, language=spoken, currency=settings.currency)
        other = translation.instead()
        instead = Said.of(content, other, language=spoken, currency=settings.currency) if other else None
        common = {**LINKS, "bank": self.workspace.sender.facts(spoken), "offer": self._offer(offer, spoken)}
        needs = Needs.of(first.names | (instead.names if instead else frozenset()))
        return _Ready(first, instead, common, needs, spoken)

    def _offer(self, name: str, language: str) -> dict[str, Any]:
        offer: Offer | None = self.workspace.offers.get(name)
        if offer is None:
            return {}
        return cleaned({"name": say(offer.label, language), "category": offer.category, "price": offer.price})


def _with_links(text: str, urls: Mapping[str, str]) -> str:
    for name, url in urls.items():
        text = text.replace(LINKS[name], url)
    return text


def _column(frame: pl.DataFrame, name: str, otherwise: Any) -> list[Any]:
    if name in frame.columns:
        return frame[name].to_list()
    if otherwise is None:
        raise CultivaError(
            f"the deliveries have no column {name}",
            code="content.no_column",
            seen=", ".join(frame.columns),
            allowed=name,
        )
    return [otherwise] * frame.height
