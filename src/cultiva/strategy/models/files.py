"""Models as files: what was learnt, a card that says of what, and a name made of the content."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa

from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Files, Written
from cultiva.kit.errors import CultivaError, ErrorKind

CARD, MODEL = "card.json", "model.json"
FOLDER = "files"
"""Beside the table: the same files for people to open."""


class Role(StrEnum):
    """What a model is for."""

    CHAMPION = "champion"
    """In use."""
    CHALLENGER = "challenger"
    """Tried, and not better than the one in use."""


@dataclass(frozen=True)
class StoredModel:
    """A model as files."""

    kind: str
    """`effect`, `response`, ..."""
    role: Role
    data: Mapping[str, Any]
    """What scoring reads, beside the trees: `model.json`."""
    boosters: tuple[str, ...]
    """The trees, as LightGBM's texts: `booster-0.txt`, ..."""
    card: Mapping[str, Any]
    """What it was learnt from, and how good it is: `card.json`."""

    @property
    def id(self) -> str:
        """Kind and content hash: the same trees and numbers have the same name."""
        digest = hashlib.sha256()
        for text in (_json(self.data), *self.boosters):
            digest.update(hashlib.sha256(text.encode()).digest())
        return f"{self.kind}-{digest.hexdigest()[:12]}"

    def contents(self) -> dict[str, str]:
        """File name -> text."""
        trees = {f"booster-{place}.txt": text for place, text in enumerate(self.boosters)}
        return {MODEL: _json(self.data), **trees, CARD: _json({**self.card, "id": self.id})}

    def in_role(self, role: Role) -> StoredModel:
        """The same model with another role."""
        return replace(self, role=role)


def write_models(models: Iterable[StoredModel], folder: Path) -> Written:
    """Writes the lake table `model`: one row per file, and the files themselves beside it in `files/<id>/`.

    Args:
        models: At most one champion of a kind.
        folder: New folder.
    """
    rows: list[dict[str, str]] = []
    for one in models:
        for name, text in one.contents().items():
            rows.append({"kind": one.kind, "model": one.id, "role": one.role.value, "file": name,
                         "sha256": _sha(text), "content": text})  # fmt: skip
    names = ("kind", "model", "role", "file", "sha256", "content")
    table = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names})
    written = write_arrow(table, folder)
    for row in rows:
        place = folder / FOLDER / row["model"] / row["file"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(row["content"], encoding="utf-8")
    return written


def read_models(files: Files) -> tuple[StoredModel, ...]:
    """Every model of the lake table `model`; none if there is no such table.

    Raises:
        CultivaError: if a file is not what it was when it was written.
    """
    if not files:
        return ()
    import pyarrow.parquet as pq

    rows = [row for part in part_files(files) for row in pq.read_table(part).to_pylist()]
    by: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        if _sha(row["content"]) != row["sha256"]:
            raise _changed(row["model"], row["file"])
        by.setdefault((row["kind"], row["model"], row["role"]), {})[row["file"]] = row["content"]
    return tuple(_model(kind, Role(role), name, found) for (kind, name, role), found in by.items())


def champions(models: Sequence[StoredModel]) -> dict[str, StoredModel]:
    """The models in use, by kind."""
    return {one.kind: one for one in models if one.role is Role.CHAMPION}


def _model(kind: str, role: Role, name: str, found: Mapping[str, str]) -> StoredModel:
    trees = sorted((file for file in found if file.startswith("booster-")), key=lambda file: int(file[8:-4]))
    card = {key: value for key, value in json.loads(found[CARD]).items() if key != "id"}
    model = StoredModel(kind, role, json.loads(found[MODEL]), tuple(found[file] for file in trees), card)
    if model.id != name:
        raise _changed(name, MODEL)
    return model


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(_finite(data), ensure_ascii=False, indent=1, default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    """The same with null for what is no number: JSON has neither NaN nor infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _changed(model: str, file: str) -> CultivaError:
    return CultivaError(
        "a model's file is not what it was when it was written",
        code="strategy.models.changed",
        kind=ErrorKind.CONFLICT,
        seen=f"{model}/{file}",
        allowed="a file whose content has the hash that the table says",
        hint="train anew, or restore the snapshot from a copy",
    )
