"""The editor of strategies: a form and the YAML of the same definition, and what the bank would be with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from cultiva.definitions.entries import data_of
from cultiva.execution.drafts.draft import DraftKind, NewDraft
from cultiva.kit.errors import CultivaError, Faults
from cultiva.loop.parts import Parts
from cultiva.loop.publishing_definitions import live, proposed

TEXTS = ("owner", "audience", "eligible", "rank", "reason", "holdout_by")
"""Fields that are one text."""
LISTS = ("stages", "tiers", "offers", "channels")
"""Fields that are names in an order that counts."""
NUMBERS = ("holdout", "budget")
DESCRIBED = ("description", "description_en")
"""The description: in Chinese, or in both languages if there is none in English."""
NESTED: Mapping[str, Sequence[str]] = {
    "label": ("zh", "en"),
    "objective": ("metric", "direction", "target"),
    "capacity": ("per", "contacts_max"),
}
"""Fields that are a few fields."""
COUNTED = frozenset({"target", "contacts_max"})
"""Those of them that are numbers."""
DEFAULTS: Mapping[str, Any] = {"eligible": "true", "holdout": 0.1, "holdout_by": "customer", "active": True}
"""What need not be written."""
BEGUN = """\
name: new_strategy
label: { zh: 新策略, en: New strategy }
description: { zh: 做什么用, en: What it is for. }
owner: retail
objective: { metric: average_aum_90d, direction: increase, target: 1000 }
audience: "true"
offers: []
channels: []
rank: "1"
active: false
"""
"""What a new strategy begins with: a draft that takes no part in the plan."""
_NAME = re.compile(r"^name:\s*[\"']?([a-z][a-z0-9_]{0,62})[\"']?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Fields:
    """A definition as the form shows it: every field a text."""

    values: Mapping[str, str]
    chosen: Mapping[str, Sequence[str]]
    """Names in the order that counts: stages, tiers, offers, channels."""


def name_in(body: str) -> str:
    """The name of a definition's text.

    Raises:
        CultivaError: if it has none.

    Examples:
        >>> name_in("name: wealth_upgrade")
        'wealth_upgrade'
    """
    found = _NAME.search(body)
    if found is None:
        raise CultivaError(
            "the definition has no name",
            code="editing.no_name",
            seen=body.strip().splitlines()[0][:80] if body.strip() else "no text",
            allowed="a line `name: small_letters_and_digits`",
            hint="write it as the first line",
        )
    return found[1]


def fields_of(body: str) -> Fields:
    """The form of a definition's text.

    Raises:
        CultivaError: if the text is not one mapping with a name.
    """
    data = data_of(body, name_in(body))
    label, objective, capacity = (_mapping(data.get(name)) for name in ("label", "objective", "capacity"))
    values = {name: _text(data.get(name, DEFAULTS.get(name, ""))) for name in (*TEXTS, *NUMBERS)}
    values |= {"name": _text(data.get("name")), "label_zh": _text(label.get("zh")), "label_en": _text(label.get("en"))}
    values |= dict(zip(DESCRIBED, _described(data), strict=True))
    values |= {f"objective_{name}": _text(objective.get(name, "")) for name in ("metric", "direction", "target")}
    values |= {f"capacity_{name}": _text(capacity.get(name, "")) for name in ("per", "contacts_max")}
    values["active"] = "" if data.get("active", True) is False else "true"
    chosen = {name: [str(one) for one in _listed(data.get(name))] for name in LISTS}
    return Fields(values, chosen)


def merged(body: str, given: Mapping[str, str]) -> str:
    r"""A definition's text with the form's fields in it; what the form has not changed stays letter by letter.

    Args:
        body: The text.
        given: Fields by name; lists as names separated by commas or blanks. What is not given stays.

    Raises:
        CultivaError: if the text is no mapping with a name.

    Examples:
        >>> print(merged("name: a\nlabel: { zh: 甲, en: A }  # mine\noffers: [x]\n", {"offers": "y, x"}), end="")
        name: a
        label: { zh: 甲, en: A }  # mine
        offers: [y, x]
    """
    before, data = fields_of(body), data_of(body, name_in(body))
    changes: dict[str, str | None] = {}
    for name in (*TEXTS, *NUMBERS):
        if name in given and _one_line(given[name]) != _one_line(before.values[name]):
            changes[name] = _scalar(_number(given[name]) if name in NUMBERS else _one_line(given[name]))
    said, told = ([_one_line(source.get(name, before.values[name])) for name in DESCRIBED] for source in ({}, given))
    if told != said:
        changes["description"] = _description(*told)
    for name in LISTS:
        wanted = [one for one in re.split(r"[,，、\s]+", given.get(name, ",".join(before.chosen[name]))) if one]
        if wanted != list(before.chosen[name]):
            changes[name] = f"[{', '.join(wanted)}]" if wanted else None
    for name, keys in NESTED.items():
        inner = {key: given.get(f"{name}_{key}", before.values[f"{name}_{key}"]).strip() for key in keys}
        if any(inner[key] != before.values[f"{name}_{key}"].strip() for key in keys):
            changes[name] = _inline(
                {
                    **_mapping(data.get(name)),
                    **{key: _number(one) if key in COUNTED else one for key, one in inner.items()},
                }
            )
    if "active" in given and given["active"] != before.values["active"]:
        changes["active"] = None if given["active"] else "false"
    return _rewritten(body, changes)


def _rewritten(body: str, changes: Mapping[str, str | None]) -> str:
    """A mapping's text with some of its keys written anew, taken out, or put before the play or at the end."""
    blocks = re.split(r"^(?=[A-Za-z_\"'#])", body.replace("\r\n", "\n"), flags=re.MULTILINE)
    found, made = set[str](), list[str]()
    for block in blocks:
        name = block.partition(":")[0].strip("\"' ")
        if name not in changes:
            made.append(block)
            continue
        found.add(name)
        if changes[name] is not None:
            made.append(f"{name}: {changes[name]}\n")
    new = [f"{name}: {text}\n" for name, text in changes.items() if name not in found and text is not None]
    play = next((place for place, block in enumerate(made) if block.startswith("play:")), len(made))
    return "".join([*made[:play], *new, *made[play:]])


