"""What the registry keeps of a workspace: every definition as data, and a name of its content.

Layout, comments, key order and line breaks do not change a content hash; the meaning of every field does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cultiva.definitions.approval import Approval
from cultiva.definitions.base import Model
from cultiva.definitions.calendar import BankCalendar
from cultiva.definitions.files import FILE_KINDS
from cultiva.definitions.workspace import Workspace
from cultiva.kit.hashing import content_hash

RULE_FIELDS = frozenset(
    (
        "rule",
        "expression",
        "value",
        "where",
        "eligible",
        "audience",
        "rank",
        "margin",
        "chance",
        "relationship",
        "activity",
        "select",
        "applicable",
        "when",
        "applies",
        "cash_need",
        "protection_need",
        "still",
        "worth",
    )
)
"""Fields that hold rules or SQL, where a comment means nothing and a quoted text is kept letter by letter."""
_TOKEN = re.compile(r"(?P<quoted>'(?:[^']|'')*'|\"[^\"]*\")|--[^\n]*|/\*.*?\*/|\s+", re.DOTALL)


MANY = {
    "event": "events",
    "tag": "tags",
    "segment": "segments",
    "micro_segmentation": "micro_segmentations",
    "offer": "offers",
    "product": "products",
    "provider": "providers",
    "strategy": "strategies",
    "content": "contents",
    "trigger": "triggers",
}
"""Kind of definition -> the workspace's mapping of them by name."""
SINGLE = {
    "identity": "identity",
    "lifecycle": "lifecycle",
    "value": "value",
    "contact_policy": "policy",
    "sender": "sender",
    "review": "review",
    "models": "models",
    "approval": "approval",
    "arbitration": "arbitration",
    "placements": "placements",
    "calendar": "calendar",
    "map": "map",
    "fairness": "fairness",
    "portfolios": "portfolios",
    "workbench": "workbench",
}
"""Kind of which there is one definition -> the workspace's attribute."""
TEMPLATE_FIELDS = frozenset({"text", "html"})
"""Fields whose line breaks are read by customers."""
LIST_HASH = "list_sha256"
"""Beside the body of a list segment: the hash of its file."""


def definition_bodies(workspace: Workspace) -> dict[tuple[str, str], object]:
    """Every definition as JSON-like data, by kind and name.

    A list segment's body carries the hash of its file, so that a changed list is a changed definition.
    """
    many: dict[str, Mapping[str, Model]] = {kind: getattr(workspace, attribute) for kind, attribute in MANY.items()}
    many["input"] = {found.name: found for found in workspace.sources.inputs}
    many["mapping"] = {f"{found.table}.{found.name}": found for found in workspace.sources.tables}
    single: dict[str, Model | None] = {kind: getattr(workspace, attribute) for kind, attribute in SINGLE.items()}
    if not workspace.products:
        single.pop("fairness")
    if workspace.approval == Approval():
        single.pop("approval")
    if workspace.calendar == BankCalendar():
        single.pop("calendar")
    bodies: dict[tuple[str, str], object] = {}
    for kind, found in many.items():
        bodies |= {(kind, name): model_body(model) for name, model in found.items()}
    bodies |= {(kind, kind): model_body(model) for kind, model in single.items() if model is not None}
    for name, segment in workspace.segments.items():
        if segment.list is not None:
            bodies["segment", name] = {**model_body(segment), LIST_HASH: _file_hash(workspace.root / segment.list)}
    return bodies


def restored(workspace: Workspace, bodies: Mapping[tuple[str, str], object]) -> Workspace:
    """The workspace with the definitions of an earlier version; its folder, settings and sources are today's.

    Args:
        workspace: As it stands now.
        bodies: Definitions of the earlier version, from the registry.

    Returns:
        All definitions but `input` and `mapping`, which say where deliveries lie.
    """
    models = {kind.kind: kind.model for kind in FILE_KINDS}
    found: dict[str, Any] = {}
    for kind, attribute in MANY.items():
        mine = {name: body for (which, name), body in bodies.items() if which == kind}
        found[attribute] = {name: models[kind].model_validate(_bare(body)) for name, body in mine.items()}
    for kind, attribute in SINGLE.items():
        if (kind, kind) in bodies:
            found[attribute] = models[kind].model_validate(bodies[kind, kind])
    return replace(workspace, **found, bodies=dict(bodies))


def _bare(body: object) -> object:
    """A body without what the registry adds."""
    return {key: value for key, value in body.items() if key != LIST_HASH} if isinstance(body, dict) else body


def definition_hashes(bodies: Mapping[tuple[str, str], object]) -> dict[tuple[str, str], str]:
    """The content hash of every definition, independent of how it is laid out."""
    return {key: content_hash(_plain(body)) for key, body in bodies.items()}


def model_body(model: Model) -> dict[str, Any]:
    """A definition as JSON-like data."""
    return model.model_dump(mode="json", by_alias=True)


def _plain(value: object, name: str = "") -> object:
    """The same data with texts on one line."""
    if isinstance(value, dict):
        return {key: _plain(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, name) for item in value]
    if not isinstance(value, str) or name in TEMPLATE_FIELDS:
        return value
    return _plain_rule(value) if name in RULE_FIELDS else " ".join(value.split())


def _plain_rule(text: str) -> str:
    r"""A rule without comments and line breaks; what is quoted stays as it is.

    Examples:
        >>> _plain_rule("aum >= 5 -- much\n  and name = 'a  b'")
        "aum >= 5 and name = 'a  b'"
    """
    bare = _TOKEN.sub(lambda found: found["quoted"] or " ", text)
    return _TOKEN.sub(lambda found: found["quoted"] or " ", bare).strip()


def _file_hash(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
