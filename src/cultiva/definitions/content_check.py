"""Checking content: every template is read and tried on a made-up customer, every fault given its place in the file."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from cultiva.definitions.content import FIELDS, NEEDED, Content, Form, Wording, limit_of
from cultiva.definitions.content_facts import Vocabulary, vocabulary
from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft, Origin
from cultiva.definitions.references import shortened
from cultiva.definitions.templates.errors import FillError, TemplateError, TemplateFault
from cultiva.definitions.templates.language import Template, read_template
from cultiva.definitions.templates.places import html_faults
from cultiva.definitions.templates.values import LINKS
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault, did_you_mean
from cultiva.kit.sms import sms_length

_TARGET = re.compile(r"[a-z][a-z0-9.+-]*://[^\s{/?#]+([/?#]|$)")
TOKEN_CHARACTERS = 45
"""Characters of a link after its address, about."""


def check_content(draft: Draft) -> Iterator[Fault]:
    """Faults and doubts of content."""
    workspace = draft.workspace
    words = vocabulary(workspace)
    for content in workspace.contents.values():
        origin = draft.origin("content", content.name)
        yield from _reference_faults(draft, content, origin)
        yield from _language_faults(workspace, content, origin)
        for language, translation in content.languages.items():
            loc: Loc = ("languages", language)
            yield from _Check(draft, content, language, words, origin).wording(translation, loc)
            instead = translation.instead()
            if translation.fallback is not None and instead is not None:
                check = _Check(draft, content, language, words, origin, fallback=True)
                yield from check.wording(translation.fallback, (*loc, "fallback"), whole=instead)
    yield from _gaps(draft)


def _reference_faults(draft: Draft, content: Content, origin: Origin) -> Iterator[Fault]:
    workspace = draft.workspace
    known = {
        "offers": ("offer", "offer", [*workspace.offers, *workspace.products]),
        "channels": ("channel", "contact_policy", [one.name for one in workspace.policy.channels]),
        "strategies": ("strategy", "strategy", list(workspace.strategies)),
    }
    for field, (what, kind, names) in known.items():
        for index, name in enumerate(getattr(content, field)):
            if name in names or draft.is_doubtful(kind, name):
                continue
            message, hint = f"unknown {what} '{name}'", did_you_mean(name, names)
            allowed = shortened(sorted(names))
            yield origin.fault((field, index), f"unknown_{what}", message, seen=name, allowed=allowed, hint=hint)


def _language_faults(workspace: Workspace, content: Content, origin: Origin) -> Iterator[Fault]:
    own = workspace.settings.language
    for language in ("zh", "en"):
        if language in content.languages:
            continue
        message = f"'{content.name}' is not written in {language}"
        said = "; the bank's own language" if language == own else f"; such customers get it in {own}"
        yield origin.fault(
            ("languages",),
            "missing_language",
            message + said,
            on_key=True,
            seen=", ".join(content.languages),
            allowed="zh and en",
            hint=f"add {language}: under languages",
            warning=language != own,
        )


@dataclass(frozen=True)
class _Check:
    """Checks one wording."""

    draft: Draft
    content: Content
    language: str
    words: Vocabulary
    origin: Origin
    fallback: bool = False

    def wording(self, wording: Wording, loc: Loc, *, whole: Wording | None = None) -> Iterator[Fault]:
        """Faults of a wording; `whole` is it with what it takes over from elsewhere."""
        form = self.content.form
        written = dict(wording.templates())
        for field in set(written) - {*FIELDS[form], "url"}:
            allowed, message = ", ".join((*FIELDS[form], "url")), f"a content of form {form.value} has no {field}"
            yield self.origin.fault((*loc, field), "form_field", message, on_key=True, seen=field, allowed=allowed)
        for field in NEEDED[form]:
            if field not in dict((whole or wording).templates()):
                message = f"a content of form {form.value} needs a {field}"
                yield self.origin.fault(loc, "form_field", message, on_key=True, allowed=", ".join(NEEDED[form]))
        used: set[str] = set()
        sound = True
        for field, text in written.items():
            if field not in {*FIELDS[form], "url"}:
                continue
            template = yield from self._template((*loc, field), text, html=field == "html")
            sound = sound and template is not None
            used |= template.names if template is not None else set()
        if sound and not self.fallback:
            yield from self._doubts(written, used, loc)

    def _template(self, loc: Loc, text: str, *, html: bool) -> Generator[Fault, None, Template | None]:
        """Faults of one template; returns it if it is sound."""
        currency = self.draft.workspace.settings.currency
        try:
            template = read_template(text, language=self.language, currency=currency, html=html)
        except TemplateError as error:
            yield self._fault(loc, text, error.fault)
            return None
        faults = [*self._name_faults(template), *(html_faults(text) if html else ())]
        if loc[-1] == "url" and not _TARGET.match(text):
            message, allowed = "a url names its host itself, before any value", "https://host/..."
            faults.append(TemplateFault(0, "url_host", message, text[:60], allowed))
        faults = faults or list(self._tried(template, str(loc[-1])))
        yield from (self._fault(loc, text, fault) for fault in faults)
        return None if faults else template

    def _name_faults(self, template: Template) -> Iterator[TemplateFault]:
        known = self.words.known()
        for use in template.uses:
            name, found = ".".join(use.path), ".".join(use.path[:2])
            if found in known or (len(use.path) > 1 and self.draft.is_doubtful("tag", use.path[1])):
                continue
            message, hint = f"unknown name '{name}'", did_you_mean(name, known)
            yield TemplateFault(use.index, "unknown_name", message, name, shortened(sorted(known)), hint)
        links = [use for use in template.uses if use.path[0] in LINKS]
        if len(links) > template.bare:
            name = links[0].path[0]
            message, allowed = f"'{name}' takes no filter and stands in no condition", f"{{{{ {name} }}}}"
            yield TemplateFault(links[0].index, "link_use", message, name, allowed, "print it as it is")

    def _tried(self, template: Template, field: str) -> Iterator[TemplateFault]:
        """What goes wrong for a made-up customer of whom everything is known; of a fallback: nothing."""
        facts = self.words.sample(self.language)
        if self.fallback:
            facts |= {"customer": {}, "adviser": {}, "branch": {}}
        try:
            text = template.fill(facts)
        except FillError as error:
            what = "the fallback needs a value itself" if self.fallback else "it does not work for a made-up customer"
            message = f"{what}: {error.reason.replace('_', ' ')}"
            yield TemplateFault(0, "template_values", message, error.about, error.allowed, error.hint)
            return
        most = limit_of(self.content.form, field)
        if len(text) > most:
            seen, allowed = f"about {len(text)} characters", f"at most {most}"
            yield TemplateFault(0, "too_long", f"the {field} is too long", seen, allowed, "shorten it")

    def _fault(self, loc: Loc, text: str, found: TemplateFault) -> Fault:
        line, column = self.origin.text_place(loc, *found.place(text))
        code, file = f"definitions.{found.code}", self.origin.document.file
        return Fault(file, line, column, code, found.message, found.seen, found.allowed, found.hint)

    def _doubts(self, written: dict[str, str], used: set[str], loc: Loc) -> Iterator[Fault]:
        if "link" in used and "url" not in written:
            message, hint = "{{ link }} leads nowhere", "add url: the address that it leads to"
            yield self.origin.fault(loc, "link_use", message, on_key=True, allowed="a link with a url", hint=hint)
        if self.content.form is Form.EMAIL and not self.content.service and "unsubscribe" not in used:
            message, hint = "an e-mail of marketing says how to unsubscribe", "add {{ unsubscribe }} to text and html"
            yield self._doubt((*loc, "text"), "no_unsubscribe", message, "", hint)
        if self.content.form is Form.SMS:
            yield from self._sms_doubts(written["text"], (*loc, "text"))

    def _sms_doubts(self, text: str, loc: Loc) -> Iterator[Fault]:
        sender = self.draft.workspace.sender
        facts = self.words.sample(self.language)
        filled = read_template(text, language=self.language, currency=self.draft.workspace.settings.currency).fill(
            facts
        )
        for sign in LINKS.values():
            filled = filled.replace(sign, sender.links + "/l/" + "x" * TOKEN_CHARACTERS)
        length = sms_length(filled)
        if length.parts > sender.sms_parts_max:
            seen = f"about {length.places} places, {length.parts} parts"
            allowed = f"{sender.sms_parts_max} parts (sms_parts_max in sender.yaml)"
            yield self._doubt(loc, "sms_length", "the text message is long", seen, "shorten it", allowed)
        if self.language == "zh" and not (filled.startswith("【") or filled.endswith("】")):
            hint = "begin with 【{{ bank.name }}】"
            yield self._doubt(loc, "sms_signature", "the text message is not signed", filled[:20], hint)
        opt_out = self.words.bank[self.language].get("opt_out", "")
        if not self.content.service and opt_out not in filled:
            message = "a text message of marketing says how to refuse more of them"
            yield self._doubt(loc, "sms_opt_out", message, "", "end with {{ bank.opt_out }}", opt_out)

    def _doubt(self, loc: Loc, code: str, message: str, seen: str, hint: str, allowed: str = "") -> Fault:
        return self.origin.fault(loc, code, message, seen=seen, allowed=allowed, hint=hint, warning=True)


def _gaps(draft: Draft) -> Iterator[Fault]:
    """Offers of active strategies that a machine would send without words."""
    workspace = draft.workspace
    if not workspace.contents:
        return
    messages = {one.name for one in workspace.policy.channels if one.kind == "message"}
    for strategy in workspace.strategies.values():
        for index, channel in enumerate(strategy.channels if strategy.active else ()):
            offers = [workspace.offers[name] for name in strategy.offers if name in workspace.offers]
            carried = [one.name for one in offers if not one.channels or channel in one.channels]
            silent = [
                name
                for name in carried
                if not any(one.carries(name, channel, strategy.name) for one in workspace.contents.values())
            ]
            if channel in messages and silent and not draft.is_doubtful("content", ""):
                yield draft.origin("strategy", strategy.name).fault(
                    ("channels", index),
                    "no_content",
                    f"nothing is written for {', '.join(silent)} over {channel}",
                    seen=channel,
                    hint="write it in content/, or leave the channel out",
                    warning=True,
                )