def new_draft(parts: Parts, body: str, remark: str) -> NewDraft:
    """A draft of a strategy on what the workspace's files say of it now."""
    name = name_in(body)
    data_of(body, name)
    now = live(parts, DraftKind.STRATEGY, name)
    return NewDraft(DraftKind.STRATEGY, name, now.file, body, now.text, now.hash, remark)


def parts_with(parts: Parts, body: str) -> Parts:
    """The parts as if the workspace had this definition; nothing is written.

    Raises:
        Faults: if the workspace would have faults with it.
    """
    name = name_in(body)
    workspace, faults = proposed(parts, DraftKind.STRATEGY, name, body)
    if workspace is None:
        raise Faults([one for one in faults if not one.warning], what=f"the workspace with strategy {name}")
    return replace(parts, workspace=replace(workspace, settings=parts.workspace.settings))


def _inline(value: Mapping[str, Any]) -> str | None:
    """A mapping on one line, without what is empty; a capacity of nobody is none."""
    lean = {name: one for name, one in value.items() if one not in (None, "")}
    if not lean or ("per" in value and not value["per"]):
        return None
    return f"{{ {', '.join(f'{name}: {_scalar(one)}' for name, one in lean.items())} }}"


def _scalar(value: Any) -> str | None:
    """A value on one line as YAML has it; None for nothing."""
    if value is None or value == "":
        return None
    text: str = yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=10_000)
    return text.strip()[1:-1]


def _described(data: Mapping[str, Any]) -> tuple[str, str]:
    """A description in Chinese and in English; one that is the same in both stands first."""
    found = data.get("description", "")
    return (_text(found.get("zh")), _text(found.get("en"))) if isinstance(found, dict) else (_text(found), "")


def _description(zh: str, en: str) -> str | None:
    return _inline({"zh": zh, "en": en}) if zh and en and zh != en else _scalar(zh or en)


def _number(text: str) -> Any:
    """A number as YAML has it; what is none stays a text, so that the check says so."""
    shown = text.strip().replace(",", "")
    if not shown:
        return None
    if not re.fullmatch(r"-?\d+(\.\d+)?", shown):
        return text.strip()
    return float(shown) if "." in shown else int(shown)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
