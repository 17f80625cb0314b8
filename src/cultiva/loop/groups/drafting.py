"""Drafts of groups: from the fields of a form to YAML, and whom a proposed rule would bring in and send away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from cultiva.contracts.sight import Sight
from cultiva.definitions.entries import data_of
from cultiva.definitions.segments import Purpose, Segment
from cultiva.execution.drafts.draft import Draft, DraftKind, NewDraft
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.parts import Parts
from cultiva.loop.publishing_definitions import live
from cultiva.loop.questions import CountAnswer, count

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
TAKEN = frozenset({"new", "try", "micro", "check", "build", "save", "drafts"})
"""Names that pages of the console have."""


@dataclass(frozen=True)
class GroupForm:
    """What the editor's fields say."""

    name: str
    label_zh: str = ""
    label_en: str = ""
    description: str = ""
    owner: str = ""
    purpose: str = Purpose.MARKETING.value
    rule: str = ""
    remark: str = ""


class _Lines(str):
    """A text that is written as a block."""


class _Inline(dict[str, str]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes definitions as people do."""


_Dumper.add_representer(_Lines, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), "|"))
_Dumper.add_representer(_Inline, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, True))


def body_of(form: GroupForm) -> str:
    r"""The definition of a group as YAML.

    Examples:
        >>> print(body_of(GroupForm("silver", "银发", "Silver", owner="retail", rule="age >= 60")), end="")
        name: silver
        label: {zh: 银发, en: Silver}
        owner: retail
        purpose: marketing
        rule: age >= 60
    """
    rule = "\n".join(line.rstrip() for line in form.rule.replace("\r\n", "\n").strip().split("\n"))
    fields: dict[str, Any] = {
        "name": form.name,
        "label": _Inline(zh=form.label_zh.strip(), en=form.label_en.strip()),
        "description": " ".join(form.description.split()),
        "owner": form.owner.strip(),
        "purpose": form.purpose,
        "rule": _Lines(rule) if "\n" in rule else rule,
    }
    given = {name: value for name, value in fields.items() if value}
    return yaml.dump(given, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


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
    return GroupForm(
        found.name, found.label.zh, found.label.en, found.description, found.owner, found.purpose.value, found.rule,
        remark,
    )  # fmt: skip


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
    return NewDraft(DraftKind.SEGMENT, form.name, now.file, body_of(form), text, hashed, form.remark.strip())


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
