"""A workspace's definitions, copied so that they can be flown on a simulated bank without touching the real one."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cultiva.definitions.files import SETTINGS_FILE
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.packs import init_workspace
from cultiva.definitions.schema import SCHEMA_FOLDER, write_schemas
from cultiva.definitions.workspace import Settings, Workspace
from cultiva.kit.errors import CultivaError, Faults

OWN = frozenset({".cultiva", "data", "reports", "simulation"})
"""Folders of a workspace that belong to its bank, not to its definitions."""
LISTS = "lists"
"""Files in it are definitions, folders are worklists that a run made."""
READS = ("sources", "identity.yaml", "events.yaml")
"""What says how deliveries become customers and events."""
DATA = "data"
"""The variable that says where the delivery is."""
_MARK = Path("/delivery")
_FAULTS_SHOWN = 5


def copy_definitions(source: Path, target: Path) -> None:
    """Copies a workspace's definitions; what does not read the simulated bank's files comes from the starter pack.

    The copy keeps the name, currency, timezone and language of the settings, and nothing of the bank's own engine, lake
    and store.

    Args:
        source: The workspace.
        target: The new folder.

    Raises:
        CultivaError: if definitions read what the simulated bank does not deliver.
    """
    reads = reads_simulated(source)
    settings = load_workspace(source).settings
    shutil.copytree(source, target, ignore=_left_out(source))
    (target / SETTINGS_FILE).write_text(_settings_text(settings), encoding="utf-8")
    write_schemas(target / SCHEMA_FOLDER)
    if not reads:
        with tempfile.TemporaryDirectory() as folder:
            pack = Path(folder) / "pack"
            init_workspace(pack)
            for name in READS:
                _replace(pack / name, target / name)
        _require_readable(target)


def reads_simulated(source: Path) -> bool:
    """Whether every file that a workspace's sources read is one that the simulated bank delivers."""
    if DATA not in load_workspace(source).settings.vars:
        return False
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "pack"
        init_workspace(pack)
        delivered = _files(load_workspace(pack, overrides={DATA: str(_MARK)}))
    return _files(load_workspace(source, overrides={DATA: str(_MARK)})) <= delivered


def _files(workspace: Workspace) -> set[tuple[str | None, str]]:
    """Path and kind of everything that the sources read."""
    return {(one.file, one.format.kind) for one in workspace.sources.inputs}


def _left_out(root: Path) -> Any:
    def ignored(folder: str, names: list[str]) -> Iterable[str]:
        here = Path(folder)
        if here == root:
            return OWN.intersection(names)
        return [name for name in names if here == root / LISTS and (here / name).is_dir()]

    return ignored


def _settings_text(settings: Settings) -> str:
    kept: Mapping[str, str] = {name: getattr(settings, name) for name in ("name", "currency", "timezone", "language")}
    variables = {DATA: DATA, **settings.vars}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in kept.items()]
    lines += ["", "[vars]", *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in variables.items())]
    return "\n".join(lines) + "\n"


def _replace(new: Path, old: Path) -> None:
    if old.is_dir():
        shutil.rmtree(old)
    if new.is_dir():
        shutil.copytree(new, old)
    else:
        old.unlink(missing_ok=True)
        if new.exists():
            shutil.copyfile(new, old)


def _require_readable(root: Path) -> None:
    """Says what the definitions read in vain, now that the sources are those of the starter pack."""
    try:
        load_workspace(root, overrides={DATA: str(_MARK)})
    except Faults as found:
        faults = [one for one in found.faults if not one.warning]
        shown = [
            f"{one.file.removeprefix(f'{root.as_posix()}/')}:{one.line} {one.message}: {one.seen}" for one in faults
        ]
        more = [f"and {len(shown) - _FAULTS_SHOWN} more"] if len(shown) > _FAULTS_SHOWN else []
        raise CultivaError(
            "these definitions read what the simulated bank does not deliver",
            code="simulation.not_delivered",
            seen="; ".join([*shown[:_FAULTS_SHOWN], *more]),
            allowed="canonical tables, and the columns and events of the starter pack's sources/ and events.yaml",
            hint="copy the workspace, take these definitions out of the copy or change them, and fly the copy",
        ) from found
