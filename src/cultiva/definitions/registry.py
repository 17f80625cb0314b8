"""What the registry keeps of a workspace: every definition as data, and a name of its content.

Layout, comments, key order and line breaks do not change a content hash; the meaning of every field does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cultiva.definitions.base import Model
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
        "applies",
        "cash_need",
        "protection_need",
    )
)
"""Fields that hold rules or SQL, where a comment means nothing and a quoted text is kept letter by letter."""
_TOKEN = re.compile(r"(?P<quoted>'(?:[^']|'')*'|\"[^\"]*\")|--[^\n]*|/\*.*?\*/|\s+", re.DOTALL)


def definition_bodies(workspace: Workspace) -> dict[tuple[str, str], object]:
    """Every definition as JSON-like data, by kind and name.

    A list segment's body carries the hash of its file, so that a changed list is a changed definition.
    """
    bodies: dict[tuple[str, str], object] = {}
    many: dict[str, Mapping[str, Model]] = {
        "event": workspace.events,
        "tag": workspace.tags,
        "segment": workspace.segments,
        "micro_segmentation": workspace.micro_segmentations,
        "offer": workspace.offers,
        "product": workspace.products,
        "strategy": workspace.strategies,
        "input": {found.name: found for found in workspace.sources.inputs},
        "mapping": {f"{found.table}.{found.name}": found for found in workspace.sources.tables},
    }
    single = {
        "identity": workspace.identity,
        "lifecycle": workspace.lifecycle,
        "value": workspace.value,
        "contact_policy": workspace.policy,
        "review": workspace.review,
        "models": workspace.models,
        "arbitration": workspace.arbitration,
        "map": workspace.map,
    }
    if workspace.products:
        single["fairness"] = workspace.fairness
    if workspace.portfolios is not None:
        single["portfolios"] = workspace.portfolios
    for kind, found in many.items():
        bodies |= {(kind, name): model_body(model) for name, model in found.items()}
    bodies |= {(kind, kind): model_body(model) for kind, model in single.items()}
    for name, segment in workspace.segments.items():
        if segment.list is not None:
            bodies["segment", name] = {**model_body(segment), "list_sha256": _file_hash(workspace.root / segment.list)}
    return bodies


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
    if not isinstance(value, str):
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
