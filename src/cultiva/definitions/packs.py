"""Starter packs: folders of ready definitions that a bank copies and makes its own."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from cultiva.definitions.files import SETTINGS_FILE
from cultiva.definitions.schema import SCHEMA_FOLDER, write_schemas
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean

DEFAULT_PACK = "retail-bank"
"""The pack that `cultiva init` copies unless told otherwise."""
NAME_LENGTH = 63
"""Most characters of a workspace's name."""


def pack_names() -> list[str]:
    """The packs that come with Cultiva.

    Examples:
        >>> "retail-bank" in pack_names()
        True
    """
    folders = (entry for entry in _packs().iterdir() if entry.joinpath(SETTINGS_FILE).is_file())
    return sorted(folder.name.replace("_", "-") for folder in folders)


def init_workspace(target: Path, pack: str = DEFAULT_PACK) -> list[Path]:
    """Makes a workspace of a pack: its files under the workspace's own name, and the schemas for editors.

    Args:
        target: Folder to make; if it exists it must be empty.
        pack: Name of the pack.

    Returns:
        The files copied, relative to the target, in order.

    Raises:
        CultivaError: if there is no such pack, or the folder holds something.
    """
    if pack not in pack_names():
        raise CultivaError(
            "there is no such starter pack",
            code="definitions.unknown_pack",
            kind=ErrorKind.NOT_FOUND,
            seen=pack,
            allowed=", ".join(pack_names()),
            hint=did_you_mean(pack, pack_names()) or "choose one of these",
        )
    _require_empty(target)
    copied = list(_copied(_packs().joinpath(pack.replace("-", "_")), target, Path()))
    settings = target / SETTINGS_FILE
    written = settings.read_text(encoding="utf-8")
    named = re.sub(r'(?m)^name = "\w+"$', f'name = "{workspace_name(target)}"', written, count=1)
    settings.write_text(named, encoding="utf-8")
    write_schemas(target / SCHEMA_FOLDER)
    return copied


def workspace_name(target: Path) -> str:
    """A name for the workspace in a folder.

    Examples:
        >>> workspace_name(Path("/srv/My Bank-2")), workspace_name(Path("/srv/1"))
        ('my_bank_2', 'bank_1')
    """
    name = re.sub(r"[^a-z0-9]+", "_", target.resolve().name.lower()).strip("_")
    return (name if name[:1].isalpha() else f"bank_{name}".rstrip("_"))[:NAME_LENGTH]


def _packs() -> Traversable:
    return files("cultiva").joinpath("packs")


def _require_empty(target: Path) -> None:
    if target.is_dir() and any(target.iterdir()):
        found = sorted(path.name for path in target.iterdir())
        allowed, hint = "a folder that does not exist, or an empty one", "choose another folder"
    elif target.exists() and not target.is_dir():
        found, allowed, hint = ["a file"], "a folder that does not exist, or an empty one", "choose another name"
    else:
        return
    raise CultivaError(
        f"{target} is not empty",
        code="definitions.not_empty",
        kind=ErrorKind.CONFLICT,
        seen=", ".join(found[:5]),
        allowed=allowed,
        hint=hint,
    )


def _copied(source: Traversable, target: Path, inside: Path) -> list[Path]:
    """Copies a folder of the package; works from a zip too."""
    (target / inside).mkdir(parents=True, exist_ok=True)
    copied: list[Path] = []
    for entry in sorted(source.iterdir(), key=lambda found: found.name):
        if entry.name.startswith(("__", ".")):
            continue
        if entry.is_dir():
            copied += _copied(entry, target, inside / entry.name)
        else:
            (target / inside / entry.name).write_bytes(entry.read_bytes())
            copied.append(inside / entry.name)
    return copied
