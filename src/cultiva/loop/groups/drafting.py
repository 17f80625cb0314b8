"""Drafts of groups: from the fields of a form to YAML, and whom a proposed rule would bring in and send away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from cultiva.contracts.sight import Sight
from cultiva.definitions.document import read_document
from cultiva.definitions.entries import data_of
from cultiva.definitions.segments import Purpose, Segment
from cultiva.execution.drafts.draft import Draft, DraftKind, NewDraft
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.parts import Parts
from cultiva.loop.publishing_definitions import live
from cultiva.loop.questions import CountAnswer, count

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PLAIN = re.compile(r"\w[\w ()（）/·+-]{0,60}")
"""Texts that YAML reads the same within braces."""
TAKEN = frozenset({"new", "try", "micro", "check", "build", "save", "drafts"})
"""Names that pages of the console have."""


@dataclass(frozen=True)
class GroupForm:
    """What the editor's fields say."""

    name: str
    label_zh: str = ""
    label_en: str = ""
    description: str = ""
    """In Chinese; in both languages if there is none in English."""
    description_en: str = ""
    owner: str = ""
    purpose: str = Purpose.MARKETING.value
    rule: str = ""
    remark: str = ""


class _Lines(str):
    """A text that is written as a block."""


class _Dumper(yaml.SafeDumper):
    """Writes definitions as people do."""


_Dumper.add_representer(_Lines, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), "|"))


def body_of(form: GroupForm, base: str = "") -> str:
    r"""The definition of a group as YAML.

    Args:
        form: What it says.
        base: The definition that is changed; what stays the same keeps its layout and comments. Empty: a new one.

    Examples:
        >>> print(body_of(GroupForm("silver", "银发", "Silver", owner="retail", rule="age >= 60")), end="")
        name: silver
        label: { zh: 银发, en: Silver }
        owner: retail
        purpose: marketing
        rule: age >= 60
    """
    wanted = _fields(form)
    known = data_of(base, form.name) if base else {}
    lines = _field_lines(base) if base else {}
    texts = {name: "".join(found) for name, found in lines.items() if known[name] == wanted.get(name, known[name])}
    order = [*known, *(name for name in wanted if name not in known)]
    kept = [name for name in order if name in wanted or name not in FIELDS]
    return "".join(texts.get(name) or _written(name, wanted[name]) for name in kept)


FIELDS = ("name", "label", "description", "owner", "purpose", "rule")
"""What the editor changes; others stay as they are."""


def _fields(form: GroupForm) -> dict[str, Any]:
    rule = "\n".join(line.rstrip() for line in form.rule.replace("\r\n", "\n").strip().split("\n"))
    values = ({"zh": form.label_zh.strip(), "en": form.label_en.strip()}, _description(form))
    fields = zip(FIELDS, (form.name, *values, form.owner.strip(), form.purpose, rule), strict=True)
    return {name: value for name, value in fields if value}


def _description(form: GroupForm) -> str | dict[str, str]:
    zh, en = (" ".join(text.split()) for text in (form.description, form.description_en))
    return {"zh": zh, "en": en} if zh and en and zh != en else zh or en


def _written(name: str, value: Any) -> str:
    """A field as YAML."""
    if isinstance(value, dict):
        said = {key: _written(key, text).rstrip("\n") for key, text in value.items()}
        inline = all(_PLAIN.fullmatch(text) for text in value.values())
        if inline:
            return f"{name}: {{ {', '.join(said.values())} }}\n"
    shown = _Lines(value) if isinstance(value, str) and "\n" in value else value
    return str(yaml.dump({name: shown}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def _field_lines(base: str) -> dict[str, list[str]]:
    """The lines of each field of a definition's text, with the comments that stand below them."""
    document, _ = read_document("", base.encode())
    assert document is not None, "it was read a moment ago"
    lines = base.splitlines(keepends=True)
    begins = sorted((spot.key[0] - 1, str(loc[0])) for loc, spot in document.spots.items() if len(loc) == 1)
    ends = [*(begin for begin, _ in begins[1:]), len(lines)]
    return {name: lines[begin:end] for (begin, name), end in zip(begins, ends, strict=True)}


def form_of(body: str, name: str, *, remark: str = "") -> GroupForm:
    """What the editor's fields say of a definition's text.

    Raises:
        CultivaError: if it is not the definition of a group by rule.
    """
    found = Segment.model_validate(data_of(body, name))
    if found.rule is None:
        raise CultivaError(
            "this group is a list, not a rule",
            code="groups.is_list",
            kind=ErrorKind.CONFLICT,
            seen=name,
            allowed="a group by rule",
            hint=f"change the file {found.list} in the workspace",
        )
    about = (
        (found.description, "") if isinstance(found.description, str) else (found.description.zh, found.description.en)
    )
    return GroupForm(
        found.name, found.label.zh, found.label.en, *about, found.owner, found.purpose.value, found.rule, remark
    )


def live_form(parts: Parts, name: str) -> GroupForm:
    """The editor's fields for a group as its file says now; those of a new one if there is none.

    Raises:
        CultivaError: if it is a list.
    """
    now = live(parts, DraftKind.SEGMENT, name)
    return form_of(now.text, name) if now.text else GroupForm(name)


def new_draft(parts: Parts, form: GroupForm, base: Draft | None = None) -> NewDraft:
    """The proposal that a form makes, on the definition as its file says now.

    Args:
        parts: Of the workspace.
        form: As sent.
        base: The draft that is amended; it stays on its own base, so that a change in the file stays a conflict. None:
            a new draft.

    Raises:
        CultivaError: if the name is none, or a label is missing.
    """
    if (
        not _NAME.fullmatch(form.name)
        or form.name in TAKEN
        or not form.label_zh.strip()
        or not form.label_en.strip()
        or not form.rule.strip()
    ):
        raise CultivaError(
            "a group needs a name, a label in both languages and a rule",
            code="groups.incomplete",
            seen=form.name[:63],
            allowed="lower case letters, digits and underscores, beginning with a letter",
            hint="fill in what is missing",
        )
    now = live(parts, DraftKind.SEGMENT, form.name)
    text, hashed = (now.text, now.hash) if base is None else (base.base_text, base.base_hash)
    return NewDraft(DraftKind.SEGMENT, form.name, now.file, body_of(form, text), text, hashed, form.remark.strip())


@dataclass(frozen=True)
class Exchange:
    """How a proposed rule differs from another in people."""

    before: CountAnswer
    after: CountAnswer
    joining: CountAnswer
    """In the proposed group and not in the other."""
    leaving: CountAnswer
    """The other way round."""


def exchange(parts: Parts, before: str, after: str, on: date, *, sight: Sight) -> Exchange:
    """Counts both rules and what they do not share, in sight.

    Args:
        parts: Of the workspace, with the engine.
        before: A rule.
        after: Another.
        on: Business date of a run.
        sight: Of whoever asks.

    Raises:
        RuleErrors: if one has faults.
    """
    texts = (before, after, _but_not(after, before), _but_not(before, after))
    return Exchange(*(count(parts, text, on, sight=sight) for text in texts))


def _but_not(one: str, other: str) -> str:
    """True where a rule is and another is not; a comment at a rule's end ends with its line."""
    return f"case when ({other}\n) then false else ({one}\n) end"
