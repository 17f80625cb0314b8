"""The key of tombstones: from the environment, from a file that it names, or from a file that is made beside the store.

Whoever loses it lets erased people back in, so it is checked against the tombstones before anything is read with it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cultiva.contracts.erased import Tombstones
from cultiva.execution.erasure.service import Erasures
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.parts import Parts

VARIABLE, FILE_VARIABLE = "CULTIVA_ERASURE_KEY", "CULTIVA_ERASURE_KEY_FILE"
OWN_FILE = ".cultiva/erasure.key"
"""Within the workspace, where nothing else is said."""
SHORTEST = 32
"""Characters: a shorter key could be guessed."""


def tombstones_of(parts: Parts) -> Tombstones | None:
    """The tombstones of a workspace with their key; None if nobody was ever erased.

    Raises:
        CultivaError: if there are some, and their key is not there or is another one.
    """
    erasures = Erasures(parts.store.database)
    rows = erasures.tombstones()
    if not rows:
        return None
    key = erasure_key(parts.root)
    erasures.refuse_other_key(key)
    return Tombstones(key, rows)


def erasure_key(root: Path, *, make: bool = False, environment: Mapping[str, str] | None = None) -> str:
    """The key.

    Args:
        root: The workspace's folder.
        make: Whether to make one where there is none: only before the first erasure.
        environment: Variables; None: those of the process.

    Raises:
        CultivaError: if there is none, or it is too short.
    """
    known = os.environ if environment is None else environment
    if known.get(VARIABLE):
        return _checked(known[VARIABLE], VARIABLE)
    named = known.get(FILE_VARIABLE)
    path = Path(named) if named else root / OWN_FILE
    if not path.exists() and make and not named:
        _make(path)
    try:
        return _checked(path.read_text(encoding="utf-8").strip(), str(path))
    except OSError as error:
        raise CultivaError(
            "the erasure key is not there",
            code="erasure.no_key",
            kind=ErrorKind.UNAVAILABLE,
            seen=str(path),
            allowed=f"{VARIABLE}, {FILE_VARIABLE}, or the file {OWN_FILE} of the workspace",
            hint="put it back: without it nobody knows who was erased, so nothing is taken in",
        ) from error


def _make(path: Path) -> None:
    """Writes a new key that only this account may read; of two who do so at once one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):  # the other one's key is as good
        os.link(draft, path)
    draft.unlink()


def _checked(key: str, where: str) -> str:
    if len(key) < SHORTEST:
        raise CultivaError(
            "the erasure key is too short",
            code="erasure.short_key",
            seen=f"{len(key)} characters in {where}",
            allowed=f"{SHORTEST} characters or more",
            hint="python -c 'import secrets; print(secrets.token_urlsafe(48))' makes one",
        )
    return key
